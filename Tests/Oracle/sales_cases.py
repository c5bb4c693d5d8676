"""Records whose reasons, and values whose meaning, were worked out by hand from docs/report.md."""

import copy

# JSON text by place.
BASE = {
    "transaction_id": '"T1"',
    "timestamp": '"2025-01-15T14:23:45Z"',
    "customer": {"customer_id": '"C1"', "name": '"Ada"', "email": '"ada@example.com"'},
    "line_items": [{
        "product_id": '"P1"', "product_name": '"Cup"', "category": '"Kitchen"', "quantity": "2", "unit_price": "10.50",
        "discount": "1.00", "subtotal": "20.00"}],
    "subtotal": "20.00",
    "tax": "1.60",
    "shipping_cost": "5.00",
    "total": "26.60",
    "payment_method": '"Cash"',
    "shipping_method": '"Standard"',
    "status": '"completed"',
}


def text(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {text(inner)}' for key, inner in value.items()) + "}"
    return "[" + ", ".join(text(inner) for inner in value) + "]" if isinstance(value, list) else value


def made(changes=(), **more):
    """The base record with other JSON texts at places such as `customer.email` or `line_items.0.quantity`; None takes one away."""
    record = copy.deepcopy(BASE)
    for path, value in {**dict(changes), **more}.items():
        *way, last = path.split(".")
        inner = record
        for step in way:
            inner = inner[int(step) if isinstance(inner, list) else step]
        if value is None:
            del inner[last]
        else:
            inner[int(last) if isinstance(inner, list) else last] = value
    return text(record)


def item(**changes):
    return text({**BASE["line_items"][0], **changes})


LONG = "x" * 41
REQUIRED = ["transaction_id", "timestamp", "customer", "line_items", "subtotal", "tax", "total", "payment_method", "status"]
KIND = {
    "transaction_id": "an id", "timestamp": "a string", "customer": "an object", "customer.customer_id": "an id", "customer.name": "a string",
    "customer.email": "a string", "line_items": "an array", "line_items.0": "an object", "line_items.0.product_id": "an id",
    "line_items.0.product_name": "a string", "line_items.0.category": "a string", "line_items.0.quantity": "a number",
    "line_items.0.unit_price": "a number", "line_items.0.discount": "a number", "line_items.0.subtotal": "a number", "subtotal": "a number",
    "tax": "a number", "shipping_cost": "a number", "shipping": "a number", "total": "a number", "payment_method": "a string",
    "shipping_method": "a string", "status": "a string", "currency": "a string",
}
OPTIONAL = {
    "customer.name", "line_items.0.product_id", "line_items.0.product_name", "line_items.0.category", "line_items.0.discount", "shipping_cost",
    "shipping", "shipping_method", "currency",
}
VALUES = {
    "null": "null", "a string": '"text"', "a number": "1", "a boolean": "true", "an object": '{"a": 1}', "an array": "[1]",
}


def told(path):
    return path.replace(".0", "[0]")


def every_kind():
    """Every field with a value of every kind that it may not be, and what is said of it."""
    for path, wanted in KIND.items():
        for kind, value in VALUES.items():
            fits = kind == wanted or wanted == "an id" and kind in ("a string", "a number")
            if fits or kind == "null" and path in OPTIONAL:
                continue
            yield made({path: value}), [f"{told(path)}: is {kind}, not {wanted}"]


def every_missing():
    for path in KIND:
        if path not in OPTIONAL and path != "line_items.0":
            yield made({path: None}), [f"{told(path)}: is missing"]


def every_twice():
    for key in (*REQUIRED, "shipping_cost", "shipping_method"):
        value = text(BASE[key])
        yield made()[:-1] + f', "{key}": {value}}}', [f"{key}: is there twice"]
    yield made()[:-1] + ', "shipping": 5, "shipping": 5}', ["shipping: is there twice"]
    yield made()[:-1] + ', "currency": null, "currency": null}', ["currency: is there twice"]
    for key in BASE["customer"]:
        yield made().replace('"customer": {', f'"customer": {{"{key}": 1, '), [f"customer.{key}: is there twice"]
    for key in BASE["line_items"][0]:
        yield made().replace('"line_items": [{', f'"line_items": [{{}}, {{"{key}": 1, '), [f"line_items[1].{key}: is there twice"]


# What is broken, and the reasons: by the name of a row of the page's table, or of what the replaced processor broke at.
REASONS = {
    "a number where a record should be": ("17", ["record: is a number, not an object"]),
    "a string where a record should be": ('"x"', ["record: is a string, not an object"]),
    "null where a record should be": ("null", ["record: is null, not an object"]),
    "true where a record should be": ("true", ["record: is a boolean, not an object"]),
    "an array where a record should be": (f"[{made()}]", ["record: is an array, not an object"]),
    "an object without anything": ("{}", [f"{key}: is missing" for key in REQUIRED]),
    "empty id": (made(transaction_id='""'), ["transaction_id: is empty"]),
    "empty customer id": (made({"customer.customer_id": '""'}), ["customer.customer_id: is empty"]),
    "empty time": (made(timestamp='""'), ["timestamp: is empty"]),
    "empty e-mail": (made({"customer.email": '""'}), ["customer.email: is empty"]),
    "empty payment method": (made(payment_method='""'), ["payment_method: is empty"]),
    "empty status": (made(status='""'), ["status: is empty"]),
    "no items": (made(line_items="[]"), ["line_items: is empty"]),
    "customer without anything": (
        made(customer="{}"), ["customer.customer_id: is missing", "customer.email: is missing"]),
    "item without anything": (made(line_items="[{}]"), [
        "line_items[0].product_id: is missing, and so is product_name", "line_items[0].quantity: is missing",
        "line_items[0].unit_price: is missing", "line_items[0].subtotal: is missing"]),
    "item that is known by nothing": (
        made({"line_items.0.product_id": None, "line_items.0.product_name": '""'}),
        ["line_items[0].product_id: is missing, and so is product_name"]),
    "item that is known by a broken name": (
        made({"line_items.0.product_id": "null", "line_items.0.product_name": "5"}),
        ["line_items[0].product_name: is a number, not a string"]),
    "item with a broken id and no name": (
        made({"line_items.0.product_id": "1.5", "line_items.0.product_name": None}), ["line_items[0].product_id: 1.5 is not a whole number"]),
    "too large": (made(total="1e12"), ["total: 1e12 is too large"]),
    "too large below zero": (made(tax="-1000000000000.0"), ["tax: -1000000000000.0 is too large"]),
    "beyond any float": (made(total="1e400"), ["total: 1e400 is too large"]),
    "beyond any exponent": (
        made({"line_items.0.unit_price": "-1e99999999999999999999"}), ["line_items[0].unit_price: -1e99999999999999999999 is too large"]),
    "a long number": (made(tax="1" * 41), ["tax: " + "1" * 40 + "… is too large"]),
    "not so long a number": (made(tax="1" * 40), ["tax: " + "1" * 40 + " is too large"]),
    "an id with a point": (made(transaction_id="1.0"), ["transaction_id: 1.0 is not a whole number"]),
    "an id with an exponent": (made({"customer.customer_id": "1e3"}), ["customer.customer_id: 1e3 is not a whole number"]),
    "no time": (made(timestamp='"soon"'), ['timestamp: "soon" is not a time']),
    "a long time": (made(timestamp=f'"{LONG}"'), [f'timestamp: "{LONG[:40]}…" is not a time']),
    "not so long a time": (made(timestamp=f'"{LONG[:40]}"'), [f'timestamp: "{LONG[:40]}" is not a time']),
    "a time with what JSON escapes": (
        made(timestamp='"\\u0001\\"\\\\\\n\\t\\r\\u007f\\u00e9\\b\\/\\ud83c\\udf81"'),
        ['timestamp: "\\u0001\\"\\\\\\n\\t\\r\\u007fé\\u0008/🎁" is not a time']),
    "a long time of many bytes": (made(timestamp='"' + "🎁" * 41 + '"'), ['timestamp: "' + "🎁" * 40 + '…" is not a time']),
    "before 2000": (
        made(timestamp='"1999-12-31T23:59:59.999999Z"'), ['timestamp: "1999-12-31T23:59:59.999999Z" is before 2000-01-01T00:00:00Z']),
    "before 2000 by its offset": (
        made(timestamp='"2000-01-01T00:59+01:00"'), ['timestamp: "2000-01-01T00:59+01:00" is before 2000-01-01T00:00:00Z']),
    "before the first year": (
        made(timestamp='"0001-01-01T00:00+00:01"'), ['timestamp: "0001-01-01T00:00+00:01" is not a time']),
    "in the first year": (made(timestamp='"0001-01-01"'), ['timestamp: "0001-01-01" is before 2000-01-01T00:00:00Z']),
    "to come": (made(timestamp='"2999-01-01"'), ['timestamp: "2999-01-01" is after …']),
    "in the last year": (made(timestamp='"9999-12-31T23:59:59.999999"'), ['timestamp: "9999-12-31T23:59:59.999999" is after …']),
    "behind the last year": (
        made(timestamp='"9999-12-31T23:59:59-00:01"'), ['timestamp: "9999-12-31T23:59:59-00:01" is not a time']),
    "e-mail without a point": (made({"customer.email": '"a@b"'}), ['customer.email: "a@b" is not an e-mail address']),
    "no quantity": (made({"line_items.0.quantity": "0"}), ["line_items[0].quantity: 0 is not above 0"]),
    "quantity of next to nothing": (made({"line_items.0.quantity": "5e-19"}), ["line_items[0].quantity: 5e-19 is not above 0"]),
    "negative quantity": (made({"line_items.0.quantity": "-2"}), ["line_items[0].quantity: -2 is not above 0"]),
    "high quantity": (made({"line_items.0.quantity": "101"}), ["line_items[0].quantity: 101 is above 100"]),
    "hardly too high a quantity": (
        made({"line_items.0.quantity": "100.000000000000000001"}), ["line_items[0].quantity: 100.000000000000000001 is above 100"]),
    "high price": (made({"line_items.0.unit_price": "10000.01"}), ["line_items[0].unit_price: 10000.01 is above 10000"]),
    "high price and quantity": (
        made({"line_items.0.unit_price": "20000", "line_items.0.quantity": "1e3"}),
        ["line_items[0].quantity: 1e3 is above 100", "line_items[0].unit_price: 20000 is above 10000"]),
    "high total": (made(total="100000.01"), ["total: 100000.01 is above 100000"]),
    "no total": (made(total="0"), ["total: 0 is not above 0"]),
    "minus nothing": (made(total="-0.0"), ["total: -0.0 is not above 0"]),
    "negative total": (made(total="-5.5"), ["total: -5.5 is not above 0"]),
    "another currency": (made(currency='"EUR"'), ['currency: "EUR" is not "USD"']),
    "currency in small letters": (made(currency='"usd"'), ['currency: "usd" is not "USD"']),
    "shipping twice, different": (made(shipping="5.01"), ["shipping: 5.01 differs from shipping_cost, which is 5.00"]),
    "shipping twice, both broken": (
        made(shipping='"x"', shipping_cost="true"), ["shipping_cost: is a boolean, not a number"]),
    "second item": (
        made(line_items=f"[{item()}, {item(quantity='null')}, 5]"),
        ["line_items[1].quantity: is null, not a number", "line_items[2]: is a number, not an object"]),
    "eleven reasons": (made(line_items="[" + ", ".join(["null"] * 11) + "]"), [
        *(f"line_items[{number}]: is null, not an object" for number in range(10)), "and 1 more"]),
    "ten reasons": (made(line_items="[" + ", ".join(["null"] * 10) + "]"), [
        f"line_items[{number}]: is null, not an object" for number in range(10)]),
    "many reasons in order": (
        '{"status": 1, "total": "x", "transaction_id": null, "customer": {"email": "x"}, "line_items": [{"product_id": 1}], "tax": [], '
        '"timestamp": true, "currency": 5}', [
            "transaction_id: is null, not an id", "timestamp: is a boolean, not a string", "customer.customer_id: is missing",
            'customer.email: "x" is not an e-mail address', "line_items[0].quantity: is missing", "line_items[0].unit_price: is missing",
            "line_items[0].subtotal: is missing", "subtotal: is missing", "tax: is an array, not a number", "total: is a string, not a number",
            "and 3 more"]),
    "a key that is there twice by an escape": (
        made()[:-1] + ', "tot\\u0061l": 26.60}', ["total: is there twice"]),
    "a key that is there twice, told alone": (
        '{"total": 1, "total": 2, "status": 5}', ["total: is there twice"]),
    "two keys that are there twice": (
        '{"total": 1, "customer": {"email": 1, "email": 1}, "total": 1}', ["customer.email: is there twice"]),
    "a key that is there twice in what is malformed": ('{"total": 1, "total": 2, "x": nope}', ["record: is not valid JSON: …"]),
}

# What the replaced processor broke at, passed, or counted by half: the record alone is rejected.
SHAPES = {
    "1e400, which was infinite": (made(total="1e400"), ["total: 1e400 is too large"]),
    "an element that is null": ("null", ["record: is null, not an object"]),
    "an element that is a number": ("1.5", ["record: is a number, not an object"]),
    "an element that is a boolean": ("false", ["record: is a boolean, not an object"]),
    "an element that is a string": ('"transaction_id"', ["record: is a string, not an object"]),
    "an element that is a list": ('["transaction_id"]', ["record: is an array, not an object"]),
    "a required key that is null": (made(payment_method="null"), ["payment_method: is null, not a string"]),
    "customer id false": (made({"customer.customer_id": "false"}), ["customer.customer_id: is a boolean, not an id"]),
    "customer id null": (made({"customer.customer_id": "null"}), ["customer.customer_id: is null, not an id"]),
    "e-mail false": (made({"customer.email": "false"}), ["customer.email: is a boolean, not a string"]),
    "items {}": (made(line_items="{}"), ["line_items: is an object, not an array"]),
    "items empty text": (made(line_items='""'), ["line_items: is a string, not an array"]),
    "items 0": (made(line_items="0"), ["line_items: is a number, not an array"]),
    "a time without colons": (made(timestamp='"20250115T142345Z"'), ['timestamp: "20250115T142345Z" is not a time']),
    "a time by week": (made(timestamp='"2025-W03-3"'), ['timestamp: "2025-W03-3" is not a time']),
    "a time with any separator": (made(timestamp='"2025-01-15x14:23"'), ['timestamp: "2025-01-15x14:23" is not a time']),
    "24 o'clock": (made(timestamp='"2025-01-15T24:00"'), ['timestamp: "2025-01-15T24:00" is not a time']),
    "a leap second": (made(timestamp='"2025-01-15T23:59:60Z"'), ['timestamp: "2025-01-15T23:59:60Z" is not a time']),
    "time null": (made(timestamp="null"), ["timestamp: is null, not a string"]),
    "time a number": (made(timestamp="1736899200"), ["timestamp: is a number, not a string"]),
    "customer null": (made(customer="null"), ["customer: is null, not an object"]),
    "customer a list": (made(customer='["customer_id", "email"]'), ["customer: is an array, not an object"]),
    "customer a string": (made(customer='"customer_id email"'), ["customer: is a string, not an object"]),
    "items null": (made(line_items="null"), ["line_items: is null, not an array"]),
    "an item that is null": (made(line_items="[null]"), ["line_items[0]: is null, not an object"]),
    "an item that is a string": (made(line_items='["quantity"]'), ["line_items[0]: is a string, not an object"]),
    "quantity a string": (made({"line_items.0.quantity": '"2"'}), ["line_items[0].quantity: is a string, not a number"]),
    "quantity null": (made({"line_items.0.quantity": "null"}), ["line_items[0].quantity: is null, not a number"]),
    "quantity true": (made({"line_items.0.quantity": "true"}), ["line_items[0].quantity: is a boolean, not a number"]),
    "price a string": (made({"line_items.0.unit_price": '"10.50"'}), ["line_items[0].unit_price: is a string, not a number"]),
    "price null": (made({"line_items.0.unit_price": "null"}), ["line_items[0].unit_price: is null, not a number"]),
    "total a string": (made(total='"26.60"'), ["total: is a string, not a number"]),
    "total null": (made(total="null"), ["total: is null, not a number"]),
    "total NaN": (made(total="NaN"), ["record: is not valid JSON: …"]),
    "tax a string": (made(tax='"x"'), ["tax: is a string, not a number"]),
    "shipping a string": (made(shipping_cost='"5"'), ["shipping_cost: is a string, not a number"]),
    "item subtotal a string": (made({"line_items.0.subtotal": '"4"'}), ["line_items[0].subtotal: is a string, not a number"]),
    "category a list": (made({"line_items.0.category": '["a"]'}), ["line_items[0].category: is an array, not a string"]),
    "name an object": (made({"line_items.0.product_name": "{}"}), ["line_items[0].product_name: is an object, not a string"]),
    "status a list": (made(status="[]"), ["status: is an array, not a string"]),
    "status a number": (made(status="1"), ["status: is a number, not a string"]),
    "payment method an object": (made(payment_method="{}"), ["payment_method: is an object, not a string"]),
    "payment method true": (made(payment_method="true"), ["payment_method: is a boolean, not a string"]),
    "shipping method a number": (made(shipping_method="1"), ["shipping_method: is a number, not a string"]),
    "id a list": (made(transaction_id='["T1"]'), ["transaction_id: is an array, not an id"]),
    "id an object": (made(transaction_id="{}"), ["transaction_id: is an object, not an id"]),
}

MALFORMED = {
    "NaN": made(total="NaN"),
    "Infinity": made(tax="Infinity"),
    "minus Infinity in an unknown key": made()[:-1] + ', "x": -Infinity}',
    "bare word": made(status="completed"),
    "bare word in an unknown key": made()[:-1] + ', "x": {"y": [maybe]}}',
    "unquoted key": made().replace('"status"', "status"),
    "comma at the end": made()[:-1] + ",}",
    "comma at the end of an array": made()[:-1] + ', "x": [1,]}',
    "comma missing": made().replace('"T1",', '"T1"'),
    "colon missing": made().replace('"status":', '"status"'),
    "value missing": made(status=""),
    "single quotes": made(status="'completed'"),
    "wrong bracket": made()[:-1] + "]",
    "wrong bracket inside": made(customer='{"customer_id": "C1", "email": "a@b.c"]'),
    "zero in front": made(total="026.60"),
    "plus in front": made(total="+26.60"),
    "nothing before the point": made(tax=".5"),
    "nothing behind the point": made(tax="1."),
    "nothing behind the exponent": made(tax="1e"),
    "hexadecimal": made(total="0x1F"),
    "unknown escape": made(status='"\\q"'),
    "unknown escape in an unknown key": made()[:-1] + ', "x": "\\q"}',
    "short escape": made(status='"\\u12"'),
    "half of a surrogate pair": made(status='"\\ud800"'),
    "half of a surrogate pair in an unknown key": made()[:-1] + ', "x": ["\\udc00"]}',
    "half of a surrogate pair as a key": made()[:-1] + ', "\\ud83d": 1}',
    "control character": made(status='"a\x01b"'),
    "tab in an unknown key": made()[:-1] + ', "x": "\t"}',
    "comment": made()[:-1] + " /* x */}",
    "two values": made() + " 5",
    "nothing": "",
    "blank": "  ",
    "too deep": made()[:-1] + ', "x": ' + "[" * 1024 + "]" * 1024 + "}",
}

# Time by its text, and as reports write it.
TIMES = {
    "2025-01-15": "2025-01-15T00:00:00Z",
    "2025-01-15T14:23": "2025-01-15T14:23:00Z",
    "2025-01-15 14:23:45": "2025-01-15T14:23:45Z",
    "2025-01-15t14:23:45z": "2025-01-15T14:23:45Z",
    "2025-01-15T14:23:45.5Z": "2025-01-15T14:23:45.500000Z",
    "2025-01-15T14:23:45.1234569Z": "2025-01-15T14:23:45.123456Z",
    "2025-01-15T14:23:45.0000009": "2025-01-15T14:23:45Z",
    "2025-01-15T14:23:45." + "9" * 300 + "Z": "2025-01-15T14:23:45.999999Z",
    "2025-01-15T14:23:45+02:00": "2025-01-15T12:23:45Z",
    "2025-01-15T14:23-0530": "2025-01-15T19:53:00Z",
    "2025-01-01T00:30+01": "2024-12-31T23:30:00Z",
    "2024-12-31T23:30:00.25-01:00": "2025-01-01T00:30:00.250000Z",
    "2024-02-29T23:59:59-23:59": "2024-03-01T23:58:59Z",
    "2000-01-01": "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00-00:00": "2000-01-01T00:00:00Z",
}
NO_TIMES = [
    "soon", "2025", "2025-01", "2025-1-5", "20250115", "20250115T142345Z", "2025-W03-3", "2025-015", "2025-02-29", "2025-04-31", "2025-13-01",
    "2025-00-10", "2025-01-00", "0000-01-01", "2025-01-15Z", "2025-01-15T", "2025-01-15T14", "2025-01-15T24:00", "2025-01-15T14:60",
    "2025-01-15T14:23:60", "2025-01-15T1:23", "2025-01-15T14:23:45.", "2025-01-15T14:23:45,5", "2025-01-15T14:23.5", "2025-01-15  14:23",
    "2025-01-15_14:23", "2025-01-15T14:23:45 Z", "2025-01-15T14:23:45ZZ", "2025-01-15T14:23:45+24:00", "2025-01-15T14:23:45+02:60",
    "2025-01-15T14:23:45+2", "2025-01-15T14:23:45+020", "2025-01-15T14:23:45+02:0", "2025-01-15T14:23:45+02:00:00", "2025-01-15T14:23:45+",
    " 2025-01-15", "2025-01-15 ", "2025-01-15\n", "+2025-01-15", "-2025-01-15", "12025-01-15", "2025/01/15", "٢٠٢٥-01-15", "2025-01-15T14-23",
    "1736899200", "２025-01-15",
]

EMAILS = ["a@b.c", "ada@example.com", "a@b..c", "a..b@c.d", ".@b.c", "ü@ü.ü", '"@b.c', "a@b.c\u00a0", "a@b,c.d", "x" * 300 + "@b.c"]
NO_EMAILS = [
    "a", "@", "a@", "@b.c", "a@b", "a@.", "a@.c", "a@b.", "a@.b.c", "a@b.c.", "a@@b.c", "a@b@c.d", "a b@c.d", "a@b c.d", " a@b.c", "a@b.c ",
    "a@b.c\n", "a\u0000@b.c", "a\u007f@b.c", "a\u001f@b.c",
]

# Inputs that fail as a whole, and none of whose records count.
BAD_INPUTS = {
    "nothing": b"",
    "blank": b" \n ",
    "no UTF-8": b'{"transactions": [{"a": "\xff"}]}',
    "UTF-8 cut short": b'{"transactions": [], "x": "\xc3"}',
    "UTF-16": '{"transactions": []}'.encode("utf-16"),
    "a number": b"5",
    "a word": b"hello",
    "null": b"null",
    "a string": b'"transactions"',
    "no transactions": b'{"batch_id": "x"}',
    "no keys": b"{}",
    "a bare word before": b'x {"transactions": []}',
    "a record with a key like any": b'{"id": 5, "email": "a@b.c"}',
    "transactions null": b'{"transactions": null}',
    "transactions a number": b'{"transactions": 5}',
    "transactions an object": b'{"transactions": {}}',
    "transactions a string": b'{"transactions": ""}',
    "transactions twice": b'{"transactions": [], "transactions": []}',
    "transactions twice by an escape": b'{"transactions": [], "tr\\u0061nsactions": []}',
    "batch_id twice": b'{"batch_id": 1, "transactions": [], "batch_id": 1}',
    "text behind": b'{"transactions": []} x',
    "another document behind": b'{"transactions": []} {"transactions": []}',
    "a bracket too many": b'{"transactions": []]}',
    "a bracket too many in an array": b"[1]]",
    "another bracket at the end": b'{"transactions": [1}}',
    "another bracket at the end of all": b'{"transactions": [1]]',
    "an array that does not end": b'{"transactions": [1',
    "an array that does not end behind a comma": b"[1,",
    "a record that does not end": b'{"transactions": [{"a": 1',
    "a string that does not end": b'{"transactions": [{"a": "1}]}',
    "a document that does not end": b'{"transactions": [1]',
    "a document that does not end behind a comma": b'{"transactions": [1],',
    "malformed before the array": b'{"x": nope, "transactions": []}',
    "malformed behind the array": b'{"transactions": [], "x": NaN}',
    "a key without quotes": b"{transactions: []}",
    "a colon missing": b'{"transactions" []}',
    "a comma missing": b'{"batch_id": 1 "transactions": []}',
    "a comma at the end": b'{"transactions": [],}',
}
