"""Batches of every type go through the Arrow C Data Interface into Sluice's columns and out again, unchanged."""

import ctypes
import datetime as dt
import decimal
import uuid
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

ROOT = Path(__file__).resolve().parents[2]
BRIDGE = ROOT / ".build/debug/libArrowBridge.so"
ROWS = 90


def times(*values):
    return [value for _ in range(ROWS // len(values)) for value in values]


def columns():
    big = decimal.Decimal("-99999999999999999999999999999999.99")
    texts = times("a", None, "é" * 20)
    result = {
        "bool": pa.array(times(True, None, False)),
        "null": pa.nulls(ROWS),
        "float16": pa.array(times(np.float16(1.5), None, np.float16(-0.1)), pa.float16()),
        "decimal": pa.array(times(decimal.Decimal("1.25"), None, big), pa.decimal128(38, 2)),
        "string": pa.array(texts),
        "large_string": pa.array(texts, pa.large_string()),
        "string_view": pa.array(texts, pa.string_view()),
        "binary": pa.array(times(b"a", None, b"x" * 200)),
        "large_binary": pa.array(times(b"a", None, b"xx"), pa.large_binary()),
        "binary_view": pa.array(times(b"a", None, b"x" * 200), pa.binary_view()),
        "fixed_binary": pa.array(times(b"abc", None, b"xxx"), pa.binary(3)),
        "date32": pa.array(times(dt.date(2024, 1, 1), None, dt.date(1, 1, 1))),
        "date64": pa.array(times(dt.date(2024, 1, 1), None, dt.date(1, 1, 1)), pa.date64()),
        "list": pa.array(times([1, None], None, [])),
        "large_list": pa.array(times([1, None], None, []), pa.large_list(pa.int8())),
        "fixed_list": pa.array(times([1, None], None, [3, 4]), pa.list_(pa.int16(), 2)),
        "struct": pa.array(times({"a": 1, "b": ["x"]}, None, {"a": None, "b": None})),
        "map": pa.array(times([("k", 1)], None, []), pa.map_(pa.string(), pa.int32())),
        "dictionary": pa.array(times("a", None, "b")).dictionary_encode(),
        "uuid": pa.ExtensionArray.from_storage(
            pa.uuid(), pa.array(times(uuid.UUID(int=5).bytes, None, uuid.UUID(int=7).bytes), pa.binary(16))),
        "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(times("{}", None, "[1]"))),
    }
    for bits in (8, 16, 32, 64):
        result[f"int{bits}"] = pa.array(times(-(1 << bits - 1), None, (1 << bits - 1) - 1), f"int{bits}")
        result[f"uint{bits}"] = pa.array(times(0, None, (1 << bits) - 1), f"uint{bits}")
    for bits in (32, 64):
        result[f"float{bits}"] = pa.array(times(-0.0, None, float("inf")), f"float{bits}")
    for unit in ("s", "ms", "us", "ns"):
        result[f"timestamp_{unit}"] = pa.array(times(1000, None, -5000), pa.timestamp(unit))
        result[f"timestamptz_{unit}"] = pa.array(times(1000, None, -5000), pa.timestamp(unit, "Europe/Berlin"))
        kind = pa.time32 if unit in ("s", "ms") else pa.time64
        result[f"time_{unit}"] = pa.array(times(1000, None, 5000), kind(unit))
    return result


@pytest.fixture(scope="session")
def bridge():
    if not BRIDGE.exists():
        pytest.fail(f"{BRIDGE} is not there; build it with: make test")
    library = ctypes.CDLL(str(BRIDGE))
    library.sluice_arrow_pass.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_int32] * 2 + [ctypes.c_char_p, ctypes.c_int32]

    def through(batch, start=0, count=-1):
        """The batch that comes back, or the text of the refusal."""
        structures = [ctypes.create_string_buffer(size) for size in (80, 72, 80, 72)]
        places = [ctypes.addressof(structure) for structure in structures]
        batch._export_to_c(places[0], places[1])
        message = ctypes.create_string_buffer(500)
        if library.sluice_arrow_pass(*places, start, count, message, 500) != 0:
            return message.value.decode()
        result = pa.RecordBatch._import_from_c(places[2], places[3])
        result.validate(full=True)
        return result

    return through


@pytest.mark.parametrize("name", columns())
def test_values_survive_both_ways_whole_and_sliced(bridge, name):
    column = columns()[name]
    before = pa.total_allocated_bytes()
    for offset, length in ((0, ROWS), (0, 0), (7, 50), (89, 1), (1, 89)):
        batch = pa.record_batch([column], names=[name]).slice(offset, length)
        for start, count in ((0, -1), (0, 0), (length // 3, length // 2)):
            result = bridge(batch, start, count)
            assert isinstance(result, pa.RecordBatch), result
            expected = batch if count < 0 else batch.slice(start, count)
            assert result.column(0).to_pylist() == expected.column(0).to_pylist()
            assert repr(result.column(0).to_pylist()) == repr(expected.column(0).to_pylist())
    del batch, result, expected
    assert pa.total_allocated_bytes() == before, "memory that was taken in has not been given back"


@pytest.mark.parametrize("frame", [
    pl.DataFrame({"i": [1, None, 3], "s": ["x", None, "é" * 40], "f": [0.5, float("inf"), None]}),
    pl.DataFrame({"l": [[1], None, []], "d": [dt.date(2024, 1, 1), None, dt.date(1969, 1, 1)]}),
    pl.DataFrame({"s": [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}], "t": [dt.datetime(2024, 1, 1), None, None]}),
])
def test_what_polars_hands_out_is_taken(bridge, frame):
    for batch in frame.to_arrow(compat_level=pl.CompatLevel.newest()).to_batches():
        result = bridge(batch)
        assert isinstance(result, pa.RecordBatch), result
        assert pl.from_arrow(result).equals(frame)


@pytest.mark.parametrize("kind", [pa.decimal256(50, 2), pa.duration("s"), pa.month_day_nano_interval()])
def test_a_type_without_a_counterpart_is_refused_by_name(bridge, kind):
    answer = bridge(pa.record_batch([pa.array([None], kind)], names=["odd"]))
    assert isinstance(answer, str) and "odd" in answer
