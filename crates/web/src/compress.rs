//! Compressed answers: in which coding, by `Accept-Encoding`.
//!
//! A compressed answer's length tells how much of it repeats. So nothing is compressed in which a secret stands beside
//! text that others choose, where they can make a browser ask for it: see decision 18.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// What is smaller is sent as it is: compressing it saves no packet.
const SMALLEST: usize = 1 << 10;

/// The window of brotli, as a power of two: what decoders expect at most.
const BROTLI_WINDOW: u32 = 22;

/// A coding that answers may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `br`
    Brotli,
    /// `zstd`
    Zstd,
    /// `gzip`
    Gzip,
}

/// How much time is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For an answer that is sent once: some milliseconds for a megabyte.
    Fast,
    /// For a file that is kept compressed.
    Best,
}

impl Coding {
    /// All, those with the smallest results first.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// All, the fastest first.
    pub const FASTEST: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// Its name in headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The coding that a client likes best, the first of `order` among those that it likes equally; `None` where it
    /// accepts none. A client that refuses even uncompressed answers gets them all the same: the request is done by
    /// then, and 406 would have it sent again.
    pub fn accepted(headers: &HeaderMap, order: [Self; 3]) -> Option<Self> {
        let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let weights: Vec<_> = values.flat_map(|value| value.split(',')).filter_map(weight).collect();
        let weight_of = |name: &str| weights.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let liked = |coding: Self| {
            let names = [coding.name(), if coding == Self::Gzip { "x-gzip" } else { coding.name() }, "*"];
            names.into_iter().find_map(weight_of).map_or(0, |(_, weight)| *weight)
        };
        // Of equals the last is taken, so the order is turned round.
        let best = order.into_iter().rev().max_by_key(|coding| liked(*coding));
        best.filter(|coding| liked(*coding) > 0)
    }

    /// Compresses a body; `None` where it is small, or would be no smaller.
    pub fn compress(self, bytes: &[u8], effort: Effort) -> Option<Bytes> {
        if bytes.len() < SMALLEST {
            return None;
        }
        // Written to memory: nothing can fail, and what did would be sent as it is.
        let compressed = self.encode(bytes, effort == Effort::Best).ok()?;
        (compressed.len() < bytes.len()).then(|| compressed.into())
    }

    fn encode(self, mut bytes: &[u8], best: bool) -> io::Result<Vec<u8>> {
        let mut whole = Vec::new();
        match self {
            Self::Brotli => {
                let quality = if best { 9 } else { 4 };
                let mut encoder = brotli::CompressorWriter::new(&mut whole, 4 << 10, quality, BROTLI_WINDOW);
                encoder.write_all(bytes)?;
                encoder.into_inner();
            }
            Self::Zstd => zstd::stream::copy_encode(&mut bytes, &mut whole, if best { 19 } else { 3 })?,
            Self::Gzip => {
                let level = if best { Compression::best() } else { Compression::fast() };
                let mut encoder = GzEncoder::new(&mut whole, level);
                encoder.write_all(bytes)?;
                encoder.finish()?;
            }
        }
        Ok(whole)
    }
}

/// Compresses a stream in chunks, each of which a client can read when it arrives.
pub struct Flushing {
    encoder: Box<dyn io::Write + Send>,
    out: Shared,
}

/// Bytes that an encoder has written and that are not taken yet.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Flushing {
    /// In this coding.
    pub fn new(coding: Coding) -> Self {
        let out = Shared::default();
        let to = out.clone();
        let encoder: Box<dyn io::Write + Send> = match coding {
            Coding::Brotli => Box::new(brotli::CompressorWriter::new(to, 4 << 10, 4, BROTLI_WINDOW)),
            Coding::Gzip => Box::new(GzEncoder::new(to, Compression::fast())),
            Coding::Zstd => match zstd::Encoder::new(to, 3) {
                Ok(encoder) => Box::new(encoder.auto_finish()),
                // It only fails without memory.
                Err(_) => Box::new(io::sink()),
            },
        };
        Self { encoder, out }
    }

    /// A chunk, compressed and flushed.
    ///
    /// # Errors
    /// It is written to memory: none.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.encoder.write_all(bytes)?;
        self.encoder.flush()?;
        Ok(self.out.take())
    }

    /// The end of the stream.
    pub fn finish(self) -> Vec<u8> {
        // Each encoder writes its end when it is dropped.
        drop(self.encoder);
        self.out.take()
    }
}

