//! Account webhooks to a receiver of this machine.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use super::super::load::{Pace, Work};
use super::SPARE;
use crate::{Result, Run};

/// How long contacts are changed for each webhook: their events are what is sent.
const LOAD: Duration = Duration::from_secs(1);

/// Between two looks at what has come.
const LOOK: Duration = Duration::from_millis(5);

/// How long the first event may take: the server begins with a new webhook within a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server notices within this that a webhook was removed.
const SETTLE: Duration = Duration::from_millis(1_500);

/// The events of one webhook.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRate {
    /// How it is sent.
    pub form: &'static str,
    /// Events that came.
    pub events: u64,
    /// From the first to the last of them.
    pub events_per_second: f64,
}

/// Measures each form in turn; none where the server does not send to this machine.
///
/// # Errors
/// Where the server goes away, or answers what it should not.
pub fn measure(run: &mut Run) -> Result<Vec<EventRate>> {
    let forms = [
        ("in order, 1 event a message", false, 1),
        ("parallel, 1 event a message", true, 1),
        ("in order, 100 events a message", false, 100),
    ];
    let mut rates = Vec::new();
    for (form, parallel, batch) in forms {
        let receiver = Receiver::start()?;
        let mut client = run.place.connect(0)?;
        let tested = client.call("/v3/webhook/test", &json!({ "url": receiver.url }))?;
        if tested["delivery"]["delivered"] != true {
            return Ok(rates);
        }
        receiver.arrivals().clear();
        let webhook = json!({ "title": run.plan.name, "url": receiver.url, "events": ["contact.updated"],
            "parallel": parallel, "batch": batch });
        let id = client.call("/v3/webhook/create", &webhook)?["config"]["id"].clone();
        let pace = Pace::Closed { duration: LOAD.min(run.plan.duration) };
        let contacts = run.phase_beside("events", Work::Update, pace, SPARE)?.contacts;
        let begun = Instant::now();
        while receiver.arrivals().count < contacts {
            let first = receiver.arrivals().first;
            // Those that come within the time of a load are enough.
            let is_over =
                first.map_or(begun.elapsed() > PATIENCE, |first| first.elapsed() > run.plan.duration);
            if is_over {
                break;
            }
            sleep(LOOK);
        }
        let arrivals = *receiver.arrivals();
        let mut client = run.place.connect(0)?;
        client.call("/v3/webhook/remove", &json!({ "id": id }))?;
        sleep(SETTLE.min(run.plan.duration));
        let seconds = arrivals.span().as_secs_f64();
        let events_per_second = if seconds > 0.0 { arrivals.count as f64 / seconds } else { 0.0 };
        rates.push(EventRate { form, events: arrivals.count, events_per_second });
    }
    Ok(rates)
}

/// What has come so far.
#[derive(Clone, Copy, Debug, Default)]
struct Arrivals {
    count: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Arrivals {
    fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, events: u64) {
        let now = Instant::now();
        self.count += events;
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    fn span(&self) -> Duration {
        self.last.zip(self.first).map_or(Duration::ZERO, |(last, first)| last - first)
    }
}

/// A receiver that answers every message with 204. Its threads end with the process.
struct Receiver {
    url: String,
    arrivals: Arc<Mutex<Arrivals>>,
}

impl Receiver {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/events", listener.local_addr()?);
        let arrivals = Arc::new(Mutex::new(Arrivals::default()));
        let counted = Arc::clone(&arrivals);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                // A sender that leaves ends its connection.
                thread::spawn(move || drop(receive(stream, &counted)));
            }
        });
        Ok(Self { url, arrivals })
    }

    fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers the messages of a connection until it ends.
fn receive(stream: TcpStream, arrivals: &Mutex<Arrivals>) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut line, mut body) = (BufReader::new(stream), String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let Some((name, value)) = line.split_once(':') else {
                // The line of the request, or the one behind the headers.
                if line.trim_end().is_empty() { break } else { continue }
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        let events = count(&body);
        arrivals.lock().unwrap_or_else(PoisonError::into_inner).add(events);
        reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}

/// The events of a message: each has one such member, and within a text the quotes would be escaped.
fn count(body: &[u8]) -> u64 {
    const MEMBER: &[u8] = b"\"eventId\":";
    body.windows(MEMBER.len()).filter(|window| *window == MEMBER).count() as u64
}
