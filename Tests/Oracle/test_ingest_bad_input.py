"""What cannot be loaded is kept with its reason, and what goes wrong is told by name, with the table as it was before."""

import itertools
import json
import os
import resource
import sqlite3
import time

import psycopg
import pyarrow
import pyarrow.parquet
import pytest

from conftest import run
from projects import Project
from servers import Postgres, free_port

PASSWORD = "pässword/with:signs@and-more"
WRITTEN = "p%C3%A4ssword%2Fwith%3Asigns%40and-more"
numbers = itertools.count()


@pytest.fixture(scope="module")
def server():
    with Postgres() as server:
        server.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'; GRANT ALL ON SCHEMA public TO reader")
        rules = server.data / "pg_hba.conf"
        rules.write_text("host all reader 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        server.execute("SELECT pg_reload_conf()")
        yield server


def database():
    return f"w{os.getpid()}_{next(numbers)}"


@pytest.fixture(params=["sqlite", "postgres"])
def warehouse(request):
    return request.param


def files_project(tmp_path, server, warehouse, text, name="in.csv", **job):
    (tmp_path / "inbox").mkdir(exist_ok=True)
    if isinstance(text, bytes):
        (tmp_path / "inbox" / name).write_bytes(text)
    else:
        (tmp_path / "inbox" / name).write_text(text)
    return Project(tmp_path, {"files": ["*"], **job}, "./inbox", warehouse, server, database())


BAD = """id,price,day
1,10.50,2024-01-01
x,11.00,2024-01-02
3,abc,2024-01-03
4,12.345,2024-01-04
5,13.00,2024-02-30
6,14.00,2024-01-06
"""
TYPES = {"id": "int64", "price": "decimal(10,2)", "day": "date"}


# Rows that cannot be typed


def test_rows_that_cannot_be_typed_are_kept_with_reason_position_and_text(tmp_path, server, warehouse):
    project = files_project(tmp_path, server, warehouse, BAD, types=TYPES)
    done = project.succeed(code=3)
    assert done.answer["state"] == "partial" and done.answer["rows_rejected"] == 4
    assert [row[0] for row in project.rows("id")] == [1, 6]
    assert project.statuses() == ["partial"]
    rejects = project.rejects()
    assert [(reject["row"], reject["column"]) for reject in rejects] == [(2, "id"), (3, "price"), (4, "price"), (5, "day")]
    for reject, value in zip(rejects, ["x", "abc", "12.345", "2024-02-30"], strict=True):
        assert reject["unit"] == "in.csv" and reject["reason"]
        assert value in reject["raw"]
    path, = done.answer["rejects"]
    assert path.endswith("rejects.ndjson")
    history = json.loads(run("runs", "--json", cwd=tmp_path).text)
    assert "partial" in json.dumps(history)
    # The file is done with; another run has nothing to do.
    again = project.succeed()
    assert again.answer["rows_read"] == 0
    assert [row[0] for row in project.rows("id")] == [1, 6]


@pytest.mark.parametrize(("limit", "code"), [("4", 3), ("3", 1), ("0", 1), ("80%", 3), ("50%", 1), ("0%", 1)])
def test_limit_of_rejected_rows(tmp_path, server, warehouse, limit, code):
    """Past the limit the run fails and the table is as before; the next run reads the file again."""
    project = files_project(tmp_path, server, warehouse, "id,price,day\n9,1.00,2024-01-01\n", "first.csv", types=TYPES,
                            max_rejects=limit)
    project.succeed()
    (tmp_path / "inbox" / "in.csv").write_text(BAD)
    done = project.succeed(code=code)
    if code == 3:
        assert [row[0] for row in project.rows("id")] == [1, 6, 9]
        return
    assert "rejected" in done.err and "max_rejects" in done.err and "in.csv" in done.err
    assert project.rejects(), "the rejected rows are kept, for whoever has to mend the source"
    assert [row[0] for row in project.rows("id")] == [9]
    assert project.statuses() == ["success", "failure"]
    (tmp_path / "inbox" / "in.csv").write_text("id,price,day\n10,1.00,2024-01-01\n")
    project.succeed()
    assert [row[0] for row in project.rows("id")] == [9, 10]


def test_limit_counts_rows_rejected_while_reading_and_while_loading(tmp_path, server, warehouse):
    text = "id,value\n1,1\n2,x\n,3\n"
    project = files_project(tmp_path, server, warehouse, text, mode="merge", key=["id"], types={"value": "int64"},
                            max_rejects="1")
    failed = project.succeed(code=1)
    assert "2 of 3 rows" in failed.err
    path = tmp_path / "sluice.yaml"
    path.write_text(path.read_text().replace('max_rejects: "1"', 'max_rejects: "2"'))
    done = project.succeed(code=3)
    assert done.answer["rows_rejected"] == 2
    assert project.rows("id, value") == [(1, 1)]


def test_infinite_dates_of_postgresql(tmp_path, server, warehouse):
    """A day without end is no day: its row is rejected, not the run, and not loaded as some other day."""
    server.execute("""
        DROP TABLE IF EXISTS infinite;
        CREATE TABLE infinite (id int PRIMARY KEY, day date, at timestamptz);
        INSERT INTO infinite VALUES (1, '2024-01-01', '2024-01-01'), (2, 'infinity', '2024-01-01'),
            (3, '2024-01-01', '-infinity'), (4, NULL, NULL)""")
    project = Project(tmp_path, {"table": "infinite"}, server.url(), warehouse, server, database())
    project.succeed(code=3)
    assert [row[0] for row in project.rows("id")] == [1, 4]
    assert [(reject["row"], reject["column"]) for reject in project.rejects()] == [(2, "day"), (3, "at")]
    assert all("infinit" in reject["reason"] + reject["raw"] for reject in project.rejects())
    assert project.statuses() == ["partial"]


def test_values_that_postgresql_cannot_hold(tmp_path, server):
    """Text with a zero byte, and days and moments beyond its calendar."""
    (tmp_path / "inbox").mkdir()
    days = pyarrow.array([19_000, 2_147_483_000, 19_001, -2_147_483_000, 19_002], pyarrow.int32()).cast(pyarrow.date32())
    names = pyarrow.array(["plain", "plain", "zero\0byte", "plain", "plain"])
    table = pyarrow.table({"id": pyarrow.array([1, 2, 3, 4, 5]), "day": days, "name": names})
    pyarrow.parquet.write_table(table, tmp_path / "inbox" / "in.parquet")
    project = Project(tmp_path, {"files": ["*"]}, "./inbox", "postgres", server, database())
    done = project.succeed(code=3)
    assert done.answer["rows_rejected"] == 3
    assert [row[0] for row in project.rows("id")] == [1, 5]
    rejects = {reject["row"]: reject for reject in project.rejects()}
    assert {row: reject["column"] for row, reject in rejects.items()} == {2: "day", 3: "name", 4: "day"}
    assert '"id":3' in rejects[3]["raw"]
    assert project.statuses() == ["partial"]


def test_zero_bytes_in_text_reach_sqlite_whole(tmp_path, server):
    project = files_project(tmp_path, server, "sqlite", b"id,name\n1,a\0b\n2,c\n")
    project.succeed()
    assert project.rows("id, name") == [(1, "a\0b"), (2, "c")]


def test_rows_without_a_merge_key_are_rejected(tmp_path, server, warehouse):
    project = files_project(tmp_path, server, warehouse, "id,part,value\n1,1,10\n,2,20\n3,,30\n4,4,40\n", mode="merge",
                            key=["id", "part"])
    project.succeed(code=3)
    assert project.rows("id, part, value") == [(1, 1, 10), (4, 4, 40)]
    assert [reject["column"] for reject in project.rejects()] == ["id", "part"]


# Contracts


def contract_project(tmp_path, server, warehouse, contract):
    project = files_project(tmp_path, server, warehouse, "id,name\n1,one\n2,two\n", "a.csv", contract=None)
    project.succeed()
    path = tmp_path / "sluice.yaml"
    path.write_text(path.read_text() + f"    contract: {contract}\n")
    (tmp_path / "inbox" / "b.csv").write_text("id,name,extra\n3,three,x\n4,four,\n")
    return project


def test_contract_freeze_refuses_a_new_column(tmp_path, server, warehouse):
    project = contract_project(tmp_path, server, warehouse, "freeze")
    failed = project.run()
    assert failed.code == 4, failed.err
    assert '"extra"' in failed.err and "hint" in failed.err and "evolve" in failed.err
    assert project.rows("id") == [(1,), (2,)]
    assert project.statuses() == ["success", "failure"]


def test_contract_discard_columns_leaves_it_out(tmp_path, server, warehouse):
    project = contract_project(tmp_path, server, warehouse, "discard-columns")
    done = project.succeed()
    assert project.rows("id, name") == [(1, "one"), (2, "two"), (3, "three"), (4, "four")]
    with pytest.raises((sqlite3.Error, psycopg.Error)):
        project.rows("extra")
    assert "extra" in done.err


def test_contract_discard_rows_rejects_rows_with_a_value_in_it(tmp_path, server, warehouse):
    project = contract_project(tmp_path, server, warehouse, "discard-rows")
    project.succeed(code=3)
    assert project.rows("id") == [(1,), (2,), (4,)]
    reject, = project.rejects()
    assert reject["column"] == "extra" and '"id":3' in reject["raw"]


@pytest.mark.parametrize("contract", ["evolve", "freeze", "discard-rows"])
def test_value_too_wide_for_its_column(tmp_path, server, contract):
    """Columns are widened, or the run fails, or the row is rejected; nothing is cut."""
    project = files_project(tmp_path, server, "postgres", "id,name,small\n1,short,1\n2,much longer,2\n3,short,70000\n",
                            contract=contract)
    project.execute("CREATE TABLE target (id bigint, name varchar(5), small smallint)")
    done = project.run()
    if contract == "evolve":
        assert done.code == 0, done.err
        assert project.rows("id, name, small") == [(1, "short", 1), (2, "much longer", 2), (3, "short", 70000)]
    elif contract == "freeze":
        assert done.code in (1, 4), done.err
        assert "hint" in done.err
        assert project.rows("id") == []
        assert project.statuses() == ["failure"]
    else:
        assert done.code == 3, done.err
        assert project.rows("id, name, small") == [(1, "short", 1)]
        assert {reject["column"] for reject in project.rejects()} == {"name", "small"}


# What goes wrong around the rows


def failing(tmp_path, server, job, source, warehouse="sqlite"):
    """A project with a table of two rows, whose job then reads something that fails."""
    project = files_project(tmp_path, server, warehouse, "id,name\n1,one\n2,two\n")
    project.succeed()
    project.write(job, source)
    return project


def fails(project, *words, code, **settings):
    """The run fails with `code`, says all of `words` and what to do, leaves the table, and is in the audit log or the history."""
    failed = project.run(**settings)
    assert failed.code in (code if isinstance(code, tuple) else (code,)), f"exit code {failed.code}\n{failed.err}"
    for word in words:
        assert word in failed.err, f"{word!r} is not in: {failed.err}"
    assert "hint:" in failed.err, failed.err
    assert failed.answer["error"]["hint"]
    assert project.rows("id, name") == [(1, "one"), (2, "two")]
    assert "running" not in project.statuses()
    history = json.loads(run("runs", "--json", cwd=project.folder).text)
    assert "failed" in json.dumps(history)
    return failed


def test_wrong_password(tmp_path, server):
    project = failing(tmp_path, server, {"table": "t"}, f"postgres://reader:wrong-word@127.0.0.1:{server.port}/postgres?sslmode=disable")
    failed = fails(project, "password", "reader", code=5)
    assert "wrong-word" not in failed.err + failed.text


def test_unknown_host(tmp_path, server):
    project = failing(tmp_path, server, {"table": "t"}, "postgres://reader@no-such-host.invalid/postgres")
    fails(project, "no-such-host.invalid", code=(1, 75))


def test_closed_port(tmp_path, server):
    port = free_port()
    project = failing(tmp_path, server, {"table": "t"}, f"postgres://reader@127.0.0.1:{port}/postgres?sslmode=disable")
    fails(project, str(port), code=75)


def test_missing_database(tmp_path, server):
    project = failing(tmp_path, server, {"table": "t"}, server.url("no_such_database"))
    assert fails(project, "no_such_database", code=1)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_missing_table_names_the_nearest(tmp_path, server, kind):
    server.execute("CREATE TABLE IF NOT EXISTS customers (id int, name text)")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE customers (id int, name text)")
    project = failing(tmp_path, server, {"table": "custmers"}, server.url() if kind == "postgres" else "sqlite:./shop.db")
    fails(project, "custmers", "customers", code=1)


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "file"])
def test_missing_column_names_the_nearest(tmp_path, server, kind):
    server.execute("CREATE TABLE IF NOT EXISTS customers (id int, name text)")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE customers (id int, name text)")
    source = {"postgres": server.url(), "sqlite": "sqlite:./shop.db", "file": "./other"}[kind]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "o.csv").write_text("id,name\n1,x\n")
    job = {"files": ["*"]} if kind == "file" else {"table": "customers"}
    project = failing(tmp_path, server, {**job, "columns": ["id", "nmae"]}, source)
    failed = project.run()
    assert failed.code in (1, 4), failed.err
    assert "nmae" in failed.err and "name" in failed.err.replace("nmae", "")
    assert project.rows("id, name") == [(1, "one"), (2, "two")]


