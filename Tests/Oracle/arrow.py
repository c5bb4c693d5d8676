"""Equality of Arrow tables as the tests mean it, and random tables of every type."""

import datetime
import decimal
import json
import math
import struct
import uuid

import numpy
import pyarrow as pa

# ---------------------------------------------------------------------------------------------------- equality


def plain(type, bare=False):
    """A type without what Parquet does not keep: offset width, dictionaries, seconds (which become milliseconds).

    `bare` also takes extension types down to what they are stored as.
    """
    if isinstance(type, pa.BaseExtensionType):
        return plain(type.storage_type, bare) if bare else type
    if pa.types.is_dictionary(type):
        return plain(type.value_type, bare)
    if pa.types.is_large_string(type) or pa.types.is_string_view(type):
        return pa.string()
    if pa.types.is_large_binary(type) or pa.types.is_binary_view(type):
        return pa.binary()
    if pa.types.is_timestamp(type) and type.unit == "s":
        return pa.timestamp("ms", type.tz)
    if pa.types.is_time32(type) and type.unit == "s":
        return pa.time32("ms")
    if pa.types.is_date64(type):
        return pa.date32()
    if pa.types.is_decimal32(type) or pa.types.is_decimal64(type):
        return pa.decimal128(type.precision, type.scale)
    if pa.types.is_map(type):
        return pa.map_(plain(type.key_type, bare), plain(type.item_type, bare))
    if pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type):
        return pa.list_(pa.field("item", plain(type.value_type, bare)))
    if pa.types.is_struct(type):
        return pa.struct([pa.field(field.name, plain(field.type, bare)) for field in type])
    return type


def arrow_equal(actual, expected, types=True):
    """Asserts that two tables hold the same columns and values: NaN equals NaN, -0.0 does not equal 0.0.

    `types=False` lets the types differ where a cast makes them equal.
    """
    assert actual.column_names == expected.column_names
    assert actual.num_rows == expected.num_rows
    for name in expected.column_names:
        left, right = actual[name], expected[name]
        left_type, right_type = plain(left.type), plain(right.type)
        if types:
            assert left_type == right_type, f"column {name}: {left_type} is not {right_type}"
        bare = plain(right_type, bare=True)
        left, right = combined(left.cast(bare)), combined(right.cast(bare))
        same(left, right, name)


