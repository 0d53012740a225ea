//! What services export: known by its columns, and read as the service means it.
//!
//! The table of profiles is `profiles.txt`; its beginning says how it is written.

use std::sync::LazyLock;

use super::target::{Target, plain};
use super::values::{DateOrder, Order, Written};

/// Exports of a service.
#[derive(Debug)]
pub struct Profile {
    /// What the service is called.
    pub name: String,
    /// Columns that tell its exports from others.
    needs: Vec<String>,
    rules: Vec<Rule>,
}

/// What a column is.
#[derive(Clone, Debug)]
pub struct Rule {
    header: String,
    /// What its cells are.
    pub target: Target,
    /// How they are written.
    pub written: Written,
    /// What stands between several values in one cell.
    pub between: Option<&'static str>,
    /// Which of several columns of one field comes first: the least.
    pub rank: u16,
    /// Whether a cell is an object of JSON, whose members are columns of their own.
    pub unpack: bool,
}

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| read(include_str!("profiles.txt")));

fn read(text: &'static str) -> Vec<Profile> {
    let mut profiles: Vec<Profile> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some((name, needs)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            let needs = needs.split('|').map(|name| name.trim().to_lowercase()).collect();
            profiles.push(Profile { name: name.to_owned(), needs, rules: Vec::new() });
        } else if let Some(profile) = profiles.last_mut() {
            let (headers, target) = line.split_once(" = ").unwrap_or((line, "ignore"));
            for header in headers.split('|') {
                let rank = u16::try_from(profile.rules.len()).unwrap_or(u16::MAX);
                profile.rules.extend(rule(header.trim(), target, rank));
            }
        }
    }
    profiles
}

fn rule(header: &str, target: &str, rank: u16) -> Option<Rule> {
    let (name, marks) = target.split_once(';').unwrap_or((target, ""));
    let mut written = Written::default();
    let (mut between, mut unpack) = (None, false);
    for mark in marks.split_whitespace() {
        match mark {
            "colons" => between = Some(" ::: "),
            "commas" => between = Some(","),
            "international" => written.international = true,
            "day-first" => written.order = DateOrder::Said(Order::DayFirst),
            "month-first" => written.order = DateOrder::Said(Order::MonthFirst),
            "unpack" => unpack = true,
            _ => return None,
        }
    }
    let target = Target::named(name.trim())?;
    Some(Rule { header: header.to_lowercase(), target, written, between, rank, unpack })
}

impl Profile {
    /// The service that has exported a table with these columns.
    pub fn of<'a>(header: impl Iterator<Item = &'a str>) -> Option<&'static Self> {
        let header: Vec<_> = header.map(|name| name.trim().to_lowercase()).collect();
        PROFILES.iter().find(|profile| profile.needs.iter().all(|need| header.contains(need)))
    }

    /// What a column is, if the service has such a one.
    pub fn rule(&self, header: &str) -> Option<&Rule> {
        let header = header.trim().to_lowercase();
        self.rules.iter().find(|rule| matches(&rule.header, &header))
    }
}

/// Whether a name fits a pattern, in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    loop {
        if matches(rest, name) {
            return true;
        }
        let Some(next) =
            name.char_indices().nth(1).map(|(at, _)| at).or((!name.is_empty()).then_some(name.len()))
        else {
            return false;
        };
        name = &name[next..];
    }
}

/// Names of columns in other languages than English, and what they are.
static HEADERS: LazyLock<Vec<(String, Target)>> = LazyLock::new(|| {
    let lines = include_str!("headers.txt").lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter_map(|line| line.split_once(" = "));
    lines
        .filter_map(|(target, names)| Some((Target::named(target)?, names)))
        .flat_map(|(target, names)| names.split(',').map(move |name| (plain(name), target.clone())))
        .collect()
});

/// What a column is whose name, as [`plain`] has it, is one of these.
pub fn header(name: &str) -> Option<Target> {
    HEADERS.iter().find(|(known, _)| known == name).map(|(_, target)| target.clone())
}

/// All names of columns in other languages.
pub fn headers() -> impl Iterator<Item = (&'static str, &'static Target)> {
    HEADERS.iter().map(|(name, target)| (name.as_str(), target))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_reads() {
        let lines =
            |text: &'static str| text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let profiles = include_str!("profiles.txt");
        let of_text: usize = lines(profiles)
            .filter(|line| !line.starts_with('['))
            .map(|line| line.split(" = ").next().unwrap().split('|').count())
            .sum();
        assert_eq!(PROFILES.iter().map(|profile| profile.rules.len()).sum::<usize>(), of_text);
        assert!(PROFILES.len() >= 15 && PROFILES.iter().all(|profile| profile.needs.len() >= 2));
        let names: usize = lines(include_str!("headers.txt")).map(|line| line.split(',').count()).sum();
        assert_eq!(HEADERS.len(), names);
        for (name, target) in HEADERS.iter() {
            assert!(!name.is_empty() && header(name).unwrap() == *target, "{name} is {target} alone");
        }
    }

    #[test]
    fn patterns_stand_for_names() {
        for (pattern, name, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("address * - *", "address 1 - city", true),
            ("address * - *", "address", false),
            ("*", "", true),
            ("*é", "zé", true),
            ("a*b*c", "axxbxxbc", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn services_are_told_apart_by_their_columns() {
        let of = |names: &str| Profile::of(names.split(',')).map(|profile| profile.name.as_str());
        assert_eq!(of("email,name"), None);
        assert_eq!(of("uuid,email,name,attributes,status,created_at"), Some("listmonk"));
        assert_eq!(of("CONTACT ID,EMAIL,EMAIL_BLACKLISTED,SMS_BLACKLISTED"), Some("Brevo"));
    }
}
