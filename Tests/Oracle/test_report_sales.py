"""`sales/1` reports of the release binary against the oracle: equal to the byte, times aside, however the work is divided."""

import gzip
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

import sales_batches as made_up
from sales_cases import BAD_INPUTS, BASE, EMAILS, MALFORMED, NO_EMAILS, NO_TIMES, REASONS, SHAPES, TIMES, every_kind, every_missing, every_twice, made
from sales_input import Batch
from sales_oracle import Report, blanked, report
from sales_records import DAY, Rules
from sales_schema import check_schema

SAMPLE = Path(__file__).with_name("sales_batch.json")
# `make test-long` looks further.
LONG = bool(os.environ.get("SLUICE_SEED"))
MANY = 5 if LONG else 1


@pytest.fixture
def told(sluice, tmp_path):
    """`told("a.json", …)` is the text of the one report over files of the test's folder; it fits the schema."""
    number = iter(range(1000))

    def tell(*files, options=(), **more):
        output = tmp_path / f"out-{next(number)}"
        sluice("report", *files, "--output", output, "--format", "sales/1", *options, cwd=tmp_path, **more)
        texts = [path.read_text() for path in reports_in(output)]
        if len(texts) > 1:
            texts = [text for text in texts if '"inputs": [' in text[:2000]]
        assert len(texts) == 1, list(output.iterdir())
        return checked(texts[0])

    return tell


def reports_in(folder):
    """The reports in a folder, without logs and what else is there."""
    return sorted(path for path in folder.glob("*.json") if path.name.startswith(("processed_", "combined_")))


def checked(text):
    """The text of a report with times blanked; it fits the schema."""
    check_schema(text)
    return blanked(text)


def same(found, expected):
    """Fails with the first lines that differ."""
    if found == expected:
        return
    left, right = found.split("\n"), expected.split("\n")
    place = next((n for n, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right)))
    before = [line for line in right[:place] if line.startswith('  "') and not line.startswith('   ')][-1:]
    pytest.fail("\n".join([
        f"line {place + 1}, in {before}:", "program:", *left[max(0, place - 3):place + 6], "oracle:", *right[max(0, place - 3):place + 6]]))


def batch(*records, batch_id='"b"'):
    return f'{{"batch_id": {batch_id}, "transactions": [{", ".join(records)}]}}'.encode()


# ---------------------------------------------------------------------------------------------------- by hand


def test_the_sample(told, tmp_path):
    """The figures that are known of the sample, which are not the oracle's."""
    (tmp_path / "sales.json").write_bytes(SAMPLE.read_bytes())
    text = told("sales.json")
    same(text, report(("sales.json", SAMPLE.read_bytes())))
    found = json.loads(text)
    assert found["summary"] == {
        "orders": 3, "total_revenue": 550.61, "total_tax": 36.72, "total_shipping": 54.97, "total_items": 9, "average_order_value": 183.54,
        "average_tax": 12.24, "average_shipping": 18.32, "unique_customers": 3}
    assert list(found["revenue_by_category"].items()) == [("Electronics", 383.93), ("Office", 74.99)]
    assert [(customer["customer_id"], customer["total_spent"]) for customer in found["top_customers"]] == [
        ("CUST-12345", 215.46), ("CUST-11111", 181.77), ("CUST-67890", 153.38)]
    assert '"total_tax": 36.72,' in text and '"revenue": 21.2' not in text


def rejected(told, tmp_path, text):
    """The reasons of a record between two that are valid, which it takes nothing from."""
    (tmp_path / "x.json").write_bytes(batch(made(), text, made()))
    found = json.loads(told("x.json"))
    assert found["summary"]["orders"] == 2 and found["summary"]["total_revenue"] == 53.2
    assert [error["index"] for error in found["validation"]["validation_errors"]] == [1]
    return found["validation"]["validation_errors"][0]["errors"]


