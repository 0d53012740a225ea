//! What a unit of work says has changed, written: a few statements, however many contacts there are.

use tokio_postgres::types::ToSql;

use crate::due::{self, Receivers};
use crate::queue::{COUNT, of_list};
use crate::rows::CHUNK;
use crate::session::{Owned, Session};
use crate::shared::Shared;
use domain::apply::plan::Waiting;
use domain::apply::rule::Decided;
use domain::apply::unit_of_work::{IndexEntry, MergeUndone, Merged, OptedOut, Slot, UnitOfWork};
use domain::clock::Timestamp;
use domain::journal::ListNo;
use storage::Error;
use storage::rows::group::Origin;

/// Writes contacts, their index and what their lists count.
pub fn unit_of_work(session: &Session, shared: &Shared, work: &UnitOfWork) -> Result<(), Error> {
    let changed = work.changed();
    for of_list in changed.chunk_by(|one, other| one.list == other.list) {
        let list = of_list.first().map_or(ListNo::NONE, |slot| slot.list);
        write_contacts(session, shared, work, list, of_list);
    }
    write_index(session, work)?;
    for (list, state) in work.lists().filter(|(_, state)| (state.made, state.removed) != (0, 0)) {
        let more = state.made.cast_signed() - state.removed.cast_signed();
        session.later(COUNT, vec![Box::new(list.0), Box::new(state.next.cast_signed()), Box::new(more)]);
    }
    write_traces(session, work);
    write_merges(session, work);
    Ok(())
}

/// Which contacts were merged into which, and what was turned off for contacts that are gone.
fn write_merges(session: &Session, work: &UnitOfWork) {
    for (list, chunk) in chunks(&work.merged, |merged| merged.list) {
        let column = |value: fn(&Merged) -> u64| {
            boxed(chunk.iter().map(|merged| value(merged).cast_signed()).collect::<Vec<_>>())
        };
        let merge = concat!(
            "INSERT INTO merged_into (list, loser, winner, undone_at) SELECT p.list, u.* FROM ",
            of_list!(),
            " unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u \
             ON CONFLICT (list, loser) DO UPDATE SET winner = excluded.winner, undone_at = excluded.undone_at"
        );
        let values = vec![
            boxed(list.0),
            column(|merged| merged.loser.0),
            column(|merged| merged.winner.0),
            column(|_| 0),
        ];
        session.later(merge, values);
    }
    for (list, chunk) in chunks(&work.merges_undone, |undone| undone.list) {
        let column = |value: fn(&MergeUndone) -> u64| {
            boxed(chunk.iter().map(|undone| value(undone).cast_signed()).collect::<Vec<_>>())
        };
        let undo = "UPDATE merged_into m SET undone_at = u.later \
                    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u (loser, earlier, later) \
                    WHERE m.list = $1 AND m.loser = u.loser AND m.undone_at = u.earlier";
        let values = vec![
            boxed(list.0),
            column(|undone| undone.loser.0),
            column(|undone| undone.before),
            column(|undone| undone.after),
        ];
        session.later(undo, values);
    }
    for OptedOut { list, number, flags, consent } in &work.opted_out {
        let opt_out =
            "UPDATE departed SET opted_out = opted_out | $3, consent = $4 WHERE list = $1 AND number = $2";
        let values = vec![
            boxed(list.0),
            boxed(number.0.cast_signed()),
            boxed(i64::from(flags.bits())),
            boxed(consent.cast_signed()),
        ];
        session.later(opt_out, values);
    }
}

