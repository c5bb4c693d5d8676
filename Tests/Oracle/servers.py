"""Real servers for tests and benchmarks: each in a temporary folder, on a free port of loopback, stopped with its owner."""

import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

import psycopg


def free_port():
    """A port that nobody listens on, as the kernel picks it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Postgres:
    """A PostgreSQL cluster of one's own. As root it runs as the user `postgres`, since it refuses to be root."""

    def __init__(self, durable=False, **settings):
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
        self.binaries = versions[-1].parent
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-pg-"))
        self.port = free_port()
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder,
                   "max_connections": 60, **settings}
        if not durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        self.options = " ".join(f"-c {name}={value}" for name, value in options.items())
        self.start()

    @property
    def data(self):
        return self.folder / "data"

    def _run(self, program, *arguments):
        command = [self.binaries / program, *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # The server that pg_ctl starts keeps what it is given open, so it is given nothing that somebody waits for.
        with open(self.folder / "setup.log", "ab") as log:
            subprocess.run(list(map(str, command)), check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self):
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", self.folder / "log", "-o", self.options, "start")

    def crash(self):
        """Ends the server as if it had died; `start` brings it back."""
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def url(self, database="postgres", port=None):
        return f"postgres://postgres@127.0.0.1:{port or self.port}/{database}?sslmode=disable"

    def connect(self, database="postgres"):
        return psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres dbname={database}", autocommit=True)

    def execute(self, sql, parameters=None, database="postgres"):
        """Runs statements; the rows of the last one, if it has any."""
        with self.connect(database) as connection:
            cursor = connection.execute(sql, parameters)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def stop(self):
        try:
            self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class MariaDB:
    """A MariaDB server of one's own, with a database `shop` and a user whose password has what connection strings trip on."""

    user, password = "tester", "p;w{o}r'd=\" ü€"

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-maria-"))
        self.port = free_port()
        program = Path(__file__).resolve().parents[1] / "TestServers/Programs/mariadb.py"
        self.child = subprocess.Popen(
            ["python3", program, self.folder / "server", str(self.port), self.user, self.password],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder.chmod(0o755)
        said = self.child.stdout.readline()
        if not said.startswith("ready"):
            raise RuntimeError(said)

    def url(self, database="shop"):
        return f"mysql://{self.user}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements, database="shop"):
        """Runs statements as SQL text by the server's own client."""
        subprocess.run(
            ["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(self.port), "-u", self.user, "--binary-mode",
             "--default-character-set=utf8mb4", database],
            input=";\n".join(statements), check=True, text=True, env={**os.environ, "MYSQL_PWD": self.password})

    def stop(self):
        self.child.stdin.close()
        self.child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class CuttingProxy:
    """Stands between a client and a server, and cuts a connection after so many bytes went through, as a network would.

    `cuts` says after how many bytes each further connection is cut, in the order in which they are made; those behind
    the list live.
    """

    def __init__(self, port, cuts=()):
        self.target = port
        self.cuts = list(cuts)
        self.carried = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            budget = [self.cuts.pop(0) if self.cuts else None]
            lock = threading.Lock()
            for source, sink in [(client, server), (server, client)]:
                threading.Thread(target=self._carry, args=(source, sink, budget, lock), daemon=True).start()

    def _carry(self, source, sink, budget, lock):
        try:
            while data := source.recv(16384):
                with lock:
                    self.carried += len(data)
                    if budget[0] is not None:
                        data, rest = data[:budget[0]], data[budget[0]:]
                        budget[0] -= len(data)
                        if rest or budget[0] == 0:
                            sink.sendall(data)
                            break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def content_hash(rows):
    """A hash of rows that does not depend on their order."""
    return hash(tuple(sorted(map(repr, rows)))), len(rows)


def random_cuts(rng: random.Random, total, count=3):
    """Places within `total` bytes, most of them late, where the commit is."""
    return [int(total * rng.random() ** 0.5) for _ in range(count)]
