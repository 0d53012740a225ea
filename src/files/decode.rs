//! A file's bytes as UTF-8, whatever it is written in.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};
use sha2::{Digest, Sha256};

/// How much is read at a time. A decoder needs room for a character, which every caller has.
pub const CHUNK: usize = 1 << 16;

/// The encoding with that label: any that browsers know (WHATWG Encoding), such as windows-1250 or koi8-u.
pub fn named(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes())
}

/// Reads, and keeps a hash of what was read.
pub struct Hashing<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Hashing<R> {
    /// From here on.
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// How much was read, and its SHA-256.
    pub fn sum(&self) -> (u64, [u8; 32]) {
        (self.bytes, self.hash.clone().finalize().into())
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// Where that fails.
    pub fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// Reads what another reader has, as UTF-8 without a byte order mark.
pub struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    chunk: Box<[u8]>,
    /// What of the chunk is not decoded yet.
    rest: std::ops::Range<usize>,
    ended: bool,
    foreign: bool,
    malformed: bool,
    finished: bool,
}

/// What is read is not of the encoding.
#[derive(Debug, thiserror::Error)]
#[error("the text is not {encoding}")]
pub struct Malformed {
    /// The encoding.
    pub encoding: &'static str,
    /// Whether characters beyond ASCII came before, so that the encoding was the right one so far.
    pub was_right: bool,
}

impl<R: Read> Decoded<R> {
    /// From the beginning of a file.
    pub fn new(inner: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        let chunk = vec![0; CHUNK].into_boxed_slice();
        Self {
            inner,
            decoder,
            chunk,
            rest: 0..0,
            ended: false,
            foreign: false,
            malformed: false,
            finished: false,
        }
    }

    /// What it reads from.
    pub const fn inner(&mut self) -> &mut R {
        &mut self.inner
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // A decoder that has come to its end must not be asked again, which readers do.
            if self.finished {
                return Ok(0);
            }
            if self.malformed {
                let malformed =
                    Malformed { encoding: self.decoder.encoding().name(), was_right: self.foreign };
                return Err(io::Error::new(io::ErrorKind::InvalidData, malformed));
            }
            if self.rest.is_empty() && !self.ended {
                let count = self.inner.read(&mut self.chunk)?;
                (self.rest, self.ended) = (0..count, count == 0);
            }
            let input = &self.chunk[self.rest.clone()];
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(input, buffer, self.ended);
            self.rest.start += read;
            // What came before the fault is given out first.
            self.malformed = matches!(result, DecoderResult::Malformed(..));
            self.foreign = self.foreign || !buffer[..written].is_ascii();
            self.finished = self.ended && matches!(result, DecoderResult::InputEmpty);
            if written > 0 {
                return Ok(written);
            }
        }
    }
}
