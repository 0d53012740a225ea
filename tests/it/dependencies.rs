//! What the product is built of has licences that deny.toml allows, and comes from where it allows. Duplicates and
//! crates that nobody keeps are left to `cargo deny check`, which needs longer, and for the latter a network.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use config::{Config, File, FileFormat};
use serde_json::Value;

use crate::process::run;

/// What one crate may have besides.
#[derive(serde::Deserialize)]
struct Exception {
    allow: HashSet<String>,
    #[serde(rename = "crate")]
    name: String,
}

/// The lists of deny.toml.
struct Allowed {
    licenses: HashSet<String>,
    registries: HashSet<String>,
    exceptions: Vec<Exception>,
}

impl Allowed {
    fn read(root: &Path) -> Self {
        let text = std::fs::read_to_string(root.join("deny.toml")).expect("the file");
        let file =
            Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build().expect("TOML");
        let list =
            |key: &str| file.get::<HashSet<String>>(key).unwrap_or_else(|error| panic!("{key}: {error}"));
        let exceptions = file.get("licenses.exceptions").expect("a list");
        Self { licenses: list("licenses.allow"), registries: list("sources.allow-registry"), exceptions }
    }

    /// Whether an SPDX expression can be met by what is allowed: one side of an OR, both of an AND, which binds more.
    fn permits(&self, expression: &str) -> bool {
        let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
        let mut words = spaced.split_whitespace().collect::<Vec<_>>().into_iter().peekable();
        let met = self.any(&mut words);
        assert!(words.peek().is_none(), "{expression} reads to its end");
        met
    }

    fn any<'a>(&self, words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> bool {
        let mut met = self.all(words);
        while words.next_if_eq(&"OR").is_some() {
            met |= self.all(words);
        }
        met
    }

    fn all<'a>(&self, words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> bool {
        let mut met = self.one(words);
        while words.next_if_eq(&"AND").is_some() {
            met &= self.one(words);
        }
        met
    }

    fn one<'a>(&self, words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> bool {
        let word = words.next().expect("a licence");
        if word == "(" {
            let met = self.any(words);
            assert_eq!(words.next(), Some(")"));
            return met;
        }
        let name = match words.next_if_eq(&"WITH") {
            Some(_) => format!("{word} WITH {}", words.next().expect("an exception")),
            None => word.to_owned(),
        };
        self.licenses.contains(&name)
    }
}

#[test]
fn every_dependency_has_a_licence_and_a_source_that_are_allowed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let allowed = Allowed::read(root);
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--locked", "--offline", "--format-version", "1"]).current_dir(root);
    metadata.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    let printed = run(&mut metadata);
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    let tree: Value = serde_json::from_str(&printed.out).expect("JSON");
    let packages = tree["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "the whole tree: {}", packages.len());
    let mut wrong = Vec::new();
    for package in packages {
        let (name, license) = (&package["name"], package["license"].as_str().unwrap_or("none"));
        let excepted = allowed.exceptions.iter().filter(|exception| *name == exception.name.as_str());
        let mut excepted = excepted.flat_map(|exception| &exception.allow);
        if !allowed.permits(license) && !excepted.any(|allowed| allowed == license) {
            wrong.push(format!("{name}: {license}"));
        }
        // What has no source is this repository itself.
        let source = package["source"].as_str().map(|source| source.trim_start_matches("registry+"));
        if source.is_some_and(|source| !allowed.registries.contains(source)) {
            wrong.push(format!("{name}: {source:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn licences_are_read_as_they_are_written() {
    let licenses = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"].map(str::to_owned);
    let allowed = Allowed { licenses: licenses.into(), registries: HashSet::new(), exceptions: Vec::new() };
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
        "GPL-3.0 AND LGPL-3.0 OR MIT",
    ] {
        assert!(allowed.permits(good), "{good}");
    }
    for bad in
        ["none", "GPL-3.0", "MIT AND GPL-3.0", "MIT WITH LLVM-exception", "(MIT OR GPL-3.0) AND GPL-3.0"]
    {
        assert!(!allowed.permits(bad), "{bad}");
    }
}