@pytest.mark.parametrize("name", REASONS | SHAPES)
def test_a_broken_record_is_rejected_alone(told, tmp_path, name):
    text, expected = (REASONS | SHAPES)[name]
    assert rejected(told, tmp_path, text) == expected


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_record_is_rejected_alone(told, tmp_path, name):
    assert rejected(told, tmp_path, MALFORMED[name]) == ["record: is not valid JSON: …"]


def rejections(told, tmp_path, texts):
    """The reasons of each of many records, of which reports name fifty."""
    found = []
    for start in range(0, len(texts), 50):
        (tmp_path / "x.json").write_bytes(batch(*texts[start:start + 50]))
        errors = json.loads(told("x.json"))["validation"]["validation_errors"]
        reasons = {error["index"]: error["errors"] for error in errors}
        found += [reasons.get(index, []) for index in range(len(texts[start:start + 50]))]
    return found


def test_every_field_of_every_wrong_kind(told, tmp_path):
    cases = [*every_kind(), *every_missing(), *every_twice()]
    assert rejections(told, tmp_path, [text for text, _ in cases]) == [reasons for _, reasons in cases]


def test_times(told, tmp_path):
    """What is a time and which, by the first purchase of a customer."""
    texts = [made({"timestamp": json.dumps(time), "customer.customer_id": f'"{number:03}"'}) for number, time in enumerate(TIMES)]
    (tmp_path / "x.json").write_bytes(batch(*texts))
    found = {customer["customer_id"]: customer["first"] for customer in json.loads(told("x.json"))["customers"]["list"]}
    assert {time: found[f"{number:03}"] for number, time in enumerate(TIMES)} == TIMES
    found = rejections(told, tmp_path, [made(timestamp=json.dumps(time)) for time in NO_TIMES])
    assert found == [[f"timestamp: {json.dumps(time, ensure_ascii=False)} is not a time"] for time in NO_TIMES]


def test_e_mail_addresses(told, tmp_path):
    found = rejections(told, tmp_path, [made({"customer.email": json.dumps(email)}) for email in EMAILS + NO_EMAILS])
    assert [bool(reasons) for reasons in found] == [False] * len(EMAILS) + [True] * len(NO_EMAILS)


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_a_bad_input_fails_and_leaves_no_report(attempt, tmp_path, name):
    (tmp_path / "x.json").write_bytes(BAD_INPUTS[name])
    result = attempt("report", "x.json", "--output", "out", "--format", "sales/1", cwd=tmp_path)
    assert result.code == 1, (result.code, result.err)
    assert "x.json" in result.err
    assert not (tmp_path / "out").exists() or reports_in(tmp_path / "out") == []


@pytest.mark.parametrize("field", [
    "transaction_id", "customer.customer_id", "customer.name", "customer.email", "line_items.0.product_id", "line_items.0.product_name",
    "line_items.0.category", "payment_method", "shipping_method", "status"])
def test_any_text_goes_through(told, tmp_path, rng, field):
    texts = [name for name in made_up.NAMES if name]
    style = made_up.Style(rng)
    style.escape = 0.3
    if field == "customer.email":
        texts = [email for email in made_up.EMAILS]
    records = [made({field: style.string(text), "status": '"completed"'} | ({"status": style.string(text)} if field == "status" else {}))
               for text in texts]
    data = batch(*records)
    (tmp_path / "x.json").write_bytes(data)
    found = told("x.json")
    same(found, report(("x.json", data)))
    assert json.loads(found)["validation"]["invalid_transactions"] == 0


