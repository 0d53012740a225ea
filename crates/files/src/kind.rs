//! The kind of a file, by its content: its name may be wrong.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zip::ZipArchive;

use super::sheet::binary::Binary;
use super::{Error, Result};

/// Bytes at the beginning that are looked at.
const START: usize = 4_096;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lines of text.
    Text,
    /// An address book of vCards.
    Vcard,
    /// An XLSX workbook.
    Xlsx,
    /// A binary workbook.
    Binary(Binary),
    /// An OpenDocument spreadsheet.
    Ods,
    /// A text that gzip has packed.
    Gzip,
    /// A zip archive.
    Zip,
}

/// Looks at a file.
///
/// # Errors
/// Where it cannot be read, or is something that has no rows of contacts: the text names it and says what to do.
pub fn kind(path: &Path) -> Result<Kind> {
    let told = |error: std::io::Error| Error::file(path, error);
    let mut file = File::open(path).map_err(told)?;
    let mut start = Vec::new();
    (&mut file).take(START as u64).read_to_end(&mut start).map_err(told)?;
    if start.starts_with(b"PK\x03\x04") {
        return zipped(path, file);
    }
    if start.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return match is_encrypted(&mut file).map_err(told)? {
            true => Err(named(path, "a password-protected workbook: remove the password, and save it again")),
            false => Ok(Kind::Binary(Binary::Xls)),
        };
    }
    if start.starts_with(b"\x1f\x8b") {
        return Ok(Kind::Gzip);
    }
    text_kind(path, &start)
}

/// Looks at the beginning of a text that was packed.
///
/// # Errors
/// As [`kind`].
pub fn unpacked(path: &Path, source: impl Read) -> Result<Kind> {
    let mut start = Vec::new();
    source.take(START as u64).read_to_end(&mut start).map_err(|error| Error::file(path, error))?;
    if start.starts_with(b"PK\x03\x04")
        || start.starts_with(b"\xd0\xcf\x11\xe0")
        || start.starts_with(b"\x1f\x8b")
    {
        return Err(Error::file(path, "the archive holds a workbook or another archive: unpack it first"));
    }
    text_kind(path, &start)
}

fn text_kind(path: &Path, start: &[u8]) -> Result<Kind> {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let save = "open it in a spreadsheet program and save it as .xlsx or CSV";
    let what = if begins("%PDF-") {
        "a PDF document: export the table as CSV or .xlsx"
    } else if begins("{\\rtf") {
        "a text document (RTF): save the table as CSV"
    } else if begins("BEGIN:VCARD") {
        return Ok(Kind::Vcard);
    } else if text.contains("urn:schemas-microsoft-com:office:spreadsheet") && begins("<") {
        return Err(named(path, &format!("an XML spreadsheet of 2003, whatever its name is: {save}")));
    } else if text.contains("urn:oasis:names:tc:opendocument") && begins("<") {
        return Err(named(path, &format!("a flat OpenDocument file: {save}")));
    } else if ["<!doctype html", "<html", "<table", "<head", "<body", "<meta"].iter().any(|word| begins(word))
        || (begins("<?xml") && text.to_ascii_lowercase().contains("<html"))
    {
        return Err(named(path, &format!("an HTML page, whatever its name is: {save}")));
    } else if begins("<?xml") {
        "an XML document: save the table as CSV"
    } else {
        return Ok(Kind::Text);
    };
    Err(named(path, what))
}

fn named(path: &Path, what: &str) -> Error {
    Error::file(path, format!("this is {what}"))
}

fn zipped(path: &Path, file: File) -> Result<Kind> {
    let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| Error::file(path, error))?;
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has("xl/workbook.bin") {
        return Ok(Kind::Binary(Binary::Xlsb));
    }
    if has("mimetype") && has("content.xml") {
        return Ok(Kind::Ods);
    }
    let parts = [
        "[Content_Types].xml",
        "_rels/.rels",
        "xl/workbook.xml",
        "xl/sharedStrings.xml",
        "xl/worksheets/sheet1.xml",
    ];
    if parts.into_iter().any(has) {
        return Ok(Kind::Xlsx);
    }
    Ok(Kind::Zip)
}

/// Whether a compound file of Microsoft's holds an encrypted workbook, by the names in its directory. These are UTF-16,
/// and stand in full.
fn is_encrypted(file: &mut File) -> std::io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let wide: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (mut window, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(false);
        }
        window.extend_from_slice(&chunk[..count]);
        if window.windows(wide.len()).any(|piece| piece == wide) {
            return Ok(true);
        }
        let keep = window.len().saturating_sub(wide.len());
        window.drain(..keep);
    }
}
