//! The first look at a file: all of it is read before anything is done, so that a fault at its end is told at the
//! beginning, and its encoding is known and not guessed from a piece.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::decode::{CHUNK, Decoded, Hashing, Malformed};
use super::scan::{self, Scan};
use super::{Error, Result, sheet};

/// What a file is.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Where it is.
    pub path: PathBuf,
    /// How it is written.
    pub form: Form,
    /// Rows below the header.
    pub rows: u64,
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
        /// The sheet that is read: the first visible one.
        sheet: String,
    },
}

impl Form {
    /// Its name, by which two imports are told apart: it must not change.
    pub fn name(&self) -> String {
        match self {
            Self::Csv { encoding, delimiter } => format!("csv {} {delimiter}", encoding.name()),
            Self::Xlsx { sheet } => format!("xlsx {sheet}"),
        }
    }
}

/// What somebody says about a file; what is left out is found out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// The encoding.
    pub encoding: Option<&'static Encoding>,
    /// The delimiter.
    pub delimiter: Option<u8>,
}

impl Survey {
    /// Reads a file to its end.
    ///
    /// # Errors
    /// Where it cannot be read, or is no table that can be imported.
    pub fn of(path: &Path, said: Said) -> Result<Self> {
        let mut file = File::open(path).map_err(|error| Error::file(path, error))?;
        let about = file.metadata().map_err(|error| Error::file(path, error))?;
        if !about.is_file() {
            return Err(Error::file(path, "this is no file; it must be one, since it is read twice"));
        }
        let mut start = [0; 4];
        let count = read_full(&mut file, &mut start).map_err(|error| Error::file(path, error))?;
        let (form, rows, (bytes, hash)) = if &start[..count] == b"PK\x03\x04" {
            let (sheet, rows) = sheet::look(path)?;
            let mut hashing = open(path)?;
            hashing.drain().map_err(|error| Error::file(path, error))?;
            (Form::Xlsx { sheet }, rows, hashing.sum())
        } else {
            survey_csv(path, &start[..count], said)?
        };
        if rows == 0 {
            let text = if bytes == 0 { "the file is empty" } else { "the file has no header" };
            return Err(Error::file(path, text));
        }
        let modified = about.modified().ok();
        Ok(Self { path: path.to_owned(), form, rows: rows - 1, bytes, hash, modified })
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
}

/// Opens a file to read it with its hash.
pub fn open(path: &Path) -> Result<Hashing<File>> {
    File::open(path).map(Hashing::new).map_err(|error| Error::file(path, error))
}

type Surveyed = (Form, u64, (u64, [u8; 32]));

fn survey_csv(path: &Path, start: &[u8], said: Said) -> Result<Surveyed> {
    let marked = Encoding::for_bom(start).map(|(encoding, _)| encoding);
    let (encoding, sure) = match said.encoding.or(marked) {
        Some(encoding) => (encoding, true),
        None => (UTF_8, false),
    };
    match walk(path, encoding, said.delimiter) {
        Ok(surveyed) => Ok(surveyed),
        Err(Fault::Told(error)) => Err(error),
        Err(Fault::Malformed(line, malformed)) if sure || malformed.was_right => {
            let text =
                format!("line {line}: {malformed}, and all before it is; say which it is with --encoding");
            Err(Error::file(path, text))
        }
        Err(Fault::Malformed(..)) => match walk(path, WINDOWS_1252, said.delimiter) {
            Ok(surveyed) => Ok(surveyed),
            Err(Fault::Told(error)) => Err(error),
            Err(Fault::Malformed(_, malformed)) => Err(Error::file(path, malformed)),
        },
    }
}

enum Fault {
    Told(Error),
    Malformed(u64, Malformed),
}

fn walk(
    path: &Path,
    encoding: &'static Encoding,
    delimiter: Option<u8>,
) -> std::result::Result<Surveyed, Fault> {
    let mut text = Decoded::new(open(path).map_err(Fault::Told)?, encoding);
    let mut buffer = vec![0; CHUNK];
    let mut scan: Option<Scan> = None;
    loop {
        let line = scan.as_ref().map_or(1, Scan::line);
        let count = text.read(&mut buffer).map_err(|error| fault(path, line, error))?;
        let piece = &buffer[..count];
        let scan = scan.get_or_insert_with(|| {
            let beginning = String::from_utf8_lossy(piece);
            Scan::new(delimiter.unwrap_or_else(|| scan::delimiter(&beginning)))
        });
        if scan.line() == 1 && piece.iter().filter(|byte| **byte == 0).count() * 4 > count {
            let text = "the file looks like UTF-16 without a byte order mark; say which with --encoding";
            return Err(Fault::Told(Error::file(path, text)));
        }
        let done = if count == 0 { scan.finish() } else { scan.feed(piece) };
        done.map_err(|error| Fault::Told(Error::file(path, error)))?;
        if count == 0 {
            let form = Form::Csv { encoding, delimiter: scan.delimiter() };
            return Ok((form, scan.records(), text.inner().sum()));
        }
    }
}

fn fault(path: &Path, line: u64, error: std::io::Error) -> Fault {
    match error.downcast::<Malformed>() {
        Ok(malformed) => Fault::Malformed(line, malformed),
        Err(error) => Fault::Told(Error::file(path, error)),
    }
}

fn read_full(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let count = file.take(buffer.len() as u64).read(buffer)?;
    file.rewind()?;
    Ok(count)
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
        assert_eq!(Form::Xlsx { sheet: "People".to_owned() }.name(), "xlsx People");
    }
}
