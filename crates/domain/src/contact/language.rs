//! Languages by their ISO 639-1 codes.

/// The 183 two-letter codes of ISO 639-1 in force, as its registration authority lists them. The withdrawn ones
/// (`bh`, `in`, `iw`, `ji`, `jw`, `mo`, `sh`) are left out: each has a successor.
const CODES: &str = "\
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo \
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka \
    kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng \
    nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su \
    sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// All codes, in their order.
pub fn codes() -> impl Iterator<Item = &'static str> {
    CODES.split_ascii_whitespace()
}

/// One row of bits for each first letter, one bit in it for each second letter.
const TABLE: [u32; 26] = table();

const fn table() -> [u32; 26] {
    let codes = CODES.as_bytes();
    let mut rows = [0; 26];
    let mut at = 0;
    while at < codes.len() {
        rows[(codes[at] - b'a') as usize] |= 1 << (codes[at + 1] - b'a');
        at += 3;
    }
    rows
}

/// The lower-case code that `text` is in any case, if ISO 639-1 has it.
pub fn parse(text: &str) -> Option<[u8; 2]> {
    let code: [u8; 2] = text.as_bytes().try_into().ok()?;
    let code = code.map(|letter| letter.to_ascii_lowercase());
    let [first, second] = code.map(|letter| letter.wrapping_sub(b'a'));
    let row = *TABLE.get(usize::from(first))?;
    (second < 26 && row & (1 << second) != 0).then_some(code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{CODES, parse};

    #[test]
    fn the_list_has_183_codes_in_order() {
        let list: Vec<&str> = CODES.split(' ').collect();
        let set: BTreeSet<&str> = list.iter().copied().collect();
        assert_eq!(list.len(), 183);
        assert!(set.iter().eq(list.iter()));
    }

    #[test]
    fn exactly_the_codes_of_the_list_are_accepted() {
        let set: BTreeSet<&str> = CODES.split(' ').collect();
        for first in 'a'..='z' {
            for second in 'a'..='z' {
                let text = format!("{first}{second}");
                assert_eq!(parse(&text).is_some(), set.contains(&*text), "{text}");
            }
        }
    }

    #[test]
    fn any_case_is_kept_in_lower_case() {
        for (text, code) in [
            ("aa", b"aa"),
            ("ab", b"ab"),
            ("en", b"en"),
            ("EN", b"en"),
            ("En", b"en"),
            ("eT", b"et"),
            ("uk", b"uk"),
            ("zh", b"zh"),
            ("ZU", b"zu"),
            ("nb", b"nb"),
            ("he", b"he"),
        ] {
            assert_eq!(parse(text), Some(*code), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "e",
            "eng",
            "en-US",
            "en_US",
            " en",
            "en ",
            "e n",
            "iw",
            "in",
            "ji",
            "jw",
            "mo",
            "bh",
            "sh",
            "xx",
            "zz",
            "é",
            "ß",
            "12",
            "e1",
            "[a",
            "a[",
            "a`",
            "{a",
            "@a",
            "\u{0}\u{0}",
            "english",
            "ｅ",
            "eK",
        ] {
            assert_eq!(parse(text), None, "{text:?} must be refused");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), two in "[\\x00-\\x7f]{2}") {
            parse(&text);
            parse(&two);
        }
    }
}
