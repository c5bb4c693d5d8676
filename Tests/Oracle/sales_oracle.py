"""The oracle of `sales/1`: the whole report over batches, as text. Written from docs/report.md, never from the program.

It keeps every record, so it is for files that fit; that the program keeps none is what it is held against.
"""

import math
import re
import time
from bisect import bisect_right
from collections import defaultdict
from fractions import Fraction

from sales_input import Batch, Number, room
from sales_records import DAY, ONE, SECOND, Rules, amount, judge, quoted, time_text

# What no two runs have in common.
TIMES = [
    (r'"processed_at": "[^"]*"', '"processed_at": "…"'),
    (r'"processing_time_seconds": [0-9.e-]+', '"processing_time_seconds": 0'),
    (r'"rules": "[0-9a-f]+"', '"rules": "…"'),
    (r"record: is not valid JSON: (?:[^\"\\]|\\.)+", "record: is not valid JSON: …"),
    (r" is after \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z", " is after …"),
]


def blanked(text):
    """A report without what no two runs have in common."""
    for pattern, blank in TIMES:
        text = re.sub(pattern, blank, text)
    return text


def quotient(value, divisor):
    """An exact quotient, which stops at 10²⁰."""
    return max(-(10**20), min(10**20, Fraction(value, divisor)))


class Raw(str):
    """JSON that is written already."""


def decimal(value, places):
    """A quotient, rounded half to even, with that many places."""
    scaled = round(Fraction(value) * 10**places)
    digits = str(abs(scaled)).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return Raw("-" + text if scaled < 0 else text)


def product(one, other):
    """A product of amounts, with 18 places as they have."""
    return round(Fraction(one * other, ONE))


def plain(size):
    """An amount with all of its places, and without zeros at the end."""
    text = decimal(Fraction(size, ONE), 18)
    return Raw(text.rstrip("0").rstrip("."))


def written(value, indent=""):
    """A value as the report has it."""
    inner = indent + "  "
    if value is None:
        return "null"
    if isinstance(value, Raw):
        return value
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        parts, ends = [f"{quoted(key)}: {written(part, inner)}" for key, part in value.items()], "{}"
    else:
        parts, ends = [written(part, inner) for part in value], "[]"
    if not parts:
        return ends
    return ends[0] + ",".join(f"\n{inner}{part}" for part in parts) + f"\n{indent}" + ends[1]


def ordinal(rank):
    if "." in rank or rank.endswith(("11", "12", "13")):
        return rank + "th"
    return rank + {"1": "st", "2": "nd", "3": "rd"}.get(rank[-1], "th")


def window_text(seconds):
    for unit, length in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}" + ("s" if count != 1 else "")


