"""The oracle of `sales/1` against what was worked out by hand, so that the program is held against something that holds."""

import json
import random
from fractions import Fraction

import pytest

import sales_batches
from sales_cases import BAD_INPUTS, EMAILS, MALFORMED, NO_EMAILS, NO_TIMES, REASONS, SHAPES, TIMES, every_kind, every_missing, every_twice, made
from sales_input import Batch, InputFails, Malformed, parsed
from sales_oracle import Report, decimal, plain, report
from sales_records import ONE, Rules, amount, judge, moment, time_text

NOW = 1_790_000_000_000_000


def reasons(text):
    found = judge(parsed(text), Rules(), NOW)[2]
    return [reason.split(" is after ")[0] + " is after …" if " is after " in reason else reason for reason in found]


def test_base_is_valid():
    assert reasons(made()) == []


@pytest.mark.parametrize("name", REASONS | SHAPES)
def test_reasons(name):
    text, expected = (REASONS | SHAPES)[name]
    assert reasons(text) == expected


def test_reasons_of_every_field():
    for text, expected in [*every_kind(), *every_missing(), *every_twice()]:
        assert reasons(text) == expected, text


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_records(name):
    assert isinstance(parsed(MALFORMED[name]), Malformed)
    found = Batch("x.json", f"[{made()}, {MALFORMED[name]}, {made()}]".encode()).records
    assert [isinstance(record, Malformed) for record in found] == [False, True, False]


def test_times():
    assert {text: time_text(moment(text)) for text in TIMES} == TIMES
    assert [text for text in NO_TIMES if moment(text) is not None] == []


def test_e_mail_addresses():
    assert [email for email in EMAILS if reasons(made({"customer.email": json.dumps(email)}))] == []
    assert [email for email in NO_EMAILS if not reasons(made({"customer.email": json.dumps(email)}))] == []


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_inputs(name):
    with pytest.raises(InputFails):
        Batch("x.json", BAD_INPUTS[name])


def test_elements_are_told_by_quotes_and_brackets():
    found = Batch("x", b'[1, "a]\\"", [}, {"a": ], ,{"b": "}]"}, 5 5,]').records
    assert [isinstance(record, Malformed) for record in found] == [False, False, True, True, True, False, True, True]
    assert Batch("x", b" [ ] ").records == []


@pytest.mark.parametrize("name, text, count", [
    ("x.ndjson", "", 0), ("x.ndjson", "\n \r\n", 0), ("x.jsonl.gz", "1\n\n2", 2), ("x.json", '{"status": 0}\n{}', 2), ("x", '{"total": 1}\nx', 2), ("x", '{"customer": {}}', 1),
    ("x.ndjson", '{"transactions": []}', 1), ("x", '\ufeff\n{"timestamp": 5}\r\n\r\n{"a"', 2), ("x.ndjson", "{} {}", 1),
])
def test_lines(name, text, count):
    assert len(Batch(name, text.encode()).records) == count


