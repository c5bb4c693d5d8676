"""Made-up batches of sales for the oracle tests of `sales/1`: valid records of every kind, broken ones of every kind, and the
many ways to write the same JSON."""

import json
import re
from decimal import Context, Decimal, setcontext

from sales_input import Number, Object

setcontext(Context(prec=300))

NAMES = ["Ada", "ada", "Zoë", "Łukasz", "李雷", "🎁 Gift", 'quo"te', "back\\slash", "tab\there", "line\nfeed", "\u0001", "\x7f", "\x85",
         "\u2028", "é", "e\u0301", "\uffff", "\U0001f600", "x" * 60, "</script>", "null", "0", " ", "\ufeff", "a\u0000b"]
CATEGORIES = ["Electronics", "Office", "Ünïcode", "a/b", "Unknown", "", "🎁", '"', "electronics"]
METHODS = ["Credit Card", "PayPal", "Gutschein", "支付宝", "credit card", "\\", "A", "B"]
STATUSES = ["completed"] * 12 + ["pending", "cancelled", "Completed", "completed ", "ordered", "🎁"]
EMAILS = ["a@b.c", "ada@example.com", "ü@ü.ü", "a.b+c@d-e.f.g", "\"x\"@y.z", "a\u00a0b@c.d", "@".join(["x" * 70, "y.z"])]
TIMES = [
    "2025-01-15", "2025-01-15T00:00", "2025-01-15 00:00:00Z", "2025-01-15t00:00:00.000z", "2025-01-15T02:00:00+02:00",
    "2025-01-14T18:30-0530", "2025-01-15T05:00+05", "2000-01-01", "2000-01-01T00:00:00.000000999Z", "2024-02-29T23:59:59.999999999",
    "2024-12-31T23:30:00-01:00", "2025-01-01T00:30:00+01", "2025-01-31T23:59:59.5", "2025-02-01T00:00:00.1234567-00:00",
    "2020-06-30T12:34:56.789+23:59", "2021-03-28 01:02", "2000-01-01T23:59:00+23:59",
]
JUNK = [None, True, False, Number("0"), Number("-1"), Number("5"), Number("1.5"), Number("1e3"), Number("-0"), Number("1e12"),
        Number("-1e12"), Number("999999999999.9999999999999999999"), Number("1e-19"), Number("1e400"), Number("-1e-400"),
        Number("0e99999999999999999999"), Number("1e99999999999999999999"), Number("1e-99999999999999999999"), Number("9" * 60),
        Number("0." + "3" * 60), Number("-" + "7" * 300), Number("100.000000000000000001"), Number("10000.01"), Number("100000.01"),
        "", "x", "5", "NaN", "soon", "1999-12-31T23:59:59.999999Z", "2025-02-29", "2025-13-01", "2999-01-01", "a@b", "@b.c", "a@", "a@@b.c",
        "a@.b.c", "a@b.c.", "a b@c.d", "a@b\n.c", "\x7f@b.c", "EUR", "x" * 40, "x" * 41, "é" * 41, '"' * 41, "🎁" * 45, "\u0000",
        [], Object(), [[]], [None], [Number("1")], ["x"], [Object()], Object([("", None)]), Object([("customer_id", "x")]),
        [Object([("quantity", Number("1"))])], [Object([("product_id", "p"), ("quantity", "1")])]]
UNKNOWN_KEYS = ["country", "_is_synthetic_anomaly", "Total", "total ", "", "\u0000", "items", "🎁", "customer_id", "email", "x" * 80]


# ---------------------------------------------------------------------------------------------------- objects


def get(members, key):
    return next((value for name, value in members if name == key), None)


def put(members, key, value):
    """Sets a key, where it stands or at the end."""
    for place, (name, _) in enumerate(members):
        if name == key:
            members[place] = (key, value)
            return
    members.append((key, value))


def drop(members, key):
    members[:] = [(name, value) for name, value in members if name != key]


def copied(value):
    if isinstance(value, Object):
        return Object((key, copied(inner)) for key, inner in value)
    return [copied(inner) for inner in value] if isinstance(value, list) else value


def objects(value):
    """Every object in a value, itself first."""
    if isinstance(value, Object):
        yield value
        for _, inner in value:
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


# ---------------------------------------------------------------------------------------------------- numbers


