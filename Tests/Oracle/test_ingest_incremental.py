"""Incremental reads against a model of a few lines: whatever happens to a source between runs, no row that the rules promise
is lost, and none comes twice."""

import datetime
import itertools
import os
import sqlite3

import pytest

from projects import Project
from servers import Postgres

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
# How the moments 0, 1, 2 … are written in the source, by the cursor's kind, and a window of three of them.
CURSORS = {
    "integer": (lambda at: at, "3"),
    "timestamp": (lambda at: (START + datetime.timedelta(hours=at)).strftime("%Y-%m-%d %H:%M:%S"), "3h"),
    "date": (lambda at: (START + datetime.timedelta(days=at)).strftime("%Y-%m-%d"), "3d"),
}
LATE = 3
numbers = itertools.count()


@pytest.fixture(scope="module")
def server():
    with Postgres() as server:
        yield server


class Source:
    """A table whose rows are (id, at, value), in a database and as a dictionary. `moment` is `at` before it is written."""

    def __init__(self, server, folder, kind, cursor, keyed=True):
        self.server, self.kind, self.write = server, kind, CURSORS[cursor][0]
        self.rows = {}
        self.values = itertools.count(1)
        self.table = f"source_{next(numbers)}"
        self.path = folder / "source.db"
        self.url = server.url() if kind == "postgres" else f"sqlite:{self.path}"
        types = {"integer": "bigint", "timestamp": "timestamptz" if kind == "postgres" else "timestamp", "date": "date"}
        id = "id integer PRIMARY KEY" if keyed else "id bigint"
        self.execute(f"CREATE TABLE {self.table} ({id}, at {types[cursor]}, moment bigint, value bigint)")

    def execute(self, sql, *parameters):
        if self.kind == "postgres":
            return self.server.execute(sql.replace("?", "%s"), parameters or None)
        with sqlite3.connect(self.path) as database:
            database.execute(sql, parameters)

    def put(self, id, moment):
        value = next(self.values)
        self.execute(f"DELETE FROM {self.table} WHERE id = ?", id)
        self.execute(f"INSERT INTO {self.table} VALUES (?, ?, ?, ?)",
                     id, None if moment is None else self.write(moment), moment, value)
        self.rows[id] = (moment, value)

    def clear(self):
        self.execute(f"DELETE FROM {self.table}")
        self.rows = {}


class Model:
    """What the table has to be: rows at or behind the watermark less the window are read, and those without a cursor."""

    def __init__(self, mode, late):
        self.mode, self.late, self.mark = mode, late, None
        self.merged, self.versions = {}, {}

    def load(self, rows):
        for id, (moment, value) in rows.items():
            self.merged[id] = (moment, value)
            self.versions.setdefault((id, moment), value)

    def run(self, source):
        low = None if self.mark is None else self.mark - (self.late or 0)
        self.load({id: row for id, row in source.items() if low is None or row[0] is None or row[0] >= low})
        moments = [moment for moment, _ in source.values() if moment is not None]
        if moments and (self.mark is None or max(moments) > self.mark):
            self.mark = max(moments)

    def backfill(self, source, low, high):
        self.load({id: row for id, row in source.items() if row[0] is not None and low <= row[0] < high})

    def refresh(self, source):
        self.merged, self.versions, self.mark = {}, {}, None
        self.run(source)

    @property
    def table(self):
        if self.mode == "merge":
            rows = [(id, moment, value) for id, (moment, value) in self.merged.items()]
        else:
            rows = [(id, moment, value) for (id, moment), value in self.versions.items()]
        return sorted(rows, key=lambda row: [(value is not None, value) for value in row])


def make(server, tmp_path, kind, warehouse, mode, cursor, late=None, keyed=True, **job):
    source = Source(server, tmp_path, kind, cursor, keyed)
    job = {"table": source.table, "mode": mode, "cursor": "at", "late": CURSORS[cursor][1] if late else None, **job}
    if mode == "merge":
        job["key"] = ["id"]
    elif not keyed:
        job["tie_breaker"] = ["id"]
    project = Project(tmp_path, job, source.url, warehouse, server, f"w{os.getpid()}_{next(numbers)}")
    return source, project


def check(project, model, what):
    assert project.rows("id, moment, value") == model.table, what
    # The cursor itself arrived, where there is one.
    assert project.rows("count(*)") == project.rows("count(CASE WHEN (at IS NULL) = (moment IS NULL) THEN 1 END)")