fn write_contacts(session: &Session, shared: &Shared, work: &UnitOfWork, list: ListNo, slots: &[&Slot]) {
    let is_made = |slot: &&&Slot| slot.removed_at.is_none() && slot.new;
    let is_changed = |slot: &&&Slot| slot.removed_at.is_none() && !slot.new;
    let made: Vec<_> = slots.iter().filter(is_made).copied().collect();
    let changed: Vec<_> = slots.iter().filter(is_changed).copied().collect();
    let insert = concat!(
        "INSERT INTO contact (list, number, document) SELECT p.list, u.* FROM ",
        of_list!(),
        " unnest($2::bigint[], $3::bytea[]) AS u"
    );
    let update = "UPDATE contact c SET document = u.document FROM unnest($2::bigint[], $3::bytea[]) \
                  AS u (number, document) WHERE c.list = $1 AND c.number = u.number";
    for (statement, slots) in [(insert, &made), (update, &changed)] {
        for chunk in slots.chunks(CHUNK) {
            let documents: Vec<_> = chunk.iter().map(|slot| shared.stored(work.document(slot))).collect();
            session.later(statement, vec![Box::new(list.0), Box::new(numbers(chunk)), Box::new(documents)]);
        }
    }
    let removed: Vec<_> = slots.iter().filter(|slot| slot.removed_at.is_some()).copied().collect();
    for chunk in removed.chunks(CHUNK) {
        let numbers = numbers(chunk);
        let positions: Vec<_> =
            chunk.iter().filter_map(|slot| slot.removed_at.map(u64::cast_signed)).collect();
        let delete = "DELETE FROM contact c USING unnest($2::bigint[]) AS u (number) \
                      WHERE c.list = $1 AND c.number = u.number";
        let consents: Vec<_> = chunk.iter().map(|slot| work.consent_at(slot).cast_signed()).collect();
        let depart = concat!(
            "INSERT INTO departed (list, number, position, consent) SELECT p.list, u.* FROM ",
            of_list!(),
            " unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u \
             ON CONFLICT (list, number) DO UPDATE SET position = excluded.position, consent = excluded.consent"
        );
        session.later(delete, vec![Box::new(list.0), Box::new(numbers.clone())]);
        let values: Vec<Owned> =
            vec![Box::new(list.0), Box::new(numbers), Box::new(positions), Box::new(consents)];
        session.later(depart, values);
    }
    let returned: Vec<_> = made.iter().filter(|slot| slot.returned).copied().collect();
    if !returned.is_empty() {
        let delete = "DELETE FROM departed d USING unnest($2::bigint[]) AS u (number) \
                      WHERE d.list = $1 AND d.number = u.number";
        session.later(delete, vec![Box::new(list.0), Box::new(numbers(&returned))]);
    }
}

fn numbers(slots: &[&Slot]) -> Vec<i64> {
    slots.iter().map(|slot| slot.number.0.cast_signed()).collect()
}

fn write_index(session: &Session, work: &UnitOfWork) -> Result<(), Error> {
    let (stale, fresh) = work.index_changes().map_err(|malformed| Error::Damaged(malformed.to_string()))?;
    let delete = "DELETE FROM identifier i USING unnest($2::bigint[], $3::bigint[]) AS u (hash, number) \
                  WHERE i.list = $1 AND (i.hash, i.number) = (u.hash, u.number)";
    let insert = concat!(
        "INSERT INTO identifier (list, hash, number) SELECT p.list, u.* FROM ",
        of_list!(),
        " unnest($2::bigint[], $3::bigint[]) AS u ON CONFLICT DO NOTHING"
    );
    for (statement, mut entries) in [(delete, stale), (insert, fresh)] {
        entries.sort_unstable_by_key(|entry| (entry.list, entry.hash.cast_signed()));
        for (list, chunk) in chunks(&entries, |entry| entry.list) {
            let column = |value: fn(&IndexEntry) -> i64| chunk.iter().map(value).collect::<Vec<_>>();
            let hashes = column(|entry| entry.hash.cast_signed());
            let numbers = column(|entry| entry.number.0.cast_signed());
            session.later(statement, vec![Box::new(list.0), Box::new(hashes), Box::new(numbers)]);
        }
    }
    Ok(())
}

/// What stands together of one list, in pieces that one statement takes. A statement names its list, and so its shard.
fn chunks<T>(entries: &[T], list: impl Fn(&T) -> ListNo) -> impl Iterator<Item = (ListNo, &[T])> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let first = list(rest.first()?);
        let length = rest.iter().take(CHUNK).take_while(|entry| list(entry) == first).count();
        let (chunk, left) = rest.split_at(length);
        rest = left;
        Some((first, chunk))
    })
}

