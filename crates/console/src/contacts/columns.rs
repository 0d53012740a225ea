//! The columns of the table of contacts, and what stands in them. Pure.

use domain::contact::document::Document;
use domain::contact::field::{Field, Group, Key, Kind};
use domain::contact::record::Malformed;
use domain::id::ObjectId;
use domain::journal::ContactNo;
use domain::sort::By;
use storage::{Contact, List};
use web::translate::t;
use wire::contact::show_field;

use crate::contact::form::text;

/// The columns that are shown where nobody has chosen any.
const DEFAULT: [&str; 6] = ["name", "email", "phoneNumber", "userId", "active", "updatedAt"];

/// The parts of the form, in the order in which the columns of their fields stand.
const PARTS: [Group; 5] = [Group::Name, Group::Identifiers, Group::Channels, Group::About, Group::Links];

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// A field.
    Field(Field),
    /// The name of the source.
    Source,
    /// A variable of the list, by its number.
    Variable(u32),
    /// When the contact was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the cookie and in the form that picks columns.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// What stands in it.
    pub shows: Shows,
    /// Whether it is picked.
    pub picked: bool,
}

impl Column {
    /// By what its head sorts the list, if by anything.
    pub const fn sorts(&self) -> Option<By> {
        match self.shows {
            Shows::Field(Field::Name) => Some(By::Name),
            Shows::Field(Field::Email) => Some(By::Email),
            Shows::Field(Field::ContactScore) => Some(By::Score),
            Shows::CreatedAt => Some(By::Created),
            Shows::UpdatedAt => Some(By::Changed),
            _ => None,
        }
    }
}

/// A contact in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The contact's public id.
    pub id: ObjectId,
    /// What it is called, see [`called`].
    pub called: String,
    /// What stands in the columns that are picked, in their order.
    pub cells: Vec<Cell>,
    /// Why addresses of the contact are suppressed; empty where none is.
    pub suppressed: String,
}

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What the column is called: on narrow screens it stands beside the text.
    pub label: String,
    /// The text.
    pub text: String,
    /// `Some` where it is a flag that is on or off.
    pub flag: Option<bool>,
    /// Whether it is a time.
    pub is_time: bool,
}

/// All columns that a list can have; `picked` are the names of those to show, as [`cookie`] writes them.
pub fn columns(list: &List, picked: Option<&str>) -> Vec<Column> {
    let picked: Vec<_> = match picked.filter(|picked| !picked.is_empty()) {
        Some(picked) => picked.split('.').collect(),
        None => DEFAULT.to_vec(),
    };
    let column = |name: String, label: String, shows| Column {
        picked: picked.contains(&name.as_str()),
        name,
        label,
        shows,
    };
    let mut columns = Vec::new();
    let fields = |part| Field::ALL.into_iter().filter(move |field| field.group() == Some(part));
    for field in PARTS.into_iter().flat_map(fields) {
        let label = if Field::FLAGS[1..].contains(&field) {
            t("{label} channel").with("label", t(field.label())).to_string()
        } else {
            t(field.label()).to_string()
        };
        columns.push(column(field.name().to_owned(), label, Shows::Field(field)));
    }
    columns.push(column("source".to_owned(), t("Source").to_string(), Shows::Source));
    for variable in &list.variables {
        let (name, label) = (format!("variables:{}", variable.name), variable.name.clone());
        columns.push(column(name, label, Shows::Variable(variable.number)));
    }
    columns.push(column("createdAt".to_owned(), t("Added (UTC)").to_string(), Shows::CreatedAt));
    columns.push(column("updatedAt".to_owned(), t("Changed (UTC)").to_string(), Shows::UpdatedAt));
    columns
}

/// What the cookie says of columns that were chosen; those that the list does not have are left out.
pub fn cookie<'n>(list: &List, chosen: impl Iterator<Item = &'n str>) -> String {
    let all = columns(list, None);
    let known: Vec<_> = chosen.filter(|name| all.iter().any(|column| column.name == *name)).collect();
    known.join(".")
}

/// A contact in the table.
///
/// # Errors
/// [`Malformed`] where it does not read.
pub fn row(list: &List, columns: &[Column], number: ContactNo, contact: &Contact) -> Result<Row, Malformed> {
    let document = Document::read(&contact.document)?;
    let mut cells = Vec::new();
    for column in columns.iter().filter(|column| column.picked) {
        let (text, flag) = cell(column.shows, &document, contact)?;
        let is_time = matches!(column.shows, Shows::CreatedAt | Shows::UpdatedAt);
        cells.push(Cell { label: column.label.clone(), text, flag, is_time });
    }
    let id = ObjectId::of_contact(list.id, number.0);
    Ok(Row {
        id,
        called: called(&document)?.unwrap_or_else(|| id.to_string()),
        cells,
        suppressed: String::new(),
    })
}

