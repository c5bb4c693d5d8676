"""docs/formats.md lists what is supported; every row of its tables is held against pyarrow here. What the pages say that
commands print is held against what they print, and their tables of keys, types and steps against the program."""

import datetime
import decimal
import json
import re
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pages import normal, run_page
from servers import Postgres

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/formats.md").read_text()

TABLE = pa.table({
    "i": pa.array([1, 2, None, 4] * 50, pa.int64()),
    "f": pa.array([0.5, None, -2.25, 3.0] * 50, pa.float64()),
    "b": pa.array([True, None, False, True] * 50),
    "s": pa.array(["apple", "apricot", None, "banana"] * 50),
})

# Which column of TABLE can have an encoding.
COLUMN = {
    "plain": "s", "rle_dictionary": "s", "plain_dictionary": "s", "rle": "b", "delta_binary_packed": "i",
    "delta_length_byte_array": "s", "delta_byte_array": "s", "byte_stream_split": "f",
}


def rows(heading):
    """{first word: (reads, writes)} of the table whose first column has this heading."""
    block = re.search(r"<!-- supported.*?-->(.*?)<!-- /supported -->", PAGE, re.S).group(1)
    table = block.split(f"| {heading} | reads | writes |")[1].split("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[1:]]
    return {name.split(" ")[0]: (reads, writes) for name, reads, writes in cells}


def read_as_sluice(sluice, source, folder):
    out = folder / "out.parquet"
    sluice("convert", source, out)
    return pq.read_table(out)


@pytest.mark.parametrize("codec", rows("codec"))
def test_codecs_are_read_and_written_as_the_page_says(sluice, tmp_path, codec):
    reads, writes = rows("codec")[codec]
    assert reads == "yes" and writes.startswith("yes")
    plain, packed = tmp_path / "plain.parquet", tmp_path / "packed.parquet"
    pq.write_table(TABLE, plain, compression="none")
    sluice("convert", plain, packed, "--compression", codec)
    found = pq.ParquetFile(packed).metadata.row_group(0).column(0).compression
    # pyarrow calls LZ4_RAW "LZ4", and the Hadoop framing, which it reads, "UNKNOWN".
    names = {"none": "UNCOMPRESSED", "lz4": "LZ4", "lz4-hadoop": "UNKNOWN"}
    assert found == names.get(codec, codec.upper())
    assert pq.read_table(packed).equals(TABLE)
    # pyarrow writes no Hadoop framing, so what is read is what pyarrow has just read from us.
    if codec != "lz4-hadoop":
        pq.write_table(TABLE, packed, compression=codec)
    assert read_as_sluice(sluice, packed, tmp_path).equals(TABLE)


@pytest.mark.parametrize("encoding", rows("encoding"))
def test_encodings_are_read_and_written_as_the_page_says(sluice, tmp_path, encoding):
    reads, writes = rows("encoding")[encoding]
    assert reads == "yes"
    if encoding == "bit_packed":
        pytest.skip("no writer of today makes it; Tests/ParquetTests reads a file made by hand")
    column = COLUMN[encoding]
    source, out = tmp_path / "source.parquet", tmp_path / "encoded.parquet"
    if encoding.endswith("dictionary"):
        pq.write_table(TABLE, source, version="1.0" if encoding == "plain_dictionary" else "2.6")
    else:
        pq.write_table(
            TABLE, source, use_dictionary=False, column_encoding={column: encoding.upper()}, data_page_version="2.0")
    index = TABLE.schema.get_field_index(column)
    assert encoding.upper() in pq.ParquetFile(source).metadata.row_group(0).column(index).encodings
    assert read_as_sluice(sluice, source, tmp_path).equals(TABLE)
    if writes == "deprecated":
        return
    sluice("convert", source, out, "--column-encoding", f"{column}={encoding}", "--page-version", "2")
    assert encoding.upper() in pq.ParquetFile(out).metadata.row_group(0).column(index).encodings
    assert pq.read_table(out).equals(TABLE)


LINE = (ROOT / "docs/command-line.md").read_text()


def console(page, command):
    """What the page says that a command prints."""
    return re.search(r"```console\n\$ " + re.escape(command) + r"\n(.*?)```", page, re.S).group(1)


def test_init_prints_what_the_page_says(sluice, tmp_path):
    done = sluice("init", "shop", cwd=tmp_path)
    assert done.text + done.err == console(LINE, "sluice init shop")


def test_validate_prints_what_the_page_says(attempt, tmp_path):
    (tmp_path / "sluice.yaml").write_text(re.search(r"```yaml\n(project: shop.*?)```", LINE, re.S).group(1))
    done = attempt("validate", cwd=tmp_path)
    assert (done.code, done.text) == (4, "")
    assert done.err == console(LINE, "sluice validate")


def test_every_command_is_on_the_page(sluice):
    table = LINE.split("| command | does |")[1].split("\n\n")[0]
    listed = set(re.findall(r"^\| `([a-z]+)", table, re.M))
    model = json.loads(sluice("help", "--json").text)
    assert listed == {command["name"] for command in model["commands"]}


PAGES = sorted(
    str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    if "<!-- run -->" in path.read_text())


@pytest.mark.parametrize("page", PAGES)
def test_examples_print_what_the_page_says(tmp_path, page):
    for said, printed in run_page(page, tmp_path):
        assert normal(printed) == normal(said)


PROJECT = (ROOT / "docs/project.md").read_text()
INGEST = (ROOT / "docs/ingest.md").read_text()
REPORT = (ROOT / "docs/report.md").read_text()
MAP = (ROOT / "docs/map.md").read_text()
INIT = (ROOT / "docs/init.md").read_text()
PLATFORMS = (ROOT / "docs/platforms.md").read_text()
CONNECTIONS = (ROOT / "docs/connections.md").read_text()
IDENTITY = (ROOT / "docs/identity.md").read_text()


def explained(shape):
    """{key: what a page has to say of it} of an object of the schema."""
    known = {}
    for key, value in shape["properties"].items():
        if value is True:
            continue
        known[key] = value["description"]
        if "default" in value:
            default = value["default"]
            known[key] += f". Default: `{default if isinstance(default, str) else json.dumps(default)}`"
        if key in shape.get("required", []):
            known[key] += " (required)"
    return known


def listed(page, name):
    block = re.search(rf"<!-- keys: {name} -->(.*?)<!-- /keys -->", page, re.S).group(1)
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", block, re.M))


def cases(definition, key):
    """{value: shape} of what a definition says for each value of a key."""
    return {case["if"]["properties"][key]["const"]: case["then"] for case in definition["allOf"]}


def test_every_key_is_on_the_page_as_the_schema_explains_it(sluice):
    schema = json.loads(sluice("schema").text)
    job = schema["definitions"]["job"]
    assert listed(PROJECT, "project") == explained(schema)
    assert listed(PROJECT, "job") == explained(job)
    assert listed(PROJECT, "variable") == explained(schema["definitions"]["variable"])
    assert listed(IDENTITY, "azure") == explained(schema["definitions"]["set-of-Azure-settings"])
    kinds = cases(job, "kind")
    assert set(kinds) == {"ingest", "report", "map", "init"}
    assert listed(INGEST, "ingest") == explained(kinds["ingest"])
    assert listed(REPORT, "report") == explained(kinds["report"])
    assert listed(MAP, "map") == explained(kinds["map"])
    assert listed(INIT, "init") == explained(kinds["init"])
    step = schema["definitions"]["step"]
    assert listed(INIT, "step") == explained(step)
    for kind, shape in cases(step, "step").items():
        assert listed(INIT, "step_" + kind.replace("-", "_")) == explained(shape)
    assert listed(PLATFORMS, "deploy") == explained(schema["definitions"]["deployment"])
    for kind, shape in cases(schema["definitions"]["platform"], "type").items():
        if kind != "local":
            assert listed(PLATFORMS, "platform_" + kind.replace("-", "_")) == explained(shape)
    assert listed(PLATFORMS, "event") == explained(schema["definitions"]["event"])
    assert listed(INIT, "retry") == explained(schema["definitions"]["retry"])
    for name, title in [("rules", "set-of-rules"), ("caps", "set-of-caps"), ("fields", "set-of-fields"), ("check", "check")]:
        assert listed(REPORT, name) == explained(schema["definitions"][title])


def test_every_key_of_every_protocol_is_on_the_page(sluice):
    schema = json.loads(sluice("schema").text)
    protocols = cases(schema["definitions"]["connection"], "protocol")
    assert set(re.findall(r"<!-- keys: (\w+) -->", CONNECTIONS)) == {*protocols, "prefix"}
    for protocol, shape in protocols.items():
        known = explained(shape)
        assert listed(CONNECTIONS, "prefix") == {"prefix": known.pop("prefix")}
        assert listed(CONNECTIONS, protocol) == known


def table(page, mark):
    """The cells of a table's rows, code marks removed."""
    block = re.search(rf"<!-- {mark} -->(.*?)<!-- /{mark} -->", page, re.S).group(1)
    lines = [line.strip().strip("|") for line in block.strip().splitlines()][2:]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_postgres_types_are_read_as_the_page_says(sluice, tmp_path):
    wanted = {name: code(kind)[0] for names, kind, *_ in table(CONNECTIONS, "postgres types") for name in code(names)}
    with Postgres() as server:
        server.execute("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN amount AS numeric(9,2); "
                       "CREATE TYPE pair AS (a int, b text)")
        columns = ", ".join(f"c{place} {name}" for place, name in enumerate(wanted))
        server.execute(f"CREATE TABLE t ({columns})")
        (tmp_path / "sluice.yaml").write_text(
            f"project: types\nconnections: {{ db: '{server.url()}' }}\njobs: {{ t: {{ kind: ingest, from: db, table: t }} }}")
        plan = json.loads(sluice("plan", "t", "--json", cwd=tmp_path).text)
    found = [column.split(": ", 1)[1] for column in plan["jobs"][0]["columns"]]
    assert dict(zip(wanted, found, strict=True)) == wanted


WAREHOUSE = (ROOT / "docs/warehouse.md").read_text()


def test_tables_of_sluice_are_as_the_page_says(sluice, tmp_path):
    run = ["ingest", "--from", ROOT / "examples", "--files", "orders.csv", "--into", "orders"]
    with Postgres() as server:
        sluice(*run, "--warehouse", server.url(), cwd=tmp_path)
        sluice(*run, cwd=tmp_path)
        for name in ["etl_audit_log", "sluice_ledger", "sluice_source_files", "sluice_watermarks"]:
            rows = table(WAREHOUSE, name)
            typed = server.execute(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                f"WHERE attrelid = '{name}'::regclass AND attnum > 0")
            short = {"character varying": "varchar", "timestamp with time zone": "timestamptz"}
            typed = [(column, re.sub("|".join(short), lambda match: short[match[0]], kind)) for column, kind in typed]
            assert [(code(row[0])[0], code(row[1])[0]) for row in rows] == typed
            with sqlite3.connect(tmp_path / "warehouse.db") as database:
                declared = database.execute(f"SELECT name, type FROM pragma_table_info('{name}')").fetchall()
            assert [(code(row[0])[0], code(row[2])[0]) for row in rows] == declared


def test_types_of_new_columns_are_as_the_page_says(sluice, tmp_path):
    """Every type that a Parquet file can have, into a table of each warehouse."""
    values = {
        "bool": pa.bool_(), "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
        "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(), "uint64": pa.uint64(),
        "float32": pa.float32(), "float64": pa.float64(), "decimal(15,2)": pa.decimal128(15, 2),
        "decimal(16,2)": pa.decimal128(16, 2), "utf8": pa.string(), "binary": pa.binary(), "date": pa.date32(),
        "time(us)": pa.time64("us"), "timestamp(us)": pa.timestamp("us"), "timestamp(us, UTC)": pa.timestamp("us", "UTC"),
        "timestamp(ns)": pa.timestamp("ns"), "list<…>": pa.list_(pa.int64()),
    }
    wanted = {name: (code(row[1])[0], code(row[2])[0])
              for row in table(WAREHOUSE, "column types") for name in code(row[0])}
    assert set(values) | {"uuid", "json"} == set(wanted)
    schema = pa.schema([pa.field(name, kind) for name, kind in values.items()])
    samples = {"utf8": "x", "binary": b"x", "list<…>": [1], "bool": True, "date": datetime.date(2026, 1, 1),
               "timestamp(ns)": 1000}
    columns = [pa.array([decimal.Decimal(1) if pa.types.is_decimal(kind) else samples.get(name, 1)], kind)
               for name, kind in values.items()]
    pq.write_table(pa.table(columns, schema=schema), tmp_path / "all.parquet")
    run = ["ingest", "--from", tmp_path, "--files", "all.parquet", "--into", "every"]
    with Postgres() as server:
        sluice(*run, "--warehouse", server.url(), cwd=tmp_path)
        typed = dict(server.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 'every'::regclass AND attnum > 0"))
    sluice(*run, cwd=tmp_path)
    with sqlite3.connect(tmp_path / "warehouse.db") as database:
        declared = dict(database.execute("SELECT name, type FROM pragma_table_info('every')").fetchall())
    short = {"timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
             "time without time zone": "time"}
    for name in values:
        assert (short.get(typed[name], typed[name]), declared[name]) == wanted[name], name


def test_steps_are_on_the_page_as_the_program_has_them():
    source = (ROOT / "Sources/Support/FaultPoint.swift").read_text()
    steps = re.findall(r'case \w+ = "([\w.]+)"', source)
    page = (ROOT / "docs/when-it-dies.md").read_text()
    assert [code(row[0])[0] for row in table(page, "steps")] == steps


def test_the_library_page_shows_the_example_that_is_compiled():
    block = re.search(r"```swift\n(.*?)```", (ROOT / "docs/library.md").read_text(), re.S).group(1)
    assert block == (ROOT / "examples/library/LoadOrders.swift").read_text()


def test_the_example_of_the_page_is_valid(sluice, tmp_path):
    (tmp_path / "sluice.yaml").write_text(re.search(r"```yaml\n(project: shop.*?)```", PROJECT, re.S).group(1))
    assert sluice("validate", cwd=tmp_path).text == "sluice.yaml is valid: 2 connections, 2 jobs, 1 environment\n"
