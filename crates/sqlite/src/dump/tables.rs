//! What is copied. Each table of PostgreSQL has a statement that makes its rows of those of the two files: the front
//! half is `main`, the back half `store`. In the order of a key, so that a copy can go on where it was stopped.

use storage::transfer::Columns;

/// A table of PostgreSQL, and where its rows are.
#[derive(Debug)]
pub struct Table {
    /// Its name and its columns there.
    pub there: Columns,
    /// The files' tables of which it is made.
    from: &'static [&'static str],
    /// Its rows.
    pub select: &'static str,
}

impl Table {
    /// Whether its statement gives contacts, whose identifiers are the rows.
    pub fn is_index(&self) -> bool {
        self.there.name == "identifier"
    }

    /// How many rows it has.
    pub fn count(&self) -> String {
        match self.is_index() {
            true => "SELECT count(*) FROM store.identifier".to_owned(),
            false => format!("SELECT count(*) FROM ({})", self.select),
        }
    }
}

/// Tables of the files that are not copied.
const LEFT: &[&str] = &[
    // Read one by one: see `Dump::settings`.
    "main.setting",
    "store.setting",
    "main.sqlite_sequence",
    // What is cached elsewhere is read again after a copy.
    "main.catalogue_change",
    // Of the files themselves. What was erased, is in no row any more, and free pages are not copied.
    "main.refinery_schema_history",
    "store.refinery_schema_history",
    "store.scrub",
    // What is applied is not copied from the journal, and there nothing is ahead of anything.
    "store.ahead",
];

/// Tables whose numbers are never given twice, and what they are there.
pub const NUMBERED: &[(&str, &str)] =
    &[("account", "account"), ("user", "account_user"), ("list", "list"), ("source", "source")];

/// Whether a table is left behind.
pub fn is_left(file: &str, table: &str) -> bool {
    table.starts_with("sqlite_stat") || LEFT.contains(&format!("{file}.{table}").as_str())
}

/// Whether a column is read by the statement of a table.
pub fn is_read(file: &str, table: &str, column: &str) -> bool {
    let place = format!("{file}.{table}");
    let names = |text: &str| {
        text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_').any(|word| word == column)
    };
    TABLES.iter().any(|copied| copied.from.contains(&place.as_str()) && names(copied.select))
}

