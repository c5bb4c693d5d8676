"""A project in a temporary folder for the tests of runs: its file, its source, its warehouse, and what is in them."""

import json
import sqlite3
import subprocess

from conftest import BINARY, run


class Project:
    """A folder with a `sluice.yaml` whose job `copy` reads from `source`, and looks into its warehouse.

    `warehouse` is "sqlite", or "postgres" for a database of its own in `server`.
    """

    def __init__(self, folder, job, source, warehouse="sqlite", server=None, database=None):
        self.folder, self.server, self.warehouse = folder, server, warehouse
        self.database = database
        if warehouse == "postgres":
            server.execute(f"CREATE DATABASE {database}")
        self.url = server.url(database) if warehouse == "postgres" else "sqlite:./warehouse.db"
        self.write(job, source)

    def write(self, job, source):
        folder = self.folder / "sluice.yaml"
        keys = {"kind": "ingest", "from": "source", "into": "target", "retries": 0, **job}
        lines = "\n".join(f"    {key}: {json.dumps(value)}" for key, value in keys.items() if value is not None)
        folder.write_text(f"""project: test
warehouse: {json.dumps(self.url)}
connections:
  source: {json.dumps(source)}
jobs:
  copy:
{lines}
""")

    def run(self, *options, **settings):
        """A run of the job, whatever comes of it; its JSON answer is in `answer`."""
        result = run("run", "copy", *options, "--json", cwd=self.folder, **settings)
        result.answer = json.loads(result.text) if result.text.strip().startswith("{") else {}
        return result

    def succeed(self, *options, code=0, **settings):
        """A run that has to end with `code`."""
        result = self.run(*options, **settings)
        assert result.code == code, f"exit code {result.code}\n{result.text}\n{result.err}"
        return result

    def start(self, *options, **settings):
        """A run in the background."""
        return subprocess.Popen(
            [BINARY, "run", "copy", *options], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **settings)

    def execute(self, sql, *parameters):
        """A statement in the warehouse; its rows, if it has any."""
        if self.warehouse == "postgres":
            return self.server.execute(sql, parameters or None, database=self.database)
        database = sqlite3.connect(self.folder / "warehouse.db")
        try:
            rows = database.execute(sql, parameters).fetchall()
            database.commit()
            return rows
        finally:
            database.close()

    def rows(self, columns, table="target"):
        """The rows of a table, sorted, with nulls first."""
        rows = [tuple(row) for row in self.execute(f"SELECT {columns} FROM {table}")]
        return sorted(rows, key=lambda row: [(value is not None, value) for value in row])

    def audit(self):
        """Status and message of every run, the oldest first."""
        return self.execute("SELECT status, error_message FROM etl_audit_log ORDER BY started_at")

    def statuses(self):
        return [row[0] for row in self.audit()]

    def rejects(self):
        """The rows of all files of rejected rows in the lake."""
        files = sorted((self.folder / "lake").rglob("*rejects.ndjson"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]
