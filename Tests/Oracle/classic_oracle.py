"""The `classic/1` report in Python, written from its definition (docs/report-classic.md) with the standard library only.

It stands on what Python itself does with JSON, dates, floats, dictionaries and sorting, so it has to run under Python
3.11, whose behaviour the format is defined by: later versions say other things of the same mistakes, and add floats
more exactly.
"""

import io
import json
import sys
import threading
from datetime import datetime

REQUIRED = ("transaction_id timestamp customer line_items subtotal tax total payment_method status").split()
PRICE_LIMIT, QUANTITY_LIMIT, TOTAL_LIMIT = 10000.0, 100, 100000.0
HIGH_VALUE, HIGH_QUANTITY, FREQUENT = 5000.0, 20, 10


class Unreadable(Exception):
    """The input is not text."""


class Unwritable(Exception):
    """The report cannot be encoded."""


def complaints(row):
    """What is wrong with a transaction, in order; whatever else is raised ends the batch."""
    absent = [f"Missing required field: {name}" for name in REQUIRED if name not in row]
    if absent:
        return absent
    found = []
    customer = row.get("customer")
    for key, text in (("customer_id", "Missing customer_id"), ("email", "Missing customer email")):
        if not customer.get(key):
            found.append(text)
    items = row.get("line_items")
    if not items:
        found.append("No line items in transaction")
    for place, item in enumerate(items):
        if item.get("unit_price", 0) > PRICE_LIMIT:
            found.append(f"Line item {place}: unit_price exceeds maximum")
        quantity = item.get("quantity", 0)
        if quantity > QUANTITY_LIMIT:
            found.append(f"Line item {place}: quantity exceeds maximum")
        if quantity <= 0:
            found.append(f"Line item {place}: invalid quantity")
    total = row.get("total")
    if total > TOTAL_LIMIT:
        found.append(f"Total amount exceeds maximum: {total}")
    if total <= 0:
        found.append(f"Invalid total amount: {total}")
    stamp = row["timestamp"].replace("Z", "+00:00")
    try:
        datetime.fromisoformat(stamp)
    except ValueError:
        found.append("Invalid timestamp format")
    return found


class Analytics:
    """Sums over valid rows; a row that raises keeps what was counted of it before."""

    def __init__(self):
        self.rows = self.completed = 0
        self.sums = dict.fromkeys(("total", "tax", "shipping"), 0.0)
        self.statuses, self.payments, self.shippings = {}, {}, {}
        self.categories, self.customers, self.products = {}, {}, {}

    def add(self, row):
        try:
            self.count(row)
        except Exception:
            pass

    def count(self, row):
        self.rows += 1
        self.bump(self.statuses, row["status"])
        if row["status"] == "completed":
            self.sell(row)
        self.bump(self.payments, row["payment_method"])
        self.bump(self.shippings, row.get("shipping_method", "Unknown"))

    @staticmethod
    def bump(counts, key):
        counts[key] = counts.get(key, 0) + 1

    def sell(self, row):
        self.completed += 1
        self.sums["total"] += row["total"]
        self.sums["tax"] += row["tax"]
        self.sums["shipping"] += row.get("shipping_cost", 0)
        customer = self.customers.setdefault(row["customer"]["customer_id"], [0.0, 0])
        customer[0] += row["total"]
        customer[1] += 1
        for item in row["line_items"]:
            category = self.categories.setdefault(item.get("category", "Unknown"), [0.0])
            category[0] += item.get("subtotal", 0)
            product = self.products.setdefault(item.get("product_name", "Unknown"), [0.0, 0])
            product[0] += item.get("subtotal", 0)
            product[1] += item["quantity"]

    def report(self):
        def ranked(table, column):
            return sorted(table.items(), key=lambda entry: entry[1][column], reverse=True)

        def mean(name):
            return round(self.sums[name] / self.completed, 2) if self.completed else 0

        def total(name):
            return round(self.sums[name], 2)

        return {
            "summary": {
                "total_transactions": self.rows, "completed_transactions": self.completed,
                "total_revenue": total("total"), "total_tax": total("tax"), "total_shipping": total("shipping"),
                "average_order_value": mean("total"), "average_tax": mean("tax"), "average_shipping": mean("shipping"),
            },
            "status_breakdown": self.statuses,
            "revenue_by_category": {key: round(sums[0], 2) for key, sums in ranked(self.categories, 0)},
            "top_customers": [
                {"customer_id": key, "total_revenue": round(spent, 2), "order_count": orders}
                for key, (spent, orders) in ranked(self.customers, 0)[:10]],
            "top_products_by_revenue": [
                {"product": key, "revenue": round(revenue, 2), "quantity_sold": sold}
                for key, (revenue, sold) in ranked(self.products, 0)[:10]],
            "top_products_by_quantity": [
                {"product": key, "quantity_sold": sold, "revenue": round(revenue, 2)}
                for key, (revenue, sold) in ranked(self.products, 1)[:10]],
            "payment_methods": self.payments,
            "shipping_methods": self.shippings,
        }


