//! `/lists/{id}/segments`: the segments of a list, and the views of its contacts.

use std::sync::Arc;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use url::form_urlencoded::{Serializer, parse};

use super::page::{number, render_with};
use super::{Form, Page, PageError, Query, Refused, Result, Section, User, filter, redirect, render};
use app::Result as AppResult;
use app::find::ContactQuery;
use app::segments::{SavedName, Segment, SegmentFilter};
use app::views::ViewQuery;
use domain::id::ObjectId;
use domain::json::Raw;
use storage::SegmentDay;
use storage::{List, SavedQuery};
use web::translate::mark;

/// The message after an action.
const DONE: [(&str, &str); 6] = [
    ("saved", mark("The segment is saved.")),
    ("renamed", mark("The segment is renamed.")),
    ("removed", mark("The segment is deleted. Its contacts stay.")),
    ("view-saved", mark("The view is saved.")),
    ("view-removed", mark("The view is deleted.")),
    ("gone", mark("Nothing was changed. Another user has deleted it.")),
];

/// Days of the curve.
const DAYS: u32 = 90;

/// The counts of a segment on the last days.
struct Growth(Vec<SegmentDay>);

impl Growth {
    fn joined(&self) -> u64 {
        self.0.iter().map(|day| day.joined).sum()
    }

    fn left(&self) -> u64 {
        self.0.iter().map(|day| day.left).sum()
    }

    /// The curve as points of an SVG of 90 by 20, from 0 up; empty before there are two days.
    fn points(&self) -> String {
        let most = self.0.iter().map(|day| day.members).max().unwrap_or_default().max(1);
        let first = (DAYS as usize).saturating_sub(self.0.len());
        let point = |(place, day): (usize, &SegmentDay)| {
            // At most 20, of counts far below the bound of a product.
            let height = u128::from(day.members) * 20 / u128::from(most);
            format!("{},{}", first + place, 20 - height)
        };
        match self.0.len() {
            0 | 1 => String::new(),
            _ => self.0.iter().enumerate().map(point).collect::<Vec<_>>().join(" "),
        }
    }
}

#[derive(Template)]
#[template(path = "segments.html")]
struct Segments {
    page: Page,
    list: Arc<List>,
    count: u64,
    segments: Vec<(Segment, Growth)>,
    views: Vec<SavedQuery>,
    error: Option<String>,
}

impl Segments {
    async fn of(user: &User, list: Arc<List>, done: &str) -> Result<Self> {
        let (queries, caller) = (&user.app.queries, user.caller());
        let count = super::contacts::count(user, &list).await?;
        let mut segments = Vec::new();
        for segment in queries.segments(&caller, &list).await? {
            let growth = Growth(queries.segment_growth(&list, segment.id, DAYS).await?);
            segments.push((segment, growth));
        }
        let views = queries.views(&caller, &list).await?;
        let page = user.page(Section::Lists).done(done, &DONE);
        Ok(Self { page, list, count, segments, views, error: None })
    }