/// What a contact is called: its name, else its first and last name, else the first that it has of its identifiers.
///
/// # Errors
/// [`Malformed`] where it does not read.
pub fn called(document: &Document<'_>) -> Result<Option<String>, Malformed> {
    document.called()
}

fn cell(
    shows: Shows,
    document: &Document<'_>,
    contact: &Contact,
) -> Result<(String, Option<bool>), Malformed> {
    let plain = |text: String| (text, None);
    Ok(match shows {
        Shows::Field(field) => {
            let stored = document.get(field.key())?;
            match field.kind() {
                Some(Kind::Flag) if stored.is_some() => (t("yes").to_string(), Some(true)),
                Some(Kind::Flag) => (t("no").to_string(), Some(false)),
                Some(Kind::Gender) if stored.is_none() => plain(String::new()),
                _ => plain(text(&show_field(field, stored)?)),
            }
        }
        Shows::Source => plain(contact.source.as_ref().map(|source| source.name.clone()).unwrap_or_default()),
        Shows::Variable(number) => {
            let stored = document.get(Key::of_variable(number))?.unwrap_or_default();
            plain(shortened(std::str::from_utf8(stored).map_err(|_| Malformed)?))
        }
        Shows::CreatedAt => plain(document.header.created_at.to_string()),
        Shows::UpdatedAt => plain(document.header.updated_at.to_string()),
    })
}

/// A variable may have 10,000 characters; a cell has room for some.
fn shortened(text: &str) -> String {
    const ROOM: usize = 120;
    match text.char_indices().nth(ROOM) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use domain::clock::Timestamp;
    use domain::contact::document::Header;
    use domain::contact::record::put_entry;
    use domain::journal::{AccountNo, ListNo};
    use storage::{ListAbout, Variable, VariableKind};

    fn list() -> List {
        let city = Variable { number: 0, name: "city".to_owned(), kind: VariableKind::String };
        let id = ObjectId::from_bytes([7; 12]);
        List::new(ListNo(1), id, AccountNo(1), ListAbout::default(), vec![city])
    }

    fn contact(fields: &[(Key, &[u8])]) -> Contact {
        let time = Timestamp::from_millis(1_791_993_600_000);
        let mut document = Vec::new();
        Header { created_at: time, updated_at: time, renamed_at: 0, changed_at: 0 }.put(&mut document);
        for (key, value) in fields {
            put_entry(&mut document, *key, value);
        }
        Contact { document, source: None, source_cac: None }
    }

    fn cells(row: &Row) -> Vec<&str> {
        row.cells.iter().map(|cell| cell.text.as_str()).collect()
    }

    #[test]
    fn columns_are_those_that_were_picked_in_the_order_of_all() {
        let list = list();
        let cookie = cookie(&list, ["variables:city", "email", "nonsense", "active"].into_iter());
        assert_eq!(cookie, "variables:city.email.active");
        let columns = columns(&list, Some(&cookie));
        let email = (Field::Email.key(), &b"a@example.com"[..]);
        let long = "x".repeat(200);
        let contact = contact(&[email, (Field::Active.key(), &[1]), (Key::of_variable(0), long.as_bytes())]);
        let row = row(&list, &columns, ContactNo(1), &contact).expect("a contact");
        assert_eq!(cells(&row), ["a@example.com", "yes", &format!("{}…", "x".repeat(120))]);
        assert_eq!(row.cells[1].flag, Some(true));
        assert_eq!(row.called, "a@example.com");
    }

    #[test]
    fn each_field_of_the_table_is_a_column_and_can_be_filtered_by() {
        let columns = columns(&list(), None);
        let choices = crate::contacts::builder::fields(&list(), &[]);
        #[cfg(feature = "extra-field")]
        assert!(Field::ALL.contains(&Field::Nickname));
        for field in Field::ALL.into_iter().filter(|field| field.group().is_some()) {
            assert!(columns.iter().any(|column| column.shows == Shows::Field(field)), "{field:?}");
            assert!(choices.iter().any(|choice| choice.name == field.name()), "{field:?}");
        }
    }

    #[test]
    fn where_nobody_has_picked_any_there_are_some() {
        let list = list();
        for picked in [None, Some("")] {
            let columns = columns(&list, picked);
            let row = row(&list, &columns, ContactNo(1), &contact(&[])).expect("a contact");
            assert_eq!(cells(&row), ["", "", "", "", "no", "2026-10-14 16:00:00"]);
            assert_eq!(row.called, "070707070707070000000001".to_owned());
        }
    }
}
