"""`sluice doctor`: each fault that is made on purpose is named by its row, with what to do; without faults nothing is."""

import json
import os
import signal
import subprocess
import time

import pytest

from conftest import BINARY, run


def setup(folder, jobs, **more):
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "orders.csv").write_text("id,n\n1,2\n")
    (folder / "sluice.yaml").write_text(json.dumps({"project": "shop", "jobs": jobs, **more}))
    return folder


ORDERS = {"kind": "ingest", "from": "./in", "files": "*.csv"}


def doctor(folder, *words, code=None, env=None):
    """The rows by subject, and whether all is well."""
    done = run("doctor", *words, "--json", cwd=folder, env=env)
    if code is not None:
        assert done.code == code, done.err + done.text
    answer = json.loads(done.text)
    assert answer["healthy"] == (done.code == 0)
    assert answer["healthy"] == all(row["outcome"] != "failed" for row in answer["rows"])
    return {row["subject"]: row for row in answer["rows"]}


def only(rows):
    """The one row that failed."""
    failed = [row for row in rows.values() if row["outcome"] == "failed"]
    assert len(failed) == 1, failed
    assert failed[0]["remedy"], failed
    return failed[0]


def test_a_project_in_order_has_no_fault(tmp_path):
    setup(tmp_path, {"orders": ORDERS})
    rows = doctor(tmp_path, "orders", code=0)
    assert list(rows) == [
        "project", "connection ./in", "lake", "warehouse", "platform local: folder of runs", "last run"]
    assert rows["last run"]["outcome"] == "not-asked"
    assert run("run", "orders", cwd=tmp_path).code == 0
    assert "succeeded" in doctor(tmp_path, "orders", code=0)["last run"]["finding"]
    shown = run("doctor", "orders", cwd=tmp_path)
    assert shown.text.splitlines()[0] == "✓ project: sluice.yaml is valid"
    assert "nothing is wrong" in shown.err


def test_a_project_that_does_not_read_is_the_fault(tmp_path):
    setup(tmp_path, {"orders": {"kind": "ingest", "form": "./in"}})
    rows = doctor(tmp_path, "orders", code=4)
    assert rows["project"]["outcome"] == "failed" and "sluice.yaml:1" in rows["project"]["finding"]
    assert rows["everything else"]["outcome"] == "not-asked"


def test_variables_are_told_by_name_and_never_by_value(tmp_path):
    setup(tmp_path, {"orders": {
        **ORDERS, "from": "./${env.FOLDER}", "files": "${env.FILES:-*.csv}", "description": "${env.TITLE}"}})
    rows = doctor(tmp_path, code=4, env={"FOLDER": "in"})
    row = rows["environment variables"]
    assert row["finding"] == "set: FOLDER; by default: FILES; missing: TITLE" and ".env" in row["remedy"]
    rows = doctor(tmp_path, code=0, env={"FOLDER": "in", "TITLE": "marked-value"})
    assert rows["environment variables"]["finding"] == "set: FOLDER, TITLE; by default: FILES"
    assert "marked-value" not in json.dumps(rows["environment variables"])


def test_a_secret_that_is_not_there_is_told_once(tmp_path):
    db = {"protocol": "postgres", "host": "127.0.0.1", "port": 1, "username": "a", "database": "x",
          "password": "${secret.shop-password}"}
    setup(tmp_path, {"orders": {"kind": "ingest", "from": "db", "table": "orders"}}, connections={"db": db})
    rows = doctor(tmp_path, "orders", code=1)
    assert only(rows)["subject"] == "secret shop-password"
    assert rows["connection db"]["outcome"] == "not-asked"
    # With the secret it is the server that does not answer.
    rows = doctor(tmp_path, "orders", code=1, env={"SHOP_PASSWORD": "marked-secret"})
    assert only(rows)["subject"] == "connection db"
    assert rows["secret shop-password"]["finding"] == "is there, 13 characters"
    assert "marked-secret" not in json.dumps(rows)


