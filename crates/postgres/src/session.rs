//! A connection in one transaction, for code that blocks.

mod columns;
mod failure;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::Object;
use futures_util::{StreamExt, pin_mut};
use tokio::runtime::Handle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, RowStream, Statement};

use self::failure::error_text;
use storage::Error;

pub use self::columns::{get, get_array, get_id, get_number, get_small, get_time};
pub use self::failure::{Reach, error, reach};

/// A value of a statement.
pub type Value<'a> = &'a (dyn ToSql + Sync);

/// Values of a statement.
pub type Values<'a> = &'a [Value<'a>];

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reading: all that it sees is of one moment.
    Read,
    /// Writing. What others have committed is seen as soon as they have.
    Write,
    /// The same, with a bound on how long locks are waited for.
    Append,
}

/// Begins a transaction that writes. Tables of the path of a batch may be empty when a plan is made and full of dead
/// rows when it is used: they are read by index in any case.
pub const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_seqscan = off";

/// Begins a transaction that appends. It waits for the lock of a queue no longer than other commits take: a connection
/// is not to wait for a list that is held.
pub const BEGIN_APPEND: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_seqscan = off; \
                                SET LOCAL lock_timeout = '250ms'";

/// The types of the values of each statement, for connections on which nothing may stay prepared.
#[derive(Debug, Default)]
pub struct Known(Mutex<HashMap<String, Arc<[Type]>>>);

/// A statement as the connection is asked it.
enum Ready {
    /// It was prepared on this connection.
    Prepared(Statement),
    /// It is sent with the types of its values, in one message with them, and leaves nothing behind: the next
    /// transaction may be on another connection of the pooler's.
    Whole(Arc<[Type]>),
}

/// A value that a statement takes along.
pub type Owned = Box<dyn ToSql + Sync + Send>;

/// What is to be sent in front of the next statement.
#[derive(Default)]
struct Unsent {
    begin: Option<&'static str>,
    later: Vec<(String, Vec<Owned>)>,
}

/// One transaction on one connection. It blocks, so it is used on a thread of its own.
///
/// Each answer that is waited for is a round trip. The transaction begins with its first statement, and statements
/// whose answers tell nothing go along with the next one or with the commit.
pub struct Session {
    runtime: Handle,
    client: Option<Object>,
    reach: Cell<Reach>,
    unsent: RefCell<Unsent>,
    /// What is known of statements, where a pooler stands in between.
    known: Option<Arc<Known>>,
}

impl Session {
    /// Takes a connection; `known` where it is a pooler's, and its connections change with each transaction.
    pub fn new(runtime: Handle, client: Object, known: Option<Arc<Known>>) -> Self {
        Self { runtime, client: Some(client), reach: Cell::default(), unsent: RefCell::default(), known }
    }

    /// Begins a transaction.
    pub fn begin(&self, kind: Kind) -> Result<(), Error> {
        let begin = match kind {
            Kind::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Kind::Write => BEGIN,
            Kind::Append => BEGIN_APPEND,
        };
        self.unsent.borrow_mut().begin = Some(begin);
        // A pooler must see the beginning before a statement is asked for its types.
        if self.known.is_some() { self.batch("") } else { Ok(()) }
    }

    /// Ends the transaction; what it wrote is on disk when this returns.
    pub fn commit(mut self) -> Result<(), (Error, Reach)> {
        let is_begun = |unsent: &Unsent| unsent.begin.is_none() || !unsent.later.is_empty();
        let is_begun = is_begun(&self.unsent.borrow());
        let done = if is_begun { self.batch("COMMIT") } else { Ok(()) };
        if done.is_ok() {
            // Given back to the pool.
            drop(self.client.take());
        }
        done.map_err(|error| (error, self.reach.get()))
    }

    /// Takes back what was done, and gives the connection back where that can be told.
    pub fn roll_back(mut self) -> Reach {
        let reach = self.reach.get();
        let unsent = std::mem::take(&mut *self.unsent.borrow_mut());
        if unsent.begin.is_some() || self.batch("ROLLBACK").is_ok() {
            drop(self.client.take());
        }
        reach
    }

    /// Runs a statement whose answer tells nothing: it is sent with the next one, or with the commit, and fails that.
    pub fn later(&self, statement: impl Into<String>, values: Vec<Owned>) {
        self.unsent.borrow_mut().later.push((statement.into(), values));
    }

