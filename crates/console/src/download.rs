//! Answers that a browser saves as a file, and parts of them.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tokio::io::AsyncReadExt as _;

use super::{PageError, Result};
use files::spool::Reader;

/// Bytes of a file that are sent at a time.
const CHUNK: usize = 64 << 10;

/// An answer that a browser saves under a name.
pub fn download(body: Body, kind: &'static str, name: &str) -> Response {
    let mut response = body.into_response();
    put(&mut response, CONTENT_TYPE, kind);
    put(&mut response, CONTENT_DISPOSITION, &disposition(name));
    response
}

/// Sends a file, a piece at a time.
///
/// # Errors
/// It does not exist.
pub async fn send(path: &std::path::Path, kind: &'static str, name: &str) -> Result {
    let file = tokio::fs::File::open(path).await.map_err(|_| PageError::NotFound)?;
    let pieces = futures_util::stream::try_unfold(file, async |mut file| {
        let mut piece = bytes::BytesMut::with_capacity(CHUNK);
        let count = file.read_buf(&mut piece).await?;
        Ok::<_, std::io::Error>((count > 0).then(|| (piece.freeze(), file)))
    });
    Ok(download(Body::from_stream(pieces), kind, name))
}

fn put(response: &mut Response, header: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(header, value);
    }
}

/// Old clients read the name in ASCII, all others the one in UTF-8 (RFC 6266).
fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|letter| if letter.is_ascii() { letter } else { '-' }).collect();
    let header = format!("attachment; filename=\"{plain}\"");
    if plain == name {
        return header;
    }
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{header}; filename*=UTF-8''{encoded}")
}

/// The part of a file that a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// From the first place to the second, that one included, or to the end.
    From(u64, Option<u64>),
    /// So many last bytes.
    Last(u64),
}

impl Range {
    /// The one range that the headers ask for. Several ranges, and what does not read, are ignored (RFC 9110).
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let (from, to) = headers.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
        let number = |text: &str| text.trim().parse::<u64>().ok();
        match (number(from), to.trim()) {
            (Some(from), "") => Some(Self::From(from, None)),
            (Some(from), to) => number(to).filter(|to| *to >= from).map(|to| Self::From(from, Some(to))),
            (None, to) if from.trim().is_empty() => number(to).map(Self::Last),
            _ => None,
        }
    }

    /// The first place and the one behind the last in a file of that length; `None` if the range is behind its end.
    fn within(self, length: u64) -> Option<(u64, u64)> {
        let (from, to) = match self {
            Self::From(from, to) => (from, to.map_or(length, |to| to.saturating_add(1)).min(length)),
            Self::Last(count) => (length.saturating_sub(count), length),
        };
        (from < to).then_some((from, to))
    }
}

/// The tag of `If-Range`, without its quotes. `Some(None)` if there is no such header, `None` if it is a time: an
/// export has no time that a client could know.
pub fn if_range(headers: &HeaderMap) -> Option<Option<&str>> {
    let Some(value) = headers.get(IF_RANGE) else { return Some(None) };
    let tag = value.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')?;
    Some(Some(tag))
}

/// A file that is written while it is sent.
pub struct Spooled {
    /// Its bytes.
    pub reader: Reader,
    /// Its tag.
    pub tag: String,
    /// Its media type.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

impl Spooled {
    /// The whole file.
    pub fn whole(self) -> Response {
        let length = self.reader.known_length();
        let mut response = download(Body::from_stream(self.reader.stream(0, None)), self.kind, &self.name);
        put(&mut response, ACCEPT_RANGES, "bytes");
        put(&mut response, ETAG, &format!("\"{}\"", self.tag));
        if let Some(length) = length {
            put(&mut response, CONTENT_LENGTH, &length.to_string());
        }
        response
    }

    /// A part of it, once all is written.
    ///
    /// # Errors
    /// It was broken off.
    pub async fn part(mut self, range: Range) -> Result {
        let length = self.reader.length().await.ok_or(PageError::NotFound)?;
        let Some((from, to)) = range.within(length) else {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            put(&mut response, CONTENT_RANGE, &format!("bytes */{length}"));
            return Ok(response);
        };
        let body = Body::from_stream(self.reader.stream(from, Some(to)));
        let mut response = download(body, self.kind, &self.name);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        put(&mut response, ACCEPT_RANGES, "bytes");
        put(&mut response, ETAG, &format!("\"{}\"", self.tag));
        put(&mut response, CONTENT_LENGTH, &(to - from).to_string());
        put(&mut response, CONTENT_RANGE, &format!("bytes {from}-{}/{length}", to - 1));
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use files::export::file_name;

    #[test]
    fn a_file_is_called_like_its_list() {
        for (list, name, header) in [
            ("Customers", "Customers", "attachment; filename=\"Customers\""),
            ("VIP & more / 2", "VIP-&-more-2", "attachment; filename=\"VIP-&-more-2\""),
            ("Kõik", "Kõik", "attachment; filename=\"K-ik\"; filename*=UTF-8''K%C3%B5ik"),
            ("\"..\n", "contacts", "attachment; filename=\"contacts\""),
            ("a\r\nb: c", "a-b-c", "attachment; filename=\"a-b-c\""),
        ] {
            assert_eq!(file_name(list), name, "{list}");
            assert_eq!(disposition(&file_name(list)), header, "{list}");
        }
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (text, range, within) in [
            ("bytes=0-", Some(Range::From(0, None)), Some((0, 10))),
            ("bytes=4-6", Some(Range::From(4, Some(6))), Some((4, 7))),
            ("bytes=4-99", Some(Range::From(4, Some(99))), Some((4, 10))),
            ("bytes=-3", Some(Range::Last(3)), Some((7, 10))),
            ("bytes=-99", Some(Range::Last(99)), Some((0, 10))),
            ("bytes=10-", Some(Range::From(10, None)), None),
            ("bytes=-0", Some(Range::Last(0)), None),
            ("bytes=6-4", None, None),
            ("bytes=0-1,3-4", None, None),
            ("lines=0-1", None, None),
            ("bytes=-", None, None),
        ] {
            let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(text))]);
            assert_eq!(Range::of(&headers), range, "{text}");
            assert_eq!(range.and_then(|range| range.within(10)), within, "{text}");
        }
    }
}
