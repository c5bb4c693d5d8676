"""SQL Server end to end: as the database that rows end in, and as one that they come from.

Runs where SLUICE_TEST_MSSQL holds an ODBC connection string, by its driver and by FreeTDS; every test has a schema of its own.
"""

import datetime
import json
import re
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import ROOT, run
from projects import Project
from sqlserver import ABSENCE, PREFIX, STRING, Place, Server, ServerProject, drivers, parsed, written

pytestmark = pytest.mark.skipif(not STRING, reason=ABSENCE)

MODES = {
    "append": {"mode": "append", "cursor": "updated_at"},
    "replace": {"mode": "replace"},
    "merge": {"mode": "merge", "key": ["id"], "cursor": "updated_at"},
}
# The steps of a run after which something of it may be in the database.
STEPS = [
    step for step in re.findall(r'case \w+ = "([\w.]+)"', (ROOT / "Sources/Support/FaultPoint.swift").read_text())
    if step.startswith(("audit.", "load.", "history.")) or step == "stage.manifest.after"
]
AT_ONCE = 3


@pytest.fixture(scope="module", params=drivers())
def server(request):
    with pytest.MonkeyPatch.context() as patch:
        server = Server(STRING, request.param)
        patch.setenv(PREFIX + "_PASSWORD", server.password)
        yield server


@pytest.fixture
def place(server):
    place = Place(server)
    yield place
    place.remove()


@pytest.fixture(params=[True, False], ids=["bulk", "arrays"])
def bulk(request, server):
    if request.param and server.is_freetds:
        pytest.skip("skipped: FreeTDS has no bulk copy through ODBC")
    return request.param


class Shop:
    """A SQLite database that rows come from, and that says what has to be in the table."""

    COLUMNS = "id, name, amount, updated_at"

    def __init__(self, folder, rows=200):
        folder.mkdir(exist_ok=True)
        self.path = folder / "shop.db"
        self.day = datetime.datetime(2024, 3, 1)
        self.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT, amount DECIMAL(12,2), updated_at TIMESTAMP NOT NULL)")
        self.add(range(1, rows + 1), "name")

    def execute(self, sql, rows=None):
        with sqlite3.connect(self.path) as database:
            cursor = database.executemany(sql, rows) if rows is not None else database.execute(sql)
            return cursor.fetchall()

    def add(self, numbers, name, at=None):
        start = datetime.datetime(2024, 1, 1)
        self.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", [
            (i, None if i % 17 == 0 else f"{name} 'ü€𝄞' {i}", i * 1.25,
             (at or start + datetime.timedelta(minutes=i)).isoformat()) for i in numbers])

    def change(self, mode):
        """What happens between two runs: some rows are new, and with `merge` and `replace` some are others than before."""
        highest = self.execute("SELECT max(id) FROM orders")[0][0]
        self.day += datetime.timedelta(days=1)
        self.add(range(highest + 1, highest + 31), "new", self.day)
        if mode != "append":
            at = self.day + datetime.timedelta(hours=1)
            self.execute(f"UPDATE orders SET name = 'changed', updated_at = '{at.isoformat()}' WHERE id % 10 = 3")

    def rows(self):
        return sorted(
            (i, name, f"{amount:.2f}", datetime.datetime.fromisoformat(at))
            for i, name, amount, at in self.execute(f"SELECT {self.COLUMNS} FROM orders"))


def orders(project):
    return sorted((i, name, f"{amount:.2f}", at.replace(tzinfo=None))
                  for i, name, amount, at in project.rows(Shop.COLUMNS))


def shop_project(folder, place, mode, rows=200, **warehouse):
    shop = Shop(folder, rows)
    return shop, ServerProject(folder, place, {"table": "orders", **MODES[mode]}, "sqlite:./shop.db", **warehouse)


