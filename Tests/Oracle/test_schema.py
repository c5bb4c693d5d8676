"""`sluice schema` against jsonschema: what `sluice validate` accepts it accepts, and both refuse the same mistakes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


class Loader(yaml.SafeLoader):
    """YAML as editors read it: dates are text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

SHOP = """
project: shop
lake: ./lake
warehouse: sqlite:./warehouse.db
variables: { table: orders, batch: 3 }
connections:
  db: { protocol: postgres, host: db.example, port: 5432, database: shop, username: reader, password: "${secret.db}" }
  files: { protocol: file, path: ./inbox }
  old: "sqlite:${project.dir}/old.db"
jobs:
  orders:
    kind: ingest
    description: The orders
    from: db
    table: public.${var.table}
    into: stg_orders
    mode: merge
    key: [id]
    cursor: updated_at
    late: 2h
    retries: ${var.batch}
    part_size: 64MB
    timeout: 1h30m
  people: { kind: ingest, from: old, query: "select * from people where since > :since", parameters: { since: 2026-01-01 },
            types: { zip: utf8, born: date }, columns: [zip, born], after: orders, retry_wait: 1.5, parallel: 2 }
  sheets: { kind: ingest, from: files, files: a-*.csv, max_rejects: 1%, part_size: 1000000, contract: freeze,
            description: , after: [orders, people] }
  one: { kind: ingest, from: "file:./x", files: [a.csv], retries: "2", lock_wait: 0, max_rejects: 5 }
environments:
  prod: { lake: "/data/lake", connections: { db: { host: other } }, jobs: { orders: { retries: 5 } } }
  test: { variables: { batch: 0 } }
"""

SMALLEST = "project: p\n"

DESIGN = """
project: shop
connections:
  orders-db: { protocol: postgres, host: db.example, database: shop, username: reader, password: "${secret.orders}" }
jobs:
  orders: { kind: ingest, from: orders-db, table: public.orders, into: stg_orders, mode: merge, key: [id],
            cursor: updated_at }
environments:
  prod: { lake: "/lake", warehouse: "postgres://shop.example/dw" }
"""


@pytest.fixture(scope="session")
def schema(sluice):
    return json.loads(sluice("schema").text)


@pytest.fixture
def both(schema, attempt, tmp_path):
    """What `sluice validate` and the schema say to a text: (accepted, accepted)."""

    def judge(text, name="sluice.yaml"):
        (tmp_path / name).write_text(text)
        result = attempt("validate", "--json", "-C", tmp_path)
        assert result.code in (0, 4), result.err
        answer = json.loads(result.text)
        assert answer["valid"] == (result.code == 0)
        validator = jsonschema.Draft7Validator(schema)
        return answer["valid"], validator.is_valid(yaml.load(text, Loader)), result.err

    return judge


def test_the_schema_is_one(schema):
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)


def test_every_key_is_explained(schema):
    def properties(node):
        if isinstance(node, dict):
            for name, value in node.get("properties", {}).items():
                yield name, value
            for value in node.values():
                yield from properties(value)
        elif isinstance(node, list):
            for value in node:
                yield from properties(value)

    found = [(name, value) for name, value in properties(schema) if isinstance(value, dict) and "const" not in value]
    assert len(found) > 40
    assert [name for name, value in found if not value.get("description")] == []


@pytest.mark.parametrize("text", [SHOP, SMALLEST, DESIGN], ids=["shop", "smallest", "design"])
def test_projects_that_are_valid_fit_the_schema(both, text):
    assert both(text)[:2] == (True, True), both(text)[2]


def test_what_init_writes_fits_the_schema_that_it_writes(sluice, tmp_path):
    sluice("init", tmp_path / "p")
    text = (tmp_path / "p/sluice.yaml").read_text()
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    schema = json.loads((tmp_path / "p" / first.split("=", 1)[1]).read_text())
    jsonschema.Draft7Validator(schema).validate(yaml.load(text, Loader))
    assert len(text.splitlines()) <= 12
    sluice("validate", "-C", tmp_path / "p")


def test_json_is_a_project_file_too(both):
    text = json.dumps(yaml.load(SHOP, Loader))
    assert both(text, "sluice.json")[:2] == (True, True)


