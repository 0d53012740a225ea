//! What a world says has changed, written: a few statements, however many contacts there are.

use crate::apply::plan::Waiting;
use crate::apply::rule::Decided;
use crate::apply::world::{IndexEntry, Slot, World};
use crate::clock::Timestamp;
use crate::journal::ListNo;
use crate::storage::Error;
use crate::storage::postgres::due::{self, Receivers};
use crate::storage::postgres::queue::COUNT;
use crate::storage::postgres::rows::CHUNK;
use crate::storage::postgres::session::{Session, Values};
use crate::storage::postgres::shared::Shared;
use crate::storage::rows::group::Origin;

/// Writes contacts, their index and what their lists count.
pub fn world(session: &Session, shared: &Shared, world: &World) -> Result<(), Error> {
    let changed = world.changed();
    for of_list in changed.chunk_by(|one, other| one.list == other.list) {
        let list = of_list.first().map_or(ListNo::NONE, |slot| slot.list);
        write_contacts(session, shared, world, list, of_list)?;
    }
    write_index(session, world)?;
    for (list, state) in world.lists().filter(|(_, state)| (state.made, state.removed) != (0, 0)) {
        let more = state.made.cast_signed() - state.removed.cast_signed();
        session.execute(COUNT, &[&list.0, &state.next.cast_signed(), &more])?;
    }
    write_traces(session, world)
}

fn write_contacts(
    session: &Session,
    shared: &Shared,
    world: &World,
    list: ListNo,
    slots: &[&Slot],
) -> Result<(), Error> {
    let is_made = |slot: &&&Slot| slot.removed_at.is_none() && slot.new;
    let is_changed = |slot: &&&Slot| slot.removed_at.is_none() && !slot.new;
    let made: Vec<_> = slots.iter().filter(is_made).copied().collect();
    let changed: Vec<_> = slots.iter().filter(is_changed).copied().collect();
    let insert = "INSERT INTO contact (list, number, document) \
                  SELECT $1, * FROM unnest($2::bigint[], $3::bytea[])";
    let update = "UPDATE contact c SET document = u.document FROM unnest($2::bigint[], $3::bytea[]) \
                  AS u (number, document) WHERE c.list = $1 AND c.number = u.number";
    for (statement, slots) in [(insert, &made), (update, &changed)] {
        for chunk in slots.chunks(CHUNK) {
            let documents: Vec<_> = chunk.iter().map(|slot| shared.stored(world.document(slot))).collect();
            session.execute(statement, &[&list.0, &numbers(chunk), &documents])?;
        }
    }
    let removed: Vec<_> = slots.iter().filter(|slot| slot.removed_at.is_some()).copied().collect();
    for chunk in removed.chunks(CHUNK) {
        let numbers = numbers(chunk);
        let positions: Vec<_> =
            chunk.iter().filter_map(|slot| slot.removed_at.map(u64::cast_signed)).collect();
        let delete = "DELETE FROM contact c USING unnest($2::bigint[]) AS u (number) \
                      WHERE c.list = $1 AND c.number = u.number";
        let consents: Vec<_> = chunk.iter().map(|slot| world.consent_at(slot).cast_signed()).collect();
        let depart = "INSERT INTO departed (list, number, position, consent) \
                      SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) \
                      ON CONFLICT (list, number) DO UPDATE SET position = excluded.position, \
                      consent = excluded.consent";
        let values: Values<'_> = &[&list.0, &numbers, &positions, &consents];
        session.pipeline(&[(delete, &[&list.0, &numbers]), (depart, values)])?;
    }
    let returned: Vec<_> = made.iter().filter(|slot| slot.returned).copied().collect();
    if !returned.is_empty() {
        let delete = "DELETE FROM departed d USING unnest($2::bigint[]) AS u (number) \
                      WHERE d.list = $1 AND d.number = u.number";
        session.execute(delete, &[&list.0, &numbers(&returned)])?;
    }
    Ok(())
}

