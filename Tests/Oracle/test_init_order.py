"""The order of jobs: what gates on what, what runs side by side, what a failure keeps from running, and what is tried again."""

import json
import signal
import subprocess
import time

import pytest

from conftest import BINARY, run


class Project:
    def __init__(self, folder):
        self.folder = folder

    def write(self, jobs):
        # JSON is YAML.
        (self.folder / "sluice.yaml").write_text(json.dumps({"project": "p", "jobs": jobs}))

    def run(self, *words, code=0, **options):
        done = run("run", *words, cwd=self.folder, **options)
        assert done.code == code, f"exit code {done.code}\n{done.text}\n{done.err}"
        return done

    def said(self):
        path = self.folder / "said"
        return path.read_text().split() if path.exists() else []

    def runs(self):
        return json.loads(run("runs", "--json", cwd=self.folder).text)["runs"]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def job(script, **keys):
    return {"kind": "init", "steps": [{"step": "command", "run": ["sh", "-c", script]}], **keys}


def test_a_job_waits_for_a_run_of_the_one_before_it_that_succeeded(project):
    project.write({"grants": job("test -e ready"), "app": job("echo app >> said", after="grants")})
    done = project.run("app", code=1)
    assert "app is to run after grants, and that has not run" in done.err and "sluice run grants app" in done.err
    project.run("grants", code=1)
    assert "ended as failed" in project.run("app", code=1).err
    assert project.said() == []
    (project.folder / "ready").touch()
    project.run("grants")
    project.run("app")
    assert project.said() == ["app"]
    states = [(entry["job"], entry["state"]) for entry in reversed(project.runs())]
    assert states == [("app", "cancelled"), ("grants", "failed"), ("app", "cancelled"), ("grants", "succeeded"),
                      ("app", "succeeded")]
    (project.folder / "ready").unlink()
    project.run("grants", code=1)
    project.run("app", code=1)
    project.run("app", "--ignore-after")
    assert project.said() == ["app", "app"]


def test_another_environment_has_gates_of_its_own(project):
    jobs = {"grants": job("true"), "app": job("true", after="grants")}
    (project.folder / "sluice.yaml").write_text(json.dumps(
        {"project": "p", "jobs": jobs, "environments": {"prod": {"variables": {"x": "1"}}}}))
    project.run("grants")
    project.run("app")
    assert "that has not run in prod" in project.run("app", "-e", "prod", code=1).err
    project.run("grants", "-e", "prod")
    project.run("app", "-e", "prod")


def test_all_jobs_run_in_their_order(project):
    project.write({"c": job("echo c >> said", after=["a", "b"]), "b": job("echo b >> said", after="a"),
                   "a": job("echo a >> said"), "d": job("echo d >> said", after="c")})
    done = project.run("--all", "--jobs", "3", "--json")
    assert project.said() == ["a", "b", "c", "d"]
    answer = json.loads(done.text)["runs"]
    assert [entry["job"] for entry in answer] == ["a", "b", "c", "d"] and {entry["status"] for entry in answer} == {"success"}


def test_jobs_that_do_not_wait_for_each_other_run_side_by_side(project):
    # Each waits for the other to have begun, which only both at once can do.
    wait = "touch {0}; for i in $(seq 100); do test -e {1} && exit 0; sleep 0.1; done; exit 1"
    project.write({"a": job(wait.format("one", "two")), "b": job(wait.format("two", "one"))})
    project.run("--all", "--jobs", "2")
    for name in ["one", "two"]:
        (project.folder / name).unlink()
    project.write({"a": job("test ! -e two && touch one && sleep 0.3"), "b": job("test -e one && touch two")})
    project.run("--all", "--jobs", "1")


def test_one_that_fails_keeps_those_after_it_from_running_and_no_other(project):
    project.write({"orders": job("exit 3"), "report": job("echo report >> said", after="orders"),
                   "mail": job("echo mail >> said", after="report"), "other": job("echo other >> said")})
    done = project.run("--all", code=1)
    assert project.said() == ["other"]
    assert "report: not run: orders did not succeed" in done.err and "mail: not run: report did not succeed" in done.err
    states = {entry["job"]: (entry["state"], entry["error"]) for entry in project.runs()}
    assert states["orders"][0] == "failed" and states["other"][0] == "succeeded"
    assert states["report"] == ("cancelled", "not run: orders did not succeed")
    answer = json.loads(project.run("orders", "report", "other", "--json", code=1).text)["runs"]
    assert [entry["status"] for entry in answer] == ["failure", "cancelled", "success"]


