"""`sluice report --format classic/1` against its definition in Python (classic_oracle.py), byte for byte."""

import copy
import gzip
import json
import math
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import classic_oracle
from conftest import run

pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="classic/1 is what Python 3.11 does")

SAMPLE = Path(__file__).with_name("sales_batch.json")
TIMES = (
    (re.compile(rb'^(  "processed_at": )"[0-9T:.Z-]+"(,?)$', re.M), rb'\1"TIME"\2'),
    (re.compile(rb'^(  "processing_time_seconds": )[0-9.]+(,?)$', re.M), rb"\g<1>0.0\2"),
)


def blank(report):
    for pattern, replacement in TIMES:
        report = pattern.sub(replacement, report, count=1)
    return report


def check(data, path):
    """Holds the program's report on the bytes `data` against the oracle's, and what it says and exits with."""
    path.write_bytes(data)
    result = run("report", path, "--format", "classic/1", "--stdout")
    shown = data[:3000] if len(data) < 200_000 else b"(long)"
    try:
        expected, failed = classic_oracle.report(data)
    except (classic_oracle.Unreadable, classic_oracle.Unwritable) as error:
        assert result.code == 1, (shown, error, result.err)
        assert result.out == b"", shown
        assert str(error) in result.err, shown
        return None
    found = blank(result.out)
    assert found == expected, f"input: {shown!r}\nfound: {found.decode()}\nexpected: {expected.decode()}"
    assert result.code == (1 if failed else 0), (shown, result.err)
    if failed:
        assert json.loads(expected)["error"] in result.err
    else:
        assert result.err == "", shown
    return expected


def sale(**changes):
    """A transaction that is valid; a change to `...` leaves a member out."""
    record = {
        "transaction_id": "t1", "timestamp": "2025-01-15T14:23:45Z",
        "customer": {"customer_id": "c1", "email": "a@example.com"},
        "line_items": [
            {"product_name": "Lamp", "category": "Office", "quantity": 2, "unit_price": 10.5, "subtotal": 21.0}],
        "subtotal": 21.0, "tax": 1.68, "shipping_cost": 5.99, "total": 28.67, "payment_method": "Card",
        "shipping_method": "Standard", "status": "completed"}
    record.update(changes)
    return {name: value for name, value in record.items() if value is not ...}


def item(**changes):
    record = {"product_name": "Lamp", "category": "Office", "quantity": 2, "unit_price": 10.5, "subtotal": 21.0}
    record.update(changes)
    return {name: value for name, value in record.items() if value is not ...}


def batch(*rows, **members):
    return {"batch_id": "b1", "generated_at": "2025-01-17T10:00:00Z", "transactions": list(rows), **members}


def text(value):
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def test_the_sample_gives_its_golden_numbers(tmp_path):
    made = json.loads(check(SAMPLE.read_bytes(), tmp_path / "in.json"))
    assert list(made) == [
        "batch_id", "input_transaction_count", "processed_at", "processing_time_seconds", "validation", "analytics",
        "anomalies", "metadata"]
    summary = made["analytics"]["summary"]
    assert [summary[name] for name in ("total_revenue", "total_tax", "total_shipping")] == [550.61, 36.72, 54.97]
    assert [summary[f"average_{name}"] for name in ("order_value", "tax", "shipping")] == [183.54, 12.24, 18.32]
    assert list(made["analytics"]["revenue_by_category"].items()) == [("Electronics", 383.93), ("Office", 74.99)]
    assert [(c["customer_id"], c["total_revenue"]) for c in made["analytics"]["top_customers"]] == [
        ("CUST-12345", 215.46), ("CUST-11111", 181.77), ("CUST-67890", 153.38)]
    assert [(p["product"], p["quantity_sold"]) for p in made["analytics"]["top_products_by_quantity"]] == [
        ("USB-C Cable", 3), ("Wireless Headphones", 2), ("Mechanical Keyboard", 1), ("Laptop Stand", 1),
        ("Ergonomic Mouse", 1), ("Desk Lamp", 1)]


# MARK: - S004-1: what is parsed

