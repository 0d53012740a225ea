//! E-mail addresses: which are valid, and which are the same.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicase::UniCase;

/// RFC 5321, 4.5.3.1.3: a path has 256 octets, two of them its angle brackets (RFC 3696, erratum 1690).
const MAX_OCTETS: usize = 254;
/// RFC 5321, 4.5.3.1.1, and RFC 1035, 2.3.4.
const MAX_LOCAL_OCTETS: usize = 64;
const MAX_LABEL_OCTETS: usize = 63;

/// Whether `text` is an addr-spec of RFC 2822 without comments, folding and obsolete forms, widened by RFC 6531 to
/// non-ASCII. The domain is a DNS name of two or more labels or the literal of an IP address.
pub fn is_valid(text: &str) -> bool {
    if text.len() > MAX_OCTETS {
        return false;
    }
    split(text).is_some_and(|(local, domain)| {
        local.len() <= MAX_LOCAL_OCTETS
            && (is_dot_atom(local) || is_quoted_string(local))
            && (is_host_name(domain.as_bytes()) || is_address_literal(domain) || is_idn(domain))
    })
}

/// The form under which addresses are compared: the whole address after Unicode case folding. RFC 5321 lets the case
/// of a local part count; the contract does not.
pub fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        Cow::Owned(UniCase::unicode(text).to_folded_case())
    } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
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
/// in an address they are a slip of the clipboard that nobody sees.
fn is_visible(text: &str) -> bool {
    text.is_ascii() || !text.chars().any(|c| !c.is_ascii() && (c.is_whitespace() || c.is_control()))
}

