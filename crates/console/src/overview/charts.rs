//! What an account has had done, as charts. Pure.

use super::chart::{Chart, Series, Times};
use domain::clock::Timestamp;
use storage::{Activities, Activity, ActivityWindow};
use web::translate::mark;

/// How far back charts go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Span {
    /// An hour, by minutes.
    #[default]
    Hour,
    /// A day, by ten minutes.
    Day,
    /// A week, by hours.
    Week,
}

impl Span {
    /// All, the shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// Its name in a query and in a page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// What it is called in a menu.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Hour => mark("Hour"),
            Self::Day => mark("Day"),
            Self::Week => mark("Week"),
        }
    }

    /// What was counted in it, in words.
    pub const fn last(self) -> &'static str {
        match self {
            Self::Hour => mark("contacts in the last hour"),
            Self::Day => mark("contacts in the last day"),
            Self::Week => mark("contacts in the last week"),
        }
    }

    /// The one with that name; an hour where there is none.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|span| span.name() == name).unwrap_or_default()
    }

    /// The minutes of a stretch, and how many stretches there are.
    const fn stretches(self) -> (u32, u32) {
        match self {
            Self::Hour => (1, 60),
            Self::Day => (10, 144),
            Self::Week => (60, 168),
        }
    }

    /// What to ask the store for: the stretch that is under way is the last.
    pub const fn window(self, now: Timestamp) -> ActivityWindow {
        let (minutes, count) = self.stretches();
        let width = minutes as i64 * 60_000;
        let last = now.millis().div_euclid(width) * width;
        ActivityWindow { since: Timestamp::from_millis(last - (count as i64 - 1) * width), minutes }
    }
}

/// What is told of a span.
#[derive(Clone, Debug)]
pub struct Charts {
    /// Contacts applied per minute.
    pub applied: Chart,
    /// Contacts that were added and deleted.
    pub growth: Chart,
    /// Batches that waited.
    pub waiting: Chart,
    /// Attempts to send webhooks.
    pub webhooks: Chart,
    /// All that was done.
    pub sum: Activity,
    /// Of a hundred attempts to send a webhook, those that were taken; `None` where there was none.
    pub success: Option<u64>,
}

impl Charts {
    /// Of what the store tells of a span at `now`.
    pub fn of(span: Span, told: &Activities, now: Timestamp) -> Self {
        let window = span.window(now);
        let width = i64::from(window.minutes) * 60_000;
        let (_, count) = span.stretches();
        let begins =
            (0..i64::from(count)).map(|index| Timestamp::from_millis(window.since.millis() + index * width));
        let times = Times { begins: begins.collect(), dates: span == Span::Week };
        let mut stretches = vec![Activity::default(); times.begins.len()];
        for (begins, activity) in &told.spans {
            let index = (begins.millis() - window.since.millis()).div_euclid(width);
            // What was written since `now` was read belongs to the last.
            let index = usize::try_from(index).unwrap_or(0).min(stretches.len() - 1);
            stretches[index].add(*activity);
        }
        let mut sum = Activity::default();
        stretches.iter().for_each(|activity| sum.add(*activity));
        let attempts = sum.delivered + sum.undelivered;
        Self {
            applied: applied(&times, &stretches, window.minutes, now),
            growth: growth(&times, &stretches),
            waiting: waiting(&times, &stretches, told.waiting),
            webhooks: webhooks(&times, &stretches),
            sum,
            success: (sum.delivered * 100).checked_div(attempts),
        }
    }
}

/// How many contacts an activity has seen through.
pub const fn contacts(activity: &Activity) -> u64 {
    activity.created + activity.updated + activity.unchanged + activity.removed
}

/// Contacts a minute: the mean of a stretch that is longer, and of the last one as far as it has come.
fn applied(times: &Times, stretches: &[Activity], minutes: u32, now: Timestamp) -> Chart {
    let rates = stretches.iter().zip(&times.begins).map(|(activity, begins)| {
        let passed = now.since(*begins).as_secs_f64() / 60.0;
        contacts(activity) as f64 / passed.clamp(1.0, f64::from(minutes))
    });
    let rates =
        Series { name: mark("Contacts"), classes: ("chart-bar", "chart-bar"), values: rates.collect() };
    Chart::bars("chart-applied", mark("Contacts applied per minute"), mark(" per minute"), times, &[rates])
}