/// An entry of `Accept-Encoding`: a name and its weight in thousandths. One that is not well-formed counts for nothing.
fn weight(entry: &str) -> Option<(&str, u32)> {
    let (name, parameters) = entry.split_once(';').unwrap_or((entry, ""));
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return Some((name.trim(), 1_000));
    }
    let (key, value) = parameters.split_once('=')?;
    if !key.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let value: f32 = value.trim().parse().ok()?;
    // From 0 to 1: it fits.
    (0.0..=1.0).contains(&value).then_some((name.trim(), (value * 1_000.0) as u32))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::Read as _;

    use sha2::{Digest as _, Sha256};

    use super::*;

    fn accepted(values: &[&str]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT_ENCODING, value.parse().unwrap());
        }
        Coding::accepted(&headers, Coding::ALL).map(Coding::name)
    }

    #[test]
    fn the_coding_that_the_client_likes_best_is_chosen() {
        for (values, coding) in [
            (&["gzip, deflate, br, zstd"][..], Some("br")),
            (&["gzip", "zstd"], Some("zstd")),
            (&["br;q=0.5, gzip;q=0.8"], Some("gzip")),
            (&["BR ; Q=1.0"], Some("br")),
            (&["*"], Some("br")),
            (&["*;q=0.1, br;q=0"], Some("zstd")),
            (&["x-gzip"], Some("gzip")),
            (&["br;q=0.001"], Some("br")),
            (&["gzip;q=x, br;level=4"], None),
            (&["gzip;q=7"], None),
            (&["identity"], None),
            (&["deflate, compress"], None),
            (&["gzip;q=0"], None),
            (&["identity;q=0, *;q=0"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(accepted(values), coding, "{values:?}");
        }
    }

    #[test]
    fn each_chunk_of_a_stream_can_be_read_when_it_arrives() {
        for coding in Coding::ALL {
            let (mut stream, mut sent) = (Flushing::new(coding), Vec::new());
            for line in ["one\n", "two\n", "three\n"] {
                sent.extend(stream.write(line.as_bytes()).unwrap());
                let mut read = Vec::new();
                // What is not ended yet is an error at its end.
                let _ = match coding {
                    Coding::Brotli => brotli::Decompressor::new(&sent[..], 64).read_to_end(&mut read),
                    Coding::Zstd => zstd::Decoder::new(&sent[..]).unwrap().read_to_end(&mut read),
                    Coding::Gzip => flate2::read::GzDecoder::new(&sent[..]).read_to_end(&mut read),
                };
                assert!(read.ends_with(line.as_bytes()), "{coding:?} {line}");
            }
            sent.extend(stream.finish());
            let mut read = Vec::new();
            match coding {
                Coding::Brotli => brotli::Decompressor::new(&sent[..], 64).read_to_end(&mut read),
                Coding::Zstd => zstd::Decoder::new(&sent[..]).unwrap().read_to_end(&mut read),
                Coding::Gzip => flate2::read::GzDecoder::new(&sent[..]).read_to_end(&mut read),
            }
            .unwrap();
            assert_eq!(read, b"one\ntwo\nthree\n", "{coding:?}");
        }
    }

    #[test]
    fn what_is_small_or_would_not_be_smaller_is_left_as_it_is() {
        // Hashes have no pattern that a compressor finds.
        let random: Vec<u8> = (0_u8..64).flat_map(|number| Sha256::digest([number])).collect();
        for coding in Coding::ALL {
            for effort in [Effort::Fast, Effort::Best] {
                assert_eq!(coding.compress(&[b' '; SMALLEST - 1], effort), None);
                assert_eq!(coding.compress(&random, effort), None, "{coding:?}");
                assert!(coding.compress(&[b' '; SMALLEST], effort).unwrap().len() < 100);
            }
        }
    }
}
