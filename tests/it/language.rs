//! The language of the project: documentation, help, errors and pages are in plain technical English. The subject of a
//! sentence is a component, a user or the operator; words are the field's own; a sentence has one fact.

mod texts;

use std::fmt;
use std::path::{Path, PathBuf};

use self::texts::{
    Passage, error_texts, help_texts, log_messages, marked_texts, passages, sentences, shown_texts,
};
use crate::docs::{pages, read, root};

/// Files whose texts were written before these rules. Rewrite a file, then take it off: nothing may be added.
const NOT_YET: &[&str] = &[];

/// A sentence is no longer than this.
const MOST_WORDS: usize = 25;

/// Words that hide the actor or have a better one in the field, and what to write.
const UNWANTED: &[(&str, &str)] = &[
    ("whoever", "name the user or component"),
    ("nobody", "name the user or component"),
    ("somebody", "name the user or component"),
    ("told", "returned, reported, logged"),
    ("said", "reported, documented"),
    ("kept", "stored, retained"),
    ("bears", "has"),
    ("bore", "had"),
    ("goes on", "continues"),
    ("go on", "continue"),
    ("went on", "continued"),
    ("anew", "again, rewritten"),
    ("is none", "does not exist"),
    ("are none", "do not exist"),
    ("where it is", "if"),
    ("where that is", "if"),
    ("where there is", "if"),
    ("where there are", "if"),
    ("where nothing", "if"),
    ("where one", "if"),
];

/// Words that must not begin a sentence that is no question.
const NO_SUBJECT: &[&str] = &["what", "who", "nobody", "somebody"];