def test_circles_and_unknown_names_are_refused_with_their_path(project):
    project.write({"a": job("true", after="b"), "b": job("true", after="a"), "c": job("true", after="nobody")})
    done = run("validate", cwd=project.folder)
    assert done.code == 4
    assert "jobs.c.after" in done.err and "nobody" in done.err
    assert "in a circle: a → b → a" in done.err


def test_a_plan_of_all_tells_the_order(project):
    project.write({"c": job("true", after=["a", "b"]), "a": job("true"), "b": job("true")})
    done = run("plan", "--all", cwd=project.folder)
    assert done.code == 0 and done.text.endswith("Order: first a, b\n       then c\n"), done.text
    assert json.loads(run("plan", "--all", "--json", cwd=project.folder).text)["order"] == [["a", "b"], ["c"]]
    assert run("run", "--all", "a", cwd=project.folder).code == 64
    assert run("run", cwd=project.folder).code == 64


def test_what_failed_is_tried_again_as_the_rule_says(project):
    script = "echo try >> said; test $(wc -l < said) -ge 3"
    project.write({"a": job(script, retry={"attempts": 3, "delay": "50ms", "factor": 2, "on": "failed"})})
    done = project.run("a")
    assert project.said() == ["try"] * 3 and "try 1 of 3 failed, the next in 50 ms" in done.err
    assert "try 2 of 3 failed, the next in 100 ms" in done.err
    record = json.loads(run("status", "--json", cwd=project.folder).text)["run"]
    assert [attempt["state"] for attempt in record["attempts"]] == ["failed", "failed", "succeeded"]
    assert [step["state"] for step in record["steps"]] == ["done"]


def test_what_does_not_pass_by_itself_is_not_tried_again_unless_asked(project):
    project.write({"a": job("echo try >> said; exit 1", retry={"attempts": 3, "delay": "10ms"})})
    project.run("a", code=1)
    assert project.said() == ["try"]
    project.write({"a": {"kind": "init", "steps": [{"step": "check", "host": "127.0.0.1", "port": 1}],
                         "retry": {"attempts": 3, "delay": "10ms"}}})
    done = project.run("a", code=75)
    assert done.err.count("failed, the next in") == 2


def test_ctrl_c_ends_all_jobs(project):
    project.write({name: job(f"touch {name}; sleep 60") for name in "ab"} | {"c": job("echo c >> said", after="a")})
    child = subprocess.Popen([BINARY, "run", "--all", "--jobs", "2"], cwd=project.folder, stderr=subprocess.PIPE, text=True)
    while not all((project.folder / name).exists() for name in "ab"):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130, said
    assert project.said() == [] and {entry["state"] for entry in project.runs()} == {"cancelled"}


def test_jobs_of_other_kinds_have_their_place_too(project):
    (project.folder / "in").mkdir()
    (project.folder / "in/o.csv").write_text("id,n\n1,2\n")
    (project.folder / "m").mkdir()
    (project.folder / "m/1.sql").write_text("CREATE TABLE orders (id INTEGER PRIMARY KEY, n INTEGER);")
    project.write({
        "orders": {"kind": "ingest", "from": "./in", "files": "o.csv", "mode": "merge", "key": "id", "after": "schema"},
        "schema": {"kind": "init", "steps": [{"step": "migrate", "folder": "m"}]}})
    project.run("orders", code=1)
    done = project.run("--all")
    assert "schema: " in done.err and "orders: succeeded: 1 rows read" in done.err
    project.run("orders")


def test_the_ways_to_start_a_job_are_told_with_the_very_commands(project):
    project.write({"it's": job("true")})
    done = project.run("it's", "--how")
    assert done.text == (
        "1. Command line\n   sluice run 'it'\\''s'\n"
        "2. Platform's command line: not there, since the project says of no platform that has the job\n"
        "3. Portal: not there, since the project says of no platform that has the job\n"
        "4. Pipeline\n   - name: \"Run it's\"\n     run: \"sluice run 'it'\\\\''s'\"\n")
    assert project.runs() == []
    command = done.text.splitlines()[1].strip().replace("sluice", str(BINARY), 1)
    assert subprocess.run(["sh", "-c", command], cwd=project.folder, capture_output=True, check=False).returncode == 0