# What is valid at its edge, and what comes of it: the part of the report that is looked at, and its value.
EDGES = {
    "highest price, quantity and total": (
        [made({"line_items.0.unit_price": "10000", "line_items.0.quantity": "100", "total": "100000"})], "validation.valid_transactions", 1),
    "a threshold is not above itself": ([made(total="5000")], "anomalies.high_value.count", 0),
    "just above the threshold": ([made(total="5000.000000000000000001")], "anomalies.high_value.above_threshold", 1),
    "twenty are not unusual": ([made({"line_items.0.quantity": "20"})], "anomalies.suspicious_counts.high_quantity", 0),
    "more than twenty are": ([made({"line_items.0.quantity": "20.000000000000000001"})], "anomalies.suspicious_counts.high_quantity", 1),
    "ten are not frequent": ([made()] * 10, "anomalies.frequent_customer_count", 0),
    "eleven are": ([made()] * 11, "anomalies.frequent_customer_count", 1),
    "duplicates are counted by id": ([made(total="6000")] * 30, "anomalies.suspicious_counts.duplicate_transaction_id", 1),
    "of many high values twenty are listed": ([made(total="6000")] * 30, "anomalies.high_value_transactions.length", 20),
    "an id as a number is the id": ([made(transaction_id="17"), made(transaction_id='"17"')], "anomalies.suspicious_patterns.0.transaction_id", "17"),
    "a customer with id 0": ([made({"customer.customer_id": "0"})], "top_customers.0.customer_id", "0"),
    "minus nothing is an id": ([made({"customer.customer_id": "-0"})], "top_customers.0.customer_id", "-0"),
    "a long number is an id": ([made({"customer.customer_id": "9" * 1000})], "top_customers.0.customer_id", "9" * 1000),
    "shipping is read": ([made(shipping_cost=None, shipping="4")], "summary.total_shipping", 4),
    "shipping that is null is not there": ([made(shipping_cost="null", shipping="4")], "summary.total_shipping", 4),
    "both shippings": ([made(shipping="5e0")], "summary.total_shipping", 5),
    "no shipping": ([made(shipping_cost=None)], "summary.total_shipping", 0),
    "a category that is null": ([made({"line_items.0.category": "null"})], "revenue_by_category.Unknown", 20),
    "a category that is empty": ([made({"line_items.0.category": '""'})], "revenue_by_category.Unknown", 20),
    "no shipping method": ([made(shipping_method=None)], "shipping_methods.Unknown.count", 1),
    "a product known by its name": ([made({"line_items.0.product_id": '""'})], "top_products.0.product_id", "Cup"),
    "status with a capital": ([made(status='"Completed"')], "summary.orders", 0),
    "averages of nothing": ([made(status='"open"')], "summary.average_order_value", 0),
    "currency that is there": ([made(currency='"USD"')], "validation.valid_transactions", 1),
    "currency that is null": ([made(currency="null")], "validation.valid_transactions", 1),
    "a key that is escaped": ([made().replace('"total"', '"tot\\u0061l"')], "summary.total_revenue", 26.6),
    "an unknown key twice": ([made()[:-1] + ', "x": 1, "x": {}}'], "validation.valid_transactions", 1),
    "a known key where it is unknown": ([made()[:-1] + ', "name": 1, "name": 2, "quantity": 1, "quantity": 2}'], "validation.valid_transactions", 1),
    "deep enough": ([made()[:-1] + ', "x": ' + "[" * 1023 + "]" * 1023 + "}"], "validation.valid_transactions", 1),
    "a tie of rounding": ([made(tax="0.125")], "summary.total_tax", 0.12),
    "sums are exact": ([made(tax="0.1"), made(tax="0.2"), made(tax="0.005")], "summary.total_tax", 0.3),
    "a quotient stops": (
        [made({"line_items.0.quantity": "0.000000000000000001", "line_items.0.subtotal": "999999999999"})], "products.list.0.mean_price", 1e20),
    "a mismatch of a cent is none": ([made(total="26.61")], "anomalies.suspicious_counts.total_mismatch", 0),
    "a mismatch of more is one": ([made(total="26.610000000000000001")], "anomalies.suspicious_counts.total_mismatch", 1),
}


@pytest.mark.parametrize("name", EDGES)
def test_what_is_at_an_edge(told, tmp_path, name):
    records, path, expected = EDGES[name]
    data = batch(*records)
    (tmp_path / "x.json").write_bytes(data)
    text = told("x.json")
    found = json.loads(text)
    for step in path.split("."):
        found = len(found) if step == "length" else found[int(step) if isinstance(found, list) else step]
    assert found == expected
    same(text, report(("x.json", data)))


