//! The only place that asks for the time.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use tokio::sync::watch;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Reads `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning of that day, both UTC; nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once(' ') {
            Some((date, time)) => (date, time),
            None => (text, "00:00:00"),
        };
        // The form is checked here: jiff's own parser takes more than one.
        let shaped = |text: &str, form: &[u8]| {
            text.len() == form.len()
                && text.bytes().zip(form).all(|(byte, form)| match form {
                    b'0' => byte.is_ascii_digit(),
                    form => byte == *form,
                })
        };
        if !shaped(date, b"0000-00-00") || !shaped(time, b"00:00:00") || time.ends_with("60") {
            return None;
        }
        let time: jiff::civil::DateTime = format!("{date}T{time}").parse().ok()?;
        // Days are counted without a time zone's bounds: 9999-12-31 is a time that people write.
        let since = time.duration_since(jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
        i64::try_from(since.as_millis()).ok().map(Self)
    }

    /// This much later.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long it is since that; no time at all where that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This much earlier.
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// `YYYY-MM-DD hh:mm:ss`, UTC: the form of every time in an answer (contract, section 5).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_second(self.seconds()).unwrap_or_default();
        let time = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let (date, time) = (time.date(), time.time());
        write!(
            f,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$",
        })
    }
}

/// The times of day at which something began that ends now, and of now: what a span is told with. It is taken from the
/// time that has passed, so a clock that is set meanwhile makes no span that ends before it began.
pub fn span(start: Instant) -> (SystemTime, SystemTime) {
    let end = SystemTime::now();
    (end.checked_sub(start.elapsed()).unwrap_or(end), end)
}

/// Tells the time and waits for it to pass.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// The system's time of day, for what leaves the machine. [`Clock::now`] is later than this while a clock that was
    /// set back is caught up with.
    fn system(&self) -> Timestamp {
        self.now()
    }

    /// The time since a moment that does not change while the process runs. It is never set.
    fn monotonic(&self) -> Duration;

    /// Returns once it is `time`. Whoever has read the clock waits by this: a clock that is moved between the
    /// reading and the waiting then wakes the sleeper all the same.
    async fn sleep_until(&self, time: Timestamp);

    /// Returns once `duration` has passed on this clock.
    async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now().after(duration)).await;
    }
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

/// When the process first asked for the time that has passed.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How far the system's clock may be set back without this process following it at once. More than that is a clock
/// that was wrong before.
const STEP_BACK: i64 = 24 * 3_600 * 1_000;

/// What the clock said when it was last asked, and when that was.
static LAST: Mutex<Option<(Instant, Timestamp)>> = Mutex::new(None);

/// The time, `elapsed` after it was `last`, where the system's clock says `system`. Where that was set back, time goes
/// on at half its pace until the system's has caught up: it never goes back and never stands, so what waits for a time
/// is not kept waiting for long, and what was accepted later bears no earlier time.
fn follow(last: Timestamp, elapsed: Duration, system: Timestamp) -> Timestamp {
    if last.0.saturating_sub(system.0) > STEP_BACK {
        return system;
    }
    system.max(last.after(elapsed / 2))
}

#[async_trait]
impl Clock for SystemClock {
    fn system(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        STARTED.elapsed()
    }

    fn now(&self) -> Timestamp {
        let system = self.system();
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = Instant::now();
        let (before, time) = last.unwrap_or((asked, system));
        let now = follow(time, asked.saturating_duration_since(before), system);
        // Where it has not moved, the moment from which it moves stays: half of a millisecond is not lost.
        if now != time || last.is_none() {
            *last = Some((asked, now));
        }
        now
    }

    async fn sleep_until(&self, time: Timestamp) {
        let wait = time.millis().saturating_sub(self.now().millis()).max(0);
        tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
    }
}

/// A clock that stands until it is moved: hours of retries pass in a test's instant.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<watch::Sender<Timestamp>>,
}

impl ManualClock {
    /// Stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { now: Arc::new(watch::Sender::new(start)) }
    }

    /// Moves on, and wakes those whose time has come.
    pub fn advance(&self, duration: Duration) {
        self.now.send_modify(|now| *now = now.after(duration));
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    /// Moving it is the passing of time.
    fn monotonic(&self) -> Duration {
        self.now().since(Timestamp::from_millis(0))
    }

    async fn sleep_until(&self, time: Timestamp) {
        // The sender lives in `self`, so waiting for it cannot fail.
        let _ = self.now.subscribe().wait_for(|now| *now >= time).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_goes_on_at_half_its_pace_until_it_is_right() {
        let (start, hour) = (Timestamp::from_millis(1_792_022_400_000), Duration::from_secs(3_600));
        let second = Duration::from_secs(1);
        assert_eq!(follow(start, second, start.after(second)), start.after(second), "they agree");
        assert_eq!(follow(start, second, start.after(hour)), start.after(hour), "it was set forward");
        let (mut time, mut system, mut seconds) = (start, start.before(hour), 0);
        while time != system {
            let before = time;
            system = system.after(second);
            time = follow(time, second, system);
            assert!(time > before);
            seconds += 1;
        }
        assert_eq!(seconds, 7_200);
        let long_ago = start.before(hour * 25);
        assert_eq!(follow(start, second, long_ago), long_ago, "it was wrong before");
        assert_eq!(follow(start, Duration::ZERO, start.before(second)), start);
    }

    #[test]
    fn a_time_is_written_in_utc_to_the_second() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01 00:00:00");
        assert_eq!(Timestamp::from_millis(1_792_022_399_999).to_string(), "2026-10-14 23:59:59");
    }

    #[test]
    fn a_time_is_read_as_it_is_written_or_as_a_day() {
        for (text, millis) in [
            ("1970-01-01 00:00:00", 0),
            ("1970-01-02", 86_400_000),
            ("2026-10-14 23:59:59", 1_792_022_399_000),
            ("2024-02-29", 1_709_164_800_000),
            ("9999-12-31 23:59:59", 253_402_300_799_000),
            ("1969-12-31 23:59:59", -1_000),
        ] {
            assert_eq!(Timestamp::parse(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            " ",
            "2026-10-14T23:59:59",
            "2026-10-14 23:59",
            "2026-10-14 23:59:59Z",
            "2026-10-14 23:59:60",
            "2026-10-14 24:00:00",
            "2026-10-14 ",
            " 2026-10-14",
            "2023-02-29",
            "20261014",
            "2026-10-14  23:59:59",
            "2026-10-14 -3:59:59",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text:?}");
        }
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_when_moved() {
        let clock = ManualClock::new(Timestamp::from_millis(5));
        // The sleeper is polled first, so that it is the waking that is tested.
        tokio::join!(biased; clock.sleep(Duration::from_secs(3_600)), async {
            clock.advance(Duration::from_secs(3_599));
            tokio::task::yield_now().await;
            clock.advance(Duration::from_secs(1));
        });
        assert_eq!(clock.now(), Timestamp::from_millis(3_600_005));
    }
}
