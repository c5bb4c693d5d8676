"""JSON and NDJSON held against things that we did not write: Python's json module, pyarrow, DuckDB and polars."""

import base64
import json
import math
import os
import re
import struct
import uuid
from decimal import Decimal

import duckdb
import numpy
import polars
import pyarrow as pa
import pyarrow.json as pajson
import pyarrow.parquet as pq
import pytest

import arrow
import moments

# ---------------------------------------------------------------------------------------------------- random records

KEYS = ["a", "b", "key", "Key", "é", "李", "with space", "dot.ted", 'quo"te', "back\\slash", "🎁", "x" * 40, "0", "null"]
STRINGS = ["", "a", "naïve", "李雷", "🎁🎀", 'quo"te', "back\\slash", "line\nbreak", "tab\t", "\u0000", "\x1f", "\x7f", "\u2028", "</x>",
           "null", "1", "1.5", "true", "\ufeff", "é" * 50, "2024-13-01", "[1]", "{}"]
INTEGERS = [0, 1, -1, 42, 2**53, -(2**53), 2**63 - 1, -(2**63)]
LARGE = [2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**30, -(10**30), 10**38 - 1, 10**38, -(10**60)]
FLOATS = [0.0, -0.0, 1.0, 0.1, 1e23, 5e-324, 1.7976931348623157e308, 1e-7, 123456.789, 2.5]


def bits(rng):
    """A float of random bits, which are finite."""
    while True:
        number = struct.unpack("d", struct.pack("Q", rng.getrandbits(64)))[0]
        if math.isfinite(number):
            return number


def scalar(rng, kind):
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "int":
        return rng.choice(INTEGERS) if rng.random() < 0.5 else rng.randint(-10**6, 10**6)
    if kind == "large":
        return rng.choice(LARGE + INTEGERS)
    if kind == "float":
        return rng.choice(FLOATS) if rng.random() < 0.3 else bits(rng)
    if kind == "number":
        return rng.choice([rng.choice(INTEGERS), rng.choice(FLOATS), rng.randint(-100, 100), round(rng.uniform(-9, 9), 2)])
    return rng.choice(STRINGS)


def template(rng, depth=4):
    """What the values of one place are made of: a kind of scalar, an object, an array, or several of these."""
    pick = rng.random()
    if depth <= 1 or pick < 0.5:
        return rng.choice(["bool", "int", "large", "float", "number", "string", "null", "empty object", "empty array"])
    if pick < 0.7:
        return {key: template(rng, depth - 1) for key in rng.sample(KEYS, rng.randint(1, 4))}
    if pick < 0.9:
        return [template(rng, depth - 1)]
    return (template(rng, depth - 1), template(rng, depth - 1))


def value(rng, made_of):
    """A random value."""
    if rng.random() < 0.08 or made_of == "null":
        return None
    if isinstance(made_of, tuple):
        return value(rng, rng.choice(made_of))
    if isinstance(made_of, dict):
        return {key: value(rng, inner) for key, inner in made_of.items() if rng.random() < 0.85}
    if isinstance(made_of, list):
        return [value(rng, made_of[0]) for _ in range(rng.choice([0, 1, 2, 3, 7]))]
    if made_of == "empty object":
        return {}
    if made_of == "empty array":
        return []
    return scalar(rng, made_of)


def records(rng, count):
    made_of = {key: template(rng) for key in rng.sample(KEYS, rng.randint(1, 8))}
    return [value(rng, made_of) or {} for _ in range(count)]


def dumped(values, layout, **style):
    """Records as text: NDJSON, an array, or one after the other."""
    texts = [json.dumps(one, allow_nan=False, **style) for one in values]
    if layout == "array":
        return "[" + ",".join(texts) + "]"
    return "".join(texts) if layout == "concatenated" else "".join(text + "\n" for text in texts)


# ---------------------------------------------------------------------------------------------------- the documented rules


