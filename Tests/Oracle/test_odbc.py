"""Ingests from MariaDB through its ODBC driver, and compares what ends up in the warehouse with what was put in."""

import datetime
import decimal
import json
import random
import sqlite3

import pytest

from conftest import run
from projects import Project
from servers import MariaDB

ALPHABET = ["a", "ß", "€", "𝄞", "'", '"', "\\", ";", "\n", "%", "{", "}", " "]


@pytest.fixture(scope="module")
def server():
    with MariaDB() as server:
        yield server


def literal(value):
    """A value as SQL of MariaDB's."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'" if value else "''"
    if isinstance(value, (int, float, decimal.Decimal)):
        return str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def rows(rng, count):
    start = datetime.datetime(2000, 1, 1)

    def perhaps(value):
        return None if rng.random() < 0.1 else value

    for number in range(count):
        size = rng.choice([0, 1, 10, 60])
        long = rng.choice([0, 5, 700, 70_000]) if number % 50 == 0 else rng.choice([0, 5])
        yield (
            number, perhaps(rng.randint(-2**63, 2**63 - 1)), perhaps(rng.choice([0.0, 1.5, -1e300, rng.random()])),
            perhaps(decimal.Decimal(rng.randint(-10**17, 10**17)).scaleb(-4)),
            perhaps("".join(rng.choice(ALPHABET) for _ in range(size))), perhaps("é𝄞" * long),
            perhaps(rng.randbytes(rng.choice([0, 1, 40]))),
            perhaps(start.date() + datetime.timedelta(days=rng.randint(-400_000, 2_000_000))),
            perhaps(start + datetime.timedelta(microseconds=rng.randint(-10**16, 10**17))),
        )


COLUMNS = ("id int PRIMARY KEY, n bigint, f double, d decimal(22,4), s varchar(100), t longtext, b varbinary(64), "
           "`the day` date, at datetime(6)")


@pytest.mark.parametrize("warehouse", ["sqlite"])
def test_every_row_arrives_as_it_was_put_in(server, tmp_path, warehouse):
    put = list(rows(random.Random(7), 3000))
    server.execute(
        "DROP TABLE IF EXISTS orders", f"CREATE TABLE orders ({COLUMNS})",
        *["INSERT INTO orders VALUES " + ",".join("(" + ",".join(map(literal, row)) + ")" for row in put[at:at + 100])
          for at in range(0, len(put), 100)])
    project = Project(tmp_path, {"table": "orders", "into": "target"}, server.url(), warehouse)
    answer = project.succeed().answer
    assert answer["rows_loaded"] == len(put) if "rows_loaded" in answer else True
    found = project.execute("SELECT id, n, f, d, s, t, b, \"the day\", at FROM target ORDER BY id")
    assert len(found) == len(put)
    for (i, n, f, d, s, t, b, day, at), row in zip(put, found):
        assert (i, n, f, s, t, b) == (row[0], row[1], row[2], row[4], row[5], None if row[6] is None else bytes(row[6]))
        assert (None if d is None else d) == (None if row[3] is None else decimal.Decimal(str(row[3])))
        assert (None if day is None else day.isoformat()) == row[7]
        assert (None if at is None else at) == (None if row[8] is None else datetime.datetime.fromisoformat(row[8]))


def test_the_second_run_reads_what_is_new(server, tmp_path):
    server.execute("DROP TABLE IF EXISTS events", "CREATE TABLE events (id int PRIMARY KEY, at datetime(6))",
                   "INSERT INTO events VALUES (1, '2024-01-01'), (2, '2024-01-02 00:00:00.000001')")
    job = {"table": "events", "cursor": "at", "key": "id", "mode": "merge"}
    project = Project(tmp_path, job, server.url())
    project.succeed()
    server.execute("INSERT INTO events VALUES (3, '2024-01-02 00:00:00.000001'), (4, '2024-01-03')")
    project.succeed()
    assert project.execute("SELECT id FROM target ORDER BY id") == [(1,), (2,), (3,), (4,)]


def test_check_and_discover(server, tmp_path, sluice):
    server.execute("DROP TABLE IF EXISTS seen", "CREATE TABLE seen (a int, b text, PRIMARY KEY (a))")
    assert "MariaDB" in sluice("check", server.url(), cwd=tmp_path).text
    found = json.loads(sluice("discover", server.url(), "--json", cwd=tmp_path).text)
    assert "seen" in json.dumps(found)


def test_a_wrong_password_is_told_and_not_shown(server, tmp_path):
    url = f"mysql://tester:not%3Bthis%7Done@127.0.0.1:{server.port}/shop"
    result = run("ingest", "--from", url, "--table", "x", "--into", "y", cwd=tmp_path)
    assert result.code != 0
    assert "Access denied" in result.err
    assert "this}one" not in result.text + result.err and "not;" not in result.text + result.err
