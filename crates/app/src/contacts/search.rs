//! Searching contacts, in one list or in all lists that a caller may see.

use std::sync::Arc;

use crate::changes::MAX_LISTS;
use crate::find::{Filter, searched};
use crate::{Caller, Queries, Result};
use domain::contact::document::Document;
use domain::contact::record::Malformed;
use domain::id::ObjectId;
use domain::journal::{ContactNo, ListNo};
use domain::problem::Problem;
use domain::search::{Query, Tier};
use storage::{Contact, ContactPage, Error, List, Lookup};

/// Contacts that one page looks at: where few of them match, it ends without the rest.
const MAX_LOOKED_AT: usize = 4_000;

/// Contacts that are looked up at once, at least and at most.
const CHUNK: (u32, u32) = (32, 256);

/// Behind which contact a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its group.
    pub tier: Tier,
    /// Its list.
    pub list: ListNo,
    /// Its number.
    pub number: ContactNo,
}

impl Place {
    /// Its text: the number of the group, and the id of the contact. `None` if its list is not one of these.
    pub fn text(self, lists: &[Arc<List>]) -> Option<String> {
        let list = lists.iter().find(|list| list.no == self.list)?;
        Some(format!("{}{}", self.tier.number(), ObjectId::of_contact(list.id, self.number.0)))
    }

    /// Reads the text of a place in one of these lists.
    pub fn read(text: &str, lists: &[Arc<List>]) -> Option<Self> {
        let (tier, id) = text.split_at_checked(1)?;
        let tier = Tier::ALL.into_iter().find(|known| known.number().to_string() == tier)?;
        let id = ObjectId::parse(id)?;
        let of_list = |list: &Arc<List>| {
            let number = ContactNo(id.contact_number(list.id)?);
            Some(Self { tier, list: list.no, number })
        };
        lists.iter().find_map(of_list)
    }
}

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The lists, by number.
    pub lists: &'a [Arc<List>],
    /// The words.
    pub query: &'a Query,
    /// What else a contact has to fit.
    pub filter: &'a Filter,
    /// Where the page begins.
    pub from: Option<Place>,
    /// Contacts at most.
    pub limit: u32,
}

/// A contact that was found.
#[derive(Debug)]
pub struct Hit {
    /// Its list.
    pub list: Arc<List>,
    /// Its number.
    pub number: ContactNo,
    /// The contact.
    pub contact: Contact,
    /// Why it was found.
    pub tier: Tier,
}

/// A page of contacts that were found.
#[derive(Debug, Default)]
pub struct Hits {
    /// The contacts, the best group first.
    pub rows: Vec<Hit>,
    /// Contacts that are damaged on disk: whether they match is not known.
    pub damaged: Vec<(ObjectId, ContactNo)>,
    /// Where the next page begins; `None` at the end. A page with a next one may have fewer contacts than the limit.
    pub next: Option<Place>,
    /// Whether the index is being built for one of the lists: contacts may be missing.
    pub incomplete: bool,
}

impl Queries {
    /// The lists that a caller may see, by number.
    ///
    /// # Errors
    /// There are more than a search may have, or the store fails.
    pub async fn searched_lists(&self, caller: &Caller) -> Result<Vec<Arc<List>>> {
        let mut numbers = self.0.storage.account_lists(caller.scope.account).await?;
        numbers.retain(|(_, id)| caller.scope.lists.as_ref().is_none_or(|seen| seen.contains(id)));
        if numbers.len() > MAX_LISTS {
            let text = format!("At most {MAX_LISTS} lists are searched at once: name one in contactListId");
            return Err(Problem::new("TOO_MANY_LISTS", text).of("contactListId").into());
        }
        numbers.sort_unstable();
        let mut lists = Vec::with_capacity(numbers.len());
        for (_, id) in numbers {
            // One that was removed in between is left out.
            lists.extend(self.0.catalogue.list(&caller.scope, &id.to_string()).await?);
        }
        Ok(lists)
    }

    /// A page of contacts that match.
    ///
    /// # Errors
    /// The store fails.
    pub async fn search(&self, caller: &Caller, search: Search<'_>) -> Result<Hits, Error> {
        let mut hits = Hits { incomplete: self.is_incomplete(search.lists).await?, ..Hits::default() };
        let mut looked_at = 0;
        for tier in Tier::ALL {
            let from = search.from.filter(|from| from.tier == tier);
            if search.from.is_some_and(|from| tier < from.tier) || !has_tier(tier, search.query) {
                continue;
            }
            for list in search.lists {
                if from.is_some_and(|from| list.no < from.list) {
                    continue;
                }
                let after = from.filter(|from| from.list == list.no).map_or(ContactNo(0), |from| from.number);
                hits.next =
                    self.search_list(caller, search, (tier, list, after), &mut hits, &mut looked_at).await?;
                if hits.next.is_some() {
                    return Ok(hits);
                }
            }
        }
        Ok(hits)
    }