def exact(value):
    """A decimal fraction as a plain literal."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def literal(rng, value):
    """A decimal fraction in one of the ways to write it."""
    plain = exact(value)
    pick = rng.random()
    if pick < 0.75:
        return Number(plain)
    if pick < 0.85:
        return Number(plain + "0" * rng.choice([1, 2, 30]) if "." in plain else plain + ".00")
    shift = rng.randint(-5, 5)
    moved = exact(value.scaleb(-shift))
    sign = rng.choice(["", "+"]) if shift >= 0 else ""
    return Number(f"{moved}{rng.choice('eE')}{sign}{shift}")


def cents(rng, low, high):
    return Decimal(rng.randint(low, high)).scaleb(-2)


WILD = [Decimal(number) for number in (
    "0.000000000000000001", "0.0000000000000000005", "0.0000000000000000015", "0.0000000000000000025", "0.005", "0.015", "0.025",
    "0.125", "0.375", "2.675", "1.005", "-0.005", "-0.001", "0.3333333333333333333333", "12345.678901234567890123", "0", "-0.01")]
HUGE = [Decimal(number) for number in (
    "999999999999.999999999999999999", "-999999999999.999999999999999999", "123456789012.345678", "-500000000000", "1e11")]


# ---------------------------------------------------------------------------------------------------- valid records


class World:
    """What the records of a batch have in common: few customers and products, so that they meet, and favourite values, so that
    rankings tie."""

    def __init__(self, rng, customers=None, products=None, wild=None):
        self.rng = rng
        self.wild = rng.choice([0, 0, 0.02, 0.3]) if wild is None else wild
        self.customers = [self.make_id("C", number) for number in range(customers or rng.choice([1, 3, 12, 150]))]
        self.products = [self.make_id("P", number) for number in range(products or rng.choice([1, 4, 15, 160]))]
        self.favourites = [cents(rng, 1, 20_000) for _ in range(6)]
        self.high = rng.choice([0, 0.02, 0.3])
        self.mismatch = rng.choice([0, 0.05, 0.5])
        self.repeats = rng.choice([0, 0.05, 0.3])
        self.days = rng.choice([1, 40, 800])
        self.ids = []

    def make_id(self, letter, number):
        rng = self.rng
        pick = rng.random()
        if pick < 0.5:
            return f"{letter}-{number:04}"
        if pick < 0.7:
            return rng.choice([str(number), str(-number - 1), "17", "9" * 30 + str(number), "00" + str(number)])
        return rng.choice(NAMES) + (str(number) if rng.random() < 0.7 else "")

    def id(self, text):
        """An id: as a whole number when it may be one."""
        if re.fullmatch(r"-?(0|[1-9]\d*)", text, re.ASCII) and self.rng.random() < 0.5:
            return Number(text)
        return text

    def time(self):
        rng = self.rng
        if rng.random() < 0.15:
            return rng.choice(TIMES)
        day = rng.randrange(self.days)
        year, month, date = 2021 + day // 360, day % 360 // 30 + 1, day % 28 + 1
        second = rng.choice([0, 1, 30, 59, rng.randrange(60)])
        clock = f"{rng.choice([0, 9, 12, 23, rng.randrange(24)]):02}:{rng.choice([0, 30, 59, rng.randrange(60)]):02}"
        fraction = rng.choice(["", "", "", ".5", ".000001", ".123456", ".1234569", ".000000"])
        zone = rng.choice(["Z", "Z", "Z", "", "z", "+00:00", "+01:00", "-0800", "+05:30", "-11"])
        form = rng.choice(["short", "long", "long"])
        if form == "short" and not fraction:
            return f"{year}-{month:02}-{date:02}{rng.choice('T t')}{clock}{zone}"
        return f"{year}-{month:02}-{date:02}{rng.choice('T t')}{clock}:{second:02}{fraction}{zone}"

    def item(self):
        rng = self.rng
        product = rng.choice(self.products)
        item = Object()
        pick = rng.random()
        if pick < 0.85:
            item.append(("product_id", self.id(product)))
        elif pick < 0.9:
            item.append(("product_id", rng.choice([None, ""])))
        names = [f"Name of {product}", rng.choice(NAMES), f"name {rng.randrange(3)}"]
        if get(item, "product_id") in (None, ""):
            item.append(("product_name", rng.choice(names)))
        elif rng.random() < 0.85:
            item.append(("product_name", rng.choice([*names, None, ""])))
        if rng.random() < 0.9:
            item.append(("category", rng.choice([*CATEGORIES, None])))
        quantity = Decimal(rng.choice([1, 1, 1, 2, 3, 5, 20, 21, 99, 100]) if rng.random() < 0.97 else rng.choice(["0.5", "20.000001", "2.125"]))
        price = rng.choice(self.favourites) if rng.random() < 0.3 else cents(rng, 0, 30_000)
        discount = Decimal(0) if rng.random() < 0.7 else cents(rng, -100, 900)
        if rng.random() < self.wild:
            quantity = rng.choice([w for w in WILD if w >= Decimal("1e-18")] + [Decimal(100)])
            if quantity > 100:
                quantity = Decimal("99.999999999999999999")
            price = rng.choice(WILD + [Decimal(-10**11), Decimal("-999999999999.999999999999999999"), Decimal(10000)])
            price = min(price, Decimal(10000))
            discount = rng.choice(WILD + HUGE)
        subtotal = quantity * price - discount
        if abs(subtotal) >= 10**12 - 1 or len(exact(subtotal)) > 60 or rng.random() < self.mismatch / 4:
            subtotal = rng.choice(WILD + HUGE) if rng.random() < self.wild else self.off(min(max(subtotal, -10**9), 10**9))
        item.append(("quantity", literal(rng, quantity)))
        item.append(("unit_price", literal(rng, price)))
        if discount or rng.random() < 0.8:
            item.append(("discount", literal(rng, discount)))
        item.append(("subtotal", literal(rng, subtotal)))
        return item, subtotal

    def off(self, value):
        """A value that is off by little, or by much."""
        by = self.rng.choice(["0.01", "-0.01", "0.010000000000000001", "0.02", "-0.02", "1", "0.009999999999999999", "50"])
        return Decimal(value) + Decimal(by)

    def record(self):
        """A valid record."""
        rng = self.rng
        id = rng.choice(self.ids) if self.ids and rng.random() < self.repeats else self.make_id("T", len(self.ids))
        self.ids.append(id)
        lines = [self.item() for _ in range(rng.choice([1, 1, 2, 3, 5]))]
        subtotal = sum(amount for _, amount in lines)
        if abs(subtotal) >= 10**12 - 1 or rng.random() < self.mismatch:
            subtotal = self.off(min(max(subtotal, -10**9), 10**9))
        tax = rng.choice([cents(rng, -500, 5000), Decimal(0), Decimal(round(subtotal * 8)).scaleb(-2)]) if abs(subtotal) < 10**9 else Decimal(0)
        shipping = rng.choice([Decimal(0), Decimal("5.99"), Decimal("12.99"), Decimal("0.001")])
        if rng.random() < self.wild:
            tax, shipping = rng.choice(WILD + HUGE), rng.choice(WILD + HUGE)
        total = subtotal + tax + shipping
        if rng.random() < self.high:
            total = rng.choice([Decimal(5000), Decimal("5000.01"), Decimal(6000), Decimal(100000), cents(rng, 400_000, 900_000)])
        elif rng.random() < self.mismatch:
            total = self.off(total)
        elif rng.random() < 0.2:
            total = rng.choice(self.favourites)
        if not Decimal("1e-18") <= total <= 100_000:
            total = rng.choice([*self.favourites, Decimal("0.000000000000000001"), Decimal(100_000)])
        customer = self.rng.choice(self.customers[:3] if rng.random() < 0.3 else self.customers)
        person = Object([("customer_id", self.id(customer)), ("email", rng.choice(EMAILS))])
        if rng.random() < 0.85:
            person.append(("name", rng.choice([f"Name of {customer}", "The Same Name", rng.choice(NAMES), None, ""])))
        record = Object([
            ("transaction_id", self.id(id)), ("timestamp", self.time()), ("customer", person),
            ("line_items", [item for item, _ in lines]), ("subtotal", literal(rng, subtotal)), ("tax", literal(rng, tax)),
            ("total", literal(rng, total)), ("payment_method", rng.choice(METHODS)), ("status", rng.choice(STATUSES))])
        if shipping or rng.random() < 0.5:
            record.append((rng.choice(["shipping", "shipping_cost"]), literal(rng, shipping)))
            if rng.random() < 0.2:
                other = "shipping" if get(record, "shipping_cost") else "shipping_cost"
                record.append((other, rng.choice([None, literal(rng, shipping)])))
        if rng.random() < 0.8:
            record.append(("shipping_method", rng.choice([*METHODS, "Standard", None, "", "Unknown"])))
        if rng.random() < 0.2:
            record.append(("currency", rng.choice(["USD", None, ""])))
        for members in [record, person, *(item for item, _ in lines)]:
            if rng.random() < 0.15:
                key = rng.choice(UNKNOWN_KEYS)
                if get(members, key) is None and not (members is person and key in ("customer_id", "email")):
                    for _ in range(rng.choice([1, 1, 2])):
                        members.append((key, copied(rng.choice(JUNK))))
        return record


# ---------------------------------------------------------------------------------------------------- broken records


def spoil(rng, record):
    """Breaks a record in a random way, which may turn out to be none; it stays JSON."""
    record = copied(record)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 12])):
        members = rng.choice(list(objects(record)) or [record])
        pick = rng.random()
        keys = [key for key, _ in members]
        if not keys:
            continue
        key = rng.choice(keys)
        if pick < 0.65:
            put(members, key, copied(rng.choice(JUNK)))
        elif pick < 0.8:
            drop(members, key)
        elif pick < 0.88:
            members.append((key, copied(get(members, key))))
        elif pick < 0.94:
            members.append((rng.choice(["shipping", "shipping_cost", "currency", "discount", "name"]), copied(rng.choice(JUNK))))
        else:
            put(members, key, [copied(rng.choice(JUNK)) for _ in range(rng.choice([0, 1, 2, 12]))])
    return record


def no_record(rng):
    return copied(rng.choice(JUNK))


# What makes a text no JSON. Quotes and brackets are balanced in the result whenever they are in what comes in.
MALFORMED_VALUES = [
    "NaN", "Infinity", "-Infinity", "nul", "nulls", "True", "undefined", "bare", "'single'", "012", "-", "+1", ".5", "1.", "1e", "1e+", "0x1F",
    "1_000", "--1", "1.2.3", "١", '"\\q"', '"\\u12"', '"\\u12G4"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d x"', '"\x01"', '"\t"', '"\x00"', "[1,]",
    "[,1]", "[1 2]", "{,}", '{"a"}', '{"a":}', '{"a" 1}', "{a: 1}", '{1: 2}', '{"a":1,}', '{"a":1 "b":2}', "[1}", '{"a":1]', '{"a":[1}]', "/* x */ 1",
    "\\x", "\u00a01", "\ufeff1", "", '"a" "b"', "[" * 1024 + "]" * 1024, "\x0c1", "1\x00",
]


def malformed(rng, text):
    """A record's text that is no JSON any more; text is an object."""
    pick = rng.random()
    value = rng.choice(MALFORMED_VALUES)
    if pick < 0.3:
        return value if value.strip() or rng.random() < 0.3 else "bare"
    if pick < 0.7:
        return text.replace("{", '{"x": ' + value + ("," if len(text) > 2 else ""), 1)
    end = text.rindex("}")
    if pick < 0.85:
        return text[:end] + ', "x": ' + value + text[end:]
    return rng.choice([text + text, text + " 1", "1 " + text, text[:end] + "," + text[end:], text[:end] + "]", "[" + text[1:], text + "x", "," + text])


