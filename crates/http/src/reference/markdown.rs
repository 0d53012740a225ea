//! Markdown as HTML.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::PAGE;

/// A text in paragraphs, its headings one level lower than written, its tables in frames that scroll.
pub fn block(text: &str) -> String {
    let mut out = String::new();
    html::push_html(&mut out, events(text));
    out
}

/// One line, without a paragraph around it.
pub fn line(text: &str) -> String {
    let whole = block(text);
    let inner = whole.trim_end().strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>"));
    // Two paragraphs stay what they are.
    inner.filter(|inner| !inner.contains("<p>")).map_or_else(|| whole.clone(), str::to_owned)
}

/// As text in an element or an attribute.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(text, Options::ENABLE_TABLES).flat_map(|event| {
        let [mut before, mut after] = [None, None];
        let event = match event {
            // Nothing in the texts is meant as HTML.
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::Heading { level, id, classes, attrs }) => {
                Event::Start(Tag::Heading { level: lower(level), id, classes, attrs })
            }
            Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                Event::Start(Tag::Link { link_type, dest_url: target(dest_url), title, id })
            }
            Event::Start(Tag::Table(columns)) => {
                before = Some(Event::Html(
                    r#"<div class="wide" tabindex="0" role="region" aria-label="Table">"#.into(),
                ));
                Event::Start(Tag::Table(columns))
            }
            Event::End(TagEnd::Table) => {
                after = Some(Event::Html("</div>".into()));
                Event::End(TagEnd::Table)
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                before = Some(Event::Html(r#"<div class="code">"#.into()));
                Event::Start(Tag::CodeBlock(kind))
            }
            Event::End(TagEnd::CodeBlock) => {
                after = Some(Event::Html("</div>".into()));
                Event::End(TagEnd::CodeBlock)
            }
            other => other,
        };
        before.into_iter().chain([event]).chain(after)
    })
}

const fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

/// Files of the documentation are sections of the page.
fn target(link: CowStr<'_>) -> CowStr<'_> {
    match link.strip_suffix(".md") {
        Some(file) => format!("{PAGE}#{file}").into(),
        None => link,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_html_that_was_not_markdown() {
        assert_eq!(line("a <b> & `<c>`"), "a &lt;b&gt; &amp; <code>&lt;c&gt;</code>");
        assert_eq!(escape(r#"<a href="x">&"#), "&lt;a href=&quot;x&quot;&gt;&amp;");
        assert_eq!(
            block("# Errors\n\n[codes](errors.md)"),
            "<h2>Errors</h2>\n<p><a href=\"/docs#errors\">codes</a></p>\n"
        );
    }
}
