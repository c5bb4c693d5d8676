"""Parquet through `sluice convert`: what others write is read without a loss, and what is written they all can read."""

import itertools

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arrow import FLAT, NULL_PATTERNS, arrow_equal, random_table, table_of_every_type, values

CODECS = ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]


def by_pyarrow(path):
    return pq.read_table(path)


def by_duckdb(path):
    return duckdb.sql(f"select * from read_parquet('{path}')").to_arrow_table()


def by_polars(path):
    return polars.read_parquet(path).to_arrow()


READERS = [by_pyarrow, by_duckdb, by_polars]


def convert(sluice, tmp_path, *options):
    """The path of what becomes of in.parquet."""
    out = tmp_path / "out.parquet"
    sluice("convert", *options, tmp_path / "in.parquet", out)
    return out


def round_trip(sluice, tmp_path, table, **options):
    """Writes a table with pyarrow, converts it, and reads both back with pyarrow."""
    pq.write_table(table, tmp_path / "in.parquet", **options)
    out = convert(sluice, tmp_path)
    arrow_equal(pq.read_table(out), pq.read_table(tmp_path / "in.parquet"))
    return out


# ------------------------------------------------------------------------------------------------ what pyarrow writes


@pytest.mark.parametrize("number", range(80))
def test_random_tables(sluice, rng, tmp_path, number):
    table = random_table(rng)
    round_trip(
        sluice, tmp_path, table, compression=rng.choice(CODECS), use_dictionary=rng.random() < 0.5,
        data_page_version=rng.choice(["1.0", "2.0"]), row_group_size=rng.choice([1, 17, 400, 100_000]) if
        table.num_rows < 200 else rng.choice([170, 400, 100_000]), data_page_size=rng.choice([64, 4096, 1 << 20]),
        write_page_index=rng.random() < 0.5, write_page_checksum=rng.random() < 0.5,
        use_compliant_nested_type=rng.random() < 0.5, store_schema=rng.random() < 0.7)


@pytest.mark.parametrize("codec, pages, dictionary", itertools.product(CODECS, ["1.0", "2.0"], [True, False]))
def test_every_codec(sluice, rng, tmp_path, codec, pages, dictionary):
    table = table_of_every_type(rng, 500)
    round_trip(
        sluice, tmp_path, table, compression=codec, data_page_version=pages, use_dictionary=dictionary,
        row_group_size=200, write_page_checksum=True)


def encodable():
    """(type, encoding) of everything that pyarrow encodes without a dictionary."""
    for type in FLAT:
        yield type, "PLAIN"
        if isinstance(type, pa.BaseExtensionType):
            continue
        if pa.types.is_boolean(type):
            yield type, "RLE"
        elif type in (pa.string(), pa.binary()):
            yield type, "DELTA_LENGTH_BYTE_ARRAY"
            yield type, "DELTA_BYTE_ARRAY"
        elif pa.types.is_floating(type):
            yield type, "BYTE_STREAM_SPLIT"
        elif pa.types.is_decimal(type) or pa.types.is_fixed_size_binary(type):
            yield type, "DELTA_BYTE_ARRAY"
            yield type, "BYTE_STREAM_SPLIT"
        else:
            yield type, "DELTA_BINARY_PACKED"
            yield type, "BYTE_STREAM_SPLIT"


@pytest.mark.parametrize("encoding", sorted({encoding for _, encoding in encodable()}))
@pytest.mark.parametrize("pages", ["1.0", "2.0"])
def test_every_encoding(sluice, rng, tmp_path, encoding, pages):
    types = [type for type, name in encodable() if name == encoding]
    columns = {
        f"{index}-{nulls}-{type}": values(rng, type, 700, nulls)
        for index, type in enumerate(types)
        for nulls in NULL_PATTERNS
    }
    round_trip(
        sluice, tmp_path, pa.table(columns), use_dictionary=False, column_encoding={c: encoding for c in columns},
        data_page_version=pages, data_page_size=512)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_int96_timestamps(sluice, rng, tmp_path, unit):
    span = {"ms": 9 * 10**12, "us": 9 * 10**15, "ns": 9 * 10**18}[unit]
    moments = [0, None, 1, -1, span, -span] + [rng.randint(-span, span) for _ in range(100)]
    table = pa.table({"t": pa.array(moments, pa.timestamp(unit))})
    pq.write_table(table, tmp_path / "in.parquet", use_deprecated_int96_timestamps=True, store_schema=False)
    actual = pq.read_table(convert(sluice, tmp_path))
    arrow_equal(actual.cast(pa.schema([("t", pa.timestamp("ns"))])), table.cast(pa.schema([("t", pa.timestamp("ns"))])))


