"""`sluice map` against engines that read what it writes: every table has the rows that pyarrow counts."""

import contextlib
import decimal
import json
import os
import re
import shutil
import sqlite3

import duckdb
import pyarrow as pa
import pytest

from conftest import ROOT
from emulator import azure  # noqa: F401 (a fixture)
from lakes import Lake, large_lake
from servers import Postgres


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
    return connection.execute(f"SELECT count(*) FROM lake.{quoted}").fetchall()[0][0]


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
        found[base_of(large, table)] = count
    assert found == large.rows
    # Again: nothing to do, and nothing read.
    again = mapped(attempt, tmp_path, large, "--out", "names.sql", code=3)
    assert (again["footers_read"], again["bytes_read"], again["pending"]) == (0, 0, 0)
    assert {change["action"] for change in again["changes"]} == {"unchanged"}
    # A file more: one footer, and a pattern needs no change.
    large.write("area0/table30", "area0/table30/new.parquet", pa.table({"id": [1, 2, 3]}))
    more = mapped(attempt, tmp_path, large, "--out", "names.sql", code=3)
    assert more["footers_read"] == 1
    assert rows_in(run_duckdb(tmp_path / "names.sql"), "area0_table30") == large.rows["area0/table30"]


def test_views_of_others_are_left_alone(attempt, tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.write("orders", "orders/1.parquet", pa.table({"id": [1]}))
    lake.write("other", "other/1.parquet", pa.table({"id": [1]}))
    mapped(attempt, tmp_path, lake, "--out", "names.sql")
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA lake; CREATE VIEW lake.orders AS SELECT 42 AS theirs")
    with pytest.raises(duckdb.Error, match="orders is in the schema, and was not made by Sluice"):
        connection.execute((tmp_path / "names.sql").read_text())
    connection.rollback()
    assert connection.execute("SELECT * FROM lake.orders").fetchall() == [(42,)]
    assert connection.execute("SELECT count(*) FROM duckdb_views() WHERE view_name = 'other'").fetchall() == [(0,)]
    # Run twice, and after a table is gone, a script takes only its own.
    ours = run_duckdb(tmp_path / "names.sql")
    shutil.rmtree(lake.folder / "other")
    gone = mapped(attempt, tmp_path, lake, "--out", "names.sql")
    assert [(change["action"], change["name"]) for change in gone["changes"]] == [("unchanged", "orders"), ("drop", "other")]
    ours.execute("CREATE VIEW lake.mine AS SELECT 1")
    ours.execute((tmp_path / "names.sql").read_text())
    ours.execute((tmp_path / "names.sql").read_text())
    names = ours.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'lake' ORDER BY 1").fetchall()
    assert names == [("mine",), ("orders",)]


def test_a_lake_that_became_empty_keeps_its_names(attempt, tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.write("orders", "orders/1.parquet", pa.table({"id": [1]}))
    mapped(attempt, tmp_path, lake, "--out", "names.sql")
    before = (tmp_path / "names.sql").read_text()
    shutil.rmtree(lake.folder / "orders")
    refused = attempt("map", lake.folder, "--out", "names.sql", cwd=tmp_path)
    assert refused.code == 1 and "--full" in refused.err
    assert (tmp_path / "names.sql").read_text() == before
    mapped(attempt, tmp_path, lake, "--out", "names.sql", "--full")
    assert "CREATE OR REPLACE VIEW" not in (tmp_path / "names.sql").read_text()


def test_types_that_have_nothing_in_common_are_told_and_read_as_text(attempt, tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.write("t", "t/1.parquet", pa.table({"a": [1, 2], "st": [{"x": 1}, {"x": 2}]}), age=10)
    lake.write("t", "t/2.parquet", pa.table({"a": ["x", None], "st": [{"x": 1.5, "y": "z"}, None]}))
    answer = mapped(attempt, tmp_path, lake, "--out", "names.sql")
    assert any('"a"' in problem for problem in answer["problems"])
    rows = run_duckdb(tmp_path / "names.sql").execute("SELECT a, st.x, st.y FROM lake.t ORDER BY a").fetchall()
    assert rows == [("1", "1", None), ("2", "2", None), ("x", "1.5", "z"), (None, None, None)]


def test_patterns_and_partitions_give_columns(attempt, tmp_path):
    lake = Lake(tmp_path / "lake")
    for device in ["2F6913DB", "11111111"]:
        for message in ["CAN1", "CAN1-x"]:
            for day in ["01", "02"]:
                lake.write(f"tbl_{device}_{message}", f"{device}/{message}/2024/05/{day}/a.parquet", pa.table({"t": [1, 2]}))
    lake.write("no", "lower123/CAN1/2024/05/01/a.parquet", pa.table({"t": [1]}))
    pattern = "{device}/{message}/{yyyy}/{mm}/{dd}/*.parquet"
    answer = mapped(
        attempt, tmp_path, lake, "--out", "names.sql", "--layout", pattern, "--where", "device=" + "[0-9A-F]" * 8,
        "--name", "tbl_{device}_{message}")
    assert sorted(table["name"] for table in answer["tables"]) == sorted(name for name in lake.rows if name != "no")
    connection = run_duckdb(tmp_path / "names.sql")
    rows = connection.execute('SELECT dd, count(*), any_value(yyyy) FROM lake."tbl_2F6913DB_CAN1-x" GROUP BY dd ORDER BY dd')
    assert rows.fetchall() == [(1, 2, 2024), (2, 2, 2024)]


def test_a_layout_that_nothing_fits_is_told(attempt, tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.write("t", "t/1.parquet", pa.table({"a": [1]}))
    answer = mapped(attempt, tmp_path, lake, "--out", "names.sql", "--layout", "{device}/{message}/{yyyy}/{mm}/*.parquet")
    assert answer["tables"] == []
    assert any("none of the lake's files fits a table, and it has 1" in problem for problem in answer["problems"])


def test_partitions_in_names_of_files_are_cut_out(attempt, tmp_path):
    lake = Lake(tmp_path / "la[ke")
    for day in ["2024-01-01", "2024-01-02"]:
        lake.write("orders", f"in/orders_{day}.parquet", pa.table({"id": [1]}))
    mapped(attempt, tmp_path, lake, "--out", "names.sql", "--layout", "in/{table}_{date}.parquet")
    rows = run_duckdb(tmp_path / "names.sql").execute("SELECT date::VARCHAR FROM lake.orders ORDER BY 1").fetchall()
    assert rows == [("2024-01-01",), ("2024-01-02",)]


def test_what_sluice_has_staged_is_mapped_by_its_source(attempt, sluice, tmp_path):
    (tmp_path / "orders.csv").write_text("id,name\n1,a\n2,b\n")
    sluice("ingest", "--from", tmp_path, "--files", "orders.csv", "--into", "orders", "--source", "shop", cwd=tmp_path)
    answer = mapped(attempt, tmp_path, Lake(tmp_path / "lake"), "--out", "names.sql")
    assert [table["name"] for table in answer["tables"]] == ["file_shop_orders"] or answer["tables"][0]["rows"] == 2
    assert rows_in(run_duckdb(tmp_path / "names.sql"), answer["tables"][0]["name"]) == 2


# MARK: Spark


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """One session for all tests: starting one takes longer than all of them."""
    pyspark = pytest.importorskip("pyspark.sql")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java")
    folder = tmp_path_factory.mktemp("spark")
    session = (
        pyspark.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC").config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.sql.shuffle.partitions", "1").config("spark.driver.memory", "1g").getOrCreate())
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def run_spark(session, script):
    """Runs a script whose statements end with a semicolon and an empty line."""
    for statement in script.read_text().split(";\n"):
        text = "\n".join(line for line in statement.splitlines() if not line.startswith("--")).strip()
        if text:
            session.sql(text)


def base_of(lake, table):
    """The folder of a table of the large lake, by what its paths look like."""
    fits = [base for base in lake.rows if table["source"].startswith(base + "/")]
    assert len(fits) == 1, (table["source"], fits)
    return fits[0]


def test_spark_reads_every_table_of_a_large_lake(attempt, large, spark, tmp_path):
    answer = mapped(
        attempt, tmp_path, large, "--out", "spark.sql", "--dialect", "spark", "--schema", "large", code=3)
    assert len(answer["tables"]) == 60, answer["problems"]
    run_spark(spark, tmp_path / "spark.sql")
    counts = " UNION ALL ".join(
        f"SELECT '{table['name']}' AS name, count(*) AS found FROM large.`{table['name']}`" for table in answer["tables"])
    found = {row["name"]: row["found"] for row in spark.sql(counts).collect()}
    # What pyarrow counts, table for table.
    assert found == {table["name"]: large.rows[base_of(large, table)] for table in answer["tables"]}
    # All columns of some tables of each layout, which have the three schemas: int32 as int64, float32 as float64.
    for table in answer["tables"][-6:]:
        rows = spark.sql(f"SELECT * FROM large.`{table['name']}`").collect()
        assert len(rows) == table["rows"]
        names = {name.lower() for name in rows[0].asDict()}
        assert {"id", "name", "amount", "at"} <= names
    again = mapped(attempt, tmp_path, large, "--out", "spark.sql", "--dialect", "spark", "--schema", "large", code=3)
    assert (again["pending"], again["footers_read"]) == (0, 0)
    # The script may be run again.
    run_spark(spark, tmp_path / "spark.sql")


def test_spark_tables_change_as_the_lake_does(attempt, spark, tmp_path):
    lake = Lake(tmp_path / "lake")
    options = ["--out", "spark.sql", "--dialect", "spark", "--schema", "changing"]

    def rows(query):
        mapped(attempt, tmp_path, lake, *options)
        run_spark(spark, tmp_path / "spark.sql")
        return [tuple(row) for row in spark.sql(query).collect()]

    lake.write("t", "t/2024/01/01/x.parquet", pa.table({"a": pa.array([1], pa.int32())}), age=30)
    assert rows("SELECT * FROM changing.t") == [(1, 2024, 1, 1)]
    lake.write("t", "t/2024/01/02/x.parquet", pa.table({"a": pa.array([2], pa.int32())}), age=20)
    assert rows("SELECT * FROM changing.t ORDER BY a") == [(1, 2024, 1, 1), (2, 2024, 1, 2)]
    lake.write("t", "t/2024/01/03/x.parquet", pa.table({"a": pa.array([3], pa.int64()), "b": ["x"]}), age=10)
    assert rows("SELECT a, b, day FROM changing.t ORDER BY a") == [(1, None, 1), (2, None, 2), (3, "x", 3)]


SPARK_TYPES = [
    ("int8", "int64"), ("int16", "int32"), ("int32", "int64"), ("uint8", "uint32"), ("uint8", "uint8"), ("uint16", "uint16"),
    ("uint32", "uint32"), ("uint64", "uint64"), ("float32", "float64"), ("int32", "float64"), ("decimal(9,2)", "decimal(12,4)"),
    ("decimal(9,2)", "decimal(38,4)"), ("date", "timestamp(us)"), ("timestamp(ms)", "timestamp(us)"),
    ("timestamp(us, UTC)", "timestamp(ms, UTC)"), ("timestamp(ns)", "timestamp(ns)"), ("time(us)", "time(us)"),
    ("bool", "bool"), ("binary", "binary"), ("utf8", "utf8"), ("list<int32>", "list<int64>"),
    ("struct<a: int32>", "struct<a: int64, b: utf8>"), ("null", "date"), ("null", "null"), ("int64", "utf8"),
]


def arrow(name):
    kinds = {"bool": pa.bool_(), "binary": pa.binary(), "utf8": pa.string(), "date": pa.date32(), "null": pa.null(),
             "time(us)": pa.time64("us"), "list<int32>": pa.list_(pa.int32()), "list<int64>": pa.list_(pa.int64()),
             "struct<a: int32>": pa.struct([("a", pa.int32())]),
             "struct<a: int64, b: utf8>": pa.struct([("a", pa.int64()), ("b", pa.string())])}
    if name in kinds:
        return kinds[name]
    if name.startswith("decimal"):
        return pa.decimal128(*map(int, re.findall(r"\d+", name)))
    if name.startswith("timestamp"):
        unit, *zone = re.findall(r"\w+", name)[1:]
        return pa.timestamp(unit, *zone)
    return getattr(pa, name)()


def sample(kind):
    """A value of a type, and none."""
    if pa.types.is_list(kind):
        return pa.array([[1], None], kind)
    if pa.types.is_struct(kind):
        return pa.array([{"a": 1}, None], kind)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return pa.array(["x", None], pa.string()).cast(kind)
    if pa.types.is_null(kind):
        return pa.nulls(2)
    if pa.types.is_temporal(kind):
        whole = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pa.array([1, None], whole).cast(kind)
    return pa.array([True if pa.types.is_boolean(kind) else decimal.Decimal(1) if pa.types.is_decimal(kind) else 1, None], kind)


def test_spark_reads_every_type_that_it_is_given(attempt, spark, tmp_path):
    """Each table has a file of an older type and one of a newer; what is not left out can be read."""
    lake = Lake(tmp_path / "lake")
    for number, (old, new) in enumerate(SPARK_TYPES):
        for age, name in [(10, old), (0, new)]:
            lake.write(f"t{number}", f"t{number}/{age}.parquet", pa.table({"c": sample(arrow(name)), "k": [1, 2]}), age=age)
    answer = mapped(attempt, tmp_path, lake, "--out", "spark.sql", "--dialect", "spark", "--schema", "typed")
    run_spark(spark, tmp_path / "spark.sql")
    failures = []
    columns = {change["name"]: [column["name"] for column in change["columns"]] for change in answer["changes"]}
    for number, pair in enumerate(SPARK_TYPES):
        try:
            rows = spark.sql(f"SELECT * FROM typed.t{number}").collect()
            assert len(rows) == 4
            if pair[1] != "null" and columns[f"t{number}"] == ["c", "k"]:
                assert sum(row["c"] is not None for row in rows) == (1 if pair[0] == "null" else 2)
        except Exception as error:  # noqa: BLE001 (all are collected)
            failures.append((pair, str(error)[:200]))
    assert not failures
    left_out = {pair for number, pair in enumerate(SPARK_TYPES) if columns[f"t{number}"] == ["k"]}
    assert left_out == {("int64", "utf8")}


# MARK: T-SQL


def batches(script):
    return [batch.strip() for batch in script.read_text().split("\nGO\n") if batch.strip()]


def parsed(batch):
    """Parses a batch; what sqlglot's grammar lacks is put in words that it has: OPENROWSET's arguments, and THROW."""
    import sqlglot

    text = re.sub(r"^--[^\n]*\n", "", batch, flags=re.M)
    text = re.sub(r"OPENROWSET\(\s*BULK .*?FORMAT = 'PARQUET'\s*\) WITH \((.*?)\n\) AS r",
                  lambda match: "[rows] AS r /* " + match[1].replace("*/", "") + " */", text, flags=re.S)
    text = re.sub(r"^EXEC\((N'.*')\)$", r"SELECT \1", text)
    text = re.sub(r"\nTHROW 50000, (N'.*'), 1$", r"\nSELECT \1", text)
    return sqlglot.parse(text, dialect="tsql")


def columns_parse(batch):
    """The columns of an OPENROWSET or an external table, as those of a table."""
    import sqlglot

    for match in re.finditer(r"\) WITH \((.*?)\n\) AS r", batch, re.S):
        sqlglot.parse(f"CREATE TABLE [x] ({match[1]})", dialect="tsql")


@pytest.mark.parametrize("options", [
    ["--dialect", "synapse", "--database", "parquet]lake"], ["--dialect", "synapse", "--objects", "tables"],
    ["--dialect", "fabric"]])
def test_all_of_a_script_in_tsql_parses(attempt, large, tmp_path, options):
    pytest.importorskip("sqlglot")
    answer = mapped(
        attempt, tmp_path, large, "--out", "names.sql", "--location", "https://a.dfs.core.windows.net/lake", *options,
        code=3)
    # A star in a folder's name cannot be said, nor a line end in a script.
    assert len(answer["tables"]) >= 58, answer["problems"]
    found = batches(tmp_path / "names.sql")
    for batch in found:
        assert parsed(batch), batch
        columns_parse(batch)
    assert not re.search(r"^(GO\s*\S|:|!!)", "\n".join(found), re.M)
    made = [batch for batch in found if "CREATE OR ALTER VIEW" in batch or "CREATE EXTERNAL TABLE" in batch]
    assert len(made) == len(answer["tables"])
    again = mapped(
        attempt, tmp_path, large, "--out", "names.sql", "--location", "https://a.dfs.core.windows.net/lake", *options,
        code=3)
    assert again["pending"] == 0
    assert "password" not in "".join(batch.lower() for batch in found).replace("master_key_password", "").replace(
        "by password", "")


GOLDEN = sorted((ROOT / "Tests/MapTests/Golden").glob("*.sql"))


@pytest.mark.parametrize("path", [path for path in GOLDEN if path.stem.split("-")[0] in ("synapse", "fabric", "applied")],
                         ids=lambda path: path.name)
def test_recorded_tsql_parses(path):
    pytest.importorskip("sqlglot")
    found = batches(path)
    assert len(found) > 8
    for batch in found:
        for statement in parsed(batch):
            # What sqlglot does not understand it keeps as a command.
            if type(statement).__name__ == "Command":
                assert re.match(r"(EXEC|IF|CREATE (MASTER|DATABASE SCOPED|EXTERNAL)|DROP EXTERNAL|ALTER VIEW)", batch), batch
        columns_parse(batch)


def test_other_recorded_scripts_parse():
    sqlglot = pytest.importorskip("sqlglot")
    scripts = {"duckdb": ["duckdb"], "spark": ["spark"], "databricks": ["databricks"]}
    for path in GOLDEN:
        for dialect in scripts.get(path.stem, []):
            statements = [statement for statement in sqlglot.parse(path.read_text(), dialect=dialect) if statement]
            assert len(statements) > 8, path


# MARK: What it costs, and stores


@pytest.mark.skipif(not os.environ.get("SLUICE_TEST_LONG"), reason="skipped: a lake of 1 GB, for `make test-long`")
def test_two_hundredths_of_a_lake_of_real_files_are_enough(attempt, tmp_path):
    """1 GB in 400 files, no two of which are the same, with a footer of 60 columns in each."""
    numpy = pytest.importorskip("numpy")
    lake = Lake(tmp_path / "lake")
    rng = numpy.random.default_rng(1)
    for number in range(400):
        data = pa.table({f"column {place}": rng.random(5_500) for place in range(60)})
        lake.write(f"t{number % 20}", f"t{number % 20}/2024/05/{number // 20 + 1:02}/{number}.parquet", data)
    answer = mapped(attempt, tmp_path, lake, "--out", "names.sql")
    print(answer["bytes"], answer["bytes_read"], answer["bytes_read"] / answer["bytes"])
    assert answer["bytes"] > 1_000_000_000 and answer["footers_read"] == 400
    assert answer["bytes_read"] <= 0.02 * answer["bytes"]
    connection = run_duckdb(tmp_path / "names.sql")
    for table in answer["tables"]:
        assert rows_in(connection, table["name"]) == lake.rows[table["source"].split("/")[0]]


def test_two_hundredths_of_a_lake_are_enough(attempt, tmp_path):
    """A lake of 1 GB: 500 files of 2 MB, each a row group of random numbers."""
    numpy = pytest.importorskip("numpy")
    lake = Lake(tmp_path / "lake")
    data = pa.table({f"c{number}": numpy.random.default_rng(number).random(26_000) for number in range(10)})
    lake.write("t0", "t0/0.parquet", data)
    first = lake.folder / "t0/0.parquet"
    for number in range(1, 500):
        target = lake.folder / f"t{number % 10}/{number}.parquet"
        target.parent.mkdir(exist_ok=True)
        # A link is a file of its own to whoever lists, and takes no room.
        target.hardlink_to(first)
    answer = mapped(attempt, tmp_path, lake, "--out", "names.sql")
    assert answer["bytes"] > 1_000_000_000
    assert answer["footers_read"] == 500
    print(answer["bytes"], answer["bytes_read"], answer["bytes_read"] / answer["bytes"])
    assert answer["bytes_read"] <= 0.02 * answer["bytes"]


ACCOUNTS = {
    # A flat account lists files only, a hierarchical one its folders too.
    "flat": ("maplake", "az://maplake/lake/raw"),
    "flat by abfss": ("maplake", "abfss://lake@maplake.dfs.core.windows.net/raw"),
    "hierarchical": ("devlake", "abfss://lake@devlake.dfs.core.windows.net/raw"),
}


@pytest.mark.parametrize("kind", ACCOUNTS)
def test_lakes_in_accounts_of_both_kinds_are_mapped(attempt, azure, tmp_path, kind):
    from azure.storage.blob import BlobServiceClient

    account, url = ACCOUNTS[kind]
    service = BlobServiceClient(f"{azure.http}/{account}", credential=azure.key(account))
    if not service.get_container_client("lake").exists():
        service.create_container("lake")
    lake = Lake(tmp_path / "lake")
    for day in range(1, 4):
        lake.write("t", f"2F6913DB/CAN1/2024/05/0{day}/a.parquet", pa.table({"t": list(range(day))}))
    lake.write("u", "2F6913DB/CAN1-x/2024/05/01/a.parquet", pa.table({"v": [1]}))
    lake.damage("2F6913DB/CAN1-x/2024/05/02/b.parquet")
    for path in lake.folder.rglob("*.parquet"):
        service.get_blob_client("lake", "raw/" + str(path.relative_to(lake.folder))).upload_blob(
            path.read_bytes(), overwrite=True)
    trace = tmp_path / "trace.jsonl"
    env = {"SLUICE_AZURE_EMULATOR": azure.http, "SLUICE_HTTP_RETRY_WAIT": "5ms", "SLUICE_HTTP_TRACE": str(trace)}

    def run_map(*options):
        done = attempt(
            "map", url, "--apply", "--json", "--out", "names.sql", "--dialect", "synapse", *options, cwd=tmp_path, env=env)
        assert done.code == 3, done.err
        return json.loads(done.text)

    answer = run_map()
    assert {table["name"]: (table["files"], table["rows"]) for table in answer["tables"]} == {
        "2F6913DB_CAN1": (3, 6), "2F6913DB_CAN1-x": (1, 1)}
    assert len(answer["unreadable"]) == 1
    # One request for each footer: what a listing has told is not asked again.
    sent = [json.loads(line) for line in trace.read_text().splitlines()]
    asked = [entry for entry in sent if ".parquet" in entry["url"]]
    assert [entry["method"] for entry in asked] == ["GET"] * 5, asked
    again = run_map()
    assert (again["footers_read"], again["pending"]) == (0, 0)
    script = (tmp_path / "names.sql").read_text()
    if url.startswith("abfss"):
        assert f"LOCATION = N'https://{account}.dfs.core.windows.net/lake/raw'" in script
    assert "BULK N'2F6913DB/CAN1/*/*/*/*.parquet'" in script


def test_a_container_that_cannot_be_listed_is_an_error(attempt, azure, tmp_path):
    env = {"SLUICE_AZURE_EMULATOR": azure.http, "SLUICE_HTTP_RETRY_WAIT": "5ms"}
    done = attempt("map", "az://maplake/no-such-container", "--out", "names.sql", "--apply", cwd=tmp_path, env=env)
    assert done.code not in (0, 3), done.err
    assert not (tmp_path / "names.sql").exists()


# MARK: Copies


WAREHOUSES = ["sqlite", "postgres"]


@pytest.mark.parametrize("kind", WAREHOUSES)
def test_copies_have_the_rows_of_the_lake_and_follow_it(attempt, tmp_path, kind):
    lake = Lake(tmp_path / "lake")
    lake.write("t", "t/2024/01/01/a.parquet", pa.table({"id": pa.array([1, 2], pa.int32()), "s": ["a", "b"]}), age=40)
    lake.write("t", "t/2024/01/02/a.parquet", pa.table({"ID": pa.array([3], pa.int64()), "x": [0.5]}), age=30)
    lake.write("odd \"name'", "odd \"name'/a.parquet", pa.table({"a": [[1, 2], None]}))
    lake.damage("t/2024/01/03/bad.parquet")
    with Postgres() if kind == "postgres" else contextlib.nullcontext() as server:
        url = server.url() if server else "sqlite:./copies.db"
        (tmp_path / "sluice.yaml").write_text(
            f"project: p\nwarehouse: {json.dumps(url)}\nlake: ./lake\n"
            f"jobs: {{ copies: {{ kind: map, dialect: {kind} }} }}\n")

        def query(sql):
            if server:
                return server.execute(sql)
            with contextlib.closing(sqlite3.connect(tmp_path / "copies.db")) as database:
                return [tuple(row) for row in database.execute(sql).fetchall()]

        def go(code=3):
            plan = json.loads(attempt("map", "copies", "--plan", "--json", cwd=tmp_path).text)
            done = attempt("run", "copies", "--json", cwd=tmp_path)
            assert done.code == code, done.err
            answer = json.loads(done.text)["map"]
            actions = {change["name"]: change["action"] for change in answer["changes"]}
            assert {change["name"]: change["action"] for change in plan["changes"]} == actions
            return actions, answer["rows_loaded"]

        assert go() == ({"t": "create", "odd \"name'": "create"}, 5)
        rows = 'SELECT "ID", s, x, day FROM t ORDER BY "ID"'
        assert query(rows) == [(1, "a", None, 1), (2, "b", None, 1), (3, None, 0.5, 2)]
        assert go() == ({"t": "unchanged", "odd \"name'": "unchanged"}, 0)
        # What is new is added; a file that changed, and one that is gone, make all of its table load again.
        lake.write("t", "t/2024/01/04/a.parquet", pa.table({"ID": [4]}), age=20)
        assert go() == ({"t": "alter", "odd \"name'": "unchanged"}, 1)
        lake.write("t", "t/2024/01/04/a.parquet", pa.table({"ID": [5, 6]}), age=10)
        assert go() == ({"t": "alter", "odd \"name'": "unchanged"}, 5)
        (lake.folder / "t/2024/01/01/a.parquet").unlink()
        (lake.folder / "t/2024/01/03/bad.parquet").unlink()
        assert go(0) == ({"t": "alter", "odd \"name'": "unchanged"}, 3)
        assert query(rows) == [(3, None, 0.5, 2), (5, None, None, 4), (6, None, None, 4)]
        assert go(0) == ({"t": "unchanged", "odd \"name'": "unchanged"}, 0)


def test_tables_of_others_are_not_filled(attempt, tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.write("theirs", "theirs/a.parquet", pa.table({"id": [1]}))
    lake.write("ours", "ours/a.parquet", pa.table({"id": [1]}))
    with contextlib.closing(sqlite3.connect(tmp_path / "warehouse.db")) as database:
        database.execute("CREATE TABLE theirs (id INTEGER)")
        database.commit()
    done = attempt("map", "lake", "--dialect", "sqlite", "--apply", "--json", cwd=tmp_path)
    assert done.code == 3, done.err
    assert {change["name"]: change["action"] for change in json.loads(done.text)["changes"]} == {
        "ours": "create", "theirs": "blocked"}
    with contextlib.closing(sqlite3.connect(tmp_path / "warehouse.db")) as database:
        assert database.execute("SELECT count(*) FROM theirs").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM ours").fetchone() == (1,)
