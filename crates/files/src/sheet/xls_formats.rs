//! The formats of numbers in an .xls (BIFF8, [MS-XLS]): the reader of cells does not tell them. Formats of BIFF5 are not
//! read.

use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::cell::NumberForm;

/// A place of a cell: its row and column.
type Place = (u32, u32);

/// The forms of the cells of a sheet that are not shown by their value alone, and the cells with a format that is no date
/// though its number is one of East Asian dates: Gnumeric numbers its own formats so.
#[derive(Debug, Default)]
pub struct Forms {
    forms: HashMap<Place, NumberForm>,
    numbers: HashSet<Place>,
    /// Whether they could be read.
    pub known: bool,
}

impl Forms {
    /// The form of a cell.
    pub fn of(&self, place: Place) -> &NumberForm {
        self.forms.get(&place).unwrap_or(&NumberForm::Plain)
    }

    /// Whether a cell that is taken for a date is a number.
    pub fn is_number(&self, place: Place) -> bool {
        self.numbers.contains(&place)
    }
}

/// What a style does to a number.
#[derive(Clone, Debug)]
struct Style {
    form: NumberForm,
    /// Whether the file gives the format itself, and it has no part of a date or a time.
    is_number: bool,
}

/// Reads the formats of a sheet from the stream of a workbook. What does not read has none.
///
/// # Errors
/// The stream cannot be read.
pub fn read(stream: impl Read + Seek, sheet: &str) -> std::io::Result<Forms> {
    let mut records = Records { stream: BufReader::new(stream), kind: 0, body: Vec::new() };
    let (mut codes, mut styles, mut begin) = (HashMap::new(), Vec::new(), None);
    let mut first = true;
    while records.next()? {
        let body = &records.body;
        match records.kind {
            // The globals begin. Other versions have other records.
            0x0809 if first && number(body, 0) != Some(0x0600) => return Ok(Forms::default()),
            0x0809 | 0x0009 | 0x0209 | 0x0409 if !first => break,
            0x000a => break,
            0x041e => {
                let code = number(body, 0).zip(body.get(2..).and_then(long_text));
                codes.extend(code);
            }
            0x00e0 => styles.push(number(body, 2).unwrap_or_default()),
            0x0085 if name(body).as_deref() == Some(sheet) => {
                begin = body.first_chunk::<4>().map(|begin| u32::from_le_bytes(*begin));
            }
            _ => {}
        }
        first = false;
    }
    let styles: Vec<_> = styles.into_iter().map(|format| style(format, &codes)).collect();
    let Some(begin) = begin else { return Ok(Forms::default()) };
    records.stream.seek(SeekFrom::Start(begin.into()))?;
    cells(&mut records, &styles)
}

fn style(format: u16, codes: &HashMap<u16, String>) -> Style {
    let own = codes.get(&format).map(String::as_str);
    let code = own.unwrap_or(match format {
        9 => "0%",
        10 => "0.00%",
        18..=21 | 45 | 47 => "h:mm",
        _ => "General",
    });
    Style { form: NumberForm::of(code), is_number: own.is_some_and(|code| !has_date(code)) }
}

/// Whether a format code shows a part of a date or a time.
pub fn has_date(code: &str) -> bool {
    let mut quoted = false;
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            '\\' | '_' | '*' => drop(letters.next()),
            // A colour or a locale, or elapsed time.
            '[' if !quoted => {
                let inside: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                if inside.chars().all(|letter| matches!(letter, 'h' | 'H' | 'm' | 'M' | 's' | 'S')) {
                    return true;
                }
            }
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' | 'e' | 'E' | 'g' | 'G' if !quoted => {
                // "General" and the exponent of a number are no dates.
                return !code.eq_ignore_ascii_case("general") && !code.contains("E+") && !code.contains("E-");
            }
            _ => {}
        }
    }
    false
}

/// The cells of a sheet up to its end.
fn cells(records: &mut Records<impl Read>, styles: &[Style]) -> std::io::Result<Forms> {
    let mut forms = Forms { known: true, ..Forms::default() };
    let mut begun = false;
    while records.next()? {
        let body = &records.body;
        match records.kind {
            0x0809 if begun => break,
            0x0809 => begun = true,
            0x000a => break,
            // A number, one in short, and a formula.
            0x0203 | 0x027e | 0x0006 => {
                forms.add(number(body, 0), number(body, 2).map(u32::from), number(body, 4), styles);
            }
            // Several short ones: the row, the first column, a style and a number each, the last column.
            0x00bd => {
                let row = number(body, 0);
                let cells = body.get(4..).unwrap_or_default().chunks_exact(6);
                for (cell, column) in cells.zip(u32::from(number(body, 2).unwrap_or_default())..) {
                    forms.add(row, Some(column), number(cell, 0), styles);
                }
            }
            _ => {}
        }
    }
    Ok(forms)
}

