"""The SQL Server that SLUICE_TEST_MSSQL names by an ODBC connection string, for tests: schemas of their own, projects that read
from it and end in it, and pyodbc as the judge."""

import os
import re
import uuid

import pytest

from projects import Project

STRING = os.environ.get("SLUICE_TEST_MSSQL", "")
ABSENCE = "skipped: SLUICE_TEST_MSSQL is not set to the ODBC connection string of a SQL Server that tests may use"
PREFIX = "MSSQL_UNDER_TEST"


def parsed(text):
    """Keys, in lower case, and values of a connection string."""
    pairs = re.findall(r"\s*([^=;]+?)\s*=\s*(?:\{((?:[^}]|\}\})*)\}|([^;]*?))\s*(?:;|$)", text)
    return {key.lower(): braced.replace("}}", "}") or plain for key, braced, plain in pairs}


def written(pairs):
    """A connection string of keys and values."""
    return ";".join(f"{key}={{{str(value).replace('}', '}}')}}}" for key, value in pairs.items() if value is not None)


class Server:
    """The server through one driver. `driver` is Microsoft's, as the connection string has it, or `FreeTDS`."""

    def __init__(self, string, driver=None):
        import pyodbc
        given = parsed(string)
        named = next((given.pop(key) for key in ("server", "address", "addr", "network address") if key in given), "localhost")
        named = re.sub("^(tcp|lpc|np):", "", named)
        self.host, _, port = named.partition(",")
        self.port = int(given.pop("port", None) or port or 1433)
        self.named_driver = given.pop("driver")
        self.driver = driver or self.named_driver
        self.user = given.pop("uid", None) or given.pop("user id", None)
        self.password = given.pop("pwd", None) or given.pop("password", "")
        self.database = given.pop("database", None) or given.pop("initial catalog", "master")
        self.encrypt = given.pop("encrypt", "yes").lower()
        self.trusts = given.pop("trustservercertificate", "no").lower() in ("yes", "true")
        self.rest = given
        self.is_freetds = "tds" in self.driver.lower()
        self.pyodbc = pyodbc
        pyodbc.pooling = False
        # The judge comes by the driver that the string names, whichever one is judged.
        self.string = string
        with self.connect() as connection:
            version = connection.execute("SELECT @@VERSION").fetchval()
        self.is_babelfish = "Babelfish" in version
        # Babelfish keeps microseconds, SQL Server tenths of them.
        self.fraction = 6 if self.is_babelfish else 7

    def connect(self, autocommit=True):
        return self.pyodbc.connect(self.string, autocommit=autocommit, timeout=30)

    def settings(self, **more):
        """The server as a connection of a project. The password comes from the environment."""
        settings = {"protocol": "mssql", "server": self.host, "port": self.port, "database": self.database,
                    "username": self.user, "driver": self.driver, "prefix": PREFIX.lower()}
        if self.encrypt in ("no", "optional", "false"):
            settings["encrypt"] = "no"
        if self.trusts:
            settings["trust_server_certificate"] = True
        if self.rest and not self.is_freetds:
            settings["options"] = written(self.rest)
        return {**settings, **more}


class Place:
    """A schema of a test's own."""

    def __init__(self, server):
        self.server = server
        self.schema = "e" + uuid.uuid4().hex[:12]
        self.connection = server.connect()
        self.connection.execute(f"CREATE SCHEMA [{self.schema}]")

    def execute(self, sql, *parameters):
        """Runs a statement, in which `{}` stands for the schema; its rows, if it has any."""
        cursor = self.connection.execute(sql.replace("{}", f"[{self.schema}]"), *parameters)
        rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        cursor.close()
        return rows

    def single(self, sql, *parameters):
        return self.execute(sql, *parameters)[0][0]

    def tables(self, like="%"):
        return [row[0] for row in self.execute(
            "SELECT t.name FROM sys.tables AS t INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id "
            "WHERE s.name = ? AND t.name LIKE ? ORDER BY t.name", self.schema, like)]

    def remove(self):
        for kind, view in (("V", "VIEW"), ("U", "TABLE")):
            names = self.execute("SELECT o.name FROM sys.objects AS o INNER JOIN sys.schemas AS s "
                                 "ON s.schema_id = o.schema_id WHERE s.name = ? AND o.type = ?", self.schema, kind)
            for (name,) in names:
                self.execute(f"DROP {view} {{}}.[{name}]")
        self.execute("DROP SCHEMA {}")
        self.connection.close()


class ServerProject(Project):
    """A project whose rows end in a schema of the server's; more settings of the warehouse by name."""

    def __init__(self, folder, place, job, source, **warehouse):
        self.folder, self.place, self.warehouse = folder, place, "mssql"
        folder.mkdir(exist_ok=True)
        self.url = place.server.settings(schema=place.schema, **warehouse)
        # A job's lock is the database's, and tests may run side by side.
        self.name = place.schema
        self.write(job, source)

    def write(self, job, source):
        super().write(job, source)
        file = self.folder / "sluice.yaml"
        file.write_text(file.read_text().replace("project: test", f"project: {self.name}", 1))

    def execute(self, sql, *parameters):
        return self.place.execute(sql, *parameters)

    def rows(self, columns, table="target"):
        return super().rows(columns, f"{{}}.[{table}]")

    def audit(self):
        return self.execute("SELECT status, error_message FROM {}.etl_audit_log ORDER BY started_at, id")

    def stages(self):
        return self.place.tables("sluice[_]stage[_]%")


def freetds_is_there():
    try:
        import pyodbc
    except ImportError:
        return False
    return "FreeTDS" in pyodbc.drivers()


def drivers():
    """The drivers to test with, as parameters of a fixture."""
    return [
        pytest.param(None, id="named"),
        pytest.param("FreeTDS", id="freetds", marks=pytest.mark.skipif(
            not freetds_is_there(), reason="skipped: unixODBC knows no driver FreeTDS")),
    ]
