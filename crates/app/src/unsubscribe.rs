//! Unsubscribe links: a signed address per contact and channel (RFC 8058), and what a click on one does.

mod gone;
pub mod link;

use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use self::link::{Link, LinkKey};
use super::accept::Draft;
use super::{Caller, Commands, Operation, Queries, Reach, Refusal, Result};
use crate::catalogue::AccessScope;
use crate::find;
use domain::contact::choice::{Options, State};
use domain::contact::document::Document;
use domain::contact::field::{Field, Key};
use domain::contact::identifier::IdentifierKind;
use domain::contact::proof::Proof as Said;
use domain::contact::record::{Malformed, put_entry};
use domain::journal::{BatchKind, ContactNo, ItemsWriter};
use domain::secret;
use storage::{List, ListOwner};

/// Makes links.
pub static LINKS: Operation = Operation::read("/v3/contacts/unsubscribe-links", Reach::List);

/// The longest link that all mail libraries leave whole in a header: some encode longer ones, and one-click is lost.
pub const MAX_LINK: usize = 58;

/// Between the address of the server and the token.
const PATH: &str = "/u/";

/// How long links are that begin with an address.
pub const fn link_length(base: &str) -> usize {
    base.len() + PATH.len() + link::TOKEN
}

/// Contacts that one link acts on at most: the one that it names, and its successors.
const MAX_SUCCESSORS: usize = 16;

/// How long a link that was used does nothing more, while its channel is off: a program that sends the same request
/// again and again must not fill the journal.
const QUIET: Duration = Duration::from_secs(60);

/// Links of which is known when they were used last.
const RECENT: usize = 4_096;

/// How a person unsubscribed: the proof, as histories and requests show it in place of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A mail program has sent the POST of RFC 8058.
    OneClick,
    /// The person has pressed the button on the page.
    Page,
}

impl Proof {
    /// All.
    pub const ALL: [Self; 2] = [Self::OneClick, Self::Page];

    /// What stands in place of the token of a request.
    pub const fn token(self) -> &'static str {
        match self {
            Self::OneClick => "unsubscribe:one-click",
            Self::Page => "unsubscribe:page",
        }
    }

    /// The same for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::OneClick => "the contact, by one click in a mail program",
            Self::Page => "the contact, on the unsubscribe page",
        }
    }
}

/// The caller of the requests that a person makes by a link.
fn caller(owner: &ListOwner, proof: Proof) -> Caller {
    let scope = AccessScope { account: owner.account, lists: None };
    let token = proof.token().to_owned();
    Caller::token(token.clone(), token, scope, false, String::new())
}

/// What is known of links while the server runs.
pub struct Links {
    key: LinkKey,
    /// The address of the server in links, without a slash at its end; `None` where no setting names it.
    base: Option<String>,
    recent: Cache<Link, Instant>,
}

impl Links {
    /// With the key of the store, and the address of the server in links.
    pub fn new(key: [u8; 32], base: Option<String>) -> Self {
        Self { key: LinkKey::new(key), base, recent: Cache::new(RECENT) }
    }

    /// How long links are; `None` where no setting names the address.
    pub fn length(&self) -> Option<usize> {
        self.base.as_deref().map(link_length)
    }

    /// Whether links are spoken over TLS: RFC 8058 asks for that.
    pub fn is_secure(&self) -> bool {
        self.base.as_ref().is_some_and(|base| base.starts_with("https://"))
    }

    /// The link that a token names, if this server has signed it.
    pub fn verify(&self, token: &str) -> Option<Link> {
        self.key.verify(token)
    }
}

impl Queries {
    /// Whether links can be made: a setting names the address of the server.
    pub fn makes_links(&self) -> bool {
        self.0.links.base.is_some()
    }

    /// The link of the contact that has an identifier; `None` where no contact has it, or its numbers do not fit.
    ///
    /// # Errors
    /// The store fails.
    pub async fn unsubscribe_link(
        &self,
        caller: &Caller,
        list: &List,
        identifier: (IdentifierKind, String),
        channel: Field,
    ) -> Result<Option<String>, storage::Error> {
        let app = &self.0;
        let found = app.storage.find_contact(caller.scope.account, list.no, vec![identifier]).await?;
        let token =
            found.and_then(|(contact, _)| app.links.key.sign(&Link { list: list.no, contact, channel }));
        let base = app.links.base.as_deref();
        Ok(token.zip(base).map(|(token, base)| format!("{base}{PATH}{token}")))
    }