# ---------------------------------------------------------------------------------------------------- made up


def small(rng, number):
    """A small input: a document or NDJSON."""
    lines = rng.random() < 0.35
    style = made_up.Style(rng, lines)
    parts = made_up.texts(rng, rng.choice([0, 1, 1, 2, 5, 20, 60]), style, rng.choice([0, 0, 0.3, 1]))
    if lines:
        return f"{number:03}.{rng.choice(['ndjson', 'jsonl'])}", made_up.lines(rng, parts, style)
    return f"{number:03}.json", made_up.document(rng, parts, style)


@pytest.mark.parametrize("round", range(MANY))
def test_many_small_inputs_get_the_oracles_reports(sluice, tmp_path, rng, round):
    inputs = [small(rng, number) for number in range(80)]
    (tmp_path / "in").mkdir()
    for name, data in inputs:
        (tmp_path / "in" / name).write_bytes(data)
    sluice("report", "in", "--output", "out", "--format", "sales/1", cwd=tmp_path)
    found = {}
    for path in reports_in(tmp_path / "out"):
        text = checked(path.read_text())
        found[json.loads(text)["input_file"]] = text
    assert len(found) == len(inputs) + 1
    batches = [Batch(f"in/{name}", data) for name, data in inputs]
    for one in batches:
        same(found[one.name], blanked(Report([one]).text()))
    same(found[None], blanked(Report(batches).text()))


@pytest.mark.parametrize("round", range(MANY))
@pytest.mark.parametrize("lines", [False, True], ids=["document", "ndjson"])
def test_a_large_input_gets_the_oracles_report(told, tmp_path, rng, lines, round):
    style = made_up.Style(rng, lines)
    parts = [text for _ in range(4) for text in made_up.texts(rng, 300, style, rng.choice([0, 0.01, 0.2]))]
    data = made_up.lines(rng, parts, style) if lines else made_up.document(rng, parts, style)
    name = "x.ndjson" if lines else "x.json"
    (tmp_path / name).write_bytes(data)
    expected = report((name, data))
    same(told(name, options=["--threads", "1"]), expected)
    same(told(name, options=["--threads", "2"]), expected)


def world_of(rng, count, broken=0.05):
    """Records of one world, compact, so that a line holds each."""
    style = made_up.Style(rng, lines=True)
    style.layout = "compact"
    return made_up.texts(rng, count, style, broken), style


DAY_2022 = 1_640_995_200_000_000
RULES = {
    "no decimals": ({"decimals": 0}, Rules(decimals=0)),
    "six decimals": ({"decimals": 6}, Rules(decimals=6)),
    "a tax rate": ({"tax_rate": "0.08"}, Rules(tax_rate="0.08")),
    "a tax rate with many places": ({"tax_rate": "0.077777777777777777", "tolerance": "0.5"}, Rules(tax_rate="0.077777777777777777", tolerance="0.5")),
    "no tolerance": ({"tolerance": "0"}, Rules(tolerance="0")),
    "the median": ({"percentile": "50"}, Rules(percentile="50")),
    "the first percentile": ({"percentile": "1"}, Rules(percentile="1")),
    "the second percentile": ({"percentile": "2"}, Rules(percentile="2")),
    "the 99.9th percentile": ({"percentile": "99.9"}, Rules(percentile="99.9")),
    "the highest": ({"percentile": "100"}, Rules(percentile="100")),
    "a window of half an hour": ({"window": "30m", "anomaly_threshold": "50"}, Rules(window=1800, anomaly_threshold="50")),
    "a window of two hours": ({"window": "2h", "anomaly_threshold": "50", "window_count": 3}, Rules(window=7200, anomaly_threshold="50", window_count=3)),
    "a window of 90 seconds": ({"window": "90s", "anomaly_threshold": "1"}, Rules(window=90, anomaly_threshold="1")),
    "other limits": (
        {"max_unit_price": "100.5", "max_quantity": "5", "max_total": "500", "high_quantity": "2", "frequent_above": 2},
        Rules(max_unit_price="100.5", max_quantity="5", max_total="500", high_quantity="2", frequent=2)),
    "other statuses": ({"revenue_statuses": ["pending", "🎁", "Completed"]}, Rules(revenue_statuses=("pending", "🎁", "Completed"))),
    "another currency": ({"currency": "EUR"}, Rules(currency="EUR")),
    "limits of time": (
        {"not_before": "2021-06-01", "not_after": "2022-01-01"}, Rules(not_before=DAY_2022 - 214 * DAY, not_after=DAY_2022)),
    "other lengths": (
        {"caps": {"errors": 3, "top": 2, "anomalies": 4, "details": 5}}, Rules(errors=3, top=2, listed=4, details=5)),
    "empty lists": (
        {"caps": {"errors": 0, "top": 0, "anomalies": 0, "details": 0}}, Rules(errors=0, top=0, listed=0, details=0)),
}