def test_missing_file_and_folder(tmp_path, server):
    project = failing(tmp_path, server, {"files": ["no-such-file.csv"]}, "./inbox")
    fails(project, "no-such-file.csv", code=1)
    project.write({"files": ["*.csv"]}, "./no-such-folder")
    fails(project, "no-such-folder", code=1)


def test_lake_that_cannot_be_written(tmp_path, server):
    project = failing(tmp_path, server, {"files": ["*"], "mode": "replace"}, "./inbox")
    (tmp_path / "occupied").write_text("a file, where a folder is wanted")
    path = tmp_path / "sluice.yaml"
    path.write_text(path.read_text() + "lake: ./occupied/lake\n")
    fails(project, "occupied", code=4)


def test_file_system_full(tmp_path, server):
    """No byte more can be written to the lake: the run says so, leaves no half file, and works when there is room."""
    project = failing(tmp_path, server, {"files": ["*.csv"]}, "./big")
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "big.csv").write_text("id,name\n" + "".join(f"{i},{i * 7919 % 1000003}\n" for i in range(3, 60_000)))

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    # The limit's signal does what it does by default, as it would under a shell's `ulimit -f`.
    process = project.start(preexec_fn=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert b"lake" in err and b"hint:" in err, err
    assert project.rows("id, name") == [(1, "one"), (2, "two")]
    assert project.statuses() == ["success", "failure"]
    staged = [path.name for path in (tmp_path / "lake").rglob("*") if path.is_file() and "big" in path.name]
    assert not staged
    project.succeed()
    assert project.rows("count(*)") == [(59_999,)]


def test_warehouse_file_that_is_no_database(tmp_path, server):
    project = files_project(tmp_path, server, "sqlite", "id,name\n1,one\n")
    (tmp_path / "warehouse.db").write_bytes(b"this is a letter to my aunt, and no database at all" * 100)
    before = (tmp_path / "warehouse.db").read_bytes()
    failed = project.run()
    assert failed.code == 1, failed.err
    assert "warehouse.db" in failed.err and "hint:" in failed.err
    assert (tmp_path / "warehouse.db").read_bytes() == before


def test_source_file_that_is_no_parquet(tmp_path, server):
    project = failing(tmp_path, server, {"files": ["*.parquet"]}, "./other")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.parquet").write_bytes(b"PAR1 but no more")
    failed = project.run()
    assert failed.code == 1 and "x.parquet" in failed.err
    assert project.rows("id, name") == [(1, "one"), (2, "two")]


@pytest.mark.parametrize("mode", ["append", "merge", "replace"])
def test_warehouse_gone_half_way(tmp_path, mode):
    """The server dies while rows go in, and comes back: a rerun makes everything right."""
    with Postgres(durable=True) as server:  # one that may forget what it has committed proves nothing
        count = 150_000
        project = files_project(tmp_path, server, "postgres", "id,name\n1,one\n2,two\n", "a.csv", mode=mode,
                                key=["id"] if mode == "merge" else None)
        project.succeed()
        (tmp_path / "inbox" / "b.csv").write_text("id,name\n" + "".join(f"{i},name {i}\n" for i in range(3, count + 1)))
        process = project.start()
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            if any((tmp_path / "lake").rglob("*b_*.parquet*")):
                break
            time.sleep(0.002)
        server.crash()
        _, err = process.communicate(timeout=60)
        err = err.decode()
        server.start()
        if process.returncode != 0:
            assert process.returncode == 75, err
            assert "hint:" in err, err
            assert project.rows("id, name") == [(1, "one"), (2, "two")]
            project.succeed()
        assert project.rows("count(*), count(DISTINCT id), min(id), max(id)") == [(count, count, 1, count)]
        assert "running" not in project.statuses()


# Secrets


@pytest.mark.parametrize("where", ["url", "environment", "file", "dotenv"])
@pytest.mark.parametrize("fate", ["works", "wrong", "breaks"])
def test_no_secret_anywhere(tmp_path, server, where, fate):
    """A password stays where it was given: not in what is printed, the lake, the logs, the history, the audit log."""
    server.execute("DROP TABLE IF EXISTS guarded; CREATE TABLE guarded (id int PRIMARY KEY, name text);"
                   "INSERT INTO guarded VALUES (1, 'one'); GRANT SELECT ON guarded TO reader")
    name = database()
    server.execute(f"CREATE DATABASE {name} OWNER reader")
    written = WRITTEN + ("" if fate != "wrong" else "-no")
    plain = PASSWORD + ("" if fate != "wrong" else "-no")
    table = "guarded" if fate != "breaks" else "no_such_table"
    word = {"url": written, "file": json.dumps(plain)}.get(where, '"${env.SLUICE_TEST_WORD}"')
    if where == "url":
        source = f"postgres://reader:{word}@127.0.0.1:{server.port}/postgres?sslmode=disable"
        warehouse = f"postgres://reader:{word}@127.0.0.1:{server.port}/{name}?sslmode=disable"
    else:
        fields = f"protocol: postgres, host: 127.0.0.1, port: {server.port}, username: reader, password: {word}, sslmode: disable"
        source, warehouse = (f"{{ {fields}, database: {base} }}" for base in ["postgres", name])
    (tmp_path / "sluice.yaml").write_text(f"""project: secrets
warehouse: {warehouse}
connections:
  source: {source}
jobs:
  copy: {{ kind: ingest, from: source, table: {table}, into: target, retries: 1, retry_wait: 1ms }}
""")
    env = {"SLUICE_TEST_WORD": plain} if where == "environment" else {}
    if where == "dotenv":
        (tmp_path / ".env").write_text(f"SLUICE_TEST_WORD='{plain}'\n")
    said = []
    codes = []
    for command in [["validate"], ["check"], ["check", "--json"], ["plan", "copy"], ["run", "copy", "--json"],
                    ["run", "copy"], ["runs"], ["runs", "--json"], ["status"], ["logs"], ["logs", "--json"],
                    ["query", "SELECT * FROM etl_audit_log"]]:
        done = run(*command, cwd=tmp_path, env=env)
        codes.append((command, done.code))
        said += [done.out, done.err.encode()]
    runs = [code for command, code in codes if command[0] == "run"]
    assert runs == [{"works": 0, "wrong": 5, "breaks": 1}[fate]] * 2, said
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("sluice.yaml", ".env")]
    assert any(path.name.startswith("runs.db") for path in kept) and any("logs" in path.parts for path in kept)
    said += [path.read_bytes() for path in kept]
    if fate != "wrong":
        for kind in ["etl_audit_log", "sluice_ledger", "sluice_watermarks", "sluice_source_files"]:
            said.append(repr(server.execute(f"SELECT * FROM {kind}", database=name)).encode())
    for secret in [plain.encode(), written.encode(), json.dumps(plain)[1:-1].encode()]:
        for text in said:
            assert secret not in text, text[max(0, text.find(secret) - 200):][:500]
