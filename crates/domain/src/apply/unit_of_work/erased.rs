//! What is stored of people who were erased, so that they stay so.

use std::collections::HashMap;

use crate::contact::identifier::{HashKey, IdentifierKind};
use crate::journal::AccountNo;

/// What is kept of people who were erased, by account, and in which form: see [`known_of`].
pub type Erased = HashMap<(AccountNo, [u8; 16]), EraseForm>;

/// The hashes of `erased` by which the bearer of an identifier was erased. What the first version has kept is found by
/// every spelling; what was kept since is exact, and a former form of another address must not meet it.
pub fn known_of(
    key: &HashKey,
    erased: &Erased,
    account: AccountNo,
    kind: IdentifierKind,
    text: &str,
) -> Vec<(AccountNo, [u8; 16])> {
    let number = account.0.unsigned_abs();
    let exact = Some((account, key.erased(number, kind, text))).filter(|hash| erased.contains_key(hash));
    let former = key.erased_formerly(number, kind, text).into_iter().map(|hash| (account, hash));
    let former = former.filter(|hash| erased.get(hash) == Some(&EraseForm::Former));
    exact.into_iter().chain(former).collect()
}
/// In which form of an address the hash of one was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EraseForm {
    /// By the first version, which took more for the same than is.
    Former,
    /// By [`crate::contact::identifier::form`].
    Exact,
}

impl EraseForm {
    /// As it is stored.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// From its stored form.
    pub const fn of_code(code: i64) -> Self {
        if code == 0 { Self::Former } else { Self::Exact }
    }
}