@pytest.mark.parametrize("name", RULES)
def test_other_rules(told, tmp_path, rng, name):
    rules, expected = RULES[name]
    style = made_up.Style(rng)
    world = made_up.World(rng, customers=20, products=30, wild=0.02)
    world.high, world.mismatch, world.days = 0.1, 0.1, 3 if "window" in name else 800
    data = made_up.document(rng, made_up.texts(rng, 250, style, 0.05, world), style)
    (tmp_path / "x.json").write_bytes(data)
    plain = json.dumps(rules, ensure_ascii=False)
    for key in ("tax_rate", "tolerance", "percentile", "max_unit_price", "max_quantity", "max_total", "high_quantity", "anomaly_threshold"):
        if key in rules:
            plain = plain.replace(f'"{rules[key]}"', rules[key])
    (tmp_path / "rules.yaml").write_text(plain)
    same(told("x.json", options=["--rules", "rules.yaml"]), report(("x.json", data), rules=expected))


CHECKS = {"checks": [
    {"path": "country", "required": True}, {"path": "customer.age", "min": 18, "max": 99.5},
    {"path": "customer.country", "one_of": ["DE", "AT", "17", "true"]}, {"path": "line_items.sku", "pattern": "^[A-Z]{3}-[0-9]+$"},
    {"path": "total", "equals": ["subtotal", "tax", "shipping_cost"]}]}
CHECKED = [
    ({}, []),
    ({"country": None}, ["country: is missing"]),
    ({"country": "null"}, ["country: is null"]),
    ({"country": "[]"}, []),
    ({"customer.age": "18"}, []),
    ({"customer.age": "17.99"}, ["customer.age: 17.99 is below 18"]),
    ({"customer.age": "99.6"}, ["customer.age: 99.6 is above 99.5"]),
    ({"customer.age": '"20"'}, ["customer.age: is a string, not a number"]),
    ({"customer.age": "1e13"}, ["customer.age: 1e13 is too large"]),
    ({"customer.age": "null"}, []),
    ({"customer.country": '"FR"'}, ['customer.country: "FR" is not one of DE, AT, 17, true']),
    ({"customer.country": "17"}, []),
    ({"customer.country": "true"}, []),
    ({"customer.country": "false"}, ["customer.country: false is not one of DE, AT, 17, true"]),
    ({"line_items.0.sku": '"AB-1"'}, ['line_items[0].sku: "AB-1" does not match ^[A-Z]{3}-[0-9]+$']),
    ({"line_items.0.sku": '"\\u0041BC-1"'}, []),
    ({"line_items.0.sku": "5"}, ["line_items[0].sku: is a number, not a string"]),
    ({"total": "26.61"}, []),
    ({"total": "26.62"}, ["total: 26.62 is not 26.6, the sum of subtotal and tax and shipping_cost"]),
    ({"shipping_cost": None}, ["total: 26.60 is not 21.6, the sum of subtotal and tax and shipping_cost"]),
    ({"country": None, "customer.age": "1", "line_items.0.sku": "1", "status": "1"}, [
        "status: is a number, not a string", "country: is missing", "customer.age: 1 is below 18", "line_items[0].sku: is a number, not a string"]),
]


