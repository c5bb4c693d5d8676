"""Lookup tables of `sluice map`: devices with their names, the messages of each, as the script they come from made them."""

import contextlib
import json
import sqlite3

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakes import Lake

DEVICES = ["11111111", "2F6913DB", "ABCDEF01", "BADBAD00", "CAFE0000", "DEADBEEF"]

JOB = """
project: fleet
lake: ./lake
warehouse: sqlite:./copies.db
jobs:
  names:
    kind: map
    layout: "{device}/{message}/{yyyy}/{mm}/{dd}/*.parquet"
    where: { device: "[0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F]" }
    name: tbl_{device}_{message}
    dialect: DIALECT
    OUT
    lookups:
      tbl_aggregations_devicemeta:
        documents: "{device}/device.json"
        columns:
          MetaName: ["{document.log_meta} ({device})", "{device}"]
          DeviceId: "{device}"
      tbl_{device}_messages:
        columns: { MessageName: "{message}" }
"""


@pytest.fixture
def fleet(tmp_path):
    lake = Lake(tmp_path / "lake")
    for device in DEVICES:
        for message in ["CAN1", "CAN1-x"][: 1 if device == "CAFE0000" else 2]:
            lake.write(f"tbl_{device}_{message}", f"{device}/{message}/2024/05/01/a.parquet", pa.table({"t": [1, 2]}))
    lake.write("no", "lower123/CAN1/2024/05/01/a.parquet", pa.table({"t": [1]}))
    for device, document in {
        "2F6913DB": '{"log_meta": "Ægir\'s truck", "other": {"deep": 7}}', "ABCDEF01": '{"log_meta": null}',
        "BADBAD00": "{ this is no JSON", "CAFE0000": '{"log_meta": ""}', "DEADBEEF": '[{"log_meta": "x"}]',
    }.items():
        (lake.folder / device / "device.json").write_text(document)
    write_job(tmp_path)
    return lake


def write_job(folder, dialect="duckdb", text=JOB):
    out = "out: names.sql" if dialect not in ("sqlite", "postgres") else ""
    (folder / "sluice.yaml").write_text(text.replace("DIALECT", dialect).replace("OUT", out))


def mapped(attempt, folder, *options, code=0):
    done = attempt("map", "names", "--json", *options, cwd=folder)
    assert done.code == code, done.err + done.text
    return json.loads(done.text)


def names_in(folder):
    connection = duckdb.connect()
    connection.execute((folder / "names.sql").read_text())
    return connection


NAMED = [
    ("11111111", "11111111"), ("Ægir's truck (2F6913DB)", "2F6913DB"), ("ABCDEF01", "ABCDEF01"), ("BADBAD00", "BADBAD00"),
    ("CAFE0000", "CAFE0000"), ("DEADBEEF", "DEADBEEF"),
]


def test_devices_and_their_messages_are_tables(attempt, fleet, tmp_path):
    answer = mapped(attempt, tmp_path, "--apply")
    assert {lookup["state"] for lookup in answer["lookups"]} == {"written"}
    # What is no JSON, or none of an object, is told and passed over.
    told = [problem for problem in answer["problems"] if "device.json" in problem]
    assert ["BADBAD00" in told[0], "DEADBEEF" in told[1], len(told)] == [True, True, 2]
    connection = names_in(tmp_path)
    assert connection.execute("SELECT * FROM lake.tbl_aggregations_devicemeta").fetchall() == NAMED
    rows = connection.execute('SELECT * FROM lake."tbl_2F6913DB_messages"').fetchall()
    assert rows == [("CAN1",), ("CAN1-x",)]
    assert connection.execute('SELECT * FROM lake."tbl_CAFE0000_messages"').fetchall() == [("CAN1",)]
    assert len(answer["tables"]) == 11 + 1 + 6
    # pyarrow reads the very file.
    paths = {lookup["name"]: lookup["file"] for lookup in answer["lookups"]}
    table = pq.read_table(fleet.folder / paths["tbl_aggregations_devicemeta"])
    assert table.to_pylist() == [{"MetaName": name, "DeviceId": device} for name, device in NAMED]


