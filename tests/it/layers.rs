//! The crates depend on each other as the table of layers in ARCHITECTURE.md says, and the modules of a crate make no
//! circle. That no crate imports from one above it is the compiler's to hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat};
use serde_json::Value;

/// A row of the table: a crate, the modules that it is made of, and the crates that it depends on.
struct Layer {
    name: String,
    modules: BTreeSet<String>,
    below: BTreeSet<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn words(cell: &str) -> BTreeSet<String> {
    cell.split(',')
        .map(|word| word.trim().trim_matches('`').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

fn layers() -> Vec<Layer> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the file");
    let table = text.lines().skip_while(|line| !line.starts_with("| crate |")).skip(2);
    let mut layers: Vec<Layer> = Vec::new();
    for line in table.take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split('|').collect();
        let [name, modules, below] = cells.as_slice() else {
            panic!("ARCHITECTURE.md: three cells in {line}")
        };
        let below = match below.trim() {
            "all" => layers.iter().map(|layer| layer.name.clone()).collect(),
            below => words(below),
        };
        layers.push(Layer { name: name.trim().to_owned(), modules: words(modules), below });
    }
    layers
}

impl Layer {
    fn folder(&self) -> PathBuf {
        match self.name.as_str() {
            "rollbook" => root().to_owned(),
            name => root().join("crates").join(name),
        }
    }

    /// The dependencies of the manifest, without those of tests.
    fn dependencies(&self) -> BTreeSet<String> {
        let file = File::from(self.folder().join("Cargo.toml")).format(FileFormat::Toml);
        let file = Config::builder().add_source(file).build().expect("a manifest");
        let table: BTreeMap<String, Value> = file.get("dependencies").expect("dependencies");
        table.into_keys().collect()
    }

    /// Which modules import which: the crate's root is the module of its own name.
    fn imports(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut files = Vec::new();
        sources(&self.folder().join("src"), &[], &mut files);
        let module_of = |path: &[String]| match path.first() {
            Some(first) if self.modules.contains(first) => first.clone(),
            _ => self.name.clone(),
        };
        let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (file, module) in files {
            let text = std::fs::read_to_string(file).expect("a source");
            let own = module_of(&module);
            let mut note = |path: &[String]| {
                // `use super::*` of a module of tests names nothing.
                let names_nothing = path.last().is_none_or(String::is_empty);
                let other = module_of(path);
                if other != own && !names_nothing {
                    imports.entry(own.clone()).or_default().insert(other);
                }
            };
            named(&text, "crate::").flat_map(paths).for_each(|path| note(&path));
            for rest in named(&text, "super::") {
                let more = rest.split("super::").take_while(|before| before.is_empty()).count();
                let kept = &module[..module.len().saturating_sub(1 + more)];
                paths(rest.trim_start_matches("super::"))
                    .iter()
                    .for_each(|path| note(&[kept, path].concat()));
            }
        }
        imports
    }
}

/// The sources under a folder, each with the path of its module. The crate's root names its modules, and imports none
/// by that.
fn sources(folder: &Path, module: &[String], found: &mut Vec<(PathBuf, Vec<String>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let mut inner = module.to_vec();
        if path.is_dir() {
            inner.push(stem);
            sources(&path, &inner, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            if !matches!(stem.as_str(), "mod" | "lib") {
                inner.push(stem);
            }
            found.push((path, inner));
        }
    }
}

/// What follows `prefix` in a text, wherever it begins a path of code.
fn named<'t>(text: &'t str, prefix: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(prefix).filter_map(move |(at, _)| {
        let line_start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let is_comment = text[line_start..at].contains("//");
        let is_longer =
            text[..at].ends_with(|last: char| last.is_alphanumeric() || matches!(last, '_' | ':' | '$'));
        (!is_comment && !is_longer).then_some(&text[at + prefix.len()..])
    })
}

/// The paths at the beginning of a text: one, or those of a group in braces.
fn paths(text: &str) -> Vec<Vec<String>> {
    let segments = |path: &str| {
        let path = path.split(|sign: char| !sign.is_alphanumeric() && !matches!(sign, '_' | ':')).next();
        path.unwrap_or_default().split("::").map(str::to_owned).collect()
    };
    match text.strip_prefix('{') {
        Some(group) => {
            group.split('}').next().unwrap_or_default().split(',').map(|one| segments(one.trim())).collect()
        }
        None => vec![segments(text)],
    }
}

#[test]
fn crates_depend_as_the_table_says() {
    let layers = layers();
    let names: BTreeSet<_> = layers.iter().map(|layer| layer.name.clone()).collect();
    let folders: BTreeSet<_> = std::fs::read_dir(root().join("crates"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    assert_eq!(names.iter().filter(|name| *name != "rollbook").cloned().collect::<BTreeSet<_>>(), folders);
    let mut above = BTreeSet::new();
    for layer in &layers {
        let between: BTreeSet<_> = layer.dependencies().intersection(&names).cloned().collect();
        assert_eq!(between, layer.below, "what {} depends on", layer.name);
        assert!(layer.below.is_subset(&above), "{}: the table has what it imports above it", layer.name);
        above.insert(layer.name.clone());
    }
}

#[test]
fn modules_of_a_crate_make_no_circle() {
    let mut count = 0;
    for layer in layers() {
        let mut open = layer.imports();
        count += open.values().map(BTreeSet::len).sum::<usize>();
        // Modules that import nothing that is left are taken away, until none is left.
        while !open.is_empty() {
            let importing: BTreeSet<_> = open.keys().cloned().collect();
            for needs in open.values_mut() {
                needs.retain(|need| importing.contains(need));
            }
            let before = open.len();
            open.retain(|_, needs| !needs.is_empty());
            assert!(open.len() < before, "{}: a circle is among these modules: {open:?}", layer.name);
        }
    }
    assert!(count > 30, "imports are found: {count}");
}
