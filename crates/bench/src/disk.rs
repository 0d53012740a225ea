//! What the store takes on disk, by file and, inside the main file, by table and index.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Result;
use sqlite::measure;

/// Sizes that have not moved for this long have settled: the server has checkpointed and purged what it will.
const QUIET: Duration = Duration::from_secs(1);
const SETTLE_WITHIN: Duration = Duration::from_secs(15);

/// Bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disk {
    /// The file of the contacts.
    pub main: u64,
    /// Its log.
    pub wal: u64,
    /// The file of the journal, with its log.
    pub intake: u64,
    /// What lies beside them.
    pub other: u64,
    /// All.
    pub total: u64,
    /// All, by contact.
    pub bytes_per_contact: f64,
    /// The pages of the main file by the table or index that holds them, largest first; only of the
    /// last load, and empty where it cannot be read.
    pub tables: Vec<(String, u64)>,
}

impl Disk {
    /// Waits until the sizes have settled, then takes them.
    ///
    /// # Errors
    /// Where the store's directory cannot be read.
    pub fn settled(database: &Path, contacts: u32) -> Result<Self> {
        let deadline = Instant::now() + SETTLE_WITHIN;
        let mut disk = Self::now(database)?;
        let mut since = Instant::now();
        while since.elapsed() < QUIET && Instant::now() < deadline {
            sleep(Duration::from_millis(100));
            let next = Self::now(database)?;
            if next != disk {
                (disk, since) = (next, Instant::now());
            }
        }
        disk.bytes_per_contact = disk.total as f64 / f64::from(contacts);
        Ok(disk)
    }

    /// Reads every page header of the main file: seconds for a large one, and outside every measured stretch.
    pub fn read_tables(&mut self, database: &Path) {
        self.tables = measure::table_sizes(database).unwrap_or_default();
    }

    fn now(database: &Path) -> Result<Self> {
        // A name without a directory is of the working directory.
        let directory = database.parent().filter(|directory| !directory.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        let failed = |error: std::io::Error| format!("{}: {error}", database.display());
        if !database.exists() {
            return Err(format!("{}: there is no store", database.display()).into());
        }
        let main = database.file_name().and_then(|name| name.to_str()).ok_or("the store has no name")?;
        let mut disk = Self::default();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // A file may go between the listing and the look at it.
            let Ok(data) = entry.metadata() else { continue };
            let name = entry.file_name();
            let part = match name.to_string_lossy().strip_prefix(main) {
                Some("") => &mut disk.main,
                Some("-wal") => &mut disk.wal,
                Some(rest) if rest.starts_with(".intake") => &mut disk.intake,
                _ => &mut disk.other,
            };
            *part += data.len();
            disk.total += data.len();
        }
        Ok(disk)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_named_relative_to_the_working_directory_and_in_errors() {
        // Tests run in the directory of the project.
        assert!(Disk::now(Path::new("Cargo.toml")).unwrap().main > 0);
        for absent in ["absent.db", "absent/rollbook.db"] {
            let error = Disk::now(Path::new(absent)).unwrap_err().to_string();
            assert_eq!(error, format!("{absent}: there is no store"));
        }
    }
}
