"""Init jobs on a real PostgreSQL, held against its catalogue: what a role may do before and after, that twice is once, that
what fails leaves nothing half done, and that two at once do not collide."""

import hashlib
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import textwrap
import threading
import time

import psycopg
import pytest

from conftest import BINARY, ROOT, run
from pages import commands, normal
from servers import Postgres

HOSTILE = 'o\'Brien "; DROP ROLE x; -- ${nothing} $$ {region} ü\\'


@pytest.fixture(scope="module")
def server():
    with Postgres() as server:
        yield server


@pytest.fixture
def shop(server, tmp_path, request):
    return Shop(server, tmp_path, "init_" + str(abs(hash(request.node.nodeid)) % 10**9))


class Shop:
    """A project with one init job, and a database and a role of its own."""

    def __init__(self, server, folder, name):
        self.server, self.folder, self.database, self.role = server, folder, name, name + "_app"
        server.execute(f"CREATE DATABASE {name}")

    def execute(self, sql, parameters=None):
        return self.server.execute(sql, parameters, database=self.database)

    def write(self, steps, **keys):
        jobs = {"setup": {"kind": "init", "steps": steps, **keys}}
        self.write_jobs(jobs)

    def write_jobs(self, jobs):
        # JSON is YAML; a dollar sign stands for itself when it is doubled.
        text = json.dumps({"project": "shop", "warehouse": self.server.url(self.database), "jobs": jobs})
        (self.folder / "sluice.yaml").write_text(text)

    def file(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *words, code=0, **options):
        done = run("run", *(words or ("setup",)), cwd=self.folder, **options)
        assert done.code == code, f"exit code {done.code}\n{done.text}\n{done.err}"
        return done

    def steps(self, code=0, **options):
        answer = json.loads(self.run("setup", "--json", code=code, **options).text)
        return answer["setup"]["steps"]

    def dump(self):
        """The database and the roles as SQL, without what a dump says of itself."""
        dumps = []
        for program, words in [("pg_dump", ["--schema-only", self.database]), ("pg_dumpall", ["--roles-only"])]:
            done = subprocess.run(
                [self.server.binaries / program, "-h", "127.0.0.1", "-p", str(self.server.port), "-U", "postgres", *words],
                check=True, capture_output=True, text=True)
            dumps.append("\n".join(
                line for line in done.stdout.splitlines() if not line.startswith(("--", "\\restrict", "\\unrestrict"))))
        return "\n".join(dumps)

    def as_role(self, sql, role=None, password=None):
        """Runs a statement as a role that logs in."""
        with psycopg.connect(
                host="127.0.0.1", port=self.server.port, dbname=self.database, user=role or self.role,
                password=password, autocommit=True) as connection:
            connection.execute(sql)


def grant(role, *rights, **keys):
    return {"step": "grant-roles", "identity": role, "rights": list(rights or ("read", "write", "ddl")), **keys}


# MARK: Rights

def test_a_role_can_select_insert_and_create_afterwards_and_not_before(shop):
    shop.execute("CREATE TABLE orders (id serial PRIMARY KEY, note text)")
    shop.server.execute(f"CREATE ROLE {shop.role} LOGIN")
    statements = ["SELECT * FROM orders", "INSERT INTO orders (note) VALUES ('x')", "CREATE TABLE own (a int)"]
    for statement in statements:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.as_role(statement)
    shop.write([grant(shop.role)])
    done = shop.run()
    assert done.err.splitlines()[:2] == ["=== Starting Job: setup ===", "Step 1: grant-roles"]
    assert "✓ Job completed successfully!" in done.err
    for statement in statements:
        shop.as_role(statement)
    # Tables yet to come are covered too, those of the role that granted.
    shop.execute("CREATE TABLE later (id serial, note text)")
    shop.as_role("INSERT INTO later (note) VALUES ('y')")


def test_rights_are_no_more_than_what_was_asked_for(shop):
    shop.execute("CREATE TABLE orders (id int); CREATE SCHEMA other; CREATE TABLE other.t (a int)")
    shop.write([grant(shop.role, "read")])
    shop.run()
    shop.as_role("SELECT * FROM orders")
    for statement in ["INSERT INTO orders VALUES (1)", "CREATE TABLE own (a int)", "SELECT * FROM other.t", "TRUNCATE orders"]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.as_role(statement)