@pytest.mark.parametrize("cursor", CURSORS)
@pytest.mark.parametrize("mode", ["merge", "append"])
@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_random_history(server, tmp_path, rng, kind, warehouse, mode, cursor):
    """Inserts, updates, ties with the watermark, rows without a cursor, late rows within the window and before it."""
    late = LATE if rng.random() < 0.6 else None
    source, project = make(server, tmp_path, kind, warehouse, mode, cursor, late, keyed=rng.random() < 0.5)
    model = Model(mode, late)
    now = 10
    story = []
    for _ in range(6):
        for _ in range(rng.randrange(0, 9)):
            choice = rng.random()
            if choice < 0.15:
                moment = None
            elif choice < 0.40:
                moment = model.mark if model.mark is not None else now  # a tie with the boundary
            elif choice < 0.60:
                moment = now - rng.randrange(0, 2 * LATE + 2)
            else:
                now += rng.randrange(0, 3)
                moment = now
            id = rng.choice(list(source.rows)) if source.rows and rng.random() < 0.4 else len(source.rows) + 1
            source.put(id, moment)
            story.append((id, moment))
        choice = rng.random()
        if choice < 0.15:
            project.succeed("--full-refresh")
            model.refresh(source.rows)
            story.append("full refresh")
        elif choice < 0.35 and model.mark is not None:
            low = now - rng.randrange(0, 12)
            high = low + rng.randrange(1, 8)
            project.succeed("--backfill", f"{source.write(low)}..{source.write(high)}")
            model.backfill(source.rows, low, high)
            story.append(f"backfill {low}..{high}")
        else:
            project.succeed()
            model.run(source.rows)
            story.append(f"run, mark {model.mark}")
        if source.rows:
            check(project, model, f"late {late}: {story}")
    # Without anything new, another run changes nothing.
    project.succeed()
    model.run(source.rows)
    if source.rows:
        check(project, model, f"late {late}: {story}, and another run")
    assert set(project.statuses()) == {"success"}


@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_full_refresh_of_an_emptied_source_begins_anew(server, tmp_path, kind, warehouse):
    """The table is emptied, and rows that come then are read though they lie before the old watermark."""
    source, project = make(server, tmp_path, kind, warehouse, "append", "integer")
    model = Model("append", None)
    for id in range(1, 6):
        source.put(id, 100 + id)
    project.succeed()
    source.clear()
    project.succeed("--full-refresh")
    assert project.rows("id") == []
    model.refresh(source.rows)
    for id in range(1, 4):
        source.put(id, id)
    project.succeed()
    model.run(source.rows)
    check(project, model, "after the refresh")


@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
def test_full_refresh_with_a_limit_loses_nothing(server, tmp_path, warehouse):
    """A trial that begins anew leaves a few rows; the run after it brings the others."""
    source, project = make(server, tmp_path, "postgres", warehouse, "append", "integer")
    model = Model("append", None)
    for id in range(1, 20):
        source.put(id, id)
    project.succeed()
    project.succeed("--full-refresh", "--limit", "4")
    assert len(project.rows("id")) == 4
    project.succeed()
    model.run(source.rows)
    check(project, model, "after the trial")


@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
@pytest.mark.parametrize("mode", ["append", "merge"])
def test_lost_table_is_told_and_not_filled_by_half(server, tmp_path, warehouse, mode):
    """Somebody dropped the table: a run that would bring only what is new says so, and a full refresh brings it back."""
    source, project = make(server, tmp_path, "postgres", warehouse, mode, "integer")
    model = Model(mode, None)
    for id in range(1, 6):
        source.put(id, id)
    project.succeed()
    project.execute("DROP TABLE target")
    source.put(6, 6)
    failed = project.run()
    assert failed.code == 4, failed.err
    assert "no table target" in failed.err and "--full-refresh" in failed.err
    project.succeed("--full-refresh")
    model.run(source.rows)
    check(project, model, "after the refresh")