def family(value):
    if isinstance(value, bool):
        return "bool"
    return {int: "number", float: "number", str: "string", dict: "object", list: "array"}[type(value)]


def shape(values):
    """What documented rules make of the values of one place: a family of scalars, a structure, a list, or json."""
    found = [value for value in values if value is not None]
    families = {family(value) for value in found}
    if not families:
        return "null"
    if len(families) > 1:
        return "json"
    kind = families.pop()
    if kind == "object":
        keys = list(dict.fromkeys(key for value in found for key in value))
        if not keys:
            return "json"
        return {key: shape([value.get(key) for value in found]) for key in keys}
    if kind == "array":
        return [shape([item for value in found for item in value])]
    return kind


def assert_same(actual, original, expected, dumps, path):
    """Asserts that what Parquet holds is the Python value, or its text where its place is of mixed kinds."""
    where = f"{path}: {original!r} became {actual!r}"
    if original is None or expected == "null":
        assert actual is None and original is None, where
    elif expected == "json":
        assert actual == dumps(original), where
    elif isinstance(expected, dict):
        assert list(actual) == list(expected), where
        for key, inner in expected.items():
            assert_same(actual[key], original.get(key), inner, dumps, f"{path}.{key}")
    elif isinstance(expected, list):
        assert len(actual) == len(original), where
        for index, (left, right) in enumerate(zip(actual, original)):
            assert_same(left, right, expected[0], dumps, f"{path}[{index}]")
    elif expected == "number":
        assert not isinstance(actual, bool), where
        if isinstance(actual, float):
            assert Decimal(repr(actual)) == Decimal(repr(original)), where
            assert math.copysign(1, actual) == math.copysign(1, original), where
        elif isinstance(actual, int):
            assert isinstance(original, int) and actual == original, where
        elif isinstance(actual, Decimal):
            assert actual == Decimal(repr(original)), where
        else:
            assert actual == json.dumps(original), where
    else:
        assert type(actual) is type(original) and actual == original, where


def assert_table(table, values, dumps=json.dumps):
    """Asserts that a table holds the records."""
    expected = shape(values)
    assert table.num_rows == len(values)
    if isinstance(expected, dict):
        assert table.column_names == list(expected)
    else:
        assert table.column_names == ["value"]
        values, expected = [{"value": one} for one in values], {"value": expected}
    for row, (actual, original) in enumerate(zip(table.to_pylist(), values)):
        assert_same(actual, original, expected, dumps, f"row {row}")


def read(sluice, folder, text, *options, name="in.json"):
    """What the program makes of JSON text, as an Arrow table."""
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    sluice("convert", "-q", folder / name, folder / "read.parquet", *options)
    return pq.read_table(folder / "read.parquet")


# ---------------------------------------------------------------------------------------------------- reading

STYLES = [{}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"sort_keys": True}]


@pytest.mark.parametrize("case", range(8))
@pytest.mark.parametrize("layout", ["lines", "array", "concatenated"])
def test_random_records(sluice, tmp_path, rng, layout, case):
    values = records(rng, rng.choice([1, 2, 30, 400]))
    if not any(values):
        values[0] = {"a": 1}
    style = rng.choice(STYLES)
    if style.get("sort_keys"):
        values = json.loads(json.dumps(values, sort_keys=True))
    name = rng.choice(["in.json", "in.ndjson"]) if layout == "lines" else "in.json"
    table = read(sluice, tmp_path, dumped(values, layout, **style), name=name)
    assert_table(table, values, lambda value: json.dumps(value, **style))


@pytest.mark.parametrize("case", range(6))
def test_records_that_are_no_objects(sluice, tmp_path, rng, case):
    made_of = rng.choice(["int", "float", "string", "large", ["int"], ("int", "string"), (["string"], {"a": "int"})])
    values = [value(rng, made_of) for _ in range(50)] + [value(rng, made_of)]
    if all(one is None for one in values) or isinstance(shape(values), dict):
        values.append(7)
    for layout, name in [("lines", "in.ndjson"), ("array", "in.json")]:
        assert_table(read(sluice, tmp_path, dumped(values, layout), name=name), values)