@pytest.mark.parametrize("literal, expected", [
    ("1", ONE), ("-0.5", -ONE // 2), ("12.50e1", 125 * ONE), ("1e-18", 1), ("5e-19", 0), ("15e-19", 2), ("25e-19", 2), ("2.5000001e-18", 3),
    ("-15e-19", -2), ("0e99999999999999999999", 0), ("1e-99999999999999999999", 0), ("999999999999", 999_999_999_999 * ONE),
    ("0." + "0" * 17 + "14" + "9" * 500, 1), ("1" + "0" * 500 + "e-500", ONE), ("0." + "0" * 500 + "1e501", ONE),
])
def test_amounts(literal, expected):
    assert amount(literal) == expected


@pytest.mark.parametrize("value, places, expected", [
    ("0.125", 2, "0.12"), ("0.375", 2, "0.38"), ("2.675", 2, "2.68"), ("1.005", 2, "1.00"), ("0.615", 2, "0.62"), ("-0.005", 2, "0.00"),
    ("-0.015", 2, "-0.02"), ("7", 2, "7.00"), ("0.5", 0, "0"), ("1.5", 0, "2"), ("-12", 0, "-12"),
])
def test_rounding(value, places, expected):
    assert decimal(Fraction(value), places) == expected
    assert plain(amount(value)) == value


SAMPLE = '''{"batch_id": "b", "transactions": [
{"transaction_id": "T1", "timestamp": "2025-01-31T23:30:00Z", "customer": {"customer_id": 7, "email": "a@b.c", "name": "Ada"},
 "line_items": [{"product_id": "P1", "product_name": "Cup", "category": "A", "quantity": 2, "unit_price": 3000, "subtotal": 6000},
                {"product_name": "Lid", "quantity": 21, "unit_price": 1, "discount": 1, "subtotal": 20}],
 "subtotal": 6020, "tax": 0, "total": 6020, "payment_method": "Cash", "status": "completed"},
{"transaction_id": 7, "timestamp": "2025-01-31T23:30:00-01:00", "customer": {"customer_id": "7", "email": "a@b.c", "name": "Zoë"},
 "line_items": [{"product_id": "P1", "product_name": "Mug", "quantity": 0.5, "unit_price": 12000.5, "subtotal": 6000.25}],
 "subtotal": 6000.25, "tax": 1, "shipping": 4, "total": 6005.25, "payment_method": "Card", "status": "completed"},
{"transaction_id": "T1", "timestamp": "2025-01-31T23:30:00-01:00", "customer": {"customer_id": "7", "email": "a@b.c"},
 "line_items": [{"product_id": "P1", "product_name": "Mug", "category": "B", "quantity": 1, "unit_price": 10000, "subtotal": 6000.26}],
 "subtotal": 6000.25, "tax": 1, "shipping": 4, "total": 6005.25, "payment_method": "Card", "status": "open"},
{"transaction_id": "T2", "timestamp": "2025-02-02T23:30:00Z", "customer": {"customer_id": "A", "email": "a@b.c"},
 "line_items": [{"product_id": "P1", "quantity": 1, "unit_price": 0.005, "subtotal": 0.005}],
 "subtotal": 0.005, "tax": 0.001, "shipping": 0, "total": 0.026, "payment_method": "Card", "status": "completed"}]}'''


def test_a_small_report():
    """Every figure was worked out by hand."""
    found = json.loads(Report([Batch("x.json", SAMPLE.encode())]).text())
    assert found["validation"] == {
        "total_transactions": 4, "valid_transactions": 3, "invalid_transactions": 1, "validation_errors": [
            {"index": 1, "transaction_id": "7", "errors": ["line_items[0].unit_price: 12000.5 is above 10000"]}]}
    assert found["summary"] == {
        "orders": 2, "total_revenue": 6020.03, "total_tax": 0.0, "total_shipping": 0.0, "total_items": 24, "average_order_value": 3010.01,
        "average_tax": 0.0, "average_shipping": 0.0, "unique_customers": 2}
    assert found["top_customers"] == [
        {"customer_id": "7", "name": "Ada", "total_spent": 6020.0, "order_count": 1},
        {"customer_id": "A", "name": None, "total_spent": 0.03, "order_count": 1}]
    # The name and category of P1 are those of T2, the latest, which has none.
    assert found["top_products"] == [
        {"product_id": "P1", "product_name": None, "category": "Unknown", "units_sold": 3, "revenue": 6000.0},
        {"product_id": "Lid", "product_name": "Lid", "category": "Unknown", "units_sold": 21, "revenue": 20.0}]
    assert list(found["revenue_by_category"].items()) == [("A", 6000.0), ("Unknown", 20.0)]
    assert [(day["date"], day["orders"], day["revenue"]) for day in found["daily"]] == [("2025-01-31", 1, 6020.0), ("2025-02-02", 1, 0.03)]
    assert [(month["month"], month["items"]) for month in found["monthly"]] == [("2025-01", 23), ("2025-02", 1)]
    assert found["customers"]["orders_per_customer"] == 1.0 and found["customers"]["returning"] == 0
    assert [product["share"] for product in found["products"]["list"]] == [99.67, 0.33]
    assert [product["mean_price"] for product in found["products"]["list"]] == [2000.0, 0.95]
    assert found["status_breakdown"] == {"completed": {"count": 2, "total": 6020.03}, "open": {"count": 1, "total": 6005.25}}
    anomalies = found["anomalies"]
    assert anomalies["percentile"] == {"rank": 95, "value": 6020.0, "method": "nearest rank"}
    assert anomalies["high_value"] == {"count": 2, "above_percentile": 0, "above_threshold": 2, "threshold": 5000.0}
    assert [high["reason"] for high in anomalies["high_value_transactions"]] == ["Exceeds threshold", "Exceeds threshold"]
    assert anomalies["suspicious_patterns"] == [
        {"type": "rapid_high_value", "concern": "Multiple high-value purchases within 1 hour", "customer_id": "7", "count": 2,
         "total": 12025.25, "from": "2025-01-31T23:30:00Z", "to": "2025-02-01T00:30:00Z"},
        {"type": "duplicate_transaction_id", "concern": "Transaction id appears more than once", "transaction_id": "T1", "count": 2},
        {"type": "high_quantity", "concern": "Unusually high quantity", "transaction_id": "T1", "product_id": "Lid", "line": 1, "quantity": 21},
        {"type": "line_mismatch", "concern": "Quantity, price and discount do not make the line's subtotal", "transaction_id": "T1", "line": 0,
         "expected": 10000.0, "found": 6000.26},
        {"type": "total_mismatch", "concern": "Subtotal, tax and shipping do not add up to the total", "transaction_id": "T2",
         "expected": 0.01, "found": 0.03}]


def test_rapid_purchases_are_counted_within_the_window():
    def bought(minutes, total="6000"):
        return made(timestamp=f'"2025-01-15T{minutes // 60:02}:{minutes % 60:02}"', total=total)

    def patterns(*records):
        found = json.loads(report(("x", f"[{', '.join(records)}]".encode())))["anomalies"]["suspicious_patterns"]
        return [(p["count"], p["total"], p["from"][11:16], p["to"][11:16]) for p in found if p["type"] == "rapid_high_value"]

    assert patterns(bought(0), bought(61)) == []
    assert patterns(bought(0), bought(60)) == [(2, 12000.0, "00:00", "01:00")]
    assert patterns(bought(0), bought(60, "5000")) == []
    assert patterns(bought(0), bought(50), bought(100), bought(150)) == [(2, 12000.0, "00:00", "00:50")]
    assert patterns(bought(0), bought(50), bought(100), bought(110), bought(110, "7000")) == [(4, 25000.0, "00:50", "01:50")]
    assert patterns(bought(5), bought(5, "7000")) == [(2, 13000.0, "00:05", "00:05")]


@pytest.mark.parametrize("count, place", [(1, 1), (19, 19), (20, 19), (21, 20), (40, 38), (100, 95), (101, 96)])
def test_percentile_is_the_nearest_rank(count, place):
    records = [made(total=str(number)) for number in range(1, count + 1)]
    found = json.loads(report(("x", f"[{', '.join(records)}]".encode())))["anomalies"]
    assert found["percentile"]["value"] == place
    assert found["high_value"]["above_percentile"] == count - place


@pytest.mark.parametrize("seed", range(8))
def test_made_up_records_are_valid(seed):
    rng = random.Random(seed)
    style = sales_batches.Style(rng)
    for text in sales_batches.texts(rng, 40, style):
        assert reasons(text) == [], text
