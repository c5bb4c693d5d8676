"""The oracle of `sales/1` judges a record: what it says, or every reason why it is rejected. Written from docs/report.md."""

import datetime
import re
from dataclasses import dataclass, field

from sales_input import Malformed, Number, Object

ONE = 10**18  # Amounts are whole numbers of 10⁻¹⁸.
LIMIT = 10**12 * ONE
SECOND = 1_000_000
DAY = 86_400 * SECOND
MISSING = object()
MOST_REASONS = 10
MOST_TOLD = 40

RECORD_KEYS = {
    "transaction_id", "timestamp", "customer", "line_items", "subtotal", "tax", "shipping_cost", "shipping", "total",
    "payment_method", "shipping_method", "status", "currency",
}
CUSTOMER_KEYS = {"customer_id", "name", "email"}
ITEM_KEYS = {"product_id", "product_name", "category", "quantity", "unit_price", "discount", "subtotal"}


@dataclass
class Rules:
    """What counts as valid, as revenue and as odd."""

    max_unit_price: str = "10000"
    max_quantity: str = "100"
    max_total: str = "100000"
    not_before: int = 946_684_800 * SECOND
    not_after: int = None  # a day after processing
    currency: str = "USD"
    revenue_statuses: tuple = ("completed",)
    decimals: int = 2
    anomaly_threshold: str = "5000"
    percentile: str = "95"
    high_quantity: str = "20"
    frequent: int = 10
    window: int = 3600
    window_count: int = 2
    tolerance: str = "0.01"
    tax_rate: str = None
    errors: int = 50
    top: int = 10
    listed: int = 20
    details: int = 100


@dataclass
class Item:
    """A line of a record."""

    product: str
    name: str
    category: str
    quantity: int
    price: int
    discount: int
    subtotal: int


@dataclass
class Record:
    """A valid record. Amounts in 10⁻¹⁸, times in microseconds since 1970."""

    id: str = None
    time: int = None
    customer: str = None
    name: str = None
    items: list = field(default_factory=list)
    subtotal: int = None
    tax: int = None
    shipping: int = None
    total: int = None
    payment: str = None
    method: str = None
    status: str = None


# ---------------------------------------------------------------------------------------------------- values


def amount(literal):
    """A number's literal in 10⁻¹⁸, rounded half to even; beyond LIMIT or -LIMIT when it is too large."""
    sign, whole, fraction, exponent = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?", literal).groups("")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return 0
    shift = int(exponent or "0") - len(fraction) + 18
    if len(digits) + shift > 30:
        return -LIMIT - 1 if sign else LIMIT + 1
    if shift >= 0:
        size = int(digits) * 10**shift
    elif -shift > len(digits) + 1:
        size = 0
    else:
        size, rest = divmod(int(digits), 10**-shift)
        half = 10**-shift // 2
        size += rest > half or rest == half and size % 2
    return -size if sign else size


TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?([Zz]|([+-])(\d\d)(?::?(\d\d))?)?)?", re.ASCII)


def moment(text):
    """Microseconds since 1970, or None."""
    found = TIME.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, off_hours, off_minutes = found.groups("0")
    try:
        days = datetime.date(int(year), int(month), int(day)).toordinal() - datetime.date(1970, 1, 1).toordinal()
    except ValueError:
        return None
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59 or int(off_hours) > 23 or int(off_minutes) > 59:
        return None
    offset = (int(off_hours) * 60 + int(off_minutes)) * (-1 if sign == "-" else 1)
    seconds = days * 86_400 + (int(hour) * 60 + int(minute) - offset) * 60 + int(second)
    if not -62_135_596_800 <= seconds < 253_402_300_800:
        return None
    return seconds * SECOND + int((fraction + "000000")[:6])


def time_text(micros):
    """A time as reports have it."""
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{at.microsecond:06}" if at.microsecond else "") + "Z"


def quoted(text):
    """A text as JSON."""
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + re.sub(r'["\\\x00-\x1f\x7f-\x9f]', lambda c: short.get(c[0]) or f"\\u{ord(c[0]):04x}", text) + '"'


def told(value):
    """A value as a reason tells it."""
    cut = value if len(value) <= MOST_TOLD else value[:MOST_TOLD] + "…"
    return cut if isinstance(value, Number) else quoted(cut)


def kind(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, Object):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return "a number" if isinstance(value, Number) else "a string"


def is_text(value):
    return isinstance(value, str) and not isinstance(value, Number)


def is_email(text):
    before, at, behind = text.partition("@")
    return bool(
        before and at and "@" not in behind and "." in behind and behind[0] != "." and behind[-1] != "." and
        not re.search(r"[\x00-\x20\x7f]", text))


# ---------------------------------------------------------------------------------------------------- judging


