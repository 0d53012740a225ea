//! What goes wrong, and the switch for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use storage::{Error, Storage};
use tokio::sync::RwLock;

use crate::harness::Wrap;

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
    /// Reads fail, since the store is away.
    Read,
    /// All fails, save that sessions are found: what pages ask behind that is reached.
    Away,
    /// Reads find what is damaged.
    Damaged,
    /// Reads panic.
    Panic,
    /// The secrets that sign webhooks cannot be read: that panics.
    PanicSecrets,
    /// Changes of lists, variables and sources fail.
    Change,
    /// The same, and nobody knows whether they were kept.
    ChangeUnknown,
    /// Calls of the path of a batch and of running jobs get no answer at all.
    Silent,
}

impl Fault {
    const ALL: [Self; 12] = [
        Self::None,
        Self::AppendNotKept,
        Self::AppendUnknown,
        Self::ApplyWaits,
        Self::Read,
        Self::Away,
        Self::Damaged,
        Self::Panic,
        Self::PanicSecrets,
        Self::Change,
        Self::ChangeUnknown,
        Self::Silent,
    ];
}

/// The switch by which a test makes the store of its server fail.
#[derive(Clone, Debug)]
pub struct Switch(Arc<AtomicU8>, Arc<AtomicUsize>);

impl Switch {
    /// Nothing goes wrong yet.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU8::new(Fault::None as u8)), Arc::default())
    }

    /// From now on this goes wrong, and nothing else.
    pub fn set(&self, fault: Fault) {
        self.0.store(fault as u8, Ordering::SeqCst);
    }

    /// What goes wrong now.
    pub fn get(&self) -> Fault {
        Fault::ALL[usize::from(self.0.load(Ordering::SeqCst))]
    }

    /// How many reads have failed.
    pub fn refused(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    /// For [`crate::harness::Setup::wrap`].
    pub fn wrap(&self) -> Wrap {
        let switch = self.clone();
        Box::new(|store| Arc::new(Faulty { store, switch, applying: RwLock::default() }))
    }
}

/// The store with the switch in front of it.
pub struct Faulty {
    pub store: Arc<dyn Storage>,
    pub switch: Switch,
    /// Read while something is being applied.
    pub applying: RwLock<()>,
}

/// What a store says that was told to fail.
pub fn broken() -> Error {
    Error::Unavailable("the test said so".to_owned())
}

impl Faulty {
    /// Never fails by itself.
    pub const fn pass(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Fails where reads do.
    pub fn read(&self) -> Result<(), Error> {
        match self.switch.get() {
            Fault::Read | Fault::Away => {
                self.switch.1.fetch_add(1, Ordering::SeqCst);
                Err(broken())
            }
            Fault::Damaged => Err(Error::Damaged("the test said so".to_owned())),
            Fault::Panic => panic!("the test said so"),
            _ => Ok(()),
        }
    }

    /// Fails where reads do, and where those of secrets do.
    pub fn read_secrets(&self) -> Result<(), Error> {
        if self.switch.get() == Fault::PanicSecrets {
            self.switch.1.fetch_add(1, Ordering::SeqCst);
            panic!("the test said so");
        }
        self.read()
    }

    /// Waits for as long as the store says nothing.
    pub async fn silent(&self) {
        while self.switch.get() == Fault::Silent {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Fails where changes do.
    pub fn change(&self) -> Result<(), Error> {
        match self.switch.get() {
            Fault::Change | Fault::Away => Err(broken()),
            Fault::ChangeUnknown => Err(Error::Unknown("the test said so".to_owned())),
            _ => Ok(()),
        }
    }
}