DOCUMENTS = {
    "empty": b"", "blank": b" \r\n\t ", "mark": b"\xef\xbb\xbf{}", "not UTF-8": b'{"a": "\xff"}',
    "cut character": b'{"a": "\xe2\x82', "surrogate in UTF-8": b'"\xed\xa0\x80"', "overlong": b'"\xc0\xaf"',
    "too high": b'"\xf4\x90\x80\x80"', "bad continuation": b'"\xe2(\xa1"',
    "root list": b"[]", "root full list": b"[1, 2]", "root text": b'"x"', "root integer": b"1", "root float": b"1.5",
    "root true": b"true", "root null": b"null", "root NaN": b"NaN", "root minus infinity": b"-Infinity",
    "trailing": b"{} x", "trailing newline": b"{}\r\n\r\nx", "two": b"{}{}", "nothing": b"{}",
    "trailing comma": b'{"a": 1,}', "trailing comma in a list": b"[1,]", "no colon": b'{"a" 1}',
    "no comma": b'{"a": 1 "b": 2}', "bare name": b"{a: 1}", "single quotes": b"{'a': 1}", "open object": b"{",
    "open list": b"[", "open list after a value": b"[1", "open text": b'{"a": "b', "open after backslash": b'"a\\',
    "control character": b'"a\x01"', "newline in a text": b'"a\r\nb"', "bad escape": b'"\\x"',
    "escaped newline": b'"\\\r\n"', "short unicode escape": b'"\\u12"', "bad unicode escape": b'"\\u12g4"',
    "unicode escape at the end": b'"\\u0041', "cut pair": b'"\\ud83d\\u"', "bad pair": b'"\\ud83d\\u12x4"',
    "half a pair at the end": b'"\\ud83d\\ude00', "leading zero": b"01", "plus": b"+1", "point first": b".5",
    "point last": b"1.", "exponent without digits": b"[1e, 2]", "sign without digits": b"[1e+]", "minus": b"-",
    "minus word": b"-x", "cut word": b"tru", "wrong word": b"nul!", "cut infinity": b"-Infinit",
    "position in lines": b'{\r\n  "a": 1,\r  "\xc3\xa9\xf0\x9f\x98\x80": x\n}',
    "deep lists": b"[" * 994 + b"]" * 994, "as deep as can be": b"[" * 993 + b"]" * 993,
    "deep objects": b'{"a":' * 2000 + b"1" + b"}" * 2000, "endless": b"[" * 100_000, "endless object": b'{"":' * 50_000,
    "deep and wrong before": b"[x" + b"[" * 2000, "deep batch": b'{"batch_id":' + b"[" * 992 + b"]" * 992 + b"}",
    "long integer": b'{"batch_id": ' + b"9" * 4300 + b"}", "too long an integer": b'{"batch_id": -' + b"9" * 4301 + b"}",
    "too long an integer before a mistake": b"[" + b"9" * 4301 + b", x", "too long after a mistake": b"[x, " + b"9" * 4301,
    "long float": b'{"batch_id": ' + b"9" * 5000 + b".5}", "overflow": b'{"batch_id": [1e400, -1e400, 1e-400]}',
    "constants": b'{"batch_id": [NaN, Infinity, -Infinity]}',
    "numbers": b'{"batch_id": [-0, -0.0, 0e9, 1E5, 1e16, 123456789012345678, 9223372036854775807, 9223372036854775808,'
               b' -9223372036854775808, -9223372036854775809, 0.1, 5e-324, 1.7976931348623157e308, 1e22, 1e23, 1e-5,'
               b' 0.0001, 123456789.123456789, 2.5e-05, 100000000000000000000.0]}',
    "duplicate names": b'{"batch_id": {"a": 1, "b": 2, "a": 3}, "generated_at": 1, "generated_at": 2}',
    "escaped names": b'{"\\u0062atch_id": "\\u00e9\\ud83d\\ude00\\n\\/", "generated_at": null}',
    "second transactions": text(batch(sale(customer=None)))[:-1] + b', "transactions": ' + text([sale()]) + b"}",
    "no transactions at last": text(batch(sale()))[:-1] + b', "transactions": null}',
    "mistake after a failure": text(batch(sale(customer=None)))[:-1] + b", x}",
    "lone surrogate": b'{"batch_id": "a\\ud800"}', "lone surrogates": b'{"batch_id": ["\\n\\udc80\\udc81x"]}',
    "lone surrogate in a name": b'{"batch_id": {"\\ud800": 1}}', "lone surrogate that is not told": b'{"x": "\\ud800"}',
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name, tmp_path):
    check(DOCUMENTS[name], tmp_path / "in.json")


