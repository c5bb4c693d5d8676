"""Init jobs on a T-SQL server, where there is one: SLUICE_TEST_MSSQL is an ODBC connection string of a database that tests
may use. What is made there has names of its own, and is removed."""

import json
import os
import subprocess
import uuid

import pytest

from conftest import BINARY, run

SERVER = os.environ.get("SLUICE_TEST_MSSQL")
pytestmark = pytest.mark.skipif(
    not SERVER, reason="skipped: SLUICE_TEST_MSSQL is not set to an ODBC connection string of a T-SQL server")
pyodbc = pytest.importorskip("pyodbc")


class Shop:
    def __init__(self, folder):
        self.folder, self.mark = folder, "i" + uuid.uuid4().hex[:10]
        self.connection = pyodbc.connect(SERVER, autocommit=True)

    def execute(self, sql):
        cursor = self.connection.execute(sql)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def write(self, steps, **keys):
        words = {key.strip().lower(): value for key, _, value in (part.partition("=") for part in SERVER.split(";")) if value}
        host, _, port = words["server"].removeprefix("tcp:").partition(",")
        warehouse = {"protocol": "mssql", "server": host, "port": port or words.get("port", "1433"),
                     "database": words["database"], "username": words["uid"], "password": "${secret.server-password}",
                     "driver": words["driver"],
                     "trust_server_certificate": words.get("trustservercertificate", "no").lower() in ("yes", "true")}
        self.password = words["pwd"]
        (self.folder / "sluice.yaml").write_text(json.dumps({
            "project": self.mark, "warehouse": warehouse, "jobs": {"setup": {"kind": "init", "steps": steps, **keys}}}))

    def file(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def migrate(self, **keys):
        return {"step": "migrate", "folder": "m", "ledger": f"{self.mark}_ledger", **keys}

    @property
    def environment(self):
        return {"SERVER_PASSWORD": self.password}

    def run(self, code=0):
        done = run("run", "setup", cwd=self.folder, env=self.environment)
        assert done.code == code, f"exit code {done.code}\n{done.text}\n{done.err}"
        return done

    def exists(self, name):
        return self.execute(f"SELECT OBJECT_ID(N'{name}')")[0][0] is not None

    def close(self):
        for kind, word in [("V", "VIEW"), ("U", "TABLE")]:
            for (name,) in self.execute(f"SELECT name FROM sys.objects WHERE type = '{kind}' AND name LIKE '{self.mark}%'"):
                self.execute(f"DROP {word} {name}")
        self.connection.close()


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    yield shop
    shop.close()


def test_files_are_run_batch_by_batch(shop):
    m = shop.mark
    shop.file("m/1.sql", f"CREATE TABLE {m}_a (x int);\r\nGO\r\nCREATE VIEW {m}_v AS SELECT x FROM {m}_a;\r\ngo\r\n"
                         f"INSERT INTO {m}_a VALUES (1);\r\nGO 3 -- three times\r\n")
    shop.write([{"step": "check", "version": "12"}, shop.migrate()])
    assert "done: ran 1 file" in shop.run().err
    assert shop.execute(f"SELECT count(*) FROM {m}_v") == [(3,)]
    assert "already done: 1 file has been run" in shop.run().err
    shop.file("m/1.sql", "SELECT 1")
    assert "has changed since" in shop.run(code=1).err


@pytest.mark.parametrize("transaction", ["each", "all"])
def test_a_batch_that_fails_leaves_nothing_of_its_file(shop, transaction):
    m = shop.mark
    shop.file("m/1.sql", f"CREATE TABLE {m}_a (x int)")
    shop.file("m/2.sql", f"CREATE TABLE {m}_b (x int)\nGO\nINSERT INTO {m}_a VALUES (1)\nGO\n\nSELECT 1 / 0 FROM {m}_nothing\nGO")
    shop.write([shop.migrate(transaction=transaction)])
    done = shop.run(code=1)
    assert "✓" not in done.err and "2.sql: line 6" in done.err
    assert not shop.exists(f"{m}_b") and shop.exists(f"{m}_a") == (transaction == "each")
    kept = shop.execute(f"SELECT name FROM {m}_ledger")
    assert kept == ([("1.sql",)] if transaction == "each" else [])


def test_two_at_once_do_not_collide(shop):
    m = shop.mark
    shop.file("m/1.sql", f"DECLARE @i int = 0; WHILE @i < 2000000 SET @i = @i + 1\nGO\nCREATE TABLE {m}_a (x int)")
    shop.write([shop.migrate()])
    other = shop.folder / "other"
    (other / "m").mkdir(parents=True)
    for name in ["sluice.yaml", "m/1.sql"]:
        (other / name).write_text((shop.folder / name).read_text())
    children = [subprocess.Popen([BINARY, "run", "setup"], cwd=folder, stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, **shop.environment}) for folder in (shop.folder, other)]
    ends = [(child.communicate()[1], child.returncode) for child in children]
    # Refused as transient; the server at hand has a word of its own for a lock that is held, which is not.
    codes = sorted(code for _, code in ends)
    assert codes[0] == 0 and codes[1] in (1, 75), ends
    assert sum("✓" in said for said, _ in ends) == 1
    assert shop.execute(f"SELECT count(*) FROM {m}_ledger") == [(1,)]


def test_a_grant_that_fails_leaves_no_user(shop):
    """Roles that grant are SQL Server's; the server at hand may lack them, and then the whole grant fails."""
    m = shop.mark
    shop.execute(f"CREATE LOGIN {m} WITH PASSWORD = 'Abc12345!x'")
    try:
        shop.write([{"step": "grant-roles", "identity": m, "rights": ["read", "write"], "login": m}])
        done = run("run", "setup", cwd=shop.folder, env=shop.environment)
        users = shop.execute(f"SELECT name FROM sys.database_principals WHERE name = '{m}'")
        if done.code == 0:
            assert users == [(m,)] and "already done" in shop.run().err
            shop.execute(f"DROP USER {m}")
        else:
            assert users == [] and "✓" not in done.err
    finally:
        shop.execute(f"DROP LOGIN {m}")
