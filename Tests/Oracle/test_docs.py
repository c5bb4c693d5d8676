"""docs/formats.md lists what is supported; every row of its tables is held against pyarrow here. What docs/command-line.md
says that commands print is held against what they print."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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


PROJECT = (ROOT / "docs/project.md").read_text()


def test_every_key_is_on_the_page_as_the_schema_explains_it(sluice):
    schema = json.loads(sluice("schema").text)
    job = schema["definitions"]["job"]
    ingest = next(case["then"] for case in job["allOf"] if case["if"]["properties"]["kind"]["const"] == "ingest")
    for name, shape in {"project": schema, "job": job, "ingest": ingest}.items():
        block = re.search(rf"<!-- keys: {name} -->(.*?)<!-- /keys -->", PROJECT, re.S).group(1)
        listed = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", block, re.M))
        known = {}
        for key, value in shape["properties"].items():
            if value is True:
                continue
            known[key] = value["description"]
            if "default" in value:
                known[key] += f". Default: `{value['default']}`"
            if key in shape.get("required", []):
                known[key] += " (required)"
        assert listed == known


def test_the_example_of_the_page_is_valid(sluice, tmp_path):
    (tmp_path / "sluice.yaml").write_text(re.search(r"```yaml\n(project: shop.*?)```", PROJECT, re.S).group(1))
    assert sluice("validate", cwd=tmp_path).text == "sluice.yaml is valid: 2 connections, 2 jobs, 1 environment\n"
