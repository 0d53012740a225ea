//! What a use case is called, and the rights that it needs.

/// Reads the account of the caller, and its rights.
pub static ACCESS: Operation = Operation::read("/v3/account/info", Reach::Seen);

/// A use case, as the API, the metrics and the traces know it.
#[derive(Debug)]
pub struct Operation {
    /// Its path in the API, from `/v3/`.
    pub path: &'static str,
    /// Whether it changes anything.
    pub access: Access,
    /// How far it reaches.
    pub reach: Reach,
}

/// Whether an operation changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It only reads.
    Read,
    /// It changes something.
    Write,
    /// It makes a batch that changes something once it is applied, and takes an `Idempotency-Key`.
    Batch,
}

/// How far an operation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The one list that it names.
    List,
    /// The whole account: a token that is limited to lists may not call it.
    Account,
    /// As much of the account as the caller may see.
    Seen,
}

impl Operation {
    /// One that only reads.
    pub const fn read(path: &'static str, reach: Reach) -> Self {
        Self { path, access: Access::Read, reach }
    }

    /// One that changes something at once.
    pub const fn write(path: &'static str, reach: Reach) -> Self {
        Self { path, access: Access::Write, reach }
    }

    /// One that makes a batch.
    pub const fn batch(path: &'static str, reach: Reach) -> Self {
        Self { path, access: Access::Batch, reach }
    }
}