class Report:
    """A report over batches."""

    def __init__(self, batches, rules=None, now=None):
        self.rules = rules or Rules()
        now = int(time.time()) * SECOND if now is None else now
        self.batches = sorted(batches, key=lambda batch: batch.name)
        self.valid = []
        self.rejected = []
        self.counts = []
        for batch in self.batches:
            before = len(self.valid)
            for index, value in enumerate(batch.records):
                record, id, reasons = judge(value, self.rules, now)
                if record is None:
                    self.rejected.append((batch.name, index, id, reasons))
                else:
                    self.valid.append(record)
            self.counts.append((len(batch.records), len(self.valid) - before))
        self.orders = [record for record in self.valid if record.status in self.rules.revenue_statuses]
        self.learn_names()

    def learn_names(self):
        names, products = {}, {}
        for record in self.valid:
            if record.name is not None:
                names[record.customer] = max(names.get(record.customer, (record.time, "")), (record.time, record.name))
            for item in record.items:
                key = (record.time, item.name is not None, item.name or "", item.category)
                products[item.product] = max(products.get(item.product, key), key)
        self.names = {customer: name for customer, (_, name) in names.items()}
        self.products = {
            product: (name if there else None, category) for product, (_, there, name, category) in products.items()}

    def money(self, size):
        return decimal(Fraction(size) / ONE, self.rules.decimals)

    def mean(self, size, count):
        return decimal(quotient(size, count * ONE), self.rules.decimals) if count else self.money(0)

    def text(self):
        return written(self.document()) + "\n"

    def document(self):
        ids = {(type(batch.batch_id) is Number, batch.batch_id) for batch in self.batches}
        batch_id = self.batches[0].batch_id if len(ids) == 1 else None
        several = len(self.batches) != 1
        document = {
            "batch_id": Raw(batch_id) if isinstance(batch_id, Number) else batch_id,
            "processed_at": "…",
            "processing_time_seconds": 0,
            "input_file": None if several else self.batches[0].name,
            "format": "sales/1",
            "currency": self.rules.currency,
            "rules": "…",
        }
        if several:
            document["inputs"] = [{
                "file": batch.name,
                "batch_id": Raw(batch.batch_id) if isinstance(batch.batch_id, Number) else batch.batch_id,
                "total_transactions": total,
                "valid_transactions": valid,
                "invalid_transactions": total - valid,
            } for batch, (total, valid) in zip(self.batches, self.counts)]
        document |= {
            "validation": self.validation(several),
            "summary": self.summary(),
            **self.customers(),
            **self.product_lists(),
            "revenue_by_category": self.categories(),
            "daily": self.periods("date", 10),
            "monthly": self.periods("month", 7),
            **self.details(),
            "status_breakdown": self.breakdown(lambda record: record.status),
            "payment_methods": self.breakdown(lambda record: record.payment),
            "shipping_methods": self.breakdown(lambda record: record.method),
            "anomalies": Anomalies(self).document(),
            "status": "success",
        }
        return document

    def validation(self, several):
        return {
            "total_transactions": len(self.valid) + len(self.rejected),
            "valid_transactions": len(self.valid),
            "invalid_transactions": len(self.rejected),
            "validation_errors": [
                ({"file": name} if several else {}) | {"index": index, "transaction_id": id, "errors": reasons}
                for name, index, id, reasons in self.rejected[:self.rules.errors]],
        }

    def summary(self):
        count = len(self.orders)
        revenue = sum(order.total for order in self.orders)
        tax = sum(order.tax for order in self.orders)
        shipping = sum(order.shipping for order in self.orders)
        return {
            "orders": count,
            "total_revenue": self.money(revenue),
            "total_tax": self.money(tax),
            "total_shipping": self.money(shipping),
            "total_items": plain(sum(item.quantity for order in self.orders for item in order.items)),
            "average_order_value": self.mean(revenue, count),
            "average_tax": self.mean(tax, count),
            "average_shipping": self.mean(shipping, count),
            "unique_customers": len({order.customer for order in self.orders}),
        }

    def customers(self):
        self.by_customer = defaultdict(list)
        for order in self.orders:
            self.by_customer[order.customer].append(order)
        self.spent = {id: sum(order.total for order in orders) for id, orders in self.by_customer.items()}
        self.customer_ranking = sorted(self.spent, key=lambda id: (-self.spent[id], id))
        return {"top_customers": [{
            "customer_id": id,
            "name": self.names.get(id),
            "total_spent": self.money(self.spent[id]),
            "order_count": len(self.by_customer[id]),
        } for id in self.customer_ranking[:self.rules.top]]}

    def product_lists(self):
        self.units, self.revenue, self.orders_with = defaultdict(int), defaultdict(int), defaultdict(int)
        for order in self.orders:
            for item in order.items:
                self.units[item.product] += item.quantity
                self.revenue[item.product] += item.subtotal
            for product in {item.product for item in order.items}:
                self.orders_with[product] += 1
        self.product_ranking = sorted(self.revenue, key=lambda id: (-self.revenue[id], id))
        return {"top_products": [self.product(id) for id in self.product_ranking[:self.rules.top]]}

    def product(self, id):
        name, category = self.products[id]
        return {
            "product_id": id,
            "product_name": name,
            "category": category,
            "units_sold": plain(self.units[id]),
            "revenue": self.money(self.revenue[id]),
        }

    def categories(self):
        sums = defaultdict(int)
        for order in self.orders:
            for item in order.items:
                sums[item.category] += item.subtotal
        return {name: self.money(sums[name]) for name in sorted(sums, key=lambda name: (-sums[name], name))}

    def periods(self, key, length):
        periods = defaultdict(list)
        for order in self.orders:
            periods[time_text(order.time)[:length]].append(order)
        return [{
            key: name,
            "orders": len(periods[name]),
            "revenue": self.money(sum(order.total for order in periods[name])),
            "tax": self.money(sum(order.tax for order in periods[name])),
            "shipping": self.money(sum(order.shipping for order in periods[name])),
            "items": plain(sum(item.quantity for order in periods[name] for item in order.items)),
        } for name in sorted(periods)]

    def details(self):
        customers = []
        for id in self.customer_ranking[:self.rules.details]:
            orders = self.by_customer[id]
            times = [order.time for order in orders]
            span = Fraction(max(times) - min(times), DAY)
            customers.append({
                "customer_id": id,
                "name": self.names.get(id),
                "orders": len(orders),
                "total": self.money(self.spent[id]),
                "mean": self.mean(self.spent[id], len(orders)),
                "first": time_text(min(times)),
                "last": time_text(max(times)),
                "mean_days_between": decimal(span / (len(orders) - 1), 2) if len(orders) > 1 else None,
            })
        everything = sum(self.revenue.values())
        products = [self.product(id) | {
            "orders": self.orders_with[id],
            "mean_price": decimal(quotient(self.revenue[id], self.units[id]), self.rules.decimals),
            "share": decimal(quotient(self.revenue[id] * 100, everything), 2) if everything else None,
        } for id in self.product_ranking[:self.rules.details]]
        count = len(self.by_customer)
        return {
            "customers": {
                "count": count,
                "returning": sum(len(orders) > 1 for orders in self.by_customer.values()),
                "orders_per_customer": decimal(Fraction(len(self.orders), count) if count else 0, 2),
                "list": customers,
            },
            "products": {"count": len(self.product_ranking), "list": products},
        }

    def breakdown(self, key):
        counts, totals = defaultdict(int), defaultdict(int)
        for record in self.valid:
            counts[key(record)] += 1
            totals[key(record)] += record.total
        ranking = sorted(counts, key=lambda name: (-counts[name], name))
        return {name: {"count": counts[name], "total": self.money(totals[name])} for name in ranking}