@pytest.mark.parametrize("mode", ["merge", "append"])
@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
def test_backfill_leaves_the_watermark(server, tmp_path, warehouse, mode):
    """The end is left out, nothing comes twice, and the next run goes on where the last one was."""
    source, project = make(server, tmp_path, "postgres", warehouse, mode, "integer")
    model = Model(mode, None)
    for id in range(1, 11):
        source.put(id, 10 + id)
    project.succeed()
    model.run(source.rows)
    for id in range(11, 21):
        source.put(id, id - 10)  # long before the watermark
    before = project.rows("column_name, type, value", "sluice_watermarks")
    done = project.succeed("--backfill", "3..7")
    assert done.answer["rows_inserted"] == 4
    model.backfill(source.rows, 3, 7)
    check(project, model, "backfill")
    project.succeed("--backfill", "3..7")
    check(project, model, "the same again")
    done = project.succeed("--backfill", "..5")
    assert done.answer["rows_inserted"] == 2
    model.backfill(source.rows, 0, 5)
    check(project, model, "without a beginning")
    assert project.rows("column_name, type, value", "sluice_watermarks") == before
    project.succeed()
    model.run(source.rows)
    check(project, model, "next run")


@pytest.mark.parametrize("mode", ["merge", "append"])
def test_limited_run_is_a_trial(server, tmp_path, mode):
    """What a run with --limit left out comes with the next run, and what it brought does not come twice."""
    source, project = make(server, tmp_path, "postgres", "sqlite", mode, "integer")
    model = Model(mode, None)
    for id in range(1, 30):
        source.put(id, id)
    project.succeed("--limit", "7")
    assert len(project.rows("id")) == 7
    project.succeed()
    model.run(source.rows)
    check(project, model, "after a trial")


@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_null_cursors_may_be_rejected_or_fail(server, tmp_path, kind, warehouse):
    source, project = make(server, tmp_path, kind, warehouse, "append", "timestamp", cursor_nulls="reject")
    source.put(1, 5)
    source.put(2, None)
    source.put(3, 6)
    done = project.succeed(code=3)
    assert done.answer["rows_rejected"] == 1
    assert [row[0] for row in project.rows("id")] == [1, 3]
    assert project.statuses() == ["partial"]
    reject, = project.rejects()
    assert reject["column"] == "at" and '"id":2' in reject["raw"].replace(" ", "")

    path = tmp_path / "sluice.yaml"
    path.write_text(path.read_text().replace('"reject"', '"fail"'))
    source.put(4, 7)
    failed = project.run()
    assert failed.code == 1, failed.err
    assert "at" in failed.err and "null" in failed.err
    assert [row[0] for row in project.rows("id")] == [1, 3]
    assert project.statuses() == ["partial", "failure"]


@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
@pytest.mark.parametrize("marker", ["gone", "gone=yes"])
def test_merge_with_deletion_marker(server, tmp_path, rng, warehouse, marker):
    """Rows that say that they are deleted leave the table, and come back when they say so no more."""
    table = f"source_{next(numbers)}"
    type, yes, no = ("boolean", True, [False, None]) if marker == "gone" else ("text", "yes", ["no", "", None])
    server.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, gone {type}, value int, at int NOT NULL)")
    job = {"table": table, "mode": "merge", "key": ["id"], "cursor": "at", "delete": marker}
    project = Project(tmp_path, job, server.url(), warehouse, server, f"w{os.getpid()}_{next(numbers)}")
    rows = {}
    for at in range(1, 7):
        for id in rng.sample(range(1, 16), 6):
            gone = yes if rng.random() < 0.4 else rng.choice(no)
            rows[id] = (gone, at * 100 + id)
            server.execute(f"INSERT INTO {table} VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET gone = excluded.gone,"
                           " value = excluded.value, at = excluded.at", (id, *rows[id], at))
        project.succeed()
        wanted = sorted((id, value) for id, (gone, value) in rows.items() if gone != yes)
        assert project.rows("id, value") == wanted


class Folder:
    """Source files with their own times, so that a test need not wait for a clock."""

    def __init__(self, path):
        self.path = path
        self.clock = 1_700_000_000
        path.mkdir()

    def write(self, name, rows):
        self.path.joinpath(name).write_text("id,value\n" + "".join(f"{id},{value}\n" for id, value in rows))
        self.touch(name)

    def touch(self, name):
        self.clock += 10
        os.utime(self.path / name, (self.clock, self.clock))


