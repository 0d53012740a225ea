//! The page for people: made on the server, whole without a script, and from nowhere but the server.

use std::fmt::Write as _;

use serde_json::Value;

use super::codes::ERRORS;
use super::document::groups;
use super::fields::{self, Row};
use super::markdown::{block, escape, line};
use super::{DESCRIPTION, operation, url};
use crate::METHODS;
use crate::authenticate::ACCESS_TOKEN;
use crate::method::{Group, Method};

/// The texts about webhooks, in Markdown.
const WEBHOOKS: &str = include_str!("../../../../docs/webhooks.md");

/// Members that every answer has: they are told once.
const COMMON: [&str; 2] = ["result", "warnings"];

/// The page of a description.
pub fn render(description: &Value) -> String {
    let page = Page { description, components: &description["components"]["schemas"] };
    let mut out = String::with_capacity(1 << 19);
    // Writing to a string does not fail.
    let _ = page.write(&mut out);
    out
}

struct Page<'a> {
    description: &'a Value,
    components: &'a Value,
}

impl Page<'_> {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        let info = &self.description["info"];
        let text = |value: &Value| escape(value.as_str().unwrap_or_default());
        let (title, version, summary) =
            (text(&info["title"]), text(&info["version"]), text(&info["summary"]));
        let (icon, style, script) = (url("icon.svg"), url("reference.css"), url("reference.js"));
        write!(
            out,
            r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} reference</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
<link rel="stylesheet" href="{style}">
<script src="{script}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the methods</a>
<header>
<p class="brand">{title} <span>{version}</span></p>
<p class="back"><a href="/">Back to the console</a></p>
<div id="search" role="search" hidden>
<label for="query">Search methods, fields and codes</label>
<input id="query" type="search" autocomplete="off" spellcheck="false" aria-describedby="found" placeholder="Search (press /)">
<p id="found" role="status"></p>
</div>
</header>
<div class="columns">
<nav aria-label="Methods">
"##
        )?;
        contents(out)?;
        write!(
            out,
            r#"</nav>
<main id="main">
<section class="part" id="about">
<h1>{title} reference</h1>
<p>{summary}. For programs there is <a href="{DESCRIPTION}">openapi.json</a>.</p>
{}<p>In the examples <code>API</code> is the address of the server, such as <code>http://127.0.0.1:8080</code>, and
<code>TOKEN</code> the access token.</p>
"#,
            block(info["description"].as_str().unwrap_or_default())
        )?;
        self.envelope(out)?;
        out.push_str("</section>\n");
        for group in groups() {
            self.group(group, out)?;
        }
        for (id, text) in [("errors", ERRORS), ("webhooks", WEBHOOKS)] {
            writeln!(out, r#"<section class="part" id="{id}">{}</section>"#, block(text))?;
        }
        out.push_str("</main>\n</div>\n</body>\n</html>\n");
        Ok(())
    }

    /// What all answers have in common.
    fn envelope(&self, out: &mut String) -> std::fmt::Result {
        let schema = self.answer(METHODS[0]);
        let mut rows = fields::rows(schema, self.components, false);
        rows.retain(is_common);
        out.push_str("<h2>Answers</h2>\n<p>With 200, beside the members of the method:</p>\n");
        table("Members of every answer with 200", "Present", &rows, out)?;
        out.push_str("<p>With any other status:</p>\n");
        let refused = &self.components["Refused"];
        table("Members of a refusal", "Present", &fields::rows(refused, self.components, false), out)
    }

    fn group(&self, group: &Group, out: &mut String) -> std::fmt::Result {
        write!(
            out,
            r#"<section class="group" id="{}">
<h2>{}</h2>
{}"#,
            slug(group.name),
            escape(group.name),
            block(group.text)
        )?;
        for method in METHODS.into_iter().filter(|method| method.group.name == group.name) {
            self.method(method, out)?;
        }
        out.push_str("</section>\n");
        Ok(())
    }

    fn method(&self, method: &Method, out: &mut String) -> std::fmt::Result {
        let (id, path) = (operation::id(method), method.path());
        let operation = &self.description["paths"][path]["post"];
        write!(
            out,
            r##"<article class="part" id="{id}" aria-labelledby="{id}-title">
<h3 id="{id}-title"><a href="#{id}">{}</a></h3>
<p class="path"><code><b>POST</b> {path}</code></p>
{}<p class="who">{}</p>
"##,
            line(method.summary),
            block(method.text),
            line(&operation::who(method))
        )?;
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = fields::rows(schema, self.components, true);
        if body.is_empty() {
            out.push_str("<p>The body is empty, or an object without members.</p>\n");
        } else {
            out.push_str("<h4>Body</h4>\n");
            table(&format!("Body of {path}"), "Required", &body, out)?;
        }
        headers(operation, out)?;
        let mut answer = fields::rows(self.answer(method), self.components, false);
        answer.retain(|row| !is_common(row));
        if !answer.is_empty() {
            out.push_str("<h4>Answer</h4>\n");
            table(&format!("Answer of {path}"), "Present", &answer, out)?;
        }
        examples(method, out)?;
        statuses(operation, out)?;
        out.push_str("</article>\n");
        Ok(())
    }

    fn answer(&self, method: &Method) -> &Value {
        let responses = &self.description["paths"][method.path()]["post"]["responses"];
        &responses["200"]["content"]["application/json"]["schema"]
    }
}