/// How many batches waited at the end of each stretch: those that wait now, and back from there.
pub fn waited(stretches: &[Activity], now: u64) -> Vec<u64> {
    let mut waited = vec![0; stretches.len()];
    let mut at_end = now;
    for (place, activity) in waited.iter_mut().zip(stretches).rev() {
        *place = at_end;
        at_end = (at_end + activity.applied).saturating_sub(activity.accepted);
    }
    waited
}

fn growth(times: &Times, stretches: &[Activity]) -> Chart {
    let series = |name, class, value: fn(&Activity) -> u64| Series {
        name,
        classes: (class, class),
        values: stretches.iter().map(|activity| value(activity) as f64).collect(),
    };
    let added = series(mark("Added"), "chart-bar chart-good", |a| a.created);
    let deleted = series(mark("Deleted"), "chart-bar chart-bad", |a| a.removed);
    Chart::bars("chart-growth", mark("Contacts added and deleted"), "", times, &[added, deleted])
}

fn waiting(times: &Times, stretches: &[Activity], now: u64) -> Chart {
    let values = waited(stretches, now).into_iter().map(|waited| waited as f64).collect();
    let waited = Series { name: mark("Batches"), classes: ("chart-line", "chart-area"), values };
    Chart::lines("chart-waiting", mark("Batches waiting"), "", times, &[waited])
}

fn webhooks(times: &Times, stretches: &[Activity]) -> Chart {
    let series = |name, classes, value: fn(&Activity) -> u64| Series {
        name,
        classes,
        values: stretches.iter().map(|activity| value(activity) as f64).collect(),
    };
    let delivered =
        series(mark("Delivered"), ("chart-line chart-good", "chart-area chart-good"), |a| a.delivered);
    let failed = series(mark("Failed"), ("chart-line chart-bad", "chart-area chart-bad"), |a| a.undelivered);
    Chart::lines("chart-webhooks", mark("Webhook attempts"), "", times, &[delivered, failed])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_791_993_600_000 + minute * MINUTE)
    }

    #[test]
    fn what_waited_is_what_waits_and_what_came_and_went_since() {
        let stretch = |accepted, applied| Activity { accepted, applied, ..Activity::default() };
        let stretches = [stretch(5, 2), stretch(0, 3), stretch(10, 4), stretch(0, 0)];
        assert_eq!(waited(&stretches, 6), [3, 0, 6, 6]);
        assert_eq!(waited(&[], 6), [] as [u64; 0]);
    }

    #[test]
    fn the_stretch_that_is_under_way_is_the_last() {
        let now = at(61).after(std::time::Duration::from_secs(30));
        let window = Span::Hour.window(now);
        assert_eq!(window, ActivityWindow { since: at(2), minutes: 1 });
        assert_eq!(Span::Week.window(now).minutes, 60);
        let done = |updated| Activity { updated, applied: 1, accepted: 1, ..Activity::default() };
        let told = Activities { spans: vec![(at(2), done(600)), (at(61), done(600))], waiting: 0 };
        let charts = Charts::of(Span::Hour, &told, now);
        assert_eq!(charts.applied.rows.len(), 60);
        assert_eq!(charts.applied.rows[0].1, ["600"]);
        assert_eq!(charts.applied.rows[59].1, ["600"], "as many as half of its minute brought");
        assert_eq!(charts.growth.columns, ["Added", "Deleted"]);
        assert!(charts.growth.is_flat, "nothing was added");
        assert_eq!(contacts(&charts.sum), 1_200);
        assert_eq!(charts.success, None);
    }

    #[test]
    fn success_is_told_of_attempts() {
        let activity = Activity { delivered: 2, undelivered: 1, ..Activity::default() };
        let told = Activities { spans: vec![(at(0), activity)], waiting: 0 };
        let charts = Charts::of(Span::Day, &told, at(0));
        assert_eq!(charts.success, Some(66));
        assert_eq!(charts.webhooks.columns, ["Delivered", "Failed"]);
        assert!(charts.waiting.is_flat);
    }
}
