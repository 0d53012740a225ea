//! Reads the sources: each text of a page stands in each translation, with the same places and tags.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::Language;
use super::super::text::plurals;

const TRANSLATED: [Language; 3] = [Language::German, Language::Ukrainian, Language::Spanish];

/// The texts of the sources: the English text, and whether it has plural forms.
fn texts() -> BTreeMap<String, bool> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut texts = BTreeMap::new();
    for folder in [
        "crates/console/templates",
        "crates/http/templates",
        "crates/console/src",
        "crates/domain/src/contact/field",
        "crates/http/src",
        "crates/web/src/login",
        "crates/web/src/translate",
    ] {
        walk(&root.join(folder), &mut texts);
    }
    texts
}

fn walk(folder: &Path, texts: &mut BTreeMap<String, bool>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
        if entry.is_dir() {
            walk(&entry, texts);
        } else if name.ends_with(".html") || (name.ends_with(".rs") && name != "tests.rs") {
            let source = std::fs::read_to_string(&entry).expect("a source");
            // Unit tests have texts of their own.
            find(
                source
                    .split("#[cfg(test)]\n#[allow")
                    .next()
                    .and_then(|source| source.split("#[cfg(test)]\nmod tests {").next())
                    .expect("a part"),
                texts,
            );
        }
    }
}

fn find(source: &str, texts: &mut BTreeMap<String, bool>) {
    for (call, is_many) in [("t(", false), ("mark(", false), ("tn(", true)] {
        for (at, _) in source.match_indices(call) {
            let before = source[..at].chars().next_back();
            if before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == '.') {
                continue;
            }
            let rest = source[at + call.len()..].trim_start();
            let Some(rest) = rest.strip_prefix('"') else { continue };
            texts.insert(literal(rest), is_many);
        }
    }
}

/// A string literal of Rust, from behind its first quote.
fn literal(rest: &str) -> String {
    let mut text = String::new();
    let mut chars = rest.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => match chars.next() {
                // A line that goes on: the blanks at its beginning are no part of the text.
                Some('\n') => {
                    let rest = chars.as_str().trim_start();
                    chars = rest.chars();
                }
                Some('n') => text.push('\n'),
                Some(char) => text.push(char),
                None => break,
            },
            char => text.push(char),
        }
    }
    text
}

/// The places and tags of a text, sorted: what a translation must have as well.
fn places(text: &str) -> Vec<String> {
    let mut places = Vec::new();
    for (open, close) in [('{', '}'), ('<', '>')] {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(open) {
            let Some((place, after)) = after.split_once(close) else { break };
            places.push(format!("{open}{place}"));
            rest = after;
        }
    }
    places.sort();
    places
}

#[test]
fn each_language_has_each_text_with_the_same_places_and_no_other() {
    let texts = texts();
    let mut missing = Vec::new();
    for language in TRANSLATED {
        let catalogue = super::of(language);
        for (text, is_many) in &texts {
            let forms = if *is_many { plurals(language) } else { 1 };
            let Some(found) = catalogue.texts.get(text.as_str()) else {
                missing.push(format!("{}: no translation: {text}", language.code()));
                continue;
            };
            if found.len() != forms {
                missing.push(format!(
                    "{}: {} forms in place of {forms}: {text}",
                    language.code(),
                    found.len()
                ));
            }
            for (place, form) in found.iter().enumerate() {
                // The form for one may leave its number out, where it is for one alone: in Ukrainian it is for 21 too.
                let is_for_one = place == 0 && language != Language::Ukrainian;
                let (mut here, mut there) = (places(text), places(form));
                if *is_many {
                    here.retain(|place| place != "{n");
                    let before = there.len();
                    there.retain(|place| place != "{n");
                    if before == there.len() && !is_for_one {
                        missing.push(format!("{}: without its number: {form}", language.code()));
                    }
                }
                if form.is_empty() || here != there {
                    missing.push(format!("{}: other places: {text}: {form}", language.code()));
                }
            }
        }
        let known: BTreeSet<&str> = texts.keys().map(String::as_str).collect();
        for text in catalogue.texts.keys().filter(|text| !text.is_empty() && !known.contains(text.as_ref())) {
            missing.push(format!("{}: no page has this text: {text}", language.code()));
        }
    }
    assert!(missing.is_empty(), "{} findings:\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn files_are_in_the_form_that_is_read() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("translations");
    for language in TRANSLATED {
        let file = std::fs::read_to_string(root.join(format!("{}.po", language.code()))).expect("a file");
        let mut seen = BTreeSet::new();
        for (number, line) in file.lines().enumerate().map(|(index, line)| (index + 1, line)) {
            let known = ["msgid \"", "msgid_plural \"", "msgstr \"", "msgstr[", "#", "\""];
            assert!(
                line.is_empty() || known.iter().any(|start| line.starts_with(start)),
                "{}: line {number}: {line}",
                language.code()
            );
            assert!(
                line.is_empty() || line.starts_with('#') || line.ends_with('"'),
                "{}: line {number}",
                language.code()
            );
            if line.starts_with("msgid \"") {
                assert!(seen.insert(line.to_owned()), "{}: twice: {line}", language.code());
            }
        }
    }
}
