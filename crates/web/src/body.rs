//! Reading a body: in time, within its bound, decompressed.

use std::io::Read;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use super::drain::Draining;
use app::Limits;

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

/// By how much the output of a brotli body grows at a time.
const BROTLI_STEP: usize = 16 << 10;

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
        b"gzip" | b"x-gzip" => read_all(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), max),
        // The standard means zlib; some clients send the bare stream.
        b"deflate" => zlib(&bytes, max).or_else(|error| match error {
            BodyError::Broken => bare_deflate(&bytes, max),
            other => Err(other),
        }),
        b"br" => brotli(&bytes, max),
        b"zstd" => {
            let mut decoder = zstd::Decoder::new(&bytes[..]).map_err(|_| BodyError::Broken)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(|_| BodyError::Broken)?;
            read_all(&mut decoder, max)
        }
        _ => Err(BodyError::Broken),
    }
}

fn zlib(bytes: &[u8], max: usize) -> Result<Bytes, BodyError> {
    let mut decoder = flate2::bufread::ZlibDecoder::new(bytes);
    let whole = read_all(&mut decoder, max)?;
    // The decoders of single streams stop at the end of theirs, and do not look at what stands behind it.
    if decoder.get_ref().is_empty() { Ok(whole) } else { Err(BodyError::Broken) }
}

fn bare_deflate(bytes: &[u8], max: usize) -> Result<Bytes, BodyError> {
    let mut decoder = flate2::bufread::DeflateDecoder::new(bytes);
    let whole = read_all(&mut decoder, max)?;
    if decoder.get_ref().is_empty() { Ok(whole) } else { Err(BodyError::Broken) }
}

/// Its reader would keep to itself what it has read beyond the end of the stream, so it is driven by hand.
fn brotli(bytes: &[u8], max: usize) -> Result<Bytes, BodyError> {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new(alloc(), alloc(), alloc());
    let (mut whole, mut left, mut read, mut total) = (Vec::new(), bytes.len(), 0, 0);
    loop {
        let (mut room, mut end) = (BROTLI_STEP, whole.len());
        whole.resize(end + room, 0);
        let result = BrotliDecompressStream(
            &mut left, &mut read, bytes, &mut room, &mut end, &mut whole, &mut total, &mut state,
        );
        whole.truncate(end);
        if whole.len() > max {
            return Err(BodyError::TooLarge);
        }
        match result {
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultSuccess if left == 0 => return Ok(Bytes::from(whole)),
            _ => return Err(BodyError::Broken),
        }
    }
}

/// One byte more than the bound is asked for, and no more: a bomb costs what the bound costs.
fn read_all(decoder: &mut impl Read, max: usize) -> Result<Bytes, BodyError> {
    let mut whole = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(limit).read_to_end(&mut whole).map_err(|_| BodyError::Broken)?;
    if whole.len() > max { Err(BodyError::TooLarge) } else { Ok(Bytes::from(whole)) }
}
