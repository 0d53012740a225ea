//! What the styles of an .xlsb do to numbers: its dates are numbers with a format of dates.

use std::collections::HashMap;
use std::io::{self, Read};

use super::records::{Records, short, text};
use crate::sheet::cell::{NumberForm, is_elapsed};
use crate::sheet::xls_formats::has_date;

/// Formats and styles that a workbook may have; a spreadsheet has at most 65,490.
const MAX: usize = 66_000;

/// What a number of a style is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A number.
    Number,
    /// A date, a time, or both.
    Date,
    /// A length of time.
    Elapsed,
}

/// What a style does to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// How it is shown.
    pub form: NumberForm,
    /// What it is.
    pub meaning: Meaning,
}

impl Style {
    fn of(code: &str) -> Self {
        let meaning = match (is_elapsed(code), has_date(code)) {
            (true, _) => Meaning::Elapsed,
            (false, true) => Meaning::Date,
            (false, false) => Meaning::Number,
        };
        Self { form: NumberForm::of(code), meaning }
    }
}

/// Reads the styles of cells, in their order.
///
/// # Errors
/// The part does not read.
pub fn read(stream: impl Read) -> io::Result<Vec<Style>> {
    let mut records = Records::new(stream);
    let (mut codes, mut styles, mut of_cells) = (HashMap::new(), Vec::new(), false);
    while records.next()? {
        match records.kind {
            // BrtFmt: the number of a format, and its code.
            44 => {
                let code = text(&records.body, 2)?.0.unwrap_or_default();
                codes.insert(short(&records.body, 0)?, code);
            }
            // BrtBeginCellXFs and BrtEndCellXFs: those of named styles stand elsewhere.
            617 => of_cells = true,
            618 => break,
            // BrtXF.
            47 if of_cells => {
                let format = short(&records.body, 2)?;
                styles.push(Style::of(codes.get(&format).map_or_else(|| built_in(format), String::as_str)));
            }
            _ => {}
        }
        if codes.len() > MAX || styles.len() > MAX {
            return Err(io::Error::other("the workbook has too many formats: save it as CSV"));
        }
    }
    Ok(styles)
}

/// The code of a format that no file gives (ECMA-376, part 1, 18.8.30).
const fn built_in(format: u16) -> &'static str {
    match format {
        9 => "0%",
        10 => "0.00%",
        14..=17 | 27..=31 | 34..=36 | 50..=58 => "yyyy-mm-dd",
        18..=21 | 32 | 33 | 45 | 47 => "h:mm",
        22 => "yyyy-mm-dd h:mm",
        46 => "[h]:mm:ss",
        _ => "General",
    }
}
