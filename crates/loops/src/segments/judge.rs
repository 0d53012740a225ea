//! Whether a contact is in a segment, and when that may change by itself. Pure.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::Timestamp;
use domain::contact::document::Document;
use domain::contact::field::Key;
use domain::contact::identifier::IdentifierKind;
use domain::filter::{Fit, Matcher, Subject, Test, Tree};
use storage::{FollowedSegment, Suppression};

/// How often a contact is looked at again that a suppression decides about: its removal is in no feed.
const AGAIN: Duration = Duration::from_secs(3_600);

/// A segment that is followed, with its filter.
#[derive(Clone, Debug)]
pub struct Followed {
    /// What is stored of it.
    pub state: FollowedSegment,
    /// Its filter.
    pub tree: Tree,
    /// The filter at the time of the step.
    pub matcher: Arc<Matcher>,
}

impl Followed {
    /// Whether the time decides.
    pub fn is_timed(&self) -> bool {
        self.tree.leaves().iter().any(|leaf| matches!(leaf.test, Test::Days(_)))
    }

    /// Whether a contact may enter or leave without a change of its own.
    pub fn has_due(&self) -> bool {
        self.is_timed() || self.matcher.asks_suppressed()
    }
}

/// The fields that the filters ask for; `None` if each change of a contact may matter.
pub fn fields<'a>(trees: impl Iterator<Item = &'a Tree>) -> Option<HashSet<Key>> {
    let mut keys = HashSet::new();
    for leaf in trees.flat_map(Tree::leaves) {
        match leaf.subject {
            Subject::UpdatedAt => return None,
            Subject::Suppressed => keys.extend(IdentifierKind::ALL.map(|kind| kind.field().key())),
            subject => keys.extend(subject.key()),
        }
    }
    Some(keys)
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the contact is a member.
    pub member: bool,
    /// When it has to be asked again, if it does not change before.
    pub due: Option<Timestamp>,
}

/// Asks a filter about a contact; `suppressed` is what is suppressed of its addresses. A contact that does not read is no
/// member.
pub fn judge(matcher: &Matcher, document: &[u8], suppressed: &[Suppression], at: Timestamp) -> Verdict {
    let none = Verdict { member: false, due: None };
    let Ok(document) = Document::read(document) else { return none };
    let (Ok(fit), Ok(mut due)) = (matcher.fit(&document), matcher.next_change(&document)) else {
        return none;
    };
    let member = match fit {
        Fit::Sure(member) => member,
        Fit::IfSuppressed(wanted) => {
            if !suppressed.is_empty() {
                let ends = suppressed.iter().filter_map(|suppression| suppression.expires_at);
                due = ends.chain(due).chain([at.after(AGAIN)]).filter(|end| *end > at).min();
            }
            suppressed.is_empty() != wanted
        }
    };
    Verdict { member, due }
}
