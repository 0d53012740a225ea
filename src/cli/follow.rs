//! `rollbook follow`: the changes of contacts, one line of JSON each.
//!
//! A line is written before its cursor is stored. So after a crash some lines may come again, and none is missing.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::client::{Server, ServerArguments};
use app::changes::{CHANGES, MAX_LIMIT, MAX_WAIT};
use files::remote::{Reply, Transport as _, refusal};

/// The exit code when the cursor is refused: the follower must read the lists again.
const CURSOR_REFUSED: u8 = 3;

/// The first and the longest pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// List to follow [default: all lists that the token may see]
    #[arg(long, value_name = "CONTACT_LIST_ID")]
    list: Option<String>,
    /// Cursor to begin after, or "start" for the oldest [default: now]
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// File that keeps the cursor; if it exists, it wins over --after
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// Contents of each line beside the ids
    #[arg(long, value_enum, default_value_t = Include::Changes)]
    include: Include,
    /// Exit when all present changes are printed
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Include {
    /// Nothing
    Ids,
    /// The old and new value of each field
    Changes,
    /// The contact as it is now
    Contact,
}

impl Include {
    const fn name(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::Changes => "changes",
            Self::Contact => "contact",
        }
    }
}

/// The reason why the command ends.
enum End {
    /// The cursor is too old, or of another server.
    Cursor(String),
    /// The server refuses the request, or a file or the output cannot be written.
    Failed(String),
}

/// Runs the command. A refused cursor has an exit code of its own.
pub fn main(arguments: Arguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| End::Failed(error.to_string()));
    match runtime.and_then(|runtime| runtime.block_on(run(&arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(End::Cursor(text)) => {
            eprintln!("rollbook: {text}");
            eprintln!(
                "rollbook: to continue, store a new cursor first (--once without --after and with a new --cursor-file), \
                 then export the list, then follow from that cursor"
            );
            ExitCode::from(CURSOR_REFUSED)
        }
        Err(End::Failed(text)) => super::failed(&text),
    }
}

/// An answer, as far as it matters here.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    changes: Vec<&'a RawValue>,
    next: String,
}

async fn run(arguments: &Arguments) -> Result<(), End> {
    let server = arguments.server.client().map_err(End::Failed)?.0;
    let stored = arguments.cursor_file.as_deref().map(read_cursor).transpose()?.flatten();
    let mut after = stored.or_else(|| arguments.after.clone());
    let wait = if arguments.once { 0 } else { MAX_WAIT };
    loop {
        let mut body =
            json!({ "limit": MAX_LIMIT, "waitSeconds": wait, "include": arguments.include.name() });
        if let Some(list) = &arguments.list {
            body["contactListId"] = json!(list);
        }
        if let Some(after) = &after {
            body["after"] = json!(after);
        }
        let reply = ask(&server, &body).await?;
        let page: Page<'_> = serde_json::from_slice(&reply.body)
            .map_err(|error| End::Failed(format!("{}: the answer does not read: {error}", CHANGES.path)))?;
        print(&page);
        let is_end = page.changes.is_empty();
        if after.as_ref() != Some(&page.next)
            && let Some(path) = &arguments.cursor_file
        {
            write_cursor(path, &page.next)?;
        }
        after = Some(page.next);
        if arguments.once && is_end {
            return Ok(());
        }
    }
}

/// Asks until there is a whole answer. Reading is repeated without harm, so everything that may pass is.
async fn ask(server: &Server, body: &Value) -> Result<Reply, End> {
    let (path, body) = (CHANGES.path, bytes::Bytes::from(body.to_string()));
    let mut pause = PAUSE;
    loop {
        let (why, asked) = match server.post(path, None, body.clone()).await {
            // A proxy may end an answer that broke off as if it were whole.
            Ok(reply) if reply.status == 200 && serde_json::from_slice::<Page<'_>>(&reply.body).is_ok() => {
                return Ok(reply);
            }
            Ok(reply) => match code(&reply) {
                Some(code) if code == "CURSOR_EXPIRED" || code == "CURSOR_UNKNOWN" => {
                    return Err(End::Cursor(refusal(path, &reply.body)));
                }
                Some(_) if reply.status < 500 && !matches!(reply.status, 408 | 429) => {
                    return Err(End::Failed(refusal(path, &reply.body)));
                }
                _ => (format!("{path}: answered with {}", reply.status), reply.retry_after),
            },
            Err(text) => (text, None),
        };
        server.waits(&why);
        // Between a half and the whole of it, so that many followers do not come back together.
        let random = u32::from(u16::from_le_bytes(domain::secret::random()));
        let jittered = pause / 2 + pause / 2 * random / u32::from(u16::MAX);
        tokio::time::sleep(asked.unwrap_or_default().max(jittered).min(LONGEST_PAUSE)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The first code of a refusal of Rollbook; the page of a proxy has none.
fn code(reply: &Reply) -> Option<String> {
    let refusal: Value = serde_json::from_slice(&reply.body).ok()?;
    refusal["details"][0]["code"].as_str().map(str::to_owned)
}

/// Prints the changes of a page: they are with their reader before the cursor is stored.
fn print(page: &Page<'_>) {
    let mut lines = Vec::new();
    for change in &page.changes {
        lines.extend_from_slice(change.get().as_bytes());
        lines.push(b'\n');
    }
    super::write(&lines);
}

fn failed(path: &Path, error: &std::io::Error) -> End {
    End::Failed(format!("{}: {error}", path.display()))
}

fn read_cursor(path: &Path) -> Result<Option<String>, End> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Replaces the file as a whole: a crash leaves the old cursor or the new one.
fn write_cursor(path: &Path, cursor: &str) -> Result<(), End> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let write = || {
        let options = &mut OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        writeln!(file, "{cursor}")?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    write().map_err(|error| failed(path, &error))
}