def test_further_checks(told, tmp_path):
    records = [made({"country": '"x"'} | changes if changes.get("country", "") is not None else {
        path: value for path, value in changes.items() if path != "country"}) for changes, _ in CHECKED]
    (tmp_path / "x.json").write_bytes(batch(*records))
    (tmp_path / "rules.yaml").write_text(json.dumps(CHECKS))
    errors = json.loads(told("x.json", options=["--rules", "rules.yaml"]))["validation"]["validation_errors"]
    found = {error["index"]: error["errors"] for error in errors}
    assert [found.get(index, []) for index in range(len(CHECKED))] == [reasons for _, reasons in CHECKED]


@pytest.mark.parametrize("packing", ["gz", "zst", "gz members"])
def test_packed_inputs(told, tmp_path, rng, packing):
    parts, style = world_of(rng, 300)
    data = made_up.document(rng, parts, style)
    if packing == "zst":
        packed = subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout
    elif packing == "gz":
        packed = gzip.compress(data)
    else:
        packed = gzip.compress(data[:1000]) + gzip.compress(data[1000:])
    name = "x.json." + packing.split()[0]
    (tmp_path / name).write_bytes(packed)
    same(told(name), report((name, data)))


@pytest.mark.parametrize("lines", [False, True], ids=["document", "ndjson"])
def test_standard_input(told, rng, lines):
    parts, style = world_of(rng, 300)
    parts[0] = made()
    data = made_up.lines(rng, parts, style) if lines else made_up.document(rng, parts, style)
    found = told("-", input=data)
    same(found, report((json.loads(found)["input_file"], data)))


def test_ndjson_and_documents_say_the_same(told, tmp_path, rng):
    parts, style = world_of(rng, 400, 0)
    (tmp_path / "x.ndjson").write_bytes(made_up.lines(rng, parts, style))
    (tmp_path / "x.json").write_bytes(f"[{','.join(parts)}]".encode())
    (tmp_path / "y.json").write_bytes(("\n".join(["", parts[0], "", *parts[1:]])).encode())
    lines = told("x.ndjson")
    assert lines.replace("x.ndjson", "x.json") == told("x.json")
    assert lines.replace("x.ndjson", "y.json") == told("y.json").replace("y.json", "y.json")


def test_the_order_of_records_does_not_matter(told, tmp_path, rng):
    parts, style = world_of(rng, 600, 0)
    texts = []
    for _ in range(3):
        rng.shuffle(parts)
        (tmp_path / "x.json").write_bytes(batch(*parts))
        texts.append(told("x.json"))
    assert texts[0] == texts[1] == texts[2]


def test_the_same_records_in_several_files(told, tmp_path, rng):
    """All but what names the files is the same."""
    parts, style = world_of(rng, 600, 0.02)
    (tmp_path / "one.json").write_bytes(batch(*parts))
    one = json.loads(told("one.json"))
    names = [f"{number}.json" for number in range(5)]
    for name, some in zip(names, made_up.cut(rng, parts, 5)):
        (tmp_path / name).write_bytes(batch(*some))
    inputs = [(name, (tmp_path / name).read_bytes()) for name in names]
    text = told(*reversed(names))
    same(text, report(*inputs))
    several = json.loads(text)
    assert several["batch_id"] == "b" and several["input_file"] is None
    for key in ("input_file", "inputs", "validation"):
        one.pop(key, None), several.pop(key)
    assert several == one


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_parts_of_a_file_merge_into_its_report(sluice, told, tmp_path, rng, count):
    parts, style = world_of(rng, 500)
    data = made_up.document(rng, parts, style)
    (tmp_path / "x.json").write_bytes(data)
    partials = [f"part-{number}" for number in range(count)]
    for number, partial in enumerate(partials, 1):
        sluice("report", "x.json", "--part", f"{number}/{count}", "--partial", partial, cwd=tmp_path)
    rng.shuffle(partials)
    sluice("report", "merge", *partials, "--output", "out", cwd=tmp_path)
    texts = [path.read_text() for path in reports_in(tmp_path / "out")]
    assert len(texts) == 1
    expected = report(("x.json", data))
    same(checked(texts[0]), expected)
    same(told("x.json"), expected)


