"""docs/schemas/sales-report-1.json is strict: it takes the reports of the oracle, and nothing else."""

import copy
import json
import random

import jsonschema
import pytest

from sales_batches import Style, World, document, texts
from sales_oracle import Report
from sales_input import Batch
from sales_schema import SCHEMA, VALIDATOR, check_schema
from sales_records import Rules

# Keys that are there only with several inputs.
OPTIONAL = {"inputs", "file"}


def rich_report():
    """A report that has something of everything."""
    rng = random.Random(5)
    world = World(rng, customers=12, products=15, wild=0.05)
    world.high, world.mismatch, world.repeats = 0.2, 0.3, 0.2
    style = Style(rng)
    batches = [Batch(name, document(rng, texts(rng, 150, style, 0.2, world), style)) for name in ("a", "b")]
    found = Report(batches, Rules(tax_rate="0.08")).text()
    return found.replace('"processed_at": "…"', '"processed_at": "2025-01-15T00:00:00.123456Z"')


def places(value, path=()):
    """Where the objects with fixed keys are in a report."""
    if isinstance(value, dict):
        if path[-1:] not in [("revenue_by_category",), ("status_breakdown",), ("payment_methods",), ("shipping_methods",)]:
            yield path
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))


def trimmed(value):
    """A report with lists that have one of each."""
    if isinstance(value, dict):
        return {key: trimmed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        kinds = {inner.get("type") if isinstance(inner, dict) else None: inner for inner in reversed(value)}
        return [trimmed(inner) for inner in reversed(kinds.values())]
    return value


def at(value, path):
    for step in path:
        value = value[step]
    return value


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_schema_says_of_every_object_what_it_has():
    def walk(node):
        if isinstance(node, dict):
            if node.get("type") == "object":
                assert "additionalProperties" in node
                if "properties" in node:
                    assert node["additionalProperties"] is False
                    assert set(node["properties"]) - set(node["required"]) <= OPTIONAL
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(SCHEMA)


def test_schema_takes_a_rich_report_and_misses_whatever_is_taken_away_or_added():
    text = rich_report()
    report = trimmed(check_schema(text))
    assert VALIDATOR.is_valid(report)
    counts = report["anomalies"]["suspicious_counts"]
    assert all(counts.values()) and report["anomalies"]["frequent_customers"] and report["validation"]["validation_errors"], counts
    paths = list(places(report))
    assert len(paths) > 30
    for path in paths:
        for key in at(report, path):
            poorer = copy.deepcopy(report)
            del at(poorer, path)[key]
            if key != "inputs":
                assert not VALIDATOR.is_valid(poorer), (path, key)
            other = copy.deepcopy(report)
            at(other, path)[key] = [True]
            assert not VALIDATOR.is_valid(other), (path, key)
        richer = copy.deepcopy(report)
        at(richer, path)["more"] = 1
        assert not VALIDATOR.is_valid(richer), path


@pytest.mark.parametrize("count", [0, 1])
def test_schema_takes_small_reports(count):
    rng = random.Random(count)
    style = Style(rng)
    found = Report([Batch("x", document(rng, texts(rng, count, style), style))]).text()
    check_schema(found.replace('"processed_at": "…"', '"processed_at": "2025-01-15T00:00:00Z"'))


def test_only_reports_over_several_inputs_name_files():
    several = trimmed(json.loads(rich_report()))
    assert VALIDATOR.is_valid(several)
    assert not VALIDATOR.is_valid({**several, "input_file": "x"})
    one = {**several, "input_file": "x"}
    del one["inputs"]
    assert not VALIDATOR.is_valid(one)
    del one["validation"]["validation_errors"][0]["file"]
    assert VALIDATOR.is_valid(one)
    assert not VALIDATOR.is_valid({**one, "input_file": None})
