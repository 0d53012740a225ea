//! `rollbook restore`: a backup put in the place of a store.
//!
//! Both files are made ready and looked at in a directory beside the store, `PATH.restoring`. When they are whole and
//! on disk the directory is named `PATH.restored`. From then on the store is not opened any more, until its files are
//! in place and the directory is gone: a crash in between has the restore done once more, and leaves no mixture.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::Settings;
use super::archive::{self, Failed, Manifest, Part, Progress, file_error};
use super::backup::sync_directory;
use super::files::Taken;
use super::open::{self, Paths};

/// Puts the backup in `file` in place as the store at `database`. Nothing is changed before all of it has been read,
/// compared with its checksums, and opened as a store. A store that is there is replaced only where that was said.
///
/// # Errors
/// Where the file is no whole backup, a store is there already or is served, or nothing can be written.
pub fn restore(
    file: &Path,
    database: &Path,
    replace: bool,
    progress: &mut Progress<'_>,
) -> Result<Manifest, Failed> {
    let named = file_error(file);
    let mut backup = File::open(file).map_err(&named)?;
    let no_backup = || Failed::Message(format!("{} is not a backup, or not a complete one", file.display()));
    let manifest = Manifest::read(&mut backup).map_err(&named)?.ok_or_else(no_backup)?;
    let paths = Paths::new(database);
    let taken = Taken::take(&paths)?;
    // One that was cut short was allowed to replace what was there.
    let may_begin = if replace || paths.restored.exists() { Ok(()) } else { refuse_to_replace(&paths) };
    let ready = may_begin.and_then(|()| ready(&paths, &mut backup, &manifest, progress));
    let ready = ready.map_err(|failed| {
        // Nothing was put in place: nothing is left behind either. What cannot be removed, the next restore removes.
        let _ = remove_directory(&paths.restoring);
        taken.leave_nothing();
        match failed {
            Failed::Message(text) if text.is_empty() => {
                Failed::Message(format!("{} is damaged: its checksum is another", file.display()))
            }
            failed => failed,
        }
    })?;
    put_in_place(&paths, &ready)?;
    Ok(manifest)
}

fn refuse_to_replace(paths: &Paths) -> Result<(), Failed> {
    for half in [&paths.store, &paths.intake] {
        if half.try_exists().map_err(file_error(half))? {
            let text = format!("{} is there already: --replace puts the backup in its place", half.display());
            return Err(Failed::Message(text));
        }
    }
    Ok(())
}

/// Takes both files out of the backup and opens them as a store, which brings them to the present schema.
fn ready(
    paths: &Paths,
    backup: &mut File,
    manifest: &Manifest,
    progress: &mut Progress<'_>,
) -> Result<Paths, Failed> {
    remove_directory(&paths.restoring)?;
    fs::DirBuilder::new().mode(0o700).create(&paths.restoring).map_err(file_error(&paths.restoring))?;
    let ready = Paths::new(&paths.restoring.join("store"));
    let of = manifest.store.bytes + manifest.intake.bytes;
    let mut before = 0;
    backup.seek(SeekFrom::Start(0)).map_err(file_error(&paths.restoring))?;
    for (part, path) in [(&manifest.store, &ready.store), (&manifest.intake, &ready.intake)] {
        let mut tell = |done| progress(before + done, of, "restored");
        let written = take_out(backup, part, path, &mut tell).map_err(file_error(path))?;
        if written != *part {
            // Which file it is that is damaged, the caller says.
            return Err(Failed::Message(String::new()));
        }
        before += part.bytes;
    }
    open::prepare(&ready, &Settings::DEFAULT, true)?;
    for path in [&ready.store, &ready.intake] {
        File::open(path).and_then(|file| file.sync_all()).map_err(file_error(path))?;
    }
    sync_directory(&ready.store).map_err(file_error(&paths.restoring))?;
    Ok(ready)
}

fn take_out(backup: &mut File, part: &Part, path: &Path, tell: &mut dyn FnMut(u64)) -> std::io::Result<Part> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    archive::copy(backup, &mut file, part.bytes, tell)
}

fn put_in_place(paths: &Paths, ready: &Paths) -> Result<(), Failed> {
    // It is of the contacts that are replaced.
    super::search::remove(paths)?;
    remove_directory(&paths.restored)?;
    fs::rename(&paths.restoring, &paths.restored).map_err(file_error(&paths.restoring))?;
    sync_directory(&paths.store).map_err(file_error(&paths.restored))?;
    for (from, to) in [(&ready.store, &paths.store), (&ready.intake, &paths.intake)] {
        // A log of the old file would be taken for one of the new.
        for suffix in ["-wal", "-shm"] {
            remove_file(&super::files::beside(to, suffix))?;
        }
        let from = paths.restored.join(from.file_name().unwrap_or_default());
        fs::rename(&from, to).map_err(file_error(to))?;
    }
    sync_directory(&paths.store).map_err(file_error(&paths.store))?;
    remove_directory(&paths.restored)?;
    sync_directory(&paths.store).map_err(file_error(&paths.store))
}

fn remove_file(path: &Path) -> Result<(), Failed> {
    ignore_missing(fs::remove_file(path)).map_err(file_error(path))
}

fn remove_directory(path: &Path) -> Result<(), Failed> {
    ignore_missing(fs::remove_dir_all(path)).map_err(file_error(path))
}

fn ignore_missing(done: std::io::Result<()>) -> std::io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
