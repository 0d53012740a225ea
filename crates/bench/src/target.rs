//! The lists under load, what is known of every contact in them, and how the server that has them is reached.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use serde_json::{Value, json};

use super::Result;
use super::bodies::{Random, VARIABLES};
use super::client::Client;
use super::process::Process;

/// A token allows 10 requests in flight. One stays free for polling, and one because the server may count a request
/// for a moment longer than the client that has its answer.
pub const CONNECTIONS_PER_TOKEN: u32 = 8;

/// Where the server is, and what of it can be looked at.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where it listens; several servers of one store share the connections evenly.
    pub addresses: Vec<SocketAddr>,
    /// Tokens of one account.
    pub tokens: Vec<String>,
    /// The process, where it runs on this machine.
    pub process: Option<Process>,
    /// The path of the store, where it is on this machine.
    pub database: Option<PathBuf>,
}

impl Place {
    /// The address in a URL of the form `http://host:port`.
    ///
    /// # Errors
    /// A sentence, where it is no such URL or the name is not known.
    pub fn address_of(url: &str) -> Result<SocketAddr> {
        let parsed = url::Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        if parsed.scheme() != "http" {
            let text = "only http is spoken: give the server's own address, behind any proxy";
            return Err(format!("{url}: {text}").into());
        }
        let address = (parsed.host_str().unwrap_or_default(), parsed.port_or_known_default().unwrap_or(80));
        let mut found = address.to_socket_addrs().map_err(|error| format!("{url}: {error}"))?;
        found.next().ok_or_else(|| format!("{url}: the name has no address").into())
    }

    /// A new connection, with the token of its number.
    ///
    /// # Errors
    /// Where no server listens.
    pub fn connect(&self, connection: u32) -> Result<Client> {
        let token = (connection / CONNECTIONS_PER_TOKEN) as usize % self.tokens.len().max(1);
        let address = self.addresses.get(connection as usize % self.addresses.len().max(1));
        let address = *address.ok_or("no server to connect to")?;
        Client::connect(address, self.tokens.get(token).map_or("", String::as_str))
    }

    /// That many, or as many as the tokens allow.
    pub fn connections(&self, wanted: u32) -> u32 {
        wanted.min(self.tokens.len() as u32 * CONNECTIONS_PER_TOKEN)
    }

    /// The number of the last connection that the tokens allow.
    pub fn last_connection(&self) -> u32 {
        (self.tokens.len().max(1) as u32 * CONNECTIONS_PER_TOKEN) - 1
    }
}

/// One connection's share of a list's contacts: every `of`-th.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Which.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

/// The lists under load. Contact `n` is in list `n` modulo their number, and has there the index `n` divided by it.
#[derive(Debug)]
pub struct Target {
    lists: Vec<String>,
    source_fields: String,
    per_list: u32,
    /// Per contact, the stamp of the last update; below their number it is the contact's own: never updated.
    stamps: Vec<AtomicU32>,
    next_stamp: AtomicU32,
    /// Per list, the index of the next contact that a mixed load makes.
    next_new: Vec<AtomicU32>,
    keeps_names: bool,
}

