//! Reading a body: in time, within its bound, decompressed.

use std::io::Read;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use super::drain::Draining;
use crate::app::Limits;

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than the bound, compressed or not.
    TooLarge,
    /// It did not arrive in time.
    TimedOut,
    /// It ended early, or its compression is broken or unknown.
    Broken,
}

/// The largest window of a zstd body, as a power of two: what every decoder must support (RFC 8878).
const ZSTD_WINDOW: u32 = 23;

/// Reads a body.
///
/// # Errors
/// See [`BodyError`].
pub async fn read(headers: &HeaderMap, body: &mut Draining, limits: &Limits) -> Result<Bytes, BodyError> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limits.body as u64) {
        return Err(BodyError::TooLarge);
    }
    let bytes = tokio::time::timeout(limits.body_timeout, collect(body, limits.body))
        .await
        .map_err(|_| BodyError::TimedOut)??;
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(bytes),
        (Some(coding), None) => decompress(coding.as_bytes(), bytes, limits.body),
        (Some(_), Some(_)) => Err(BodyError::Broken),
    }
}

async fn collect(body: &mut Draining, max: usize) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if whole.len() + data.len() > max {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn decompress(coding: &[u8], bytes: Bytes, max: usize) -> Result<Bytes, BodyError> {
    let coding = coding.trim_ascii().to_ascii_lowercase();
    match coding.as_slice() {
        b"" | b"identity" => Ok(bytes),
        b"gzip" | b"x-gzip" => read_all(flate2::read::MultiGzDecoder::new(&bytes[..]), max),
        // The standard means zlib; some clients send the bare stream.
        b"deflate" => {
            let mut zlib = flate2::read::ZlibDecoder::new(&bytes[..]);
            let read = read_all(&mut zlib, max).and_then(|whole| ended(whole, zlib.total_in(), &bytes));
            read.or_else(|error| match error {
                BodyError::Broken => {
                    let mut bare = flate2::read::DeflateDecoder::new(&bytes[..]);
                    read_all(&mut bare, max).and_then(|whole| ended(whole, bare.total_in(), &bytes))
                }
                other => Err(other),
            })
        }
        b"br" => read_all(brotli_decompressor::Decompressor::new(&bytes[..], 4_096), max),
        b"zstd" => {
            let mut decoder = zstd::Decoder::new(&bytes[..]).map_err(|_| BodyError::Broken)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(|_| BodyError::Broken)?;
            read_all(decoder, max)
        }
        _ => Err(BodyError::Broken),
    }
}

/// Bytes behind the end of a stream are no part of it.
fn ended(whole: Bytes, used: u64, bytes: &Bytes) -> Result<Bytes, BodyError> {
    if used == bytes.len() as u64 { Ok(whole) } else { Err(BodyError::Broken) }
}

/// One byte more than the bound is asked for, and no more: a bomb costs what the bound costs.
fn read_all(decoder: impl Read, max: usize) -> Result<Bytes, BodyError> {
    let mut whole = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(limit).read_to_end(&mut whole).map_err(|_| BodyError::Broken)?;
    if whole.len() > max { Err(BodyError::TooLarge) } else { Ok(Bytes::from(whole)) }
}
