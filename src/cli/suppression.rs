//! `rollbook suppression …`: suppressed addresses of a running server, over its API.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::client::ServerArguments;
use super::{Result, print};
use domain::contact::suppression::{Channel, Reason};
use files::suppressions::{Entry, Rows, header, row};

/// Records of one request.
const BATCH: usize = 100;

/// Suppressions that are read at a time.
const PAGE: u32 = 1_000;

/// Rejected rows that are printed.
const PRINTED: u64 = 1_000;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Suppress an address
    #[command(
        after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook suppression add --email user@example.com --reason complaint"
    )]
    Add {
        #[command(flatten)]
        address: AddressArguments,
        /// Reason [default: hard for e-mail, import for phone]
        #[arg(long, value_name = "REASON", value_parser = parse_reason)]
        reason: Option<Reason>,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Remove an address from suppression
    #[command(
        after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook suppression remove --email user@example.com"
    )]
    Remove {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Show why an address is suppressed, as JSON
    #[command(after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook suppression find --phone +15555555")]
    Find {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Suppress the addresses of a CSV file
    #[command(after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook suppression import bounces.csv")]
    Import {
        /// File to read; "-" for standard input
        file: PathBuf,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Write all suppressions as CSV
    #[command(after_help = "Example:\n  ROLLBOOK_TOKEN=rb_… rollbook suppression export -o suppressed.csv")]
    Export {
        /// File to create [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArguments,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct AddressArguments {
    /// E-mail address
    #[arg(long)]
    email: Option<String>,
    /// Phone number
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
}

impl AddressArguments {
    fn channel(&self) -> Channel {
        if self.email.is_some() { Channel::Email } else { Channel::Phone }
    }

    fn body(&self) -> Map<String, Value> {
        let address = self.email.as_ref().or(self.phone.as_ref());
        Map::from_iter([(self.channel().name().to_owned(), json!(address))])
    }
}

fn parse_reason(text: &str) -> std::result::Result<Reason, String> {
    Reason::of_name(text).ok_or_else(|| {
        let names = Reason::ALL.map(Reason::name).join(", ");
        format!("it is one of {names}")
    })
}

const fn group(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "/v3/blacklist",
        Channel::Phone => "/v3/phone-blacklist",
    }
}

pub async fn run(command: Command) -> Result {
    match command {
        Command::Add { address, reason, server } => {
            let channel = address.channel();
            let mut record = address.body();
            let reason = reason.unwrap_or_else(|| channel.default_reason());
            record.insert("rejectType".to_owned(), json!(reason.name()));
            server.call(&format!("{}/add", group(channel)), &json!({ "records": [record] })).await.map(drop)
        }
        Command::Remove { address, server } => {
            let path = format!("{}/remove", group(address.channel()));
            server.call(&path, &Value::Object(address.body())).await.map(drop)
        }
        Command::Find { address, server } => {
            let path = format!("{}/find", group(address.channel()));
            let answer = server.call(&path, &Value::Object(address.body())).await?;
            match answer["data"].as_array().map(Vec::as_slice).unwrap_or_default() {
                [] => Err("the address is not suppressed".to_owned()),
                found => {
                    found.iter().for_each(|suppression| print(&format!("{suppression:#}")));
                    Ok(())
                }
            }
        }
        Command::Import { file, server } => import(&file, &server).await,
        Command::Export { output, server } => export(output, &server).await,
    }
}

/// Sends the rows in batches, and prints the rejected ones.
async fn import(file: &PathBuf, server: &ServerArguments) -> Result {
    let table: Box<dyn Read + Send> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| format!("{}: {error}", file.display()))?)
    };
    let rows = Rows::new(BufReader::new(table)).map_err(|error| error.to_string())?;
    let (mut sent, mut rejected) = (0, 0);
    let mut waiting = [Vec::new(), Vec::new()];
    for row in rows {
        let row = row.map_err(|error| format!("{error}; {sent} rows were sent before"))?;
        match row.entry {
            Ok(entry) => {
                let channel = entry.reason.channel();
                let batch = &mut waiting[channel as usize];
                batch.push(entry);
                if batch.len() == BATCH {
                    sent += send(channel, std::mem::take(batch), server).await?;
                }
            }
            Err(why) => {
                rejected += 1;
                if rejected <= PRINTED {
                    eprintln!("line {}: {why}", row.line);
                }
            }
        }
    }
    for (channel, batch) in Channel::ALL.into_iter().zip(waiting) {
        sent += send(channel, batch, server).await?;
    }
    print(&format!("{sent} addresses are suppressed"));
    match rejected {
        0 => Ok(()),
        rows => Err(format!("{rows} rows were rejected")),
    }
}

async fn send(channel: Channel, batch: Vec<Entry>, server: &ServerArguments) -> Result<usize> {
    if batch.is_empty() {
        return Ok(0);
    }
    let records: Vec<_> = batch.iter().map(Entry::to_json).collect();
    server.call(&format!("{}/add", group(channel)), &json!({ "records": records })).await?;
    Ok(batch.len())
}

/// Writes all suppressions that have an address.
async fn export(output: Option<PathBuf>, server: &ServerArguments) -> Result {
    let mut out: Box<dyn Write + Send> = match &output {
        None => Box::new(std::io::stdout()),
        Some(path) => {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
            Box::new(BufWriter::new(file.map_err(|error| format!("{}: {error}", path.display()))?))
        }
    };
    let unwritten = |error: std::io::Error| format!("the export could not be written: {error}");
    out.write_all(&header().map_err(|error| error.to_string())?).map_err(unwritten)?;
    let (mut after, mut written, mut erased) = (Value::Null, 0, 0);
    loop {
        let page = server.call("/v3/suppression/list", &json!({ "limit": PAGE, "after": after })).await?;
        for one in page["data"].as_array().map(Vec::as_slice).unwrap_or_default() {
            if one["address"].is_null() {
                erased += 1;
                continue;
            }
            let cells = ["channel", "address", "reason", "rawLog", "createdAt", "expireAt"];
            let line = row(cells.map(|key| one[key].as_str().unwrap_or_default()));
            out.write_all(&line.map_err(|error| error.to_string())?).map_err(unwritten)?;
            written += 1;
        }
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    out.flush().map_err(unwritten)?;
    eprintln!("{written} suppressions");
    if erased > 0 {
        eprintln!("{erased} suppressions of erased people have no address and were left out");
    }
    Ok(())
}