# ---------------------------------------------------------------------------------------------------- writing


UNSAFE = re.compile(r'["\\\x00-\x1f]')


class Style:
    """A way to write JSON."""

    def __init__(self, rng, lines=False):
        self.rng = rng
        self.lines = lines  # no line feeds within a value
        self.layout = rng.choice(["compact", "spaced", "odd"] if lines else ["compact", "spaced", "odd", "pretty", "pretty"])
        self.newline = rng.choice(["\n", "\r\n"])
        self.escape = rng.choice([0, 0, 0, 0.02, 0.5])
        self.shuffle = rng.random() < 0.6

    def blank(self):
        if self.layout != "odd":
            return ""
        return "".join(self.rng.choice(" \t\r" if self.lines else " \t\r\n") for _ in range(self.rng.choice([0, 0, 1, 2, 7])))

    def string(self, text):
        if not self.escape and not UNSAFE.search(text):
            return f'"{text}"'
        parts = []
        for c in text:
            if c in '"\\' or c < " " or self.rng.random() < self.escape:
                parts.append(self.escaped(c))
            else:
                parts.append(c)
        return '"' + "".join(parts) + '"'

    def escaped(self, c):
        short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
        if c in short and self.rng.random() < 0.7:
            return short[c]
        hexed = json.dumps(c)[1:-1] if ord(c) > 0xffff else f"\\u{ord(c):04x}"
        return re.sub(r"(?<=\\u)....", lambda found: found[0].upper(), hexed) if self.rng.random() < 0.5 else hexed

    def write(self, value, indent=""):
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Number):
            return value
        if isinstance(value, str):
            return self.string(value)
        inner = indent + "  "
        if isinstance(value, Object):
            members = list(value)
            if self.shuffle:
                self.rng.shuffle(members)
            colon = self.blank() + ":" + (" " if self.layout in ("spaced", "pretty") else self.blank())
            parts, ends = [self.string(key) + colon + self.write(part, inner) for key, part in members], "{}"
        else:
            parts, ends = [self.write(part, inner) for part in value], "[]"
        return self.join(parts, ends, indent)

    def join(self, parts, ends, indent=""):
        if self.layout == "pretty" and parts:
            line = self.newline + indent
            return ends[0] + ",".join(line + "  " + part for part in parts) + line + ends[1]
        comma = ", " if self.layout == "spaced" else ","
        text = ends[0]
        for number, part in enumerate(parts):
            text += (comma if number else "") + self.blank() + part + self.blank()
        return text + (self.blank() if not parts else "") + ends[1]