def test_twice_is_the_same_state_and_says_so(shop):
    shop.execute("CREATE TABLE orders (id serial)")
    shop.file("migrations/1_a.sql", "CREATE TABLE a (x int);")
    shop.file("seed/c.csv", "code,name\nDE,Germany\nFR,France\n")
    shop.write([
        {"step": "check", "roles": ["postgres"], "version": "12"},
        {"step": "migrate", "folder": "migrations"},
        {"step": "seed", "files": "seed/c.csv", "into": "countries", "key": "code"},
        grant(shop.role),
        {"step": "command", "run": ["touch", "made"], "check": ["test", "-e", "made"]}])
    assert [step["state"] for step in shop.steps()] == ["checked", "done", "done", "done", "done"]
    dump = shop.dump()
    done = shop.run()
    assert shop.dump() == dump
    assert done.err.count("already done: ") == 4 and done.err.count("checked: ") == 1
    assert "✓ Job completed successfully!" in done.err
    assert shop.execute("SELECT count(*) FROM countries") == [(2,)]


def test_a_plan_says_what_would_be_done_and_changes_nothing(shop):
    shop.execute("CREATE TABLE orders (id serial)")
    shop.file("migrations/1_a.sql", "CREATE TABLE a (x int);")
    shop.file("seed/c.csv", "code,name\nDE,Germany\n")
    shop.write([
        {"step": "migrate", "folder": "migrations"},
        {"step": "seed", "files": "seed/c.csv", "into": "countries", "key": "code"},
        grant(shop.role), {"step": "command", "run": ["touch", "made"]}])
    before = shop.dump()
    done = run("plan", "setup", "--detailed-exit-code", cwd=shop.folder)
    assert done.code == 2, done.err
    assert "1. migrate: to do\n    run 1_a.sql (" in done.text
    assert f"create the role {shop.role}" in done.text and "load seed/c.csv into countries" in done.text
    assert done.text.endswith("Plan: 4 steps to do\n")
    assert shop.dump() == before and not (shop.folder / "made").exists()
    shop.run()
    done = run("plan", "setup", "--detailed-exit-code", "--json", cwd=shop.folder)
    states = [step["state"] for step in json.loads(done.text)["jobs"][0]["setup"]["steps"]]
    assert states == ["already-done", "already-done", "already-done", "planned"]


def test_hostile_names_and_passwords_are_only_names_and_passwords(shop):
    role, password = "x" + HOSTILE[:40], "p;w'\"$1 ${x} \\ü€ hunter2secret"
    schema = 's"; DROP TABLE orders; --'
    shop.execute('CREATE SCHEMA "s""; DROP TABLE orders; --"; CREATE TABLE "s""; DROP TABLE orders; --"."t\'""" (a int)')
    shop.execute("CREATE TABLE orders (id int)")
    text = json.dumps({
        "project": "shop", "warehouse": shop.server.url(shop.database),
        "jobs": {"setup": {"kind": "init", "steps": [
            grant(role.replace("$", "$$"), "read", schemas=[schema], password="${secret.app-password}")]}}})
    (shop.folder / "sluice.yaml").write_text(text)
    done = shop.run("setup", "-v", env={"APP_PASSWORD": password})
    stored = shop.server.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (role,))
    assert stored[0][0].startswith("SCRAM-SHA-256$")
    shop.as_role('SELECT * FROM "s""; DROP TABLE orders; --"."t\'"""', role=role, password=password)
    assert shop.execute("SELECT count(*) FROM orders") == [(0,)]
    # Neither answer nor log nor history nor the server's log has the password.
    texts = [done.text, done.err] + [
        path.read_bytes().decode("utf-8", "replace") for path in (shop.folder / ".sluice").rglob("*") if path.is_file()]
    texts.append((shop.server.folder / "log").read_text())
    assert not any("hunter2secret" in text for text in texts)
    assert "already done" in shop.run(env={"APP_PASSWORD": password}).err