class Anomalies:
    """What looks odd in the valid records of a report."""

    def __init__(self, report):
        self.report = report
        self.rules = report.rules
        self.valid = report.valid
        self.money = report.money
        self.threshold = amount(self.rules.anomaly_threshold)
        self.tolerance = amount(self.rules.tolerance)

    def document(self):
        patterns = {
            "rapid_high_value": self.rapid(),
            "duplicate_transaction_id": self.duplicates(),
            "high_quantity": self.quantities(),
            "line_mismatch": self.lines(),
            "subtotal_mismatch": self.mismatches(
                lambda record: sum(item.subtotal for item in record.items), lambda record: record.subtotal),
            "tax_mismatch": self.mismatches(
                lambda record: product(record.subtotal, amount(self.rules.tax_rate)), lambda record: record.tax)
                if self.rules.tax_rate is not None else [],
            "total_mismatch": self.mismatches(
                lambda record: record.subtotal + record.tax + record.shipping, lambda record: record.total),
        }
        concerns = {
            "rapid_high_value": f"Multiple high-value purchases within {window_text(self.rules.window)}",
            "duplicate_transaction_id": "Transaction id appears more than once",
            "high_quantity": "Unusually high quantity",
            "line_mismatch": "Quantity, price and discount do not make the line's subtotal",
            "subtotal_mismatch": "Lines do not add up to the subtotal",
            "tax_mismatch": "Tax does not follow from the subtotal",
            "total_mismatch": "Subtotal, tax and shipping do not add up to the total",
        }
        frequent = self.frequent()
        return {
            **self.high_values(),
            "suspicious_counts": {name: len(found) for name, found in patterns.items()},
            "suspicious_patterns": [
                {"type": name, "concern": concerns[name], **pattern}
                for name, found in patterns.items() for _, pattern in sorted(found, key=lambda it: it[0])[:self.rules.listed]],
            "frequent_customer_count": len(frequent),
            "frequent_customers": frequent[:self.rules.listed],
        }

    def high_values(self):
        rank = self.rules.percentile
        totals = sorted(record.total for record in self.valid)
        limit = totals[math.ceil(Fraction(rank) * len(totals) / 100) - 1] if totals else None
        high = [record for record in self.valid if record.total > limit or record.total > self.threshold]
        high.sort(key=lambda record: (-record.total, record.time, record.id, record.customer))
        return {
            "percentile": {"rank": Raw(rank), "value": self.money(limit), "method": "nearest rank"} if totals else None,
            "high_value": {
                "count": len(high),
                "above_percentile": sum(record.total > limit for record in high),
                "above_threshold": sum(record.total > self.threshold for record in high),
                "threshold": self.money(self.threshold),
            },
            "high_value_transactions": [{
                "transaction_id": record.id,
                "customer_id": record.customer,
                "timestamp": time_text(record.time),
                "total": self.money(record.total),
                "reason": f"Exceeds {ordinal(rank)} percentile" if record.total > limit else "Exceeds threshold",
                "above_threshold": record.total > self.threshold,
            } for record in high[:self.rules.listed]],
        }

    # What follows gives pairs: what a pattern is ranked by, and what the report says of it.

    def rapid(self):
        purchases = defaultdict(list)
        for record in self.valid:
            if record.total > self.threshold:
                purchases[record.customer].append((record.time, record.total))
        found = []
        for customer, made in purchases.items():
            made.sort()
            times = [moment for moment, _ in made]
            # Starting at the first of those that are at the same moment counts most, and max takes the earliest of the best.
            windows = (
                (bisect_right(times, start + self.rules.window * SECOND) - first, first)
                for first, start in enumerate(times))
            count, first = max(windows, key=lambda window: window[0])
            if count >= self.rules.window_count:
                inside = made[first:first + count]
                found.append(((-count, customer), {
                    "customer_id": customer,
                    "count": count,
                    "total": self.money(sum(total for _, total in inside)),
                    "from": time_text(inside[0][0]),
                    "to": time_text(inside[-1][0]),
                }))
        return found

    def duplicates(self):
        counts = defaultdict(int)
        for record in self.valid:
            counts[record.id] += 1
        return [
            ((-count, id), {"transaction_id": id, "count": count}) for id, count in counts.items() if count > 1]

    def quantities(self):
        return [
            ((-item.quantity, record.time, record.id, line, item.product), {
                "transaction_id": record.id, "product_id": item.product, "line": line, "quantity": plain(item.quantity)})
            for record in self.valid for line, item in enumerate(record.items)
            if item.quantity > amount(self.rules.high_quantity)]

    def lines(self):
        found = []
        for record in self.valid:
            for line, item in enumerate(record.items):
                expected = product(item.quantity, item.price) - item.discount
                off = abs(expected - item.subtotal)
                if off > self.tolerance:
                    found.append(((-off, record.time, record.id, line, expected, item.subtotal), {
                        "transaction_id": record.id, "line": line,
                        "expected": self.money(expected), "found": self.money(item.subtotal)}))
        return found

    def mismatches(self, expected_of, found_of):
        found = []
        for record in self.valid:
            expected, told = expected_of(record), found_of(record)
            off = abs(expected - told)
            if off > self.tolerance:
                found.append(((-off, record.time, record.id, expected, told), {
                    "transaction_id": record.id, "expected": self.money(expected), "found": self.money(told)}))
        return found

    def frequent(self):
        by_customer = defaultdict(list)
        for record in self.valid:
            by_customer[record.customer].append(record)
        ids = [id for id, records in by_customer.items() if len(records) > self.rules.frequent]
        return [{
            "customer_id": id,
            "name": self.report.names.get(id),
            "transaction_count": len(by_customer[id]),
            "total_spent": self.money(sum(record.total for record in by_customer[id])),
            "first": time_text(min(record.time for record in by_customer[id])),
            "last": time_text(max(record.time for record in by_customer[id])),
        } for id in sorted(ids, key=lambda id: (-len(by_customer[id]), id))]


@room()
def report(*inputs, rules=None):
    """The report over inputs, each a name and its bytes, with times blanked."""
    return blanked(Report([Batch(name, data) for name, data in inputs], rules).text())