class Anomalies:
    """What stands out; a row that raises keeps what was noted of it before."""

    def __init__(self):
        self.high, self.patterns, self.seen, self.spent = [], [], set(), {}

    def add(self, row):
        try:
            self.look(row)
        except TypeError:
            pass

    def look(self, row):
        identity, customer = row["transaction_id"], row["customer"]["customer_id"]
        if row["total"] > HIGH_VALUE:
            self.high.append({
                "transaction_id": identity, "total": row["total"], "timestamp": row["timestamp"],
                "customer_id": customer})
        if identity in self.seen:
            self.patterns.append({
                "type": "duplicate_transaction_id", "transaction_id": identity,
                "description": "Transaction ID appears multiple times"})
        self.seen.add(identity)
        self.spent.setdefault(customer, []).append(row["total"])
        for item in row["line_items"]:
            if item["quantity"] > HIGH_QUANTITY:
                self.patterns.append({
                    "type": "high_quantity", "transaction_id": identity, "product": item.get("product_name"),
                    "quantity": item["quantity"], "description": f"Unusually high quantity: {item['quantity']}"})

    def report(self):
        frequent = [
            {"customer_id": key, "transaction_count": len(totals), "total_spent": sum(totals)}
            for key, totals in self.spent.items() if len(totals) > FREQUENT]
        return {
            "high_value_transactions": {
                "count": len(self.high), "threshold": HIGH_VALUE, "transactions": self.high[:20]},
            "suspicious_patterns": {"count": len(self.patterns), "patterns": self.patterns[:20]},
            "frequent_customers": {"count": len(frequent), "customers": frequent},
        }


def examine(text):
    """The report on a text."""
    batch = json.loads(text)
    rows = batch.get("transactions", [])
    count = len(rows)
    valid, invalid = [], []
    for place, row in enumerate(rows):
        found = complaints(row)
        if found:
            invalid.append({
                "transaction_index": place, "transaction_id": row.get("transaction_id", "unknown"), "errors": found})
        else:
            valid.append(row)
    analytics, anomalies = Analytics(), Anomalies()
    for row in valid:
        analytics.add(row)
        anomalies.add(row)
    name = batch.get("batch_id", "unknown")
    return {
        "batch_id": name, "input_transaction_count": count, "processed_at": TIME, "processing_time_seconds": SECONDS,
        "validation": {
            "total_transactions": count, "valid_transactions": len(valid), "invalid_transactions": len(invalid),
            "validation_errors": invalid[:50]},
        "analytics": analytics.report(), "anomalies": anomalies.report(),
        "metadata": {
            "processor_version": "1.0.0", "input_batch_id": name,
            "original_generated_at": batch.get("generated_at", "unknown")},
    }


# Stand for what differs from run to run.
TIME, SECONDS = "TIME", 0.0

# How many more calls than in the program that is the measure of things lead to the JSON decoder and encoder below: there
# they are called from a function that the main program calls, or from one that that one calls.
MORE_CALLS = 3


def in_thread(work):
    """Calls `work` where Python allows as many nested calls as it would have left there."""
    result = []

    def begin():
        try:
            result.append(work())
        except Exception as error:
            result.append(error)

    limit, size = sys.getrecursionlimit(), threading.stack_size(64 << 20)
    sys.setrecursionlimit(1000 + MORE_CALLS)
    try:
        thread = threading.Thread(target=begin)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]


def report(data):
    """The report on the bytes `data`, with its times blanked, and whether it tells of a failure."""
    try:
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8").read()
    except UnicodeDecodeError as error:
        raise Unreadable(str(error)) from error
    failed = True
    try:
        made = in_thread(lambda: examine(text))
        failed = False
    except json.JSONDecodeError as error:
        made = {"error": "JSON parsing failed", "details": str(error), "processed_at": TIME}
    except Exception as error:
        made = {"error": "Processing failed", "details": str(error), "processed_at": TIME}
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding="utf-8")
    try:
        in_thread(lambda: json.dump(made, file, indent=2, ensure_ascii=False))
    except (UnicodeEncodeError, RecursionError) as error:
        raise Unwritable(str(error)) from error
    file.flush()
    return written.getvalue(), failed