def test_a_folder_that_is_not_there_is_the_fault(tmp_path):
    setup(tmp_path, {"orders": {**ORDERS, "from": "./nowhere"}})
    assert only(doctor(tmp_path, "orders", code=1))["subject"] == "connection ./nowhere"


def test_a_warehouse_that_cannot_be_opened_is_the_fault(tmp_path):
    setup(tmp_path, {"orders": ORDERS}, warehouse="postgres://reader@127.0.0.1:1/shop")
    row = only(doctor(tmp_path, "orders", code=1))
    assert row["subject"] == "warehouse"


def test_what_has_to_run_before_is_asked_for(tmp_path):
    setup(tmp_path, {"orders": ORDERS, "items": {**ORDERS, "after": "orders"}})
    row = only(doctor(tmp_path, "items", code=1))
    assert row["subject"] == "jobs before it" and "orders" in row["finding"]
    assert run("run", "orders", cwd=tmp_path).code == 0
    assert doctor(tmp_path, "items", code=0)["jobs before it"]["finding"] == "orders succeeded"


def test_a_run_that_succeeds_and_does_nothing_is_explained(tmp_path):
    setup(tmp_path, {"orders": ORDERS})
    for _ in range(2):
        assert run("run", "orders", cwd=tmp_path).code == 0
    row = doctor(tmp_path, "orders", code=0)["last run"]
    assert "there was nothing to do" in row["finding"] and "--full-refresh" in row["remedy"]


COMMANDS = {
    "fails": ("echo \"python: can't open file '/app/main.py'\" >&2; exit 2", "inspect"),
    "denied": ("echo 'ERROR: permission denied for table orders' >&2; exit 1", "grant-roles"),
    "unreachable": ("echo 'connection to server failed: Connection refused' >&2; exit 1", "firewall"),
    "unknown": ("exit 7", "logs"),
}


@pytest.mark.parametrize("fault", COMMANDS)
def test_a_run_that_failed_is_explained_by_what_it_said(tmp_path, fault):
    script, remedy = COMMANDS[fault]
    setup(tmp_path, {"job": {"kind": "init", "steps": [{"step": "command", "run": ["sh", "-c", script]}]}})
    assert run("start", "job", "--wait", cwd=tmp_path).code == 1
    row = only(doctor(tmp_path, "job", code=1))
    assert row["subject"] == "last run" and "failed" in row["finding"]
    assert remedy in row["remedy"], row


def test_a_run_that_took_too_long_and_one_that_was_killed(tmp_path):
    setup(tmp_path, {"job": {"kind": "init", "steps": [{"step": "command", "run": ["sleep", "60"]}]}})
    assert run("start", "job", "--wait", "--time", "1s", cwd=tmp_path).code == 124
    row = only(doctor(tmp_path, "job", code=1))
    assert "took too long" in row["finding"] and "deploy.timeout" in row["remedy"]
    begun = json.loads(run("start", "job", "--json", cwd=tmp_path).text)["run"]
    for process in (tmp_path / ".sluice" / "local" / begun["id"] / "process").read_text().splitlines():
        if process.startswith("child "):
            os.kill(int(process.split()[1]), signal.SIGKILL)
    for _ in range(100):
        rows = doctor(tmp_path, "job")
        if rows["last run"]["outcome"] == "failed":
            break
        time.sleep(0.1)
    assert "memory" in only(rows)["remedy"]


def test_a_job_that_is_not_there_is_a_mistake_of_whoever_asks(tmp_path):
    setup(tmp_path, {"orders": ORDERS})
    done = run("doctor", "order", cwd=tmp_path)
    assert done.code == 4 and 'did you mean "orders"?' in done.err and not done.text


def test_watching_goes_on_until_nothing_is_wrong(tmp_path):
    setup(tmp_path, {"orders": {**ORDERS, "from": "./later"}})
    watching = subprocess.Popen(
        [BINARY, "doctor", "orders", "--watch", "200ms"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    assert watching.poll() is None
    (tmp_path / "later").mkdir()
    out, _ = watching.communicate(timeout=20)
    assert watching.returncode == 0
    assert out.count("\u2717 connection ./later") >= 2 and out.count("\u2713 connection ./later") == 1