class Judge:
    """Looks at one record."""

    def __init__(self, rules, now):
        self.rules = rules
        self.not_after = now + DAY if rules.not_after is None else rules.not_after
        self.reasons = []

    def broken(self, path, reason):
        self.reasons.append(f"{path}: {reason}")

    def field(self, members, path, key, wanted, required, fits):
        """The value of a key, or None when it is absent or broken."""
        value = members.get(key, MISSING)
        path += key
        if value is MISSING:
            return self.broken(path, "is missing") if required else None
        if value is None and not required:
            return None
        if not fits(value):
            return self.broken(path, f"is {kind(value)}, not {wanted}")
        if required and value in ("", []) and not isinstance(value, Object):
            return self.broken(path, "is empty")
        return None if value == "" else value

    def text(self, members, path, key, required=True):
        return self.field(members, path, key, "a string", required, is_text)

    def id(self, members, path, key, required=True):
        value = self.field(members, path, key, "an id", required, lambda value: isinstance(value, str))
        if isinstance(value, Number):
            if not re.fullmatch(r"-?\d+", value):
                return self.broken(path + key, f"{told(value)} is not a whole number")
            return str(value)
        return value

    def number(self, members, path, key, required=True, positive=False, maximum=None):
        value = self.field(members, path, key, "a number", required, lambda value: isinstance(value, Number))
        if value is None:
            return None
        size = amount(value)
        if abs(size) > LIMIT:
            return self.broken(path + key, f"{told(value)} is too large")
        if positive and size <= 0:
            return self.broken(path + key, f"{told(value)} is not above 0")
        if maximum is not None and size > amount(maximum):
            return self.broken(path + key, f"{told(value)} is above {maximum}")
        return size

    def time(self, members):
        value = self.text(members, "", "timestamp")
        if value is None:
            return None
        time = moment(value)
        if time is None:
            return self.broken("timestamp", f"{told(value)} is not a time")
        if time < self.rules.not_before:
            return self.broken("timestamp", f"{told(value)} is before {time_text(self.rules.not_before)}")
        if time > self.not_after:
            return self.broken("timestamp", f"{told(value)} is after {time_text(self.not_after)}")
        return time

    def email(self, members):
        value = self.text(members, "customer.", "email")
        if value is not None and not is_email(value):
            self.broken("customer.email", f"{told(value)} is not an e-mail address")

    def shipping(self, members):
        before = len(self.reasons)
        first = self.number(members, "", "shipping_cost", required=False)
        if len(self.reasons) > before:
            return None
        second = self.number(members, "", "shipping", required=False)
        if first is not None and second is not None and first != second:
            one, other = told(members["shipping"]), told(members["shipping_cost"])
            return self.broken("shipping", f"{one} differs from shipping_cost, which is {other}")
        return first if first is not None else second if second is not None else 0

    def item(self, value, path):
        if not isinstance(value, Object):
            return self.broken(path, f"is {kind(value)}, not an object")
        members = dict(value)
        path += "."
        before = len(self.reasons)
        product = self.id(members, path, "product_id", required=False)
        if product is None and len(self.reasons) == before and members.get("product_name") in (None, ""):
            self.broken(path + "product_id", "is missing, and so is product_name")
        name = self.text(members, path, "product_name", required=False)
        return Item(
            product=name if product is None else product,
            name=name,
            category=self.text(members, path, "category", required=False) or "Unknown",
            quantity=self.number(members, path, "quantity", positive=True, maximum=self.rules.max_quantity),
            price=self.number(members, path, "unit_price", maximum=self.rules.max_unit_price),
            discount=self.number(members, path, "discount", required=False) or 0,
            subtotal=self.number(members, path, "subtotal"))

    def record(self, value):
        """What a record says, which is of use only without reasons."""
        members = dict(value)
        found = Record()
        found.id = self.id(members, "", "transaction_id")
        found.time = self.time(members)
        customer = self.field(members, "", "customer", "an object", True, lambda value: isinstance(value, Object))
        if customer is not None:
            customer = dict(customer)
            found.customer = self.id(customer, "customer.", "customer_id")
            found.name = self.text(customer, "customer.", "name", required=False)
            self.email(customer)
        items = self.field(
            members, "", "line_items", "an array", True,
            lambda value: isinstance(value, list) and not isinstance(value, Object))
        found.items = [self.item(item, f"line_items[{number}]") for number, item in enumerate(items or [])]
        found.subtotal = self.number(members, "", "subtotal")
        found.tax = self.number(members, "", "tax")
        found.shipping = self.shipping(members)
        found.total = self.number(members, "", "total", positive=True, maximum=self.rules.max_total)
        found.payment = self.text(members, "", "payment_method")
        found.method = self.text(members, "", "shipping_method", required=False) or "Unknown"
        found.status = self.text(members, "", "status")
        currency = self.text(members, "", "currency", required=False)
        if currency is not None and currency != self.rules.currency:
            self.broken("currency", f"{told(currency)} is not {quoted(self.rules.currency)}")
        return found


def twice(members, keys, path=""):
    """The path of the first key that is there for the second time."""
    seen = set()
    for key, value in members:
        if key in keys and key in seen:
            return path + key
        seen.add(key)
        inner = None
        if path == "" and key == "customer" and isinstance(value, Object):
            inner = twice(value, CUSTOMER_KEYS, "customer.")
        elif path == "" and key == "line_items" and isinstance(value, list) and not isinstance(value, Object):
            parts = (twice(item, ITEM_KEYS, f"line_items[{number}].")
                     for number, item in enumerate(value) if isinstance(item, Object))
            inner = next((part for part in parts if part), None)
        if inner:
            return inner
    return None


def judge(value, rules, now):
    """The record, or None; its id, or None; its reasons."""
    if isinstance(value, Malformed):
        return None, None, ["record: is not valid JSON: …"]
    if not isinstance(value, Object):
        return None, None, [f"record: is {kind(value)}, not an object"]
    judge = Judge(rules, now)
    path = twice(value, RECORD_KEYS)
    if path:
        ids = [inner for key, inner in value if key == "transaction_id"]
        id = Judge(rules, now).id({"transaction_id": ids[0]}, "", "transaction_id") if len(ids) == 1 else None
        return None, id, [f"{path}: is there twice"]
    record = judge.record(value)
    reasons = judge.reasons
    if len(reasons) > MOST_REASONS:
        reasons = reasons[:MOST_REASONS] + [f"and {len(reasons) - MOST_REASONS} more"]
    return None if reasons else record, record.id, reasons
