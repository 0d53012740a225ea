//! The texts of files: sentences of pages, errors, log messages, help and templates.

use pulldown_cmark::{Event, Options, Parser, TagEnd};

/// A text of a file, with the line at which it begins.
pub type Passage = (usize, String);

/// The sentences of Markdown, each heading, cell and item by itself; code counts as one word.
pub fn passages(markdown: &str) -> Vec<Passage> {
    let (mut passages, mut text, mut start, mut code) = (Vec::new(), String::new(), 0, false);
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(pulldown_cmark::Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Text(part) if !code => {
                if text.is_empty() {
                    start = range.start;
                }
                text.push_str(&part);
            }
            Event::Code(_) => {
                if text.is_empty() {
                    start = range.start;
                }
                text.push_str("CODE");
            }
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::Start(pulldown_cmark::Tag::Item | pulldown_cmark::Tag::List(_))
            | Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell | TagEnd::TableHead,
            ) if !text.is_empty() => {
                let line = markdown[..start].matches('\n').count() + 1;
                passages.push((line, std::mem::take(&mut text)));
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        passages.push((markdown[..start].matches('\n').count() + 1, text));
    }
    passages
}

/// The sentences of a passage: each ends with its mark and a blank.
pub fn sentences(passage: &str) -> Vec<&str> {
    let (mut sentences, mut start) = (Vec::new(), 0);
    let mut letters = passage.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if ".?!".contains(letter) && letters.peek().is_none_or(|(_, next)| next.is_whitespace()) {
            sentences.push(passage[start..=at].trim());
            start = at + 1;
        }
    }
    sentences.push(passage[start..].trim());
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

/// The texts of `#[error("…")]`, by their line.
pub fn error_texts(source: &str) -> Vec<Passage> {
    let lines = source.lines().enumerate().filter_map(|(at, line)| {
        let (_, text) = line.split_once("#[error(\"")?;
        let (text, _) = text.rsplit_once('"')?;
        Some((at + 1, text.to_owned()))
    });
    lines.collect()
}

/// Where the arguments of a macro end: at the bracket that closes them, outside of texts.
fn end_of_arguments(rest: &str) -> usize {
    let (mut depth, mut quoted) = (1, false);
    for (at, letter) in rest.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The messages of the log, by their line: the last text in each macro.
pub fn log_messages(source: &str) -> Vec<Passage> {
    let product = source.split("#[cfg(test)]").next().unwrap_or_default();
    let macros = product.match_indices("tracing::").filter_map(|(at, _)| {
        let (level, rest) = product[at + "tracing::".len()..].split_once("!(")?;
        let text = rest[..end_of_arguments(rest)].split('"').skip(1).step_by(2).last()?;
        let line = product[..at].matches('\n').count() + 1;
        ["error", "warn", "info", "debug"].contains(&level).then(|| (line, text.to_owned()))
    });
    macros.collect()
}

/// The texts of help: `///` lines of the command line, which clap shows, as paragraphs.
pub fn help_texts(source: &str) -> Vec<Passage> {
    let (mut texts, mut text, mut start) = (Vec::new(), String::new(), 0);
    for (at, line) in source.lines().enumerate() {
        match line.trim().strip_prefix("///") {
            Some(part) if !part.trim().is_empty() => {
                if text.is_empty() {
                    start = at + 1;
                }
                text.push_str(part);
            }
            _ if !text.is_empty() => {
                texts.extend(
                    passages(std::mem::take(&mut text).trim()).into_iter().map(|(_, text)| (start, text)),
                );
            }
            _ => {}
        }
    }
    texts
}

/// What a template shows: the text between tags, and what some attributes say.
pub fn shown_texts(template: &str) -> Vec<Passage> {
    const WITHIN: [&str; 10] = ["a", "b", "strong", "em", "span", "abbr", "small", "time", "mark", "i"];
    const CODE: [&str; 3] = ["code", "kbd", "samp"];
    let mut texts: Vec<Passage> = Vec::new();
    let (mut text, mut start, mut line, mut rest) = (String::new(), 1, 1, template);
    let mut code = false;
    let end = |text: &mut String, start: usize, texts: &mut Vec<Passage>| {
        let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !shown.is_empty() {
            texts.push((start, shown));
        }
        text.clear();
    };
    while let Some(at) = rest.find(['<', '{']) {
        let (before, from) = rest.split_at(at);
        if text.trim().is_empty() {
            start = line;
        }
        if !code {
            text.push_str(before);
        }
        line += before.matches('\n').count();
        let close = if from.starts_with("{{") {
            "}}"
        } else if from.starts_with("{%") {
            "%}"
        } else if from.starts_with("{#") {
            "#}"
        } else if from.starts_with("<script") {
            "</script>"
        } else if from.starts_with("<style") {
            "</style>"
        } else if from.starts_with('<') {
            ">"
        } else {
            ""
        };
        let length =
            if close.is_empty() { 1 } else { from.find(close).map_or(from.len(), |at| at + close.len()) };
        let (part, after) = from.split_at(length);
        if close == "}}" && !code {
            text.push_str("VALUE");
        } else if close == "%}" {
            end(&mut text, start, &mut texts);
        } else if close == ">" {
            let name = part.trim_start_matches(['<', '/']);
            let name = &name[..name.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(name.len())];
            if CODE.contains(&name) {
                code = !part.starts_with("</");
                text.push_str(if code { "CODE" } else { "" });
            } else if !WITHIN.contains(&name) {
                end(&mut text, start, &mut texts);
            }
            for attribute in ["placeholder=\"", "title=\"", "aria-label=\"", "alt=\"", "data-confirm=\""] {
                if let Some((_, value)) = part.split_once(attribute) {
                    texts.push((line, value.split('"').next().unwrap_or_default().to_owned()));
                }
            }
        } else if close.is_empty() {
            text.push('{');
        }
        line += part.matches('\n').count();
        rest = after;
    }
    text.push_str(rest);
    end(&mut text, start, &mut texts);
    texts
}

/// The texts of pages that translations have, without their tags: what `t`, `tn` and `mark` take.
pub fn marked_texts(source: &str) -> Vec<Passage> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut texts = Vec::new();
    for call in ["t(\"", "tn(\"", "mark(\""] {
        for (at, _) in source.match_indices(call) {
            let is_longer = |last: char| last.is_alphanumeric() || matches!(last, '_' | '.');
            if source[..at].ends_with(is_longer) {
                continue;
            }
            let rest = &source[at + call.len()..];
            let end = rest.replace("\\\"", "--").find('"').unwrap_or(rest.len());
            let (mut text, mut is_tag) = (String::new(), false);
            for letter in rest[..end].chars() {
                match letter {
                    '<' => is_tag = true,
                    '>' if is_tag => is_tag = false,
                    letter if !is_tag => text.push(letter),
                    _ => {}
                }
            }
            texts.push((source[..at].matches('\n').count() + 1, text));
        }
    }
    texts
}
