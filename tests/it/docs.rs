//! The documentation: its links lead somewhere, its book has every page, and what it says of settings and commands is
//! so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;

use crate::process::{Store, program, run};

/// The directory of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page of the documentation, by its path in the project.
pub fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<_> =
        ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md"]
            .map(PathBuf::from)
            .into();
    pages.extend(
        ["php", "python", "typescript"].map(|client| Path::new("clients").join(client).join("README.md")),
    );
    let mut directories = vec![PathBuf::from("docs")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(root().join(&directory)).expect("a directory") {
            let path = directory.join(entry.expect("an entry").file_name());
            if root().join(&path).is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

pub fn read(page: &Path) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// Where the links and pictures of a page lead, as they are written.
fn links(text: &str) -> Vec<String> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES);
    let targets = events.filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    });
    targets.collect()
}

/// The anchors of a page's headings, as code hosts and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let (mut anchors, mut heading) = (BTreeSet::new(), None);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::Text(part) | Event::Code(part), Some(words)) => words.push_str(&part),
            (Event::End(TagEnd::Heading(_)), _) => {
                let words = heading.take().unwrap_or_default().to_lowercase();
                let letters = words.chars().map(|letter| if letter == ' ' { '-' } else { letter });
                anchors.insert(
                    letters.filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect(),
                );
            }
            _ => {}
        }
    }
    anchors
}

/// What is wrong with a link of a page.
fn fault(page: &Path, link: &str) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { page.to_owned() } else { page.parent().expect("a folder").join(path) };
    if !root().join(&target).exists() {
        return Some(format!("{}: {link} leads nowhere", page.display()));
    }
    let found = anchor.is_empty() || anchors(&read(&target)).contains(anchor);
    (!found).then(|| format!("{}: {link} names no heading", page.display()))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let pages = pages();
    let found: Vec<_> =
        pages.iter().flat_map(|page| links(&read(page)).into_iter().map(move |link| (page, link))).collect();
    assert!(found.len() > 100, "links are read: {}", found.len());
    let faults: Vec<_> = found.iter().filter_map(|(page, link)| fault(page, link)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(fault(Path::new("README.md"), "docs/absent.md").is_some());
    assert!(fault(Path::new("README.md"), "docs/errors.md#absent").is_some());
}

#[test]
fn the_book_has_every_page_of_docs_once() {
    let summary = Path::new("docs/SUMMARY.md");
    let mut listed: Vec<_> = links(&read(summary)).iter().map(|link| Path::new("docs").join(link)).collect();
    listed.sort();
    let there: Vec<_> =
        pages().into_iter().filter(|page| page.starts_with("docs") && page != summary).collect();
    assert_eq!(listed, there);
    let decisions = links(&read(Path::new("docs/decisions/README.md")));
    let there =
        there.iter().filter(|page| page.starts_with("docs/decisions") && !page.ends_with("README.md"));
    assert_eq!(decisions, there.map(|page| page.file_name().unwrap().to_str().unwrap()).collect::<Vec<_>>());
}

#[test]
fn the_decisions_are_numbered_without_gaps_and_each_has_a_status_and_a_date() {
    let decisions = pages().into_iter().filter(|page| page.starts_with("docs/decisions"));
    for (page, number) in decisions.filter(|page| !page.ends_with("README.md")).zip(1..) {
        let name = page.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(name.starts_with(&format!("{number:04}-")), "{name} is not number {number}");
        let text = read(&page);
        assert!(text.starts_with(&format!("# {number}. ")), "{name}: its title");
        let status = text.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or_default();
        let mut words = status.split([' ', ',', ';', '.']);
        assert!(words.any(|word| word.parse::<jiff::civil::Date>().is_ok()), "{name}: status: {status}");
    }
}

/// The paths of the project that a page names in code. `crates/postgres/migrations/V*.sql` names files of a folder.
fn paths(text: &str) -> Vec<String> {
    const FOLDERS: [&str; 8] = ["benches", "clients", "crates", "docs", "fuzz", "ops", "src", "tests"];
    let named = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Code(code) => Some(code.into_string()),
        _ => None,
    });
    let begins = |code: &String| code.split_once('/').is_some_and(|(first, _)| FOLDERS.contains(&first));
    named.filter(|code| begins(code) && !code.contains(' ')).collect()
}

fn is_there(path: &str) -> bool {
    let folder = path.rsplit_once('/').filter(|(_, name)| name.contains('*')).map(|(folder, _)| folder);
    root().join(folder.unwrap_or(path)).exists()
}

#[test]
fn the_guides_for_contributors_name_files_that_exist() {
    let guides = pages().into_iter();
    let guides =
        guides.filter(|page| page.starts_with("docs/how-to") || page == Path::new("CONTRIBUTING.md"));
    let named: Vec<_> = guides
        .flat_map(|page| paths(&read(&page)).into_iter().map(move |path| (page.clone(), path)))
        .collect();
    assert!(named.len() > 40, "paths are read: {}", named.len());
    let missing: Vec<_> = named.iter().filter(|(_, path)| !is_there(path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(!is_there("src/absent.rs") && !is_there("src/absent/V*.sql"));
}

#[test]
fn the_readme_is_short_and_shows_the_product_first() {
    let readme = read(Path::new("README.md"));
    let lines = readme.lines().count();
    assert!((80..=120).contains(&lines), "README.md has {lines} lines");
    let picture = readme.lines().position(|line| line.starts_with("![")).expect("a picture");
    assert!(picture < 10, "the picture stands at line {picture}");
}

/// The rows of a page's first table: its cells, without backquotes.
fn rows(page: &str) -> Vec<Vec<String>> {
    let text = read(Path::new(page));
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().replace('`', "")).collect())
        .collect()
}

