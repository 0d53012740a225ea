//! A contact of its own that is changed again and again beside a load, so that the moment is known at which each change
//! is applied.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::client::{Client, Sent};
use super::super::target::{Place, Target};
use crate::Result;

/// The userId of the contact.
pub const CONTACT: &str = "follow-probe";

/// From one change to the next.
const EVERY: Duration = Duration::from_millis(10);

/// One change.
#[derive(Debug)]
pub struct Sample {
    /// Its request.
    pub request: String,
    /// When its 200 came.
    pub accepted: Instant,
    /// When a reader that waits for it had its answer.
    pub applied: Instant,
}

/// The thread that sends the changes.
pub struct Probe {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Sample>>>,
}

impl Probe {
    /// Begins to change the contact, which is made if it is not there.
    ///
    /// # Errors
    /// Where no server listens.
    pub fn start(place: &Place, target: &Target) -> Result<Self> {
        let mut client = place.connect(place.last_connection())?;
        let (list, ends) = (target.list(0).to_owned(), Arc::new(AtomicBool::new(false)));
        let end = Arc::clone(&ends);
        let thread = thread::spawn(move || {
            let mut samples = Vec::new();
            for number in 0_u32.. {
                if end.load(Relaxed) {
                    break;
                }
                samples.extend(sample(&mut client, &list, number)?);
                sleep(EVERY);
            }
            Ok(samples)
        });
        Ok(Self { ends, thread })
    }

    /// Ends, with what it has measured.
    ///
    /// # Errors
    /// Where the server has refused.
    pub fn end(self) -> Result<Vec<Sample>> {
        self.ends.store(true, Relaxed);
        self.thread.join().map_err(|_| "the probe panicked")?
    }
}

/// One change; nothing where it was not applied within the time that the server waits.
fn sample(client: &mut Client, list: &str, number: u32) -> Result<Option<Sample>> {
    let contacts = json!([{ "contact": CONTACT, "contactScore": number % 1_000_000 }]);
    let body = json!({ "contactListId": list, "upsert": true, "contacts": contacts }).to_string();
    let Sent::Accepted { id, .. } = client.update(body.as_bytes(), true)? else { return Ok(None) };
    let accepted = Instant::now();
    let question = json!({ "contactListId": list, "userId": CONTACT, "waitFor": id });
    let answer = client.call("/v3/contact/get", &question)?;
    let applied = Instant::now();
    let in_time = answer.get("warnings").is_none();
    Ok(in_time.then_some(Sample { request: id, accepted, applied }))
}