@pytest.mark.parametrize("value", [
    "...", "{}", '""', "[]", "null", "1", "1.5", "true", "NaN", "12345678901234567890", '"ab"', '{"a": 1}', "[null]",
    "[1]", "[1.5]", "[true]", '["ab"]', "[[]]", '[["transaction_id"]]', "[{}]", "[{}, null]", '{ \n }'])
def test_transactions_of_any_type(value, tmp_path):
    check(b"{}" if value == "..." else b'{"transactions": %s}' % value.encode(), tmp_path / "in.json")


# MARK: - S004-2 to S004-8: what is valid, what ends the batch, what is counted

ODD = {
    "null": None, "false": False, "true": True, "zero": 0, "one": 1, "minus one": -1, "two": 2, "float": 1.5,
    "whole float": 2.0, "minus zero": -0.0, "NaN": math.nan, "infinity": math.inf, "minus infinity": -math.inf,
    "big": 10 ** 30, "minus big": -10 ** 30, "too big for a float": 10 ** 400, "empty": "", "text": "x", "digits": "4",
    "list": [1], "no list": [], "object": {"a": 1}, "no object": {}, "deep": [[{"a": [1.5, None, "x"]}]],
    "just under": 9999.99, "10000": 10000, "above": 10000.01, "100": 100, "101": 101, "20": 20, "21": 21,
    "5000": 5000.0, "5000.01": 5000.01, "100000": 100000, "100000.01": 100000.01, "1e16": 1e16, "1e22": 1e22,
    "whole 1e22": 10 ** 22, "completed": "completed", "Completed": "Completed",
}
PLACES = [
    ("transaction_id",), ("timestamp",), ("customer",), ("customer", "customer_id"), ("customer", "email"),
    ("line_items",), ("line_items", 0), ("line_items", 0, "quantity"), ("line_items", 0, "unit_price"),
    ("line_items", 0, "subtotal"), ("line_items", 0, "category"), ("line_items", 0, "product_name"), ("subtotal",),
    ("tax",), ("shipping_cost",), ("total",), ("payment_method",), ("shipping_method",), ("status",)]


def put(record, place, value):
    """The record with a value at a place; `...` takes away what is there."""
    record = copy.deepcopy(record)
    holder = record
    for step in place[:-1]:
        holder = holder[step]
    if value is ...:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return record


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_any_value_in_any_place(place, tmp_path):
    """Alone after a good row, since it may end the batch, and for those that do not, all together."""
    values = [*ODD.values(), ...]
    inputs = [text(batch(sale(), put(sale(), place, value), sale())) for value in values]
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(check, inputs, [tmp_path / f"{number}.json" for number in range(len(inputs))]))
    good = [put(sale(), place, value) for value, made in zip(values, reports) if b'"error"' not in (made or b'"error"')]
    check(text(batch(*good)), tmp_path / "all.json")
    check(text(batch(*[dict(row, status="pending") for row in good * 2])), tmp_path / "pending.json")


STAMPS = """
2025-01-15T14:23:45Z 2025-01-15 20250115 20250115T142345Z 2025-W03-3 2025W033 2025W03 2025-W03 2025-W53-1 2020-W53-7
2025-01-15T14 2025-01-15T14:23 2025-01-15T1423 2025-01-15T14:23:45.1 2025-01-15T14:23:45,123456789Z 2025-01-15T14:23:45.
2025-01-15T14:23:45.Z 2025-01-15T14:23:45.12x 2025-01-15T142345123 2025-01-15T14:23:45:12 2025-01-15x14:23 2025-01-15é14
2025-01-15😀14:23:45 2025-01-15T 2025-01-15Z 2025-01-15TZ 2025-01-15T14:23:45+05 2025-01-15T14:23:45+0530
2025-01-15T14:23:45+05:30:15.123 2025-01-15T14:23:45-23:59 2025-01-15T14:23:45+24:00 2025-01-15T14:23:45+23:60
2025-01-15T14:23:45+00:99 2025-01-15T14:23:45+5 2025-01-15T14:23:45z 2025-01-15T24:00 2025-01-15T23:60 2025-015
2025-01-15T23:59:60 2025-1-15 2025-02-29 2024-02-29 1900-02-29 2000-02-29 0000-01-01 0001-01-01 9999-12-31 9999-W52-5
9999-W52-6 9999-W53-1 0001-W01-1 2025-00-10 2025-13-01 2025-01-00 2025-01-32 2025-01-15TZ14:23 Z2025-01-15 Z ZZ
2025-W00-1 2025-W54-1 2025-W01-0 2025-W01-8 2025W0131T10 2025W01110 2025W011T10 2025W01T10 2025-W01T10 2025-W01-10
2025-W01-1T10 2025-01-15T14:2 2025-01-15T1:23 2025-01-15T14:23:4 2025-01-15T14-05 2025-01-15T+05:00 2025-01
2025-01-1 202501 2025-01-15T14:23:45++05 2025-01-15T14:23:45+05:00Z 2025-01-15T14:23:45ZZ ２０２５-01-15
2025-01-15T14:23:45Z+05:00 2025-01-15T14:2345 2025-01-15T1423:45 2025/01/15 2025-01/15 20250115T14:23:45
""".split() + [
    "", " ", " 2025-01-15", "2025-01-15 ", "2025-01-15 14:23:45", "2025-01-15 14:23:45 Z", "2025-01-15T14:23:45 +05:00",
    "2025-01-15\u000014:23", "2025-01-15T14:23\u0000", "2025-01-15T14:23:45\u0000Z", "2025-01-15\ud80014:23",
    "2025W01\ud80010", "2025W011\udc0010", "2025-01-15\ud80014:23\udc00", "\ud8002025-01-15", "2025-01-15T\ud800"]


