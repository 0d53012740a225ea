//! `rollbook backup`: a store in one file, taken while it may be served.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, sink};
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::archive::{self, Failed, Manifest, Part, Progress, file_error};
use super::open::{Paths, make_private};
use super::snapshot::Snapshot;
use super::{append, error, unsigned};
use domain::clock::Clock;

/// Pages that are copied at a time.
const STEP: i32 = 512;

/// Copies the store at `database` into `file`, as it is at one moment. It is made under another name, which it keeps
/// until it is whole and on disk.
///
/// # Errors
/// Where the file is there already, there is no store, or one of them cannot be read or written.
pub fn backup(
    database: &Path,
    file: &Path,
    clock: &dyn Clock,
    progress: &mut Progress<'_>,
) -> Result<Manifest, Failed> {
    refuse_to_overwrite(file)?;
    let paths = Paths::new(database);
    let partial = Partial::take(file)?;
    let snapshot = Snapshot::take(&paths, clock)?;
    snapshot.check(&paths)?;
    let waiting = append::count_waiting(&snapshot.intake, &snapshot.marks)?.backlog().batches;
    let (applied, taken_at) = (snapshot.marks.applied, snapshot.taken_at);
    // The small file first: the sooner its reader is gone, the sooner its log can be emptied.
    copy_pages(snapshot.intake, &partial.intake, progress)?;
    copy_pages(snapshot.store, &partial.store, progress)?;

    let named = file_error(&partial.store);
    let mut whole = OpenOptions::new().read(true).append(true).open(&partial.store).map_err(&named)?;
    let store = read_back(&mut whole, progress).map_err(&named)?;
    let intake = append_file(&mut whole, &partial.intake).map_err(&named)?;
    let manifest = Manifest::new(taken_at, [applied, waiting], [store, intake]);
    manifest.write(&mut whole).and_then(|()| whole.sync_all()).map_err(&named)?;
    refuse_to_overwrite(file)?;
    fs::rename(&partial.store, file).map_err(&named)?;
    sync_directory(file).map_err(file_error(file))?;
    Ok(manifest)
}

fn refuse_to_overwrite(file: &Path) -> Result<(), Failed> {
    match file.try_exists().map_err(file_error(file))? {
        true => {
            Err(Failed::Message(format!("{} is there already: a backup replaces no file", file.display())))
        }
        false => Ok(()),
    }
}

/// Copies a file of the store as its read transaction sees it.
fn copy_pages(from: Connection, to: &Path, progress: &mut Progress<'_>) -> Result<(), Failed> {
    let mut target = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(error)?;
    // What a crash leaves of it is no backup: it is synced once, at the end.
    target
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4096")
        .map_err(error)?;
    let page = from.query_row("PRAGMA page_size", [], |row| row.get(0).map(unsigned)).map_err(error)?;
    let copy = Backup::new(&from, &mut target).map_err(error)?;
    loop {
        let step = copy.step(STEP).map_err(error)?;
        let pages = |count: i32| u64::from(count.unsigned_abs()) * page;
        let told = copy.progress();
        progress(pages(told.pagecount - told.remaining), pages(told.pagecount), "copied");
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => return Err(Failed::Message(format!("{} is locked by another process", to.display()))),
        }
    }
}

/// What was written is read again: the checksum is of what is on disk.
fn read_back(file: &mut File, progress: &mut Progress<'_>) -> std::io::Result<Part> {
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(0))?;
    archive::copy(file, &mut sink(), bytes, &mut |done| progress(done, bytes, "read back"))
}

fn append_file(whole: &mut File, next: &Path) -> std::io::Result<Part> {
    let mut next = File::open(next)?;
    let bytes = next.metadata()?.len();
    archive::copy(&mut next, whole, bytes, &mut |_| {})
}

/// Sees to it that a new name in the directory of a file outlives a power cut.
pub fn sync_directory(file: &Path) -> std::io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// The files in which a backup is made; they go where it does not come to its end.
struct Partial {
    store: PathBuf,
    intake: PathBuf,
    _lock: File,
}

impl Partial {
    /// Takes the names; what a backup has left there that was killed is thrown away.
    fn take(file: &Path) -> Result<Self, Failed> {
        let with = |suffix: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let (store, intake) = (with(".partial"), with(".partial.intake"));
        make_private(&store)?;
        let lock = OpenOptions::new().append(true).open(&store).map_err(file_error(&store))?;
        if lock.try_lock().is_err() {
            let text = format!("another backup is writing {}", file.display());
            return Err(Failed::Message(text));
        }
        lock.set_len(0).map_err(file_error(&store))?;
        make_private(&intake)?;
        let partial = Self { store, intake, _lock: lock };
        fs::write(&partial.intake, "").map_err(file_error(&partial.intake))?;
        Ok(partial)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // The first is there only where something failed, which is what is told; the next backup throws it away too.
        let _ = (fs::remove_file(&self.store), fs::remove_file(&self.intake));
    }
}