# Each changes one place of SHOP into a mistake.
BROKEN = {
    "unknown key at the top": ("lake: ./lake", "lakee: ./lake"),
    "unknown key of a connection": ("host: db.example", "hostname: db.example"),
    "key of another protocol": ("host: db.example", "path: db.example"),
    "unknown protocol": ("protocol: postgres", "protocol: postgers"),
    "no protocol": ("protocol: postgres, ", ""),
    "unknown kind": ("kind: ingest\n", "kind: digest\n"),
    "no kind": ("kind: ingest\n", "description: x\n"),
    "unknown key of a job": ("into: stg_orders", "in_to: stg_orders"),
    "no project": ("project: shop", "description: shop"),
    "project without a value": ("project: shop", "project:"),
    "word for a number": ("port: 5432", "port: many"),
    "number out of range": ("port: 5432", "port: 70000"),
    "fraction for a whole number": ("port: 5432", "port: 1.5"),
    "list for a word": ("lake: ./lake", "lake: [./lake]"),
    "mapping for a word": ("into: stg_orders", "into: { name: stg_orders }"),
    "word that is no choice": ("mode: merge", "mode: upsert"),
    "word for a mapping": ("types: { zip: utf8, born: date }", "types: utf8"),
    "mapping for a list": ("key: [id]", "key: { id: 1 }"),
    "list in a list": ("columns: [zip, born]", "columns: [[zip], born]"),
    "nothing in a list": ("columns: [zip, born]", "columns: [zip, ~]"),
    "no duration": ("timeout: 1h30m", "timeout: soon"),
    "duration with an unknown unit": ("timeout: 1h30m", "timeout: 3weeks"),
    "negative duration": ("retry_wait: 1.5", "retry_wait: -1"),
    "no size": ("part_size: 64MB", "part_size: large"),
    "negative size": ("part_size: 1000000", "part_size: -1"),
    "jobs as a list": ("jobs:\n  orders:", "jobs:\n  - orders:"),
    "unknown key of an environment": ('lake: "/data/lake"', 'lakes: "/data/lake"'),
    "unknown key in an environment's job": ("jobs: { orders: { retries: 5 } }", "jobs: { orders: { retry: 5 } }"),
    "word for a number in an environment": ("{ retries: 5 }", "{ retries: five }"),
    "environment in an environment": ("test: { variables", "test: { environments: {}, variables"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_both_refuse_the_same_mistakes(both, name):
    old, new = BROKEN[name]
    assert old in SHOP
    text = SHOP.replace(old, new, 1)
    if name == "jobs as a list":
        text = "project: p\njobs:\n  - orders\n"
    assert both(text)[:2] == (False, False), both(text)[2]


VALUES = [
    "1", "0", "-1", "+5", "007", "1.5", '"3"', '"+3"', "true", "false", '"true"', "yes", "~", "''", "word", "[a]", "[]",
    "{}", "{ a: b }", "30s", "1h30m", "1.5h", "250ms", "5x", "64MB", "1 GiB", "2k", "7TiB", "1.5gb", "3 b", "1e3",
    '"${env.HOME}"', "append", "merge", "a b", "100000",
]


@pytest.mark.parametrize("value", VALUES)
def test_whatever_validate_accepts_the_schema_accepts(both, value):
    """Every value in a place of every type. `${env.HOME}` is no number, so that only text takes it."""
    base = "project: p\nconnections: { f: { protocol: file, path: x } }\njobs:\n  j: { kind: ingest, from: f, files: x, %s }"
    for key in ["description", "parallel", "retries", "timeout", "part_size", "mode", "columns", "types", "after"]:
        ours, theirs, err = both(base % f"{key}: {value}")
        assert theirs or not ours, (key, value)
        if not ours and theirs:
            # What only `validate` can know: names, numbers in quotes, what becomes of a reference, and old YAML's words.
            looks = any(word in err for word in ["names the", "mode merge needs", '"types', "types."])
            assert looks or value in ['"3"', '"+3"', "+5", "007", "yes", "1e3", '"${env.HOME}"', "1.5h"], (key, value, err)
    ours, theirs, err = both(f"project: p\nlake: {value}\nvariables: {{ a: {value} }}\nconnections: {value}\n")
    assert theirs or not ours