@pytest.mark.parametrize("stamps", [STAMPS[start::8] for start in range(8)])
def test_timestamps(stamps, tmp_path):
    """Surrogates that are told of cannot be written, so rows with them get a plain id and are not reported."""
    rows = [sale(transaction_id=str(number), timestamp=stamp) for number, stamp in enumerate(stamps)]
    document = json.dumps(batch(*rows)).encode()
    check(document, tmp_path / "in.json")


def test_limits(tmp_path):
    rows = [sale(total=value) for value in (5000, 5000.0, 5000.01, 100000, 100000.0, 100000.01, 10 ** 18, 0, -0.0, True)]
    rows += [sale(line_items=[item(quantity=value, unit_price=price)])
             for value in (20, 20.5, 21, 100, 101, 0, -1, 0.5, True, False, ...)
             for price in (10000, 10000.0, 10000.01, ..., -5, True)]
    check(text(batch(*rows)), tmp_path / "in.json")


def test_more_of_everything_than_is_listed(tmp_path):
    duplicates = [sale(total=6000) for _ in range(30)]
    made = json.loads(check(text(batch(*duplicates)), tmp_path / "in.json"))["anomalies"]
    assert [made[name]["count"] for name in ("high_value_transactions", "suspicious_patterns")] == [30, 29]
    assert [len(made["high_value_transactions"]["transactions"]), len(made["suspicious_patterns"]["patterns"])] == [20, 20]
    check(text(batch(*[sale(total=0) for _ in range(60)])), tmp_path / "in.json")
    check(text(batch(*[
        sale(transaction_id=str(n), customer={"customer_id": n // 11, "email": "e"}, total=n % 7 + 1,
             line_items=[item(category=f"c{n % 23}", product_name=f"p{n % 29}", subtotal=n % 5, quantity=n % 40 + 1)])
        for n in range(400)])), tmp_path / "in.json")


def test_sums_keep_their_types(tmp_path):
    for total in (15, 0.1, True, 12.5):
        rows = [sale(transaction_id=str(n), total=total, line_items=[item(quantity=total if total != 0.1 else 1)])
                for n in range(11)]
        check(text(batch(*rows)), tmp_path / "in.json")
        check(text(batch(*rows, sale(transaction_id="x", total=0.5, line_items=[item(quantity=40.5)]))), tmp_path / "in.json")


def test_equal_keys_of_different_types(tmp_path):
    keys = [1, True, 1.0, 0, False, -0.0, "1", "true", None, "null", 2 ** 70, float(2 ** 70), 1e22, 10 ** 22, 1e300,
            int(1e300), math.nan, math.nan, math.inf, -math.inf, 0.5, 2 ** 63, float(2 ** 63), -2 ** 63, -float(2 ** 63)]
    for keys in (keys, keys[::-1]):
        rows = [sale(transaction_id=key, status=status, payment_method=key, shipping_method=key,
                     customer={"customer_id": key or "x", "email": "e"},
                     line_items=[item(category=key, product_name=key, quantity=n + 1)])
                for n, key in enumerate(keys) for status in ("completed", key)]
        check(text(batch(*rows * 6)), tmp_path / "in.json")


@pytest.mark.parametrize("amount", [0.125, 0.375, 2.675, 1.005, 0.615, 0.005, 1e15 + 0.3, 1e300, 5e-324, 0.1])
def test_rounding(amount, tmp_path):
    rows = [sale(tax=amount, shipping_cost=-amount, line_items=[item(subtotal=amount)]) for _ in range(3)]
    check(text(batch(rows[0])), tmp_path / "in.json")
    check(text(batch(*rows)), tmp_path / "in.json")


def test_order_with_nan(tmp_path, rng):
    """NaN is neither more nor less than anything, so that the order is whatever the sort happens to make of it."""
    for size in (2, 3, 5, 10, 31, 63, 64, 65, 100, 200, 1000, 3000):
        for share in (0.02, 0.3):
            values = [math.nan if rng.random() < share else rng.choice([rng.random() * 100, float(rng.randrange(9)), n * 1.0])
                      for n in range(size)]
            rows = [sale(transaction_id=n, customer={"customer_id": f"c{n}", "email": "e"}, total=abs(value) or 1.0,
                         line_items=[item(category=f"k{n}", product_name=f"p{n}", subtotal=value, quantity=abs(value) % 90 or 1)])
                    for n, value in enumerate(values)]
            check(text(batch(*rows)), tmp_path / "in.json")


# MARK: - At random

SEEDS = 12 if os.environ.get("SLUICE_SEED") != "random" else 120
PER_SEED = 40
WORDS = ["completed", "pending", "", "x", "Card", "é", "\U0001f600", "a\nb\t\"\\/\b\f\r\x01\x7f", "\u2028", "Z" * 3, "null", "1"]


def value(rng, depth=0):
    pick = rng.randrange(14 if depth < 3 else 11)
    if pick < 2:
        return rng.choice(WORDS)
    if pick < 4:
        return rng.choice([0, 1, 2, 5, 25, 99, 101, 6000, 10 ** 6, -3, 10 ** 25, -10 ** 400, 7 ** 24])
    if pick < 7:
        return rng.choice([0.1, 2.675, -1.5, 1e-7, 1e16, 5e-324, 1e308, 100000.5, 2.0, rng.random() * 10, rng.uniform(0, 9000)])
    if pick < 9:
        return rng.choice([None, True, False])
    if pick < 10:
        return rng.choice([math.nan, math.inf, -math.inf])
    if pick < 11:
        return "\ud800" if rng.random() < 0.02 else rng.choice(STAMPS[:120])
    if pick < 12:
        return [value(rng, depth + 1) for _ in range(rng.randrange(3))]
    return {rng.choice(WORDS): value(rng, depth + 1) for _ in range(rng.randrange(3))}


def number(rng):
    return rng.choice([rng.randrange(1, 60), rng.uniform(0.01, 99), rng.uniform(0.01, 6000), True, 0.1, 7, 12.5])


def random_sale(rng, boldness):
    items = [item(
        product_name=rng.choice(["a", "b", "c", "é", None, 1, 1.0, True]), category=rng.choice(["A", "B", "C", None, 2]),
        quantity=rng.choice([1, 2, 3, 25, 0.5, True]), unit_price=number(rng), subtotal=number(rng))
        for _ in range(rng.randrange(1, 4))]
    record = sale(
        transaction_id=rng.choice([rng.randrange(30), str(rng.randrange(30)), rng.random()]),
        timestamp=rng.choice(["2025-01-15T14:23:45Z", "2025-01-15", "2024-02-29T10:00:00.5+01:00"]),
        customer={"customer_id": rng.choice(["c1", "c2", 3, 3.0, "c4"]), "email": "e"}, line_items=items,
        tax=number(rng), total=number(rng), shipping_cost=rng.choice([number(rng), ...]),
        status=rng.choice(["completed", "completed", "pending", "cancelled"]),
        payment_method=rng.choice(["Card", "Cash", None]), shipping_method=rng.choice(["Fast", "Slow", ...]))
    if rng.random() < boldness:
        # Some places end the batch with most values; the others are met more often.
        calm = [place for place in PLACES if place[-1] in (
            "transaction_id", "subtotal", "tax", "shipping_cost", "payment_method", "shipping_method", "status", "category",
            "product_name", "customer_id", "email") and (place[-1] != "shipping_cost" or "shipping_cost" in record)]
        place = rng.choice(calm if rng.random() < 0.85 else PLACES)
        if not (place[-1] in ("shipping_cost", "shipping_method") and place[-1] not in record):
            record = put(record, place, ... if rng.random() < 0.1 and place[-1] != 0 else value(rng))
    if rng.random() < 0.1:
        record[rng.choice(WORDS)] = value(rng)
    return record


def random_batch(rng):
    boldness = rng.choice([0, 0.02, 0.2, 0.6])
    document = batch(*[random_sale(rng, boldness) for _ in range(rng.choice([0, 1, 2, 5, 30, 100]))])
    for name in ("batch_id", "generated_at", "transactions", "other"):
        if rng.random() < 0.04:
            document[name] = value(rng)
        if rng.random() < 0.04:
            document.pop(name, None)
    return json.dumps(
        document, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 0, 2, "\t"]),
        separators=rng.choice([None, (",", ":"), (" ,\r\n", " : ")])).encode("utf-8", "surrogatepass")