/// What contacts were called until now, who bore an identifier, and who is erased no longer.
fn write_traces(session: &Session, work: &UnitOfWork) {
    for (list, chunk) in chunks(&work.formers, |former| former.list) {
        let insert = concat!(
            "INSERT INTO former_identifiers SELECT p.list, u.* FROM ",
            of_list!(),
            " unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[]) AS u"
        );
        let column =
            |value: fn(&_) -> i64| -> Owned { Box::new(chunk.iter().map(value).collect::<Vec<_>>()) };
        let identifiers: Vec<_> = chunk.iter().map(|former| former.identifiers.clone()).collect();
        let values: Vec<Owned> = vec![
            Box::new(list.0),
            column(|former| former.number.0.cast_signed()),
            column(|former| former.position.cast_signed()),
            column(|former| i64::from(former.item)),
            Box::new(identifiers),
        ];
        session.later(insert, values);
    }
    for (list, chunk) in chunks(&work.former_holders, |bearer| bearer.entry.list) {
        let insert = concat!(
            "INSERT INTO former_bearer SELECT p.list, u.* FROM ",
            of_list!(),
            " unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS u ON CONFLICT DO NOTHING"
        );
        let column =
            |value: fn(&_) -> i64| -> Owned { Box::new(chunk.iter().map(value).collect::<Vec<_>>()) };
        let values: Vec<Owned> = vec![
            Box::new(list.0),
            column(|bearer| bearer.entry.hash.cast_signed()),
            column(|bearer| bearer.entry.number.0.cast_signed()),
            column(|bearer| bearer.position.cast_signed()),
        ];
        session.later(insert, values);
    }
    if !work.forgiven.is_empty() {
        let accounts: Vec<_> = work.forgiven.iter().map(|(account, _)| account.0).collect();
        let hashes: Vec<_> = work.forgiven.iter().map(|(_, hash)| hash.to_vec()).collect();
        let delete = "DELETE FROM erased e USING unnest($1::bigint[], $2::bytea[]) AS u (account, hash) \
                      WHERE (e.account, e.hash) = (u.account, u.hash)";
        session.later(delete, vec![Box::new(accounts), Box::new(hashes)]);
    }
}

/// Writes what was said of flags: few batches name any.
fn write_consents(session: &Session, list: ListNo, waiting: &[Waiting], decided: &[Decided]) {
    let said = || waiting.iter().zip(decided).filter(|(_, decided)| !decided.consents.is_empty());
    let positions: Vec<_> = said().map(|(batch, _)| batch.position.cast_signed()).collect();
    if positions.is_empty() {
        return;
    }
    let records: Vec<_> = said().map(|(_, decided)| decided.consents.clone()).collect();
    let insert = concat!(
        "INSERT INTO consent (list, position, records) SELECT p.list, u.* FROM ",
        of_list!(),
        " unnest($2::bigint[], $3::bytea[]) AS u"
    );
    session.later(insert, vec![Box::new(list.0), Box::new(positions), Box::new(records)]);
}

fn boxed<T: ToSql + Sync + Send + 'static>(value: T) -> Owned {
    Box::new(value)
}

const REQUEST: &str = concat!(
    "INSERT INTO request (list, position, id, account, list_id, kind, accepted_at, processed_at, results, webhook, \
     failed, token) SELECT p.list, u.position, u.id, u.account, u.list_id, u.kind, u.accepted_at, $2, u.results, \
     u.webhook, u.failed, u.token FROM ",
    of_list!(),
    " unnest($3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bigint[], $8::bigint[], $9::bytea[], \
     $10::text[], $11::bigint[], $12::text[]) \
     AS u (position, id, account, list_id, kind, accepted_at, results, webhook, failed, token)"
);

