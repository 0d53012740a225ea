//! The account and the list under load, and what is known of every contact in it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use serde_json::json;

use crate::Result;
use crate::client::Client;
use crate::server::{Account, Installation, Server};

/// A token allows 10 requests in flight. One stays free for polling, and one because the server may count a request
/// for a moment longer than the client that has its answer.
const CONNECTIONS_PER_TOKEN: u32 = 8;

/// As many tokens as that many connections need, or as many as could be made: at least the account's own.
pub struct Tokens(Vec<String>);

impl Tokens {
    pub fn create(installation: &Installation, connections: u32, notes: &mut Vec<String>) -> Result<Self> {
        let Account { user_id, access_token } = installation.create_account()?;
        let mut tokens = vec![access_token];
        while (tokens.len() as u32) < connections.div_ceil(CONNECTIONS_PER_TOKEN) {
            match installation.create_token(&user_id) {
                Ok(token) => tokens.push(token),
                Err(error) => {
                    notes.push(format!("only {} token(s): {error}", tokens.len()));
                    break;
                }
            }
        }
        Ok(Self(tokens))
    }

    /// One request before any load, whatever its answer.
    pub fn trivial_request(&self, server: &Server) -> Result<()> {
        Client::connect(server.address, &self.0[0])?.post("/v3/account/info", b"{}")?;
        Ok(())
    }
}

pub struct Target {
    address: SocketAddr,
    tokens: Vec<String>,
    pub list: String,
    /// `"sourceId":"…","customerSourceId":"…",`, or nothing where the server knows no sources.
    pub source_fields: String,
    pub contacts: u32,
    /// Per contact, the stamp of the last update sent; below `contacts` it is the contact's own number: never updated.
    stamps: Vec<AtomicU32>,
    next_stamp: AtomicU32,
}

impl Target {
    /// Makes the list, its two variables and a source.
    pub fn prepare(server: &Server, tokens: Tokens, contacts: u32, notes: &mut Vec<String>) -> Result<Self> {
        let mut client = Client::connect(server.address, &tokens.0[0])?;
        let list = client.call("/v3/contact-list/create", &json!({"contactListName": "Speed"}))?;
        let list = list["contactListId"].as_str().ok_or("no contactListId")?.to_owned();
        let variables = ["city", "favouriteShop"].map(|name| json!({"name": name, "type": "ENUM_STRING"}));
        client.call(
            "/v3/contact-list/variables/add",
            &json!({"contactListId": list, "variables": variables}),
        )?;
        let source = json!({"name": "Speed", "customerSourceId": "speed"});
        let source_fields = match client.call("/v3/contact-source/add", &source) {
            Ok(answer) => format!(r#""sourceId":{},"customerSourceId":"speed","#, answer["sourceId"]),
            Err(error) => {
                notes.push(format!("filled without a source: {error}"));
                String::new()
            }
        };
        Ok(Self {
            address: server.address,
            tokens: tokens.0,
            list,
            source_fields,
            contacts,
            stamps: (0..contacts).map(AtomicU32::new).collect(),
            next_stamp: AtomicU32::new(contacts),
        })
    }

    /// A new connection, with the token of its number.
    pub fn connect(&self, connection: u32) -> Result<Client> {
        let token = (connection / CONNECTIONS_PER_TOKEN) as usize % self.tokens.len();
        Client::connect(self.address, &self.tokens[token])
    }

    /// That many, or as many as the tokens allow.
    pub fn connections(&self, wanted: u32) -> u32 {
        wanted.min(self.tokens.len() as u32 * CONNECTIONS_PER_TOKEN)
    }

    pub fn take_stamps(&self, count: u32) -> std::ops::Range<u32> {
        let first = self.next_stamp.fetch_add(count, Relaxed);
        first..first + count
    }

    /// Contact `n` was last updated with this stamp.
    pub fn remember(&self, n: u32, stamp: u32) {
        self.stamps[n as usize].store(stamp, Relaxed);
    }

    pub fn stamp(&self, n: u32) -> u32 {
        self.stamps[n as usize].load(Relaxed)
    }

    pub fn is_updated(&self, n: u32) -> bool {
        self.stamp(n) >= self.contacts
    }
}