def doubled(data, rng):
    """Writes some members twice."""
    names = list(re.finditer(rb'"(total|tax|status|customer_id|quantity|batch_id)" ?: ?', data))
    for match in rng.sample(names, min(3, len(names))):
        extra = text(value(rng, 3))
        data = data[:match.start()] + match.group(0) + extra + b", " + data[match.start():]
    return data


def damaged(data, rng):
    """Cuts, flips, doubles or inserts something somewhere."""
    data = bytearray(data[:rng.choice([200, 2000, len(data)])])
    for _ in range(rng.choice([1, 1, 2, 5])):
        place = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            del data[place:]
        elif kind == 1:
            del data[place:place + rng.randrange(1, 9)]
        elif kind == 2 and place < len(data):
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 3:
            data[place:place] = rng.choice(
                [b",", b"}", b"]", b'"', b"\\", b"\\u", b"\\ud83d", b"\r\n", b"\r", b"\xc3\xa9", b"-", b"e", b".", b"0", b"NaN",
                 b"[", b"{", b":", b"\x00", b"\xff", b"\\uDE00", b" ", b"Infinity", b"1" * 4301])
        elif kind == 4:
            start = rng.randrange(len(data) + 1)
            data[place:place] = data[start:start + 50]
        else:
            quote = data.find(b'"', place)
            data[quote + 1:quote + 1] = rng.choice([b"\\", b"\\n", b"\\x", b"\\u00e9", b"\\ud800", b"\t", b"\\u12", b"\xe2\x82\xac"])
    return bytes(data)


