"""Kills runs at every named step, and cuts their connections, on both warehouses and in every mode: afterwards the table
equals the source, by count and by content, as if everything had run once."""

import datetime
import decimal
import json
import re
import sqlite3
import subprocess

import pytest

from conftest import BINARY, ROOT, run
from servers import CuttingProxy, Postgres, random_cuts

# The steps that an ingest goes through; those of reports have tests of their own.
STEPS = [
    step for step in re.findall(r'case \w+ = "([\w.]+)"', (ROOT / "Sources/Support/FaultPoint.swift").read_text())
    if not step.startswith(("report.", "init."))
]
MODES = {
    "append": "mode: append\n    cursor: updated_at",
    "replace": "mode: replace",
    "merge": "mode: merge\n    key: [id]\n    cursor: updated_at",
    "plain append": "mode: append",
}
COLUMNS = "id, name, amount, updated_at"


@pytest.fixture(scope="module")
def server():
    with Postgres() as server:
        yield server


def make_source(server, name):
    server.execute(f"""
        DROP TABLE IF EXISTS {name};
        CREATE TABLE {name} (id int PRIMARY KEY, name text, amount numeric(12,2), updated_at timestamptz NOT NULL);
        INSERT INTO {name} SELECT i, 'name ' || i, i * 1.25, timestamptz '2024-01-01' + (i / 10) * interval '1 hour'
        FROM generate_series(1, 500) AS i""")


class Case:
    """A project whose job reads a table of the server, and its warehouse."""

    def __init__(self, server, folder, warehouse, mode, port=None):
        self.server, self.folder, self.warehouse = server, folder, warehouse
        self.source = f"source_{abs(hash((str(folder), mode)))}"
        self.target = f"target_{abs(hash((str(folder), mode)))}"
        make_source(server, self.source)
        self.database = f"w{abs(hash((str(folder), warehouse, mode)))}"
        if warehouse == "postgres":
            server.execute(f"CREATE DATABASE {self.database}")
        self.write(mode, port)

    def write(self, mode, port=None):
        url = self.server.url(self.database, port) if self.warehouse == "postgres" else "sqlite:./warehouse.db"
        (self.folder / "sluice.yaml").write_text(f"""project: crash
warehouse: {url}
connections:
  shop: {self.server.url()}
jobs:
  copy:
    kind: ingest
    from: shop
    table: {self.source}
    into: {self.target}
    retries: 0
    {MODES[mode]}
""")

    def run(self, *options, fault=None):
        return run("run", "copy", *options, "--json", cwd=self.folder, env={"SLUICE_FAULT": fault or ""})

    def rows(self, table=None, columns=COLUMNS, where="TRUE"):
        if self.warehouse == "postgres":
            return self.server.execute(
                f"SELECT {columns} FROM {table or self.target} WHERE {where}", database=self.database)
        with sqlite3.connect(self.folder / "warehouse.db") as database:
            return database.execute(f"SELECT {columns} FROM {table or self.target} WHERE {where}").fetchall()

    def content(self):
        """Count and hash of the target, and of the source, both as text that does not depend on the database."""
        wanted = self.server.execute(f"SELECT {COLUMNS} FROM {self.source}")
        return normalised(self.rows()), normalised(wanted)

    def statuses(self):
        return [row[0] for row in self.rows("etl_audit_log", "status", "TRUE")]


def normalised(rows):
    def text(value):
        if isinstance(value, (float, decimal.Decimal)):
            return format(decimal.Decimal(str(value)).normalize(), "f")
        if hasattr(value, "isoformat"):
            return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        text = str(value)
        if re.fullmatch(r"\d{4}-\d\d-\d\dT.*", text):
            return text[:19]
        return text
    return sorted(tuple(map(text, row)) for row in rows)


def change_source(server, case):
    """What happens between two runs: new rows, some with the largest cursor value, and updates."""
    server.execute(f"""
        INSERT INTO {case.source} SELECT i, 'late ' || i, i, timestamptz '2024-01-01' + 50 * interval '1 hour'
        FROM generate_series(501, 520) AS i;
        INSERT INTO {case.source} SELECT i, 'new ' || i, i, timestamptz '2024-02-01' FROM generate_series(521, 560) AS i""")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
def test_killed_at_every_step(server, tmp_path, warehouse, mode, capsys):
    """First run and second run are killed at each step; the run after it makes the table what the source is."""
    lines = []
    # When the history says that a run is done, another run of a job that appends everything appends everything.
    steps = [step for step in STEPS if mode != "plain append" or step != "history.recorded"]
    for number, step in enumerate(steps):
        folder = tmp_path / str(number)
        folder.mkdir()
        case = Case(server, folder, warehouse, mode)
        outcomes = []
        for phase in ["first", "next"]:
            if phase == "next" and mode != "plain append":
                change_source(server, case)
            elif phase == "next":
                break
            killed = case.run(fault=step)
            assert killed.code in (0, -9), killed.err
            outcomes.append("killed" if killed.code == -9 else "not reached")
            again = case.run()
            assert again.code == 0, again.err
            table, source = case.content()
            assert table == source, f"{step}, {phase} run: {len(table)} rows in the table, {len(source)} in the source"
            assert "running" not in case.statuses()
        third = case.run() if mode != "plain append" else None
        if third:
            assert third.code == 0, third.err
            table, source = case.content()
            assert table == source, f"{step}: another run changed the table"
        lines.append(f"  {step:24} {', '.join(outcomes)}, rerun: {len(table)} rows, content equal")
        assert outcomes[0] == "killed", f"no run came to {step}"
    with capsys.disabled():
        print(f"\ncrash matrix, {warehouse}, {mode}:\n" + "\n".join(lines))