# MARK: As the warehouse


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_brings_the_rows_once(place, tmp_path, mode, bulk):
    shop, project = shop_project(tmp_path, place, mode, bulk_copy=bulk)
    first = project.succeed().answer
    assert (first["rows_loaded"], first["rows_inserted"]) == (200, 200)
    assert orders(project) == shop.rows()

    again = project.succeed().answer
    assert again["rows_inserted"] == (200 if mode == "replace" else 0)
    # A row may have come late with the largest value of the cursor, so those that have it are looked at again.
    if mode != "replace":
        assert again["rows_loaded"] <= (1 if mode == "merge" else 0)
    assert orders(project) == shop.rows()

    shop.change(mode)
    answer = project.succeed().answer
    assert orders(project) == shop.rows()
    if mode == "merge":
        assert (answer["rows_inserted"], answer["rows_updated"]) == (29, 21) or answer["rows_inserted"] == 30
    assert set(project.statuses()) == {"success"}
    assert project.stages() == []
    # Every row says where it came from, and when.
    lineage = project.execute(
        "SELECT count(*) FROM {}.target WHERE _source_file IS NULL OR _loaded_at IS NULL OR _ingested_at IS NULL OR _run_id IS NULL")
    assert lineage == [(0,)]


def csv(folder, name, text):
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / name).write_text(text)


def test_the_table_takes_the_shape_of_the_rows(place, tmp_path, bulk):
    """A new column is added, numbers get wider, and what was there stays."""
    csv(tmp_path, "a.csv", "id,n,name\n1,7,x\n2,,y\n")
    job = {"files": ["*.csv"], "mode": "append", "types": {"n": "int16"}}
    project = ServerProject(tmp_path, place, job, "./in", bulk_copy=bulk)
    project.succeed()
    # Babelfish cannot read a name with a bracket.
    new = "a [ new 'column" if place.server.is_babelfish else "a ] new 'column"
    csv(tmp_path, "b.csv", f"id,n,name,{new}\n3,9000000000,z,1.5\n")
    project.write({**job, "types": {"n": "int64"}}, "./in")
    project.succeed()
    assert project.rows(f"id, n, name, [{new.replace(']', ']]')}]") == [
        (1, 7, "x", None), (2, None, "y", None), (3, 9_000_000_000, "z", 1.5)]
    types = dict(project.execute(
        "SELECT c.name, TYPE_NAME(c.user_type_id) FROM sys.columns AS c WHERE c.object_id = OBJECT_ID('{}.target')"))
    assert types["n"] == "bigint"


def test_columns_of_the_azure_loader_are_added_to_an_old_table(place, tmp_path, bulk):
    """A table that somebody else made has no `_source_file` and `_loaded_at` yet."""
    place.execute("CREATE TABLE {}.target (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(20))")
    place.execute("INSERT INTO {}.target VALUES (1, 'old')")
    csv(tmp_path, "a.csv", "id,name\n1,new\n2,two\n")
    ServerProject(tmp_path, place, {"files": ["*.csv"], "mode": "merge", "key": "id"}, "./in", bulk_copy=bulk).succeed()
    assert sorted(place.execute("SELECT id, name, CASE WHEN _loaded_at IS NULL THEN 0 ELSE 1 END FROM {}.target")) == [
        (1, "new", 1), (2, "two", 1)]


