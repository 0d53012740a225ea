//! What is to be imported, how far it is, and what it came to.

use csv::StringRecord;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::super::choices::{Choices, Mode};
use super::super::key::hex;
use super::super::layout::Header;
use super::super::notes::Counted;
use super::super::row::Reading;
use super::super::send::{Counts, Way};
use super::super::state::{Identity, PLAN_VERSION, State};
use super::super::survey::Survey;

/// What is to be imported.
#[derive(Clone, Debug)]
pub struct Job {
    /// The file.
    pub survey: Survey,
    /// Its first row.
    pub header: StringRecord,
    /// What its rows are.
    pub reading: Reading,
    /// What was chosen for all of them.
    pub choices: Choices,
    /// Where they go.
    pub way: Way,
    /// Requests in flight.
    pub parallel: usize,
}

impl Job {
    /// What another import with the same state must have in common with it.
    pub fn identity(&self) -> Identity {
        let Self { survey, reading, way, .. } = self;
        // Of names that are promised, and in an array, whose order is its own: how the program writes its types down
        // must not matter, nor a library's. Whatever is added here is another version.
        let columns = reading.mapping.names();
        let upsert = way.mode != Mode::Update;
        let mut plan = vec![
            json!(survey.form.name()),
            json!(columns),
            json!(reading.empty_clears),
            json!(reading.ours),
            json!(upsert),
            json!(way.resubscribe),
        ];
        // Only what differs from what was always so: an import that an earlier release began goes on.
        if self.choices != Choices::default() {
            plan.push(json!({ "choices": self.choices }));
        }
        if survey.header != Header::First {
            plan.push(json!({ "header": survey.header }));
        }
        let plan = json!(plan).to_string();
        let plan = format!("{PLAN_VERSION}:{}", hex(&Sha256::digest(plan)));
        Identity { file: hex(&survey.hash), list: way.list.clone(), plan }
    }
}

/// How far an import is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Rows that are done.
    pub rows: u64,
    /// Rows in all.
    pub of: u64,
    /// What became of them.
    pub counts: Counts,
    /// The first rows that failed since it was begun or has gone on: their line and why.
    pub first_faults: Vec<(u64, String)>,
    /// Remarks since then on rows that were imported.
    pub notes: Vec<Counted>,
}

/// What an import came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What became of the rows.
    pub counts: Counts,
    /// The first rows that failed: their line and why.
    pub first_faults: Vec<(u64, String)>,
    /// Remarks on rows that were imported.
    pub notes: Vec<Counted>,
    /// Where it was written down how far it is. Whoever has told what it came to removes this: until then the same
    /// call finds that all is done.
    pub state: Option<State>,
}