const HISTORY: &str = concat!(
    "INSERT INTO history (list, position, request, account, list_id, kind, token, applied_at, changes) \
     SELECT p.list, u.position, u.request, u.account, u.list_id, u.kind, u.token, $2, u.changes FROM ",
    of_list!(),
    " unnest($3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bigint[], $8::text[], $9::bytea[]) \
     AS u (position, request, account, list_id, kind, token, changes)"
);

const DELIVERY: &str = concat!(
    "INSERT INTO delivery (list, position, receiver, state, attempts, next_at) \
     SELECT p.list, u.position, u.receiver, 0, 0, $2 FROM ",
    of_list!(),
    " unnest($3::bigint[], $4::text[]) AS u (position, receiver)"
);

/// Writes what became of the batches and what they changed, and takes them out of the journal; returns how many
/// webhooks are to leave.
pub fn requests(
    session: &Session,
    shared: &Shared,
    list: ListNo,
    waiting: &[Waiting],
    origins: &[Origin],
    decided: &[Decided],
    now: Timestamp,
) -> usize {
    let now = now.millis();
    let positions: Vec<_> = waiting.iter().map(|batch| batch.position.cast_signed()).collect();
    let ids: Vec<_> = waiting.iter().map(|batch| batch.request.to_bytes().to_vec()).collect();
    let accounts: Vec<_> = waiting.iter().map(|batch| batch.account.0).collect();
    let list_ids: Vec<_> = origins.iter().map(|origin| origin.list_id.to_vec()).collect();
    let kinds: Vec<_> = waiting.iter().map(|batch| batch.kind.code()).collect();
    let accepted: Vec<_> = origins.iter().map(|origin| origin.accepted_at).collect();
    let stored = |decided: &Decided| shared.stored_results(&decided.results).into_owned();
    let results: Vec<_> = decided.iter().map(stored).collect();
    let webhooks: Vec<_> = origins.iter().map(|origin| origin.webhook.clone()).collect();
    let failed: Vec<_> = decided.iter().map(|decided| i64::from(decided.failed)).collect();
    let tokens: Vec<_> = origins.iter().map(|origin| origin.token.clone()).collect();
    let stored = |decided: &Decided| shared.stored_changes(&decided.changes).into_owned();
    let changes: Vec<_> = decided.iter().map(stored).collect();
    let reported =
        || positions.iter().zip(origins).filter_map(|(p, origin)| Some((*p, origin.receiver.clone()?)));
    let sent: Vec<_> = reported().map(|(position, _)| position).collect();
    let receivers: Vec<_> = reported().map(|(_, receiver)| receiver).collect();
    let mut noted = Receivers::default();
    receivers.iter().for_each(|receiver| noted.add(receiver, now));
    let (noted, noted_at) = noted.columns();
    let noted: Vec<_> = noted.into_iter().map(str::to_owned).collect();
    let [first, last] = [positions.first(), positions.last()].map(|end| end.copied().unwrap_or_default());
    write_consents(session, list, waiting, decided);
    let forget = "DELETE FROM batch WHERE list = $1 AND position >= $2 AND position <= $3";
    let reports = sent.len();
    let values = vec![
        boxed(list.0),
        boxed(now),
        boxed(positions.clone()),
        boxed(ids.clone()),
        boxed(accounts.clone()),
        boxed(list_ids.clone()),
        boxed(kinds.clone()),
        boxed(accepted),
        boxed(results),
        boxed(webhooks),
        boxed(failed),
        boxed(tokens.clone()),
    ];
    session.later(REQUEST, values);
    let values = vec![
        boxed(list.0),
        boxed(now),
        boxed(positions),
        boxed(ids),
        boxed(accounts),
        boxed(list_ids),
        boxed(kinds),
        boxed(tokens),
        boxed(changes),
    ];
    session.later(HISTORY, values);
    session.later(forget, vec![boxed(list.0), boxed(first), boxed(last)]);
    if reports > 0 {
        session.later(DELIVERY, vec![boxed(list.0), boxed(now), boxed(sent), boxed(receivers)]);
        // Last, since it may wait for a claim.
        session.later(due::NOTE, vec![boxed(list.0), boxed(noted), boxed(noted_at)]);
    }
    reports
}
