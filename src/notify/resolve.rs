//! From the host of a URI to addresses.
//!
//! `getaddrinfo` cannot be cut off: a lookup that hangs outlives the attempt that asked for it, by half a minute with
//! common resolver settings. So lookups run on threads of their own (tokio's blocking threads are the store's too, and
//! a stop of the runtime waits for them), there is one per name at a time, whoever asks, and they have a bound.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::watch;

/// Lookups that may hang at the same time. Beyond it new names do not resolve until one ends.
const MAX_LOOKUPS: usize = 256;

type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;
type Answer = watch::Receiver<Option<Vec<IpAddr>>>;

#[derive(Clone)]
pub(super) struct Resolver {
    lookup: Arc<Lookup>,
    running: Arc<Mutex<HashMap<String, Answer>>>,
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
    pub(super) async fn addresses(&self, host: &str) -> Vec<IpAddr> {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        if let Ok(literal) = bare.unwrap_or(host).parse() {
            return vec![literal];
        }
        if is_localhost(host) {
            return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        let Ok(mut answer) = self.ask(host) else {
            return Vec::new();
        };
        let addresses = answer.wait_for(Option::is_some).await;
        addresses.map_or_else(|_| Vec::new(), |a| a.clone().unwrap_or_default())
    }

    /// Joins the lookup of `name` that is under way, or starts one.
    fn ask(&self, name: &str) -> io::Result<Answer> {
        let mut running = lock(&self.running);
        if let Some(answer) = running.get(name).filter(|a| a.has_changed().is_ok()) {
            return Ok(answer.clone());
        }
        if running.len() >= MAX_LOOKUPS {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let (found, answer) = watch::channel(None);
        let (resolver, name) = (self.clone(), name.to_owned());
        let key = name.clone();
        thread::Builder::new().name("resolve".to_owned()).spawn(move || {
            let addresses = (resolver.lookup)(&name).unwrap_or_default();
            // Removed before it is sent: nobody joins a lookup that has ended, answers are never reused.
            lock(&resolver.running).remove(&name);
            found.send_replace(Some(addresses));
        })?;
        running.insert(key, answer.clone());
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
        assert_eq!(resolver.addresses("192.0.2.1").await, [ip("192.0.2.1")]);
        assert_eq!(resolver.addresses("[2001:db8::1]").await, [ip("2001:db8::1")]);
        for name in ["localhost", "LocalHost", "localhost.", "a.localhost", "a.localhost."] {
            assert_eq!(resolver.addresses(name).await, [ip("127.0.0.1"), ip("::1")]);
        }
    }

    #[tokio::test]
    async fn the_system_reads_old_spellings_of_ipv4() {
        for spelling in ["127.1", "2130706433", "0x7f.1", "0177.0.0.1"] {
            let addresses = Resolver::system().addresses(spelling).await;
            assert_eq!(addresses, [ip("127.0.0.1")], "{spelling}");
        }
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_has_no_addresses() {
        let resolver = Resolver::new(|_| Err(io::ErrorKind::NotFound.into()));
        assert!(resolver.addresses("nowhere.example").await.is_empty());
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

        let (first, second) = (resolver.ask("slow.example"), resolver.ask("slow.example"));
        starts.recv().await.unwrap();
        release.send(()).unwrap();
        for mut answer in [first.unwrap(), second.unwrap()] {
            assert!(answer.wait_for(Option::is_some).await.is_ok());
        }
        assert!(starts.try_recv().is_err(), "one lookup served both");

        release.send(()).unwrap();
        resolver.addresses("slow.example").await;
        assert!(starts.try_recv().is_ok(), "a later attempt asks anew");
    }

    #[tokio::test]
    async fn lookups_that_hang_are_bounded() {
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let resolver = Resolver::new(move |_| {
            lock(&released).recv().ok();
            Ok(Vec::new())
        });
        let hanging: Vec<Answer> =
            (0..MAX_LOOKUPS).map(|n| resolver.ask(&format!("{n}.example")).unwrap()).collect();
        assert!(resolver.ask("one-more.example").is_err());
        assert!(resolver.ask("0.example").is_ok(), "joins the one under way");

        drop(release);
        for mut answer in hanging {
            assert!(answer.wait_for(Option::is_some).await.is_ok());
        }
        assert!(resolver.ask("one-more.example").is_ok());
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }
}
