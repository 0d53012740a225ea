//! What `rollbook migrate --citus` asks of Citus. The extension itself is not in Debian: functions of its names write
//! down what they are asked.

use std::collections::BTreeSet;

use postgres::citus::{DISTRIBUTED, LOCAL, REFERENCE};

use crate::process::Store;

/// As much of Citus as the command sees: its catalogue, and its functions with their parameters.
const STUB: &str = "
    CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod text, place serial, asked text);
    CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE sql AS $$
        INSERT INTO pg_dist_partition (logicalrelid, partmethod, asked) VALUES (table_name, 'n', table_name::text) $$;
    CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text,
        distribution_type text DEFAULT 'hash', colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL)
        RETURNS void LANGUAGE sql AS $$
        INSERT INTO pg_dist_partition (logicalrelid, partmethod, asked) VALUES
        (table_name, 'h', table_name || ' by ' || distribution_column || ' with ' || colocate_with) $$;
    CREATE FUNCTION truncate_local_data_after_distributing_table(function_argument_name regclass) RETURNS void
        LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'TRUNCATE ' || function_argument_name; END $$";

#[test]
fn tables_that_grow_are_distributed_by_the_list_side_by_side_and_small_ones_are_everywhere() {
    let store = Store::in_postgres();
    let none = store.run(&["migrate", "--citus"]);
    assert_eq!(none.code, Some(1));
    let told = "rollbook: the database has the present schema, and the extension citus is not in it: nothing was \
                distributed. Run CREATE EXTENSION citus on the coordinator, see docs/scaling.md\n";
    assert_eq!(none.err, told);

    store.sql(STUB);
    // What was there before: Citus copies it to the shards and leaves it in the files of the coordinator.
    store.sql("INSERT INTO queue (list) VALUES (1)");
    let printed = store.ok(&["migrate", "--citus"]);
    let asked = store.sql("SELECT asked FROM pg_dist_partition ORDER BY place");
    let mut expected: Vec<_> = REFERENCE.iter().map(|table| (*table).to_owned()).collect();
    expected.push("queue by list with default".to_owned());
    expected.extend(DISTRIBUTED[1..].iter().map(|table| format!("{table} by list with queue")));
    assert_eq!(asked.lines().collect::<Vec<_>>(), expected);
    assert_eq!(printed.lines().count(), expected.len() + 2, "each call is told: {printed}");
    assert!(printed.contains("SELECT truncate_local_data_after_distributing_table('queue');"), "{printed}");
    assert_eq!(store.sql("SELECT count(*) FROM queue"), "0\n");
    assert!(
        printed.contains("SELECT create_distributed_table('contact', 'list', colocate_with => 'queue');")
    );

    // Stopped in the middle, it goes on; done, it does nothing.
    store.sql("DELETE FROM pg_dist_partition WHERE logicalrelid = 'history'::regclass");
    let again = store.ok(&["migrate", "--citus"]);
    assert_eq!(
        again,
        "SELECT create_distributed_table('history', 'list', colocate_with => 'queue');\n\
         The store has the present schema, and its tables are distributed.\n"
    );
    let done = store.ok(&["migrate", "--citus"]);
    assert_eq!(done, "The store has the present schema, and all its tables are distributed.\n");
    let files = Store::in_files().run(&["migrate", "--citus"]);
    assert_eq!(files.err, "rollbook: --citus is for a store on PostgreSQL\n");
}

/// What Citus cannot do to a table: a unique index without the distribution column, a foreign key or a trigger to a
/// table that lies elsewhere, a number that each machine would give out by itself.
#[test]
fn every_table_has_its_place_and_what_citus_needs() {
    let store = Store::in_postgres();
    store.ok(&["migrate"]);
    let tables = store.sql(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace",
    );
    let tables: BTreeSet<_> = tables.lines().map(str::to_owned).collect();
    let placed = DISTRIBUTED.iter().chain(&REFERENCE).chain(&LOCAL);
    assert_eq!(
        tables,
        placed.map(|table| (*table).to_owned()).collect(),
        "each table is in one of the three"
    );

    let distributed = DISTRIBUTED.map(|table| format!("'{table}'")).join(", ");
    let keys = format!(
        "SELECT count(*), count(*) FILTER (WHERE x.indisprimary) FROM pg_index x \
         JOIN pg_class c ON c.oid = x.indrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'list' \
         WHERE x.indisunique AND c.relname IN ({distributed}) AND a.attnum = ANY(x.indkey) AND a.attnotnull \
         AND a.atttypid = 'bigint'::regtype"
    );
    let all = format!(
        "SELECT count(*), count(*) FILTER (WHERE x.indisprimary) FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid \
         WHERE x.indisunique AND c.relname IN ({distributed})"
    );
    let with_list = store.sql(&keys);
    assert_eq!(with_list, store.sql(&all), "every unique index of a table that grows has the list in it");
    assert!(
        with_list.trim().ends_with(&format!("|{}", DISTRIBUTED.len())),
        "each has a primary key: {with_list}"
    );
    let numbered = format!(
        "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d \
         ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relname IN ({distributed}) \
         AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval%')"
    );
    assert_eq!(store.sql(&numbered), "0\n", "numbers of tables that grow are given by the list");
    assert_eq!(store.sql("SELECT count(*) FROM pg_constraint WHERE contype IN ('f', 'x', 't') AND connamespace = 'public'::regnamespace"), "0\n");
}
