//! Which contacts have a suppressed address.

use domain::clock::Timestamp;
use domain::contact::document::Document;
use domain::contact::suppression::Channel;
use domain::journal::AccountNo;
use storage::{Address, Contact, Error, Suppression, Suppressions};

/// The suppressions of the addresses of contacts: a list for each contact, by channel and reason. The store is asked
/// once for all of them. Contacts that do not read have none.
///
/// # Errors
/// The store cannot be read.
pub async fn suppressions<'a>(
    storage: &dyn Suppressions,
    account: AccountNo,
    contacts: impl IntoIterator<Item = &'a Contact>,
    now: Timestamp,
) -> Result<Vec<Vec<Suppression>>, Error> {
    let (mut addresses, mut owners, mut count) = (Vec::new(), Vec::new(), 0);
    for (index, contact) in contacts.into_iter().enumerate() {
        count = index + 1;
        for address in addresses_of(contact) {
            addresses.push(address);
            owners.push(index);
        }
    }
    let mut found = vec![Vec::new(); count];
    if addresses.is_empty() {
        return Ok(found);
    }
    for (place, suppression) in storage.suppressions_of(account, addresses, now).await? {
        if let Some(of_contact) = owners.get(place).and_then(|owner| found.get_mut(*owner)) {
            of_contact.push(suppression);
        }
    }
    Ok(found)
}

/// The addresses of a contact.
pub fn addresses_of(contact: &Contact) -> impl Iterator<Item = Address> {
    let read = Document::read(&contact.document).and_then(|document| document.identifiers());
    let identifiers = read.unwrap_or_default();
    Channel::ALL.into_iter().filter_map(move |channel| {
        let text = identifiers.get(channel.kind()).filter(|text| !text.is_empty())?;
        Some(Address { channel, text: text.to_owned() })
    })
}