def test_one_object_over_many_lines(sluice, tmp_path, rng):
    one = {key: value(rng, template(rng)) for key in KEYS}
    indented = read(sluice, tmp_path, json.dumps(one, indent=2))
    line = read(sluice, tmp_path, json.dumps(one))
    assert_table(line, [one])
    assert indented.schema == line.schema
    # Values of mixed kinds keep their layout, so these are compared for what they mean.
    for left, right in zip(indented.columns, line.columns):
        assert "arrow.json" in str(left.type) or left.to_pylist() == right.to_pylist()


def test_white_space_of_all_kinds(sluice, tmp_path, rng):
    values = [{"a": [1, 2], "b": {"c": "x y"}}, {"a": [], "b": None}]
    for layout in ["lines", "array", "concatenated"]:
        text = dumped(values, layout, separators=(" ,\r\n\t", "\t: \n"))
        assert_table(read(sluice, tmp_path, "\n \r\n\t" + text + " \n\t\r\n"), values)
        assert_table(read(sluice, tmp_path, b"\xef\xbb\xbf" + text.encode()), values)


def test_every_escape(sluice, tmp_path):
    texts = ['"\\u0041\\u00e9\\u674e"', '"\\ud83c\\udf81"', '"\\/\\b\\f\\n\\r\\t\\"\\\\"', '"\\u0000"', '"\\uFFFF\\uD7FF\\ue000"',
             '"' + "\\u00e9" * 100 + '"', '"' + "\\\\" * 63 + '"', '"' + "a" * 63 + '\\""']
    data = "".join(f'{{"text":{text},"\\u0061{number}":{number}}}\n' for number, text in enumerate(texts))
    table = read(sluice, tmp_path, data)
    assert table["text"].to_pylist() == [json.loads(text) for text in texts]
    assert table.column_names == ["text"] + [f"a{number}" for number in range(len(texts))]


NUMBERS = {
    "int64": (["0", "-1", "9223372036854775807", "-9223372036854775808"], "int64"),
    "uint64": (["0", "18446744073709551615"], "uint64"),
    "large": (["-1", "18446744073709551615"], "decimal128(38, 0)"),
    "38 digits": (["9" * 38, "-" + "9" * 38], "decimal128(38, 0)"),
    "39 digits": (["1", "1" + "0" * 38], "string"),
    "float": (["0.5", "1E5", "1e+5", "1.5e-7", "-0.0", "-0", "0e0", "123", "1.10"], "double"),
    "precise": (["0.1234567890123456789", "1"], "decimal128(38, 19)"),
    "large and fraction": (["9007199254740993", "0.5"], "decimal128(38, 1)"),
    "beyond floats": (["1e400", "1"], "string"),
    "below floats": (["1e-400", "1"], "string"),
}


@pytest.mark.parametrize("name", list(NUMBERS))
def test_numbers_keep_every_digit(sluice, tmp_path, name):
    texts, expected = NUMBERS[name]
    table = read(sluice, tmp_path, "".join(f'{{"n":{text},"l":[{text}]}}\n' for text in texts))
    assert str(table["n"].type) == expected
    for column in [table["n"].to_pylist(), [row[0] for row in table["l"].to_pylist()]]:
        for actual, text in zip(column, texts):
            if isinstance(actual, str):
                assert actual == text
            else:
                assert Decimal(repr(actual) if isinstance(actual, float) else actual) == Decimal(text)
                assert str(actual).startswith("-") == text.startswith("-")


