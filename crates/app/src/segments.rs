//! Segments: filters of a list with a name and an id.

use super::{Caller, Commands, Operation, Queries, Reach, Refusal, Result};
use domain::clock::Timestamp;
use domain::contact::field::fits;
use domain::filter::{self, Tree};
use domain::id::ObjectId;
use domain::journal::ContactNo;
use domain::json::Raw;
use domain::problem::{self, Problem};
use storage::rows::segments::filter_hash;
use storage::{AddError, Contact, Error, List, SavedChange, SavedKind, SavedQuery};

/// Makes a segment.
pub static CREATE: Operation = Operation::write("/v3/segment/create", Reach::List);
/// Changes a segment.
pub static UPDATE: Operation = Operation::write("/v3/segment/update", Reach::List);
/// Removes a segment.
pub static REMOVE: Operation = Operation::write("/v3/segment/remove", Reach::List);
/// Reads a segment.
pub static GET: Operation = Operation::read("/v3/segment/get", Reach::List);
/// Reads the segments of a list.
pub static FIND: Operation = Operation::read("/v3/segment/find", Reach::List);

/// Segments of a list.
pub const MAX_SEGMENTS: usize = 100;

/// The longest name of a segment or a view, in Unicode scalar values.
pub const MAX_NAME: usize = 150;

/// The name of a segment or a view: not blank, at most [`MAX_NAME`] characters.
#[derive(Clone, Debug)]
pub struct SavedName(String);

impl SavedName {
    /// Checks a name; `None` is a value that is not a text.
    ///
    /// # Errors
    /// It is no name.
    pub fn parse(name: Option<&str>) -> Result<Self, Problem> {
        let text = "Argument name must be a non-empty string with max length 150 chars";
        name.map(str::trim)
            .filter(|name| !name.is_empty() && fits(name, MAX_NAME) && !name.contains('\0'))
            .map(|name| Self(name.to_owned()))
            .ok_or_else(|| Problem::new("INVALID_NAME", text).of("name"))
    }

    /// As text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// A segment of a list.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its id.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// Its filter, which names no segment.
    pub filter: Tree,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or its filter last changed.
    pub updated_at: Timestamp,
}

/// The filter of a segment.
#[derive(Clone, Debug)]
pub struct SegmentFilter(Tree);

impl SegmentFilter {
    /// Reads a filter as [`filter::decode`] does. It holds conditions alone: so no segment contains itself.
    pub fn read(
        raw: Raw<'_>,
        list: Option<&List>,
        warnings: &mut Vec<Problem>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let mut unknown = Vec::new();
        let tree = filter::decode(raw, list, &mut unknown, problems)?;
        warnings.extend(unknown.into_iter().map(problem::unknown_field));
        if !tree.segments().is_empty() {
            problems.push(problem::filter("filter", "must not name a segment: it is the filter of one"));
            return None;
        }
        Some(Self(tree))
    }

    /// As it is stored: variables by their numbers, so that a renaming changes nothing.
    fn to_text(&self) -> String {
        self.0.to_json(None).to_string()
    }
}

impl Segment {
    fn of(saved: SavedQuery, list: &List) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let filter = Raw::parse(&saved.content)
            .and_then(|raw| filter::decode(raw, Some(list), &mut Vec::new(), &mut problems));
        let SavedQuery { id, name, created_at, updated_at, .. } = saved;
        let filter =
            filter.ok_or_else(|| Error::Damaged("the filter of a segment does not read".to_owned()))?;
        Ok(Self { id, name, filter, created_at, updated_at })
    }
}

impl Commands {
    /// Makes a segment.
    ///
    /// # Errors
    /// The caller may not, the name is taken, the list has too many or was removed, or the store fails.
    pub async fn create_segment(
        &self,
        caller: &Caller,
        list: &List,
        name: SavedName,
        filter: SegmentFilter,
    ) -> Result<ObjectId> {
        let app = &self.0;
        let work = async {
            let now = app.clock.now();
            let id = app.ids.next(now);
            let (kind, content) = (SavedKind::Segment, filter.to_text());
            let query = SavedQuery { id, kind, name: name.0, content, created_at: now, updated_at: now };
            let added = app.storage.add_saved_query(list.no, query, MAX_SEGMENTS).await;
            added.map_err(|error| refused(error, || problem::list_not_found(&list.id.to_string())))?;
            Ok(id)
        };
        app.run(&CREATE, caller, work).await
    }