def test_a_second_run_writes_nothing_and_maps_no_file_of_its_own(attempt, fleet, tmp_path):
    first = mapped(attempt, tmp_path, "--apply")
    script = (tmp_path / "names.sql").read_text()
    files = {path: path.stat() for path in fleet.folder.rglob("*.parquet")}
    again = mapped(attempt, tmp_path, "--apply")
    assert {lookup["state"] for lookup in again["lookups"]} == {"unchanged"}
    assert again["pending"] == 0 and again["footers_read"] == 0
    assert [table["name"] for table in again["tables"]] == [table["name"] for table in first["tables"]]
    assert {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in files.items()} == {
        path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in fleet.folder.rglob("*.parquet")}
    assert (tmp_path / "names.sql").read_text() == script
    # The old script's own folders are no messages, as they are none here.
    assert not any("lookups" in table["source"] and table["name"].startswith("tbl_sluice") for table in again["tables"])


def test_lookups_follow_the_lake(attempt, fleet, tmp_path):
    mapped(attempt, tmp_path, "--apply")
    (fleet.folder / "11111111/device.json").write_text('{"log_meta": "new"}')
    fleet.write("x", "2F6913DB/CAN9/2024/05/01/a.parquet", pa.table({"t": [1]}))
    for path in (fleet.folder / "DEADBEEF").rglob("*.parquet"):
        path.unlink()
    planned = mapped(attempt, tmp_path, "--plan")
    answer = mapped(attempt, tmp_path, "--apply")
    states = {lookup["name"]: lookup["state"] for lookup in answer["lookups"]}
    assert states == {lookup["name"]: lookup["state"] for lookup in planned["lookups"]}
    assert {name for name, state in states.items() if state == "written"} == {
        "tbl_aggregations_devicemeta", "tbl_2F6913DB_messages"}
    connection = names_in(tmp_path)
    rows = connection.execute("SELECT MetaName FROM lake.tbl_aggregations_devicemeta").fetchall()
    assert rows[0] == ("new (11111111)",) and len(rows) == 5
    assert connection.execute('SELECT * FROM lake."tbl_2F6913DB_messages"').fetchall() == [("CAN1",), ("CAN1-x",), ("CAN9",)]
    dropped = {change["name"] for change in answer["changes"] if change["action"] == "drop"}
    assert dropped == {"tbl_DEADBEEF_CAN1", "tbl_DEADBEEF_CAN1-x", "tbl_DEADBEEF_messages"}
    left = [str(path) for path in (fleet.folder / "sluice-lookups").rglob("*.parquet")]
    assert len(left) == 6 and not any("DEADBEEF" in path for path in left)


def test_a_plan_writes_nothing(attempt, fleet, tmp_path):
    answer = mapped(attempt, tmp_path, "--plan")
    assert {lookup["state"] for lookup in answer["lookups"]} == {"written"}
    assert {change["action"] for change in answer["changes"]} == {"create"}
    assert not (fleet.folder / "sluice-lookups").exists()


def test_a_file_of_somebody_else_is_left_alone(attempt, fleet, tmp_path):
    place = fleet.folder / "sluice-lookups/fleet.names/tbl_CAFE0000_messages/tbl_CAFE0000_messages.parquet"
    place.parent.mkdir(parents=True)
    pq.write_table(pa.table({"theirs": [1]}), place)
    before = place.read_bytes()
    answer = mapped(attempt, tmp_path, "--apply", code=3)
    assert any("did not make" in problem for problem in answer["problems"])
    assert place.read_bytes() == before
    # The other lookup is made all the same.
    assert names_in(tmp_path).execute("SELECT count(*) FROM lake.tbl_aggregations_devicemeta").fetchall() == [(6,)]


