//! Ends a run whose tests do not end, and says which: nothing else would, and whoever started it would see nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any test takes, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// A test that has begun.
struct Begun {
    test: String,
    at: Instant,
}

static BEGUN: Mutex<BTreeMap<u64, Begun>> = Mutex::new(BTreeMap::new());

/// Has the test of this thread watched for as long as it is kept.
pub struct Watched(u64);

impl Watched {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        static DOG: OnceLock<()> = OnceLock::new();
        DOG.get_or_init(|| drop(thread::spawn(watch)));
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // The threads of tests bear their names.
        let test = thread::current().name().unwrap_or("a test").to_owned();
        BEGUN.lock().expect("no panic").insert(number, Begun { test, at: Instant::now() });
        Self(number)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        BEGUN.lock().expect("no panic").remove(&self.0);
    }
}

fn watch() {
    // Who asks for larger counts waits as long as they take.
    let asks =
        |(name, _): (String, String)| name.starts_with("ROLLBOOK_TEST_") && name != "ROLLBOOK_TEST_STORE";
    if std::env::vars().any(asks) {
        return;
    }
    loop {
        thread::sleep(Duration::from_secs(5));
        let begun = BEGUN.lock().expect("no panic");
        if let Some(late) = begun.values().find(|begun| begun.at.elapsed() > LIMIT) {
            // Written past what captures the output of tests.
            let minutes = LIMIT.as_secs() / 60;
            let _ = writeln!(std::io::stderr(), "test {} has not ended within {minutes} minutes", late.test);
            std::process::exit(101);
        }
    }
}
