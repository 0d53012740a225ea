//! Signals between nodes, by NOTIFY on one channel.
//!
//! A change of the catalogue, of jobs or of webhooks sends its signal with its commit. Accepting and applying do not:
//! PostgreSQL commits transactions that notify one after the other. A node tells the others afterwards, for many batches at once,
//! and only if there are others (see [`super::node`]). What a node does not tell because it ends is found when the others
//! notice its end.
//!
//! A pooler that changes connections with each transaction takes a LISTEN and passes no signal on. So a node greets itself
//! with each heartbeat, over another connection. It relies on signals only while it hears its greetings.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::PostgresStore;
use super::session::Session;
use super::shared::Shared;
use storage::{Signals, Topic};

/// The channel.
pub const CHANNEL: &str = "rollbook";

/// The text of the notification that a node sends to itself.
const GREETING: &str = "hello";

/// Greetings of which one is heard where signals arrive, also on a busy machine.
const MAX_UNHEARD: u8 = 2;

/// The statement that greets the node itself.
pub fn greeting(node: &str) -> String {
    format!("NOTIFY {CHANNEL}, '{GREETING} {node}'")
}

/// How long a loop waits without a signal while this node listens and all others send them.
const IDLE: Duration = Duration::from_secs(60);

/// What a signal is about, as its text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The catalogue changes with this commit.
    Catalogue,
    /// Jobs change with this commit.
    Jobs,
    /// Account webhooks change with this commit.
    Webhooks,
    /// A node has accepted batches.
    Appended,
    /// A node has applied batches.
    Applied,
    /// A node has made deliveries due.
    Deliveries,
}

impl Notice {
    const ALL: [Self; 6] =
        [Self::Catalogue, Self::Jobs, Self::Webhooks, Self::Appended, Self::Applied, Self::Deliveries];

    const fn text(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Jobs => "jobs",
            Self::Webhooks => "webhooks",
            Self::Appended => "appended",
            Self::Applied => "applied",
            Self::Deliveries => "deliveries",
        }
    }

    /// Sends it with the commit.
    pub fn send(self, session: &Session) {
        session.later(format!("SELECT pg_notify('{CHANNEL}', '{}')", self.text()), Vec::new());
    }

    const fn topics(self) -> &'static [Topic] {
        match self {
            Self::Catalogue => &[Topic::Catalogue, Topic::Webhooks, Topic::Search, Topic::Segments],
            Self::Jobs => &[Topic::Jobs],
            Self::Webhooks => &[Topic::Webhooks],
            Self::Applied => &[Topic::Search, Topic::Followers, Topic::Segments],
            Self::Appended | Self::Deliveries => &[],
        }
    }
}

/// The signals of this node, in and out.
#[derive(Debug, Default)]
pub struct Signalling {
    topics: [Notify; Topic::ALL.len()],
    /// Whether signals of others arrive.
    listening: AtomicBool,
    /// Greetings since the last that was heard.
    unheard: AtomicU8,
    /// Whether others may be there that send none: nodes of earlier versions.
    others_are_silent: AtomicBool,
    /// Whether there are others.
    others: AtomicBool,
    /// Notices that are not sent yet, a bit each.
    unsent: AtomicU8,
    /// There are some.
    wake: Notify,
}

impl Signalling {
    /// Returns once there is a signal of the topic.
    pub async fn signalled(&self, topic: Topic) {
        self.topics[topic as usize].notified().await;
    }

    /// Whether nothing is missed without a look.
    pub fn is_complete(&self) -> bool {
        self.listening.load(Ordering::Acquire) && !self.others_are_silent.load(Ordering::Acquire)
    }

    /// How long a look may be put off that is made after `poll` without signals.
    pub fn look_after(&self, poll: Duration) -> Duration {
        if self.is_complete() { poll.max(IDLE) } else { poll }
    }

    /// Wakes all loops.
    pub fn all(&self) {
        self.topics.iter().for_each(Notify::notify_one);
    }

    /// Signals of others arrive no more. Whether they did before: the caller then looks for all.
    pub fn is_deaf(&self) -> bool {
        self.listening.swap(false, Ordering::AcqRel)
    }

    /// A greeting is about to be sent. Whether one of the last two was heard, or fewer were sent.
    pub fn greets(&self) -> bool {
        let unheard = self.unheard.load(Ordering::Acquire);
        self.unheard.store((unheard + 1).min(MAX_UNHEARD), Ordering::Release);
        unheard < MAX_UNHEARD
    }

    /// The greeting was not sent, or the connection that would hear it has ended.
    pub fn greets_not(&self) {
        self.unheard.store(0, Ordering::Release);
    }

    /// The greeting was heard: signals of others arrive too. Whether they did not before.
    fn hears_greeting(&self) -> bool {
        self.unheard.store(0, Ordering::Release);
        !self.listening.swap(true, Ordering::AcqRel)
    }

