"""`sluice map` against engines that read what it writes: every table has the rows that pyarrow counts."""

import json
import shutil
import subprocess
import time

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakes import HOSTILE, Lake, large_lake


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """2,000 files in 60 tables with three schemas each, hostile names, five damaged files."""
    return large_lake(tmp_path_factory.mktemp("large") / "lake")


def mapped(attempt, folder, lake, *options, code=0):
    """The answer of a mapping that is applied, from `folder` on."""
    done = attempt("map", lake.folder, "--apply", "--json", *options, cwd=folder)
    assert done.code == code, done.err
    return json.loads(done.text)


def run_duckdb(script):
    connection = duckdb.connect()
    connection.execute(script.read_text())
    return connection


def rows_in(connection, name):
    quoted = '"' + name.replace('"', '""') + '"'
    return connection.execute(f"SELECT count(*) FROM lake.{quoted}").fetchone()[0]


def test_duckdb_reads_every_table_of_a_large_lake(attempt, large, tmp_path):
    answer = mapped(attempt, tmp_path, large, "--out", "names.sql", "--errors", "errors.txt", code=3)
    assert answer["files"] == large.files + 5 == answer["footers_read"]
    assert len(answer["tables"]) == 60
    assert sorted(entry["file"] for entry in answer["unreadable"]) == sorted(large.broken)
    listed = (tmp_path / "errors.txt").read_text()
    assert all(line in listed for line in large.broken if "\n" not in line)
    connection = run_duckdb(tmp_path / "names.sql")
    found = {}
    for table in answer["tables"]:
        count = rows_in(connection, table["name"])
        assert count == table["rows"], table
        connection.sql('SELECT * FROM lake."' + table["name"].replace('"', '""') + '"').to_arrow_table()
        found[table["source"].split("/part")[0]] = count
    assert sum(found.values()) == sum(large.rows.values())
    # Again: nothing to do, and nothing read.
    again = mapped(attempt, tmp_path, large, "--out", "names.sql", code=3)
    assert (again["footers_read"], again["bytes_read"], again["pending"]) == (0, 0, 0)
    assert {change["action"] for change in again["changes"]} == {"unchanged"}
    # A file more: one footer, and a pattern needs no change.
    large.write("area0/table30", "area0/table30/new.parquet", pa.table({"id": [1, 2, 3]}))
    more = mapped(attempt, tmp_path, large, "--out", "names.sql", code=3)
    assert more["footers_read"] == 1
    assert rows_in(run_duckdb(tmp_path / "names.sql"), "area0_table30") == large.rows["area0/table30"]
