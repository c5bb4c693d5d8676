"""Runs that are stopped: by Ctrl-C, by their own limit of time, by a kill, by another run that holds the lock."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import time

import pytest

from conftest import BINARY, run
from projects import Project
from servers import Postgres, free_port

ROWS = 400
numbers = itertools.count()


@pytest.fixture(scope="module")
def server():
    with Postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def warehouse(request):
    return request.param


def make(server, tmp_path, warehouse, **job):
    """A project that copies a table, and a way to hold its reading up for as long as one likes."""
    table = f"source_{next(numbers)}"
    server.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, at int NOT NULL);"
                   f"INSERT INTO {table} SELECT i, i / 10 FROM generate_series(1, {ROWS}) AS i")
    job = {"table": table, "cursor": "at", **job}
    return Project(tmp_path, job, server.url(), warehouse, server, f"w{os.getpid()}_{next(numbers)}"), table


@contextlib.contextmanager
def locked(server, table):
    """Nobody can read `table`."""
    with server.connect() as blocker:
        blocker.autocommit = False
        blocker.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield blocker
        blocker.rollback()


def wait_for(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except Exception:  # The tables may not be there yet.
            pass
        time.sleep(0.02)
    pytest.fail(f"{what} did not come within {seconds} s")


def is_running(project):
    return "running" in project.statuses()


def ends(process, seconds):
    """Exit code and messages of a process that has to end soon."""
    started = time.monotonic()
    try:
        _, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail("it did not end")
    assert time.monotonic() - started < seconds, f"it took {time.monotonic() - started:.1f} s to end"
    return process.returncode, err.decode()


def nothing_half(project):
    """Nothing of a run that was stopped is left where somebody would take it for whole."""
    names = [path.name for path in (project.folder / "lake").rglob("*") if path.is_file()]
    assert not [name for name in names if name.endswith((".parquet", ".manifest.json"))], names


def right_after_rerun(project, statuses):
    project.succeed()
    assert project.rows("count(*), count(DISTINCT id)") == [(ROWS, ROWS)]
    assert project.statuses() == [*statuses, "success"]


def state_of_last_run(project):
    return json.loads(run("status", "--json", cwd=project.folder).text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_reading(server, tmp_path, warehouse, number):
    project, table = make(server, tmp_path, warehouse)
    with locked(server, table):
        process = project.start()
        wait_for(lambda: is_running(project), "the audit row")
        time.sleep(0.2)
        process.send_signal(number)
        code, err = ends(process, 5)
    assert code == 128 + number, err
    assert project.statuses() == ["cancelled"]
    nothing_half(project)
    assert "cancelled" in json.dumps(state_of_last_run(project))
    # Nobody of it is left in the server.
    wait_for(lambda: not server.execute("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'sluice%%' AND "
                                        f"query LIKE '%%{table}%%'"), "the end of its session")
    right_after_rerun(project, ["cancelled"])


def big_folder(tmp_path, rows):
    folder = tmp_path / "big"
    folder.mkdir()
    with open(folder / "big.csv", "w") as file:
        file.write("id,at,name\n")
        file.writelines(f"{i},{i // 10},name {i} {i * 7919 % 10007}\n" for i in range(1, rows + 1))
    return "./big"


@pytest.mark.parametrize("mode", ["append", "merge", "replace"])
def test_stopped_while_loading(server, tmp_path, warehouse, mode):
    """At a random moment of a run over many rows, after others were loaded."""
    rows = 300_000
    source = big_folder(tmp_path, 10)
    job = {"files": ["*.csv"], "mode": mode, "key": ["id"] if mode == "merge" else None}
    project = Project(tmp_path, job, source, warehouse, server, f"w{os.getpid()}_{next(numbers)}")
    project.succeed()
    (tmp_path / "big").rename(tmp_path / "small")
    big_folder(tmp_path, rows)
    process = project.start()
    wait_for(lambda: process.poll() is not None or any((tmp_path / "lake").rglob("*.parquet*big*")) or is_running(project),
             "the run")
    time.sleep(0.15)
    process.send_signal(signal.SIGINT)
    code, err = ends(process, 8)
    if code != 0:
        assert code == 130, err
        assert project.statuses() == ["success", "cancelled"]
        assert project.rows("count(*)") == [(10,)]
    project.succeed()
    assert project.rows("count(*), count(DISTINCT id)") == [(rows, rows)]


def test_second_interrupt_ends_at_once(server, tmp_path):
    """The warehouse does not answer, so that the run cannot end in good order: a second Ctrl-C does not wait for it."""
    project, table = make(server, tmp_path, "postgres")
    project.succeed()
    server.execute(f"INSERT INTO {table} VALUES (1000, 1000)")
    with project.server.connect(project.database) as blocker, locked(server, table):
        process = project.start()
        wait_for(lambda: is_running(project), "the audit row")
        blocker.autocommit = False
        blocker.execute("LOCK TABLE etl_audit_log IN ACCESS EXCLUSIVE MODE")
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        code, err = ends(process, 1)
        assert code in (130, -signal.SIGINT), err
        blocker.rollback()
    project.succeed()
    assert project.rows("count(*), count(DISTINCT id)") == [(ROWS + 1, ROWS + 1)]
    assert project.statuses()[-1] == "success" and "running" not in project.statuses()


def test_stopped_at_any_moment(server, tmp_path, rng):
    """However a Ctrl-C meets the statements of a run, the one that waits for a lock among them, it ends."""
    project, table = make(server, tmp_path, "postgres")
    with locked(server, table):
        for _ in range(12):
            process = project.start()
            time.sleep(rng.uniform(0.05, 0.5))
            process.send_signal(signal.SIGINT)
            code, err = ends(process, 5)
            assert code in (130, -signal.SIGINT), err
    project.succeed()
    assert project.rows("count(*), count(DISTINCT id)") == [(ROWS, ROWS)]
    assert "running" not in project.statuses()


@pytest.mark.parametrize("limit", [None, "3s"])
def test_stopped_while_waiting_to_try_again(server, tmp_path, warehouse, limit):
    """The source does not answer and the run sleeps until the next try: it can be stopped, and has its limit of time."""
    project, _ = make(server, tmp_path, warehouse, retries=5, retry_wait="60s", timeout=limit)
    project.write({"table": "t", "retries": 5, "retry_wait": "60s", "timeout": limit},
                  f"postgres://nobody@127.0.0.1:{free_port()}/postgres?sslmode=disable")
    process = project.start()
    wait_for(lambda: is_running(project), "the audit row")
    time.sleep(1)
    assert process.poll() is None
    if limit is None:
        process.send_signal(signal.SIGINT)
    code, err = ends(process, 5)
    assert code == (130 if limit is None else 124), err
    assert project.statuses() == ["cancelled" if limit is None else "failure"]


def test_limit_of_time(server, tmp_path, warehouse):
    project, table = make(server, tmp_path, warehouse, timeout="1s")
    with locked(server, table):
        started = time.monotonic()
        done = project.run()
        took = time.monotonic() - started
    assert done.code == 124, done.err
    assert took < 6
    assert "timeout" in done.err and "1.00 s" in done.err
    assert project.statuses() == ["failure"]
    assert done.answer["state"] == "timed-out"
    nothing_half(project)
    right_after_rerun(project, ["failure"])


def test_killed_run_is_shown_as_failed_and_found_dead(server, tmp_path, warehouse):
    project, table = make(server, tmp_path, warehouse)
    with locked(server, table):
        process = project.start()
        wait_for(lambda: is_running(project), "the audit row")
        shown = json.loads(run("runs", "--json", cwd=tmp_path).text)
        assert "running" in json.dumps(shown)
        process.kill()
        process.communicate()
        shown = json.dumps(json.loads(run("runs", "--json", cwd=tmp_path).text))
        assert '"failed"' in shown and '"running"' not in shown
    done = project.succeed()
    assert "dead" in done.err or "died" in done.err, done.err
    assert project.statuses() == ["died", "success"]
    assert project.audit()[0][1]
    assert project.rows("count(*), count(DISTINCT id)") == [(ROWS, ROWS)]


def test_second_run_is_refused_and_told_who_holds_the_lock(server, tmp_path, warehouse):
    project, table = make(server, tmp_path, warehouse)
    with locked(server, table):
        first = project.start()
        wait_for(lambda: is_running(project), "the audit row")
        second = project.run()
        assert second.code == 75, second.err
        assert "test.copy" in second.err and "hint:" in second.err
        if warehouse == "sqlite":
            assert f"process {first.pid}" in second.err
        assert second.answer["error"]["transient"] is True
    code, err = ends(first, 20)
    assert code == 0, err
    assert project.rows("count(*), count(DISTINCT id)") == [(ROWS, ROWS)]
    # Whoever was refused did nothing that the audit log would have to tell.
    assert project.statuses() == ["success"]


def test_second_run_waits_as_long_as_the_job_says(server, tmp_path, warehouse):
    project, table = make(server, tmp_path, warehouse, lock_wait="30s")
    with locked(server, table):
        first = project.start()
        wait_for(lambda: is_running(project), "the audit row")
        second = project.start()
        time.sleep(0.5)
        assert second.poll() is None
    for process in (first, second):
        code, err = ends(process, 20)
        assert code == 0, err
    assert project.rows("count(*), count(DISTINCT id)") == [(ROWS, ROWS)]
    assert project.statuses() == ["success", "success"]


def test_waiting_for_the_lock_can_be_stopped(server, tmp_path, warehouse):
    project, table = make(server, tmp_path, warehouse, lock_wait="60s")
    with locked(server, table):
        first = project.start()
        wait_for(lambda: is_running(project), "the audit row")
        second = project.start()
        time.sleep(0.5)
        second.send_signal(signal.SIGINT)
        code, err = ends(second, 3)
        assert code == 130, err
    assert ends(first, 20)[0] == 0


def test_lock_goes_with_a_killed_process(server, tmp_path, warehouse):
    project, table = make(server, tmp_path, warehouse)
    with locked(server, table):
        process = project.start()
        wait_for(lambda: is_running(project), "the audit row")
        process.kill()
        process.communicate()
    # PostgreSQL notices a client that is gone when it writes to it.
    wait_for(lambda: project.run().code == 0, "the lock", 10)
    assert project.rows("count(*), count(DISTINCT id)") == [(ROWS, ROWS)]


def test_ingest_without_a_project_is_stopped_alike(server, tmp_path):
    project, table = make(server, tmp_path, "sqlite")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with locked(server, table):
        process = subprocess.Popen([BINARY, "ingest", "--from", server.url(), "--table", table, "--into", "target"],
                                   cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        elsewhere = Project(folder, {"table": table}, server.url())
        wait_for(lambda: is_running(elsewhere), "the audit row")
        process.send_signal(signal.SIGINT)
        code, err = ends(process, 5)
        assert code == 130, err
    assert elsewhere.statuses() == ["cancelled"]
