use rusqlite::StatementStatus;

use super::*;

#[test]
fn a_statement_about_a_table_with_a_partial_index_is_planned_once() {
    let path = std::env::temp_dir().join(format!("rollbook-plans-{}", std::process::id()));
    let settings = Settings { cache_kib: 64, checkpoint_pages: 1_000 };
    let connection = connect(&path, &settings).unwrap();
    connection.execute_batch("CREATE TABLE t (a, b); CREATE INDEX open ON t (a) WHERE b = 1").unwrap();
    let mut select = connection.prepare_cached("SELECT 1 FROM t WHERE a = ?1 AND b = ?2").unwrap();
    for value in 0..3 {
        assert!(!select.exists([value, value]).unwrap());
    }
    assert_eq!(select.get_status(StatementStatus::RePrepare), 0);
    drop(select);
    drop(connection);
    std::fs::remove_file(&path).unwrap();
}
