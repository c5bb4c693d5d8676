"""Runs that go on by themselves: started, asked about, waited for, limited and cancelled, from other processes than their own."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from conftest import BINARY, run


@pytest.fixture
def project(tmp_path):
    def job(script, **keys):
        return {"kind": "init", "steps": [{"step": "command", "run": ["sh", "-c", script]}], **keys}

    (tmp_path / "sluice.yaml").write_text(json.dumps({"project": "p", "jobs": {
        "quick": job("echo hello; echo quick >> said"), "slow": job("echo slow >> said; sleep 60"),
        "bad": job("exit 7"), "late": job("echo late >> said", after="bad"),
        "secret": job("echo \"$TOKEN\" > token")}}))
    return tmp_path


def told(folder, *words, code=0, **options):
    done = run(*words, cwd=folder, **options)
    assert done.code == code, f"exit code {done.code}\n{done.text}\n{done.err}"
    return done


def status(folder, name):
    return json.loads(told(folder, "status", name, "--json").text)["run"]


def ended(folder, name, within=30):
    for _ in range(within * 10):
        found = status(folder, name)
        if found["state"] not in ("queued", "starting", "running"):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def test_a_start_returns_when_the_run_has_begun_and_the_run_goes_on(project):
    begun = json.loads(told(project, "start", "slow", "--json").text)["run"]
    assert begun["state"] == "running" and begun["job"] == "slow" and begun["platform"] == "local"
    now = status(project, begun["id"])
    assert now["state"] == "running"
    assert (project / "said").read_text() == "slow\n"
    done = told(project, "cancel", begun["id"])
    assert "ended: cancelled" in done.text
    assert status(project, begun["id"])["state"] == "cancelled"
    # What it had started is gone with it.
    assert not subprocess.run(["pgrep", "-f", f"{project}.*sleep 60"], capture_output=True).stdout
    assert "has ended already" in told(project, "cancel", begun["id"]).text


@pytest.mark.parametrize("job, code, state", [("quick", 0, "succeeded"), ("bad", 1, "failed")])
def test_who_waits_ends_as_the_run_does(project, job, code, state):
    done = told(project, "start", job, "--wait", code=code)
    assert f"{job}: {state}" in done.text
    run_of = status(project, job)
    assert run_of["state"] == state
    listed = json.loads(told(project, "runs", "--json").text)["runs"]
    assert [entry["id"] for entry in listed] == [run_of["id"]]


def test_one_run_has_one_record_and_its_log(project):
    told(project, "start", "quick", "--wait")
    logged = told(project, "logs", "quick").text
    assert "hello" in logged
    assert (project / "said").read_text() == "quick\n"


def test_a_run_that_takes_too_long_is_ended(project):
    done = told(project, "start", "slow", "--wait", "--time", "1s", code=124)
    assert "slow: timed-out: it took longer than 1.00 s" in done.text
    found = ended(project, "slow")
    assert found["state"] == "timed-out" and found["exitCode"] == 124 and "longer than 1.00 s" in found["error"]


def test_a_run_with_too_much_memory_is_ended(project):
    done = told(project, "start", "slow", "--wait", "--memory", "1MB", code=1)
    assert "1.00 MB were allowed" in done.text
    assert status(project, "slow")["state"] == "failed"


def test_what_cannot_begin_is_a_failure_of_the_command(project):
    done = told(project, "start", "late", "--wait", code=1)
    assert "bad" in done.err and not (project / "said").exists()
    done = told(project, "start", "quick", "--", "--no-such-option", code=1)
    assert "did not begin" in done.err and "--no-such-option" in done.err
    done = told(project, "start", "qick", code=4)
    assert "quick" in done.err
    assert not (project / ".sluice/local").exists() or len(os.listdir(project / ".sluice/local")) == 2


def test_the_environment_goes_along_and_into_no_file_and_no_command_line(project):
    told(project, "start", "secret", "--wait", env={**os.environ, "TOKEN": "hunter2-hunter2"})
    assert (project / "token").read_text() == "hunter2-hunter2\n"
    for folder, _, files in os.walk(project / ".sluice"):
        for name in files:
            assert b"hunter2" not in open(os.path.join(folder, name), "rb").read(), name
    assert "hunter2" not in told(project, "logs", "secret").text


def test_ctrl_c_stops_the_waiting_and_not_the_run(project):
    waiting = subprocess.Popen([BINARY, "start", "slow", "--wait"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    while not (project / "said").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(waiting.pid, signal.SIGINT)
    waiting.communicate(timeout=20)
    assert waiting.returncode == 130
    assert status(project, "slow")["state"] == "running"
    told(project, "cancel", "slow", "--force")
    assert ended(project, "slow")["state"] in ("cancelled", "failed")


def test_a_run_in_somebodys_terminal_is_cancelled_too(project):
    running = subprocess.Popen([BINARY, "run", "slow"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (project / "said").exists():
        time.sleep(0.05)
    told(project, "cancel")
    running.communicate(timeout=20)
    assert running.returncode == 130
    assert status(project, "slow")["state"] == "cancelled"


def test_a_killed_run_is_told_as_failed(project):
    begun = json.loads(told(project, "start", "slow", "--json").text)["run"]
    watcher = int(re.search(r"^watcher (\d+)", (project / ".sluice/local" / begun["id"] / "process").read_text(), re.M)[1])
    child = int(re.search(r"^child (\d+)", (project / ".sluice/local" / begun["id"] / "process").read_text(), re.M)[1])
    os.kill(watcher, signal.SIGKILL)
    assert status(project, "slow")["state"] == "running"
    os.kill(child, signal.SIGKILL)
    found = ended(project, "slow")
    assert found["state"] == "failed" and "without a word" in found["error"]
