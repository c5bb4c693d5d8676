"""CSV held against things that we did not write: Python's csv module, pyarrow, DuckDB and polars."""

import base64
import csv
import datetime
import io
import json
import math
import os
import re
import struct
from decimal import Decimal

import duckdb
import numpy
import polars
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

import arrow
import moments

UNLIKELY = "<no such value>"
# With this, an empty field is an empty string, as it is for Python's csv.
NO_NULLS = ["--null", UNLIKELY]


def read(sluice, folder, source, *options):
    """What the program makes of a CSV file, or of its bytes, as an Arrow table."""
    path = source
    if isinstance(source, (str, bytes)):
        path = folder / "in.csv"
        path.write_bytes(source.encode() if isinstance(source, str) else source)
    sluice("convert", "-q", path, folder / "read.parquet", "--from", "csv", *options)
    return pq.read_table(folder / "read.parquet")


def rows_of(table):
    """The rows of a table, as lists."""
    return [list(row) for row in zip(*(column.to_pylist() for column in table.columns))]


def written(rows, newline="\n", **dialect):
    """The text that Python's csv makes of rows."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=newline, **dialect).writerows(rows)
    return out.getvalue()


def parsed(text, **dialect):
    """The rows that Python's csv finds in text, without the header."""
    return list(csv.reader(io.StringIO(text, newline=""), **dialect))[1:]


# ---------------------------------------------------------------------------------------------------- dialects

CELLS = ["", " ", "a", " a ", "naïve", "李雷", "🎁🎀", "NULL", '"', '""', 'quo"te', "'", "it's", "com,ma", "semi;colon",
         "pi|pe", "ta\tb", "car^et", "line\nbreak", "\n", "cr\r\nlf", "\\", "\\n", "back\\slash", "#hash", "-", "0012", "1e5", "\x01",
         "é" * 70, "x" * 64, "\u2028", "\ufeffmark", "end\\"]


def random_rows(rng, count, width, cells):
    def cell():
        return rng.choice(cells) if rng.random() < 0.6 else "".join(rng.choices(cells, k=rng.randint(2, 4)))
    return [[f"c{i}" for i in range(width)]] + [[cell() for _ in range(width)] for _ in range(count)]


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL], ids=["all", "minimal"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", " "])
def test_dialects_of_pythons_csv(sluice, tmp_path, rng, delimiter, newline, quoting):
    # In a file whose lines end in carriage returns alone, there is no line feed anywhere.
    cells = [cell for cell in CELLS if newline != "\r" or "\n" not in cell]
    quote = rng.choice("\"'")
    rows = random_rows(rng, 300, rng.choice([2, 3, 9]), cells)
    text = written(rows, newline, delimiter=delimiter, quotechar=quote, quoting=quoting)
    table = read(sluice, tmp_path, text, "--no-infer", *NO_NULLS, "--delimiter", delimiter, "--quote", quote)
    assert table.column_names == rows[0]
    assert rows_of(table) == rows[1:]


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONE], ids=["all", "minimal", "none"])
def test_escapes_of_pythons_csv(sluice, tmp_path, rng, quoting):
    # A bare carriage return, even behind an escape, ends a record for Python's own reader.
    rows = random_rows(rng, 300, 3, [cell for cell in CELLS if "\r" not in cell])
    dialect = {"quoting": quoting, "doublequote": False, "escapechar": "\\"}
    text = written(rows, **dialect)
    assert parsed(text, **dialect) == rows[1:]
    options = ["--quote", "none"] if quoting == csv.QUOTE_NONE else []
    table = read(sluice, tmp_path, text, "--no-infer", *NO_NULLS, "--delimiter", ",", "--escape", "\\", *options)
    assert rows_of(table) == rows[1:]