def test_rows_that_do_not_fit_are_rejected_and_all_others_loaded(place, tmp_path, bulk):
    place.execute("CREATE TABLE {}.target (id BIGINT, name VARCHAR(5), n FLOAT)")
    lines = [{"id": 1, "name": "fits", "n": 1.5}, {"id": 2, "name": "much too long", "n": 1},
             {"id": 3, "name": "x", "n": 2}, {"id": 5, "name": "y", "n": None}]
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.ndjson").write_text("\n".join(map(json.dumps, lines)) + "\n{ broken\n")
    job = {"files": ["*.ndjson"], "contract": "discard-rows"}
    project = ServerProject(tmp_path, place, job, "./in", bulk_copy=bulk)
    done = project.succeed(code=3)
    assert project.rows("id, name, n") == [(1, "fits", 1.5), (3, "x", 2.0), (5, "y", None)]
    assert done.answer["rows_rejected"] == 2 and done.answer["rows_loaded"] == 3
    assert "much too long" in json.dumps(project.rejects())
    assert project.statuses() == ["partial"]
    assert project.execute("SELECT rows_loaded FROM {}.etl_audit_log") == [(3,)]


AUDIT = [
    ("id", "bigint", 8, False, True), ("run_id", "nvarchar", 128, False, False),
    ("pipeline_name", "nvarchar", 512, False, False), ("source_name", "nvarchar", 512, False, False),
    ("protocol", "nvarchar", 128, False, False), ("target_table", "nvarchar", 512, False, False),
    ("status", "nvarchar", 32, False, False), ("rows_loaded", "bigint", 8, True, False),
    ("parquet_files", "int", 4, True, False), ("error_message", "nvarchar", -1, True, False),
    ("started_at", "datetimeoffset", 10, False, False), ("finished_at", "datetimeoffset", 10, True, False),
]


def instant(text):
    """A moment as servers write it: with any number of digits behind the point, and a zone or none, which is UTC."""
    day, time, fraction, zone = re.fullmatch(r"([\d-]+)[T ]([\d:]+)(?:\.(\d+))? ?(Z|[+-]\d\d:\d\d)?", text).groups()
    zone = "+00:00" if zone in (None, "Z") else zone
    return datetime.datetime.fromisoformat(f"{day}T{time}.{(fraction or '')[:6].ljust(6, '0')}{zone}")


def test_the_audit_table_is_as_documented_and_tells_the_truth(place, tmp_path):
    csv(tmp_path, "a.csv", "id,name\n1,x\n2,y\n")
    project = ServerProject(tmp_path, place, {"files": ["*.csv"], "mode": "merge", "key": "id"}, "./in")
    before = datetime.datetime.now(datetime.timezone.utc)
    run_id = project.succeed().answer["run_id"]
    found = place.execute(
        "SELECT c.name, TYPE_NAME(c.user_type_id), c.max_length, c.is_nullable, c.is_identity FROM sys.columns AS c "
        "WHERE c.object_id = OBJECT_ID('{}.etl_audit_log') ORDER BY c.column_id")
    assert [tuple(row) for row in found] == AUDIT
    key = place.execute(
        "SELECT c.name FROM sys.indexes AS i INNER JOIN sys.index_columns AS k ON k.object_id = i.object_id AND "
        "k.index_id = i.index_id INNER JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id "
        "WHERE i.is_primary_key = 1 AND i.object_id = OBJECT_ID('{}.etl_audit_log')")
    if not place.server.is_babelfish or key:  # Babelfish may leave sys.index_columns empty.
        assert key == [("id",)]

    # A source that is broken behind the first row fails, and is told.
    csv(tmp_path, "b.csv", "id,name\n3,z\n")
    project.write({"files": ["*.csv"], "mode": "merge", "key": "nothing"}, "./in")
    assert project.run().code != 0
    rows = place.execute(
        "SELECT run_id, pipeline_name, source_name, protocol, target_table, status, rows_loaded, parquet_files, error_message, "
        "CONVERT(VARCHAR(40), started_at, 127), CONVERT(VARCHAR(40), finished_at, 127) FROM {}.etl_audit_log ORDER BY id")
    assert rows[0][:9] == (run_id, f"{project.name}.copy", "*.csv", "file", rows[0][4], "success", 2, 1, None)
    assert "target" in rows[0][4]
    started, finished = (instant(text) for text in rows[0][9:])
    assert before - datetime.timedelta(seconds=1) <= started <= finished <= datetime.datetime.now(datetime.timezone.utc)
    for row in rows[1:]:
        assert row[5] == "failure" and row[6] == 0 and row[8] and row[10]


def test_nothing_there_yet_is_no_error(place, tmp_path):
    """Before the first run none of Sluice's tables exist, and a plan shows what would be."""
    csv(tmp_path, "a.csv", "id,name\n1,x\n")
    ServerProject(tmp_path, place, {"files": ["*.csv"]}, "./in")
    plan = run("plan", cwd=tmp_path)
    assert plan.code == 0, plan.err
    assert "target" in plan.text
    assert place.tables() == []
    query = run("query", "SELECT * FROM nothing", cwd=tmp_path)
    assert query.code in (1, 4) and "nothing" in query.err


@pytest.mark.parametrize("name", ["dwh", "d w"])
def test_the_warehouse_may_be_a_connection_by_its_name(place, tmp_path, name):
    csv(tmp_path, "a.csv", "id,name\n1,x\n")
    settings = place.server.settings(schema=place.schema)
    (tmp_path / "sluice.yaml").write_text(f"""project: test
warehouse: {name}
connections:
  {name}: {json.dumps(settings)}
  source: ./in
jobs:
  copy: {{ kind: ingest, from: source, files: "*.csv", into: target }}
""")
    done = run("run", "copy", cwd=tmp_path)
    assert done.code == 0, done.err
    assert place.single("SELECT count(*) FROM {}.target") == 1


# MARK: Runs that die, meet, or are stopped


@pytest.mark.parametrize("mode", MODES)
def test_killed_at_every_step_of_a_load(server, tmp_path, mode):
    """The run behind the one that died makes the table what one run would have, and leaves nothing lying about."""
    if server.is_freetds and mode != "merge":
        pytest.skip("skipped: one mode is enough to see that the driver makes no difference")

    def case(number_and_step):
        number, step = number_and_step
        place = Place(server)
        try:
            shop, project = shop_project(tmp_path / str(number), place, mode, rows=60)
            project.succeed()
            shop.change(mode)
            killed = project.run(env={"SLUICE_FAULT": step})
            assert killed.code == -9, f"{step}: exit code {killed.code}\n{killed.err}"
            done = run_when_free(project)
            assert done.code == 0, f"{step}: {done.err}"
            assert orders(project) == shop.rows(), step
            statuses = project.statuses()
            assert set(statuses) <= {"success", "died"} and statuses[-1] == "success", f"{step}: {statuses}"
            # A stage that the dead run left goes with the next load.
            shop.change(mode)
            project.succeed()
            assert orders(project) == shop.rows(), step
            assert project.stages() == [], step
        finally:
            place.remove()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(case, enumerate(STEPS)):
            pass


def run_when_free(project, seconds=30):
    """A run, as soon as the server has noticed that the one before is dead."""
    deadline = time.monotonic() + seconds
    while True:
        done = project.run()
        if done.code != 75 or time.monotonic() > deadline:
            return done
        time.sleep(0.2)


@pytest.fixture
def held(place, tmp_path):
    """A job whose table holds rows, and a session that keeps a load from changing one of them until it is rolled back."""
    shop, project = shop_project(tmp_path, place, "merge")
    project.succeed()
    shop.change("merge")
    blocker = place.server.connect(autocommit=False)
    blocker.execute(f"UPDATE [{place.schema}].target SET name = 'held' WHERE id = 3")
    yield shop, project, blocker
    blocker.close()


def wait_for(condition, what, process, seconds=40):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"it ended before {what}: {process.communicate()}")
        if condition():
            return
        time.sleep(0.1)
    process.kill()
    process.communicate()
    pytest.fail(f"{what} did not come within {seconds} s")