    /// The address of the contacts of a segment.
    fn contacts(&self, segment: &Segment) -> String {
        address(&self.list, &format!(r#"{{"segment":"{}"}}"#, segment.id))
    }

    /// The address where its conditions can be changed.
    fn conditions(&self, segment: &Segment) -> String {
        address(&self.list, &segment.filter.to_json(Some(&self.list)).to_string())
    }
}

fn address(list: &List, filter: &str) -> String {
    let query = Serializer::new(String::new()).append_pair("filter", filter).finish();
    format!("/lists/{}?{query}", list.id)
}

/// The segments and views.
pub async fn all(user: User, Path(id): Path<String>, query: Query) -> Result {
    let list = user.list(&id).await?;
    render(&Segments::of(&user, list, query.get("done")).await?)
}

/// How many contacts are in a segment.
pub async fn size(user: User, Path((id, segment)): Path<(String, String)>) -> Result {
    #[derive(Template)]
    #[template(source = "{{ self::number(size) }}", ext = "html")]
    struct Size {
        size: u64,
    }
    let list = user.list(&id).await?;
    let segment = ObjectId::parse(&segment).ok_or(PageError::NotFound)?;
    let (queries, caller) = (&user.app.queries, user.caller());
    let found = queries.segments(&caller, &list).await?.into_iter().find(|known| known.id == segment);
    let segment = found.ok_or(PageError::NotFound)?;
    render(&Size { size: queries.segment_size(&caller, &list, &segment).await? })
}

/// Saves what the page of contacts shows: as a segment its filter, in place of the segment of that name if `replace` is
/// there; as a view its address.
pub async fn save(Path(id): Path<String>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let wanted = filter::read(&form, &list)?;
    let saved = async {
        let name = SavedName::parse(Some(form.get("name")))?;
        let (commands, caller) = (&form.user.app.commands, form.user.caller());
        if form.get("kind") == "view" {
            let query = ViewQuery::parse(numbered(form.get("query"), &wanted))?;
            commands.save_view(&caller, &list, name, query).await?;
            return Ok("view-saved");
        }
        save_segment(&form, &list, name, &wanted).await?;
        Ok("saved")
    };
    after(&form, list.clone(), saved.await).await
}

/// The query of a view with the variables of its filter by their numbers: a renaming then changes nothing.
fn numbered(query: &str, wanted: &ContactQuery) -> String {
    let filter = wanted.filter.as_ref().map(|filter| filter.to_json(None).to_string());
    let pairs = parse(query.as_bytes()).map(|(key, value)| match &filter {
        Some(filter) if key == "filter" => (key, filter.clone().into()),
        _ => (key, value),
    });
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn save_segment(form: &Form, list: &List, name: SavedName, wanted: &ContactQuery) -> AppResult<()> {
    let (app, caller) = (&form.user.app, form.user.caller());
    let text = wanted.tree().map(|tree| tree.to_json(None).to_string()).unwrap_or_default();
    let mut problems = Vec::new();
    let filter = Raw::parse(&text)
        .and_then(|raw| SegmentFilter::read(raw, Some(list), &mut Vec::new(), &mut problems));
    let Some(filter) = filter else {
        if problems.is_empty() {
            problems.push(domain::problem::required("filter"));
        }
        return Err(app::Refusal::Invalid(problems));
    };
    let known = match form.has("replace") {
        true => app.queries.segments(&caller, list).await?,
        false => Vec::new(),
    };
    let wanted_name = name.clone().into_text();
    match known.into_iter().find(|segment| segment.name == wanted_name) {
        Some(known) => app.commands.update_segment(&caller, list, known.id, None, Some(filter)).await,
        None => app.commands.create_segment(&caller, list, name, filter).await.map(drop),
    }
}

/// Gives a segment another name.
pub async fn rename(Path((id, segment)): Path<(String, String)>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let segment = ObjectId::parse(&segment).ok_or(PageError::NotFound)?;
    let renamed = async {
        let name = SavedName::parse(Some(form.get("name")))?;
        let (commands, caller) = (&form.user.app.commands, form.user.caller());
        commands.update_segment(&caller, &list, segment, Some(name), None).await?;
        Ok("renamed")
    };
    after(&form, list.clone(), renamed.await).await
}

/// Removes a segment.
pub async fn remove(Path((id, segment)): Path<(String, String)>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let segment = ObjectId::parse(&segment).ok_or(PageError::NotFound)?;
    let removed = form.user.app.commands.remove_segment(&form.user.caller(), &list, segment).await;
    after(&form, list, removed.map(|()| "removed")).await
}

/// Removes a view.
pub async fn remove_view(Path((id, view)): Path<(String, String)>, form: Form) -> Result {
    let list = form.user.list(&id).await?;
    let view = ObjectId::parse(&view).ok_or(PageError::NotFound)?;
    let removed = form.user.app.commands.remove_view(&form.user.caller(), &list, view).await;
    after(&form, list, removed.map(|was| if was { "view-removed" } else { "gone" })).await
}

/// Leads to the page with the message, or shows it with the error.
async fn after(form: &Form, list: Arc<List>, outcome: AppResult<&str>) -> Result {
    match outcome.map_err(Refused::from) {
        Ok(done) => Ok(redirect(&format!("/lists/{}/segments?done={done}", list.id))),
        Err(refused) => {
            let page = Segments::of(&form.user, list, "").await?;
            let status =
                if refused.status == StatusCode::OK { StatusCode::BAD_REQUEST } else { refused.status };
            render_with(status, &Segments { error: Some(refused.text()), ..page })
        }
    }
}