#[test]
fn the_settings_page_has_every_setting_with_its_default() {
    let mut shown = BTreeSet::new();
    for row in rows("docs/reference/settings.md") {
        shown.extend(row[0].split(", ").map(|name| (name.to_owned(), row[1].trim_matches('"').to_owned())));
    }
    let printed = run(program().arg("config")).out;
    let settings = printed.lines().filter(|line| !line.starts_with('#'));
    let settings = settings.filter_map(|line| line.split_once(" = "));
    let settings = settings.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()));
    assert_eq!(shown, settings.collect());
}

/// The commands that a help text names.
fn commands(of: &[&str]) -> Vec<String> {
    let help = run(program().args(of).arg("--help")).out;
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let names = list.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_commands_page_has_every_command() {
    let mut shown = BTreeSet::new();
    for row in rows("docs/reference/commands.md") {
        let mut group = "";
        for name in row[0].split(", ") {
            // `account create`, `list`: the second is of the same group. `backup`, `restore`: there is none.
            let name = match name.split_once(' ') {
                Some((first, _)) => {
                    group = first;
                    name.to_owned()
                }
                None if group.is_empty() => name.to_owned(),
                None => format!("{group} {name}"),
            };
            shown.insert(name);
        }
    }
    shown.retain(|name| name.parse::<u8>().is_err());
    let mut there = BTreeSet::new();
    for name in commands(&[]) {
        match commands(&[&name]) {
            inner if inner.is_empty() => there.extend([name]),
            inner => there.extend(inner.iter().map(|inner| format!("{name} {inner}"))),
        }
    }
    assert!(there.len() > 15, "commands are found: {there:?}");
    assert_eq!(shown, there);
}

/// The indented blocks of a page, in their order.
fn blocks(page: &str) -> Vec<String> {
    let text = read(Path::new(page));
    let mut parser = Parser::new_ext(&text, Options::ENABLE_TABLES);
    let mut blocks = Vec::new();
    while let Some(event) = parser.next() {
        if matches!(event, Event::Start(Tag::CodeBlock(_))) {
            let parts = parser.by_ref().map_while(|event| match event {
                Event::Text(part) => Some(part.into_string()),
                _ => None,
            });
            blocks.push(parts.collect());
        }
    }
    blocks
}

/// Runs lines of the quick start, and returns what they printed, an answer each.
fn shell(lines: &str) -> Vec<Value> {
    let printed = run(std::process::Command::new("sh").args(["-ec", lines]));
    assert_eq!(printed.code, Some(0), "{lines}: {}", printed.err);
    let answers: Result<_, _> = serde_json::Deserializer::from_str(&printed.out).into_iter().collect();
    answers.unwrap_or_else(|error| panic!("{lines}: {error}: {}", printed.out))
}

#[test]
fn the_quick_start_works_as_it_is_written() {
    let store = Store::new();
    let server = store.serve();
    let account = store.account("Example Shop");
    let blocks = blocks("docs/guide/engineers/quick-start.md");
    let api: Vec<_> = blocks.iter().filter(|block| block.contains("curl ")).collect();
    let mut known = String::new();
    let mut answers = Vec::new();
    for block in api {
        let request =
            answers.last().map_or("", |answer: &Value| answer["requestId"].as_str().unwrap_or_default());
        let list = answers.first().map_or("", |answer| answer["contactListId"].as_str().unwrap_or_default());
        let lines = block
            .replace("TOKEN=rb_…", &format!("TOKEN={}", account.token))
            .replace("http://127.0.0.1:8080", &format!("http://{}", server.address))
            .replace("LIST=…", &format!("LIST={list}"))
            .replace("REQUEST=…", &format!("REQUEST={request}"))
            .replace(
                "\"email\": \"user@example.com\"}",
                "\"email\": \"user@example.com\", \"waitFor\": \"'$REQUEST'\"}",
            );
        let settings: String = lines
            .lines()
            .filter(|line| !line.starts_with(' ') && !line.starts_with("curl"))
            .fold(String::new(), |all, line| all + line + "\n");
        answers.extend(shell(&format!("{known}{lines}")));
        known.push_str(&settings);
    }
    assert_eq!(answers.len(), 5);
    for answer in &answers {
        assert_eq!(answer["result"], true, "{answer}");
    }
    let contact = &answers[4]["contact"];
    assert_eq!((&contact["email"], &contact["firstName"]), (&"user@example.com".into(), &"Jo".into()));
    assert_eq!(blocks[1].trim(), "rollbook account create \"Example Shop\" --database rollbook.db");
    assert_eq!(blocks[2].trim(), "rollbook serve --database rollbook.db");
}

#[test]
fn the_example_of_the_readme_gets_the_answer_that_it_shows() {
    let store = Store::new();
    let server = store.serve();
    let token = store.account("Example Shop").token;
    // It has the variable of the example.
    let list = server.list(&token);
    let blocks = blocks("README.md");
    let place = blocks.iter().position(|block| block.starts_with("curl ")).expect("the example");
    let example = blocks[place].replace("http://127.0.0.1:8080", &format!("http://{}", server.address));
    let mut answer = shell(&format!("TOKEN={token}\nLIST={list}\n{example}")).remove(0);
    let mut shown: Value = serde_json::from_str(&blocks[place + 1]).expect("its answer");
    for answer in [&mut answer, &mut shown] {
        assert!(answer["requestId"].take().as_str().is_some_and(|id| id.len() == 24), "{answer}");
    }
    assert_eq!(answer, shown);
}
