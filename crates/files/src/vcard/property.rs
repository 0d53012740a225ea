//! A line of a card.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

/// A property.
#[derive(Debug, Default)]
pub struct Property {
    /// Its name in capital letters, without the name of a group.
    pub name: String,
    /// Its parameters: names in capital letters, and values. Those of 2.1 without a name are `TYPE`.
    pub parameters: Vec<(String, String)>,
    /// Its value, decoded and still escaped.
    pub value: String,
}

impl Property {
    /// Reads an unfolded line; `None` if it has no value, or one that is no text.
    pub fn read(line: &[u8], fallback: &'static Encoding) -> Option<Self> {
        let mut quoted = false;
        let end = line.iter().position(|byte| {
            quoted ^= *byte == b'"';
            *byte == b':' && !quoted
        })?;
        let head = String::from_utf8_lossy(&line[..end]);
        let mut words = split(&head, ';');
        let name = words.next()?.rsplit('.').next().unwrap_or_default().trim().to_ascii_uppercase();
        let parameters: Vec<_> = words.map(parameter).collect();
        let mut property = Self { name, parameters, value: String::new() };
        let encoding = property.parameter("ENCODING").map(str::to_ascii_uppercase);
        let bytes = match encoding.as_deref() {
            Some("QUOTED-PRINTABLE") => Cow::Owned(unquoted(&line[end + 1..])),
            Some("B" | "BASE64") => return None,
            _ => Cow::Borrowed(&line[end + 1..]),
        };
        let named = property.parameter("CHARSET").and_then(|label| Encoding::for_label(label.as_bytes()));
        let encoding = named.unwrap_or(if std::str::from_utf8(&bytes).is_ok() { UTF_8 } else { fallback });
        property.value = encoding.decode_without_bom_handling(&bytes).0.trim_end().to_owned();
        Some(property)
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether one of its types is that word.
    pub fn is(&self, word: &str) -> bool {
        let types = self.parameters.iter().filter(|(name, _)| name == "TYPE");
        types.flat_map(|(_, value)| value.split(',')).any(|known| known.trim().eq_ignore_ascii_case(word))
    }

    /// How much it is preferred: the less the more.
    pub fn rank(&self) -> u32 {
        let number = self.parameter("PREF").and_then(|number| number.parse().ok());
        number.unwrap_or(if self.is("pref") { 1 } else { 101 })
    }
}

fn parameter(word: &str) -> (String, String) {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name.trim().to_ascii_uppercase(), value.trim().trim_matches('"')),
        None => ("TYPE".to_owned(), word.trim()),
    };
    let is_encoding =
        ["QUOTED-PRINTABLE", "BASE64", "B"].iter().any(|known| known.eq_ignore_ascii_case(value));
    let name = if name == "TYPE" && is_encoding { "ENCODING".to_owned() } else { name };
    (name, value.to_owned())
}

/// The parts of a text, quotation marks hold together.
fn split(text: &str, between: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |letter| {
        quoted ^= letter == '"';
        letter == between && !quoted
    })
}

/// What quoted-printable bytes stand for.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), 0);
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    while let Some(byte) = text.get(at) {
        let both = digit(text.get(at + 1)).zip(digit(text.get(at + 2)));
        match (byte, both.and_then(|(high, low)| u8::try_from(high * 16 + low).ok())) {
            (b'=', Some(byte)) => {
                bytes.push(byte);
                at += 3;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    bytes
}