def element(rng, world, style, broken):
    """The text of an element: a valid record, or by that chance a broken one."""
    record = world.record()
    if rng.random() >= broken:
        return style.write(record, "    ")
    pick = rng.random()
    if pick < 0.75:
        return style.write(spoil(rng, record), "    ")
    if pick < 0.85:
        return style.write(no_record(rng))
    text = malformed(rng, style.write(record if pick < 0.95 else Object()))
    return text.replace("\n", " ") if style.lines else text


def texts(rng, count, style, broken=0.0, world=None):
    """The texts of so many elements."""
    world = world or World(rng)
    return [element(rng, world, style, broken) for _ in range(count)]


BATCH_IDS = ["batch", "", "ünï 🎁", 'quo"te\n', Number("17"), Number("1e5"), Number("-0.0"), Number("9" * 50), None, True, [], Object()]


def document(rng, parts, style, batch_id=...):
    """A batch document around the texts of elements."""
    array = style.join(parts, "[]", "  ")
    if rng.random() < 0.1 and batch_id is ...:
        return (style.blank() + array + style.blank()).encode()
    before, after = [], []
    for _ in range(rng.choice([0, 0, 1, 3])):
        key = rng.choice(["generated_at", "transaction_count", "date_range", "Transactions", "x", "line_items", "🎁"])
        rng.choice([before, after]).append((key, style.write(copied(rng.choice(JUNK)), "  ")))
    if batch_id is ...:
        batch_id = rng.choice(BATCH_IDS)
    if rng.random() < 0.9:
        rng.choice([before, before, after]).append(("batch_id", style.write(batch_id, "  ")))
    members = [*before, ("transactions", array), *after]
    text = style.join([style.string(key) + style.blank() + ":" + style.blank() + value for key, value in members], "{}")
    mark = "\ufeff" if rng.random() < 0.05 else ""
    return (mark + style.blank() + text + style.blank() + rng.choice(["", style.newline])).encode()


def lines(rng, parts, style):
    """NDJSON of the texts of elements."""
    text = ""
    for part in parts:
        text += part + style.newline
        if rng.random() < 0.02:
            text += rng.choice(["", " ", "\t"]) + style.newline
    return (text if rng.random() < 0.8 else text.removesuffix(style.newline)).encode()


def cut(rng, parts, count):
    """Splits a list into so many lists, of any length."""
    places = sorted(rng.randint(0, len(parts)) for _ in range(count - 1))
    return [parts[start:end] for start, end in zip([0, *places], [*places, len(parts)])]
