//! E-mail addresses: which are valid, and which are the same.

mod form;

use std::net::{Ipv4Addr, Ipv6Addr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

pub use self::form::{form, former_form, former_forms};
use super::invisible;

/// RFC 5321, 4.5.3.1.3: a path has 256 octets, two of them its angle brackets (RFC 3696, erratum 1690).
pub const MAX_OCTETS: usize = 254;
/// RFC 5321, 4.5.3.1.1, and RFC 1035, 2.3.4.
const MAX_LOCAL_OCTETS: usize = 64;
const MAX_LABEL_OCTETS: usize = 63;

/// Whether `text` is an addr-spec of RFC 2822 without comments, folding and obsolete forms, widened by RFC 6531 to
/// non-ASCII, without invisible characters. The domain is a DNS name of two or more labels, the last not of digits
/// alone (RFC 3696, 2), or the literal of an IP address.
pub fn is_valid(text: &str) -> bool {
    if text.len() > MAX_OCTETS || invisible::is_in(text) {
        return false;
    }
    split(text).is_some_and(|(local, domain)| {
        local.len() <= MAX_LOCAL_OCTETS
            && (is_dot_atom(local) || is_quoted_string(local))
            && (is_host_name(domain.as_bytes()) || is_address_literal(domain) || is_idn(domain))
    })
}

/// Local part and domain: a quoted local part may hold an `@`, no other part may.
fn split(text: &str) -> Option<(&str, &str)> {
    let quoted = if text.starts_with('"') { quoted_len(text.as_bytes())? } else { 0 };
    let at = quoted + text.get(quoted..)?.find('@')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The octets of the quoted string that `text` begins with, both quotes counted.
fn quoted_len(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in text.iter().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return Some(index + 1),
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

/// RFC 5322, 3.2.3: runs of atext with single dots between them.
fn is_dot_atom(local: &str) -> bool {
    let mut before = b'.';
    for &byte in local.as_bytes() {
        if byte == b'.' && before == b'.' || byte != b'.' && !ATEXT[usize::from(byte)] {
            return false;
        }
        before = byte;
    }
    before != b'.' && is_visible(local)
}

/// The octets of atext; those of UTF-8 beyond ASCII are all in (RFC 6532, 3.2).
const ATEXT: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte >= 0x80 || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let specials = b"!#$%&'*+-/=?^_`{|}~";
    let mut index = 0;
    while index < specials.len() {
        table[specials[index] as usize] = true;
        index += 1;
    }
    table
};

/// RFC 5322, 3.2.4, without folding, and not empty (erratum 3135). A quoted pair is ASCII (RFC 5321, 4.1.2): RFC 6531
/// widens only the text around it.
fn is_quoted_string(local: &str) -> bool {
    let Some(content) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return false;
    };
    let is_text = |byte: u8| matches!(byte, b' '..=b'~' | b'\t');
    let mut bytes = content.bytes();
    while let Some(byte) = bytes.next() {
        let valid = match byte {
            b'\\' => bytes.next().is_some_and(is_text),
            b'"' => false,
            0x80.. => true,
            _ => is_text(byte),
        };
        if !valid {
            return false;
        }
    }
    !content.is_empty() && is_visible(content)
}

/// Whether nothing beyond ASCII is white space or a control character. RFC 6532 lets them in by their octets alone;
/// in an address they are an invisible slip of the clipboard.
fn is_visible(text: &str) -> bool {
    text.is_ascii() || !text.chars().any(|c| !c.is_ascii() && (c.is_whitespace() || c.is_control()))
}

/// RFC 1123, 2.1: two or more labels of letters, digits and, inside, hyphens; the last is not of digits alone.
fn is_host_name(domain: &[u8]) -> bool {
    let mut dots = 0;
    let mut label_len = 0;
    let mut is_number = true;
    let mut before = b'.';
    for &byte in domain {
        match byte {
            b'.' if before != b'.' && before != b'-' => {
                dots += 1;
                label_len = 0;
                is_number = true;
            }
            b'0'..=b'9' => label_len += 1,
            b'-' if before == b'.' => return false,
            b'a'..=b'z' | b'A'..=b'Z' | b'-' => {
                label_len += 1;
                is_number = false;
            }
            _ => return false,
        }
        if label_len > MAX_LABEL_OCTETS {
            return false;
        }
        before = byte;
    }
    dots > 0 && before != b'.' && before != b'-' && !is_number
}

/// RFC 5321, 4.1.3: `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
fn is_address_literal(domain: &str) -> bool {
    let Some(address) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return false;
    };
    match address.split_at_checked(5) {
        Some((tag, v6)) if tag.eq_ignore_ascii_case("IPv6:") => v6.parse::<Ipv6Addr>().is_ok(),
        _ => address.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Whether it is a DNS name whose non-ASCII labels are U-labels (RFC 6531, 3.3) in any case: what IDNA would have to
/// map first, such as full-width letters, unseen characters or marks that are not composed, is refused.
fn is_idn(domain: &str) -> bool {
    if domain.is_ascii() {
        return false;
    }
    let (deny, hyphens) = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let uts46 = Uts46::new();
    let ascii = uts46.to_ascii(domain.as_bytes(), deny, hyphens, DnsLength::Verify);
    if !ascii.is_ok_and(|name| is_host_name(name.as_bytes())) {
        return false;
    }
    let (mapped, result) = uts46.to_unicode(domain.as_bytes(), deny, hyphens);
    let (given, mapped) = (domain.split('.'), mapped.split('.'));
    result.is_ok()
        && given.clone().count() == mapped.clone().count()
        && given.zip(mapped).all(|(given, mapped)| {
            given.is_ascii() || given.chars().flat_map(char::to_lowercase).eq(mapped.chars())
        })
}

#[cfg(test)]
mod tests;
