//! What the disk itself takes to make 4 KB durable: the floor under every 200.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Result;
use super::quantiles::Latencies;

/// Modest enough not to be a load of its own.
const PAUSE: Duration = Duration::from_millis(5);

/// Appends 4 KB and calls fdatasync, again and again for as long as `go_on`.
///
/// # Errors
/// Where the directory cannot be written.
pub fn fdatasync(directory: &Path, go_on: impl Fn() -> bool) -> Result<Latencies> {
    let path = directory.join("fdatasync");
    let mut file = File::create(&path)?;
    let mut latencies = Latencies::default();
    while go_on() {
        let start = Instant::now();
        file.write_all(&[0x5A; 4096])?;
        file.sync_data()?;
        latencies.record(start.elapsed());
        sleep(PAUSE);
    }
    drop(file);
    std::fs::remove_file(path)?;
    Ok(latencies)
}