@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
@pytest.mark.parametrize("mode", ["append", "merge", "replace"])
def test_files_changed_touched_new_and_vanished(server, tmp_path, warehouse, mode):
    folder = Folder(tmp_path / "inbox")
    job = {"files": ["*.csv"], "mode": mode, "key": ["id"] if mode == "merge" else None}
    project = Project(tmp_path, job, str(folder.path), warehouse, server, f"w{os.getpid()}_{next(numbers)}")
    folder.write("a.csv", [(1, 10), (2, 20)])
    folder.write("b.csv", [(3, 30), (4, 40)])
    project.succeed()
    assert project.rows("id, value") == [(1, 10), (2, 20), (3, 30), (4, 40)]

    again = project.succeed()
    assert project.rows("id, value") == [(1, 10), (2, 20), (3, 30), (4, 40)]
    if mode != "replace":
        assert again.answer["rows_read"] == 0

    folder.touch("a.csv")
    project.succeed()
    assert project.rows("id, value") == [(1, 10), (2, 20), (3, 30), (4, 40)], "touched"

    folder.write("b.csv", [(3, 31), (5, 50)])
    folder.write("c.csv", [(6, 60)])
    project.succeed()
    # A changed file takes the place of its earlier version; a merge goes by key, and knows nothing of rows that are gone.
    wanted = [(1, 10), (2, 20), (3, 31), (5, 50), (6, 60)]
    if mode == "merge":
        wanted = sorted(wanted + [(4, 40)])
    assert project.rows("id, value") == wanted, "changed and new"

    (folder.path / "a.csv").unlink()
    project.succeed()
    assert project.rows("id, value") == ([row for row in wanted if row[0] > 2] if mode == "replace" else wanted), "vanished"

    # It comes back with other rows.
    folder.write("a.csv", [(7, 70)])
    project.succeed()
    if mode == "merge":
        wanted = sorted(wanted + [(7, 70)])
    else:
        wanted = [row for row in wanted if row[0] > 2] + [(7, 70)]
    assert project.rows("id, value") == wanted, "back again"

    project.succeed("--full-refresh")
    assert project.rows("id, value") == [(3, 31), (5, 50), (6, 60), (7, 70)]
    assert set(project.statuses()) == {"success"}


@pytest.mark.parametrize("mode", ["append", "merge", "replace"])
def test_random_histories_of_files(server, tmp_path, rng, mode):
    """Files come, change, shrink to nothing and vanish; the table is what the rules say."""
    folder = Folder(tmp_path / "inbox")
    job = {"files": ["*.csv"], "mode": mode, "key": ["id"] if mode == "merge" else None}
    project = Project(tmp_path, job, str(folder.path), "sqlite", server)
    files, loaded, merged = {}, {}, {}
    values = itertools.count(1)
    for step in range(8):
        changed = []
        for _ in range(rng.randrange(1, 4)):
            name = f"f{rng.randrange(5)}.csv"
            choice = rng.random()
            if choice < 0.2 and name in files and len(files) > 1:
                (folder.path / name).unlink()
                del files[name]
            elif choice < 0.4 and name in files:
                folder.touch(name)
            else:
                number = int(name[1])
                files[name] = [(number * 100 + rng.randrange(6), next(values)) for _ in range(rng.randrange(1, 5))]
                # One key at most once a file, so that the order of arrival is known.
                files[name] = list({id: (id, value) for id, value in files[name]}.values())
                folder.write(name, files[name])
                changed.append(name)
        done = project.succeed()
        for name in changed:
            if name in files:
                merged.update(dict(files[name]))
        if mode == "replace":
            loaded = dict(files)
        else:
            loaded.update({name: files[name] for name in changed if name in files})
        wanted = sorted(merged.items()) if mode == "merge" else sorted(row for rows in loaded.values() for row in rows)
        assert project.rows("id, value") == wanted, f"step {step}, {done.text}"


def test_file_that_was_away_during_a_full_refresh_is_loaded_when_it_is_back(server, tmp_path):
    folder = Folder(tmp_path / "inbox")
    project = Project(tmp_path, {"files": ["*.csv"]}, str(folder.path))
    folder.write("a.csv", [(1, 10)])
    folder.write("b.csv", [(2, 20)])
    project.succeed()
    (folder.path / "b.csv").rename(tmp_path / "away.csv")
    project.succeed("--full-refresh")
    assert project.rows("id, value") == [(1, 10)]
    (tmp_path / "away.csv").rename(folder.path / "b.csv")
    project.succeed()
    assert project.rows("id, value") == [(1, 10), (2, 20)]


@pytest.mark.parametrize("mode", ["append", "merge", "replace"])
def test_no_file_at_all(server, tmp_path, mode):
    """Nothing to do for a job that goes on; a failure for one that would empty the table."""
    folder = Folder(tmp_path / "inbox")
    project = Project(tmp_path, {"files": ["*.csv"], "mode": mode, "key": ["id"]}, str(folder.path))
    code = 1 if mode == "replace" else 0
    first = project.succeed(code=code)
    assert project.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'target'") == [(0,)]
    assert "*.csv" in (first.err if code else first.answer["note"])
    folder.write("a.csv", [(1, 10)])
    project.succeed()
    (folder.path / "a.csv").unlink()
    project.succeed(code=code)
    assert project.rows("id, value") == [(1, 10)]
    refused = project.succeed("--full-refresh", code=1)
    assert "target" in refused.err
    assert project.rows("id, value") == [(1, 10)]


