//! Folding: a text as words without case, accents and Unicode form, so that a name is found however it is typed.
//!
//! The same folding serves what is indexed and what is typed. Words of the index alone (other spellings of the same
//! name) are made here too. A change of any of it needs a new [`super::VERSION`].

use std::borrow::Cow;

use any_ascii::any_ascii_char;
use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// Letters of a word at most; the rest is cut off in the index and in what is typed.
pub const MAX_LETTERS: usize = 64;

/// Letters of a suffix of a word whose script writes no spaces.
const SUFFIX_LETTERS: usize = 16;

/// Suffixes of one word at most.
const MAX_SUFFIXES: usize = 32;

/// A text in lower case, without accents, in one Unicode form. Marks that carry a letter's sound stay: Devanagari vowel
/// signs and the marks of kana.
pub fn fold(text: &str) -> String {
    let lower = lower(text);
    if lower.is_ascii() {
        return lower;
    }
    let bare: String = DecomposingNormalizerBorrowed::new_nfkd()
        .normalize(&lower)
        .chars()
        .filter(|letter| !is_accent(*letter))
        .collect();
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&bare);
    let mut folded = String::with_capacity(composed.len());
    for letter in composed.chars() {
        match plain(letter) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(hiragana(letter)),
        }
    }
    folded
}

/// A text in lower case and in one form, with its accents.
fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    let folded = CaseMapper::new().fold_string(&composed);
    ComposingNormalizerBorrowed::new_nfc().normalize(&folded).into_owned()
}

/// Marks that stand above or below a letter and that people leave out.
const fn is_accent(letter: char) -> bool {
    matches!(letter,
        '\u{300}'..='\u{36f}'
        // Hebrew points
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}'
        // Arabic marks and the line that stretches a word
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}')
}

/// Letters that Unicode does not take apart.
const fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ł' => "l",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ı' => "i",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ŋ' => "n",
        'ħ' => "h",
        'ŧ' => "t",
        'ə' => "e",
        'ґ' => "г",
        'є' => "е",
        'ς' => "σ",
        'ь' | 'ъ' => "",
        _ => return None,
    })
}

/// Katakana as hiragana.
fn hiragana(letter: char) -> char {
    match letter {
        '\u{30a1}'..='\u{30f6}' => char::from_u32(u32::from(letter) - 0x60).unwrap_or(letter),
        _ => letter,
    }
}

/// Signs that are written within a name and left out as often.
const fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’' | '‘' | 'ʼ' | 'ʻ' | 'ʹ' | '`' | '´' | '＇')
}

/// Signs that join two names to one.
const fn is_hyphen(letter: char) -> bool {
    matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '־')
}

/// Whether a letter belongs to a word.
fn is_of_word(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_alphanumeric();
    }
    use GeneralCategory as G;
    matches!(
        CodePointMapData::<GeneralCategory>::new().get(letter),
        G::UppercaseLetter
            | G::LowercaseLetter
            | G::TitlecaseLetter
            | G::ModifierLetter
            | G::OtherLetter
            | G::DecimalNumber
            | G::LetterNumber
            | G::OtherNumber
            | G::NonspacingMark
            | G::SpacingMark
    )
}

/// The words of what is typed: folded, without apostrophes, in their order.
pub fn words(text: &str) -> Vec<String> {
    if is_plain(text) {
        let words = text.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        return words.map(|word| cut(word, MAX_LETTERS).to_ascii_lowercase()).collect();
    }
    folded_words(text)
}

fn folded_words(text: &str) -> Vec<String> {
    let text: String = text.chars().filter(|letter| !is_apostrophe(*letter)).collect();
    split(&fold(&text)).map(|word| cut(word, MAX_LETTERS).to_owned()).collect()
}

/// Whether each sign is a letter or digit of a word as it stands, or ends one: nearly all addresses and many names.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii() && !matches!(byte, b'\'' | b'`' | b'-'))
}

fn split(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(|letter| !is_of_word(letter)).filter(|word| !word.is_empty())
}

/// A word of at most so many letters.
pub fn cut(word: &str, letters: usize) -> &str {
    word.char_indices().nth(letters).map_or(word, |(end, _)| &word[..end])
}

/// The words under which a name is found: its own, and other spellings.
pub fn name_words(name: &str) -> Vec<String> {
    let mut found = words(name);
    if is_plain(name) {
        return found;
    }
    // The parts around an apostrophe, and both halves of a hyphenated name as one word.
    if name.contains(is_apostrophe) {
        let parts: String =
            name.chars().map(|letter| if is_apostrophe(letter) { ' ' } else { letter }).collect();
        found.extend(words(&parts));
    }
    for whole in name.split_whitespace().filter(|whole| whole.contains(is_hyphen)) {
        found.extend(words(&whole.chars().filter(|letter| !is_hyphen(*letter)).collect::<String>()));
    }
    if !name.is_ascii() {
        if let Some(umlauts) = with_umlauts_spelled(name) {
            found.extend(words(&umlauts));
        }
        for word in found.clone() {
            found.extend(latin(&word));
            found.extend(suffixes(&word));
        }
    }
    found
}

/// The words of an e-mail address: the parts of its name and of its domain.
pub fn address_words(address: &str) -> Vec<String> {
    words(address)
}

/// A name with ä, ö and ü as Germans spell them without these letters.
fn with_umlauts_spelled(name: &str) -> Option<String> {
    let lower = lower(name);
    lower.contains(['ä', 'ö', 'ü']).then(|| lower.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue"))
}

/// A word of another script in Latin letters.
fn latin(word: &str) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    let letters: String = word.chars().map(any_ascii_char).collect();
    let letters: String =
        letters.chars().filter(char::is_ascii_alphanumeric).map(|l| l.to_ascii_lowercase()).collect();
    (!letters.is_empty()).then(|| cut(&letters, MAX_LETTERS).to_owned())
}

/// The ends of a word of a script without spaces: a given name stands behind the family name.
fn suffixes(word: &str) -> impl Iterator<Item = String> {
    let is_joined = word.chars().any(is_without_spaces);
    let begins = word.char_indices().skip(1).take(if is_joined { MAX_SUFFIXES } else { 0 });
    begins.map(|(begin, _)| cut(&word[begin..], SUFFIX_LETTERS).to_owned())
}

/// Han, kana, Hangul and Thai.
const fn is_without_spaces(letter: char) -> bool {
    matches!(letter,
        '\u{e01}'..='\u{e5b}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

/// The digits of a phone number as people type it, without what leads to another country; `None` if the text is none.
pub fn phone_digits(text: &str) -> Option<Cow<'_, str>> {
    let is_sign = |sign: char| {
        sign.is_ascii_digit() || matches!(sign, ' ' | '\u{a0}' | '-' | '.' | '/' | '(' | ')' | '+')
    };
    let text = text.trim();
    if !text.chars().all(is_sign)
        || !text.starts_with(['+', '(', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    {
        return None;
    }
    // (0) is written for callers at home, and not dialled from abroad.
    let rest = text.replace("(0)", "");
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    (digits.len() >= super::query::MIN_PHONE_DIGITS).then(|| Cow::Owned(digits.to_owned()))
}

#[cfg(test)]
mod tests;
