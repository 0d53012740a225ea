//! Contacts that match a filter.

use super::Rows;
use crate::Counted;
use crate::{Error, Way};
use domain::contact::document::Document;
use domain::filter::{Fit, Matcher};
use domain::journal::{ContactNo, ListNo};
use domain::sort::{Best, Place, Sort, Start};

/// Counts the contacts of a list with numbers behind `after`, up to `until`, that match by their bytes.
///
/// # Errors
/// Where the store cannot be read.
pub fn count(
    rows: &impl Rows,
    list: ListNo,
    after: ContactNo,
    until: ContactNo,
    matcher: &Matcher,
) -> Result<Counted, Error> {
    let mut counted = Counted::default();
    let most = u32::try_from(until.0.saturating_sub(after.0)).unwrap_or(u32::MAX);
    rows.documents_on(list, Way::Up(after), most, &mut |number, document| {
        if number > until {
            return false;
        }
        match Document::read(document).and_then(|document| matcher.fit(&document)) {
            Ok(Fit::Sure(fits)) => counted.matching += u64::from(fits),
            // The caller asks for suppressions by itself.
            Ok(Fit::IfSuppressed(_)) => {}
            Err(_) => counted.damaged += 1,
        }
        true
    })?;
    Ok(counted)
}

/// The contacts of a list with numbers behind `after`, up to `until`, that match by their bytes and come first in an
/// order: at most `limit`, the nearest to `from` first.
///
/// # Errors
/// Where the store cannot be read.
pub fn first(
    rows: &impl Rows,
    list: ListNo,
    (after, until): (ContactNo, ContactNo),
    matcher: &Matcher,
    (sort, from, limit): (Sort, Start, usize),
) -> Result<(Vec<Place>, Vec<ContactNo>), Error> {
    let (mut best, mut damaged) = (Best::new(from, limit), Vec::new());
    let most = u32::try_from(until.0.saturating_sub(after.0)).unwrap_or(u32::MAX);
    rows.documents_on(list, Way::Up(after), most, &mut |number, document| {
        if number > until {
            return false;
        }
        let place = Document::read(document).and_then(|document| {
            let fits = matcher.fit(&document)? == Fit::Sure(true);
            fits.then(|| sort.place(number, &document)).transpose()
        });
        match place {
            Ok(Some(place)) => best.offer(place),
            Ok(None) => {}
            Err(_) if damaged.len() < limit => damaged.push(number),
            Err(_) => {}
        }
        true
    })?;
    Ok((best.into_places(), damaged))
}
