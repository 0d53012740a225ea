//! Passwords: argon2id, some 70 ms and 19 MiB each, and so few at a time.

use crate::translate::mark;
use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// The fewest characters of a password.
pub const MIN: usize = 10;

/// The most bytes.
pub const MAX: usize = 1_000;

/// Passwords that are looked at side by side: each takes a core and 19 MiB.
const AT_ONCE: usize = 2;

/// Passwords that may wait for their turn.
const WAITING: usize = 64;

/// What an unknown user's password is compared with, so that it takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this").unwrap_or_default());

/// Too many wait already, or the machine is out of memory.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords are looked at")]
pub struct Busy;

/// Hashes passwords, few at a time.
#[derive(Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), places: Arc::new(Semaphore::new(WAITING)) }
    }
}

impl Passwords {
    /// The hash of a password, in its PHC form.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn hash(&self, password: &str) -> Result<String, Busy> {
        let password = password.to_owned();
        self.run(move || hash_now(&password)).await?.ok_or(Busy)
    }

    /// Whether a password is the one with that hash; without a hash it is not, and takes as long.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn fits(&self, password: &str, hash: Option<String>) -> Result<bool, Busy> {
        let password = password.to_owned();
        self.run(move || {
            let known = hash.as_deref().unwrap_or(&NOBODY);
            let fits = Argon2::default().verify_password(password.as_bytes(), known).is_ok();
            fits && hash.is_some()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let _place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        // It is held by the work: one whose caller hangs up still takes its core.
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|_| Busy)
    }
}

fn hash_now(password: &str) -> Option<String> {
    let salt = domain::secret::random::<16>();
    Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).ok().map(|hash| hash.to_string())
}

/// What is wrong with a password that somebody chooses.
pub fn problem(password: &str, again: &str, address: &str) -> Option<&'static str> {
    let lower = password.to_lowercase();
    if password.chars().count() < MIN {
        Some(mark("Use at least 10 characters."))
    } else if password.len() > MAX {
        Some(mark("Use at most 1,000 bytes."))
    } else if lower == address || password.chars().all(|sign| password.starts_with(sign)) {
        Some(mark("This password is too easy to guess."))
    } else if password != again {
        Some(mark("The two passwords do not match."))
    } else {
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_and_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.fits("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!passwords.fits("correct horsf", Some(hash.clone())).await.unwrap());
        assert!(!passwords.fits("nobody has this", None).await.unwrap());
        assert_ne!(passwords.hash("correct horse").await.unwrap(), hash, "each has a salt of its own");
    }

    #[test]
    fn a_password_is_long_and_typed_twice_alike() {
        assert_eq!(problem("correct horse", "correct horse", "user@example.com"), None);
        for (password, again) in [
            ("short", "short"),
            ("correct horse", "correct horsf"),
            ("aaaaaaaaaaaa", "aaaaaaaaaaaa"),
            ("USER@example.com", "USER@example.com"),
        ] {
            assert!(problem(password, again, "user@example.com").is_some(), "{password}");
        }
    }
}