def test_fields_that_no_writer_writes_are_what_pythons_csv_takes_them_for(sluice, tmp_path, rng):
    def field():
        plain, other = rng.choice(["", "a", "b c", "é", "12"]), rng.choice(["", "x", " y", "z"])
        return rng.choice([
            plain, f'"{plain}"', f'"{plain}"{other}', f' "{plain}"', f'a"{plain}', f'a""{plain}', f'"{plain}\n{other}"',
            f'"{plain},{other}"', f'"{plain}""{other}"', f'"{plain}""\r\n"', f'"{plain}"" ""{other}"', f'a"{plain}"{other}'])
    for _ in range(3):
        newline = rng.choice(["\n", "\r\n"])
        text = "a,b,c" + newline
        text += "".join(",".join(field() for _ in range(3)) + newline for _ in range(rng.choice([5, 2000])))
        text = text if rng.random() < 0.5 else text.removesuffix(newline)
        table = read(sluice, tmp_path, text, "--no-infer", *NO_NULLS, "--delimiter", ",")
        assert rows_of(table) == parsed(text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(sluice, tmp_path, rng, delimiter):
    rows = random_rows(rng, 200, 4, CELLS)
    text = written(rows, rng.choice(["\n", "\r\n"]), delimiter=delimiter)
    assert rows_of(read(sluice, tmp_path, text, "--no-infer", *NO_NULLS)) == rows[1:]


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_records_across_chunks(sluice, tmp_path, rng, newline):
    cells = CELLS + ["long " * 20_000, 'quote" ' * 9_000, "line\n" * 7_000, "both\r\n" * 5_000]
    rows = random_rows(rng, 300, 3, cells)
    text = written(rows, newline)
    assert len(text) > 3 << 20
    assert rows_of(read(sluice, tmp_path, text, "--no-infer", *NO_NULLS)) == rows[1:]


@pytest.mark.parametrize(
    "encoding, option",
    [("utf-8", None), ("utf-8", "utf8"), ("utf-8-sig", None), ("utf-8-sig", "utf8"), ("utf-16", None),
     ("utf-16-le", None), ("utf-16-le", "utf16le"), ("utf-16-be", None), ("utf-16-be", "utf16be"),
     ("utf-16-be-sig", None), ("latin-1", "latin1")])
def test_encodings(sluice, tmp_path, rng, encoding, option):
    cells = [cell for cell in CELLS if encoding != "latin-1" or max(map(ord, cell), default=0) < 256]
    cells += ["plain", "words", "and more words"] * 20 if option is None else []
    rows = random_rows(rng, rng.choice([3, 3000]), 3, cells)
    text = written(rows)
    mark = b"\xfe\xff" if encoding == "utf-16-be-sig" else b""
    data = mark + text.encode(encoding.removesuffix("-sig") if mark else encoding)
    options = ["--encoding", option] if option else []
    table = read(sluice, tmp_path, data, "--no-infer", *NO_NULLS, "--delimiter", ",", *options)
    assert table.column_names == rows[0]
    assert rows_of(table) == rows[1:]


# ---------------------------------------------------------------------------------------------------- ragged records


def test_short_and_long_records(sluice, attempt, tmp_path, rng):
    whole = random_rows(rng, 50, 4, ["a", "b c", "line\nbreak"])
    place = rng.randrange(1, 51)
    for fields, options, passes in [(3, [], False), (5, [], False), (3, ["--ragged", "null"], True),
                                    (1, ["--ragged", "null"], True), (5, ["--ragged", "null"], False)]:
        rows = [list(row) for row in whole]
        rows[place] = ["x"] * fields
        text = written(rows)
        line = text[:len(written(rows[:place]))].count("\n") + 1
        (tmp_path / "in.csv").write_text(text, newline="")
        result = attempt("convert", "-q", tmp_path / "in.csv", tmp_path / "out.parquet", *options)
        assert result.code == (0 if passes else 1), result.err
        if passes:
            rows[place] += [None] * (4 - fields)
            assert rows_of(pq.read_table(tmp_path / "out.parquet")) == rows[1:]
            os.remove(tmp_path / "out.parquet")
        else:
            assert "in.csv" in result.err and re.search(rf"line:? {line}\b|:{line}\b", result.err), (line, result.err)
            assert os.listdir(tmp_path) == ["in.csv"]


def test_empty_fields_beyond_the_last_column_are_left_out_on_demand(sluice, tmp_path):
    table = read(sluice, tmp_path, "a,b\n1,2,,\n3\n4,5\n", "--ragged", "null")
    assert rows_of(table) == [[1, 2], [3, None], [4, 5]]


# ---------------------------------------------------------------------------------------------------- inference

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def assert_nothing_lost(table, rows):
    """Asserts that every value of a table stands for exactly the text that it was made from; None is null."""
    assert table.num_rows == len(rows)
    for index, (name, column) in enumerate(zip(table.column_names, table.columns)):
        for number, (value, row) in enumerate(zip(python_values(column), rows)):
            assert means(value, row[index]), f"{name}[{number}]: {row[index]!r} became {value!r}, {column.type}"


def python_values(column):
    """Values that keep nanoseconds, which datetime does not."""
    if pa.types.is_timestamp(column.type):
        isoformat = numpy.datetime_as_string(column.to_numpy())
        return [None if text == "NaT" else text for text in isoformat]
    if pa.types.is_time(column.type):
        return column.cast(pa.string()).to_pylist()
    return column.to_pylist()


def means(value, text):
    if value is None or text is None:
        return value is None and text is None
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int):
        return re.fullmatch(r"-?\d+", text) is not None and value == int(text) and text == str(value)
    if isinstance(value, Decimal):
        return NUMBER.fullmatch(text) is not None and value == Decimal(text)
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            return str(value) == str(float(text))
        same_sign = math.copysign(1, value) == (-1 if text.startswith("-") else 1)
        return Decimal(repr(value)) == Decimal(text) and same_sign
    if isinstance(value, datetime.date):
        return value.isoformat() == text
    if value == text:
        return True
    return isinstance(value, str) and moment(value) == moment(text) and moment(value) is not None


