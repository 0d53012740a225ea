//! From the host of a URI to addresses.
//!
//! `getaddrinfo` cannot be cut off: a look-up that hangs outlives the attempt that asked for it, by half a minute with
//! common resolver settings. So look-ups run on threads of their own (tokio's blocking threads are the store's too, and
//! a stop of the runtime waits for them), there is one per name at a time, whichever account asks, and they have a
//! bound that accounts share.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::watch;

use domain::journal::AccountNo;

/// Look-ups that may hang at the same time. An account gets no more of them than are left free: one account alone half
/// of them, of two a third each. So there is always one for another account.
const MAX_LOOKUPS: usize = 256;

type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;
type Answer = watch::Receiver<Option<Vec<IpAddr>>>;

/// The account has its share of look-ups already, or the system has no thread left: the name was not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoLookup;

#[derive(Clone)]
pub(super) struct Resolver {
    lookup: Arc<Lookup>,
    running: Arc<Mutex<HashMap<String, (AccountNo, Answer)>>>,
}

/// A look-up that is under way, until it is dropped.
struct Running {
    resolver: Resolver,
    name: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.resolver.running).remove(&self.name);
    }
}

impl Resolver {
    /// Asks the operating system: hosts file, DNS, whatever the machine is set up with.
    pub(super) fn system() -> Resolver {
        Resolver::new(|name| Ok((name, 0).to_socket_addrs()?.map(|a| a.ip()).collect()))
    }

    /// Asks `lookup`, which may block.
    pub(super) fn new(lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Resolver {
        Resolver { lookup: Arc::new(lookup), running: Arc::default() }
    }

    /// The addresses of `host` (as [`hyper::Uri::host`] gives it), in the order to try them; none when it does not
    /// resolve.
    pub(super) async fn addresses(&self, account: AccountNo, host: &str) -> Result<Vec<IpAddr>, NoLookup> {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        if let Ok(literal) = bare.unwrap_or(host).parse() {
            return Ok(vec![literal]);
        }
        if is_localhost(host) {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let mut answer = self.ask(account, host)?;
        let addresses = answer.wait_for(Option::is_some).await;
        Ok(addresses.map_or_else(|_| Vec::new(), |a| a.clone().unwrap_or_default()))
    }

    /// Joins the look-up of `name` that is under way, or starts one.
    fn ask(&self, account: AccountNo, name: &str) -> Result<Answer, NoLookup> {
        let mut running = lock(&self.running);
        if let Some((_, answer)) = running.get(name) {
            return Ok(answer.clone());
        }
        // At most 256 are counted.
        let held = running.values().filter(|(holder, _)| *holder == account).count();
        if held >= MAX_LOOKUPS - running.len() {
            return Err(NoLookup);
        }
        let (found, answer) = watch::channel(None);
        let this = Running { resolver: self.clone(), name: name.to_owned() };
        let task = move || {
            let addresses = (this.resolver.lookup)(&this.name).unwrap_or_default();
            // Removed before it is sent: nobody joins a look-up that has ended, answers are never reused.
            drop(this);
            found.send_replace(Some(addresses));
        };
        running.insert(name.to_owned(), (account, answer.clone()));
        // Where there is no thread, `this` is dropped, which takes the lock.
        drop(running);
        thread::Builder::new().name("resolve".to_owned()).spawn(task).map_err(|_| NoLookup)?;
        Ok(answer)
    }
}

/// RFC 6761, section 6.3: `localhost` and names below it are loopback, and no resolver is asked.
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last_label = host.rsplit('.').next().unwrap_or(host);
    last_label.eq_ignore_ascii_case("localhost")
}

/// No code that holds the lock can leave the map half changed: a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn literals_and_localhost_ask_nobody() {
        let resolver = Resolver::new(|_| panic!("asked"));
        assert_eq!(addresses(&resolver, "192.0.2.1").await, [ip("192.0.2.1")]);
        assert_eq!(addresses(&resolver, "[2001:db8::1]").await, [ip("2001:db8::1")]);
        for name in ["localhost", "LocalHost", "localhost.", "a.localhost", "a.localhost."] {
            assert_eq!(addresses(&resolver, name).await, [ip("127.0.0.1"), ip("::1")]);
        }
    }

    #[tokio::test]
    async fn the_system_reads_old_spellings_of_ipv4() {
        for spelling in ["127.1", "2130706433", "0x7f.1", "0177.0.0.1"] {
            let found = addresses(&Resolver::system(), spelling).await;
            assert_eq!(found, [ip("127.0.0.1")], "{spelling}");
        }
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_has_no_addresses() {
        let resolver = Resolver::new(|_| Err(io::ErrorKind::NotFound.into()));
        assert!(addresses(&resolver, "nowhere.example").await.is_empty());
    }

    #[tokio::test]
    async fn a_name_has_one_lookup_at_a_time() {
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
        let resolver = Resolver::new(move |_| {
            started.send(()).unwrap();
            lock(&released).recv().unwrap();
            Ok(vec![ip("192.0.2.1")])
        });

        let (first, second) = (resolver.ask(ONE, "slow.example"), resolver.ask(TWO, "slow.example"));
        starts.recv().await.unwrap();
        release.send(()).unwrap();
        for mut answer in [first.unwrap(), second.unwrap()] {
            assert!(answer.wait_for(Option::is_some).await.is_ok());
        }
        assert!(starts.try_recv().is_err(), "one lookup served both");

        release.send(()).unwrap();
        addresses(&resolver, "slow.example").await;
        assert!(starts.try_recv().is_ok(), "a later attempt asks anew");
    }

    #[tokio::test]
    async fn an_account_whose_lookups_hang_leaves_some_for_others() {
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let resolver = Resolver::new(move |_| {
            lock(&released).recv().ok();
            Ok(Vec::new())
        });
        let mut hanging: Vec<Answer> = Vec::new();
        let mut fill = |account: AccountNo| {
            let before = hanging.len();
            let name = |number| format!("{number}.{}.example", account.0);
            hanging.extend((0..).map_while(|number| resolver.ask(account, &name(number)).ok()));
            hanging.len() - before
        };
        assert_eq!(fill(ONE), MAX_LOOKUPS / 2);
        assert_eq!(fill(TWO), MAX_LOOKUPS / 4);
        assert!(resolver.ask(ONE, "0.2.example").is_ok(), "joins the one under way");
        assert!(resolver.ask(AccountNo(3), "good.example").is_ok());
        assert_eq!(resolver.addresses(ONE, "one-more.example").await, Err(NoLookup));

        drop(release);
        for mut answer in hanging {
            assert!(answer.wait_for(Option::is_some).await.is_ok());
        }
        assert!(resolver.ask(ONE, "one-more.example").is_ok());
    }

    #[tokio::test]
    async fn a_lookup_that_panics_gives_its_place_back() {
        let resolver = Resolver::new(|_| panic!("a fault"));
        for _ in 0..=MAX_LOOKUPS {
            assert!(addresses(&resolver, "odd.example").await.is_empty());
        }
    }

    const ONE: AccountNo = AccountNo(1);
    const TWO: AccountNo = AccountNo(2);

    async fn addresses(resolver: &Resolver, host: &str) -> Vec<IpAddr> {
        resolver.addresses(ONE, host).await.unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }
}