def test_strings_become_times_only_when_all_are(sluice, tmp_path):
    kinds = {
        "date": (["2024-02-29", "0001-01-01"], "date32[day]"), "no date": (["2023-02-29", "2024-02-29"], "string"),
        "time": (["00:00:00", "23:59:59.5"], "time64[us]"),
        "timestamp": (["2024-02-29T10:00:00", "2024-02-29 10:00:00.123456"], "timestamp[us]"),
        "zoned": (["2024-02-29T10:00:00Z", "2024-02-29T10:00:00+02:00"], "timestamp[us, tz=UTC]"),
        "half": (["2024-02-29T10:00:00Z", "2024-02-29T10:00:00"], "string"),
        "digits": (["20240229", "1"], "string"), "text": (["2024-02-29", "x"], "string"),
        "mixed": (["2024-02-29", 1], "extension<arrow.json>")}
    rows = [{name: texts[row] for name, (texts, _) in kinds.items()} for row in range(2)]
    table = read(sluice, tmp_path, dumped(rows, "lines"))
    assert {name: str(table[name].type) for name in table.column_names} == {name: type for name, (_, type) in kinds.items()}
    for name in ["no date", "half", "digits", "text"]:
        assert table[name].to_pylist() == kinds[name][0]
    assert table["mixed"].to_pylist() == ['"2024-02-29"', "1"]


@pytest.mark.parametrize("layout", ["lines", "array"])
def test_nested_values_stay_text_on_demand(sluice, tmp_path, rng, layout):
    values = [{"id": number, "nested": value(rng, {"a": "int", "b": ["string"]})} for number in range(100)]
    table = read(sluice, tmp_path, dumped(values, layout), "--nested", "json")
    expected = [None if one["nested"] is None else json.dumps(one["nested"]) for one in values]
    assert table["nested"].to_pylist() == expected


# ---------------------------------------------------------------------------------------------------- late changes

LATE = {
    "float": (1, 2.5), "text": (1, "x"), "object": (1, {"a": 1}), "array": ("x", [1]), "null to int": (None, 7),
    "null to text": (None, "x"), "null to object": (None, {"k": [1]}), "null to array": (None, [{"k": 1}]), "null": (1, None),
    "date to text": ("2024-01-01", "x"), "unsigned": (1, 2**63), "decimal": (-1, 2**64), "digits": (1, 10**40),
    "large to float": (2**53 + 1, 0.5), "bool to int": (True, 1), "list to object": ([], {}), "empty to object": ({}, {"k": 1}),
    "empty to item": ([], [1.5]), "item to text": ([1], ["x"]), "new key": ({"a": 1}, {"b": 2}), "deep": ({"a": {"b": 1}}, {"a": {"b": "x"}}),
    "list of null": ([None], [[None, [1]]]), "float to int": (0.5, 2**60),
}


@pytest.mark.parametrize("layout", ["lines", "array"])
@pytest.mark.parametrize("place", ["last", "middle"])
def test_late_changes(sluice, tmp_path, rng, layout, place):
    early = {name: pair[0] for name, pair in LATE.items()}
    late = {name: pair[1] for name, pair in LATE.items()} | {"late key": {"late": ["er"]}}
    count = 12_000
    at = count - 1 if place == "last" else rng.randrange(count)
    end = "," if layout == "array" else "\n"
    first, other = json.dumps(early) + end, json.dumps(late) + end
    text = first * at + other + first * (count - 1 - at)
    assert len(text) > 5 << 20
    table = read(sluice, tmp_path, f"[{text[:-1]}]" if layout == "array" else text)
    assert table.num_rows == count
    expected = shape([early, late])
    if at > 0:
        assert table.column_names == list(expected)
    for row in {0, 1, at - 1, at, at + 1, count - 1}:
        if 0 <= row < count:
            original = late if row == at else early
            actual = table.slice(row, 1).to_pylist()[0]
            assert_same({key: actual[key] for key in expected}, original, expected, json.dumps, f"row {row}")
    for name in ["float", "text", "null to text", "unsigned", "digits", "late key"]:
        assert table[name].null_count == (count - 1 if name in ("null to text", "late key") else 0)
        if not pa.types.is_struct(table[name].type):
            assert len(set(table[name].to_pylist())) == 2