    /// Sends what is unsent, and `next` behind it, without waiting in between.
    async fn behind<T>(
        &self,
        next: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        let unsent = std::mem::take(&mut *self.unsent.borrow_mut());
        let client = self.client()?;
        let mut later = Vec::with_capacity(unsent.later.len());
        for (statement, values) in &unsent.later {
            let values: Vec<Value<'_>> = values.iter().map(|value| &**value as Value<'_>).collect();
            later.push((statement, self.ready(statement).await?, values));
        }
        let begin = async {
            match unsent.begin {
                Some(begin) => client.batch_execute(begin).await,
                None => Ok(()),
            }
        };
        let later = later.iter().map(|(statement, ready, values)| execute(client, statement, ready, values));
        // They are sent in the order in which they are polled first.
        let done = futures_util::join!(begin, futures_util::future::join_all(later), next);
        let (begun, later, next) = done;
        let first = begun.and_then(|()| later.into_iter().try_for_each(|done| done.map(drop)));
        first.and(next).map_err(|error| self.note(&error))
    }

    fn client(&self) -> Result<&Object, Error> {
        self.client.as_ref().ok_or_else(|| Error::Unavailable("the connection was given back".to_owned()))
    }

    /// Runs statements without values.
    pub fn batch(&self, statements: &str) -> Result<(), Error> {
        let client = self.client()?;
        self.runtime.block_on(self.behind(client.batch_execute(statements)))
    }

    fn note(&self, failure: &tokio_postgres::Error) -> Error {
        self.reach.set(reach(failure));
        error_text(failure)
    }

    async fn ready(&self, statement: &str) -> Result<Ready, Error> {
        let client = self.client()?;
        let Some(known) = &self.known else {
            let prepared = client.prepare_cached(statement).await;
            return prepared.map(Ready::Prepared).map_err(|error| self.note(&error));
        };
        let types = known.0.lock().unwrap_or_else(PoisonError::into_inner).get(statement).cloned();
        if let Some(types) = types {
            return Ok(Ready::Whole(types));
        }
        // It is closed again within this transaction: statements are a fixed number of texts.
        let prepared = client.prepare(statement).await.map_err(|error| self.note(&error))?;
        let types: Arc<[Type]> = prepared.params().into();
        let mut known = known.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(statement.to_owned(), Arc::clone(&types));
        Ok(Ready::Whole(types))
    }

    async fn rows(&self, statement: &str, values: Values<'_>) -> Result<RowStream, Error> {
        let (ready, client) = (self.ready(statement).await?, self.client()?);
        let values = values.iter().map(|value| *value as &(dyn ToSql + Sync));
        self.behind(async {
            match &ready {
                Ready::Prepared(prepared) => client.query_raw(prepared, values).await,
                Ready::Whole(types) => {
                    client.query_typed_raw(statement, values.zip(types.iter().cloned())).await
                }
            }
        })
        .await
    }

    /// The rows of a statement.
    pub fn query(&self, statement: &str, values: Values<'_>) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        self.runtime.block_on(async {
            let found = self.rows(statement, values).await?;
            pin_mut!(found);
            while let Some(row) = found.next().await {
                rows.push(row.map_err(|error| self.note(&error))?);
            }
            Ok(rows)
        })
    }

    /// The only row of a statement, if there is one.
    pub fn query_opt(&self, statement: &str, values: Values<'_>) -> Result<Option<Row>, Error> {
        Ok(self.query(statement, values)?.into_iter().next())
    }

    /// Runs a statement, and tells how many rows it was about.
    pub fn execute(&self, statement: &str, values: Values<'_>) -> Result<u64, Error> {
        let done = self.pipeline(&[(statement, values)])?;
        Ok(done.first().copied().unwrap_or_default())
    }

    /// Runs statements one behind the other without waiting in between.
    pub fn pipeline(&self, statements: &[(&str, Values<'_>)]) -> Result<Vec<u64>, Error> {
        self.runtime.block_on(async {
            let (client, all) = (self.client()?, self.all_ready(statements).await?);
            let running =
                all.iter().map(|(statement, ready, values)| execute(client, statement, ready, values));
            self.behind(in_order(running)).await
        })
    }

    /// The same, for the rows of each statement.
    pub fn query_all(&self, statements: &[(&str, Values<'_>)]) -> Result<Vec<Vec<Row>>, Error> {
        self.runtime.block_on(async {
            let (client, all) = (self.client()?, self.all_ready(statements).await?);
            let running = all.iter().map(|(statement, ready, values)| rows(client, statement, ready, values));
            self.behind(in_order(running)).await
        })
    }

    async fn all_ready<'a>(
        &self,
        statements: &[(&'a str, Values<'a>)],
    ) -> Result<Vec<(&'a str, Ready, Values<'a>)>, Error> {
        let mut all = Vec::with_capacity(statements.len());
        for (statement, values) in statements {
            all.push((*statement, self.ready(statement).await?, *values));
        }
        Ok(all)
    }

    /// Shows the rows of a statement as they come, until `visit` has enough.
    pub fn stream(
        &self,
        statement: &str,
        values: Values<'_>,
        mut visit: impl FnMut(&Row) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        self.runtime.block_on(async {
            let rows = self.rows(statement, values).await?;
            pin_mut!(rows);
            while let Some(row) = rows.next().await {
                if !visit(&row.map_err(|error| self.note(&error))?)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }
}

/// Polls all, in their order, and so sends the statements in it: whoever takes locks relies on that.
async fn in_order<T>(
    running: impl Iterator<Item = impl Future<Output = Result<T, tokio_postgres::Error>>>,
) -> Result<Vec<T>, tokio_postgres::Error> {
    futures_util::future::try_join_all(running).await
}

async fn rows(
    client: &Object,
    statement: &str,
    ready: &Ready,
    values: Values<'_>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    match ready {
        Ready::Prepared(prepared) => client.query(prepared, values).await,
        Ready::Whole(types) => {
            let values: Vec<_> = values.iter().copied().zip(types.iter().cloned()).collect();
            client.query_typed(statement, &values).await
        }
    }
}

async fn execute(
    client: &Object,
    statement: &str,
    ready: &Ready,
    values: Values<'_>,
) -> Result<u64, tokio_postgres::Error> {
    match ready {
        Ready::Prepared(prepared) => client.execute(prepared, values).await,
        Ready::Whole(types) => {
            let values: Vec<_> = values.iter().copied().zip(types.iter().cloned()).collect();
            client.execute_typed(statement, &values).await
        }
    }
}

impl Drop for Session {
    /// A connection in the middle of a transaction must not go back to the pool.
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}