def test_a_second_run_is_refused_and_told_who_holds_the_lock(held):
    shop, project, blocker = held
    first = project.start()
    wait_for(lambda: project.statuses()[-1] == "running", "the audit row", first)
    second = project.run()
    assert second.code == 75, second.err
    assert f"{project.name}.copy" in second.err and "hint:" in second.err
    # The session's own name holds the run's.
    running = project.execute("SELECT run_id FROM {}.etl_audit_log WHERE status = 'running'")[0][0]
    assert running in second.err or "sluice" in second.err, second.err
    blocker.rollback()
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, err.decode()
    assert orders(project) == shop.rows()
    assert project.statuses() == ["success", "success"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_of_a_load_nothing_is_left(held, number):
    shop, project, blocker = held
    before = blocker.execute(f"SELECT count(*) FROM [{project.place.schema}].target").fetchval()
    process = project.start()
    wait_for(lambda: project.statuses()[-1] == "running", "the audit row", process)
    time.sleep(3)
    process.send_signal(number)
    started = time.monotonic()
    _, err = process.communicate(timeout=40)
    assert process.returncode == 128 + number, err.decode()
    assert time.monotonic() - started < 15
    blocker.rollback()
    assert project.statuses() == ["success", "cancelled"]
    assert project.stages() == []
    assert project.rows("count(*)") == [(before,)]
    project.succeed()
    assert orders(project) == shop.rows()


# MARK: Who is not let in


def shows_no_secret(server, folder, *results):
    text = "".join(result.text + result.err for result in results)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "sluice.yaml"]
    text += "".join(path.read_bytes().decode("utf-8", "replace") for path in files)
    assert "Wrong;pass}word1" not in text
    if len(server.password) >= 8:
        assert server.password not in text


