"""`sluice check` on ODBC drivers: which there are, and what to install, whether or not a server answers."""

import json

import pytest

PROJECT = """
project: p
connections:
  shop: { protocol: mysql, host: 127.0.0.1, port: 1, database: shop, username: me, connect_timeout: 1s }
  erp: { protocol: mssql, server: 127.0.0.1, port: 1, username: me, password: secret-1, connect_timeout: 1s, wake_timeout: 0s }
  named: { protocol: odbc, driver: /nowhere/libx.so, options: "Server=x" }
  files: { protocol: file, path: . }
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "sluice.yaml").write_text(PROJECT)
    (tmp_path / "a.csv").write_text("a\n1\n")
    return tmp_path


def check(attempt, folder, drivers, *names):
    (folder / "odbcinst.ini").write_text("".join(f"[{name}]\nDriver=/nowhere/lib.so\n\n" for name in drivers))
    env = {"ODBCSYSINI": str(folder), "ODBCINSTINI": "odbcinst.ini"}
    people = attempt("check", *names, cwd=folder, env=env)
    machines = json.loads(attempt("check", *names, "--json", cwd=folder, env=env).text)
    return people, machines.get("odbc_drivers")


def test_drivers_are_listed_where_a_connection_needs_one(attempt, project):
    people, known = check(attempt, project, ["FreeTDS", "MariaDB Unicode"])
    assert "– ODBC drivers: FreeTDS, MariaDB Unicode" in people.text
    assert known == {"names": ["FreeTDS", "MariaDB Unicode"], "advice": []}
    assert "secret-1" not in people.text + people.err


def test_what_is_lacking_is_said_for_each_kind_of_database(attempt, project):
    people, known = check(attempt, project, ["FreeTDS"])
    assert known["advice"] == ["for mysql: apt install odbc-mariadb"]
    assert "  for mysql: apt install odbc-mariadb" in people.text
    people, known = check(attempt, project, [])
    assert "– ODBC drivers: unixODBC knows no driver" in people.text
    assert known == {"names": [], "advice": [
        "for mssql: install Microsoft's msodbcsql18, or apt install tdsodbc", "for mysql: apt install odbc-mariadb"]}


def test_nothing_is_said_where_no_connection_needs_one(attempt, project):
    people, known = check(attempt, project, [], "files", "warehouse", "lake")
    assert people.code == 0, people.text
    assert "ODBC" not in people.text and known is None


def test_whoever_names_a_driver_needs_no_advice(attempt, project):
    _, known = check(attempt, project, [], "named")
    assert known == {"names": [], "advice": []}