    /// Adds the contacts of one group of one list. Where the page is full, the place of its last contact.
    async fn search_list(
        &self,
        caller: &Caller,
        search: Search<'_>,
        (tier, list, mut after): (Tier, &Arc<List>, ContactNo),
        hits: &mut Hits,
        looked_at: &mut usize,
    ) -> Result<Option<Place>, Error> {
        let chunk = search.limit.clamp(CHUNK.0, CHUNK.1);
        loop {
            let page = self.candidates(caller, search.query, (tier, list, after), chunk).await?;
            let Candidates { page, last, more } = page;
            let fit = search.filter.fit(&*self.0.storage, caller.scope.account, &page.rows).await?;
            hits.damaged.extend(page.damaged.iter().map(|number| (list.id, *number)));
            for ((number, contact), fits) in page.rows.into_iter().zip(fit) {
                *looked_at += 1;
                let place = Place { tier, list: list.no, number };
                let found = match fits {
                    Ok(true) => matches(search, list, number, &contact),
                    Ok(false) => Ok(None),
                    Err(malformed) => Err(malformed),
                };
                match found {
                    Ok(Some(found)) if found == tier => {
                        hits.rows.push(Hit { list: Arc::clone(list), number, contact, tier });
                        if hits.rows.len() >= search.limit as usize {
                            return Ok(Some(place));
                        }
                    }
                    Ok(_) => {}
                    Err(Malformed) => hits.damaged.push((list.id, number)),
                }
            }
            let Some(last) = last.filter(|_| more) else { return Ok(None) };
            if *looked_at >= MAX_LOOKED_AT {
                return Ok(Some(Place { tier, list: list.no, number: last }));
            }
            after = last;
        }
    }

    /// Contacts that may be of a group.
    async fn candidates(
        &self,
        caller: &Caller,
        query: &Query,
        (tier, list, after): (Tier, &List, ContactNo),
        limit: u32,
    ) -> Result<Candidates, Error> {
        let (storage, account) = (&self.0.storage, caller.scope.account);
        let lookup = match tier {
            Tier::Exact => return self.exact(caller, query, list, after).await,
            Tier::Phone => query.phone_end().map(Lookup::PhoneEnd),
            Tier::Whole => Some(Lookup::Words(query.words().to_vec())),
            Tier::Beginning => Some(Lookup::Beginnings(query.words().to_vec())),
        };
        let numbers = match lookup {
            Some(lookup) => storage.search(list.no, lookup, after, limit).await?,
            None => Vec::new(),
        };
        let (last, more) = (numbers.last().copied(), numbers.len() >= limit as usize);
        if numbers.is_empty() {
            return Ok(Candidates {
                page: ContactPage { rows: Vec::new(), damaged: Vec::new(), more },
                last,
                more,
            });
        }
        Ok(Candidates { page: storage.contacts_by_number(account, list.no, numbers).await?, last, more })
    }

    /// The contacts behind a number whose identifier or id is exactly what was typed.
    async fn exact(
        &self,
        caller: &Caller,
        query: &Query,
        list: &List,
        after: ContactNo,
    ) -> Result<Candidates, Error> {
        let (storage, account) = (&self.0.storage, caller.scope.account);
        let wanted = query.identifiers().into_iter().map(|identifier| vec![identifier]).collect();
        let mut rows: Vec<_> =
            storage.find_contacts(account, list.no, wanted).await?.into_iter().flatten().collect();
        let mut damaged = Vec::new();
        if let Some(number) = ObjectId::parse(query.typed()).and_then(|id| id.contact_number(list.id)) {
            let page = storage.contacts_by_number(account, list.no, vec![ContactNo(number)]).await?;
            rows.extend(page.rows);
            damaged.extend(page.damaged);
        }
        rows.retain(|(number, _)| *number > after);
        rows.sort_unstable_by_key(|(number, _)| *number);
        rows.dedup_by_key(|(number, _)| *number);
        let page = ContactPage { rows, damaged, more: false };
        Ok(Candidates { page, last: None, more: false })
    }

    /// Whether the index of a list is not complete yet.
    async fn is_incomplete(&self, lists: &[Arc<List>]) -> Result<bool, Error> {
        if let [list] = lists {
            let state = self.0.storage.search_state(list.no).await?;
            // Without a state the loop has not come to a new list: that is within a second.
            return Ok(state.is_some_and(|state| state.scanned.is_some()));
        }
        Ok(self.0.search.building() > 0)
    }
}

/// Contacts that may match.
struct Candidates {
    page: ContactPage,
    /// The last that was looked up.
    last: Option<ContactNo>,
    /// Whether there are others behind it.
    more: bool,
}

/// Whether anything can be found in a group.
fn has_tier(tier: Tier, query: &Query) -> bool {
    tier != Tier::Phone || query.phone_end().is_some()
}

/// The group of a contact; `None` if it does not match.
fn matches(
    search: Search<'_>,
    list: &List,
    number: ContactNo,
    contact: &Contact,
) -> Result<Option<Tier>, Malformed> {
    let document = Document::read(&contact.document)?;
    if ObjectId::parse(search.query.typed()) == Some(ObjectId::of_contact(list.id, number.0)) {
        return Ok(Some(Tier::Exact));
    }
    searched::tier(search.query, &document)
}
