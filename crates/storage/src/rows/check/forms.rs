//! Requests and histories: whether they read.

use super::{Mend, Report, judge};
use crate::rows::results::read_identifiers;
use domain::apply::outcome::{self, Outcome};
use domain::contact::record::Malformed;
use domain::history::{self, ChangeKind};
use domain::journal::BatchKind;

/// What rows hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Outcomes of a request.
    Results,
    /// What a batch changed.
    Changes,
    /// Identifiers that a contact had.
    Identifiers,
}

/// What was seen of rows of one form.
#[derive(Debug, Default)]
pub struct Summary {
    rows: u64,
    damaged: u64,
    uncounted: u64,
}

impl Summary {
    /// Looks at a row; `kind` is that of its batch, and `failed` how many failures it is said to have. Former
    /// identifiers have neither.
    pub fn look(&mut self, form: Form, bytes: &[u8], kind: i64, failed: i64) {
        self.rows += 1;
        let known = BatchKind::from_code(kind).is_some();
        let reads = match form {
            Form::Results => {
                let found = self::failed(bytes);
                // A store of the first release counts one of each, so as not to overlook any.
                self.uncounted += u64::from(found.is_ok_and(|found| found > 0) && failed == 0);
                found.is_ok() && known
            }
            Form::Changes => history_reads(bytes) && known,
            Form::Identifiers => read_identifiers(bytes).is_ok(),
        };
        self.damaged += u64::from(!reads);
    }

    /// Tells what is wrong.
    pub fn tell(&self, form: Form, what: &str, report: &mut Report) {
        report.add_count(&format!("{what} that the disk has damaged"), self.damaged, None);
        report.add_count("requests whose failures are not counted", self.uncounted, Some(Mend::Failed));
        if form == Form::Results {
            report.requests += self.rows;
        }
    }
}

/// How many items have failed by the results of a request.
///
/// # Errors
/// [`Malformed`] where they do not read.
pub fn failed(results: &[u8]) -> Result<u64, Malformed> {
    let outcomes = outcome::read(results)?;
    Ok(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed(..))).count() as u64)
}

/// Whether a row of the histories reads to its end.
pub fn history_reads(stored: &[u8]) -> bool {
    let changes = history::unpack(stored.to_vec());
    let reads = |change: &history::Change<'_>| {
        let before = match change.kind {
            ChangeKind::Updated => history::fields(change.before).is_ok(),
            ChangeKind::Removed => judge(change.before).is_ok(),
            ChangeKind::Created | ChangeKind::Erased => true,
        };
        before && change.after.is_none_or(|after| history::fields(after).is_ok())
    };
    history::read(&changes).is_ok_and(|changes| changes.iter().all(reads))
}
