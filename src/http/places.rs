//! Places for connections: so many at a time. Where all are taken, who comes gets the place of the connection that has
//! been in no request for the longest; who is in one stays.
//!
//! So a thousand clients that write their headers a byte at a time, or nothing at all, keep nobody out: they are in no
//! request. Clients that are in one are bounded by their tokens and by the time that a body may take.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tower::Service;

/// All places of a server.
#[derive(Clone)]
pub struct Places(Arc<Mutex<Taken>>);

/// How long a connection keeps its place after a request: the answer is on its way.
const ANSWERED: Duration = Duration::from_secs(1);

struct Taken {
    max: usize,
    /// Counts up at every change: what is lower has been so for longer.
    tick: u64,
    /// By the tick at which they came.
    seats: HashMap<u64, Seat>,
    /// Those that are in no request, by the tick since which they are not: the ticks at which they came.
    idle: BTreeMap<u64, u64>,
}

struct Seat {
    /// Requests that it is in.
    requests: usize,
    /// Since when it is in none.
    idle_since: u64,
    /// Until when it keeps its place though it is in none.
    keeps: Instant,
    /// Told when somebody else gets the place.
    leave: oneshot::Sender<()>,
}

impl Taken {
    fn tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }
}

/// The place of a connection; it is given back when this is dropped.
pub struct Place {
    places: Places,
    came: u64,
    leave: oneshot::Receiver<()>,
}

impl Places {
    /// So many.
    pub fn new(max: usize) -> Self {
        let taken = Taken { max, tick: 0, seats: HashMap::new(), idle: BTreeMap::new() };
        Self(Arc::new(Mutex::new(taken)))
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place; `None` where all who have one are in a request, or were a moment ago.
    pub fn take(&self, now: Instant) -> Option<Place> {
        let mut taken = self.lock();
        if taken.seats.len() >= taken.max {
            let gives_way = |came: &&u64| taken.seats.get(came).is_some_and(|seat| seat.keeps <= now);
            let longest = *taken.idle.values().find(gives_way)?;
            if let Some(seat) = taken.seats.remove(&longest) {
                taken.idle.remove(&seat.idle_since);
                // It may have gone by itself in this moment.
                let _ = seat.leave.send(());
            }
        }
        let came = taken.tick();
        let (leave, told) = oneshot::channel();
        taken.seats.insert(came, Seat { requests: 0, idle_since: came, keeps: now, leave });
        taken.idle.insert(came, came);
        Some(Place { places: self.clone(), came, leave: told })
    }

    fn begin(&self, came: u64) {
        let mut taken = self.lock();
        let Some(seat) = taken.seats.get_mut(&came) else { return };
        seat.requests += 1;
        let since = seat.idle_since;
        taken.idle.remove(&since);
    }

    fn end(&self, came: u64, now: Instant) {
        let mut taken = self.lock();
        let tick = taken.tick();
        let Some(seat) = taken.seats.get_mut(&came) else { return };
        seat.requests -= 1;
        if seat.requests == 0 {
            seat.idle_since = tick;
            seat.keeps = now + ANSWERED;
            taken.idle.insert(tick, came);
        }
    }
}

impl Place {
    /// Whether somebody else has got the place; the task is woken when that happens.
    pub fn is_lost(&mut self, context: &mut Context<'_>) -> bool {
        Pin::new(&mut self.leave).poll(context).is_ready()
    }

    /// Around the service of the connection: knows when it is in a request.
    pub fn watch<S>(&self, service: S) -> Seated<S> {
        Seated { service, places: self.places.clone(), came: self.came }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(seat) = taken.seats.remove(&self.came)
            && seat.requests == 0
        {
            taken.idle.remove(&seat.idle_since);
        }
    }
}

/// The service of a connection.
#[derive(Clone)]
pub struct Seated<S> {
    service: S,
    places: Places,
    came: u64,
}

/// A request; it has ended when this is dropped.
struct Request(Places, u64);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.end(self.1, Instant::now());
    }
}

impl<R, S: Service<R>> Service<R> for Seated<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.places.begin(self.came);
        let ends = Request(self.places.clone(), self.came);
        let answer = self.service.call(request);
        Box::pin(async move {
            let _ends = ends;
            answer.await
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::task::Waker;

    use super::*;

    fn is_lost(place: &mut Place) -> bool {
        place.is_lost(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn who_comes_gets_the_place_of_who_has_been_idle_for_the_longest() {
        let (places, start) = (Places::new(2), Instant::now());
        let (mut one, mut two) = (places.take(start).unwrap(), places.take(start).unwrap());
        // One was in a request since: two is idle for longer.
        places.begin(one.came);
        places.end(one.came, start);
        let mut three = places.take(start).unwrap();
        assert_eq!([&mut one, &mut two, &mut three].map(is_lost), [false, true, false]);
        drop(two);
        // The answer of one may be on its way still, and three was in no request yet.
        let mut four = places.take(start).unwrap();
        assert_eq!([&mut one, &mut three, &mut four].map(is_lost), [false, true, false]);
        let mut five = places.take(start + ANSWERED).unwrap();
        assert_eq!([&mut one, &mut four, &mut five].map(is_lost), [true, false, false]);
    }

    #[test]
    fn who_is_in_a_request_stays() {
        let (places, start) = (Places::new(2), Instant::now());
        let (mut one, mut two) = (places.take(start).unwrap(), places.take(start).unwrap());
        for came in [one.came, one.came, two.came] {
            places.begin(came);
        }
        let later = start + ANSWERED;
        assert!(places.take(later).is_none(), "all are in requests");
        places.end(one.came, start);
        assert!(places.take(later).is_none(), "one is in another");
        places.end(one.came, start);
        assert!(places.take(start).is_none(), "it was a moment ago");
        let three = places.take(later).unwrap();
        assert_eq!([&mut one, &mut two].map(is_lost), [true, false]);
        // A request that ends after its connection has lost the place changes nothing.
        places.begin(one.came);
        places.end(one.came, later);
        drop((one, two, three));
        let taken = places.lock();
        assert_eq!((taken.seats.len(), taken.idle.len()), (0, 0));
    }
}