    /// Changes a segment. What is `None` stays.
    ///
    /// # Errors
    /// The caller may not, the list has no such segment, the name is taken, or the store fails.
    pub async fn update_segment(
        &self,
        caller: &Caller,
        list: &List,
        id: ObjectId,
        name: Option<SavedName>,
        filter: Option<SegmentFilter>,
    ) -> Result<()> {
        let app = &self.0;
        let work = async {
            let change =
                SavedChange { name: name.map(|name| name.0), content: filter.map(|filter| filter.to_text()) };
            let (kind, now) = (SavedKind::Segment, app.clock.now());
            let changed = app.storage.update_saved_query(list.no, kind, id, change, now).await;
            changed.map_err(|error| refused(error, || not_found(id)))
        };
        app.run(&UPDATE, caller, work).await
    }

    /// Removes a segment. Filters that name it are rejected from then on.
    ///
    /// # Errors
    /// The caller may not, the list has no such segment, or the store fails.
    pub async fn remove_segment(&self, caller: &Caller, list: &List, id: ObjectId) -> Result<()> {
        let app = &self.0;
        let work = async {
            let removed = app.storage.remove_saved_query(list.no, SavedKind::Segment, id).await;
            match removed.map_err(Refusal::NotSaved)? {
                true => Ok(()),
                false => Err(not_found(id).into()),
            }
        };
        app.run(&REMOVE, caller, work).await
    }
}

impl Queries {
    /// The segments of a list, by name.
    ///
    /// # Errors
    /// The store fails.
    pub async fn segments(&self, _caller: &Caller, list: &List) -> Result<Vec<Segment>, Error> {
        let saved = self.0.storage.saved_queries(list.no, SavedKind::Segment).await?;
        saved.into_iter().map(|saved| Segment::of(saved, list)).collect()
    }

    /// The segments of a list, each with a checksum of its stored filter.
    ///
    /// # Errors
    /// The store fails, or a filter does not read.
    pub async fn saved_segments(&self, list: &List) -> Result<Vec<(Segment, i64)>, Error> {
        let saved = self.0.storage.saved_queries(list.no, SavedKind::Segment).await?;
        let with_hash = |saved: SavedQuery| {
            let hash = filter_hash(&saved.content);
            Ok((Segment::of(saved, list)?, hash))
        };
        saved.into_iter().map(with_hash).collect()
    }

    /// A segment of a list.
    ///
    /// # Errors
    /// The list has none with that id, or the store fails.
    pub async fn segment(&self, caller: &Caller, list: &List, id: ObjectId) -> Result<Segment> {
        let found = self.segments(caller, list).await?.into_iter().find(|segment| segment.id == id);
        found.ok_or_else(|| not_found(id).into())
    }

    /// How many contacts are in a segment now.
    ///
    /// # Errors
    /// The store fails.
    pub async fn segment_size(&self, caller: &Caller, list: &List, segment: &Segment) -> Result<u64> {
        let filter = self.compile(caller, Some(list), &segment.filter).await?;
        Ok(self.count(caller, list, &filter).await?.matching)
    }

    /// The segments that a contact of a list is in now.
    ///
    /// # Errors
    /// The store fails, or the contact does not read.
    pub async fn segments_of(
        &self,
        caller: &Caller,
        list: &List,
        number: ContactNo,
        contact: &Contact,
    ) -> Result<Vec<Segment>> {
        let contact = [(number, contact.clone())];
        let mut found = Vec::new();
        for segment in self.segments(caller, list).await? {
            let filter = self.compile(caller, Some(list), &segment.filter).await?;
            for fits in self.fit(caller, &filter, &contact).await? {
                if fits.map_err(|malformed| Error::Damaged(malformed.to_string()))? {
                    found.push(segment.clone());
                }
            }
        }
        Ok(found)
    }
}

fn not_found(id: ObjectId) -> Problem {
    problem::segment_not_found(id)
}

/// Why a saved filter was not stored; `gone` is the problem if what it belongs to is not there.
pub(super) fn refused(error: AddError, gone: impl FnOnce() -> Problem) -> Refusal {
    match error {
        AddError::Exists(name) => {
            Problem::new("NAME_TAKEN", format!("The list has another one with the name {name}"))
                .of("name")
                .into()
        }
        AddError::Gone => gone().into(),
        AddError::TooMany(max) => {
            Problem::new("TOO_MANY_SAVED", format!("Maximum count per list is {max}")).into()
        }
        other => other.into(),
    }
}
