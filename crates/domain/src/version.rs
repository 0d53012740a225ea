//! The version of the program, and the commit that it was built from, if that is known.

use std::sync::LazyLock;

/// Digits of a commit that are shown.
const DIGITS: usize = 12;

/// A line with the commit in a source archive: git writes it when it makes the archive, see .gitattributes. In a working
/// copy it is a template.
const ARCHIVED: &str = include_str!("commit.txt");

static VERSION: LazyLock<String> = LazyLock::new(|| with_commit(option_env!("ROLLBOOK_COMMIT"), ARCHIVED));

/// The version, with the commit in brackets.
pub fn version() -> &'static str {
    &VERSION
}

/// The commit is that of the build's environment, else that of the archive.
fn with_commit(built: Option<&str>, archived: &str) -> String {
    let is_commit = |text: &&str| text.len() >= DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let commit = built.map(str::trim).filter(is_commit).or_else(|| Some(archived.trim()).filter(is_commit));
    let version = env!("CARGO_PKG_VERSION");
    match commit.and_then(|commit| commit.get(..DIGITS)) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_that_of_the_build_or_of_the_archive() {
        let version = env!("CARGO_PKG_VERSION");
        let (one, two) =
            ("0123456789abcdef0123456789abcdef01234567", "fedcba9876543210fedcba9876543210fedcba98\n");
        assert_eq!(with_commit(Some(one), two), format!("{version} (0123456789ab)"));
        assert_eq!(with_commit(None, two), format!("{version} (fedcba987654)"));
        assert_eq!(with_commit(Some(""), two), format!("{version} (fedcba987654)"));
        assert_eq!(with_commit(Some("main"), "$Format:%H$\n"), version);
        assert_eq!(with_commit(None, "$Format:%H$\n"), version);
        // The file in the working copy is the template, which `git archive` fills.
        assert!(ARCHIVED.starts_with("$Format:") || with_commit(None, ARCHIVED).len() > version.len());
    }
}