/// RFC 1123, 2.1: two or more labels of letters, digits and, inside, hyphens.
fn is_host_name(domain: &[u8]) -> bool {
    let mut dots = 0;
    let mut label_len = 0;
    let mut before = b'.';
    for &byte in domain {
        match byte {
            b'.' if before != b'.' && before != b'-' => {
                dots += 1;
                label_len = 0;
            }
            b'-' if before != b'.' => label_len += 1,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => label_len += 1,
            _ => return false,
        }
        if label_len > MAX_LABEL_OCTETS {
            return false;
        }
        before = byte;
    }
    dots > 0 && before != b'.' && before != b'-'
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
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::{fold, is_valid};

    #[test]
    fn addresses_are_accepted() {
        for text in [
            "user@example.com",
            "a@b.co",
            "USER@EXAMPLE.COM",
            "first.last@sub.domain.example.com",
            "user+tag@example.com",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "_@example.com",
            "-@example.com",
            "1@2.com",
            "user@1.2",
            "user@192.0.2.1",
            "user@a-b.com",
            "user@a--b.com",
            "user@r3---sn.example.com",
            "user@1host.com",
            "user@example.museum",
            "user@xn--bcher-kva.example",
            "o'hara@example.com",
            "a.b.c.d.e@example.com",
            "\"quoted\"@example.com",
            "\" \"@example.com",
            "\"first last\"@example.com",
            "\"tab\there\"@example.com",
            "\"a@b\"@example.com",
            "\"a..b.\"@example.com",
            "\"a\\\"b\"@example.com",
            "\"a\\\\\"@example.com",
            "\"a\\ b\"@example.com",
            "\"a\\@b\"@example.com",
            "\"(a),:;<>[]\"@example.com",
            "\"é\"@example.com",
            "\"quoted\"@[192.0.2.1]",
            "user@[192.0.2.1]",
            "user@[IPv6:2001:db8::1]",
            "user@[ipv6:2001:DB8::1]",
            "user@[IPv6:::1]",
            "user@[IPv6:::ffff:192.0.2.1]",
            "josé@example.com",
            "用户@例子.广告",
            "अजय@डाटा.भारत",
            "हिन्दी@example.com",
            "क्षत्रिय@उदाहरण.भारत",
            "ηλεκτρονικό@παράδειγμα.ελ",
            "почта@пример.рф",
            "user@bücher.example",
            "user@BÜCHER.example",
            "user@straße.de",
            "user@ΠΑΡΆΔΕΙΓΜΑ.ελ",
            "user@ΌΔΟΣ.ελ",
            "user@example.рф",
            "user@xn--bcher-kva.рф",
            "מייל@דוגמה.ישראל",
            "😀@example.com",
            "e\u{301}@example.com",
            "ni\u{200d}n@example.com",
        ] {
            assert!(is_valid(text), "{text:?} must be accepted");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "@",
            "user",
            "user@",
            "@example.com",
            "user@@example.com",
            "user@host@example.com",
            "user.example.com",
            ".user@example.com",
            "user.@example.com",
            "us..er@example.com",
            "us er@example.com",
            " user@example.com",
            "user@example.com ",
            "user @example.com",
            "user@ example.com",
            "user@exam ple.com",
            "user@example.com\n",
            "us\ner@example.com",
            "us\u{0}er@example.com",
            "us\u{7f}er@example.com",
            "us\u{85}er@example.com",
            "us\u{a0}er@example.com",
            "us\u{2028}er@example.com",
            "user@localhost",
            "user@com",
            "user@.com",
            "user@example..com",
            "user@example.com.",
            "user@.example.com",
            "user@.",
            "user@-example.com",
            "user@example-.com",
            "user@example.-com",
            "user@example.com-",
            "user@ex_ample.com",
            "user@exam+ple.com",
            "user@exam/ple.com",
            "user@example.com:25",
            "user@example,com",
            "us,er@example.com",
            "us;er@example.com",
            "us:er@example.com",
            "us(er@example.com",
            "us<er@example.com",
            "us[er]@example.com",
            "us\\er@example.com",
            "us\"er@example.com",
            "a@example.com,b@example.com",
            "a@example.com;b@example.com",
            "mailto:user@example.com",
            "User <user@example.com>",
            "<user@example.com>",
            "User user@example.com",
            "@relay.example:user@example.com",
            "user(comment)@example.com",
            "(comment)user@example.com",
            "user@(comment)example.com",
            "user@example.com(comment)",
            "\"\"@example.com",
            "\"@example.com",
            "\"user@example.com",
            "user\"@example.com",
            "\"user\"x@example.com",
            "x\"user\"@example.com",
            "\"a\".\"b\"@example.com",
            "\"a\".b@example.com",
            "\"a\"b\"@example.com",
            "\"a\\\"@example.com",
            "\"a\\é\"@example.com",
            "\"a\r\n b\"@example.com",
            "\"a\nb\"@example.com",
            "\"a\u{0}\"@example.com",
            "\"a\\\u{0}\"@example.com",
            "\"a\\\u{7f}\"@example.com",
            "\"a\u{2028}b\"@example.com",
            "\"user\"",
            "\"user\"@",
            "\"user@example.com\"",
            "user@[]",
            "user@[192.0.2]",
            "user@[192.0.2.256]",
            "user@[192.0.2.01]",
            "user@[192.0.2.1",
            "user@192.0.2.1]",
            "user@[192.0.2.1].com",
            "user@[ 192.0.2.1]",
            "user@[2001:db8::1]",
            "user@[IPv6:192.0.2.1]",
            "user@[IPv6:2001:db8:::1]",
            "user@[IPv6:2001:db8::g]",
            "user@[IPv6:fe80::1%eth0]",
            "user@[IPv6:]",
            "user@[IPv4:192.0.2.1]",
            "user@[example.com]",
            "user@[éé:é]",
            "user@例子",
            "user@例子.",
            "user@.例子",
            "user@例子..广告",
            "user@例子。广告",
            "user@-ü.example",
            "user@ü-.example",
            "user@ü_b.example",
            "user@ü b.example",
            "user@ü\u{a0}b.example",
            "user@ü.localhost:25",
            "user@exa\u{ad}mple.com",
            "user@exa\u{200b}mple.com",
            "user@\u{feff}example.com",
            "user@ｅｘａｍｐｌｅ.com",
            "user@bu\u{308}cher.example",
            "user@\u{301}a.example",
            "user@😀\u{200d}.example",
            "user@xn--a.рф",
            "user＠example.com",
        ] {
            assert!(!is_valid(text), "{text:?} must be refused");
        }
    }

    #[test]
    fn the_limits_count_octets() {
        let local = |len: usize| format!("{}@example.com", "a".repeat(len));
        assert!(is_valid(&local(64)));
        assert!(!is_valid(&local(65)));
        let quoted = |len: usize| format!("\"{}\"@example.com", "a".repeat(len));
        assert!(is_valid(&quoted(62)));
        assert!(!is_valid(&quoted(63)));
        assert!(is_valid(&format!("{}@example.com", "é".repeat(32))));
        assert!(!is_valid(&format!("{}@example.com", "é".repeat(33))));

        let label = |len: usize| format!("user@{}.com", "a".repeat(len));
        assert!(is_valid(&label(63)));
        assert!(!is_valid(&label(64)));
        // The A-label of n times ü has 7 octets at the least: `xn--`, a digit for the first and n more.
        let label = |len: usize| format!("user@{}.example", "ü".repeat(len));
        assert!(is_valid(&label(50)));
        assert!(!is_valid(&label(80)));

        let whole = |last: usize| {
            let label = "a".repeat(63);
            format!("a@{label}.{label}.{label}.{}", "a".repeat(last))
        };
        assert_eq!(whole(60).len(), 254);
        assert!(is_valid(&whole(60)));
        assert!(!is_valid(&whole(61)));
    }

    #[test]
    fn addresses_are_compared_without_case() {
        for (text, folded) in [
            ("user@example.com", "user@example.com"),
            ("User@Example.COM", "user@example.com"),
            ("JOSÉ@example.com", "josé@example.com"),
            ("ПОЧТА@Пример.РФ", "почта@пример.рф"),
            ("STRASSE@example.com", "strasse@example.com"),
            ("straße@example.com", "strasse@example.com"),
            ("ὈΔΥΣΣΕΎΣ@example.com", "ὀδυσσεύσ@example.com"),
            ("ὀδυσσεύς@example.com", "ὀδυσσεύσ@example.com"),
            ("\u{212a}@example.com", "k@example.com"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
        assert!(matches!(fold("user@example.com"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn dot_atoms_at_host_names_are_accepted(
            text in r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,9}(\.[a-zéя用]{1,5}){0,3}@([a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?\.){1,4}[a-z]{2,5}"
        ) {
            prop_assert!(is_valid(&text));
        }

        #[test]
        fn every_quoted_text_is_accepted_once_escaped(content in r"[ -~]{1,30}") {
            let escaped = content.replace('\\', "\\\\").replace('"', "\\\"");
            let address = format!("\"{escaped}\"@example.com");
            prop_assert_eq!(is_valid(&address), escaped.len() <= 62);
        }

        #[test]
        fn the_accepted_have_no_control_characters_and_a_domain(text in r#"["a.\\@ü \t\n\[\]-]{0,12}(@[a.ü-]{0,6})?"#) {
            if is_valid(&text) {
                prop_assert!(text.contains('@') && !text.contains('\n'));
                prop_assert!(!text.ends_with(['.', '-', '@', '"', ' ']));
            }
        }

        #[test]
        fn folding_is_stable_and_deaf_to_case(text in any::<String>(), ascii in "[ -~]{0,40}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded.as_ref());
            let (upper, lower) = (ascii.to_uppercase(), ascii.to_lowercase());
            prop_assert_eq!(fold(&upper), lower.as_str());
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), local in "\\PC{0,8}", domain in "\\PC{0,12}") {
            is_valid(&text);
            let address = format!("{local}@{domain}.{domain}");
            is_valid(&address);
            let quoted = format!("\"{local}\"@[{domain}]");
            is_valid(&quoted);
        }
    }
}