@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
@pytest.mark.parametrize("mode", ["append", "merge"])
def test_growing_files_with_a_cursor(server, tmp_path, warehouse, mode):
    """Of a file that has grown only what is new is read, and what was loaded of it stays."""
    folder = Folder(tmp_path / "inbox")
    job = {"files": ["*.csv"], "cursor": "value", "mode": mode, "key": ["id"] if mode == "merge" else None,
           "tie_breaker": ["id"]}
    project = Project(tmp_path, job, str(folder.path), warehouse, server, f"w{os.getpid()}_{next(numbers)}")
    folder.write("a.csv", [(i, i) for i in range(1, 6)])
    project.succeed()
    folder.write("a.csv", [(i, i) for i in range(1, 9)])
    project.succeed()
    assert project.rows("id, value") == [(i, i) for i in range(1, 9)]
    # Rows of one moment lie in two files, and one of them in both.
    folder.write("b.csv", [(8, 8), (9, 8), (10, 11)])
    project.succeed()
    assert project.rows("id, value") == [(i, i) for i in range(1, 9)] + [(9, 8), (10, 11)]
    # A file that comes late is left out, as the watermark says, and a backfill brings it.
    folder.write("c.csv", [(20, 3), (21, 4), (22, 5)])
    project.succeed()
    assert project.rows("id, value") == [(i, i) for i in range(1, 9)] + [(9, 8), (10, 11)]
    project.succeed("--backfill", "4..6")
    project.succeed("--backfill", "4..6")
    project.succeed()
    assert project.rows("id, value") == [(i, i) for i in range(1, 9)] + [(9, 8), (10, 11), (21, 4), (22, 5)]


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_run_after_a_backfill_of_files_reads_all_of_them(server, tmp_path, mode):
    folder = Folder(tmp_path / "inbox")
    job = {"files": ["*.csv"], "cursor": "value", "mode": mode, "key": ["id"] if mode == "merge" else None,
           "tie_breaker": ["id"]}
    project = Project(tmp_path, job, str(folder.path))
    folder.write("a.csv", [(i, i) for i in range(1, 9)])
    project.succeed("--backfill", "3..")
    assert project.rows("id") == [(i,) for i in range(3, 9)]
    project.succeed()
    assert project.rows("id") == [(i,) for i in range(1, 9)]


@pytest.mark.parametrize(("type", "value"), [
    ("smallint", "i"), ("bigint", "9007199254740990 + i"), ("numeric(30,6)", "123456789012345678.000001 + i"),
    ("real", "i * 1.1"), ("double precision", "i * 1.1"), ("text", "'k' || i"), ("varchar(9)", "'ä' || i"),
    ("char(9)", "'k' || i"), ("uuid", "('00000000-0000-0000-0000-00000000000' || i)::uuid"),
    ("date", "date '0001-01-01' + i"), ("time", "time '00:00' + i * interval '1 s 1 us'"),
    ("timestamp", "timestamp '1960-01-01 00:00:00.123456' + i * interval '1 us'"),
    ("timestamptz", "timestamptz '1960-01-01 00:00:00.123456+05:30' + i * interval '1 us'")])
def test_ties_at_the_boundary_in_every_type(server, tmp_path, type, value):
    """A row that comes later with the largest value that was read is read, and the one that was there does not come twice."""
    table = f"source_{next(numbers)}"
    server.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, at {type} COLLATE \"C\")" if "char" in type or type == "text"
                   else f"CREATE TABLE {table} (id int PRIMARY KEY, at {type})")
    server.execute(f"INSERT INTO {table} SELECT i, {value} FROM generate_series(1, 9) AS i")
    project = Project(tmp_path, {"table": table, "cursor": "at"}, server.url())
    project.succeed()
    server.execute(f"INSERT INTO {table} SELECT i + 100, {value} FROM generate_series(9, 9) AS i")
    project.succeed()
    assert project.rows("id") == [(i,) for i in range(1, 10)] + [(109,)]
    done = project.succeed()
    assert done.answer["rows_inserted"] == 0
