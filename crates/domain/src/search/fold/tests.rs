//! 50 spellings of names, each as people type it and as it is stored.

use super::*;

/// What is typed, and the name that it must find. The last are names in Unicode's decomposed form.
const SPELLINGS: [(&str, &str); 50] = [
    ("muller", "Müller"),
    ("müller", "MÜLLER"),
    ("mueller", "Müller"),
    ("muller", "Mu\u{308}ller"),
    ("jose", "José"),
    ("jose", "Jose\u{301}"),
    ("strasse", "Straße"),
    ("strasse", "STRASSE"),
    ("straße", "Strasse"),
    ("lukasz", "Łukasz"),
    ("sorensen", "Sørensen"),
    ("ilker", "İlker"),
    ("isik", "Işık"),
    ("dao", "Đào"),
    ("aegir", "Ægir"),
    ("thor", "Þór"),
    ("oconnor", "O’Connor"),
    ("o'connor", "O’Connor"),
    ("o’connor", "O'Connor"),
    ("connor", "O'Connor"),
    ("annemarie", "Anne-Marie"),
    ("anne marie", "Anne-Marie"),
    ("marie", "Anne-Marie"),
    ("jean-luc", "Jean Luc"),
    ("ивана", "Ивана"),
    ("ганна", "Ґанна"),
    ("йосип", "Йосип"),
    ("йосип", "Йосип"),
    ("иосип", "Йосип"),
    ("івга", "Івга"),
    ("елкин", "Ёлкин"),
    ("kovalchuk", "Ковальчук"),
    ("ковалчук", "Ковальчук"),
    ("ivana", "Ивана"),
    ("nguyen", "Nguyễn"),
    ("nguyen", "Nguye\u{302}\u{303}n"),
    ("παπαδοπουλος", "Παπαδόπουλος"),
    ("ΠΑΠΑΔΟΠΟΥΛΟΣ", "Παπαδόπουλος"),
    ("李明", "李明华"),
    ("明", "李明华"),
    ("明华", "李明华"),
    ("太郎", "山田太郎"),
    ("たろう", "タロウ"),
    ("たろう", "ﾀﾛｳ"),
    ("김민수", "\u{1100}\u{1175}\u{11b7}\u{1106}\u{1175}\u{11ab}\u{1109}\u{116e}"),
    ("민수", "김민수"),
    ("गीता", "गीता"),
    ("محمد", "مُحَمَّد"),
    ("שלום", "שָׁלוֹם"),
    ("zoe", "Zoë"),
];

/// Whether each word of what is typed is the beginning of a word of the name.
fn finds(typed: &str, name: &str) -> bool {
    let (typed, indexed) = (words(typed), name_words(name));
    !typed.is_empty() && typed.iter().all(|word| indexed.iter().any(|other| other.starts_with(word.as_str())))
}

#[test]
fn names_are_found_however_they_are_typed() {
    let missed: Vec<_> = SPELLINGS.into_iter().filter(|(typed, name)| !finds(typed, name)).collect();
    assert!(missed.is_empty(), "{missed:?}");
    // A table in which everything matched would prove nothing.
    for (typed, name) in [("muller", "Miller"), ("明", "李華"), ("गत", "गीता"), ("connor anne", "O'Connor")]
    {
        assert!(!finds(typed, name), "{typed} {name}");
    }
}

#[test]
fn folding_is_stable_and_leaves_marks_that_are_letters() {
    for (typed, name) in SPELLINGS {
        for text in [typed, name] {
            let once = fold(text);
            assert_eq!(fold(&once), once);
        }
    }
    assert_eq!(words("गीता"), ["गीता"]);
    assert_eq!(words("ガギグ が"), ["がぎぐ", "が"]);
    assert_eq!(words(" -- ''!? "), Vec::<String>::new());
}

#[test]
fn addresses_are_words_and_long_words_are_cut() {
    assert_eq!(
        address_words("Anna.Maria+news@Mail.example.com"),
        ["anna", "maria", "news", "mail", "example", "com"]
    );
    assert_eq!(words(&"ä".repeat(100)), ["a".repeat(MAX_LETTERS)]);
    assert_eq!(cut("äöü", 2), "äö");
    assert!(name_words(&"明".repeat(255)).len() <= 2 + MAX_SUFFIXES);
}

#[test]
fn phone_numbers_are_read_in_any_spelling() {
    for text in ["+49 170 1234567", "0049 (170) 123 45-67", "+49 (0)170/1234567", "491701234567"] {
        assert_eq!(phone_digits(text).as_deref(), Some("491701234567"), "{text}");
    }
    assert_eq!(phone_digits("0170 1234567").as_deref(), Some("1701234567"));
    assert_eq!(phone_digits("234567").as_deref(), Some("234567"));
    for text in ["12345", "000012345", "anna", "123456x", "", "-123456", "1234-5"] {
        assert_eq!(phone_digits(text), None, "{text}");
    }
}

#[test]
fn a_plain_text_has_the_words_that_folding_finds() {
    let long = "A".repeat(MAX_LETTERS + 1);
    for text in ["", " ", "Ann", "ann.SMITH+news@Example.com", "J. R. R. \"T\"", "a_b\u{0}c\t1", &long] {
        assert!(is_plain(text), "{text:?}");
        assert_eq!(words(text), folded_words(text), "{text:?}");
    }
    assert!(!["O'Neil", "Anne-Marie", "Zo\u{eb}", "d`Or"].into_iter().any(is_plain));
}