    /// The account of a link's list; `None` where one of both is gone.
    ///
    /// # Errors
    /// The store fails.
    pub async fn link_owner(&self, link: &Link) -> Result<Option<ListOwner>, storage::Error> {
        self.0.storage.list_owner(link.list).await
    }
}

impl Commands {
    /// Turns the channel of a link off, by a request of its own. Of a contact that is gone, for its successors too.
    ///
    /// # Errors
    /// The store fails, and nothing was stored.
    pub async fn unsubscribe(&self, link: Link, proof: Proof) -> Result<()> {
        let mut links = vec![link];
        for place in 0..MAX_SUCCESSORS {
            let Some(&next) = links.get(place) else { break };
            for contact in self.turn_off(next, next != link, proof).await? {
                let next = Link { contact, ..link };
                if !links.contains(&next) {
                    links.push(next);
                }
            }
        }
        Ok(())
    }

    /// Turns the channel off for the very contact of the link. If that is gone, the store remembers it for an undo, and
    /// the successors are returned.
    async fn turn_off(&self, link: Link, is_successor: bool, proof: Proof) -> Result<Vec<ContactNo>> {
        let app = &self.0;
        let storage = &*app.storage;
        let Some(owner) = storage.list_owner(link.list).await? else { return Ok(Vec::new()) };
        let is_off = match find::contact_by_number(storage, owner.account, link.list, link.contact).await? {
            Some(contact) => {
                let state =
                    Document::read(&contact.document).and_then(|document| State::read(document.record));
                let damaged =
                    |malformed: Malformed| Refusal::Store(storage::Error::Damaged(malformed.to_string()));
                let state = state.map_err(damaged)?;
                // One that no request has named since is not safe from the undo of what turned it off.
                state.is_refused(link.channel) && state.choices.named.has(link.channel)
            }
            None => match storage.find_removal(link.list, link.contact).await? {
                Some(removal) => removal.opted_out.has(link.channel),
                // Nothing is known of it.
                None => return Ok(Vec::new()),
            },
        };
        let is_recent = || app.links.recent.get(&link).is_some_and(|used| used.elapsed() < QUIET);
        if !is_off || !is_successor && !is_recent() {
            self.send(&owner, &link, proof).await?;
            app.links.recent.insert(link, Instant::now());
        }
        // As of now: it may have been removed before the opt-out was applied.
        match find::contact_by_number(storage, owner.account, link.list, link.contact).await? {
            Some(_) => Ok(Vec::new()),
            None => self.leave(&owner, link, proof).await,
        }
    }

    /// Sends the opt-out, by the number of the contact, and waits until it is applied. If the wait ends before, it is
    /// on disk and is applied later.
    async fn send(&self, owner: &ListOwner, link: &Link, proof: Proof) -> Result<()> {
        let (mut items, mut patch) = (ItemsWriter::default(), Vec::new());
        // False is stored as absence.
        put_entry(&mut patch, link.channel.key(), &[]);
        // The person said so: an undo leaves it, and the consent ledger has the way.
        let options = Options { keep: false, personal: true, linked: true };
        put_entry(&mut patch, Key::OPTIONS, &options.bytes());
        let said = Said { source: Some(proof.token().to_owned()), ..Said::default() };
        put_entry(&mut patch, Key::PROOF, &said.bytes(secret::random()));
        items.add(IdentifierKind::UserId, &link.contact.0.to_string(), &patch);
        let caller = caller(owner, proof);
        let submission = self.submission();
        let request = submission.request;
        let draft = Draft {
            kind: BatchKind::UpdateByNumber,
            list: (link.list, owner.list_id),
            webhook: None,
            restore_erased: false,
            items: items.finish(),
        };
        self.accept(&caller, submission, draft).await?;
        // Whether or not it is applied in time, and whatever fails from here on, the opt-out is not lost.
        drop(Queries(Arc::clone(&self.0)).await_request(&caller, request).await);
        Ok(())
    }
}
