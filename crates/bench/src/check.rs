//! Whether the figures are of a run in which everything was done, and done right.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::Result;
use super::bodies::{self, Random, VARIABLES};
use super::client::Client;
use super::load::{Request, Sent};
use super::requests::{self, Found};
use super::target::{Place, Target};

/// Of each phase, at least that many requests are looked at, or all.
const REQUESTS_PER_PHASE: usize = 1000;
const CONTACTS: u32 = 200;
/// A broken run has thousands of failures; the first say what is wrong.
const FAILURES_SHOWN: usize = 20;
/// Answers of request/find stay small: the ids of one call.
const IDS: usize = 20;

/// What was looked at once all was done.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    /// Of all phases.
    pub requests_accepted: usize,
    /// Those of which the outcome was read.
    pub requests_checked: usize,
    /// Contacts of these.
    pub items_checked: usize,
    /// Contacts that were read.
    pub contacts_read_back: u32,
    /// Those of them that had been changed.
    pub contacts_read_back_updated: u32,
    /// What is wrong: nothing where all is right.
    pub failures: Vec<String>,
}

impl Checks {
    /// Looks at what the phases have sent, and at the contacts.
    ///
    /// # Errors
    /// Where the server refuses to tell.
    pub fn run(place: &Place, target: &Target, phases: &[Sent]) -> Result<Self> {
        let mut checks = Self::default();
        let mut client = place.connect(0)?;
        checks.ids(phases.iter().flat_map(|sent| &sent.requests));
        for sent in phases {
            let step = (sent.requests.len() / REQUESTS_PER_PHASE).max(1);
            let sample: Vec<_> = sent.requests.iter().step_by(step).collect();
            for requests in sample.chunks(IDS) {
                checks.outcomes(&mut client, requests)?;
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

    fn outcomes(&mut self, client: &mut Client, requests: &[&Request]) -> Result<()> {
        let ids: Vec<_> = requests.iter().map(|request| request.id.as_str()).collect();
        let found = requests::find(client, &ids)?;
        for request in requests {
            self.requests_checked += 1;
            let problem = match found.get(&request.id) {
                None => Some("is unknown".to_owned()),
                Some(found) => problem(found, request),
            };
            self.items_checked += (request.created + request.updated) as usize;
            self.require(problem.is_none(), || {
                format!("request {} {}", request.id, problem.unwrap_or_default())
            });
        }
        Ok(())
    }

    /// Half of the sample are contacts that were updated, as long as there are any.
    fn contacts(&mut self, client: &mut Client, target: &Target) -> Result<()> {
        let mut random = Random::new(7);
        let contacts = target.contacts();
        for turn in 0..CONTACTS.min(contacts) {
            let start = random.below(contacts);
            let updated = (start..contacts).chain(0..start).find(|n| target.is_updated(*n));
            let n = if turn % 2 == 0 { updated.unwrap_or(start) } else { start };
            let answer = get(client, target, n)?;
            self.contacts_read_back += 1;
            self.contacts_read_back_updated += u32::from(target.is_updated(n));
            self.contact(&answer["contact"], target, n);
        }
        for list in 0..target.lists() {
            self.end_of_list(client, target, list)?;
        }
        Ok(())
    }

    /// The last contact of a list is there, and there is none behind it: every one was made, and none twice.
    fn end_of_list(&mut self, client: &mut Client, target: &Target, list: u32) -> Result<()> {
        let end = target.taken(list);
        let (last, beyond) = (target.number(list, end - 1), target.number(list, end));
        let answer = get(client, target, last)?;
        self.contact(&answer["contact"], target, last);
        let none = get(client, target, beyond)?["contact"].is_null();
        self.require(none, || format!("user-{beyond} is there, and was never sent"));
        Ok(())
    }

    fn contact(&mut self, contact: &Value, target: &Target, n: u32) {
        let stamp = target.stamp(n);
        let expected = bodies::expected(n, stamp, target.keeps_names());
        for (field, value) in expected.as_object().into_iter().flatten() {
            let found = &contact[field];
            self.require(found == value, || format!("user-{n}: {field} is {found}, not {value}"));
        }
        for (name, value) in VARIABLES.into_iter().zip(bodies::expected_variables(n, stamp)) {
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

fn get(client: &mut Client, target: &Target, n: u32) -> Result<Value> {
    let question = json!({"contactListId": target.list_of(n), "userId": format!("user-{n}")});
    client.call("/v3/contact/get", &question)
}

/// What is wrong with the outcome of a request.
fn problem(found: &Found, request: &Request) -> Option<String> {
    if found.status != "processed" {
        return Some(format!("is {}", found.status));
    }
    let Some(results) = &found.results else {
        return Some("has no results".to_owned());
    };
    if let Some(error) = results.errors.first() {
        return Some(format!("has {} errors, first {error}", results.errors.len()));
    }
    let count =
        |action: &str| results.success.iter().filter(|success| success.action == action).count() as u32;
    let (created, updated) = (count("created"), count("updated"));
    if (created, updated) != (request.created, request.updated) {
        let expected = format!("{} and {}", request.created, request.updated);
        return Some(format!("has made {created} and changed {updated}, not {expected}"));
    }
    let positions = results.success.iter().map(|success| success.position);
    let whole = positions.eq(0..(created + updated) as usize);
    (!whole).then(|| "has results that are not in order".to_owned())
}