def test_a_wrong_password_is_told_and_not_shown(server, place, tmp_path, monkeypatch):
    if lets_everybody_in(server):
        pytest.skip("skipped: the server lets everybody in, whatever the password")
    csv(tmp_path, "a.csv", "id\n1\n")
    ServerProject(tmp_path, place, {"files": ["*.csv"]}, "./in")
    monkeypatch.setenv(PREFIX + "_PASSWORD", "Wrong;pass}word1")
    results = [run("run", "copy", cwd=tmp_path), run("run", "copy", "--json", cwd=tmp_path), run("check", "warehouse", cwd=tmp_path)]
    for result in results:
        assert result.code == 5, result.err
    assert "hint:" in results[0].err and "password" in results[0].err
    shows_no_secret(server, tmp_path, *results)


def test_an_unknown_user_is_told(server, place, tmp_path):
    csv(tmp_path, "a.csv", "id\n1\n")
    ServerProject(tmp_path, place, {"files": ["*.csv"]}, "./in", username="nobody_of_that_name")
    done = run("run", "copy", cwd=tmp_path)
    assert done.code == 5, done.err
    assert "nobody_of_that_name" in done.err and "hint:" in done.err
    shows_no_secret(server, tmp_path, done)


def lets_everybody_in(server):
    pairs = {key: value for key, value in parsed(server.string).items() if key not in ("pwd", "password")}
    try:
        server.pyodbc.connect(written({**pairs, "pwd": "Wrong;pass}word1"}), timeout=30).close()
        return True
    except server.pyodbc.Error:
        return False


def test_a_wrong_database_is_told(server, place, tmp_path):
    csv(tmp_path, "a.csv", "id\n1\n")
    ServerProject(tmp_path, place, {"files": ["*.csv"]}, "./in", database="there_is_none")
    done = run("check", "warehouse", cwd=tmp_path)
    assert done.code in (1, 4, 5), done.err
    said = done.text + done.err
    assert "there_is_none" in said and "check the database's name" in said
    shows_no_secret(server, tmp_path, done)


def test_a_certificate_that_nobody_vouches_for_is_refused(server, place, tmp_path):
    if not server.trusts:
        pytest.skip("skipped: SLUICE_TEST_MSSQL does not say TrustServerCertificate=yes, so that the certificate is a good one")
    if server.is_freetds:
        pytest.skip("skipped: FreeTDS verifies no certificate unless its own configuration file says so")
    csv(tmp_path, "a.csv", "id\n1\n")
    project = ServerProject(tmp_path, place, {"files": ["*.csv"]}, "./in", trust_server_certificate=False)
    done = project.run()
    assert done.code == 5, done.err
    assert "certificate" in done.err and "trust_server_certificate" in done.err
    shows_no_secret(server, tmp_path, done)


def test_a_server_that_is_not_there_is_told(server, place, tmp_path):
    from servers import free_port
    csv(tmp_path, "a.csv", "id\n1\n")
    project = ServerProject(
        tmp_path, place, {"files": ["*.csv"]}, "./in", port=free_port(), connect_timeout="2s", wake_timeout="1s")
    done = project.run()
    assert done.code == 75, done.err
    assert "hint:" in done.err and "running" in done.err


def test_other_programs_words_lead_to_ours(tmp_path):
    (tmp_path / "sluice.yaml").write_text("""project: test
connections:
  erp: { protocol: mssql, host: db.example, user: reader, database: erp }
jobs:
  copy: { kind: ingest, from: erp, table: t }
""")
    done = run("validate", cwd=tmp_path)
    assert done.code == 4
    assert 'it is called "server" here' in done.err + done.text
    assert 'it is called "username" here' in done.err + done.text


