//! The imports of the modules go down the table of layers in ARCHITECTURE.md, and make no circle. This is the
//! compiler's check while all layers are one crate: it reads the text of the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A row of the table.
struct Layer {
    name: String,
    modules: Vec<String>,
    below: BTreeSet<String>,
}

/// An import: the module that has it, the module that it names, and where it stands.
type Import = (String, String, String);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn words(cell: &str) -> Vec<String> {
    cell.split(',')
        .map(|word| word.trim().trim_matches('`').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

fn layers() -> Vec<Layer> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the file");
    let table = text.lines().skip_while(|line| !line.starts_with("| layer |")).skip(2);
    let rows = table.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').collect();
        let [name, modules, below] = cells.as_slice() else {
            panic!("ARCHITECTURE.md: three cells in {line}")
        };
        Layer {
            name: name.trim().to_owned(),
            modules: words(modules),
            below: words(below).into_iter().collect(),
        }
    });
    rows.collect()
}

/// The sources under a folder, each with the path of its module.
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

/// The paths that a text names behind `prefix`: each as its segments, with the text's line.
fn named<'t>(text: &'t str, prefix: &'t str) -> impl Iterator<Item = (usize, &'t str)> {
    text.match_indices(prefix).filter_map(move |(at, _)| {
        let line_start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let is_comment = text[line_start..at].contains("//");
        let is_longer =
            text[..at].ends_with(|last: char| last.is_alphanumeric() || matches!(last, '_' | ':' | '$'));
        let line = text[..at].matches('\n').count() + 1;
        (!is_comment && !is_longer).then_some((line, &text[at + prefix.len()..]))
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

/// The module of the table in which a path lies: the longest that it begins with.
fn module_of<'m>(path: &[String], modules: &'m BTreeSet<String>) -> Option<&'m String> {
    (1..=path.len().min(2)).rev().find_map(|length| modules.get(&path[..length].join("::")))
}

fn imports(modules: &BTreeSet<String>) -> Vec<Import> {
    let mut files = Vec::new();
    sources(&root().join("src"), &[], &mut files);
    let mut imports = Vec::new();
    for (file, module) in
        files.iter().filter(|(_, module)| module.first().is_some_and(|first| first != "main"))
    {
        let text = std::fs::read_to_string(file).expect("a source");
        let Some(own) = module_of(module, modules) else {
            panic!("ARCHITECTURE.md: the table of layers lacks the module {}", module.join("::"))
        };
        let place = |line| format!("{}:{line}", file.strip_prefix(root()).unwrap_or(file).display());
        let mut note = |line, path: &[String]| {
            if let Some(other) = module_of(path, modules).filter(|other| *other != own) {
                imports.push((own.clone(), other.clone(), place(line)));
            }
        };
        for (line, rest) in named(&text, "crate::") {
            paths(rest).iter().for_each(|path| note(line, path));
        }
        for (line, rest) in named(&text, "super::") {
            let more = rest.split("super::").take_while(|before| before.is_empty()).count();
            let kept = module.len().saturating_sub(1 + more);
            let rest = rest.trim_start_matches("super::");
            for path in paths(rest) {
                note(line, &[&module[..kept], &path].concat());
            }
        }
    }
    imports
}

#[test]
fn modules_import_only_from_the_layers_below() {
    let layers = layers();
    let modules: BTreeSet<_> = layers.iter().flat_map(|layer| layer.modules.iter().cloned()).collect();
    let count: usize = layers.iter().map(|layer| layer.modules.len()).sum();
    assert_eq!(count, modules.len(), "each module stands in one layer");
    let mut above: BTreeSet<&str> = BTreeSet::new();
    for layer in &layers {
        let wrong: Vec<_> = layer.below.iter().filter(|name| !above.contains(name.as_str())).collect();
        assert!(
            wrong.is_empty(),
            "the layer {} imports from {wrong:?}, which the table has not above it",
            layer.name
        );
        above.insert(&layer.name);
    }
    let layer_of =
        |module: &String| layers.iter().find(|layer| layer.modules.contains(module)).expect("a layer");
    let imports = imports(&modules);
    assert!(imports.len() > 1_000, "the imports are found: {}", imports.len());
    let mut wrong = Vec::new();
    for (from, to, place) in &imports {
        let (layer, other) = (layer_of(from), layer_of(to));
        if layer.name != other.name && !layer.below.contains(&other.name) {
            wrong.push(format!("{place}: {from} ({}) may not import {to} ({})", layer.name, other.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_make_no_circle_among_modules() {
    let modules: BTreeSet<_> = layers().into_iter().flat_map(|layer| layer.modules).collect();
    let mut open: BTreeMap<String, BTreeSet<String>> =
        modules.iter().map(|module| (module.clone(), BTreeSet::new())).collect();
    for (from, to, _) in imports(&modules) {
        open.entry(from).or_default().insert(to);
    }
    // Modules that import nothing that is left are taken away, until none is left.
    while !open.is_empty() {
        let free: Vec<_> =
            open.iter().filter(|(_, needs)| needs.is_empty()).map(|(module, _)| module.clone()).collect();
        assert!(!free.is_empty(), "a circle is among these modules: {open:?}");
        for module in &free {
            open.remove(module);
        }
        for needs in open.values_mut() {
            needs.retain(|need| !free.contains(need));
        }
    }
}