def test_a_password_that_has_changed_is_set_again(server, tmp_path):
    """With a server that asks for passwords: with `trust` every password is right."""
    with Postgres() as guarded:
        hba = guarded.data / "pg_hba.conf"
        hba.write_text("host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        guarded.execute("SELECT pg_reload_conf()")
        shop = Shop(guarded, tmp_path, "guarded")
        shop.write([grant(shop.role, "read", password="${secret.app-password}")])
        assert shop.steps(env={"APP_PASSWORD": "first-password"})[0]["state"] == "done"
        assert shop.steps(env={"APP_PASSWORD": "first-password"})[0]["state"] == "already-done"
        shop.as_role("SELECT 1", password="first-password")
        assert shop.steps(env={"APP_PASSWORD": "second-password"})[0]["state"] == "done"
        shop.as_role("SELECT 1", password="second-password")
        with pytest.raises(psycopg.OperationalError):
            shop.as_role("SELECT 1", password="first-password")


def test_azures_function_makes_the_role_where_there_is_one(shop):
    shop.execute("""
        CREATE TABLE calls (name text, admin bool, mfa bool);
        CREATE FUNCTION pgaadauth_create_principal(name text, admin bool, mfa bool) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO calls VALUES (name, admin, mfa);
            EXECUTE format('CREATE ROLE %I LOGIN', name);
            RETURN 'Created role for ' || name;
        END $$""")
    shop.write([grant(shop.role)])
    assert shop.steps()[0]["state"] == "done"
    assert shop.execute("SELECT * FROM calls") == [(shop.role, False, False)]
    assert shop.steps()[0]["state"] == "already-done"
    assert shop.execute("SELECT count(*) FROM calls") == [(1,)]


def test_rights_that_the_granter_cannot_give_are_no_success(shop):
    """PostgreSQL only warns when a grant gives nothing: the second look finds out."""
    shop.execute("CREATE TABLE orders (id int)")
    shop.server.execute(f"CREATE ROLE {shop.role}_weak LOGIN CREATEROLE; CREATE ROLE {shop.role} LOGIN")
    shop.execute(f"GRANT CREATE ON DATABASE {shop.database} TO {shop.role}_weak")
    text = json.dumps({
        "project": "shop", "warehouse": shop.server.url(shop.database).replace("postgres@", f"{shop.role}_weak@"),
        "jobs": {"setup": {"kind": "init", "steps": [grant(shop.role, "read")]}}})
    (shop.folder / "sluice.yaml").write_text(text)
    before = shop.dump()
    done = run("run", "setup", cwd=shop.folder)
    assert done.code != 0 and "✓" not in done.err
    assert "orders" in done.err
    assert shop.dump() == before or "still something to do" in done.err


def test_tables_of_others_that_cannot_be_covered_are_told(shop):
    shop.server.execute(f"CREATE ROLE {shop.role}_owner; CREATE ROLE {shop.role}_admin LOGIN CREATEROLE")
    shop.execute(f"CREATE TABLE theirs (a int); ALTER TABLE theirs OWNER TO {shop.role}_owner; "
                 f"GRANT ALL ON SCHEMA public TO {shop.role}_admin WITH GRANT OPTION; "
                 f"GRANT ALL ON theirs TO {shop.role}_admin WITH GRANT OPTION; "
                 f"GRANT ALL ON DATABASE {shop.database} TO {shop.role}_admin WITH GRANT OPTION")
    (shop.folder / "sluice.yaml").write_text(json.dumps({
        "project": "shop", "warehouse": shop.server.url(shop.database).replace("postgres@", f"{shop.role}_admin@"),
        "jobs": {"setup": {"kind": "init", "steps": [grant(shop.role, "read")]}}}))
    assert f"tables that {shop.role}_owner will make are not covered" in shop.run().err
    shop.as_role("SELECT * FROM theirs")


# MARK: What fails

@pytest.mark.parametrize("transaction", ["each", "all"])
def test_a_failing_step_leaves_nothing_half_done(shop, transaction):
    shop.file("migrations/1.sql", "CREATE TABLE first (a int);")
    shop.file("migrations/2.sql", "CREATE TABLE second (a int); INSERT INTO second VALUES (1); SELECT 1/0;")
    shop.file("migrations/3.sql", "CREATE TABLE third (a int);")
    shop.write([{"step": "migrate", "folder": "migrations", "transaction": transaction}, grant(shop.role),
                {"step": "command", "run": ["touch", "made"]}])
    done = shop.run("setup", "--json", code=1)
    assert "✓" not in done.err and "division by zero" in done.err and "2.sql" in done.err
    assert "Step 2: grant-roles: not run: step 1 failed" in done.err
    answer = json.loads(done.text)
    assert answer["status"] == "failure"
    assert [step["state"] for step in answer["setup"]["steps"]] == ["failed", "not-run", "not-run"]
    tables = [row[0] for row in shop.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
    kept = ["1.sql"] if transaction == "each" else []
    assert tables == (["first", "sluice_migrations"] if kept else ["sluice_migrations"])
    assert [row[0] for row in shop.execute("SELECT name FROM sluice_migrations")] == kept
    assert not (shop.folder / "made").exists()
    assert shop.server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (shop.role,)) == []
    # The history tells it step by step.
    status = json.loads(run("status", "--json", cwd=shop.folder).text)["run"]
    assert status["state"] == "failed" and [step["state"] for step in status["steps"]] == ["failed", "not-run", "not-run"]
    # Mended, it goes on where it was.
    shop.file("migrations/2.sql", "CREATE TABLE second (a int);")
    assert [step["state"] for step in shop.steps()] == ["done", "done", "done"]


@pytest.mark.parametrize("text, line", [
    ("CREATE TABLE a (x int);\n-- ü\nCREATE TABLE b (x nosuchtype);\n", 3), ("\n\nSELEKT 1;", 3),
    ("-- sluice: no transaction\nSELECT 1;\n\nSELECT * FROM nothing_here;", 4)])
def test_what_is_wrong_in_a_file_is_told_with_its_line(shop, text, line):
    shop.file("m/1.sql", text)
    shop.write([{"step": "migrate", "folder": "m"}])
    assert f"m/1.sql: line {line}: " in shop.run(code=1).err


def test_a_server_that_is_not_there_is_no_success(shop):
    """The old job ended as succeeded whatever happened."""
    (shop.folder / "sluice.yaml").write_text(json.dumps({
        "project": "shop", "warehouse": "postgres://postgres@127.0.0.1:1/none",
        "jobs": {"setup": {"kind": "init", "steps": [grant("x")]}}}))
    done = run("run", "setup", cwd=shop.folder)
    assert done.code == 75 and "✓" not in done.err and "127.0.0.1" in done.err
    assert run("plan", "setup", cwd=shop.folder).code == 75


def test_a_changed_file_is_refused_with_both_checksums(shop):
    shop.file("m/1.sql", "CREATE TABLE a (x int);")
    shop.write([{"step": "migrate", "folder": "m"}])
    shop.run()
    (old,), = shop.execute("SELECT checksum FROM sluice_migrations")
    shop.file("m/1.sql", "CREATE TABLE a (x bigint);")
    done = shop.run(code=1)
    assert old in done.err and done.err.count("1.sql") >= 1 and "has changed" in done.err
    assert hashlib.sha256(b"CREATE TABLE a (x bigint);").hexdigest() in done.err
    # Line ends of other systems change nothing.
    (shop.folder / "m/1.sql").write_bytes(b"CREATE TABLE a (x int);")
    shop.run()


def test_a_new_file_that_comes_too_late_is_refused_unless_allowed(shop):
    shop.file("m/2.sql", "CREATE TABLE b (x int);")
    shop.write([{"step": "migrate", "folder": "m"}])
    shop.run()
    shop.file("m/1.sql", "CREATE TABLE a (x int);")
    assert "new files come before 2.sql, which has been run: 1.sql" in shop.run(code=1).err
    shop.write([{"step": "migrate", "folder": "m", "out_of_order": "allow"}])
    assert "out of order, before 2.sql: 1.sql" in shop.run().err
    assert shop.execute("SELECT count(*) FROM sluice_migrations") == [(2,)]


@pytest.mark.parametrize("text, code", [
    ("BEGIN; CREATE TABLE a (x int); COMMIT;", 4), ("CREATE TABLE a (x int);\nROLLBACK;", 4),
    ("CREATE TABLE a (x int);\nEND;", 1)])
def test_a_file_that_ends_its_transaction_is_refused(shop, text, code):
    shop.file("m/1.sql", text)
    shop.write([{"step": "migrate", "folder": "m"}])
    done = shop.run(code=code)
    assert "transaction" in done.err and "1.sql" in done.err


def test_what_no_transaction_may_be_around_is_run_without_one(shop):
    shop.file("m/1.sql", "CREATE TABLE a (x int);")
    shop.file("m/2.sql", "-- sluice: no transaction\nCREATE INDEX CONCURRENTLY i ON a (x);\nVACUUM a;")
    shop.write([{"step": "migrate", "folder": "m"}])
    shop.run()
    assert shop.execute("SELECT 1 FROM pg_indexes WHERE indexname = 'i'") == [(1,)]


def test_what_a_file_sets_is_for_that_file(shop):
    shop.file("m/1.sql", "CREATE SCHEMA s; SET search_path = s; CREATE TABLE a (x int); CREATE ROLE r_%s; SET ROLE r_%s;"
              % (shop.database, shop.database))
    shop.file("m/2.sql", "CREATE TABLE b (x int);")
    shop.write([{"step": "migrate", "folder": "m"}])
    shop.run()
    tables = shop.execute("SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename IN ('a', 'b') ORDER BY 1")
    assert tables == [("public.b",), ("s.a",)]


# MARK: Two at once, and deaths

def test_two_at_once_do_not_collide(shop):
    shop.file("m/1.sql", "SELECT pg_sleep(2); CREATE TABLE a (x int);")
    shop.write([{"step": "migrate", "folder": "m"}, grant(shop.role)])
    children = [subprocess.Popen([BINARY, "run", "setup"], cwd=shop.folder, stderr=subprocess.PIPE, text=True)
                for _ in range(2)]
    ends = [(child.communicate()[1], child.returncode) for child in children]
    codes = sorted(code for _, code in ends)
    assert codes == [0, 75], ends
    refused = next(text for text, code in ends if code == 75)
    assert "another run of shop.setup is under way" in refused and "✓" not in refused
    # With patience both succeed, and the second finds all of it done.
    shop.write([{"step": "migrate", "folder": "m"}, grant(shop.role)], lock_wait="30s")
    shop.file("m/2.sql", "SELECT pg_sleep(1); CREATE TABLE b (x int);")
    children = [subprocess.Popen([BINARY, "run", "setup"], cwd=shop.folder, stderr=subprocess.PIPE, text=True)
                for _ in range(2)]
    assert [child.communicate() and child.returncode for child in children] == [0, 0]
    assert shop.execute("SELECT count(*) FROM sluice_migrations") == [(2,)]


def test_two_machines_at_once_do_not_collide(shop, tmp_path):
    """Another folder knows nothing of the first one's lock file; the database's lock keeps them apart."""
    shop.file("m/1.sql", "SELECT pg_sleep(2); CREATE TABLE a (x int);")
    shop.write([{"step": "migrate", "folder": "m"}])
    other = tmp_path / "other"

    other.mkdir()
    (other / "m").mkdir()
    for name in ["sluice.yaml", "m/1.sql"]:
        (other / name).write_text((shop.folder / name).read_text())
    children = [subprocess.Popen([BINARY, "run", "setup"], cwd=folder, stderr=subprocess.PIPE, text=True)
                for folder in (shop.folder, other)]
    ends = [(child.communicate()[1], child.returncode) for child in children]
    assert sorted(code for _, code in ends) == [0, 75], ends
    assert shop.execute("SELECT count(*) FROM sluice_migrations") == [(1,)]


def test_two_jobs_may_grant_the_same_role_at_once(shop):
    shop.execute("".join(f"CREATE TABLE t{number} (a int);" for number in range(40)))
    shop.write_jobs({name: {"kind": "init", "steps": [grant(shop.role)]} for name in "abcd"})
    shop.run("--all", "--jobs", "4")
    shop.as_role("SELECT * FROM t7")


@pytest.mark.parametrize("fault", ["init.migration.before", "init.migration.after", "init.migration.after:2",
                                   "init.step.acted", "init.step.done", "init.step.done:2"])
def test_killed_at_any_step_the_same_command_finishes_the_work(shop, fault):
    shop.file("m/1.sql", "CREATE TABLE a (x int);")
    shop.file("m/2.sql", "CREATE TABLE b (x int);")
    shop.write([{"step": "migrate", "folder": "m"}, grant(shop.role), {"step": "check", "roles": [shop.role]}])
    assert run("run", "setup", cwd=shop.folder, env={"SLUICE_FAULT": fault}).code == -9
    status = json.loads(run("status", "--json", cwd=shop.folder).text)["run"]
    assert status["state"] == "failed"
    states = [step["state"] for step in shop.steps()]
    assert set(states) <= {"done", "already-done", "checked"} and len(states) == 3
    assert [row[0] for row in shop.execute("SELECT name FROM sluice_migrations ORDER BY 1")] == ["1.sql", "2.sql"]
    assert [step["state"] for step in shop.steps()] == ["already-done", "already-done", "checked"]


def test_killed_in_the_middle_of_a_file_nothing_of_it_is_kept(shop):
    shop.file("m/1.sql", "CREATE TABLE a (x int); SELECT pg_sleep(60);")
    shop.write([{"step": "migrate", "folder": "m"}])
    child = subprocess.Popen([BINARY, "run", "setup"], cwd=shop.folder, stderr=subprocess.DEVNULL)
    while not shop.server.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(60)%%' AND datname = %s "
                                  "AND state = 'active' AND pid <> pg_backend_pid()", (shop.database,)):
        time.sleep(0.05)
    child.kill()
    child.wait()
    shop.server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (shop.database,))
    assert shop.execute("SELECT to_regclass('a')") == [(None,)]
    shop.file("m/1.sql", "CREATE TABLE a (x int);")
    shop.run()


