//! Remarks on rows that were imported all the same: values left out, marks read as empty, warnings of the
//! server. They are counted by their kind, with the first of each as an example.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most kinds of remarks; a column has few.
const MAX_KINDS: usize = 200;

/// A remark on a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The column, counted from 0; `None` if it is about the row.
    pub column: Option<usize>,
    /// What is told.
    pub what: What,
}

/// Kinds of notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The cell holds a mark that programs write for no value.
    TakenAsEmpty,
    /// A birthday without a year.
    NoYear,
    /// The value does not fit its field and was left out; why.
    LeftOut(String),
    /// Of several values the first was taken.
    FirstOfSeveral,
    /// A warning of the server: its code and text.
    Server(String, String),
}

impl What {
    const fn kind(&self) -> u8 {
        match self {
            Self::TakenAsEmpty => 0,
            Self::NoYear => 1,
            Self::LeftOut(_) => 2,
            Self::FirstOfSeveral => 3,
            Self::Server(..) => 4,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::TakenAsEmpty => "the cell holds NULL or a like mark, and counts as empty".to_owned(),
            Self::NoYear => "the birthday has no year, and was left out".to_owned(),
            Self::LeftOut(why) => format!("the value was left out: {why}"),
            Self::FirstOfSeveral => "the cell holds several values, and the first was imported".to_owned(),
            Self::Server(_, text) => text.clone(),
        }
    }
}

/// Notes of one kind about one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// How many there were.
    pub count: u64,
    /// The line of the first.
    pub line: u64,
    /// Remarks on it.
    pub text: String,
}

/// The notes of an import.
#[derive(Clone, Debug, Default)]
pub struct Notes(BTreeMap<(usize, u8, String), Counted>);

impl Notes {
    /// Counts a note; `name` says what the column is called.
    pub fn add<'a>(&mut self, line: u64, note: &Note, name: impl Fn(usize) -> Option<&'a str>) {
        let code = if let What::Server(code, _) = &note.what { code.clone() } else { String::new() };
        let key = (note.column.map_or(0, |column| column + 1), note.what.kind(), code);
        if let Some(known) = self.0.get_mut(&key) {
            known.count += 1;
        } else if self.0.len() < MAX_KINDS {
            let text = match note.column.and_then(name) {
                Some(name) => format!("column \"{name}\": {}", note.what.text()),
                None => note.what.text(),
            };
            self.0.insert(key, Counted { count: 1, line, text });
        }
    }

    /// Each kind, the columns in their order.
    pub fn all(&self) -> Vec<Counted> {
        self.0.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_counted_by_column_and_kind() {
        let mut notes = Notes::default();
        let name = |column| ["phone", "birthday"].get(column).copied();
        for (line, column, what) in [
            (2, Some(1), What::NoYear),
            (3, Some(0), What::LeftOut("it is short".to_owned())),
            (4, Some(1), What::NoYear),
            (5, Some(0), What::LeftOut("it is long".to_owned())),
            (6, None, What::Server("CODE".to_owned(), "hm".to_owned())),
        ] {
            notes.add(line, &Note { column, what }, name);
        }
        let told: Vec<_> = notes.all().into_iter().map(|note| (note.count, note.line, note.text)).collect();
        assert_eq!(
            told,
            [
                (1, 6, "hm".to_owned()),
                (2, 3, "column \"phone\": the value was left out: it is short".to_owned()),
                (2, 2, "column \"birthday\": the birthday has no year, and was left out".to_owned()),
            ]
        );
    }
}
