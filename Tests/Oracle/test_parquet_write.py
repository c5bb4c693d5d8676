"""Parquet files written by the program, read by pyarrow, DuckDB and polars."""

import math

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import arrow

CODECS = ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]
ENCODINGS = ["plain", "dictionary", "rle", "delta_binary_packed", "delta_length_byte_array", "delta_byte_array",
             "byte_stream_split"]


def rewritten(sluice, tmp_path, table, *options):
    """The path of a file that the program made of a table."""
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table, source, compression="none", store_schema=True)
    sluice("convert", source, target, *options)
    return target


def opened(path):
    return pq.ParquetFile(path, page_checksum_verification=True, arrow_extensions_enabled=True)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_type_in_every_encoding(sluice, tmp_path, rng, encoding, version):
    table = arrow.table_of_every_type(rng, 500)
    path = rewritten(sluice, tmp_path, table, "--column-encoding", encoding, "--page-version", version,
                     "--page-bytes", rng.choice(["64", "4KiB", "1MiB"]))
    arrow.arrow_equal(opened(path).read(), table)


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(sluice, tmp_path, rng, codec):
    table = arrow.random_table(rng, rows=1000, columns=6)
    path = rewritten(sluice, tmp_path, table, "--compression", codec, "--page-version", rng.choice([1, 2]))
    arrow.arrow_equal(opened(path).read(), table)


@pytest.mark.parametrize("case", range(12))
def test_random_tables_in_random_layouts(sluice, tmp_path, rng, case):
    table = arrow.random_table(rng)
    path = rewritten(
        sluice, tmp_path, table, "--compression", rng.choice(CODECS), "--page-version", rng.choice([1, 2]),
        "--row-group-rows", rng.choice([1, 33, 1 << 20]) if table.num_rows < 200 else rng.choice([100, 1 << 20]),
        "--page-bytes", rng.choice(["16", "1KiB", "1MiB"]), "--column-encoding", rng.choice(ENCODINGS))
    arrow.arrow_equal(opened(path).read(), table)


@pytest.mark.parametrize("nulls", arrow.NULL_PATTERNS)
def test_null_patterns_under_nesting(sluice, tmp_path, rng, nulls):
    struct = pa.struct([("a", pa.list_(pa.int32())), ("b", pa.map_(pa.string(), pa.list_(pa.string())))])
    types = [pa.int64(), pa.bool_(), pa.list_(pa.list_(pa.float64())), pa.list_(struct), struct]
    table = pa.table({f"c{i}": arrow.values(rng, type, 700, nulls) for i, type in enumerate(types)})
    path = rewritten(sluice, tmp_path, table, "--page-bytes", "512")
    arrow.arrow_equal(opened(path).read(), table)


def test_duckdb_and_polars_read_the_same(sluice, tmp_path, rng):
    types = [pa.bool_(), pa.int8(), pa.int64(), pa.uint32(), pa.float32(), pa.float64(), pa.string(), pa.date32(),
             pa.decimal128(9, 2), pa.decimal128(18, 4), pa.timestamp("us"), pa.list_(pa.int32())]
    table = pa.table({f"c{i}": arrow.values(rng, type, 1000) for i, type in enumerate(types)})
    for version in [1, 2]:
        path = rewritten(sluice, tmp_path, table, "--page-version", version, "--page-bytes", "1KiB")
        found = duckdb.sql(f"select * from read_parquet('{path}')").to_arrow_table()
        arrow.arrow_equal(found, table)
        arrow.arrow_equal(polars.read_parquet(path).to_arrow().cast(table.schema), table)


def test_statistics_are_those_of_the_values(sluice, tmp_path, rng):
    types = [pa.int8(), pa.int64(), pa.uint16(), pa.uint64(), pa.float32(), pa.float64(), pa.string(), pa.binary(),
             pa.date32(), pa.bool_()]
    table = pa.table({f"c{i}": arrow.values(rng, type, 1000) for i, type in enumerate(types)})
    metadata = opened(rewritten(sluice, tmp_path, table, "--row-group-rows", 250)).metadata
    assert metadata.num_row_groups == 4
    for group in range(4):
        for index, name in enumerate(table.column_names):
            chunk = metadata.row_group(group).column(index)
            values = table[name].slice(group * 250, 250)
            present = [value for value in values.drop_null().to_pylist() if value == value]
            assert chunk.statistics.null_count == values.null_count
            assert chunk.has_column_index and chunk.has_offset_index
            low, high = chunk.statistics.min, chunk.statistics.max
            if isinstance(present[0], (str, bytes)):
                # Long ones are cut; a bound stays a bound.
                raw = [value.encode() if isinstance(value, str) else value for value in present]
                low, high = (bound.encode() if isinstance(bound, str) else bound for bound in (low, high))
                assert low <= min(raw) and max(raw) <= high
                assert len(min(raw)) > 64 or low == min(raw)
                assert len(max(raw)) > 64 or high == max(raw)
            else:
                assert (low, high) == (min(present), max(present))


def test_zeros_and_nans_in_statistics(sluice, tmp_path):
    table = pa.table({"zeros": [0.0, 0.0], "negative": [-0.0, -0.0], "nans": [math.nan, math.nan],
                      "mixed": [math.nan, 1.5]})
    row_group = opened(rewritten(sluice, tmp_path, table)).metadata.row_group(0)
    for index in (0, 1):
        statistics = row_group.column(index).statistics
        assert math.copysign(1, statistics.min) == -1 and math.copysign(1, statistics.max) == 1
    nans = row_group.column(2)
    assert not nans.statistics.has_min_max and not nans.has_column_index
    assert (row_group.column(3).statistics.min, row_group.column(3).statistics.max) == (1.5, 1.5)


def test_a_filter_finds_every_row_through_the_statistics(sluice, tmp_path, rng):
    table = pa.table({"n": pa.array(range(5000)), "s": [f"{i:06}" + "é" * (i % 90) for i in range(5000)]})
    path = rewritten(sluice, tmp_path, table, "--row-group-rows", 700, "--page-bytes", "1KiB")
    for row in [0, 699, 700, 4999, rng.randrange(5000)]:
        text = table["s"][row].as_py()
        assert pq.read_table(path, filters=[("s", "==", text)])["n"].to_pylist() == [row]
        assert duckdb.sql(f"select n from read_parquet('{path}') where s = '{text}'").fetchall() == [(row,)]


def test_the_arrow_schema_keeps_what_parquet_does_not(sluice, tmp_path):
    table = pa.table({
        "zone": pa.array([0], pa.timestamp("us", "Europe/Berlin")), "uuid": pa.array([b"x" * 16], pa.uuid()),
        "json": pa.array(["{}"], pa.json_()), "half": pa.array([1.5], pa.float16()),
        "length": pa.array([5], pa.duration("ms"))})
    found = opened(rewritten(sluice, tmp_path, table)).schema_arrow
    for name in table.column_names:
        assert found.field(name).type == table.schema.field(name).type


def test_zero_rows_empty_and_huge_strings(sluice, tmp_path):
    empty = pa.table({"a": pa.array([], pa.int32()), "b": pa.array([], pa.list_(pa.string()))})
    arrow.arrow_equal(opened(rewritten(sluice, tmp_path, empty)).read(), empty)
    huge = pa.table({"s": ["", "x" * 3_000_000, "", None, "y" * 2_000_000], "b": [b"", b"\xff" * 70, None, b"", b"\xff"]})
    arrow.arrow_equal(opened(rewritten(sluice, tmp_path, huge)).read(), huge)
