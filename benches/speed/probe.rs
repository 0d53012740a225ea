//! What the disk itself takes to make 4 KB durable: the floor under every 200.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Result;

/// Modest enough not to be a load of its own.
const PAUSE: Duration = Duration::from_millis(5);

/// Appends 4 KB and calls fdatasync, again and again for that long.
pub fn fdatasync(directory: &Path, duration: Duration) -> Result<Vec<Duration>> {
    let path = directory.join("fdatasync");
    let mut file = File::create(&path)?;
    let end = Instant::now() + duration;
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        file.write_all(&[0x5A; 4096])?;
        file.sync_data()?;
        latencies.push(start.elapsed());
        sleep(PAUSE);
    }
    drop(file);
    std::fs::remove_file(path)?;
    Ok(latencies)
}
