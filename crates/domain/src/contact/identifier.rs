//! The three identifiers of a contact, each unique inside its list.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::Hasher;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use siphasher::sip::SipHasher13;
use siphasher::sip128::{self, Hasher128};

use super::field::{Field, MAX_USER_ID, fits};
use super::{email, invisible};

/// Which identifier, in the order in which a contact is looked up (contract, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdentifierKind {
    /// The caller's own id; compared exactly.
    UserId,
    /// Compared by its form, see [`email::form`].
    Email,
    /// E.164; compared exactly.
    PhoneNumber,
}

/// No identifier has more bytes, nor has a text that is the same one in another case: 255 characters at most.
pub const MAX_BYTES: usize = 4 * 255;

/// Whether a text can be a userId.
pub fn is_user_id(text: &str) -> bool {
    fits(text, MAX_USER_ID) && !text.chars().any(char::is_control) && !invisible::is_in(text)
}

impl IdentifierKind {
    /// All, in the order of look-up, which is that of [`Identifiers`].
    pub const ALL: [Self; 3] = [Self::UserId, Self::Email, Self::PhoneNumber];

    /// The field that holds it.
    pub const fn field(self) -> Field {
        match self {
            Self::UserId => Field::UserId,
            Self::Email => Field::Email,
            Self::PhoneNumber => Field::PhoneNumber,
        }
    }

    /// Whether two texts are the same identifier.
    pub fn same(self, one: &str, other: &str) -> bool {
        match self {
            Self::UserId | Self::PhoneNumber => one == other,
            Self::Email => one == other || email::form(one) == email::form(other),
        }
    }
}

/// One value per kind: user id, e-mail address, phone number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identifiers<T> {
    /// For [`IdentifierKind::UserId`].
    pub user_id: T,
    /// For [`IdentifierKind::Email`].
    pub email: T,
    /// For [`IdentifierKind::PhoneNumber`].
    pub phone_number: T,
}

impl<T> Identifiers<T> {
    /// The value of one kind.
    pub const fn get(&self, kind: IdentifierKind) -> &T {
        match kind {
            IdentifierKind::UserId => &self.user_id,
            IdentifierKind::Email => &self.email,
            IdentifierKind::PhoneNumber => &self.phone_number,
        }
    }

    /// The same with each value made into another.
    pub fn map<U>(self, make: impl Fn(T) -> U) -> Identifiers<U> {
        Identifiers {
            user_id: make(self.user_id),
            email: make(self.email),
            phone_number: make(self.phone_number),
        }
    }

    /// The place of one kind's value.
    pub const fn get_mut(&mut self, kind: IdentifierKind) -> &mut T {
        match kind {
            IdentifierKind::UserId => &mut self.user_id,
            IdentifierKind::Email => &mut self.email,
            IdentifierKind::PhoneNumber => &mut self.phone_number,
        }
    }
}

/// The store's own key for [`hash`](HashKey::hash): made once, kept with the store.
#[derive(Clone, Copy)]
pub struct HashKey([u8; 16]);

impl HashKey {
    /// From stored bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The number under which an identifier of a list is indexed.
    ///
    /// It is no identity: two identifiers may share one, so a hit is checked against the contact. It is keyed,
    /// so that nobody can make many identifiers that share one on purpose.
    pub fn hash(&self, list: u64, kind: IdentifierKind, text: &str) -> u64 {
        self.hash_form(list, kind, &form(kind, text))
    }

    /// All numbers under which an identifier is indexed: the one by which it is looked up, and for an address also that
    /// of its former form, where this is another.
    pub fn index(&self, list: u64, kind: IdentifierKind, text: &str) -> (u64, Option<u64>) {
        let former = match kind {
            // ASCII has one form.
            IdentifierKind::Email if !text.is_ascii() => Some(email::former_form(text)),
            _ => None,
        };
        let hash = self.hash(list, kind, text);
        let former = former.map(|form| self.hash_form(list, kind, &form));
        (hash, former.filter(|former| *former != hash))
    }

    /// All numbers under which one looks for who bears or bore an identifier: rows of the first version stand under
    /// that of a former form, and which one depends on how the address was spelled then.
    pub fn lookups(&self, list: u64, kind: IdentifierKind, text: &str) -> impl Iterator<Item = u64> {
        std::iter::once(self.hash(list, kind, text)).chain(self.former_lookups(list, kind, text))
    }

    /// The same without the first, that of [`Self::hash`].
    pub fn former_lookups(&self, list: u64, kind: IdentifierKind, text: &str) -> impl Iterator<Item = u64> {
        let forms = former_forms(kind, text).into_iter();
        forms.map(move |form| self.hash_form(list, kind, &form))
    }

    fn hash_form(&self, list: u64, kind: IdentifierKind, form: &str) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        write(&mut hasher, list, kind, form);
        hasher.finish()
    }

    /// What is kept of an identifier whose bearer was erased from an account. Nothing is left to check a hit
    /// against, so it has 128 bits: no two identifiers share one in practice.
    pub fn erased(&self, account: u64, kind: IdentifierKind, text: &str) -> [u8; 16] {
        self.erased_form(account, kind, &form(kind, text))
    }

    /// The same as the first version made it; what that has kept of an address is found by these, whatever the
    /// spelling was: the address itself is gone.
    pub fn erased_formerly(&self, account: u64, kind: IdentifierKind, text: &str) -> Vec<[u8; 16]> {
        let forms = former_forms(kind, text);
        forms.iter().map(|form| self.erased_form(account, kind, form)).collect()
    }

    /// A key for another purpose, which tells nothing of this one.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104)")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn erased_form(&self, account: u64, kind: IdentifierKind, form: &str) -> [u8; 16] {
        let mut hasher = sip128::SipHasher13::new_with_key(&self.0);
        write(&mut hasher, account, kind, form);
        hasher.finish128().as_bytes()
    }
}

/// An identifier as it is compared.
pub fn form(kind: IdentifierKind, text: &str) -> Cow<'_, str> {
    match kind {
        IdentifierKind::Email => email::form(text),
        IdentifierKind::UserId | IdentifierKind::PhoneNumber => Cow::Borrowed(text),
    }
}

fn former_forms(kind: IdentifierKind, text: &str) -> BTreeSet<String> {
    if kind == IdentifierKind::Email { email::former_forms(text) } else { BTreeSet::new() }
}

fn write(hasher: &mut impl Hasher, owner: u64, kind: IdentifierKind, form: &str) {
    hasher.write_u64(owner);
    hasher.write_u8(kind as u8);
    hasher.write(form.as_bytes());
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey")
    }
}
