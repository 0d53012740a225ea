//! A file without a name that is written once and read while it grows. Its disk space is free when its last user is gone,
//! also after a crash.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::watch;

/// Bytes that a reader takes at a time.
const CHUNK: u64 = 256 << 10;

/// How far a spool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes are written, and more come.
    Growing(u64),
    /// These are all.
    Whole(u64),
    /// It ends without the rest.
    Broken,
}

/// The file. Clones share it.
#[derive(Clone, Debug)]
pub struct Spool {
    file: Arc<File>,
    state: Arc<watch::Sender<State>>,
}

impl Spool {
    /// Over an empty file that nothing else writes.
    pub fn new(file: File) -> Self {
        Self { file: Arc::new(file), state: Arc::new(watch::Sender::new(State::Growing(0))) }
    }

    /// Appends bytes. Blocks.
    ///
    /// # Errors
    /// The disk is full, or the spool was broken off.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let State::Growing(length) = *self.state.borrow() else {
            return Err(io::Error::other("the spool has ended"));
        };
        self.file.write_all_at(bytes, length)?;
        let length = length + bytes.len() as u64;
        self.state.send_modify(|state| {
            if matches!(state, State::Growing(_)) {
                *state = State::Growing(length);
            }
        });
        Ok(())
    }

    /// Says that all is written.
    pub fn end(&self) {
        self.state.send_modify(|state| {
            if let State::Growing(length) = *state {
                *state = State::Whole(length);
            }
        });
    }

    /// Ends it at once: its readers get an error, also those that lag behind.
    pub fn break_off(&self) {
        self.state.send_replace(State::Broken);
    }

    /// Whether it was broken off.
    pub fn is_broken(&self) -> bool {
        *self.state.borrow() == State::Broken
    }

    /// Whether there is a reader.
    pub fn is_read(&self) -> bool {
        self.state.receiver_count() > 0
    }

    /// A reader.
    pub fn reader(&self) -> Reader {
        Reader { file: Arc::clone(&self.file), state: self.state.subscribe() }
    }
}

impl Write for &Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a spool.
#[derive(Debug)]
pub struct Reader {
    file: Arc<File>,
    state: watch::Receiver<State>,
}

impl Reader {
    /// Waits for its end, and returns its length; `None` if it was broken off.
    pub async fn length(&mut self) -> Option<u64> {
        match self.state.wait_for(|state| !matches!(state, State::Growing(_))).await.as_deref() {
            Ok(State::Whole(length)) => Some(*length),
            _ => None,
        }
    }

    /// Waits for its first bytes. Whether it still can come to its end.
    pub async fn begins(&mut self) -> bool {
        let begun = self.state.wait_for(|state| *state != State::Growing(0)).await;
        begun.is_ok_and(|state| *state != State::Broken)
    }

    /// Its length, if all is written.
    pub fn known_length(&self) -> Option<u64> {
        if let State::Whole(length) = *self.state.borrow() { Some(length) } else { None }
    }

    /// Its bytes from the first place to the second, or to its end. The stream fails if the spool is broken off.
    pub fn stream(self, from: u64, to: Option<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send {
        futures_util::stream::try_unfold((self, from), move |(mut reader, at)| async move {
            let Some(end) = reader.behind(at).await? else { return Ok(None) };
            let end = to.map_or(end, |to| end.min(to));
            if end <= at {
                return Ok(None);
            }
            let (file, length) = (Arc::clone(&reader.file), (end - at).min(CHUNK));
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
                file.read_exact_at(&mut bytes, at).map(|()| Bytes::from(bytes))
            });
            let bytes = read.await.map_err(io::Error::other)??;
            Ok(Some((bytes, (reader, at + length))))
        })
    }

    /// Waits until there are bytes behind a place, and returns where they end; `None` at the end of the spool.
    async fn behind(&mut self, at: u64) -> io::Result<Option<u64>> {
        let broken = || io::Error::other("the file was broken off");
        let state = self.state.wait_for(|state| !matches!(state, State::Growing(length) if *length <= at));
        match *state.await.map_err(|_| broken())? {
            State::Growing(length) => Ok(Some(length)),
            State::Whole(length) => Ok(Some(length).filter(|length| *length > at)),
            State::Broken => Err(broken()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    fn spool(name: &str) -> Spool {
        let path = std::env::temp_dir().join(format!("rollbook-spool-{name}-{}", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        Spool::new(file)
    }

    async fn text(stream: impl Stream<Item = io::Result<Bytes>>) -> io::Result<String> {
        let mut stream = std::pin::pin!(stream);
        let mut text = String::new();
        while let Some(bytes) = stream.next().await {
            text.push_str(std::str::from_utf8(&bytes?).unwrap());
        }
        Ok(text)
    }

    #[tokio::test]
    async fn a_reader_follows_a_spool_to_its_end() {
        let spool = spool("end");
        let all = tokio::spawn(text(spool.reader().stream(0, None)));
        let mut early = spool.reader();
        spool.append(b"one ").unwrap();
        assert!(early.begins().await);
        assert_eq!(early.known_length(), None);
        spool.append(b"two").unwrap();
        spool.end();
        assert_eq!(all.await.unwrap().unwrap(), "one two");
        assert_eq!(early.length().await, Some(7));
        assert_eq!(text(spool.reader().stream(4, None)).await.unwrap(), "two");
        assert_eq!(text(spool.reader().stream(2, Some(5))).await.unwrap(), "e t");
        assert!(spool.append(b"more").is_err(), "all is written");
    }

    #[tokio::test]
    async fn a_spool_that_is_broken_off_cuts_its_readers() {
        let spool = spool("broken");
        spool.append(b"one").unwrap();
        let (mut waits, late) = (spool.reader(), spool.reader());
        spool.break_off();
        assert!(text(late.stream(0, None)).await.is_err());
        assert_eq!(waits.length().await, None);
        assert!(spool.is_broken() && !spool.reader().begins().await);
    }
}