    /// What a heartbeat has seen of other nodes: whether there are any, and whether one sends no signals. Whether the
    /// latter is new.
    pub fn beside(&self, others: bool, silent: bool) -> bool {
        self.others.store(others, Ordering::Release);
        self.others_are_silent.swap(silent, Ordering::AcqRel) != silent
    }

    /// Tells other nodes, if there are some, before long.
    pub fn tell(&self, notice: Notice) {
        if self.others.load(Ordering::Acquire) {
            self.unsent.fetch_or(1 << notice as u8, Ordering::AcqRel);
            self.wake.notify_one();
        }
    }

    /// Returns once there is something to send.
    pub async fn unsent(&self) {
        while self.unsent.load(Ordering::Acquire) == 0 {
            self.wake.notified().await;
        }
    }

    /// The statements that send what is unsent; `node` names the sender, which needs no signal of its own. What is not
    /// sent is given back with [`Signalling::not_sent`].
    pub fn take_unsent(&self, node: &str) -> (u8, String) {
        let notices = self.unsent.swap(0, Ordering::AcqRel);
        let statement = |notice: &Notice| format!("NOTIFY {CHANNEL}, '{} {node}';", notice.text());
        let unsent = Notice::ALL.iter().filter(|notice| notices & (1 << **notice as u8) != 0);
        (notices, unsent.map(statement).collect())
    }

    /// These were not sent.
    pub fn not_sent(&self, notices: u8) {
        self.unsent.fetch_or(notices, Ordering::AcqRel);
    }
}

/// A notification has come.
pub fn heard(shared: &Shared, payload: &str, node: &str) {
    let (text, sender) = payload.split_once(' ').unwrap_or((payload, ""));
    if sender == node {
        if text == GREETING && shared.signals.hears_greeting() {
            look_for_all(shared);
        }
        return;
    }
    // Those of later versions have others too.
    let Some(notice) = Notice::ALL.into_iter().find(|notice| notice.text() == text) else { return };
    for topic in notice.topics() {
        shared.signals.topics[*topic as usize].notify_one();
    }
    match notice {
        // That node may have more than it can do alone.
        Notice::Appended | Notice::Applied => shared.journal().look_soon(),
        Notice::Deliveries => shared.deliveries.changed(),
        _ => {}
    }
}

/// Another node has ended, or nothing was heard for a while: all is looked for.
pub fn look_for_all(shared: &Shared) {
    shared.journal().look_soon();
    shared.deliveries.changed();
    shared.signals.all();
}

#[async_trait]
impl Signals for PostgresStore {
    async fn signalled(&self, topic: Topic) {
        self.shared.signals.signalled(topic).await;
    }

    fn look_after(&self, poll: Duration) -> Duration {
        self.shared.signals.look_after(poll)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn signals_stand_in_for_looks_only_while_all_nodes_send_them() {
        let (signals, poll) = (Signalling::default(), Duration::from_millis(100));
        assert_eq!(signals.look_after(poll), poll);
        assert!(signals.hears_greeting());
        assert_eq!(signals.look_after(poll), IDLE);
        signals.beside(true, true);
        assert_eq!(signals.look_after(poll), poll);
        signals.beside(true, false);
        assert!(signals.is_deaf());
        assert_eq!(signals.look_after(poll), poll);
    }

    #[test]
    fn two_greetings_that_are_not_heard_show_that_no_signals_arrive() {
        let signals = Signalling::default();
        assert!(signals.greets() && signals.greets(), "the first two");
        assert!(!signals.greets() && !signals.greets());
        assert!(signals.hears_greeting());
        assert!(signals.greets());
        assert!(!signals.hears_greeting(), "it listened already");
        assert!(signals.greets() && signals.greets());
        signals.greets_not();
        assert!(signals.greets(), "they were not sent");
    }

    #[test]
    fn a_loop_that_does_not_wait_misses_no_signal() {
        let signals = Signalling::default();
        signals.all();
        for topic in Topic::ALL {
            assert!(signals.signalled(topic).now_or_never().is_some(), "{topic:?}");
            assert!(signals.signalled(topic).now_or_never().is_none(), "{topic:?}");
        }
    }

    #[test]
    fn what_is_unsent_goes_out_together_and_only_to_others() {
        let signals = Signalling::default();
        signals.tell(Notice::Applied);
        assert!(signals.unsent().now_or_never().is_none());
        signals.beside(true, false);
        signals.tell(Notice::Applied);
        signals.tell(Notice::Deliveries);
        signals.tell(Notice::Applied);
        assert!(signals.unsent().now_or_never().is_some());
        let (notices, sent) = signals.take_unsent("01");
        assert_eq!(sent, "NOTIFY rollbook, 'applied 01';NOTIFY rollbook, 'deliveries 01';");
        assert!(signals.unsent().now_or_never().is_none());
        signals.not_sent(notices);
        assert_eq!(signals.take_unsent("01").1, sent);
    }
}