def test_decimals_in_every_physical_form(sluice, rng, tmp_path):
    columns = {f"d{p}": values(rng, pa.decimal128(p, p // 3), 300) for p in range(1, 39)}
    round_trip(sluice, tmp_path, pa.table(columns), store_decimal_as_integer=True)
    round_trip(sluice, tmp_path, pa.table(columns), store_decimal_as_integer=False)


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_of_every_type(sluice, rng, tmp_path, rows):
    nested = [pa.list_(pa.int32()), pa.map_(pa.string(), pa.int8()), pa.struct([("x", pa.list_(pa.string()))])]
    round_trip(sluice, tmp_path, table_of_every_type(rng, rows, FLAT + nested))


def test_huge_values(sluice, tmp_path):
    table = pa.table({"s": ["", "x" * 5_000_000, None, "漢" * 1_000_000], "b": [b"", None, b"\0" * 7_000_000, b"\xff"]})
    round_trip(sluice, tmp_path, table)


def test_many_columns(sluice, rng, tmp_path):
    round_trip(sluice, tmp_path, pa.table({f"c{i}": values(rng, FLAT[i % len(FLAT)], 3) for i in range(1500)}))


def test_names_of_every_kind(sluice, tmp_path):
    names = ["", " ", "a.b", "é", "漢", "a b", 'quo"te', "list", "element", "x" * 500]
    round_trip(sluice, tmp_path, pa.table({name: [1, None] for name in names}))


def test_key_value_metadata_survives(sluice, tmp_path):
    table = pa.table({"a": [1]}).replace_schema_metadata({"made by": "a test", "é": "漢"})
    pq.write_table(table, tmp_path / "in.parquet")
    metadata = pq.read_table(convert(sluice, tmp_path)).schema.metadata
    assert metadata[b"made by"] == b"a test"
    assert metadata["é".encode()] == "漢".encode()


# -------------------------------------------------------------------------------------------- what the others write

SAMPLE = """
    select i, i::tinyint as i8, i::uinteger as u32, i % 2 = 0 as flag, i / 7.0 as f, (i / 3.0)::float as f32,
        (i * 1.25)::decimal(18, 3) as dec, (i * 1.25)::decimal(4, 1) as small, 'text ' || i % 10 as s, null as nothing,
        ('\\xAA' || i)::blob as b, date '2026-01-01' + i::integer as d, time '01:02:03.456789' as t,
        timestamp '2026-01-01 00:00:00' + interval (i) second as ts, timestamptz '2026-01-01 00:00:00+02' as tz,
        case when i % 3 = 0 then null else i end as maybe, [i, null, i + 1] as l, {'a': i, 'b': {'c': [i::varchar]}} as st,
        map {'k' || i: i} as m, ('00000000-0000-0000-0000-00000000000' || i % 10)::uuid as u
    from range(100) r(i)
"""


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_duckdb_writes(sluice, tmp_path, codec, version):
    path = tmp_path / "in.parquet"
    duckdb.sql(f"copy ({SAMPLE}) to '{path}' (format parquet, codec '{codec}', parquet_version '{version}')")
    arrow_equal(pq.read_table(convert(sluice, tmp_path)), pq.read_table(path))


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "zstd", "lz4", "brotli"])
def test_what_polars_writes(sluice, rng, tmp_path, codec):
    table = duckdb.sql(SAMPLE).to_arrow_table().drop_columns(["m"])
    polars.from_arrow(table).write_parquet(tmp_path / "in.parquet", compression=codec, row_group_size=30)
    arrow_equal(pq.read_table(convert(sluice, tmp_path)), pq.read_table(tmp_path / "in.parquet"))


# ------------------------------------------------------------------------------------------------- what others read



def is_common(type):
    """Whether DuckDB and polars know the type, and all of its random values: DuckDB counts microseconds."""
    if isinstance(type, pa.BaseExtensionType) or type == pa.float16():
        return False
    return not pa.types.is_timestamp(type) or (type.unit in ["us", "ns"] and type.tz != "+05:30")


# They read the original and the copy, and must see the same.
COMMON = [type for type in FLAT if is_common(type)]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
def test_others_read_what_is_written(sluice, rng, tmp_path, reader, codec):
    table = table_of_every_type(rng, 400, COMMON)
    nested = {
        "l": values(rng, pa.list_(pa.int32()), 400),
        "ll": values(rng, pa.list_(pa.list_(pa.string())), 400),
        "st": values(rng, pa.struct([("a", pa.int64()), ("b", pa.list_(pa.float64()))]), 400),
    }
    for name, column in nested.items():
        table = table.append_column(name, column)
    pq.write_table(table, tmp_path / "in.parquet")
    out = convert(sluice, tmp_path, "--compression", codec)
    arrow_equal(reader(out), reader(tmp_path / "in.parquet"))


def test_statistics_lead_to_the_rows(sluice, rng, tmp_path):
    """What is pruned by the statistics that are written is what holds no match."""
    table = pa.table({"i": sorted(rng.randint(-1000, 1000) for _ in range(5000)), "s": [str(n % 97) for n in range(5000)]})
    pq.write_table(table, tmp_path / "in.parquet")
    out = convert(sluice, tmp_path)
    for limit in [-2000, -500, 0, 999, 1000]:
        expected = sum(1 for number in table["i"].to_pylist() if number > limit)
        assert pq.read_table(out, filters=[("i", ">", limit)]).num_rows == expected
        assert duckdb.sql(f"select count(*) from '{out}' where i > {limit}").fetchall() == [(expected,)]
    column = pq.ParquetFile(out).metadata.row_group(0).column(0)
    assert column.statistics.min == min(table["i"].to_pylist())
    assert column.statistics.null_count == 0


# ------------------------------------------------------------------------------------------------------- damaged files


@pytest.mark.parametrize("number", range(25))
def test_damaged_files_are_errors_and_leave_nothing(attempt, rng, tmp_path, number):
    source = tmp_path / "in.parquet"
    pq.write_table(random_table(rng, rows=100), source, compression=rng.choice(CODECS), write_page_checksum=True)
    contents = bytearray(source.read_bytes())
    if number % 3 == 0:
        contents = contents[: rng.randrange(len(contents))]
    else:
        for _ in range(rng.choice([1, 3, 20])):
            contents[rng.randrange(len(contents))] ^= 1 << rng.randrange(8)
    source.write_bytes(contents)
    out = tmp_path / "out.parquet"
    result = attempt("convert", source, out, timeout=30)
    if result.code == 0:
        # What was hit can lie where nobody looks: then the copy is a file as good as any.
        pq.read_table(out)
    else:
        assert "in.parquet" in result.err
        assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
