"""The rig itself: random tables survive pyarrow's own round trip, and the comparison sees what it must see."""

import decimal
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arrow import arrow_equal, random_table, table_of_every_type


@pytest.mark.parametrize("number", range(10))
def test_random_tables_survive_pyarrow(rng, tmp_path, number):
    table = random_table(rng)
    pq.write_table(table, tmp_path / "t.parquet")
    arrow_equal(pq.read_table(tmp_path / "t.parquet"), table)


def test_every_flat_type_survives_pyarrow(rng, tmp_path):
    table = table_of_every_type(rng, 300)
    pq.write_table(table, tmp_path / "t.parquet")
    arrow_equal(pq.read_table(tmp_path / "t.parquet"), table)


@pytest.mark.parametrize(
    "left, right",
    [
        ([0.0], [-0.0]),
        ([math.nan], [None]),
        ([1, 2], [1, 3]),
        ([1, 2], [1.0, 2.0]),
        ([""], [None]),
        ([[1], None], [[1], []]),
        ([[1, None]], [[1]]),
        ([{"a": 1}], [{"a": 2}]),
        ([{"a": None}], [None]),
        ([decimal.Decimal("1.0")], [decimal.Decimal("1.00")]),
    ],
)
def test_different_tables_are_not_equal(left, right):
    with pytest.raises(AssertionError):
        arrow_equal(pa.table({"x": left}), pa.table({"x": right}))


def test_nan_equals_nan_and_offset_widths_do_not_matter():
    left = pa.table({"x": pa.array([math.nan, None, 1.5]), "s": pa.array(["a", None, ""], pa.large_string())})
    right = pa.table({"x": pa.array([-math.nan, None, 1.5]), "s": pa.array(["a", None, ""])})
    arrow_equal(left, right)