@pytest.mark.parametrize("lines", [False, True], ids=["document", "ndjson"])
@pytest.mark.parametrize("count, records", [(3, 1), (64, 12)])
def test_parts_smaller_than_records_merge_into_the_report(sluice, tmp_path, rng, count, records, lines):
    parts, style = world_of(rng, records, 0.3)
    if not lines:
        parts.insert(rng.randrange(len(parts)), "")
        parts.append(" ")
    data = made_up.lines(rng, parts, style) if lines else b"[" + ",".join(parts).encode() + b"]"
    name = "x.ndjson" if lines else "x.json"
    (tmp_path / name).write_bytes(data)
    partials = [f"part-{number}" for number in range(count)]
    for number, partial in enumerate(partials, 1):
        sluice("report", name, "--part", f"{number}/{count}", "--partial", partial, cwd=tmp_path)
    sluice("report", "merge", *partials, "--output", "out", cwd=tmp_path)
    [path] = reports_in(tmp_path / "out")
    same(checked(path.read_text()), report((name, data)))


def test_partials_of_several_files_merge_into_the_report_over_all(sluice, told, tmp_path, rng):
    parts, style = world_of(rng, 200)
    names = [f"{number}.json" for number in range(4)]
    for name, some in zip(names, made_up.cut(rng, parts, 4)):
        (tmp_path / name).write_bytes(batch(*some))
        sluice("report", name, "--partial", name + ".partial", cwd=tmp_path)
    sluice("report", "merge", *(name + ".partial" for name in reversed(names)), "--output", "out", cwd=tmp_path)
    [path] = reports_in(tmp_path / "out")
    text = checked(path.read_text())
    same(text, report(*((name, (tmp_path / name).read_bytes()) for name in names)))
    same(text, told(*names))


def test_broken_records_between_many(told, tmp_path, rng):
    """In an input of many pieces, of which each broken record makes one to be read with care."""
    broken = ["", "nope", "{}", "1 2", '{"a": 1}x', made()[:-1] + ', "total": 1}', *MALFORMED.values()]
    records = [made(transaction_id=str(number)) for number in range(3000)]
    for text, place in zip(broken, [0, 1, 2999, *rng.sample(range(2, 2998), len(broken) - 3)]):
        records[place] = text
    data = batch(*records)
    (tmp_path / "x.json").write_bytes(data)
    text = told("x.json")
    same(text, report(("x.json", data)))
    assert json.loads(text)["validation"]["invalid_transactions"] == len(broken)


@pytest.mark.parametrize("count", [0, 1])
def test_batches_of_no_record_and_of_one(told, tmp_path, count):
    for name, data in [("x.json", batch(*[made()] * count)), ("y.json", b"[" + made().encode() * count + b"]"),
                       ("z.ndjson", made().encode() * count)]:
        (tmp_path / name).write_bytes(data)
        same(told(name), report((name, data)))


def test_a_hundred_thousand_records(told, tmp_path, rng):
    """A few thousand records again and again, with ids and customers of their own each time."""
    parts, style = world_of(rng, 1000, 0.02)
    rounds = 100 if LONG else 10
    data = batch(*(part.replace("C-", f"C{round}-").replace("T-", f"T{round}-") for round in range(rounds) for part in parts))
    (tmp_path / "x.json").write_bytes(data)
    same(told("x.json"), report(("x.json", data)))