/// One thing to mend.
struct Finding {
    file: PathBuf,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

/// The words of a sentence, in small letters and without marks around them; a number is one.
fn words(sentence: &str) -> Vec<String> {
    let words =
        sentence.split_whitespace().map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// What is wrong with one sentence.
fn faults(sentence: &str) -> Vec<String> {
    let words = words(sentence);
    let mut faults = Vec::new();
    if words.len() > MOST_WORDS {
        faults.push(format!("{} words, at most {MOST_WORDS}: {sentence}", words.len()));
    }
    let first = words.first().map(String::as_str).unwrap_or_default();
    let capital = sentence.chars().find(|letter| letter.is_alphabetic()).is_some_and(char::is_uppercase);
    if capital && NO_SUBJECT.contains(&first) && !sentence.ends_with('?') {
        faults.push(format!("the subject is \"{first}\": {sentence}"));
    }
    let joined = format!(" {} ", words.join(" "));
    for (unwanted, better) in UNWANTED {
        if joined.contains(&format!(" {unwanted} ")) {
            faults.push(format!("\"{unwanted}\", better: {better}: {sentence}"));
        }
    }
    faults
}

fn findings(file: &Path, passages: &[Passage]) -> Vec<Finding> {
    let each = passages.iter().flat_map(|(line, passage)| {
        let faults = sentences(passage).into_iter().flat_map(faults);
        faults.map(|what| Finding { file: file.to_owned(), line: *line, what }).collect::<Vec<_>>()
    });
    each.collect()
}

/// The files under a folder with this ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::from(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).expect("a directory") {
            let path = folder.join(entry.expect("an entry").file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What is wrong with the form of a message: it names its component, then what the component does or failed to do.
fn message_fault(message: &str) -> Option<String> {
    const ALONE: [&str; 2] = ["serving", "stopped"];
    let component = message.split_once(": ").is_some_and(|(component, action)| {
        component.bytes().all(|byte| byte.is_ascii_lowercase()) && action.len() > 2
    });
    let good = ALONE.contains(&message) || component && !message.ends_with('.');
    (!good).then(|| format!("no `component: action`: {message}"))
}

/// Everything that people read, by file.
fn all() -> Vec<(PathBuf, Vec<Finding>)> {
    let mut all = Vec::new();
    for page in pages() {
        let found = findings(&page, &passages(&read(&page)));
        all.push((page, found));
    }
    for file in files("crates", "html") {
        let mut found = findings(&file, &shown_texts(&read(&file)));
        found.extend(findings(&file, &marked_texts(&read(&file))));
        all.push((file, found));
    }
    for file in files("crates", "rs").into_iter().chain(files("src", "rs")) {
        let source = read(&file);
        let mut found = findings(&file, &error_texts(&source));
        let messages = log_messages(&source);
        found.extend(findings(&file, &messages));
        found.extend(messages.iter().filter_map(|(line, message)| {
            Some(Finding { file: file.clone(), line: *line, what: message_fault(message)? })
        }));
        // The words of the API stand there as they are.
        if file != Path::new("crates/console/src/words.rs") {
            found.extend(findings(&file, &marked_texts(&source)));
        }
        if file.starts_with("src/cli") {
            found.extend(findings(&file, &help_texts(&source)));
        }
        all.push((file, found));
    }
    all
}

#[test]
fn texts_are_in_plain_english() {
    let all = all();
    assert!(all.len() > 200, "files are read: {}", all.len());
    let exempt = |file: &Path| NOT_YET.iter().any(|name| file == Path::new(name));
    let found: Vec<_> = all.iter().filter(|(file, _)| !exempt(file)).flat_map(|(_, found)| found).collect();
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{} sentences to write again:\n{}", found.len(), lines.join("\n"));
    let left = |name: &str| all.iter().any(|(file, found)| file == Path::new(name) && !found.is_empty());
    let plain: Vec<_> = NOT_YET.iter().filter(|name| !left(name)).collect();
    assert!(plain.is_empty(), "these are plain now, or gone: take them off the list: {plain:?}");
}

#[test]
fn what_the_lint_refuses_and_lets_through() {
    let refused =
        |text: &str| passages(text).iter().flat_map(|(_, text)| sentences(text)).flat_map(faults).count();
    for text in [
        "What became of it is shown.",
        "It is told by the server.",
        "Whoever asks waits.",
        "If it fails, nobody notices.",
        "The job goes on.",
        "This sentence has far more words than any reader can hold at once, since it says one thing, then another one, \
         and then adds a third that was forgotten.",
        "| a | b |\n| --- | --- |\n| x | values that are kept |",
    ] {
        assert_eq!(refused(text), 1, "{text}");
    }
    for text in [
        "The server stores the batch, then answers. It retries 15 times.",
        "What is an account?",
        "The command prints what it does.",
        "The result is in `told`, and in `kept`.",
        "    nobody reads code",
    ] {
        assert_eq!(refused(text), 0, "{text}");
    }
    let shown = shown_texts(
        "<p>Hello {{ name }},\n<b>you</b></p>{% if x %}<input placeholder=\"Nobody\">{% endif %}",
    );
    assert_eq!(shown, [(1, "Hello VALUE, you".to_owned()), (2, "Nobody".to_owned())]);
    let marked = marked_texts("x\n{{ t(\"<a>Nobody</a> saw\") }} format(\"no\")");
    assert_eq!(marked, [(2, "Nobody saw".to_owned())]);
    assert_eq!(help_texts("/// Make it\n/// so\nfn x() {}\n"), [(1, "Make it so".to_owned())]);
    assert_eq!(error_texts("    #[error(\"no {0}\")]\n"), [(1, "no {0}".to_owned())]);
    let logged = log_messages("fn x() {\n    tracing::warn!(%error, \"store: reading failed\");\n}");
    assert_eq!(logged, [(2, "store: reading failed".to_owned())]);
    assert_eq!(message_fault("store: reading failed"), None);
    assert!(message_fault("it could not be read").is_some());
}

/// The descriptions of a part of the API's description, and where each stands; examples are data.
fn descriptions(part: &serde_json::Value, path: &str, found: &mut Vec<(String, String)>) {
    match part {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("description" | "summary" | "title", serde_json::Value::String(text)) => {
                        found.push((path.to_owned(), text.clone()));
                    }
                    ("example" | "examples" | "value", _) => {}
                    _ => descriptions(value, &format!("{path}/{key}"), found),
                }
            }
        }
        serde_json::Value::Array(parts) => {
            parts.iter().for_each(|part| descriptions(part, path, found));
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_of_the_api_is_in_plain_english() {
    let server = crate::harness::Server::start().await;
    let mut found = Vec::new();
    descriptions(&crate::reference::description(&server).await, "", &mut found);
    assert!(found.len() > 300, "descriptions are read: {}", found.len());
    let mut faulty: Vec<_> = found
        .iter()
        .flat_map(|(path, text)| {
            let passages = passages(text);
            let faults = passages.iter().flat_map(|(_, passage)| sentences(passage)).flat_map(faults);
            faults.map(|fault| format!("{path}: {fault}")).collect::<Vec<_>>()
        })
        .collect();
    faulty.sort();
    assert!(faulty.is_empty(), "{} sentences to write again:\n{}", faulty.len(), faulty.join("\n"));
}

/// The words of a line as a shell takes them: blanks separate, but not between double quotes.
fn shell_words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate().flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    parts.take_while(|word| word != ">").collect()
}

/// What is wrong with the help of a command and of those below it: a verb and its object, short, and an example that
/// the command line takes.
fn help_faults(whole: &clap::Command, command: &clap::Command, path: &str, faults: &mut Vec<String>) {
    const MOST: usize = 70;
    let mut texts = vec![(path.to_owned(), command.get_about().map(ToString::to_string))];
    let ours =
        command.get_arguments().filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()));
    texts.extend(ours.map(|argument| {
        (format!("{path} {}", argument.get_id()), argument.get_help().map(ToString::to_string))
    }));
    for (of, text) in texts {
        let text = text.unwrap_or_default();
        if text.is_empty() || text.chars().count() > MOST || text.ends_with('.') || text.contains('\n') {
            faults.push(format!("{of}: {} characters: {text}", text.chars().count()));
        }
    }
    let mut below = command.get_subcommands().filter(|below| below.get_name() != "help").peekable();
    if below.peek().is_none() {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let example = after.strip_prefix("Example:\n  ").unwrap_or_default();
        // A token stands in the environment, where other users do not see it; here it is given as an argument.
        let (token, line) =
            match example.strip_prefix("ROLLBOOK_TOKEN=").and_then(|rest| rest.split_once(' ')) {
                Some((token, line)) => (Some(format!("--token={token}")), line),
                None => (None, example),
            };
        let taken = whole.clone().try_get_matches_from(shell_words(line).into_iter().chain(token));
        if !line.starts_with(path) || taken.is_err() {
            faults.push(format!("{path}: no example that it takes: {example}"));
        }
    }
    for next in below {
        help_faults(whole, next, &format!("{path} {}", next.get_name()), faults);
    }
}

#[test]
fn each_command_has_a_short_help_and_an_example_that_it_takes() {
    let command = rollbook::cli::command();
    let mut faults = Vec::new();
    help_faults(&command, &command, "rollbook", &mut faults);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let wrong = clap::Command::new("rollbook").about("Do it.").after_help("Example:\n  rollbook --what");
    help_faults(&wrong, &wrong, "rollbook", &mut faults);
    assert_eq!(faults.len(), 2, "{faults:?}");
}