/// Those of the catalogue first: they are small, and what is wrong with a database shows soon.
pub const TABLES: &[Table] = &[
    Table {
        there: Columns {
            name: "account",
            columns: "no, id, name, enabled, webhook_secret, previous_secret, previous_until, created_at, opt_out",
        },
        from: &["main.account"],
        select: "SELECT no, id, name, enabled, webhook_secret, previous_secret, previous_until, created_at, opt_out \
                 FROM main.account ORDER BY no",
    },
    Table {
        there: Columns {
            name: "account_user",
            columns: "no, id, account, name, enabled, created_at, address, password, role, language",
        },
        from: &["main.user"],
        select: "SELECT no, id, account, name, enabled, created_at, address, password, role, language \
                 FROM main.user ORDER BY no",
    },
    Table {
        there: Columns {
            name: "token",
            columns: "key, secret_hash, user_no, name, created_at, expires_at, revoked_at, read_only, used_at",
        },
        from: &["main.token"],
        select: "SELECT key, secret_hash, user, name, created_at, expires_at, revoked_at, read_only, used_at \
                 FROM main.token ORDER BY key",
    },
    Table {
        there: Columns { name: "token_list", columns: "token, list" },
        from: &["main.token_list"],
        select: "SELECT token, list FROM main.token_list ORDER BY token, list",
    },
    Table {
        there: Columns { name: "session", columns: "hash, user_no, agent, created_at, seen_at, expires_at" },
        from: &["main.session"],
        select: "SELECT hash, user, agent, created_at, seen_at, expires_at FROM main.session ORDER BY hash",
    },
    Table {
        there: Columns { name: "link", columns: "hash, user_no, expires_at" },
        from: &["main.link"],
        select: "SELECT hash, user, expires_at FROM main.link ORDER BY hash",
    },
    Table {
        there: Columns {
            name: "list",
            columns: "no, id, account, name, is_default, next_variable, created_at, updated_at, opt_out",
        },
        from: &["main.list"],
        select: "SELECT no, id, account, name, is_default, next_variable, created_at, updated_at, opt_out \
                 FROM main.list ORDER BY no",
    },
    Table {
        there: Columns { name: "variable", columns: "list, number, name, type" },
        from: &["main.variable"],
        select: "SELECT list, number, name, type FROM main.variable ORDER BY list, number",
    },
    Table {
        there: Columns { name: "removed_variable", columns: "list, number, cursor" },
        from: &["main.removed_variable"],
        // Among contacts it is a row id, and there a number; behind them it is a position, and there as well.
        select: "SELECT list, number, CASE WHEN cursor >= 1 << 62 THEN cursor ELSE cursor & ((1 << 40) - 1) END \
                 FROM main.removed_variable ORDER BY list, number",
    },
    Table {
        there: Columns {
            name: "saved_query",
            columns: "list, id, kind, name, content, created_at, updated_at",
        },
        from: &["main.saved_query"],
        select: "SELECT list, id, kind, name, content, created_at, updated_at FROM main.saved_query \
                 ORDER BY list, id",
    },
    Table {
        there: Columns {
            name: "source",
            columns: "no, id, account, name, customer_source_id, cac, created_at, updated_at",
        },
        from: &["main.source"],
        select: "SELECT no, id, account, name, customer_source_id, cac, created_at, updated_at \
                 FROM main.source ORDER BY no",
    },
    Table {
        there: Columns { name: "removed_source", columns: "no, account, cac" },
        from: &["main.removed_source"],
        select: "SELECT no, account, cac FROM main.removed_source ORDER BY no",
    },
    Table {
        there: Columns { name: "erased", columns: "account, hash, erased_at, form" },
        from: &["store.erased"],
        select: "SELECT account, hash, erased_at, form FROM store.erased ORDER BY account, hash",
    },
    Table {
        there: Columns { name: "queue", columns: "list, last" },
        from: &[],
        // Every list goes on behind the last position of the store: what its rows point to stays where it is.
        select: "SELECT list, coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = 'batch'), 0) FROM \
                 (SELECT no AS list FROM main.list UNION SELECT list FROM store.list UNION SELECT -no FROM main.account \
                 UNION SELECT CASE list WHEN 0 THEN -account ELSE list END FROM main.batch) ORDER BY list",
    },
    Table {
        there: Columns { name: "progress", columns: "list, next, contacts, gone" },
        from: &["store.list"],
        select: "SELECT q.list, coalesce(s.next, 1), coalesce(s.contacts, 0), 0 FROM \
                 (SELECT no AS list FROM main.list UNION SELECT list FROM store.list UNION SELECT -no FROM main.account \
                 UNION SELECT CASE list WHEN 0 THEN -account ELSE list END FROM main.batch) q \
                 LEFT JOIN store.list s ON s.list = q.list ORDER BY q.list",
    },
    Table {
        there: Columns {
            name: "once",
            columns: "list, account, key, fingerprint, request, warnings, used_at",
        },
        from: &["main.once"],
        select: "SELECT CASE list WHEN 0 THEN -account ELSE list END, account, key, fingerprint, request, warnings, \
                 used_at FROM main.once ORDER BY account, list, key",
    },
    Table {
        there: Columns {
            name: "batch",
            columns: "list, position, request, account, list_id, token, kind, accepted_at, webhook, receiver, \
                  restore_erased, fence, bytes, items_check, items",
        },
        from: &["main.batch"],
        // What is applied and not yet forgotten is left. What is about an account holds up each of its lists, and no
        // batch of a list has the same position.
        select: "SELECT CASE list WHEN 0 THEN -account ELSE list END, position, request, account, list_id, token, \
                 kind, accepted_at, webhook, webhook_receiver, restore_erased, 0, length(items), items_check, items \
                 FROM main.batch WHERE position > (SELECT value FROM store.setting WHERE name = 'applied') \
                 AND position > coalesce((SELECT a.position FROM store.ahead a WHERE a.account = batch.account), 0) UNION ALL \
                 SELECT l.no, b.position, b.request, b.account, b.list_id, b.token, b.kind, b.accepted_at, NULL, NULL, \
                 b.restore_erased, 1, 0, 0, x'' FROM main.batch b JOIN main.list l ON l.account = b.account \
                 WHERE b.list = 0 AND b.position > (SELECT value FROM store.setting WHERE name = 'applied') \
                 AND b.position > coalesce((SELECT a.position FROM store.ahead a WHERE a.account = b.account), 0) \
                 ORDER BY 2, 1",
    },
    Table {
        there: Columns { name: "contact", columns: "list, number, document" },
        from: &["store.contact"],
        select: "SELECT id >> 40, id & ((1 << 40) - 1), document FROM store.contact ORDER BY id",
    },
    Table {
        there: Columns { name: "identifier", columns: "list, hash, number" },
        from: &["store.identifier"],
        // Rows of the index do not say of which list they are: they are made anew, of each contact's hashes.
        select: "SELECT id >> 40, id & ((1 << 40) - 1) AS number, document AS hash FROM store.contact ORDER BY id",
    },
    Table {
        there: Columns { name: "former_identifiers", columns: "list, number, position, item, identifiers" },
        from: &["store.former_identifiers"],
        select: "SELECT contact >> 40, contact & ((1 << 40) - 1), position, item, identifiers \
                 FROM store.former_identifiers ORDER BY contact, position, item",
    },
    Table {
        there: Columns {
            name: "request",
            columns: "list, position, id, account, list_id, kind, accepted_at, processed_at, results, webhook, failed, \
                  token",
        },
        from: &["store.request"],
        select: "SELECT CASE list WHEN 0 THEN -account ELSE list END, position, id, account, list_id, kind, \
                 accepted_at, processed_at, results, webhook, failed, token FROM store.request ORDER BY position",
    },
    Table {
        there: Columns {
            name: "delivery",
            columns: "list, position, receiver, state, attempts, next_at, node, last_end, last_at, generation",
        },
        from: &["store.delivery"],
        // One without a request has no list, and is refused there.
        select: "SELECT CASE r.list WHEN 0 THEN -r.account ELSE r.list END, d.position, d.receiver, d.state, \
                 d.attempts, d.next_at, NULL, d.last_end, d.last_at, d.generation FROM store.delivery d LEFT JOIN store.request r USING (position) \
                 ORDER BY d.position",
    },
    Table {
        there: Columns { name: "due", columns: "list, receiver, next_at" },
        from: &["store.delivery"],
        // Here the index of deliveries does what that table is for.
        select: "SELECT CASE r.list WHEN 0 THEN -r.account ELSE r.list END AS of_list, d.receiver, min(d.next_at) \
                 FROM store.delivery d JOIN store.request r USING (position) WHERE d.state = 0 \
                 GROUP BY of_list, d.receiver ORDER BY of_list, d.receiver",
    },
    Table {
        there: Columns {
            name: "delivery_attempt",
            columns: "list, account, id, webhook, request, uri, receiver, number, events, at, took, met, status, answer",
        },
        from: &["store.delivery_attempt"],
        // Attempts are of an account, and of no list.
        select: "SELECT -account, account, id, webhook, request, uri, receiver, number, events, at, took, met, status, \
                 answer FROM store.delivery_attempt ORDER BY account, id",
    },
    Table {
        there: Columns {
            name: "history",
            columns: "list, position, request, account, list_id, kind, token, applied_at, changes",
        },
        from: &["store.history"],
        select: "SELECT CASE list WHEN 0 THEN -account ELSE list END, position, request, account, list_id, kind, token, \
                 applied_at, changes FROM store.history ORDER BY position",
    },
    Table {
        there: Columns { name: "tombstone", columns: "list, position, number, request, token, erased_at" },
        from: &["store.tombstone"],
        select: "SELECT list, position, number, request, token, erased_at FROM store.tombstone \
                 ORDER BY list, position, number",
    },
    Table {
        there: Columns { name: "history_floor", columns: "list, position, request" },
        from: &["store.history_floor"],
        select: "SELECT list, position, request FROM store.history_floor ORDER BY list",
    },
    Table {
        there: Columns { name: "departed", columns: "list, number, position, consent, opted_out" },
        from: &["store.departed"],
        select: "SELECT contact >> 40, contact & ((1 << 40) - 1), position, consent, opted_out \
                 FROM store.departed ORDER BY contact",
    },
    Table {
        there: Columns { name: "merged_into", columns: "list, loser, winner, undone_at" },
        from: &["store.merged_into"],
        select: "SELECT loser >> 40, loser & ((1 << 40) - 1), winner & ((1 << 40) - 1), undone_at \
                 FROM store.merged_into ORDER BY loser",
    },
    Table {
        there: Columns { name: "consent", columns: "list, position, records" },
        from: &["store.consent"],
        select: "SELECT list, position, records FROM store.consent ORDER BY position",
    },
    Table {
        there: Columns { name: "former_bearer", columns: "list, hash, number, position" },
        from: &["store.former_bearer"],
        select: "SELECT contact >> 40, hash, contact & ((1 << 40) - 1), position FROM store.former_bearer \
                 ORDER BY hash, contact, position",
    },
    Table {
        there: Columns {
            name: "activity",
            columns: "account, minute, list, created, updated, unchanged, removed, failed, applied, accepted, \
                  delivered, undelivered",
        },
        from: &["store.activity"],
        // Of all lists of an account together, and so of none.
        select: "SELECT account, minute, -account, created, updated, unchanged, removed, failed, applied, accepted, \
                 delivered, undelivered FROM store.activity ORDER BY account, minute",
    },
    Table {
        there: Columns {
            name: "webhook",
            columns: "account, no, title, uri, receiver, events, domain, parallel, batch, created_at, cursor, attempts, \
                  next_at, failing_since, paused_at, paused_end, skipped_at, lease, node, segments",
        },
        from: &["store.webhook"],
        select: "SELECT account, no, title, uri, receiver, events, domain, parallel, batch, created_at, cursor, attempts, \
                 next_at, failing_since, paused_at, paused_end, skipped_at, lease, NULL, segments FROM store.webhook \
                 ORDER BY account, no",
    },
    Table {
        there: Columns {
            name: "segment_feed",
            columns: "list, account, step, cursor, saved, suppressed, next_no, building, due",
        },
        from: &["store.segment_feed"],
        select: "SELECT list, account, step, cursor, saved, suppressed, next_no, building, due FROM store.segment_feed ORDER BY list",
    },
    Table {
        there: Columns { name: "followed_segment", columns: "list, no, segment, hash, scanned, members" },
        from: &["store.followed_segment"],
        select: "SELECT list, no, segment, hash, scanned, members FROM store.followed_segment ORDER BY list, no",
    },
    Table {
        there: Columns { name: "segment_block", columns: "list, block, no, bits" },
        from: &["store.segment_block"],
        select: "SELECT list, block, no, bits FROM store.segment_block ORDER BY list, block, no",
    },
    Table {
        there: Columns { name: "segment_due", columns: "list, no, number, at" },
        from: &["store.segment_due"],
        select: "SELECT list, no, number, at FROM store.segment_due ORDER BY list, no, number",
    },
    Table {
        there: Columns {
            name: "segment_event",
            columns: "list, serial, of_list, segment, number, joined, at",
        },
        from: &["store.segment_event"],
        select: "SELECT list, serial, of_list, segment, number, joined, at FROM store.segment_event ORDER BY list, serial",
    },
    Table {
        there: Columns { name: "segment_serial", columns: "list, serial" },
        from: &["store.segment_serial"],
        select: "SELECT list, serial FROM store.segment_serial ORDER BY list",
    },
    Table {
        there: Columns { name: "segment_day", columns: "list, segment, day, members, joined, gone" },
        from: &["store.segment_day"],
        select: "SELECT list, segment, day, members, joined, gone FROM store.segment_day ORDER BY list, segment, day",
    },
    Table {
        there: Columns {
            name: "rejection",
            columns: "account, hour, token, method, status, code, count, last_at",
        },
        from: &["main.rejection"],
        select: "SELECT account, hour, token, method, status, code, count, last_at FROM main.rejection \
                 ORDER BY account, hour, token, method, status, code",
    },
    Table {
        there: Columns {
            name: "job",
            columns: "list, account, id, user_id, created_at, changed_at, directory, description, subject, state, \
                  dry_run, stop_requested, progress, faults, parts, lease, runner",
        },
        from: &["main.job"],
        select: "SELECT list, account, id, user, created_at, changed_at, directory, description, subject, state, dry_run, \
                 stop_requested, progress, faults, parts, lease, NULL FROM main.job ORDER BY account, id",
    },
    Table {
        there: Columns { name: "job_part", columns: "list, account, job, number, bytes" },
        from: &["main.job_part"],
        select: "SELECT list, account, job, number, bytes FROM main.job_part ORDER BY account, job, number",
    },
    Table {
        there: Columns {
            name: "suppression",
            columns: "list, hash, reason, created_at, expires_at, address, raw_log, serial",
        },
        from: &["store.suppression"],
        // The number of a row is of the files alone.
        select: "SELECT -account, hash, reason, created_at, expires_at, address, raw_log, serial FROM (SELECT no, account, \
                 hash, reason, created_at, expires_at, address, raw_log, serial FROM store.suppression) \
                 ORDER BY account, hash, reason",
    },
    Table {
        there: Columns { name: "suppression_change", columns: "list, serial" },
        from: &["store.suppression_change"],
        select: "SELECT -account, serial FROM store.suppression_change ORDER BY account",
    },
];