def test_a_large_random_file(sluice, tmp_path, rng):
    some = records(rng, 300)
    values = some * 40 + [{"late": 1.5}]
    text = dumped(values, "lines", ensure_ascii=False) + "\n" * (6 << 20) + '{"later":"x"}'
    table = read(sluice, tmp_path, text)
    values.append({"later": "x"})
    expected = shape(values)
    assert table.column_names == list(expected)
    assert table.num_rows == len(values)
    for start in [0, 300 * 20, 300 * 40]:
        for row, actual in enumerate(table.slice(start, 302).to_pylist()):
            assert_same(actual, values[start + row], expected, lambda one: json.dumps(one, ensure_ascii=False), f"row {start + row}")


# ---------------------------------------------------------------------------------------------------- writing


def loads(text):
    """JSON with its numbers as they are written, and objects as lists of pairs, so that equal keys show."""
    def never(word):
        raise AssertionError(f"{word} is not JSON")
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=never, object_pairs_hook=Pairs)


class Number(str):
    """A number as it is written."""


class Pairs(list):
    """An object."""


def assert_json(found, scalar, path):
    """Asserts that a JSON value says what an Arrow scalar says, in the way that is documented."""
    type = scalar.type
    where = f"{path}: {type} was written as {found!r}"
    if not scalar.is_valid:
        assert found is None, where
    elif isinstance(type, pa.BaseExtensionType):
        stored = scalar.value.as_py()
        if type == pa.uuid():
            assert found == str(uuid.UUID(bytes=stored)), where
        else:
            assert found == loads(stored), where
    elif pa.types.is_struct(type):
        assert isinstance(found, Pairs) and [key for key, _ in found] == [field.name for field in type], where
        for key, inner in found:
            assert_json(inner, scalar[key], f"{path}.{key}")
    elif pa.types.is_map(type):
        entries = list(scalar.values or [])
        assert isinstance(found, Pairs) and len(found) == len(entries), where
        for (key, inner), entry in zip(found, entries):
            assert key == str(entry["key"].as_py()), where
            assert_json(inner, entry["value"], f"{path}[{key}]")
    elif pa.types.is_list(type):
        entries = list(scalar.values or [])
        assert not isinstance(found, Pairs) and len(found) == len(entries), where
        for index, (inner, entry) in enumerate(zip(found, entries)):
            assert_json(inner, entry, f"{path}[{index}]")
    elif pa.types.is_boolean(type):
        assert found is scalar.as_py(), where
    elif pa.types.is_integer(type):
        assert isinstance(found, Number) and found == str(scalar.as_py()), where
    elif pa.types.is_decimal(type):
        assert isinstance(found, Number) and Decimal(found) == scalar.as_py(), where
    elif pa.types.is_floating(type):
        numeric = {16: numpy.float16, 32: numpy.float32, 64: numpy.float64}[type.bit_width]
        number = numeric(scalar.as_py())
        if math.isfinite(number):
            assert isinstance(found, Number) and numeric(found).tobytes() == number.tobytes(), where
        else:
            names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
            assert not isinstance(found, Number) and found == names[str(number)], where
    elif pa.types.is_timestamp(type) or pa.types.is_time(type):
        assert moments.ticks(found, type) == scalar.value, where
    elif pa.types.is_binary(type) or pa.types.is_fixed_size_binary(type):
        assert found == base64.b64encode(scalar.as_py()).decode(), where
    else:
        assert not isinstance(found, Number) and found == str(scalar.as_py()), where


def assert_written(text, table):
    """Asserts that a list of parsed records says what a table says."""
    assert len(text) == table.num_rows
    for index, name in enumerate(table.column_names):
        for row, (record, scalar) in enumerate(zip(text, table.column(index))):
            assert record[index][0] == name
            assert_json(record[index][1], scalar, f"{name}[{row}]")
    assert all(len(record) == table.num_columns for record in text)