impl Forms {
    fn add(&mut self, row: Option<u16>, column: Option<u32>, style: Option<u16>, styles: &[Style]) {
        let (Some(row), Some(column), Some(style)) = (row, column, style) else { return };
        let Some(Style { form, is_number }) = styles.get(usize::from(style)) else { return };
        let place = (row.into(), column);
        if *form != NumberForm::Plain {
            self.forms.insert(place, form.clone());
        }
        if *is_number {
            self.numbers.insert(place);
        }
    }
}

/// The records of a stream.
struct Records<R> {
    stream: BufReader<R>,
    kind: u16,
    body: Vec<u8>,
}

impl<R: Read> Records<R> {
    /// Reads the next one; `false` at the end.
    fn next(&mut self) -> std::io::Result<bool> {
        let mut head = [0; 4];
        if !super::binary::fill(&mut self.stream, &mut head)? {
            return Ok(false);
        }
        let [a, b, c, d] = head;
        self.kind = u16::from_le_bytes([a, b]);
        self.body.resize(u16::from_le_bytes([c, d]).into(), 0);
        super::binary::fill(&mut self.stream, &mut self.body)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.first_chunk::<2>().map(|bytes| u16::from_le_bytes(*bytes))
}

/// The name of a sheet: behind its place, its state and its kind, with a length of one byte.
fn name(body: &[u8]) -> Option<String> {
    let count = usize::from(*body.get(6)?);
    letters(count, body.get(7..)?)
}

/// A text with a length of two bytes.
fn long_text(bytes: &[u8]) -> Option<String> {
    letters(number(bytes, 0)?.into(), bytes.get(2..)?)
}

/// So many letters behind a byte that says how wide they are.
fn letters(count: usize, bytes: &[u8]) -> Option<String> {
    let (wide, bytes) = bytes.split_first()?;
    if wide & 1 == 0 {
        return Some(bytes.get(..count)?.iter().map(|byte| char::from(*byte)).collect());
    }
    let units = bytes.get(..count * 2)?.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn record(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap();
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), body].concat()
    }

    fn format(number: u16, code: &str) -> Vec<u8> {
        let length = u16::try_from(code.len()).unwrap();
        record(0x041e, &[&number.to_le_bytes()[..], &length.to_le_bytes(), &[0], code.as_bytes()].concat())
    }

    fn style_of(format: u16) -> Vec<u8> {
        record(0x00e0, &[&[0, 0][..], &format.to_le_bytes(), &[0; 16]].concat())
    }

    fn book(version: u16) -> Vec<u8> {
        let begin = record(0x0809, &[&version.to_le_bytes()[..], &[5, 0, 0, 0, 0, 0]].concat());
        let globals = [
            format(164, "0000"),
            format(50, "0.0 \"EUR\""),
            format(57, "yyyy"),
            style_of(164),
            style_of(50),
            style_of(57),
            style_of(9),
        ]
        .concat();
        let name = [&[0_u8; 6][..], &[3, 0], b"Two"].concat();
        let before = begin.len() + globals.len() + record(0x0085, &name).len() + record(0x000a, &[]).len();
        let place = u32::try_from(before).unwrap().to_le_bytes();
        let sheet = record(0x0085, &[&place[..], &name[4..]].concat());
        let cell = |row: u8, column: u8, style: u8| {
            record(0x0203, &[&[row, 0, column, 0, style, 0][..], &[0; 8]].concat())
        };
        let several = record(0x00bd, &[1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 6, 0]);
        let cells = [cell(0, 0, 0), cell(0, 1, 1), cell(0, 2, 2), cell(0, 3, 99), several].concat();
        [begin.clone(), globals, sheet, record(0x000a, &[]), begin, cells, record(0x000a, &[])].concat()
    }

    #[test]
    fn formats_of_numbers_are_found_by_cell() {
        let forms = read(Cursor::new(book(0x0600)), "Two").unwrap();
        assert!(forms.known);
        let padded = NumberForm::of("0000");
        assert_eq!(forms.of((0, 0)), &padded);
        assert_eq!((forms.of((0, 1)), forms.is_number((0, 1))), (&NumberForm::Plain, true));
        assert!(!forms.is_number((0, 2)), "a year is a date");
        assert_eq!(forms.of((0, 3)), &NumberForm::Plain, "a style that the file does not have");
        assert_eq!((forms.of((1, 5)), forms.of((1, 6))), (&padded, &NumberForm::Percent(0)));
        assert!(!read(Cursor::new(book(0x0600)), "Other").unwrap().known);
        assert!(!read(Cursor::new(book(0x0500)), "Two").unwrap().known);
    }

    #[test]
    fn a_file_that_is_cut_off_or_damaged_ends() {
        let whole = book(0x0600);
        for length in 0..whole.len() {
            read(Cursor::new(&whole[..length]), "Two").unwrap();
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0xff;
            read(Cursor::new(&damaged), "Two").unwrap();
        }
    }
}