@pytest.mark.parametrize("number", range(SEEDS))
def test_random_batches(number, tmp_path, rng):
    inputs = []
    for _ in range(PER_SEED):
        data = random_batch(rng)
        if rng.random() < 0.1:
            data = doubled(data, rng)
        if rng.random() < 0.4:
            data = damaged(data, rng)
        inputs.append(data)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, inputs, [tmp_path / f"{number}.json" for number in range(len(inputs))]))


def test_a_hundred_thousand_records(tmp_path, rng):
    rows = [random_sale(rng, 0) for _ in range(1000)]
    pieces = [text(row) for row in rows]
    data = b'{"batch_id": "large", "transactions": [' + b",\n".join(rng.choice(pieces) for _ in range(100_000)) + b"]}"
    check(data, tmp_path / "in.json")


# MARK: - The command

def test_packed_files_pipes_and_outputs(sluice, tmp_path):
    plain = blank(sluice("report", SAMPLE, "--format", "classic/1", "--stdout").out)
    assert not plain.endswith(b"\n")
    packed = tmp_path / "sample.json.gz"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    assert blank(sluice("report", packed, "--format", "classic/1", "--stdout").out) == plain
    assert blank(sluice("report", "-", "--format", "classic/1", "--stdout", input=SAMPLE.read_bytes()).out) == plain
    assert sluice("report", SAMPLE, "--format", "classic/1", "--output", tmp_path / "out.json").out == b""
    assert blank((tmp_path / "out.json").read_bytes()) == plain


def test_a_failed_batch_is_a_failure_and_has_a_report(attempt, tmp_path):
    path, out = tmp_path / "in.json", tmp_path / "out.json"
    path.write_bytes(b"[1,")
    result = attempt("report", path, "--format", "classic/1", "-o", out)
    assert result.code == 1
    assert "JSON parsing failed: Expecting value: line 1 column 4 (char 3)" in result.err
    assert json.loads(out.read_bytes())["details"] == "Expecting value: line 1 column 4 (char 3)"
    assert attempt("report", tmp_path / "none.json", "--format", "classic/1", "--stdout").code == 1