def output(sluice, folder, table, name, *options):
    """The text that the program makes of a table."""
    pq.write_table(table, folder / "in.parquet", store_schema=True)
    sluice("convert", "-q", folder / "in.parquet", folder / name, *options)
    return (folder / name).read_bytes().decode("utf-8")


def as_read(folder):
    """The table in `in.parquet` as Parquet keeps it."""
    return pq.ParquetFile(folder / "in.parquet", arrow_extensions_enabled=True).read()


def test_every_type_as_python_reads_it(sluice, tmp_path, rng):
    table = arrow.table_of_every_type(rng, 200)
    lines = output(sluice, tmp_path, table, "out.ndjson").splitlines(keepends=False)
    assert_written([loads(line) for line in lines], as_read(tmp_path))


@pytest.mark.parametrize("case", range(6))
def test_nested_tables_as_python_reads_them(sluice, tmp_path, rng, case):
    table = arrow.random_table(rng, rows=rng.choice([0, 1, 150]), depth=4)
    text = output(sluice, tmp_path, table, "out.ndjson")
    assert_written([loads(line) for line in text.split("\n")[:-1]], as_read(tmp_path))
    for options in [[], ["--indent", 2]]:
        assert_written(loads(output(sluice, tmp_path, table, "out.json", *options)), as_read(tmp_path))


def test_records_come_back_as_they_were(sluice, tmp_path, rng):
    values = [{"n": number, "f": bits(rng), "s": rng.choice(STRINGS), "b": number % 3 == 0, "l": value(rng, ["int"]),
               "o": value(rng, {"x": "string", "y": ["float"]}), "m": rng.choice([1, "x", [1, {"y": None}], {"z": "é"}])}
              for number in range(5000)]
    (tmp_path / "in.ndjson").write_text(dumped(values, "lines"))
    sluice("convert", "-q", tmp_path / "in.ndjson", tmp_path / "a.parquet")
    sluice("convert", "-q", tmp_path / "a.parquet", tmp_path / "out.json")
    with open(tmp_path / "out.json", encoding="utf-8") as file:
        found = json.load(file)
    for one in values:
        if one["o"] is not None:
            one["o"] = {"x": one["o"].get("x"), "y": one["o"].get("y")}
    assert found == values


KNOWN = [pa.bool_(), pa.int8(), pa.int32(), pa.int64(), pa.uint32(), pa.string(), pa.list_(pa.int64()), pa.list_(pa.string()),
         pa.struct([("a", pa.int64()), ("b", pa.list_(pa.struct([("c", pa.string())])))])]


def test_other_readers_see_the_same(sluice, tmp_path, rng):
    columns = {f"c{i}": arrow.values(rng, type, 800) for i, type in enumerate(KNOWN)}
    columns["float"] = pa.array([bits(rng) for _ in range(800)], pa.float64())
    table = pa.table(columns)
    output(sluice, tmp_path, table, "out.ndjson")
    parse = pajson.ParseOptions(explicit_schema=table.schema)
    block = pajson.ReadOptions(block_size=8 << 20)
    arrow.arrow_equal(pajson.read_json(tmp_path / "out.ndjson", parse_options=parse, read_options=block), table)
    output(sluice, tmp_path, table, "out.json")
    for name in ["out.ndjson", "out.json"]:
        pq.write_table(table, tmp_path / "in.parquet")
        types = duckdb.sql(f"describe from '{tmp_path}/in.parquet'").fetchall()
        described = ", ".join(f"'{column[0]}': '{column[1]}'" for column in types)
        seen = duckdb.sql(f"from read_json('{tmp_path}/{name}', columns = {{{described}}})").to_arrow_table()
        assert seen.to_pylist() == table.to_pylist()
    # polars finds the types itself, from all of the rows: it knows fewer types in a schema than it writes.
    seen = polars.read_ndjson(tmp_path / "out.ndjson", infer_schema_length=None)
    assert seen.rows() == polars.from_arrow(table).rows()


