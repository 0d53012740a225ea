//! The first look at a file: all of it is read before anything is done, so that a fault at its end is told at the
//! beginning, and its encoding is known and not guessed from a piece.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::decode::{CHUNK, Decoded, Hashing, Malformed, Trimmed};
use super::guess::guess;
use super::kind::{self, Kind, kind};
use super::layout::{self, Header, Said};
use super::packed::{self, Packing};
use super::scan::{self, Scan};
use super::sheet::binary::Binary;
use super::table::Go;
use super::unpack::{self, Unpack};
use super::{Error, Result, sheet, vcard};

/// What a file is.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Where it is.
    pub path: PathBuf,
    /// How it is written.
    pub form: Form,
    /// How it is packed.
    pub packing: Packing,
    /// Where the names of its columns are.
    pub header: Header,
    /// The first line of the table: those before it are no rows.
    pub from: u64,
    /// Rows below the header.
    pub rows: u64,
    /// What speaks against the encoding that is taken, if it was guessed.
    pub doubt: Option<String>,
    /// Whether the encoding was guessed.
    pub guessed: bool,
    /// The sheets of a workbook that people see.
    pub sheets: Vec<String>,
    /// A column whose cells hold columns of their own.
    pub unpack: Option<Unpack>,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub hash: [u8; 32],
    modified: Option<SystemTime>,
}

/// How a table is written.
#[derive(Clone, Debug)]
pub enum Form {
    /// Lines of text.
    Csv {
        /// The encoding.
        encoding: &'static Encoding,
        /// What stands between the cells.
        delimiter: u8,
    },
    /// A workbook.
    Xlsx {
        /// The sheet that is read.
        sheet: String,
        /// Whether there are formulas: each is looked at, whether it has a result.
        formulas: bool,
    },
    /// A binary workbook.
    Binary {
        /// Which kind.
        kind: Binary,
        /// The sheet that is read.
        sheet: String,
    },
    /// An OpenDocument spreadsheet.
    Ods {
        /// The sheet that is read.
        sheet: String,
    },
    /// An address book.
    Vcard {
        /// The encoding of values that do not say theirs and are not UTF-8.
        encoding: &'static Encoding,
    },
}

impl Form {
    /// Its name, by which two imports are told apart: it must not change.
    pub fn name(&self) -> String {
        match self {
            Self::Csv { encoding, delimiter } => format!("csv {} {delimiter}", encoding.name()),
            Self::Xlsx { sheet, .. } => format!("xlsx {sheet}"),
            Self::Binary { kind: Binary::Xls, sheet } => format!("xls {sheet}"),
            Self::Binary { kind: Binary::Xlsb, sheet } => format!("xlsb {sheet}"),
            Self::Ods { sheet } => format!("ods {sheet}"),
            Self::Vcard { encoding } => format!("vcard {}", encoding.name()),
        }
    }

    /// The same for people.
    pub fn shown(&self) -> String {
        match self {
            Self::Csv { encoding, delimiter } => {
                format!("{}, {} between cells", encoding.name(), layout::separator_name(*delimiter))
            }
            Self::Xlsx { sheet, .. } => format!("XLSX, sheet \"{}\"", shortened(sheet)),
            Self::Binary { kind: Binary::Xls, sheet } => format!("XLS, sheet \"{}\"", shortened(sheet)),
            Self::Binary { kind: Binary::Xlsb, sheet } => format!("XLSB, sheet \"{}\"", shortened(sheet)),
            Self::Ods { sheet } => format!("ODS, sheet \"{}\"", shortened(sheet)),
            Self::Vcard { .. } => "an address book (vCard)".to_owned(),
        }
    }
}

fn shortened(sheet: &str) -> String {
    let mut letters = sheet.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut text: String = letters.by_ref().take(60).collect();
    if letters.next().is_some() {
        text.push('…');
    }
    text
}

/// A table as it was looked through.
pub struct Looked {
    form: Form,
    /// Its rows, the header among them.
    rows: u64,
    from: u64,
    /// The length and the hash of the file.
    sum: (u64, [u8; 32]),
}