fn numbers(slots: &[&Slot]) -> Vec<i64> {
    slots.iter().map(|slot| slot.number.0.cast_signed()).collect()
}

fn write_index(session: &Session, world: &World) -> Result<(), Error> {
    let (stale, fresh) = world.index_changes().map_err(|malformed| Error::Damaged(malformed.to_string()))?;
    let delete = "DELETE FROM identifier i USING unnest($2::bigint[], $3::bigint[]) AS u (hash, number) \
                  WHERE i.list = $1 AND (i.hash, i.number) = (u.hash, u.number)";
    let insert = "INSERT INTO identifier (list, hash, number) \
                  SELECT $1, * FROM unnest($2::bigint[], $3::bigint[]) ON CONFLICT DO NOTHING";
    for (statement, mut entries) in [(delete, stale), (insert, fresh)] {
        entries.sort_unstable_by_key(|entry| (entry.list, entry.hash.cast_signed()));
        for (list, chunk) in chunks(&entries, |entry| entry.list) {
            let column = |value: fn(&IndexEntry) -> i64| chunk.iter().map(value).collect::<Vec<_>>();
            let hashes = column(|entry| entry.hash.cast_signed());
            session.execute(statement, &[&list.0, &hashes, &column(|entry| entry.number.0.cast_signed())])?;
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
fn write_traces(session: &Session, world: &World) -> Result<(), Error> {
    for (list, chunk) in chunks(&world.formers, |former| former.list) {
        let insert = "INSERT INTO former_identifiers \
                      SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[])";
        session.execute(
            insert,
            &[
                &list.0,
                &chunk.iter().map(|former| former.number.0.cast_signed()).collect::<Vec<_>>(),
                &chunk.iter().map(|former| former.position.cast_signed()).collect::<Vec<_>>(),
                &chunk.iter().map(|former| i64::from(former.item)).collect::<Vec<_>>(),
                &chunk.iter().map(|former| former.identifiers.as_slice()).collect::<Vec<_>>(),
            ],
        )?;
    }
    for (list, chunk) in chunks(&world.former_bearers, |bearer| bearer.entry.list) {
        let insert = "INSERT INTO former_bearer \
                      SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) ON CONFLICT DO NOTHING";
        session.execute(
            insert,
            &[
                &list.0,
                &chunk.iter().map(|bearer| bearer.entry.hash.cast_signed()).collect::<Vec<_>>(),
                &chunk.iter().map(|bearer| bearer.entry.number.0.cast_signed()).collect::<Vec<_>>(),
                &chunk.iter().map(|bearer| bearer.position.cast_signed()).collect::<Vec<_>>(),
            ],
        )?;
    }
    if !world.forgiven.is_empty() {
        let accounts: Vec<_> = world.forgiven.iter().map(|(account, _)| account.0).collect();
        let hashes: Vec<_> = world.forgiven.iter().map(|(_, hash)| hash.as_slice()).collect();
        let delete = "DELETE FROM erased e USING unnest($1::bigint[], $2::bytea[]) AS u (account, hash) \
                      WHERE (e.account, e.hash) = (u.account, u.hash)";
        session.execute(delete, &[&accounts, &hashes])?;
    }
    Ok(())
}

/// Writes what was said of flags: few batches name any.
fn write_consents(
    session: &Session,
    list: ListNo,
    waiting: &[Waiting],
    decided: &[Decided],
) -> Result<(), Error> {
    let said = || waiting.iter().zip(decided).filter(|(_, decided)| !decided.consents.is_empty());
    let positions: Vec<_> = said().map(|(batch, _)| batch.position.cast_signed()).collect();
    if positions.is_empty() {
        return Ok(());
    }
    let records: Vec<_> = said().map(|(_, decided)| decided.consents.as_slice()).collect();
    let insert = "INSERT INTO consent (list, position, records) \
                  SELECT $1, * FROM unnest($2::bigint[], $3::bytea[])";
    session.execute(insert, &[&list.0, &positions, &records]).map(drop)
}

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
) -> Result<usize, Error> {
    let now = now.millis();
    let positions: Vec<_> = waiting.iter().map(|batch| batch.position.cast_signed()).collect();
    let ids: Vec<_> = waiting.iter().map(|batch| batch.request.to_bytes().to_vec()).collect();
    let accounts: Vec<_> = waiting.iter().map(|batch| batch.account.0).collect();
    let list_ids: Vec<_> = origins.iter().map(|origin| origin.list_id.as_slice()).collect();
    let kinds: Vec<_> = waiting.iter().map(|batch| batch.kind.code()).collect();
    let accepted: Vec<_> = origins.iter().map(|origin| origin.accepted_at).collect();
    let results: Vec<_> = decided.iter().map(|decided| shared.stored_results(&decided.results)).collect();
    let results: Vec<_> = results.iter().map(|results| results.as_ref()).collect();
    let webhooks: Vec<_> = origins.iter().map(|origin| origin.webhook.as_deref()).collect();
    let failed: Vec<_> = decided.iter().map(|decided| i64::from(decided.failed)).collect();
    let tokens: Vec<_> = origins.iter().map(|origin| origin.token.as_str()).collect();
    let changes: Vec<_> = decided.iter().map(|decided| shared.stored_changes(&decided.changes)).collect();
    let changes: Vec<_> = changes.iter().map(|changes| changes.as_ref()).collect();
    let reported =
        || positions.iter().zip(origins).filter_map(|(p, origin)| Some((*p, origin.receiver.as_deref()?)));
    let sent: Vec<_> = reported().map(|(position, _)| position).collect();
    let receivers: Vec<_> = reported().map(|(_, receiver)| receiver).collect();
    let mut noted = Receivers::default();
    receivers.iter().for_each(|receiver| noted.add(receiver, now));
    let (noted, noted_at) = noted.columns();
    let [first, last] = [positions.first(), positions.last()].map(|end| end.copied().unwrap_or_default());
    let request = "INSERT INTO request (list, position, id, account, list_id, kind, accepted_at, processed_at, \
                   results, webhook, failed, token) SELECT $1, u.position, u.id, u.account, u.list_id, u.kind, \
                   u.accepted_at, $2, u.results, u.webhook, u.failed, u.token FROM unnest($3::bigint[], $4::bytea[], \
                   $5::bigint[], $6::bytea[], $7::bigint[], $8::bigint[], $9::bytea[], $10::text[], $11::bigint[], \
                   $12::text[]) AS u (position, id, account, list_id, kind, accepted_at, results, webhook, failed, token)";
    let history = "INSERT INTO history (list, position, request, account, list_id, kind, token, applied_at, changes) \
                   SELECT $1, u.position, u.request, u.account, u.list_id, u.kind, u.token, $2, u.changes \
                   FROM unnest($3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bigint[], $8::text[], \
                   $9::bytea[]) AS u (position, request, account, list_id, kind, token, changes)";
    let delivery = "INSERT INTO delivery (list, position, receiver, state, attempts, next_at) \
                    SELECT $1, u.position, u.receiver, 0, 0, $2 \
                    FROM unnest($3::bigint[], $4::text[]) AS u (position, receiver)";
    write_consents(session, list, waiting, decided)?;
    let forget = "DELETE FROM batch WHERE list = $1 AND position >= $2 AND position <= $3";
    let all: [(&str, Values<'_>); 5] = [
        (
            request,
            &[
                &list.0, &now, &positions, &ids, &accounts, &list_ids, &kinds, &accepted, &results,
                &webhooks, &failed, &tokens,
            ],
        ),
        (history, &[&list.0, &now, &positions, &ids, &accounts, &list_ids, &kinds, &tokens, &changes]),
        (forget, &[&list.0, &first, &last]),
        (delivery, &[&list.0, &now, &sent, &receivers]),
        // Last, since it may wait for a claim.
        (due::NOTE, &[&list.0, &noted, &noted_at]),
    ];
    let count = if sent.is_empty() { 3 } else { all.len() };
    session.pipeline(&all[..count])?;
    Ok(sent.len())
}
