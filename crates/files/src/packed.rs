//! Where the bytes of a text come from: a file, a gzip archive, or the one table of a zip archive.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::decode::Hashing;
use super::{Error, Result};

/// Bytes of an unpacked text: a small archive may unpack without an end.
const MAX_UNPACKED: u64 = 64 << 30;

/// Names of files that may be in an archive.
const MAX_MEMBERS: usize = 10_000;

/// How a text is packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    #[default]
    Plain,
    /// By gzip; several streams behind each other are one text.
    Gzip,
    /// As a file of a zip archive.
    Zip {
        /// Its name.
        name: String,
        /// Where its bytes begin, and how many they are.
        place: (u64, u64),
        /// Whether they are deflated.
        deflated: bool,
    },
}

/// The bytes of a text.
pub struct Source {
    path: PathBuf,
    inner: Inner,
}

enum Inner {
    Plain(Hashing<File>),
    Gzip(Take<Members<BufReader<File>>>),
    Deflated(Take<DeflateDecoder<BufReader<Take<File>>>>),
    Stored(Take<File>),
}

impl Packing {
    /// Opens a text.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn open(&self, path: &Path) -> Result<Source> {
        let told = |error| Error::file(path, error);
        let mut file = File::open(path).map_err(told)?;
        let most = MAX_UNPACKED + 1;
        let inner = match self {
            Self::Plain => Inner::Plain(Hashing::new(file)),
            Self::Gzip => Inner::Gzip(Members::new(BufReader::new(file)).take(most)),
            Self::Zip { place: (start, length), deflated, .. } => {
                file.seek(SeekFrom::Start(*start)).map_err(told)?;
                let file = file.take(*length);
                match deflated {
                    true => Inner::Deflated(DeflateDecoder::new(BufReader::new(file)).take(most)),
                    false => Inner::Stored(file),
                }
            }
        };
        Ok(Source { path: path.to_owned(), inner })
    }
}

impl Source {
    /// The length of the file and its SHA-256, once the text was read to its end.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn sum(&self) -> io::Result<(u64, [u8; 32])> {
        if let Inner::Plain(file) = &self.inner {
            return Ok(file.sum());
        }
        let mut file = Hashing::new(File::open(&self.path)?);
        file.drain()?;
        Ok(file.sum())
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (count, left) = match &mut self.inner {
            Inner::Plain(file) => return file.read(buffer),
            Inner::Stored(file) => return file.read(buffer),
            Inner::Gzip(text) => (text.read(buffer)?, text.limit()),
            Inner::Deflated(text) => (text.read(buffer)?, text.limit()),
        };
        if left == 0 {
            return Err(io::Error::other("the archive holds more than 64 GiB"));
        }
        Ok(count)
    }
}

/// The streams of a gzip archive as one text. Zeros behind a stream fill a block, and are none.
struct Members<R> {
    decoder: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    fn new(inner: R) -> Self {
        Self { decoder: Some(GzDecoder::new(inner)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut inner) = self.decoder.take().map(GzDecoder::into_inner) else { return Ok(0) };
            loop {
                let rest = inner.fill_buf()?;
                let zeros = rest.iter().take_while(|byte| **byte == 0).count();
                if rest.is_empty() {
                    return Ok(0);
                }
                let is_next = zeros < rest.len();
                inner.consume(zeros);
                if is_next {
                    break;
                }
            }
            self.decoder = Some(GzDecoder::new(inner));
        }
    }
}

/// The table in a zip archive, and all that could be one; `wanted` is its name if there are several. With `first`, the
/// first of several is taken: a person will look at it.
///
/// # Errors
/// Where the archive cannot be read, or it is not known which file is meant.
pub fn member(path: &Path, wanted: Option<&str>, first: bool) -> Result<(Packing, Vec<String>)> {
    let told = |error: zip::result::ZipError| Error::file(path, error);
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(told)?;
    if archive.len() > MAX_MEMBERS {
        return Err(Error::file(path, "the archive holds too many files"));
    }
    let mut tables = Vec::new();
    for index in 0..archive.len() {
        let part = archive.by_index_raw(index).map_err(told)?;
        let name = part.name().map_err(told)?.into_owned();
        // What macOS and other systems put beside the files of people.
        let is_hidden = name.split(['/', '\\']).any(|part| part.starts_with('.') || part == "__MACOSX");
        if !part.is_dir() && !is_hidden {
            tables.push((index, name));
        }
    }
    let is_table = |name: &str| {
        let name = name.to_ascii_lowercase();
        [".csv", ".tsv", ".tab", ".txt", ".vcf"].iter().any(|ending| name.ends_with(ending))
    };
    if tables.len() > 1 && tables.iter().any(|(_, name)| is_table(name)) {
        tables.retain(|(_, name)| is_table(name));
    }
    let names: Vec<_> = tables.iter().map(|(_, name)| name.clone()).collect();
    let found = match wanted {
        Some(wanted) => tables.into_iter().find(|(_, name)| name == wanted),
        None if tables.len() == 1 || first => tables.into_iter().next(),
        None => None,
    };
    let Some((index, name)) = found else {
        let text = match names.len() {
            0 => "the archive holds no table".to_owned(),
            _ => format!("the archive holds \"{}\": choose one of these (--sheet)", names.join("\", \"")),
        };
        return Err(Error::file(path, text));
    };
    let part = archive.by_index_raw(index).map_err(told)?;
    let deflated = match part.compression() {
        CompressionMethod::Deflated => true,
        CompressionMethod::Stored => false,
        _ => {
            return Err(Error::file(
                path,
                format!("\"{name}\" is packed in a way that is not known: unpack it first"),
            ));
        }
    };
    if part.encrypted() {
        return Err(Error::file(path, "the archive is password-protected: unpack it first"));
    }
    let start = part.data_start().ok_or_else(|| Error::file(path, "the archive is damaged"))?;
    Ok((Packing::Zip { name, place: (start, part.compressed_size()), deflated }, names))
}