impl Survey {
    /// Reads a file to its end.
    ///
    /// # Errors
    /// Where it cannot be read, or is no table that can be imported.
    pub fn of(path: &Path, said: &Said) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::file(path, error))?;
        let about = file.metadata().map_err(|error| Error::file(path, error))?;
        if !about.is_file() {
            return Err(Error::file(path, "this is no file; it must be one, since it is read twice"));
        }
        let (mut guessed, mut doubt, mut sheets) = (false, None, Vec::new());
        let (mut kind, mut packing, mut header) = (kind(path)?, Packing::Plain, said.header);
        if kind == Kind::Gzip {
            packing = Packing::Gzip;
        } else if kind == Kind::Zip {
            (packing, sheets) = packed::member(path, said.sheet.as_deref(), said.accept_doubt)?;
        }
        if packing != Packing::Plain {
            kind = kind::unpacked(path, packing.open(path)?)?;
        }
        let hash = || -> Result<(u64, [u8; 32])> {
            let mut hashing = open(path)?;
            hashing.drain().map_err(|error| Error::file(path, error))?;
            Ok(hashing.sum())
        };
        let looked = match kind {
            Kind::Xlsx => {
                let looked = sheet::look(path, said.sheet.as_deref(), said.header.from())?;
                sheets = looked.sheets;
                let form = Form::Xlsx { sheet: looked.sheet, formulas: looked.formulas };
                Looked { form, rows: looked.rows, from: said.header.from(), sum: hash()? }
            }
            Kind::Binary(kind) => {
                let looked = sheet::binary::look(path, kind, said.sheet.as_deref(), said.header.from())?;
                sheets = looked.sheets;
                let form = Form::Binary { kind, sheet: looked.sheet };
                Looked { form, rows: looked.rows, from: said.header.from(), sum: hash()? }
            }
            Kind::Ods => {
                let looked = sheet::ods::look(path, said.sheet.as_deref(), said.header.from())?;
                sheets = looked.sheets;
                let form = Form::Ods { sheet: looked.sheet };
                Looked { form, rows: looked.rows, from: said.header.from(), sum: hash()? }
            }
            Kind::Vcard => {
                header = Header::First;
                let encoding = said.encoding().unwrap_or(WINDOWS_1252);
                let (mut rows, source) = (0, packing.open(path)?);
                vcard::each_row(source, encoding, &mut |_| {
                    rows += 1;
                    Ok(Go::On)
                })
                .map_err(|error| Error::file(path, error))?;
                Looked { form: Form::Vcard { encoding }, rows, from: 1, sum: hash()? }
            }
            _ => survey_csv(path, &packing, said, &mut guessed, &mut doubt)?,
        };
        let Looked { form, rows, from, sum: (bytes, hash) } = looked;
        if rows == 0 {
            let text = if bytes == 0 { "the file is empty" } else { "the file has no header" };
            return Err(Error::file(path, text));
        }
        let rows = if header == Header::None { rows } else { rows - 1 };
        let modified = about.modified().ok();
        let (path, unpack) = (path.to_owned(), None);
        let mut survey = Self {
            path,
            form,
            packing,
            header,
            from,
            rows,
            doubt,
            guessed,
            sheets,
            unpack,
            bytes,
            hash,
            modified,
        };
        if matches!(survey.form, Form::Csv { .. }) {
            survey.unpack = unpack::find(&survey)?;
        }
        Ok(survey)
    }

    /// Whether the file looks as it did: a cheap look while it is read; the hash at its end is certain.
    ///
    /// # Errors
    /// Where it has changed.
    pub fn still_holds(&self) -> Result<()> {
        let about = std::fs::metadata(&self.path).map_err(|error| Error::file(&self.path, error))?;
        if about.len() == self.bytes && about.modified().ok() == self.modified {
            Ok(())
        } else {
            Err(self.changed())
        }
    }

    /// What is told where the file has changed.
    pub fn changed(&self) -> Error {
        let text = "the file was changed while it was read; what was read before that is imported";
        Error::Changed(format!("{}: {text}", self.path.display()))
    }

    /// How the file is written, for people; a guess is named.
    pub fn shown(&self) -> String {
        let guess = if self.guessed { " (guessed)" } else { "" };
        let packed = match &self.packing {
            Packing::Plain => String::new(),
            Packing::Gzip => ", in a gzip archive".to_owned(),
            Packing::Zip { name, .. } => format!(", \"{}\" in a zip archive", shortened(name)),
        };
        let form = match &self.form {
            Form::Csv { encoding, delimiter } => {
                format!("{}{guess}, {} between cells", encoding.name(), layout::separator_name(*delimiter))
            }
            form => form.shown(),
        };
        form + &packed
    }
}

/// Opens a file to read it with its hash.
pub fn open(path: &Path) -> Result<Hashing<File>> {
    File::open(path).map(Hashing::new).map_err(|error| Error::file(path, error))
}