fn is_common(row: &Row) -> bool {
    let name = row.name.split(['.', '[']).next().unwrap_or_default();
    COMMON.contains(&name)
}

fn contents(out: &mut String) -> std::fmt::Result {
    out.push_str("<ul>\n<li><a href=\"#about\">About</a></li>\n");
    for group in groups() {
        let (slug, name) = (slug(group.name), escape(group.name));
        writeln!(out, r##"<li><a href="#{slug}">{name}</a><ul>"##)?;
        for method in METHODS.into_iter().filter(|method| method.group.name == group.name) {
            let name = method.path().trim_start_matches("/v3/");
            writeln!(out, r##"<li><a href="#{}">{name}</a></li>"##, operation::id(method))?;
        }
        out.push_str("</ul></li>\n");
    }
    out.push_str("<li><a href=\"#errors\">Errors and warnings</a></li>\n");
    out.push_str("<li><a href=\"#webhooks\">Webhooks</a></li>\n</ul>\n");
    Ok(())
}

fn slug(name: &str) -> String {
    format!("group-{}", name.to_lowercase().replace(' ', "-"))
}

/// A table whose roles are spelt out: on narrow screens it is laid out as a list, and stays a table.
fn table(caption: &str, required: &str, rows: &[Row], out: &mut String) -> std::fmt::Result {
    write!(
        out,
        r#"<table role="table" class="fields"><caption>{}</caption><thead role="rowgroup"><tr role="row">"#,
        escape(caption)
    )?;
    for head in ["Field", "Type", required, "Limits", "Meaning"] {
        write!(out, r#"<th role="columnheader" scope="col">{head}</th>"#)?;
    }
    out.push_str("</tr></thead><tbody role=\"rowgroup\">\n");
    for row in rows {
        let present = match (required, row.required) {
            ("Required", true) => "required",
            ("Required", false) => "optional",
            (_, true) => "always",
            (_, false) => "may be absent",
        };
        writeln!(
            out,
            r#"<tr role="row"><th role="rowheader" scope="row"><code>{}</code></th><td role="cell">{}</td><td role="cell" class="{}">{present}</td><td role="cell">{}</td><td role="cell">{}</td></tr>"#,
            // A long path may be broken where a member ends.
            escape(&row.name).replace('.', ".<wbr>"),
            line(&row.kind),
            if row.required { "must" } else { "may" },
            line(&row.limits),
            line(&row.text),
        )?;
    }
    out.push_str("</tbody></table>\n");
    Ok(())
}

fn headers(operation: &Value, out: &mut String) -> std::fmt::Result {
    out.push_str("<h4>Headers</h4>\n<dl>\n");
    writeln!(out, "<dt><code>{ACCESS_TOKEN}</code></dt><dd>The token. Required.</dd>")?;
    for header in operation["parameters"].as_array().into_iter().flatten() {
        let text = |key: &str| header[key].as_str().unwrap_or_default();
        writeln!(
            out,
            "<dt><code>{}</code></dt><dd>{}</dd>",
            escape(text("name")),
            line(text("description"))
        )?;
    }
    out.push_str("</dl>\n");
    Ok(())
}

fn examples(method: &Method, out: &mut String) -> std::fmt::Result {
    out.push_str("<h4>Examples</h4>\n");
    for example in method.examples {
        // The shell's single quotes are ended for a quote in the body.
        let body = pretty(example.body).replace('\'', r"'\''");
        let curl =
            format!("curl \"$API{}\" \\\n  -H \"{ACCESS_TOKEN}: $TOKEN\" \\\n  -d '{body}'", method.path());
        writeln!(out, "<h5>{}</h5>", line(example.summary))?;
        let (path, body) = (method.path(), escape(&pretty(example.body)));
        writeln!(out, r#"<div class="try" data-path="{path}" data-body="{body}">"#)?;
        code("Request", &curl, out)?;
        super::samples::write(path, &pretty(example.body), out)?;
        out.push_str("</div>\n");
        code("Answer", &pretty(example.answer), out)?;
    }
    Ok(())
}

fn code(label: &str, text: &str, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        r#"<div class="code"><pre tabindex="0" role="region" aria-label="{label}"><code>{}</code></pre></div>"#,
        escape(text)
    )
}

/// JSON in lines.
fn pretty(json: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

fn statuses(operation: &Value, out: &mut String) -> std::fmt::Result {
    let statuses = operation["responses"].as_object().into_iter().flatten();
    let statuses: Vec<_> =
        statuses.map(|(status, _)| status.as_str()).filter(|status| *status != "200").collect();
    writeln!(
        out,
        r##"<p class="statuses">Refusals: {}. <a href="#errors">What they mean</a></p>"##,
        statuses.join(", ")
    )
}
