//! In which encoding a text is that is not UTF-8: a guess, and whether it can be believed.
//!
//! A few letters are not enough for a detector: it takes Иван in Windows-1251 for Èâàí. So the text is looked at as it
//! would be read. A guess that puts signs between letters, or gives words without any letter of ASCII in a language that
//! has such letters, is not believed.

use std::io::Read;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, WINDOWS_1252};

use super::decode::CHUNK;

/// Bytes of lines with letters beyond ASCII that are looked at.
const SAMPLE: usize = 256 << 10;

/// Languages whose readers would expect other encodings, by their countries.
const READERS: [&[u8]; 9] = [b"com", b"ru", b"pl", b"ee", b"de", b"gr", b"tr", b"jp", b"cn"];

/// Letters of a text that are shown.
const SHOWN: usize = 24;

/// What an encoding seems to be.
#[derive(Debug)]
pub struct Guess {
    /// The encoding.
    pub encoding: &'static Encoding,
    /// What speaks against it, with other encodings and how they would read it.
    pub doubt: Option<String>,
}

/// Looks at the lines of a file that are not ASCII.
///
/// # Errors
/// Where it cannot be read.
pub fn guess(file: impl Read) -> std::io::Result<Guess> {
    let sample = sample(file)?;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&sample, true);
    let of = |reader: &[u8]| detector.guess(Some(reader), Utf8Detection::Deny);
    let encoding = of(READERS[0]);
    if is_plausible(encoding, &sample) {
        return Ok(Guess { encoding, doubt: None });
    }
    let mut others: Vec<&'static Encoding> = Vec::new();
    for other in READERS.map(of).into_iter().chain([WINDOWS_1252]) {
        if !others.contains(&other) && is_plausible(other, &sample) {
            others.push(other);
        }
    }
    let read = |encoding: &&'static Encoding| {
        format!("{} reads \"{}\"", encoding.name(), excerpt(encoding, &sample))
    };
    let mut doubt = format!("the text is not UTF-8, and {} is unlikely", read(&encoding));
    if !others.is_empty() {
        let others: Vec<_> = others.iter().take(3).map(read).collect();
        doubt = format!("{doubt}; {}", others.join(", "));
    }
    Ok(Guess { encoding, doubt: Some(doubt) })
}

/// The lines that have a byte beyond ASCII, as far as there is room for them.
fn sample(mut file: impl Read) -> std::io::Result<Vec<u8>> {
    let (mut sample, mut line, mut foreign) = (Vec::new(), Vec::new(), false);
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = file.read(&mut chunk)?;
        for &byte in &chunk[..count] {
            foreign |= !byte.is_ascii();
            line.push(byte);
            if byte == b'\n' || line.len() > SAMPLE {
                if std::mem::take(&mut foreign) {
                    sample.append(&mut line);
                }
                line.clear();
            }
        }
        if count == 0 && foreign {
            sample.append(&mut line);
        }
        if count == 0 || sample.len() > SAMPLE {
            return Ok(sample);
        }
    }
}

/// Whether a text reads as one that people have written.
fn is_plausible(encoding: &'static Encoding, sample: &[u8]) -> bool {
    let (text, malformed) = encoding.decode_without_bom_handling(sample);
    let is_none = |letter: char| matches!(letter, '\u{80}'..='\u{9f}' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\u{ff61}'..='\u{ff9f}');
    if malformed || text.chars().any(is_none) {
        return false;
    }
    // Words are parted by what ASCII has for it.
    let words = text.split(|letter: char| letter.is_ascii() && !letter.is_ascii_alphanumeric());
    words.filter(|word| !word.is_ascii()).all(is_word)
}

fn is_word(word: &str) -> bool {
    let latin = |letter: &char| letter.is_ascii_alphabetic();
    let foreign = || word.chars().filter(|letter| !letter.is_ascii());
    let is_latin =
        |letter: char| matches!(letter, '\u{aa}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    let letters = foreign().filter(|letter| letter.is_alphabetic()).count();
    // A sign beside a word, such as a dash or a currency, parts it; between letters there is none but an apostrophe.
    let inner = word.trim_matches(|letter: char| !letter.is_alphanumeric());
    let between = |letter: char| {
        letter.is_alphanumeric()
            || matches!(letter, '\u{2019}' | '\u{2010}'..='\u{2015}' | '\u{a0}' | '\u{b7}')
    };
    if !inner.chars().all(between) {
        return false;
    }
    let all_latin = inner
        .chars()
        .filter(|letter| !letter.is_ascii())
        .all(|letter| is_latin(letter) || !letter.is_alphabetic());
    if all_latin {
        // A Latin word of three letters has one of ASCII. A sign before letters, as in £ukasz, is one that was misread.
        return (letters < 3 || word.chars().any(|letter| latin(&letter))) && !starts_with_sign(word);
    }
    // Other scripts do not share words with Latin letters.
    !word.chars().any(|letter| latin(&letter))
}

fn starts_with_sign(word: &str) -> bool {
    let mut letters = word.chars();
    let first =
        letters.next().is_some_and(|letter| matches!(letter, '\u{a1}'..='\u{bf}') && !letter.is_alphabetic());
    first
        && !matches!(word.chars().next(), Some('¿' | '¡' | '«' | '»' | '\u{a0}'))
        && letters.next().is_some_and(char::is_alphabetic)
}

/// The beginning of what is not ASCII, with the words that it stands in.
fn excerpt(encoding: &'static Encoding, sample: &[u8]) -> String {
    let (text, _) = encoding.decode_without_bom_handling(sample);
    let mut words = text.split(|letter: char| letter.is_ascii() && !letter.is_ascii_alphanumeric());
    let word = words.find(|word| !word.is_ascii()).unwrap_or_default();
    word.chars().filter(|letter| !letter.is_control()).take(SHOWN).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use encoding_rs::{KOI8_U, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251};

    use super::*;

    fn guessed(encoding: &'static Encoding, text: &str) -> Guess {
        let (bytes, _, lost) = encoding.encode(text);
        assert!(!lost, "{text}");
        guess(&*bytes).unwrap()
    }

    #[test]
    fn what_a_text_says_is_believed() {
        for (encoding, text) in [
            (WINDOWS_1252, "name\nJö\n"),
            (WINDOWS_1252, "name\nRené François,12 €\n"),
            (WINDOWS_1250, "name\nŁukasz Wiśniewski\n"),
            (WINDOWS_1251, "name\nІван Шевченко\nЮрій Коваленко\n"),
            (KOI8_U, "name\nЇжак Петро\n"),
            (SHIFT_JIS, "name\n山田太郎\n"),
        ] {
            let guess = guessed(encoding, text);
            assert!(guess.doubt.is_none(), "{text}: {guess:?}");
            let (bytes, ..) = encoding.encode(text);
            assert_eq!(guess.encoding.decode(&bytes).0, text);
        }
    }

    #[test]
    fn what_nobody_has_written_is_doubted_and_others_are_offered() {
        let guess = guessed(WINDOWS_1251, "name\nИван\n");
        let doubt = guess.doubt.unwrap();
        assert!(doubt.contains("windows-1252 reads \"Èâàí\" is unlikely"), "{doubt}");
        assert!(doubt.contains("windows-1251 reads \"Иван\""), "{doubt}");
        assert!(super::guess(b"name\nJ\x81rgen\n".as_slice()).unwrap().doubt.is_some());
        // Control characters of an encoding are no letters of anybody.
        assert!(!is_plausible(WINDOWS_1252, b"a\n\x80\x81\x8d\x90\xff\n"));
    }
}