impl Target {
    /// Of lists that are there. `source`: the id of a source and the customer's own.
    pub fn new(lists: Vec<String>, source: (&str, &str), contacts: u32) -> Self {
        let per_list = contacts.div_ceil(lists.len().max(1) as u32);
        let contacts = per_list * lists.len() as u32;
        Self {
            source_fields: format!(r#""sourceId":"{}","customerSourceId":"{}","#, source.0, source.1),
            per_list,
            stamps: (0..contacts).map(AtomicU32::new).collect(),
            next_stamp: AtomicU32::new(contacts),
            next_new: lists.iter().map(|_| AtomicU32::new(per_list)).collect(),
            lists,
            keeps_names: false,
        }
    }

    /// Changes leave names as they are, so that search has nothing to index.
    pub const fn keep_names(&mut self) {
        self.keeps_names = true;
    }

    /// Whether changes leave names as they are.
    pub const fn keeps_names(&self) -> bool {
        self.keeps_names
    }

    /// Makes the lists, their variables and a source. `name` is theirs; it should be a new one.
    ///
    /// # Errors
    /// Where the server refuses.
    pub fn prepare(client: &mut Client, name: &str, lists: u32, contacts: u32) -> Result<Self> {
        let mut ids = Vec::new();
        for _ in 0..lists {
            let list = client.call("/v3/contact-list/create", &json!({"contactListName": name}))?;
            let id = list["contactListId"].as_str().ok_or("no contactListId")?.to_owned();
            let variables = VARIABLES.map(|name| json!({"name": name, "type": "ENUM_STRING"}));
            let variables = json!({"contactListId": id, "variables": variables});
            client.call("/v3/contact-list/variables/add", &variables)?;
            ids.push(id);
        }
        let source = json!({"name": name, "customerSourceId": name});
        let source = client.call("/v3/contact-source/add", &source)?;
        let source = source["sourceId"].as_str().ok_or("no sourceId")?;
        Ok(Self::new(ids, (source, name), contacts))
    }

    /// Removes what [`prepare`](Self::prepare) has made.
    ///
    /// # Errors
    /// Where the server refuses.
    pub fn remove(&self, client: &mut Client, name: &str) -> Result<()> {
        for list in &self.lists {
            client.call("/v3/contact-list/remove", &json!({"contactListId": list, "confirm": name}))?;
        }
        client.call("/v3/contact-source/remove", &json!({"customerSourceIds": [name]}))?;
        Ok(())
    }

    /// How many lists.
    pub const fn lists(&self) -> u32 {
        self.lists.len() as u32
    }

    /// The id of a list.
    pub fn list(&self, list: u32) -> &str {
        &self.lists[list as usize]
    }

    /// Contacts of each list, those left out that a mixed load has made.
    pub const fn per_list(&self) -> u32 {
        self.per_list
    }

    /// Contacts of all lists, those left out that a mixed load has made.
    pub const fn contacts(&self) -> u32 {
        self.stamps.len() as u32
    }

    /// The index behind a list's last contact, those counted in that a mixed load has made.
    pub fn taken(&self, list: u32) -> u32 {
        self.next_new[list as usize].load(Relaxed)
    }

    /// Contacts of all lists, those counted in that a mixed load has made.
    pub fn all_contacts(&self) -> u32 {
        (0..self.lists()).map(|list| self.taken(list)).sum()
    }

    /// `"sourceId":"…","customerSourceId":"…",`
    pub fn source_fields(&self) -> &str {
        &self.source_fields
    }

    /// The number of a list's contact.
    pub const fn number(&self, list: u32, index: u32) -> u32 {
        index * self.lists.len() as u32 + list
    }

    /// The id of the list of a contact.
    pub fn list_of(&self, n: u32) -> &str {
        &self.lists[n as usize % self.lists.len()]
    }

    /// The number of a new contact of a list.
    pub fn take_new(&self, list: u32) -> u32 {
        self.number(list, self.next_new[list as usize].fetch_add(1, Relaxed))
    }

    /// A random contact of a list, of a share of it.
    pub fn pick(&self, random: &mut Random, list: u32, share: Share) -> u32 {
        self.number(list, random.below(self.per_list / share.of) * share.of + share.number)
    }

    /// As many stamps as that, each given once.
    pub fn take_stamps(&self, count: u32) -> std::ops::Range<u32> {
        let first = self.next_stamp.fetch_add(count, Relaxed);
        first..first + count
    }

    /// The contacts were changed, each with its stamp.
    pub fn remember(&self, changes: &[(u32, u32)]) {
        for (n, stamp) in changes {
            self.stamps[*n as usize].store(*stamp, Relaxed);
        }
    }

    /// The stamp of the last change of a contact, or its own number.
    pub fn stamp(&self, n: u32) -> u32 {
        self.stamps.get(n as usize).map_or(n, |stamp| stamp.load(Relaxed))
    }

    /// Whether a contact was changed.
    pub fn is_updated(&self, n: u32) -> bool {
        self.stamp(n) >= self.contacts() && n < self.contacts()
    }

    /// The lists' ids.
    pub fn ids(&self) -> Value {
        json!(self.lists)
    }
}