def test_ctrl_c_ends_the_command_and_its_children(shop):
    script = "sleep 300 & echo $! > child; wait"
    shop.write([{"step": "command", "run": ["sh", "-c", script]}, {"step": "command", "run": ["touch", "made"]}])
    child = subprocess.Popen([BINARY, "run", "setup"], cwd=shop.folder, stderr=subprocess.PIPE, text=True)
    while not (shop.folder / "child").exists() or not (shop.folder / "child").read_text().strip():
        time.sleep(0.05)
    sleeper = int((shop.folder / "child").read_text())
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130 and "✓" not in said, said
    for _ in range(100):
        if not os.path.exists(f"/proc/{sleeper}") or ") Z" in open(f"/proc/{sleeper}/stat").read():
            break
        time.sleep(0.05)
    else:
        pytest.fail("the child of the child is still there")
    status = json.loads(run("status", "--json", cwd=shop.folder).text)["run"]
    assert status["state"] == "cancelled" and [step["state"] for step in status["steps"]] == ["failed", "not-run"]


# MARK: Checks, commands, regions, seeds

def test_a_check_tells_all_that_is_wrong_each_with_its_remedy(shop):
    shop.write([{"step": "check", "host": "127.0.0.1", "port": 1, "secrets": ["not-there"], "roles": ["nobody-here"],
                 "extensions": ["plpgsql", "no_such_extension"], "version": "99"}])
    done = run("run", "setup", cwd=shop.folder)
    assert done.code != 0
    for text in ["5 things are not", "127.0.0.1:1 cannot be reached", "nothing listens there", "NOT_THERE",
                 'no role "nobody-here"', "make it with a grant-roles step", "no_such_extension",
                 "at least 99 is needed", "update the server"]:
        assert text in done.err, text