def test_other_writers_are_read(sluice, tmp_path, rng):
    columns = {f"c{i}": arrow.values(rng, type, 500) for i, type in enumerate(KNOWN[:-1])}
    table = pa.table(columns)
    polars.from_arrow(table).write_ndjson(tmp_path / "polars.ndjson")
    duckdb.from_arrow(table).query("t", f"copy t to '{tmp_path}/duckdb.ndjson' (format json)")
    duckdb.from_arrow(table).query("t", f"copy t to '{tmp_path}/duckdb.json' (format json, array true)")
    for name in ["polars.ndjson", "duckdb.ndjson", "duckdb.json"]:
        sluice("convert", "-q", tmp_path / name, tmp_path / "read.parquet")
        assert pq.read_table(tmp_path / "read.parquet").to_pylist() == table.to_pylist(), name


def has_map(type):
    if pa.types.is_map(type):
        return True
    return pa.types.is_nested(type) and any(has_map(type.field(i).type) for i in range(type.num_fields))


@pytest.mark.parametrize("case", range(5))
def test_round_trip_with_a_schema(sluice, tmp_path, rng, case):
    types = [type for type in (arrow.random_type(rng, 4) for _ in range(20)) if not has_map(type)] + arrow.FLAT
    # Whether a null is a value or a missing one, JSON cannot tell: text in json columns is never `null` here.
    types = [type for type in types if "timestamp" not in str(type) and "json" not in str(type)]
    columns = {f"c{i}": arrow.values(rng, type, 200) for i, type in enumerate(types)}
    columns |= {f"t{i}": moments.values(rng, type, 200) for i, type in enumerate(arrow.FLAT) if pa.types.is_timestamp(type)}
    keys = [[(f"k{key}", key) for key in rng.sample(range(9), rng.randint(0, 4))] for _ in range(200)]
    columns["map"] = pa.array(keys, pa.map_(pa.string(), pa.int32()))
    columns["numbered"] = pa.array([[(key, name) for name, key in row] for row in keys], pa.map_(pa.int64(), pa.string()))
    layout = rng.choice(["out.ndjson", "out.json"])
    output(sluice, tmp_path, pa.table(columns), layout)
    described = json.loads(sluice("inspect", "--json", tmp_path / "in.parquet").text)["files"][0]["schema"]
    schema = ", ".join(f"{field['name']}: {field['type']}" for field in described)
    (tmp_path / "schema.txt").write_text(schema)
    sluice("convert", "-q", tmp_path / layout, tmp_path / "back.parquet", "--schema", f"@{tmp_path}/schema.txt")
    arrow.arrow_equal(pq.ParquetFile(tmp_path / "back.parquet", arrow_extensions_enabled=True).read(), as_read(tmp_path))


# ---------------------------------------------------------------------------------------------------- bad input


def assert_fails(attempt, folder, data, *words, name="bad.json", options=()):
    """Asserts an error that names the file and the words, and that nothing but the input is there."""
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    result = attempt("convert", "-q", folder / name, folder / "out.parquet", *options)
    assert result.code == 1, (data[:80], result.code, result.err)
    for word in (name, *words):
        assert word in result.err, (word, data[:80], result.err)
    os.remove(folder / name)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("before", [1, 200_000])
@pytest.mark.parametrize(
    "bad", [b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"open}', b'{"a":1,}', b'{"a" 1}', b"{a:1}", b'{"a":01}', b'{"a":1.}',
            b'{"a":NaN}', b'{"a":tru}', b'{"a":"\\x"}', b'{"a":"\x01"}', b'{"a":1,"a":2}', b'{"a":[1,2}', b"}", b'{"a":"\\ud800"}',
            b'{"a":-}', b'{"a":+1}', b'{"a":1e}', b'{"a":"\\u12"}', b'{"a":.5}'])
