//! A request in the languages of the clients: each with what the language itself brings.

use std::fmt::Write as _;

use super::markdown::escape;
use crate::authenticate::ACCESS_TOKEN;

/// Writes a call of a path with a body.
type Sample = fn(&str, &str) -> String;

/// The languages besides curl, each with its sample of a request.
const LANGUAGES: [(&str, Sample); 3] = [("PHP", php), ("Python", python), ("TypeScript", typescript)];

/// Writes the samples of a request: its path, and its body as JSON in lines.
pub fn write(path: &str, body: &str, out: &mut String) -> std::fmt::Result {
    writeln!(out, r#"<details class="samples"><summary>PHP, Python, TypeScript</summary>"#)?;
    for (name, sample) in LANGUAGES {
        writeln!(
            out,
            r#"<div class="code"><pre tabindex="0" role="region" aria-label="Request in {name}"><code>{}</code></pre></div>"#,
            escape(&sample(path, body))
        )?;
    }
    out.push_str("</details>\n");
    Ok(())
}

/// A nowdoc takes JSON as it is.
fn php(path: &str, body: &str) -> String {
    format!(
        "$body = <<<'JSON'\n{body}\nJSON;\n\
         $request = curl_init(getenv('API') . '{path}');\n\
         curl_setopt_array($request, [\n    \
         CURLOPT_HTTPHEADER => ['{ACCESS_TOKEN}: ' . getenv('TOKEN')],\n    \
         CURLOPT_POSTFIELDS => $body,\n    \
         CURLOPT_RETURNTRANSFER => true,\n]);\n\
         $answer = json_decode(curl_exec($request), true);"
    )
}

/// A raw string takes JSON as it is, unless it has three quotes in a row.
fn python(path: &str, body: &str) -> String {
    format!(
        "import json, os, urllib.request\n\n\
         body = r\"\"\"{body}\"\"\"\n\
         request = urllib.request.Request(os.environ[\"API\"] + \"{path}\", body.encode(),\n    \
         {{\"{ACCESS_TOKEN}\": os.environ[\"TOKEN\"]}})\n\
         with urllib.request.urlopen(request) as response:\n    answer = json.load(response)"
    )
}

/// JSON is an expression of the language.
fn typescript(path: &str, body: &str) -> String {
    format!(
        "const response = await fetch(`${{process.env.API}}{path}`, {{\n  \
         method: \"POST\",\n  \
         headers: {{ \"{ACCESS_TOKEN}\": process.env.TOKEN! }},\n  \
         body: JSON.stringify({body}),\n}});\n\
         const answer = await response.json();"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_stands_in_each_language_as_it_is() {
        let body = "{\n  \"name\": \"O'Brien \\u00e9\"\n}";
        for (name, sample) in LANGUAGES {
            let sample = sample("/v3/contacts/update", body);
            assert!(sample.contains(body) && sample.contains("/v3/contacts/update"), "{name}: {sample}");
        }
        assert!(typescript("/v3/x", "{}").contains("`${process.env.API}/v3/x`"));
    }
}
