//! Whether the figures are of a run in which everything was done, and done right.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Value, json};

use crate::Result;
use crate::bodies::{self, Random};
use crate::client::Client;
use crate::load::{Request, Sent};
use crate::requests::{self, Found};
use crate::target::Target;

/// Of each phase, at least that many requests are looked at, or all.
const REQUESTS_PER_PHASE: usize = 1000;
const CONTACTS: u32 = 200;
/// A broken run has thousands of failures; the first say what is wrong.
const FAILURES_SHOWN: usize = 20;
/// Answers of request/find stay small: the ids of one call.
const IDS: usize = 20;

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    pub requests_accepted: usize,
    pub requests_checked: usize,
    pub items_checked: usize,
    pub contacts_read_back: u32,
    pub contacts_read_back_updated: u32,
    pub failures: Vec<String>,
}

impl Checks {
    /// `phases`: what each sent, and the one action that every item of it must have ended in.
    pub fn run(target: &Target, phases: &[(&Sent, &str)]) -> Result<Self> {
        let mut checks = Self::default();
        let mut client = target.connect(0)?;
        checks.ids(phases.iter().flat_map(|(sent, _)| &sent.requests));
        for (sent, action) in phases {
            let step = (sent.requests.len() / REQUESTS_PER_PHASE).max(1);
            let sample: Vec<_> = sent.requests.iter().step_by(step).collect();
            for requests in sample.chunks(IDS) {
                checks.outcomes(&mut client, requests, action)?;
            }
        }
        checks.contacts(&mut client, target)?;
        Ok(checks)
    }

    fn ids<'a>(&mut self, requests: impl Iterator<Item = &'a Request>) {
        let mut seen = HashSet::new();
        for Request { id, .. } in requests {
            self.requests_accepted += 1;
            let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            self.require(id.len() == 24 && id.bytes().all(lower_hex), || format!("{id} is no ObjectId"));
            self.require(seen.insert(id.as_str()), || format!("request id {id} was given twice"));
        }
    }

    fn outcomes(&mut self, client: &mut Client, requests: &[&Request], action: &str) -> Result<()> {
        let ids: Vec<_> = requests.iter().map(|request| request.id.clone()).collect();
        let found = requests::find(client, &ids)?;
        for request in requests {
            self.requests_checked += 1;
            let problem = match found.get(&request.id) {
                None => Some("is unknown".to_owned()),
                Some(found) => problem(found, request.contacts, action),
            };
            self.items_checked += request.contacts as usize;
            self.require(problem.is_none(), || {
                format!("request {} {}", request.id, problem.unwrap_or_default())
            });
        }
        Ok(())
    }

    /// Half of the sample are contacts that were updated, as long as there are any.
    fn contacts(&mut self, client: &mut Client, target: &Target) -> Result<()> {
        let mut random = Random::new(7);
        for turn in 0..CONTACTS.min(target.contacts) {
            let start = random.below(target.contacts);
            let updated = (start..target.contacts).chain(0..start).find(|n| target.is_updated(*n));
            let n = if turn % 2 == 0 { updated.unwrap_or(start) } else { start };
            let question = json!({"contactListId": target.list, "userId": format!("user-{n}")});
            let answer = client.call("/v3/contact/get", &question)?;
            self.contacts_read_back += 1;
            self.contacts_read_back_updated += u32::from(target.is_updated(n));
            self.contact(&answer["contact"], n, target.stamp(n));
        }
        Ok(())
    }

    fn contact(&mut self, contact: &Value, n: u32, stamp: u32) {
        let expected = bodies::expected(n, stamp);
        for (field, value) in expected.as_object().into_iter().flatten() {
            let found = &contact[field];
            self.require(found == value, || format!("user-{n}: {field} is {found}, not {value}"));
        }
        for (name, value) in bodies::expected_variables(n, stamp) {
            let variables = contact["variables"].as_array().map_or(&[][..], Vec::as_slice);
            let kept = variables.contains(&json!({"name": name, "value": value}));
            self.require(kept, || format!("user-{n}: {name} is not {value}: {variables:?}"));
        }
    }

    fn require(&mut self, right: bool, failure: impl FnOnce() -> String) {
        if !right && self.failures.len() < FAILURES_SHOWN {
            self.failures.push(failure());
        }
    }
}

/// What is wrong with the outcome of a request of that many contacts.
fn problem(found: &Found, contacts: u32, action: &str) -> Option<String> {
    if found.status != "processed" {
        return Some(format!("is {}", found.status));
    }
    let Some(results) = &found.results else {
        return Some("has no results".to_owned());
    };
    if let Some(error) = results.errors.first() {
        return Some(format!("has {} errors, first {error}", results.errors.len()));
    }
    if let Some(other) = results.success.iter().find(|success| success.action != action) {
        return Some(format!("has position {} {}, not {action}", other.position, other.action));
    }
    let count = results.success.len();
    let positions = results.success.iter().map(|success| success.position);
    let whole = positions.eq(0..contacts as usize);
    (!whole).then(|| format!("has {count} results, or not in order, for {contacts} contacts"))
}