def test_errors_name_row_and_byte(attempt, tmp_path, bad, before):
    if before > 1 and bad not in (b'{"a":"\xff"}', b'{"a":1,}', b'{"a":"open}'):
        return
    start = b'{"a":1}\n' * before
    (tmp_path / "bad.ndjson").write_bytes(start + bad + b"\n" + b'{"a":3}\n')
    result = attempt("convert", "-q", tmp_path / "bad.ndjson", tmp_path / "out.parquet")
    assert result.code == 1, result.err
    found = re.search(r"bad\.ndjson: .*?row (\d+).*?byte (\d+)", result.err)
    assert found, result.err
    assert int(found.group(1)) == before + 1, result.err
    assert len(start) <= int(found.group(2)) <= len(start) + len(bad) + 1, result.err
    assert os.listdir(tmp_path) == ["bad.ndjson"]


def test_truncated_files_fail_at_every_byte(attempt, tmp_path, rng):
    values = [{"a": [1, {"b": "é\n"}], "c": -1.5e3, "d": {"e": None, "f": True}}] * 2
    text = dumped(values, "array", ensure_ascii=False).encode()
    for length in rng.sample(range(1, len(text)), 40):
        assert_fails(attempt, tmp_path, text[:length])
    one = json.dumps(values[0]).encode()
    for length in rng.sample(range(1, len(one)), 40):
        assert_fails(attempt, tmp_path, one + b"\n" + one[:length], "byte", name="bad.ndjson")


@pytest.mark.parametrize("open, close", [("[", "]"), ('{"a":', "}")])
def test_deep_nesting(sluice, attempt, tmp_path, open, close):
    for depth in [1025, 100_000, 2_000_000]:
        assert_fails(attempt, tmp_path, '{"x":' + open * depth, "byte")
    assert_fails(attempt, tmp_path, '{"x":' + open * 5000 + "1" + close * 5000 + "}", "nest")
    deep = open * 300 + "1" + close * 300
    table = read(sluice, tmp_path, '{"x":' + deep + "}")
    assert table.num_rows == 1
    (tmp_path / "back.ndjson").unlink(missing_ok=True)
    sluice("convert", "-q", tmp_path / "read.parquet", tmp_path / "back.ndjson")
    assert json.loads((tmp_path / "back.ndjson").read_text()) == {"x": json.loads(deep)}


def acceptable(data):
    """Whether Python takes the bytes for JSON that the program should read as well; None where the two differ on purpose."""
    def unique(pairs):
        if len(dict(pairs)) < len(pairs):
            raise KeyError("twice")
        return dict(pairs)

    def constant(word):
        raise ValueError(word)
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (KeyError, UnicodeEncodeError):
        return None
    except ValueError:
        return False
    return True


def test_damage_is_found_where_python_finds_it(attempt, tmp_path, rng):
    """Damaged documents are refused when, and only when, Python refuses them."""
    tried = {True: 0, False: 0}
    while min(tried.values()) < 60:
        text = bytearray(dumped(records(rng, rng.randint(1, 3)), "array", ensure_ascii=rng.random() < 0.5).encode())
        if len(text) > 2000:
            continue
        for _ in range(rng.randint(1, 2)):
            place = rng.randrange(1, len(text))
            pick = rng.random()
            new = rng.choice(b'{}[]:,"\\ \n0123456789-+.eEtfnu\x00\x1f\xff\xc3\xa9')
            if pick < 0.4:
                text[place] = new
            elif pick < 0.7:
                del text[place]
            else:
                text.insert(place, new)
        data = bytes(text)
        expected = acceptable(data)
        if not data.startswith(b"[") or expected is None or tried[expected] >= 60:
            continue
        tried[expected] += 1
        (tmp_path / "bad.json").write_bytes(data)
        result = attempt("convert", "-q", tmp_path / "bad.json", tmp_path / "out.parquet")
        assert result.code == (0 if expected else 1), (data, result.err)
        assert (tmp_path / "out.parquet").exists() == expected
        if expected:
            os.remove(tmp_path / "out.parquet")
        else:
            assert "bad.json" in result.err