def test_documents_that_cannot_be_read_leave_what_is_there(attempt, fleet, tmp_path):
    mapped(attempt, tmp_path, "--apply")
    text = JOB.replace('documents: "{device}/device.json"', 'documents: "{device}/device.json"\n        lake: ./gone')
    write_job(tmp_path, text=text)
    answer = mapped(attempt, tmp_path, "--apply", code=3)
    assert any("no such lake" in problem for problem in answer["problems"])
    rows = names_in(tmp_path).execute("SELECT * FROM lake.tbl_aggregations_devicemeta").fetchall()
    assert rows == NAMED


def test_documents_may_lie_in_another_lake(attempt, fleet, tmp_path):
    (tmp_path / "input/11111111").mkdir(parents=True)
    (tmp_path / "input/11111111/device.json").write_text('{"log_meta": "other"}')
    write_job(tmp_path, text=JOB.replace(
        'documents: "{device}/device.json"', 'documents: "{device}/device.json"\n        lake: ./input'))
    mapped(attempt, tmp_path, "--apply")
    rows = names_in(tmp_path).execute("SELECT MetaName FROM lake.tbl_aggregations_devicemeta").fetchall()
    assert rows == [("other (11111111)",)] + [(device,) for device in DEVICES[1:]]


def test_lookups_are_copied_too(attempt, fleet, tmp_path):
    write_job(tmp_path, "sqlite")
    answer = mapped(attempt, tmp_path, "--apply")
    assert answer["rows_loaded"] == 22 + 6 + 11
    again = mapped(attempt, tmp_path, "--apply")
    assert again["rows_loaded"] == 0
    (fleet.folder / "11111111/device.json").write_text('{"log_meta": "new"}')
    mapped(attempt, tmp_path, "--apply")
    with contextlib.closing(sqlite3.connect(tmp_path / "copies.db")) as database:
        rows = database.execute("SELECT MetaName, DeviceId FROM tbl_aggregations_devicemeta ORDER BY 2").fetchall()
    assert rows == [("new (11111111)", "11111111")] + NAMED[1:]


@pytest.mark.parametrize("dialect", ["synapse", "fabric", "spark", "databricks"])
def test_other_dialects_name_the_file(attempt, fleet, tmp_path, dialect):
    write_job(tmp_path, dialect)
    mapped(attempt, tmp_path, "--apply", "--location", "https://a.dfs.core.windows.net/lake")
    script = (tmp_path / "names.sql").read_text()
    assert "sluice-lookups/fleet.names/tbl_aggregations_devicemeta" in script


WRONG = [
    ("{message}\" }", "{mesage}\" }", 'tables have no part "mesage"', "did you mean {message}?"),
    ("{message}\" }", "{document.x}\" }", "rows have no document", "write documents"),
    ("\"{device}/device.json\"", "\"{yyyy}/device.json\"", 'tables have no part "yyyy"', "there is {device}, {message}"),
    ("\"{device}/device.json\"", "\"{document.x}.json\"", "for columns only", ""),
    ("\"{device}\"\n", "\"{device\"\n", "is not closed", "write names in braces"),
    ("          DeviceId:", "          metaname:", "two columns have one name to SQL", ""),
    ("layout: \"{device}/{message}/{yyyy}/{mm}/{dd}/*.parquet\"", "layout: hive", "lookups are made of the parts of a pattern", "layout:"),
    ("columns: { MessageName: \"{message}\" }", "columns: {}", "there are none", "write columns"),
    ("columns: { MessageName: \"{message}\" }", "folder: ../x\n        columns: { M: \"{message}\" }", "is no folder", "aggregations"),
    ("columns: { MessageName: \"{message}\" }", "lake: ./x\n        columns: { M: \"{message}\" }", "no documents to lie in it", "documents"),
]


@pytest.mark.parametrize("old, new, message, hint", WRONG)
def test_what_is_wrong_is_told_where_it_is_written(attempt, tmp_path, old, new, message, hint):
    assert old in JOB
    write_job(tmp_path, text=JOB.replace(old, new).replace("    where:", "    #") if "hive" in new else JOB.replace(old, new))
    done = attempt("validate", cwd=tmp_path)
    assert done.code == 4, done.err
    assert message in done.err + done.text and hint in done.err + done.text