def test_a_check_that_holds_says_what_it_saw(shop):
    shop.write([{"step": "check", "host": "127.0.0.1", "port": shop.server.port, "secrets": "there",
                 "roles": "postgres", "extensions": "plpgsql", "version": "12"}])
    message = shop.steps(env={"THERE": "value-of-it"})[0]["message"]
    assert f"127.0.0.1:{shop.server.port} answers" in message and "PostgreSQL" in message and "value-of-it" not in message
    shop.write([{"step": "check", "tls": True, "on": shop.server.url(shop.database)}])
    assert "not encrypted" in run("run", "setup", cwd=shop.folder).err


def test_certificates_are_checked(shop, tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(client, server_side=True).close()
            except OSError:
                pass
    threading.Thread(target=serve, daemon=True).start()
    port = listener.getsockname()[1]
    trusted = {"SSL_CERT_FILE": str(cert)}
    shop.write([{"step": "check", "host": "localhost", "port": port, "tls": True}])
    assert "with a certificate of its name, TLSv1." in shop.steps(env=trusted)[0]["message"]
    assert "not to be trusted" in shop.run(code=5).err
    shop.write([{"step": "check", "host": "127.0.0.1", "port": port, "tls": True}])
    assert "not to be trusted" in shop.run(code=5, env=trusted).err
    shop.write([{"step": "check", "host": "127.0.0.1", "port": shop.server.port, "tls": True}])
    assert "does not speak TLS" in shop.run(code=1, env=trusted).err
    listener.close()


def test_a_commands_output_is_in_the_log_without_secrets(shop):
    script = 'echo "connecting with $TOKEN_X"; echo "$TOKEN_X" >&2; exit ${CODE}'
    steps = [{"step": "command", "run": ["sh", "-c", script.replace("${", "$${")], "needs": ["sh", "python3 >= 3.5"],
              "env": {"TOKEN_X": "${secret.token}", "CODE": "0"}}]
    shop.write(steps)
    shop.run(env={"TOKEN": "tops3cret-value"})
    log = run("logs", cwd=shop.folder).text
    assert "connecting with ***" in log and "tops3cret" not in log
    steps[0]["env"]["CODE"] = "9"
    shop.write(steps)
    done = shop.run(code=1, env={"TOKEN": "tops3cret-value"})
    assert "ended with exit code 9" in done.err and "tops3cret" not in done.err and "✓" not in done.err
    shop.write([{"step": "command", "run": ["true"], "needs": ["python3 >= 99"]}])
    assert "at least 99 is needed" in shop.run(code=1).err
    shop.write([{"step": "command", "run": ["no-such-program"]}])
    assert "the program no-such-program is not there" in shop.run(code=1).err


def test_what_takes_too_long_is_stopped(shop):
    shop.write([{"step": "command", "run": ["sleep", "60"], "timeout": "300ms"}])
    start = time.monotonic()
    assert "took longer than 300 ms" in shop.run(code=124).err
    assert time.monotonic() - start < 20
    shop.file("m/1.sql", "CREATE TABLE a (x int); SELECT pg_sleep(60);")
    shop.write([{"step": "migrate", "folder": "m"}], timeout="1s")
    assert "took longer" in shop.run(code=124).err
    assert shop.execute("SELECT to_regclass('a')") == [(None,)]


def test_regions_have_an_outcome_each(shop):
    script = "test {region} != bad && echo {size} > {region}.txt"
    shop.write([
        {"step": "regions", "regions": ["bad", "good"], "values": {"bad": {"size": "1"}, "good": {"size": "2"}},
         "steps": [{"step": "command", "name": "make", "run": ["sh", "-c", script]},
                   {"step": "check", "secrets": "there"}]},
        {"step": "command", "run": ["touch", "behind"]}])
    steps = shop.steps(code=1, env={"THERE": "yes!"})
    assert [(step["region"], step["state"]) for step in steps] == [
        ("bad", "failed"), ("bad", "not-run"), ("good", "done"), ("good", "checked"), (None, "not-run")]
    assert (shop.folder / "good.txt").read_text() == "2\n" and not (shop.folder / "behind").exists()


@pytest.mark.parametrize("name, text", [
    ("c.csv", "code,name\nDE,Germany\nFR,France\n"), ("c.ndjson", '{"code": "DE", "name": "Germany"}\n{"code": "FR", "name": "France"}\n')])
def test_seeds_add_what_is_missing_and_update_what_has_changed(shop, name, text):
    shop.file(name, text)
    shop.write([{"step": "seed", "files": name, "into": "countries", "key": "code"}])
    assert shop.steps()[0]["message"].startswith("2 rows inserted")
    assert shop.steps()[0]["state"] == "already-done"
    shop.execute("INSERT INTO countries (code, name) VALUES ('XX', 'kept')")
    shop.file(name, text.replace("France", "République"))
    assert shop.steps()[0]["state"] == "done"
    found = shop.execute("SELECT code, name FROM countries ORDER BY code")
    assert found == [("DE", "Germany"), ("FR", "République"), ("XX", "kept")]
    # A table that has been emptied, or is gone, is filled again.
    for statement in ["DELETE FROM countries", "DROP TABLE countries"]:
        shop.execute(statement)
        assert shop.steps()[0]["state"] == "done"
        assert shop.execute("SELECT count(*) FROM countries") == [(2,)]


def test_a_seed_with_a_bad_row_loads_nothing(shop):
    shop.file("c.csv", "code,size\nDE,1\nFR,many\n")
    shop.write([{"step": "seed", "files": "c.csv", "into": "countries", "key": "code", "types": {"size": "int64"}}])
    assert "✓" not in run("run", "setup", cwd=shop.folder).err
    assert shop.execute("SELECT to_regclass('countries')") == [(None,)]


def test_sqlite_is_migrated_and_seeded_too(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/1.sql").write_text(
        "CREATE TABLE a (x INTEGER);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET x = x + 1; END;\n")
    (tmp_path / "c.csv").write_text("code,name\nDE,Germany\n")
    (tmp_path / "sluice.yaml").write_text(json.dumps({"project": "shop", "jobs": {"setup": {"kind": "init", "steps": [
        {"step": "migrate", "folder": "m"}, {"step": "seed", "files": "c.csv", "into": "countries", "key": "code"},
        {"step": "check", "version": "3.30"}]}}}))
    assert run("plan", "setup", cwd=tmp_path).code == 0
    with sqlite3.connect(tmp_path / "warehouse.db") as database:
        assert database.execute("SELECT name FROM sqlite_schema").fetchall() == []
    for states in [["done", "done", "checked"], ["already-done", "already-done", "checked"]]:
        done = run("run", "setup", "--json", cwd=tmp_path)
        assert [step["state"] for step in json.loads(done.text)["setup"]["steps"]] == states, done.err
    (tmp_path / "m/2.sql").write_text("CREATE TABLE b (x INTEGER); CREATE TABLE a (y INTEGER);")
    done = run("run", "setup", cwd=tmp_path)
    assert done.code == 1 and "already exists" in done.err and "✓" not in done.err
    with sqlite3.connect(tmp_path / "warehouse.db") as database:
        assert database.execute("SELECT name FROM sqlite_schema WHERE name = 'b'").fetchall() == []
        assert database.execute("SELECT name FROM sluice_migrations").fetchall() == [("1.sql",)]
    done = run("run", "setup", "--full-refresh", cwd=tmp_path)
    assert done.code == 64


def test_the_page_shows_what_granting_says(shop):
    """SLUICE_DOCS=write puts what is said into the page."""
    path = ROOT / "docs/init.md"
    page = path.read_text()
    settings = re.search(r"## Rights of a role\n\n```yaml\n(.*?)```", page, re.S)[1]
    block = re.search(r"<!-- grants:[^\n]* -->\n```console\n(.*?)```\n<!-- /grants -->", page, re.S)
    shop.execute("CREATE TABLE orders (id serial PRIMARY KEY)")
    (shop.folder / "sluice.yaml").write_text(
        f"project: shop\nwarehouse: {shop.server.url(shop.database)}\njobs:\n" + textwrap.indent(settings, "  "))
    printed = ""
    try:
        for command, _ in commands(block[1]):
            done = subprocess.run([BINARY, *command.split()[1:]], cwd=shop.folder, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=True)
            printed += ("\n" if printed else "") + f"$ {command}\n{done.stdout}"
    finally:
        shop.execute("DROP OWNED BY \"shop-app\"")
        shop.server.execute("DROP ROLE \"shop-app\"")
    if os.environ.get("SLUICE_DOCS") == "write":
        path.write_text(page[:block.start(1)] + printed + page[block.end(1):])
    else:
        assert normal(printed.strip()) == normal(block[1].strip())