fn survey_csv(
    path: &Path,
    packing: &Packing,
    said: &Said,
    guessed: &mut bool,
    doubt: &mut Option<String>,
) -> Result<Looked> {
    let mut start = Vec::new();
    packing.open(path)?.take(4).read_to_end(&mut start).map_err(|error| Error::file(path, error))?;
    let marked = Encoding::for_bom(&start).map(|(encoding, _)| encoding);
    let (encoding, sure) = match said.encoding().or(marked) {
        Some(encoding) => (encoding, true),
        None => (UTF_8, false),
    };
    match walk(path, packing, encoding, said) {
        Ok(looked) => return Ok(looked),
        Err(Fault::Message(error)) => return Err(error),
        Err(Fault::Malformed(line, malformed)) if sure || malformed.was_right => {
            let text = format!("line {line}: {malformed}, and all before it is");
            if sure || !said.accept_doubt {
                return Err(Error::file(path, format!("{text}; say which it is with --encoding")));
            }
            *doubt = Some(text);
        }
        Err(Fault::Malformed(..)) => {}
    }
    let guess = guess(packing.open(path)?).map_err(|error| Error::file(path, error))?;
    if let Some(doubt) = guess.doubt.as_ref().filter(|_| !said.accept_doubt) {
        return Err(Error::file(path, format!("{doubt}; say which it is with --encoding")));
    }
    *guessed = true;
    *doubt = doubt.take().or(guess.doubt);
    match walk(path, packing, guess.encoding, said) {
        Ok(looked) => Ok(looked),
        Err(Fault::Message(error)) => Err(error),
        Err(Fault::Malformed(line, malformed)) => {
            let text =
                format!("line {line}: {malformed}, which is the best guess; say which it is with --encoding");
            Err(Error::file(path, text))
        }
    }
}

enum Fault {
    Message(Error),
    Malformed(u64, Malformed),
}

fn walk(
    path: &Path,
    packing: &Packing,
    encoding: &'static Encoding,
    said: &Said,
) -> std::result::Result<Looked, Fault> {
    let mut text = Trimmed::new(Decoded::new(packing.open(path).map_err(Fault::Message)?, encoding));
    let mut buffer = vec![0; CHUNK];
    let (mut scan, mut from): (Option<Scan>, u64) = (None, said.header.from());
    loop {
        let line = scan.as_ref().map_or(1, Scan::line);
        let count = text.read(&mut buffer).map_err(|error| fault(path, line, error))?;
        let piece = &buffer[..count];
        let scan = scan.get_or_insert_with(|| {
            let beginning = String::from_utf8_lossy(piece);
            let named = layout::separator(&beginning);
            from = from.max(if named.is_some() { 2 } else { 1 });
            let said = said.delimiter.and_then(|said| u8::try_from(said).ok());
            Scan::new(said.or(named).unwrap_or_else(|| scan::delimiter(&beginning, from)), from)
        });
        if scan.line() == 1 && piece.iter().filter(|byte| **byte == 0).count() * 4 > count {
            let text = "the file looks like UTF-16 without a byte order mark; say which with --encoding";
            return Err(Fault::Message(Error::file(path, text)));
        }
        let done = if count == 0 { scan.finish() } else { scan.feed(piece) };
        done.map_err(|error| Fault::Message(Error::file(path, error)))?;
        if count == 0 {
            let form = Form::Csv { encoding, delimiter: scan.delimiter() };
            let sum = text.inner().inner().sum().map_err(|error| Fault::Message(Error::file(path, error)))?;
            return Ok(Looked { form, rows: scan.rows(), from, sum });
        }
    }
}

fn fault(path: &Path, line: u64, error: std::io::Error) -> Fault {
    match error.downcast::<Malformed>() {
        Ok(malformed) => Fault::Malformed(line, malformed),
        Err(error) => Fault::Message(Error::file(path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An import that was stopped is found again by these names, so a release must not change them.
    #[test]
    fn the_name_of_a_form_is_promised() {
        let csv = |encoding, delimiter| Form::Csv { encoding, delimiter }.name();
        assert_eq!(csv(UTF_8, b','), "csv UTF-8 44");
        assert_eq!(csv(WINDOWS_1252, b'\t'), "csv windows-1252 9");
        assert_eq!(Form::Xlsx { sheet: "People".to_owned(), formulas: true }.name(), "xlsx People");
    }
}
