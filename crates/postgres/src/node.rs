//! The sign of life that a node gives, and what it hears of the others. What it has out is free once it has been silent
//! for the length of a lease.
//!
//! Both go over one connection, which also listens for the signals of other nodes: if no heartbeat passes, no signal
//! does, and the loops look for themselves. A pooler that changes connections with each transaction cannot listen: if it is
//! not declared in the address, the greetings that the node sends to itself show it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_postgres::{AsyncMessage, Client, SimpleQueryMessage};

use super::address::Address;
use super::session::error;
use super::shared::Shared;
use super::signals::{self, CHANNEL, Notice};
use super::store::{Messages, connection, listening};
use storage::Error;

/// What is told within this goes out together.
const GATHER: Duration = Duration::from_millis(50);

/// The task that says that the node lives.
pub struct Heart(JoinHandle<()>);

impl Heart {
    /// Says it once, and then for as long as this is held.
    pub async fn start(address: &Address, pool: &Pool, shared: &Arc<Shared>) -> Result<Self, Error> {
        let mut node = Node::new(pool.clone(), Arc::clone(shared));
        let first = connection(pool).await?;
        first
            .simple_query("DELETE FROM node WHERE heard_at < now() - interval '1 day'")
            .await
            .map_err(error)?;
        node.beat(&Line::Pooled(first)).await?;
        let address = address.clone();
        Ok(Self(tokio::spawn(async move { node.live(&address).await })))
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The connection that a heartbeat takes.
enum Line {
    /// Its own, which listens too.
    Own(Client),
    /// One of the pool.
    Pooled(Object),
}

impl Line {
    fn client(&self) -> &Client {
        match self {
            Self::Own(client) => client,
            Self::Pooled(object) => object,
        }
    }
}

/// What a node of this version says of itself. Since 3 results have notes, and changes what they put in place; since 4
/// changes may be compressed, and a node sends signals. The first version says nothing, which is 1.
const FORMS: i64 = 4;

/// The forms of results and changes that this version writes.
const RESULTS: i64 = 4;

struct Node {
    pool: Pool,
    shared: Arc<Shared>,
    /// This node's id, and the other nodes that were heard of last.
    id: String,
    others: Vec<String>,
    /// The catalogue's version at the last heartbeat.
    version: Option<String>,
    /// Whether it was reported that no signals arrive.
    is_deaf: bool,
}

impl Node {
    fn new(pool: Pool, shared: Arc<Shared>) -> Self {
        let id = shared.node.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { pool, shared, id, others: Vec::new(), version: None, is_deaf: false }
    }

    async fn live(&mut self, address: &Address) {
        let mut heard = true;
        loop {
            let ended = if address.pooled {
                self.beat_on().await
            } else {
                let Err(error) = self.listen(address).await;
                error
            };
            // Several at once, after each failure, would say nothing more.
            if std::mem::take(&mut heard) {
                tracing::warn!(error = %ended, "node: heartbeat failed");
            }
            self.shared.signals.greets_not();
            self.shared.signals.is_deaf();
            signals::look_for_all(&self.shared);
            // Other nodes rely on what this one has to tell, for as long as they hear that it lives.
            if self.wait(None).await.is_err() {
                sleep(self.shared.lease / 4).await;
            }
            if let Ok(client) = connection(&self.pool).await {
                heard = self.beat(&Line::Pooled(client)).await.is_ok();
            }
        }
    }

    /// Lives on connections of the pool, until one fails.
    async fn beat_on(&mut self) -> Error {
        loop {
            let ended = match connection(&self.pool).await {
                Ok(client) => self.beat(&Line::Pooled(client)).await,
                Err(error) => Err(error),
            };
            if let Err(error) = ended.and(self.wait(None).await) {
                return error;
            }
        }
    }

    /// Lives on a connection of its own and listens, until it fails.
    async fn listen(&mut self, address: &Address) -> Result<Infallible, Error> {
        let late = |_| Error::Unavailable("no connection to listen on for the length of a lease".to_owned());
        let connected = timeout(self.shared.lease / 2, listening(address)).await;
        let (client, mut messages) = connected.map_err(late)??;
        let (shared, id) = (Arc::clone(&self.shared), self.id.clone());
        let hear = async move { hear(&mut messages, &shared, &id).await };
        let live = async {
            let listen = format!("LISTEN {CHANNEL}");
            let listens = timeout(self.shared.lease / 2, client.batch_execute(&listen)).await;
            listens.map_err(late)?.map_err(error)?;
            let line = Line::Own(client);
            loop {
                self.greet().await;
                self.beat(&line).await?;
                self.wait(Some(&line)).await?;
            }
        };
        tokio::select! {
            ended = hear => Err(ended),
            ended = live => ended,
        }
    }

    /// Sends itself a greeting over another connection. If it has not heard the last one, it relies on no signals.
    async fn greet(&mut self) {
        let signals = &self.shared.signals;
        if !signals.greets() {
            let was_listening = signals.is_deaf();
            if was_listening {
                signals::look_for_all(&self.shared);
            }
            if was_listening || !std::mem::replace(&mut self.is_deaf, true) {
                tracing::warn!(
                    "node: no notifications arrive, looking for changes instead; behind a transaction pooler add \
                     pooler=transaction to the address"
                );
            }
        }
        let greeting = signals::greeting(&self.id);
        let sent = async {
            let client = connection(&self.pool).await?;
            self.ask(&Line::Pooled(client), &greeting).await
        };
        // Heartbeats over the other connection show whether the database is there.
        if !matches!(timeout(self.shared.lease / 4, sent).await, Ok(Ok(_))) {
            self.shared.signals.greets_not();
        }
    }

    /// Waits for the next heartbeat, and sends what is to be told meanwhile.
    async fn wait(&self, line: Option<&Line>) -> Result<(), Error> {
        let next = Instant::now() + self.shared.lease / 4;
        loop {
            tokio::select! {
                () = sleep_until(next) => return Ok(()),
                () = self.shared.signals.unsent() => {}
            }
            let (notices, text) = self.shared.signals.take_unsent(&self.id);
            let sent = match line {
                Some(line) => self.ask(line, &text).await,
                None => match connection(&self.pool).await {
                    Ok(client) => self.ask(&Line::Pooled(client), &text).await,
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = sent {
                self.shared.signals.not_sent(notices);
                return Err(error);
            }
            sleep(GATHER).await;
        }
    }

    async fn ask(&self, line: &Line, text: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        match timeout(self.shared.lease, line.client().simple_query(text)).await {
            Ok(done) => done.map_err(error),
            Err(_) => Err(Error::Unavailable("no answer for the length of a lease".to_owned())),
        }
    }

    /// Says that the node lives, and looks at what concerns all loops.
    async fn beat(&mut self, line: &Line) -> Result<(), Error> {
        // The text is ours alone, so it goes as it is, and leaves no statement behind on a connection that may be a
        // pooler's. A node that is not there has been silent for longer than any lease.
        let (id, lease) = (&self.id, self.shared.lease.as_millis());
        let beat = format!(
            "INSERT INTO node (id, heard_at, forms) VALUES ('\\x{id}', now(), {FORMS}) \
             ON CONFLICT (id) DO UPDATE SET heard_at = excluded.heard_at; \
             SELECT (SELECT number FROM setting WHERE name = 'catalogue_version'), min(coalesce(forms, 1)), \
             string_agg(encode(id, 'hex'), ' ' ORDER BY id) \
             FILTER (WHERE id <> '\\x{id}' AND heard_at > now() - interval '{lease} milliseconds') \
             FROM node WHERE heard_at > now() - interval '1 minute'"
        );
        let answer = self.ask(line, &beat).await?;
        let row = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let Some(row) = row else { return Ok(()) };
        let [version, forms, others] = [0, 1, 2].map(|column| row.get(column).unwrap_or_default());
        let forms: i64 = forms.parse().unwrap_or(1);
        self.shared.earlier_nodes.store(forms < RESULTS, Ordering::Relaxed);
        self.sees(others, forms < FORMS);
        // A process that sends no signals may have changed it.
        if self.version.replace(version.to_owned()).is_some_and(|last| last != version) {
            signals::heard(&self.shared, "catalogue", &self.id);
        }
        Ok(())
    }

    fn sees(&mut self, others: &str, silent: bool) {
        let others: Vec<String> = others.split_whitespace().map(str::to_owned).collect();
        let ended = self.others.iter().any(|before| !others.contains(before));
        let new = others.iter().any(|now| !self.others.contains(now));
        let changed = self.shared.signals.beside(!others.is_empty(), silent);
        self.others = others;
        if ended || changed {
            signals::look_for_all(&self.shared);
        }
        if new {
            // It was told nothing so far.
            for notice in [Notice::Applied, Notice::Deliveries] {
                self.shared.signals.tell(notice);
            }
        }
    }
}

/// Passes signals on until the connection ends.
async fn hear(messages: &mut Messages, shared: &Shared, id: &str) -> Error {
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notification(notification)) if notification.channel() == CHANNEL => {
                signals::heard(shared, notification.payload(), id);
            }
            Ok(_) => {}
            Err(failed) => return error(failed),
        }
    }
    Error::Unavailable("the connection that listens has ended".to_owned())
}