@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
def test_resume_does_not_read_the_source_again(server, tmp_path, warehouse):
    case = Case(server, tmp_path, warehouse, "append")
    assert case.run(fault="stage.manifest.after").code == -9
    wanted = normalised(server.execute(f"SELECT {COLUMNS} FROM {case.source}"))
    server.execute(f"ALTER TABLE {case.source} RENAME TO {case.source}_away")
    resumed = case.run("--resume")
    assert resumed.code == 0, resumed.err
    assert normalised(case.rows()) == wanted
    assert case.statuses() == ["success"]
    again = case.run("--resume")
    assert again.code == 0, again.err
    assert "nothing to resume" in json.loads(again.text)["note"]
    assert normalised(case.rows()) == wanted


@pytest.mark.parametrize("mode", MODES)
def test_warehouse_connection_cut_at_random_points(server, tmp_path, mode, rng):
    """Cut while connecting, loading, committing; afterwards a run without cuts makes everything right."""
    folder = tmp_path / "measure"
    folder.mkdir()
    proxy = CuttingProxy(server.port)
    case = Case(server, folder, "postgres", mode, proxy.port)
    assert case.run().code == 0
    total = proxy.carried
    proxy.close()
    for number, cut in enumerate(random_cuts(rng, total, 8) + [total - 40, total - 5]):
        folder = tmp_path / str(number)
        folder.mkdir()
        proxy = CuttingProxy(server.port, [cut])
        case = Case(server, folder, "postgres", mode, proxy.port)
        first = case.run()
        assert first.code in (0, 1, 75), first.err
        if first.code != 0 or mode != "plain append":
            again = case.run()
            assert again.code == 0, again.err
        table, source = case.content()
        assert table == source, f"cut after {cut} of {total} bytes: {len(table)} rows, {len(source)} in the source"
        proxy.close()


def test_retries_load_from_the_lake(server, tmp_path):
    """A cut in the middle of the load is tried again without anybody's help."""
    proxy = CuttingProxy(server.port)
    case = Case(server, tmp_path, "postgres", "merge", proxy.port)
    text = (tmp_path / "sluice.yaml").read_text().replace("retries: 0", "retries: 3\n    retry_wait: 10ms")
    (tmp_path / "sluice.yaml").write_text(text)
    proxy.cuts = [20_000]
    done = case.run()
    assert done.code == 0, done.err
    table, source = case.content()
    assert table == source
    assert case.statuses() == ["success"]


def test_second_run_at_once_is_refused(server, tmp_path):
    case = Case(server, tmp_path, "postgres", "append")
    with server.connect() as blocker:
        blocker.autocommit = False
        blocker.execute(f"LOCK TABLE {case.source} IN ACCESS EXCLUSIVE MODE")
        first = subprocess.Popen([BINARY, "run", "copy"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(200):
            held = server.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted",
                                  database=case.database)
            if held[0][0]:
                break
        second = case.run()
        assert second.code == 75
        assert "crash.copy" in second.err
        blocker.rollback()
    assert first.wait(30) == 0
    table, source = case.content()
    assert table == source


@pytest.mark.parametrize("warehouse", ["sqlite", "postgres"])
def test_parts_end_at_their_size(server, tmp_path, warehouse):
    """Many parts, each named and in the ledger, each row with the part that it lies in."""
    import pyarrow.parquet as pq
    case = Case(server, tmp_path, warehouse, "append")
    server.execute(f"""
        INSERT INTO {case.source} SELECT i, (SELECT string_agg(md5(i || '/' || k), '') FROM generate_series(1, 40) AS k),
            i, timestamptz '2024-01-02'
        FROM generate_series(1000, 35000) AS i""")
    text = (tmp_path / "sluice.yaml").read_text().replace("retries: 0", "retries: 0\n    part_size: 1MB")
    (tmp_path / "sluice.yaml").write_text(text)
    done = case.run()
    assert done.code == 0, done.err
    files = json.loads(done.text)["files"]
    assert len(files) >= 3
    first = files[0].removesuffix(".parquet")
    assert files[1:] == [f"{first}_{number:03}.parquet" for number in range(1, len(files))]
    ledger = dict(case.rows("sluice_ledger", "path, rows"))
    counts = dict(case.rows(f"(SELECT _source_file AS f, count(*) AS n FROM {case.target} GROUP BY 1) AS c", "f, n"))
    for path in files:
        stored = pq.read_metadata(tmp_path / "lake" / path).num_rows
        assert ledger[path] == stored == counts[path.rsplit("/", 1)[1]]
    table, source = case.content()
    assert table == source