def moment(text):
    """A timestamp or time of day taken apart, in UTC when it has an offset, with all digits of its fraction."""
    found = re.fullmatch(r"(?:(\d{4}-\d\d-\d\d)(?:[T ]|$))?(?:(\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?", text)
    if not found:
        return None
    day, minute, second, fraction, offset = found.groups()
    start = datetime.datetime.fromisoformat(f"{day or '2000-01-01'}T{minute or '00:00'}:{second or '00'}")
    if offset and offset != "Z":
        hours, minutes = int(offset[1:3]), int(offset[3:].strip(":") or 0)
        shift = datetime.timedelta(hours=hours, minutes=minutes)
        start += -shift if offset[0] == "+" else shift
    return day is None, start, (fraction or "").rstrip("0")


FAMILIES = {
    "int64": (["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "42"], "int64"),
    "uint64": (["0", "18446744073709551615", "9223372036854775808"], "uint64"),
    "large": (["-1", "18446744073709551616", "-123456789012345678901234567890", "9" * 38], "decimal128(38, 0)"),
    "too large": (["1", "9" * 39, "-" + "1" * 60], "string"),
    "float": (["0.5", "-1.25e10", "1E-7", ".5", "5.", "1", "-0", "-0.0", "1e308", "5e-324", "0.1", "1.10"], "double"),
    "float with NaN": (["0.5", "NaN", "inf", "-Infinity", "1"], "double"),
    "decimal": (["0.1", "0.12345678901234567890123", "-12345678901234.5"], "decimal128(38, 23)"),
    "decimal of large": (["9007199254740993", "0.5"], "decimal128(38, 1)"),
    "no float": (["1e400", "0.5"], "string"),
    "padded": (["007", "1"], "string"),
    "signed": (["+49", "1"], "string"),
    "bool": (["true", "false"], "bool"),
    "no bool": (["true", "0"], "string"),
    "digits as bool": (["0", "1"], "int64"),
    "NaN alone": (["NaN", "nan"], "string"),
    "date": (["2024-02-29", "0001-01-01", "9999-12-31"], "date32[day]"),
    "no date": (["2023-02-29", "2023-02-28"], "string"),
    "date or number": (["2024-02-29", "20240229"], "string"),
    "time": (["00:00:00", "23:59:59.999999", "12:30:01.5"], "time64[us]"),
    "time in ns": (["00:00:00", "23:59:59.999999999"], "time64[ns]"),
    "timestamp": (["2024-02-29T12:30:00", "2024-02-29 12:30:00.123456", "1969-12-31T23:59:59"], "timestamp[us]"),
    "timestamp in ns": (["2024-02-29T12:30:00", "2024-02-29T12:30:00.123456789"], "timestamp[ns]"),
    "far timestamp in ns": (["0001-01-01T00:00:00", "2024-02-29T12:30:00.123456789"], "string"),
    "timestamp or date": (["2024-02-29T12:30:00", "2024-02-29"], "timestamp[us]"),
    "zoned": (["2024-02-29T12:30:00Z", "2024-02-29T12:30:00+05:30", "2024-02-29 12:30:00-08"], "timestamp[us, tz=UTC]"),
    "half zoned": (["2024-02-29T12:30:00Z", "2024-02-29T12:30:00"], "string"),
    "time or date": (["12:30:00", "2024-02-29"], "string"),
    "text": (["1", "x", "2024-02-29", "1.50", "true"], "string"),
    "spaces": ([" 1", "2 "], "string"),
    "separators": (["1,000", "1_000", "0x10"], "string"),
    "halves": (["1e", "e5", "-", ".", "1.2.3"], "string"),
}


@pytest.mark.parametrize("nulls", [False, True], ids=["full", "nulls"])
def test_inference_of_every_family(sluice, tmp_path, rng, nulls):
    rows = []
    for number in range(400):
        # Each value at least once: the first rows go through them in order.
        row = [values[number] if number < len(values) else rng.choice(values) for values, _ in FAMILIES.values()]
        rows.append([None if nulls and number >= 12 and rng.random() < 0.3 else value for value in row])
    rng.shuffle(rows)
    table = read(sluice, tmp_path, written([list(FAMILIES)] + rows), "--delimiter", ",")
    types = {name: str(table[name].type) for name in table.column_names}
    assert types == {name: type for name, (_, type) in FAMILIES.items()}
    assert_nothing_lost(table, rows)


@pytest.mark.parametrize("case", range(6))
def test_any_mixture_of_families_loses_nothing(sluice, tmp_path, rng, case):
    columns = []
    for _ in range(40):
        kinds = rng.sample(list(FAMILIES), rng.randint(1, 3))
        pool = [value for kind in kinds for value in rng.sample(FAMILIES[kind][0], min(2, len(FAMILIES[kind][0])))]
        columns.append([None if rng.random() < 0.1 else rng.choice(pool) for _ in range(200)])
    rows = [list(row) for row in zip(*columns)]
    names = [f"c{i}" for i in range(len(columns))]
    assert_nothing_lost(read(sluice, tmp_path, written([names] + rows), "--delimiter", ","), rows)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_late_value_of_another_kind_loses_nothing(sluice, tmp_path, rng, family):
    """Every other family follows in the last row of a file that goes far beyond the first chunk."""
    values, _ = FAMILIES[family]
    others = [None] + [rng.choice(other) for name, (other, _) in FAMILIES.items()]
    start = rng.choice(values)
    early = [start] * len(others)
    count = (3 << 19) // len(written([early]))
    text = written([[f"c{i}" for i in range(len(others))]]) + written([early]) * count + written([others])
    assert len(text) > 5 << 18
    table = read(sluice, tmp_path, text, "--delimiter", ",")
    assert table.num_rows == count + 1
    assert_nothing_lost(table.slice(0, 2), [early] * 2)
    assert_nothing_lost(table.slice(count - 1), [early, others])
    for column in table.columns:
        assert len(column.slice(0, count).unique()) == 1


LATE = [
    ("1", "2.5", "double"), ("1", "x", "string"), ("", "7", "int64"), ("", "x", "string"), ("", "2024-01-01", "date32[day]"),
    ("", "", "string"), ("2024-01-01", "x", "string"), ("2024-01-01", "2024-01-01T10:00:00", "timestamp[us]"),
    ("2024-01-01T10:00:00", "2024-01-01T10:00:00.123456789", "timestamp[ns]"), ("true", "1", "string"),
    ("1.5", "0.123456789012345678901", "decimal128(38, 21)"), ("1", "9223372036854775808", "uint64"),
    ("-1", "9223372036854775808", "decimal128(38, 0)"), ("9007199254740993", "0.5", "decimal128(38, 1)"),
    ("1", "007", "string"), ("1.50", "x", "string"), ("1", "", "int64"), ("0.5", "nan", "double"), ("1", "1e400", "string"),
]


@pytest.mark.parametrize("place", ["last", "middle", "second chunk"])
def test_late_widening(sluice, tmp_path, rng, place):
    count = 60_000
    at = {"last": count - 1, "middle": rng.randrange(count), "second chunk": count // 2}[place]
    early, late = [pair[0] for pair in LATE], [pair[1] for pair in LATE]
    before, after = written([early]) * at, written([early]) * (count - 1 - at)
    text = written([[f"c{i}" for i in range(len(LATE))]]) + before + written([late]) + after
    assert len(text) > 5 << 20
    table = read(sluice, tmp_path, text)
    assert [str(column.type) for column in table.columns] == [type for _, _, type in LATE]
    assert table.num_rows == count
    for row in {0, max(0, at - 1), at, min(at + 1, count - 1), count - 1}:
        assert_nothing_lost(table.slice(row, 1), [[value or None for value in (late if row == at else early)]])
    for name, (start, _, type) in zip(table.column_names, LATE):
        assert len(table[name].slice(0, at).unique()) <= 1


# ---------------------------------------------------------------------------------------------------- typed tables


def bits(rng):
    """A float of random bits, which are finite."""
    while True:
        number = struct.unpack("d", struct.pack("Q", rng.getrandbits(64)))[0]
        if math.isfinite(number):
            return number


def typed_table(rng, rows=500):
    """A table as programs export them."""
    def column(type, make):
        return pa.array([None if rng.random() < 0.1 else make() for _ in range(rows)], type)
    start = datetime.datetime(2000, 1, 1)
    return pa.table({
        "small": column(pa.int16(), lambda: rng.randint(-32768, 32767)),
        "int": column(pa.int64(), lambda: arrow.integer(rng, 64, True)),
        "unsigned": column(pa.uint64(), lambda: arrow.integer(rng, 64, False)),
        "huge": column(pa.decimal128(38, 0), lambda: Decimal(rng.randint(-10**30, 10**30))),
        "bits": column(pa.float64(), lambda: bits(rng)),
        "float": column(pa.float64(), lambda: rng.choice([0.0, -0.0, 1.0, 1e23, 5e-324, rng.random(), rng.uniform(-1e6, 1e6)])),
        "nan": column(pa.float64(), lambda: rng.choice([math.nan, math.inf, -math.inf, 1.5, 2.0])),
        "price": column(pa.decimal128(12, 2), lambda: Decimal(rng.randint(-10**9, 10**9)).scaleb(-2)),
        "exact": column(pa.decimal128(38, 18), lambda: Decimal(rng.randint(-10**37, 10**37)).scaleb(-18)),
        "bool": column(pa.bool_(), lambda: rng.random() < 0.5),
        "date": column(pa.date32(), lambda: datetime.date.fromordinal(rng.randint(1, 3652059))),
        "second": column(pa.timestamp("ms"), lambda: start + datetime.timedelta(seconds=rng.randint(-10**9, 10**9))),
        "micro": column(pa.timestamp("us"), lambda: start + datetime.timedelta(microseconds=rng.randint(-10**15, 10**15))),
        "code": column(pa.string(), lambda: f"{rng.randint(0, 99999):05d}"),
        "number as text": column(pa.string(), lambda: rng.choice(["1", "1.50", "1e5", "x", "-"])),
        "text": column(pa.string(), lambda: rng.choice(arrow.WORDS)),
        "nothing": pa.nulls(rows, pa.string()),
    })


def write_pyarrow(table, path):
    pacsv.write_csv(table, path)


def write_polars(table, path):
    polars.from_arrow(table).write_csv(path)


def write_duckdb(table, path):
    duckdb.from_arrow(table).write_csv(str(path), header=True)


@pytest.mark.parametrize("writer", [write_pyarrow, write_polars, write_duckdb])
def test_typed_tables_of_other_writers(sluice, tmp_path, rng, writer):
    table = typed_table(rng)
    writer(table, tmp_path / "typed.csv")
    result = read(sluice, tmp_path, tmp_path / "typed.csv", "--delimiter", ",")
    assert result.column_names == table.column_names
    for name in table.column_names:
        for row, (value, expected) in enumerate(zip(result[name].to_pylist(), table[name].to_pylist())):
            message = f"{name}[{row}]: {expected!r} became {value!r}, {result[name].type}"
            if isinstance(expected, float) and not math.isnan(expected) and value is not None:
                assert float(value) == expected and math.copysign(1, value) == math.copysign(1, expected), message
            elif isinstance(expected, Decimal) and isinstance(value, float):
                assert Decimal(repr(value)) == expected, message
            elif isinstance(expected, float) and value is not None:
                assert math.isnan(value), message
            else:
                assert value == expected, message
    types = {name: str(result[name].type) for name in
             ["small", "int", "huge", "bits", "float", "nan", "bool", "date", "micro", "code", "text", "nothing"]}
    assert types == {
        "small": "int64", "int": "int64", "huge": "decimal128(38, 0)", "bits": "double", "float": "double", "nan": "double",
        "bool": "bool", "date": "date32[day]", "micro": "timestamp[us]", "code": "string", "text": "string", "nothing": "string"}


# ---------------------------------------------------------------------------------------------------- writing


def as_text(value, type):
    """What a value is in CSV, as the documentation has it; floats, which have several texts, are left out."""
    if type == pa.uuid():
        return str(value)
    if pa.types.is_binary(type) or pa.types.is_fixed_size_binary(type):
        return base64.b64encode(value).decode()
    if pa.types.is_boolean(type):
        return str(value).lower()
    return str(value)


@pytest.mark.parametrize("case", range(2))
def test_every_type_as_pythons_csv_reads_it(sluice, tmp_path, rng, case):
    table = pa.table({f"{i}-{type}": moments.values(rng, type, 300) for i, type in enumerate(arrow.FLAT)})
    pq.write_table(table, tmp_path / "in.parquet", store_schema=True)
    sluice("convert", "-q", tmp_path / "in.parquet", tmp_path / "out.csv")
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == table.column_names
    assert len(rows) == table.num_rows
    for index, column in enumerate(table.columns):
        type = column.type
        if pa.types.is_timestamp(type) or pa.types.is_time(type):
            texts = [row[index] for row in rows]
            ticks = column.cast(pa.int32() if type.bit_width == 32 else pa.int64()).to_pylist()
            for text, tick in zip(texts, ticks):
                assert (text == "") == (tick is None)
                if tick is not None:
                    assert moments.ticks(text, type) == tick, (text, type)
            continue
        for row, value in zip(rows, column.to_pylist()):
            text = row[index]
            if value is None:
                assert text == ""
            elif pa.types.is_floating(type):
                numeric = {16: numpy.float16, 32: numpy.float32, 64: numpy.float64}[type.bit_width]
                value = numeric(value)
                assert str(numeric(text)) == str(value) and len(text) <= max(len(repr(float(value))), 9), (text, value)
            elif pa.types.is_decimal(type):
                assert Decimal(text) == value and not set(text) & set("eE")
            else:
                assert text == as_text(value, type)


OTHERS_KNOW = [pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
               pa.float32(), pa.float64(), pa.string(), pa.date32(), pa.decimal128(18, 4), pa.decimal128(38, 10),
               pa.timestamp("ms"), pa.timestamp("us")]


def test_other_readers_see_the_same(sluice, tmp_path, rng):
    table = pa.table({f"c{i}": moments.values(rng, type, 1000) for i, type in enumerate(OTHERS_KNOW)})
    pq.write_table(table, tmp_path / "in.parquet", store_schema=True)
    sluice("convert", "-q", tmp_path / "in.parquet", tmp_path / "out.csv")
    convert = pacsv.ConvertOptions(column_types=table.schema, strings_can_be_null=True, quoted_strings_can_be_null=False,
                                   null_values=[""])
    parse = pacsv.ParseOptions(newlines_in_values=True)
    arrow.arrow_equal(pacsv.read_csv(tmp_path / "out.csv", parse_options=parse, convert_options=convert), table)
    seen = duckdb.read_csv(str(tmp_path / "out.csv"), all_varchar=True, header=True, strict_mode=True).to_arrow_table()
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    assert [[value or "" for value in row] for row in rows_of(seen)] == rows
    seen = polars.read_csv(tmp_path / "out.csv", infer_schema=False, null_values=None)
    assert [[value or "" for value in row] for row in seen.rows()] == rows


@pytest.mark.parametrize("case", range(3))
def test_round_trip_with_a_schema(sluice, tmp_path, rng, case):
    table = pa.table({f"c{i}": moments.values(rng, type, 400) for i, type in enumerate(arrow.FLAT)})
    pq.write_table(table, tmp_path / "in.parquet", store_schema=True)
    options = rng.choice([[], ["--out-delimiter", ";"], ["--quote-all"], ["--crlf", "--bom"], ["--out-null", "NA"]])
    sluice("convert", "-q", tmp_path / "in.parquet", tmp_path / "out.csv", *options)
    described = json.loads(sluice("inspect", "--json", tmp_path / "in.parquet").text)
    schema = ", ".join(f"{column['name']}: {column['type']}" for column in described["files"][0]["schema"])
    back = ["--null", "NA"] if "--out-null" in options else []
    result = sluice("convert", "-q", tmp_path / "out.csv", tmp_path / "back.parquet", "--schema", schema, *back)
    assert result.code == 0
    expected = pq.ParquetFile(tmp_path / "in.parquet", arrow_extensions_enabled=True).read()
    actual = pq.ParquetFile(tmp_path / "back.parquet", arrow_extensions_enabled=True).read()
    arrow.arrow_equal(actual, expected)


def test_nested_values_are_json(sluice, tmp_path, rng):
    type = pa.struct([("a", pa.list_(pa.int64())), ("b", pa.string()), ("c", pa.struct([("d", pa.bool_())]))])
    table = pa.table({"id": pa.array(range(200), pa.int64()), "nested": arrow.values(rng, type, 200)})
    pq.write_table(table, tmp_path / "in.parquet")
    sluice("convert", "-q", tmp_path / "in.parquet", tmp_path / "out.csv")
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    assert [None if row[1] == "" else json.loads(row[1]) for row in rows] == table["nested"].to_pylist()


def test_text_written_by_the_program_reads_back(sluice, tmp_path, rng):
    cells = [cell for cell in CELLS] + [None, "true", "1", "2024-01-01"]
    rows = [[rng.choice(cells), rng.choice(cells)] for _ in range(500)]
    for names, data in [(["a", "b"], rows), (["a"], [row[:1] for row in rows])]:
        table = pa.table([pa.array(column, pa.string()) for column in zip(*data)], names=names)
        pq.write_table(table, tmp_path / "in.parquet")
        for options in [[], ["--quote-all"], ["--crlf"], ["--bom"]]:
            sluice("convert", "-q", tmp_path / "in.parquet", tmp_path / "out.csv", *options)
            arrow.arrow_equal(read(sluice, tmp_path, tmp_path / "out.csv", "--no-infer", "--delimiter", ","), table)
        with open(tmp_path / "out.csv", newline="", encoding="utf-8-sig") as file:
            seen = [row or [""] for row in list(csv.reader(file))[1:]]
            assert seen == [["" if value is None else value for value in row] for row in data]


# ---------------------------------------------------------------------------------------------------- bad input


def assert_fails(attempt, folder, data, *words, options=()):
    """Asserts an error that names the file and the words, and that nothing but the input is there."""
    (folder / "bad.csv").write_bytes(data)
    result = attempt("convert", "-q", folder / "bad.csv", folder / "out.parquet", *options)
    assert result.code == 1, (result.code, result.err)
    for word in ("bad.csv", *words):
        assert re.search(word, result.err), (word, result.err)
    assert os.listdir(folder) == ["bad.csv"]


@pytest.mark.parametrize("rows", [3, 300_000])
def test_bad_bytes_are_named_by_line(attempt, tmp_path, rows):
    good = b"a,b\n" + b"1,hello\n" * rows
    line = rows + 2
    for bad in [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"]:
        assert_fails(attempt, tmp_path, good + b"2,x" + bad + b"y\n", rf"(line |:){line}\b", "UTF-8")
        if rows > 3:
            break


def test_an_open_quote_is_named_by_line(attempt, tmp_path):
    assert_fails(attempt, tmp_path, b'a,b\n1,2\n3,"open\n4,5\n', r"(line |:)3\b", "quote")
    data = b'a,b\n1,2\n3,"open\n' + b"4,5\n" * 500_000
    assert_fails(attempt, tmp_path, data, r"(line |:)3\b", options=["--max-record-bytes", "1MiB"])


def test_a_value_that_a_schema_does_not_fit_is_named(attempt, tmp_path):
    data = b"a,b\n" + b"1,2\n" * 100_000 + b"1,x\n" + b"1,2\n" * 100
    assert_fails(attempt, tmp_path, data, r"(line |:)100002\b", r"\bb\b", '"?x"?', options=["--schema", "a: int64, b: int32"])


def test_damage_never_crashes(attempt, tmp_path, rng):
    text = written(random_rows(rng, 30, 4, CELLS)).encode()
    for encoding in [None, "utf16le", "latin1"]:
        for _ in range(12):
            data = bytearray(text if encoding != "utf16le" else text.decode().encode("utf-16-le"))
            for _ in range(rng.randint(0, 4)):
                data[rng.randrange(len(data))] = rng.choice(b"\x00\"\\\n\r,\xff\xc3\xd8") if rng.random() < 0.8 else rng.randrange(256)
            data = bytes(data[:rng.randrange(len(data) + 1)])
            (tmp_path / "bad.csv").write_bytes(data)
            options = ["--encoding", encoding] if encoding else []
            result = attempt("convert", "-q", tmp_path / "bad.csv", tmp_path / "out.parquet", *options,
                             "--ragged", rng.choice(["error", "null"]))
            assert result.code in (0, 1)
            assert (tmp_path / "out.parquet").exists() == (result.code == 0)
            if result.code == 0:
                os.remove(tmp_path / "out.parquet")
            else:
                assert "bad.csv" in result.err