# MARK: As the source

# Every type with the values at its ends; `{f}` is how many digits of a second the server keeps.
TYPES = {
    "bt": ("bit", ["0", "1"]),
    "ti": ("tinyint", ["0", "255"]),
    "si": ("smallint", ["-32768", "32767"]),
    "i": ("int", ["-2147483648", "2147483647"]),
    "bi": ("bigint", ["-9223372036854775808", "9223372036854775807"]),
    "r": ("real", ["-3.25", "1.5"]),
    "f": ("float", ["-1.7976931348623157e308", "0.1"]),
    "d38": ("decimal(38,10)", ["-9999999999999999999999999999.9999999999", "0.0000000001"]),
    "n5": ("numeric(5,2)", ["-999.99", "0.01"]),
    "m": ("money", ["-922337203685477.5807", "922337203685477.5807"]),
    "sm": ("smallmoney", ["-214748.3648", "0.0001"]),
    "d": ("date", ["'0001-01-01'", "'9999-12-31'"]),
    "t": ("time({f})", ["'00:00:00'", "'23:59:59.{nines}'"]),
    "dt": ("datetime", ["'1753-01-01T00:00:00'", "'9999-12-31T23:59:59.997'"]),
    "sdt": ("smalldatetime", ["'1900-01-01T00:00:00'", "'2079-06-06T23:59:00'"]),
    "dt2": ("datetime2({f})", ["'1677-09-22T00:00:00'", "'2262-04-11T23:47:16.{digits}'"]),
    "dto": ("datetimeoffset({f})", ["'1677-09-22 00:00:00 +05:30'", "'2262-04-10 23:47:16.{digits} -11:00'"]),
    "c": ("char(5)", ["'ab'", "'12345'"]),
    "v": ("varchar(50)", ["''", "'it''s'"]),
    "vm": ("varchar(max)", ["REPLICATE(CONVERT(varchar(max), 'x'), 20000)", "''"]),
    "nc": ("nchar(4)", ["N'ü€'", "N'abcd'"]),
    "nv": ("nvarchar(50)", ["N''", "N'ü€𝄞 \\ \" 日本'"]),
    "nm": ("nvarchar(max)", ["REPLICATE(CONVERT(nvarchar(max), N'€𝄞'), 9000)", "N''"]),
    "b": ("binary(4)", ["0x00ff0001", "0x01"]),
    "vb": ("varbinary(20)", ["0x", "0x00000000ff"]),
    "vbm": ("varbinary(max)", ["CONVERT(varbinary(max), REPLICATE(CONVERT(varchar(max), 'x'), 20000))", "0x00"]),
    "u": ("uniqueidentifier", ["'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "'00000000-0000-0000-0000-000000000000'"]),
    "x": ("xml", ["N'<a b=\"1\">ü</a>'", "N'<empty/>'"]),
}


def make_all_types(place, names):
    fraction = place.server.fraction
    words = {"f": fraction, "nines": "9" * fraction, "digits": "1234567"[:fraction]}
    columns = ", ".join(f"[{name}] {TYPES[name][0].format(**words)}" for name in names)
    place.execute(f"CREATE TABLE {{}}.alltypes (id int NOT NULL PRIMARY KEY, {columns})")
    for number in range(2):
        values = ", ".join(
            value.replace("{nines}", words["nines"]).replace("{digits}", words["digits"])
            for value in (TYPES[name][1][number] for name in names))
        place.execute(f"INSERT INTO {{}}.alltypes VALUES ({number + 1}, {values})")
    place.execute(f"INSERT INTO {{}}.alltypes (id) VALUES (3)")


def judged(place, name):
    """A column as pyodbc reads it; times as text, which the server makes, since Python has no nanoseconds."""
    kind = TYPES[name][0]
    if kind.startswith(("time", "datetime", "smalldatetime")):
        moment = f"SWITCHOFFSET([{name}], '+00:00')" if kind.startswith("datetimeoffset") else f"[{name}]"
        return [row[0] for row in place.execute(f"SELECT CONVERT(VARCHAR(40), {moment}, 121) FROM {{}}.alltypes ORDER BY id")]
    if kind == "xml":
        return [row[0] for row in place.execute(f"SELECT CONVERT(NVARCHAR(MAX), [{name}]) FROM {{}}.alltypes ORDER BY id")]
    return [row[0] for row in place.execute(f"SELECT [{name}] FROM {{}}.alltypes ORDER BY id")]


def moment(text):
    """A moment that the server or Arrow has written, as day, time and nanoseconds."""
    if text is None:
        return None
    found = re.fullmatch(r"(?:(\d{4}-\d\d-\d\d))?[ T]?(\d\d:\d\d:\d\d)(?:\.(\d+))?\s*(?:\+00:00|Z)?", text)
    assert found, text
    return found[1], found[2], int((found[3] or "0").ljust(9, "0"))


def staged(folder):
    """All that lies in the lake, as one table of Arrow's."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    return pa.concat_tables(pq.read_table(path, partitioning=None) for path in sorted((folder / "lake").rglob("*.parquet")))


def same_as_judged(place, table, names):
    import uuid
    import pyarrow as pa
    import pyarrow.compute as pc
    table = table.sort_by("id")
    for name in names:
        wanted, column = judged(place, name), table[name]
        if pa.types.is_temporal(column.type) and not pa.types.is_date(column.type):
            found = [moment(text) for text in pc.cast(column, pa.string()).to_pylist()]
            wanted = [moment(text) for text in wanted]
        else:
            found = column.to_pylist()
            if name == "u":
                wanted = [uuid.UUID(value) if isinstance(value, str) else value for value in wanted]
                found = [uuid.UUID(bytes=value) if isinstance(value, bytes) else uuid.UUID(value) if isinstance(value, str)
                         else value for value in found]
        assert found == wanted, f"{name}, {TYPES[name][0]}, read as {column.type}"


def unreadable(server):
    """What the driver at hand cannot read by itself, as docs/sqlserver.md says."""
    return {"dto", "t"} if server.is_freetds else set()


@pytest.mark.parametrize("by", ["table", "query"])
def test_all_types_are_read_exactly(server, place, tmp_path, by):
    import pyarrow as pa
    names = [name for name in TYPES if name not in unreadable(server)]
    make_all_types(place, names)
    job = {"table": f"{place.schema}.alltypes"} if by == "table" else {
        "query": f"SELECT * FROM [{place.schema}].alltypes", "into": "target"}
    Project(tmp_path, job, server.settings()).succeed()
    table = staged(tmp_path)
    assert table.num_rows == 3
    same_as_judged(place, table, names)
    assert table.schema.field("d38").type == pa.decimal128(38, 10)
    assert table.schema.field("m").type == pa.decimal128(19, 4)


def test_what_freetds_cannot_read_is_read_by_a_query_that_casts_it(server, place, tmp_path):
    place.execute("CREATE TABLE {}.moments (id int, at datetimeoffset(6), t time(6))")
    place.execute("INSERT INTO {}.moments VALUES (1, '2024-02-29 12:00:00.123456 +05:30', '23:59:59.999999')")
    query = ("SELECT id, CONVERT(datetime2(6), SWITCHOFFSET(at, '+00:00')) AS at, CONVERT(varchar(16), t) AS t "
             f"FROM [{place.schema}].moments")
    Project(tmp_path, {"query": query}, server.settings()).succeed()
    found = staged(tmp_path)
    assert found["at"].to_pylist() == [datetime.datetime(2024, 2, 29, 6, 30, 0, 123456)]
    assert found["t"].to_pylist()[0].rstrip("0") == "23:59:59.999999"


@pytest.mark.parametrize("kind", ["datetime2({f})", "datetime", "bigint", "nvarchar(20)"])
def test_the_second_run_reads_what_is_new(server, place, tmp_path, kind):
    place.execute(f"CREATE TABLE {{}}.events (id int NOT NULL PRIMARY KEY, at {kind.format(f=server.fraction)} NOT NULL)")

    def value(number):
        if kind.startswith("datetime"):
            return f"'2024-01-{number:02}T00:00:00.123'"
        return f"'{number:05}'" if kind.startswith("nvarchar") else str(number * 10**15)

    for number in (1, 2):
        place.execute(f"INSERT INTO {{}}.events VALUES ({number}, {value(number)})")
    job = {"table": f"{place.schema}.events", "cursor": "at", "key": "id", "mode": "merge"}
    project = Project(tmp_path, job, server.settings())
    assert project.succeed().answer["rows_inserted"] == 2
    # One that is as late as the latest, and one that is later.
    place.execute(f"INSERT INTO {{}}.events VALUES (3, {value(2)}), (4, {value(3)})")
    assert project.succeed().answer["rows_inserted"] == 2
    assert project.succeed().answer["rows_inserted"] == 0
    assert project.rows("id") == [(1,), (2,), (3,), (4,)]


def test_what_is_in_the_server_is_shown(server, place, tmp_path, sluice):
    # Babelfish cannot read a name with a bracket.
    odd = "odd 'name" if server.is_babelfish else "odd ] name"
    place.execute("CREATE TABLE {}.seen (a int NOT NULL, b nvarchar(20), [" + odd.replace("]", "]]") + "] date, PRIMARY KEY (a))")
    Project(tmp_path, {"table": f"{place.schema}.seen"}, server.settings())
    assert "source" in sluice("check", "source", cwd=tmp_path).text
    found = sluice("discover", "source", "--json", cwd=tmp_path).text
    assert f"{place.schema}.seen" in found and odd in found


@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_from_the_server_to_the_server_nothing_changes(server, place, tmp_path, mode, bulk):
    """Server, Parquet, server: what pyodbc reads of both tables is the same."""
    names = [name for name in TYPES if name not in unreadable(server)]
    if server.is_freetds:
        names = [name for name in names if name not in LONG]
    make_all_types(place, names)
    job = {"table": f"{place.schema}.alltypes", "mode": mode, "key": "id" if mode == "merge" else None}
    project = ServerProject(tmp_path, place, job, server.settings(), bulk_copy=bulk)
    for _ in range(2):
        project.succeed()
        for name in names:
            found = place.execute(f"SELECT {compared(name)} FROM {{}}.target ORDER BY id")
            there = place.execute(f"SELECT {compared(name)} FROM {{}}.alltypes ORDER BY id")
            assert found == there, f"{name}, {TYPES[name][0]}"


# The columns with values of more than 8000 bytes.
LONG = {"vm", "nm", "vbm"}


def test_a_long_value_arrives_whole_or_not_at_all(server, place, tmp_path):
    """FreeTDS would cut it without a word."""
    lengths = [1, 3999, 4000, 4001, 20_000] if not server.is_freetds else [1, 3999, 4000]
    csv(tmp_path, "a.csv", "id,t\n" + "".join(f"{length},{'xü' * (length // 2)}{'z' * (length % 2)}\n" for length in lengths))
    project = ServerProject(tmp_path, place, {"files": ["*.csv"]}, "./in", bulk_copy=False)
    project.succeed()
    assert project.execute("SELECT id, LEN(t), RIGHT(t, 1) FROM {}.target ORDER BY id") == [
        (length, length, "z" if length % 2 else "ü") for length in lengths]
    if server.is_freetds:
        csv(tmp_path, "b.csv", "id,t\n5,short\n6," + "x" * 4001 + "\n")
        refused = project.run()
        assert refused.code != 0 and "FreeTDS" in refused.err and "hint:" in refused.err
        assert project.execute("SELECT count(*) FROM {}.target") == [(len(lengths),)]


def compared(name):
    kind = TYPES[name][0]
    if kind.startswith("datetimeoffset"):
        return f"CONVERT(VARCHAR(40), SWITCHOFFSET([{name}], '+00:00'), 121)"
    if kind.startswith(("datetime", "smalldatetime")):
        return f"CONVERT(VARCHAR(40), CONVERT(DATETIME2(6), [{name}]), 121)"
    if kind.startswith("time"):
        return f"CONVERT(VARCHAR(40), CONVERT(TIME(6), [{name}]), 121)"
    return f"CONVERT(NVARCHAR(MAX), [{name}])" if kind == "xml" else f"[{name}]"