def combined(column):
    """One array of a chunked one."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def same(left, right, path):
    """Asserts that two arrays of one type hold the same values."""
    assert len(left) == len(right), f"{path}: {len(left)} values, not {len(right)}"
    nulls, expected_nulls = left.is_null(), right.is_null()
    if not nulls.equals(expected_nulls):
        row = first_difference(nulls, expected_nulls)
        raise AssertionError(f"{path}[{row}]: {left[row]!r} is not {right[row]!r}")
    if pa.types.is_struct(left.type):
        for index, field in enumerate(left.type):
            same(left.flatten()[index], right.flatten()[index], f"{path}.{field.name}")
    elif pa.types.is_list(left.type) or pa.types.is_map(left.type):
        lengths, expected_lengths = list_lengths(left), list_lengths(right)
        if not lengths.equals(expected_lengths):
            row = first_difference(lengths, expected_lengths)
            raise AssertionError(f"{path}[{row}]: {left[row]!r} is not {right[row]!r}")
        same(items(left), items(right), f"{path}[]")
    elif pa.types.is_floating(left.type):
        bits, expected_bits = float_bits(left), float_bits(right)
        if not numpy.array_equal(bits, expected_bits):
            at = int(numpy.nonzero(bits != expected_bits)[0][0])
            raise AssertionError(
                f"{path}: value {at} without nulls: {left.drop_null()[at]!r} is not {right.drop_null()[at]!r}")
    elif not left.equals(right):
        row = first_difference(left, right)
        raise AssertionError(f"{path}[{row}]: {left[row]!r} is not {right[row]!r}")


def list_lengths(array):
    """The length of every list or map, null where it is null."""
    offsets = numpy.asarray(array.offsets)
    return pa.array(numpy.diff(offsets), mask=numpy.asarray(array.is_null()))


def items(array):
    """The items of all lists in a row, those that hide behind a null left out."""
    flat = array.flatten() if pa.types.is_list(array.type) else None
    if flat is None:
        entries = pa.StructArray.from_arrays([array.keys, array.items], names=["key", "value"])
        offsets = pa.array(numpy.asarray(array.offsets))
        lists = pa.ListArray.from_arrays(offsets, entries, mask=array.is_null() if array.null_count else None)
        flat = lists.flatten()
    return flat


def first_difference(left, right):
    """The first row in which two arrays of one length differ."""
    for row, (a, b) in enumerate(zip(left, right)):
        if not a.equals(b):
            return row
    return 0


def float_bits(array):
    """The bit patterns of the values, with one pattern for all NaNs."""
    values = array.drop_null().to_numpy(zero_copy_only=False)
    bits = values.view({2: numpy.uint16, 4: numpy.uint32, 8: numpy.uint64}[values.itemsize]).copy()
    bits[numpy.isnan(values)] = 1
    return bits


# ---------------------------------------------------------------------------------------------------- random tables

UNITS = ["s", "ms", "us", "ns"]
ZONES = [None, "UTC", "Europe/Berlin", "+05:30"]
WORDS = ["", "a", "naïve", "李雷", "🎁🎀", "NULL", "null", "NaN", " spaces ", 'quo"te', "com,ma", "line\nbreak", "tab\t",
         "cr\r\n", "0012", "1e5", "-", "\x01", "é" * 40]

FLAT = (
    [pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
     pa.float16(), pa.float32(), pa.float64(), pa.string(), pa.binary(), pa.binary(1), pa.binary(7), pa.binary(16),
     pa.date32(), pa.uuid(), pa.json_(pa.string())]
    + [pa.decimal128(p, s) for p, s in [(1, 0), (9, 2), (10, 10), (18, 4), (19, 0), (28, 9), (38, 0), (38, 38)]]
    + [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")]
    + [pa.timestamp(unit, zone) for unit in UNITS for zone in ZONES]
)

NULL_PATTERNS = ["none", "some", "all", "alternating", "runs"]


def random_type(rng, depth=4):
    """A type, nested up to `depth` deep."""
    kind = rng.random()
    if depth <= 1 or kind < 0.55:
        return rng.choice(FLAT)
    if kind < 0.75:
        return pa.list_(random_type(rng, depth - 1))
    if kind < 0.92:
        return pa.struct([pa.field(f"f{i}", random_type(rng, depth - 1)) for i in range(rng.randint(1, 4))])
    key = rng.choice([pa.string(), pa.int32(), pa.int64(), pa.date32()])
    return pa.map_(key, random_type(rng, depth - 1))


def is_null_at(rng, pattern, row):
    if pattern == "none":
        return False
    if pattern == "all":
        return True
    if pattern == "alternating":
        return row % 2 == 0
    if pattern == "runs":
        return (row // 37) % 2 == 0
    return rng.random() < 0.2


def integer(rng, bits, signed):
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    pick = rng.random()
    if pick < 0.15:
        return rng.choice([low, high, 0, high - 1, low + 1])
    if pick < 0.6:
        return rng.randint(max(low, -50), 50)
    return rng.randint(low, high)


def real(rng, bits):
    pick = rng.random()
    if pick < 0.25:
        largest = {16: 65504.0, 32: 3.4028234663852886e38, 64: 1.7976931348623157e308}[bits]
        least = {16: 5.960464477539063e-08, 32: 1.401298464324817e-45, 64: 5e-324}[bits]
        return rng.choice([math.nan, 0.0, -0.0, math.inf, -math.inf, largest, -largest, least, -least])
    value = rng.choice([rng.uniform(-100, 100), round(rng.uniform(-1000, 1000), 2), float(rng.randint(-1000, 1000))])
    if bits == 16:
        return float(numpy.float16(value))
    return struct.unpack("f", struct.pack("f", value))[0] if bits == 32 else value


def text(rng):
    pick = rng.random()
    if pick < 0.5:
        return rng.choice(WORDS)
    if pick < 0.99:
        return "".join(rng.choice("abcdefghijé漢🎁 ,\"'") for _ in range(rng.randint(0, 30)))
    return rng.choice("xyz漢") * rng.choice([1000, 20_000])


def json_text(rng):
    return json.dumps(rng.choice([None, True, 1, -1.5, "é", [], {}, {"a": [1, {"b": None}]}, [1, "2", None]]),
                      ensure_ascii=False)


def values(rng, type, count, nulls="some"):
    """An array of `count` random values."""
    if isinstance(type, pa.BaseExtensionType):
        def make():
            return uuid.UUID(int=rng.getrandbits(128)).bytes if type == pa.uuid() else json_text(rng)
        storage = [None if is_null_at(rng, nulls, row) else make() for row in range(count)]
        return pa.ExtensionArray.from_storage(type, pa.array(storage, type.storage_type))
    if pa.types.is_struct(type):
        mask = pa.array([is_null_at(rng, nulls, row) for row in range(count)], pa.bool_())
        children = [values(rng, field.type, count, rng.choice(NULL_PATTERNS)) for field in type]
        return pa.StructArray.from_arrays(children, fields=list(type), mask=mask)
    if pa.types.is_list(type) or pa.types.is_map(type):
        lengths = [rng.choice([0, 0, 1, 1, 2, 3, rng.randint(0, 12)]) for _ in range(count)]
        missing = [is_null_at(rng, nulls, row) for row in range(count)]
        lengths = [0 if null else length for length, null in zip(lengths, missing)]
        offsets = pa.array(numpy.concatenate([[0], numpy.cumsum(lengths)]) if count else [0], pa.int32())
        mask = pa.array(missing, pa.bool_()) if count else None
        if pa.types.is_list(type):
            inner = values(rng, type.value_type, sum(lengths), rng.choice(NULL_PATTERNS))
            return pa.ListArray.from_arrays(offsets, inner, type=type, mask=mask)
        keys = values(rng, type.key_type, sum(lengths), "none")
        inner = values(rng, type.item_type, sum(lengths), rng.choice(NULL_PATTERNS))
        return pa.MapArray.from_arrays(offsets, keys, inner, type=type, mask=mask)
    return pa.array([None if is_null_at(rng, nulls, row) else value(rng, type) for row in range(count)], type)


def value(rng, type):
    """One random value of a flat type, as Python holds it."""
    if pa.types.is_boolean(type):
        return rng.random() < 0.5
    if pa.types.is_integer(type):
        return integer(rng, type.bit_width, pa.types.is_signed_integer(type))
    if pa.types.is_floating(type):
        number = real(rng, type.bit_width)
        return numpy.float16(number) if type == pa.float16() else number
    if pa.types.is_string(type):
        return text(rng)
    if pa.types.is_fixed_size_binary(type):
        return rng.randbytes(type.byte_width)
    if pa.types.is_binary(type):
        return rng.choice([b"", b"\x00", b"\xff\xfe", rng.randbytes(rng.randint(0, 40))])
    if pa.types.is_decimal(type):
        top = 10**type.precision - 1
        digits = rng.choice([0, 1, -1, top, -top, rng.randint(-top, top), rng.randint(-min(top, 999), min(top, 999))])
        return decimal.Decimal(digits).scaleb(-type.scale, context=decimal.Context(prec=60))
    if pa.types.is_date(type):
        return datetime.date.fromordinal(rng.choice([1, 3652059, 719163, rng.randint(1, 3652059)]))
    if pa.types.is_time(type):
        day = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}[type.unit]
        return rng.choice([0, day - 1, rng.randrange(day)])
    # Nanoseconds reach from 1677 to 2262; a second more than 2^63 milliseconds do not exist.
    span = 1 << (31 if type.unit == "s" else 62)
    return rng.choice([0, -1, 1, 1_700_000_000, rng.randint(-span, span), rng.randrange(10**9, 2 * 10**9)])


def random_table(rng, rows=None, columns=None, depth=4):
    """A table of random types and values."""
    rows = rng.choice([0, 1, 7, 100, 1000]) if rows is None else rows
    types = [random_type(rng, depth) for _ in range(columns or rng.randint(1, 8))]
    arrays = [values(rng, type, rows, rng.choice(NULL_PATTERNS)) for type in types]
    return pa.table(arrays, names=[f"c{i}" for i in range(len(types))])


def table_of_every_type(rng, rows, types=FLAT):
    """A table with one column a flat type."""
    return pa.table({f"{i}-{type}": values(rng, type, rows, "some") for i, type in enumerate(types)})
