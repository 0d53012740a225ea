//! What goes wrong, and the switch for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// Nothing.
    None,
    /// A commit of batches fails, and nothing of them is kept.
    AppendNotKept,
    /// A commit of batches ends without anybody knowing how.
    AppendUnknown,
    /// What is accepted waits, and is not applied.
    ApplyWaits,
    /// Reads fail.
    Read,
    /// Reads panic.
    Panic,
    /// Changes of lists, variables and sources fail.
    Change,
}

impl Fault {
    const ALL: [Self; 7] = [
        Self::None,
        Self::AppendNotKept,
        Self::AppendUnknown,
        Self::ApplyWaits,
        Self::Read,
        Self::Panic,
        Self::Change,
    ];
}

/// The switch by which a test makes the store of its server fail.
#[derive(Clone, Debug)]
pub struct Switch(Arc<AtomicU8>);

impl Switch {
    /// Nothing goes wrong yet.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU8::new(Fault::None as u8)))
    }

    /// From now on this goes wrong, and nothing else.
    pub fn set(&self, fault: Fault) {
        self.0.store(fault as u8, Ordering::SeqCst);
    }

    /// What goes wrong now.
    pub fn get(&self) -> Fault {
        Fault::ALL[usize::from(self.0.load(Ordering::SeqCst))]
    }
}
