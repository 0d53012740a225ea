#!/bin/sh
# Plausible guess: `ORDER BY rank` puts the better match of an FTS5 table first; a table that cannot rank says so.
# Truth: in a contentless table with `detail=none` or `detail=column` and `columnsize=0`, the forms that keep a search
# index of names small, rank is 0.0 for every row and there is no error, so the order is that of insertion.
set -eu
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check apsw==3.54.1.0
cat >rank.py <<'PY'
import apsw

people = ["Lea Marie Sophie Lehmann van der Berg", "Lea", "Marie Lea"]
db = apsw.Connection(":memory:")
print("SQLite", apsw.sqlite_lib_version())

def ranks(options):
    db.execute(f"CREATE VIRTUAL TABLE t USING fts5(name, content=''{options})")
    for number, name in enumerate(people, 1):
        db.execute("INSERT INTO t (rowid, name) VALUES (?, ?)", (number, name))
    rows = list(db.execute("SELECT rowid, rank FROM t WHERE t MATCH 'lea' ORDER BY rank"))
    db.execute("DROP TABLE t")
    return rows

full = ranks("")
print("detail=full:", [(row, f"{rank:.2e}") for row, rank in full])
assert full[0][0] == 2 and full[0][1] < full[-1][1] < 0
for detail in ("none", "column"):
    rows = ranks(f", detail={detail}, columnsize=0")
    print(f"detail={detail}, columnsize=0:", rows)
    assert rows == [(1, 0.0), (2, 0.0), (3, 0.0)]
PY
venv/bin/python rank.py
# Seen on 2026-11-30:
#   SQLite 3.54.1
#   detail=full: [(2, '-1.40e-06'), (3, '-1.20e-06'), (1, '-6.90e-07')]
#   detail=none, columnsize=0: [(1, -0.0), (2, -0.0), (3, -0.0)]
#   detail=column, columnsize=0: [(1, -0.0), (2, -0.0), (3, -0.0)]
