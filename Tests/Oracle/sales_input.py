"""The oracle of `sales/1` reads a batch: which records it has, each parsed alone. Written from docs/report.md."""

import contextlib
import json
import re
import sys

BLANK = " \t\r\n"
# An object that has one of these is a record.
OF_RECORDS = ("transaction_id", "timestamp", "customer", "line_items", "subtotal", "total", "status")
DEEPEST = 1024


@contextlib.contextmanager
def room():
    """Records may have numbers of any length, and nest 1024 deep; other oracles need Python as it is otherwise."""
    digits, depth = sys.get_int_max_str_digits(), sys.getrecursionlimit()
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(20_000)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(digits)
        sys.setrecursionlimit(depth)


class InputFails(Exception):
    """The input as a whole cannot be read."""


class Malformed(Exception):
    """A text is not JSON, or no JSON that we take."""


class Number(str):
    """A number, as it is written."""


class Object(list):
    """The members of an object, in order: a key may be there twice."""

    def has(self, key):
        return any(name == key for name, _ in self)


def refuse(name):
    raise Malformed(name)


DECODER = json.JSONDecoder(object_pairs_hook=Object, parse_int=Number, parse_float=Number, parse_constant=refuse)
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},]', re.S)


def skip_blank(text, at):
    while at < len(text) and text[at] in BLANK:
        at += 1
    return at


def check_deep(text):
    depth = 0
    for found in TOKEN.finditer(text):
        depth += found[0] in ("[", "{")
        depth -= found[0] in ("]", "}")
        if depth > DEEPEST:
            raise Malformed("too deep")


def check_text(value):
    """Half of a surrogate pair cannot be told in UTF-8."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Malformed("half of a pair") from None
    elif isinstance(value, Object):
        for key, inner in value:
            check_text(key)
            check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            check_text(inner)


def value_at(text, at):
    """The value that begins at a place of a text, and where it ends."""
    try:
        value, end = DECODER.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from None
    taken = text[at:end]
    if taken.count("[") + taken.count("{") > DEEPEST:
        check_deep(taken)
    if SURROGATE.search(taken):
        check_text(value)
    return value, end


def parse(text):
    """The one value of a text."""
    value, end = value_at(text, skip_blank(text, 0))
    if skip_blank(text, end) != len(text):
        raise Malformed("more than one value")
    return value


@room()
def parsed(text):
    """What a record is, or the Malformed that it is."""
    try:
        return parse(text)
    except Malformed as error:
        return error


def element_end(text, at):
    """Where the element that begins here ends, going by quotes and brackets alone."""
    depth = 0
    for found in TOKEN.finditer(text, at):
        token = found[0]
        if token == '"':
            break
        if token in "[{":
            depth += 1
        elif token in "]}" or token == "," and depth == 0:
            if depth == 0:
                return found.start()
            depth -= 1
    raise InputFails("it ends before its array does")


def elements(text, at):
    """The records of the array whose bracket is at a place, and where the array ends."""
    found = []
    at = skip_blank(text, at + 1)
    if text[at:at + 1] == "]":
        return found, at + 1
    while True:
        try:  # The quick way; a well-formed value ends where its quotes and brackets say.
            value, end = value_at(text, skip_blank(text, at))
            end = skip_blank(text, end)
        except Malformed:
            end = None
        if end is None or text[end:end + 1] not in (",", "]"):
            end = element_end(text, at)
            value = parsed(text[at:end])
        found.append(value)
        if text[end] == "]":
            return found, end + 1
        if text[end] != ",":
            raise InputFails("the array ends with another bracket")
        at = end + 1


class Batch:
    """What an input has: its id, and its records, of which the malformed ones are Malformed."""

    @room()
    def __init__(self, name, data):
        self.name = name
        self.batch_id = None
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputFails(str(error)) from None
        text = text.removeprefix("\ufeff")
        lines = [line for line in text.split("\n") if line.strip(BLANK)]
        if is_lines(name, lines):
            self.records = [parsed(line) for line in lines]
            return
        at = skip_blank(text, 0)
        if text[at:at + 1] == "[":
            self.records, at = elements(text, at)
        elif text[at:at + 1] == "{":
            try:
                at = self.document(text, at)
            except Malformed as error:
                raise InputFails(str(error)) from None
        else:
            raise InputFails("it is no batch document")
        if skip_blank(text, at) != len(text):
            raise InputFails("text follows")

    def document(self, text, at):
        seen = set()
        self.records = None
        while True:
            at = skip_blank(text, at + 1)
            if text[at:at + 1] == "}" and not seen:
                break
            key, at = value_at(text, at)
            if not isinstance(key, str) or isinstance(key, Number):
                raise InputFails("a key is no string")
            if key in seen and key in ("transactions", "batch_id"):
                raise InputFails(f"{key} is there twice")
            seen.add(key)
            at = skip_blank(text, at)
            if text[at:at + 1] != ":":
                raise InputFails("a key without a value")
            at = skip_blank(text, at + 1)
            if key == "transactions":
                if text[at:at + 1] != "[":
                    raise InputFails("transactions is no array")
                self.records, at = elements(text, at)
            else:
                value, at = value_at(text, at)
                if key == "batch_id":
                    self.batch_id = value if isinstance(value, str) else None
            at = skip_blank(text, at)
            if text[at:at + 1] == "}":
                break
            if text[at:at + 1] != ",":
                raise InputFails("the document is malformed")
        if self.records is None:
            raise InputFails("there are no transactions")
        return at + 1


def is_lines(name, lines):
    """Whether an input is NDJSON."""
    if re.search(r"\.(ndjson|jsonl)(\.gz|\.zst)?$", name):
        return True
    text = "\n".join(lines)
    try:
        first, _ = DECODER.raw_decode(text, skip_blank(text, 0))
    except (ValueError, RecursionError, Malformed):
        return False
    return isinstance(first, Object) and not first.has("transactions") and any(first.has(key) for key in OF_RECORDS)
