//! A file's bytes as UTF-8, whatever it is written in.

use std::collections::VecDeque;
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

/// How many NULs and Ctrl-Zs in a row are held back exactly.
const MAX_TAIL: usize = CHUNK;

/// Passes text on without the NULs and Ctrl-Zs at its end: old programs fill the last block of a file with them.
pub struct Trimmed<R> {
    inner: R,
    /// Such bytes, and whatever came behind them and found no room yet.
    held: VecDeque<u8>,
    /// How many of the held bytes are not known to be followed by others.
    tail: usize,
    ended: bool,
}

impl<R: Read> Trimmed<R> {
    /// From the beginning of a text.
    pub const fn new(inner: R) -> Self {
        Self { inner, held: VecDeque::new(), tail: 0, ended: false }
    }

    /// What it reads from.
    pub const fn inner(&mut self) -> &mut R {
        &mut self.inner
    }
}

impl<R: Read> Read for Trimmed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let ready = self.held.len() - self.tail;
            if ready > 0 {
                let count = ready.min(buffer.len());
                self.held.drain(..count).zip(buffer).for_each(|(byte, place)| *place = byte);
                return Ok(count);
            }
            if self.ended {
                return Ok(0);
            }
            let count = self.inner.read(buffer)?;
            self.ended = count == 0;
            let text =
                buffer[..count].iter().rposition(|byte| !matches!(byte, 0 | 0x1a)).map_or(0, |last| last + 1);
            match (self.held.is_empty(), text) {
                // What most texts are.
                (true, text) if text > 0 => {
                    self.held.extend(&buffer[text..count]);
                    self.tail = self.held.len();
                    return Ok(text);
                }
                _ => {
                    self.held.extend(&buffer[..count]);
                    self.tail = if text == 0 { self.held.len() } else { count - text };
                }
            }
            // A file that is full of them is at its end, or there are cells that no row may have.
            if self.tail > MAX_TAIL {
                self.held.truncate(MAX_TAIL);
                self.tail = MAX_TAIL;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Gives out few bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(3);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn what_old_programs_fill_a_block_with_is_no_text() {
        for (text, expected) in [
            ("a,b\nc", "a,b\nc"),
            ("a,b\n\u{1a}", "a,b\n"),
            ("a,b\n\u{1a}\0\0\0\0\0\0\0", "a,b\n"),
            ("a\0\0\0\0\0b", "a\0\0\0\0\0b"),
            ("\0\0\0\0\0", ""),
            ("", ""),
        ] {
            let mut read = String::new();
            Trimmed::new(Slow(text.as_bytes())).read_to_string(&mut read).unwrap();
            assert_eq!(read, expected);
        }
        let mut many = vec![b'a'];
        many.resize(MAX_TAIL * 3, 0);
        let mut read = Vec::new();
        Trimmed::new(many.as_slice()).read_to_end(&mut read).unwrap();
        assert_eq!(read, b"a");
    }
}
