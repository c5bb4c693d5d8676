"""`sluice start` on emulated Batch, killed between the job, its tasks and the seal: whoever asks or starts again goes on with it, in
one run, and nothing is lost or done twice."""

import json
import os
import shutil
import stat
import subprocess

import pytest
from conftest import BINARY
from emulator import azure, wait_until  # noqa: F401
from test_batch import PLATFORM, account, told  # noqa: F401
from test_emulated_batch import client_of
from test_report_job import outputs, perform, project, record

COUNT = 110
STEPS = {
    "job": {"method": "POST", "path": "*/addtaskcollection"},
    "tasks": {"method": "POST", "path": "*/addtaskcollection"},
    "seal": {"method": "PATCH", "path": "/jobs/*"}}


class Shop:
    """A project whose job reports on a container, by nodes that come when they are let."""

    def __init__(self, folder, azure, account):
        self.azure, self.account, self.folder = azure, account, folder / "project"
        self.marks = folder / "marks"
        for made in [self.folder, self.marks]:
            made.mkdir()
        program = folder / "program"
        # A task has a folder of its own, as on a node; it begins there.
        program.write_text(
            f'#!/bin/sh\necho x >> {self.marks}/$AZ_BATCH_TASK_ID\n'
            f'cp {self.folder}/sluice.yaml . && exec {BINARY} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        for container in ["batch-input", "batch-output", "batch-logs"]:
            for blob in account.names(container):
                account.service.get_blob_client(container, blob).delete_blob()
        self.pool = "pool" + os.urandom(3).hex()
        cloud = {**PLATFORM, "pool": self.pool, "program": str(program)}
        inputs, results = (f"az://shopinputs/{name}" for name in ["batch-input", "batch-output"])
        project(self.folder, input=f"{inputs}/in/", output=results, platform="cloud", html=False)
        text = (self.folder / "sluice.yaml").read_text()
        (self.folder / "sluice.yaml").write_text(text + f"platforms:\n  cloud: {json.dumps(cloud)}\n")
        for number in range(COUNT):
            account.put("batch-input", f"in/{number:03}.json", record(number))
        self.nodes(False)
        self.told("deploy", "sales", "--yes")
        self.batch = client_of(azure, "shopbatch")

    def nodes(self, wanted):
        """Lets the pool have nodes."""
        self.azure.administer("PUT", "batch", {"autoscaleInterval": 200 if wanted else 3_600_000})

    def told(self, *words, **options):
        return told(self.azure, options.pop("folder", self.folder), *words, **options)

    def jobs(self):
        return [job for job in self.batch.list_jobs() if job.pool_info.pool_id == self.pool]

    def kill_start(self, step):
        """Starts, and kills the starter where it would go on from a step. Returns the run that it began."""
        self.azure.faults([
            {"match": {"service": "batch", **STEPS[step]}, "skip": 1 if step == "tasks" else 0,
             "do": {"throttle": 503, "retryAfter": 20}}])
        process = subprocess.Popen(
            [BINARY, "start", "sales"], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={
                **os.environ, "SLUICE_AZURE_EMULATOR": self.azure.http,
                "IDENTITY_ENDPOINT": f"{self.azure.http}/msi/token", "IDENTITY_HEADER": "any-word-is-good"})
        hit = lambda: self.azure.administer("GET", "faults")["rules"][0]["hits"] > 0  # noqa: E731
        assert wait_until(lambda: hit() or process.poll() is not None)
        assert process.poll() is None, process.communicate()[1].decode()
        process.kill()
        process.communicate()
        self.azure.faults([])
        (job,) = self.jobs()
        assert job.all_tasks_complete_mode == "noaction"
        return job.id.removeprefix("sluice-")

    def elsewhere(self, tmp_path):
        """The project as another machine has it, which knows of no run."""
        other = tmp_path / "elsewhere"
        other.mkdir()
        shutil.copy(self.folder / "sluice.yaml", other)
        return other

    def is_as_on_one_machine(self, tmp_path):
        here = tmp_path / "here"
        (here / "in").mkdir(parents=True)
        for number in range(COUNT):
            (here / "in" / f"{number:03}.json").write_bytes(self.account.read("batch-input", f"in/{number:03}.json"))
        project(here, html=False)
        perform(here)
        mine, theirs = outputs(self.account.reach(tmp_path / "fetched")), outputs(here / "reports")
        combined = [name for name in theirs if name.startswith("combined_")]
        assert combined and all(mine[name] == theirs[name] for name in combined)

    def each_task_ran_once(self):
        """In one run, and again only where Batch tried one that had failed: a task that begins while a start writes down anew what
        it is about."""
        (job,) = self.jobs()
        tries = {task.id: 1 + task.execution_info.retry_count for task in self.batch.list_tasks(job.id)}
        assert len(tries) == COUNT + 1 and sum(tries.values()) < COUNT + 10
        assert {path.name: len(path.read_text().split()) for path in self.marks.iterdir()} == tries


@pytest.fixture
def shop(azure, account, tmp_path):  # noqa: F811
    shop = Shop(tmp_path, azure, account)
    yield shop
    azure.faults([])
    shop.nodes(True)


@pytest.mark.parametrize("step", STEPS)
def test_a_start_that_is_killed_is_gone_on_with(shop, tmp_path, step):
    run = shop.kill_start(step)
    if step != "seal":
        status = json.loads(shop.told("status", run, "--on", "cloud", "--json", folder=shop.elsewhere(tmp_path)).text)
        assert status["run"]["state"] == "starting", status
    shop.nodes(True)
    done = shop.told("start", "sales", "--wait", "--json")
    assert f"taken up: run {run}, whose start broke off" in done.err
    answer = json.loads(done.text)
    assert answer["takenUp"] is True and answer["run"]["id"] == run and answer["run"]["state"] == "succeeded"
    shop.each_task_ran_once()
    shop.is_as_on_one_machine(tmp_path)
    assert "nothing new" in shop.told("start", "sales").text


def test_a_start_that_is_killed_before_the_seal_ends_by_being_asked_after(shop, tmp_path):
    run = shop.kill_start("seal")
    other = shop.elsewhere(tmp_path)
    shop.told("status", run, "--on", "cloud", folder=other)
    (job,) = shop.jobs()
    assert job.all_tasks_complete_mode == "terminatejob"
    shop.nodes(True)
    state = lambda: json.loads(shop.told("status", run, "--json", folder=other).text)["run"]["state"]  # noqa: E731
    assert wait_until(lambda: state() == "succeeded", 120)
    shop.each_task_ran_once()
    shop.is_as_on_one_machine(tmp_path)


def test_what_was_done_meanwhile_is_not_done_again(shop, tmp_path):
    run = shop.kill_start("tasks")
    shop.nodes(True)
    done = lambda: shop.batch.get_job_task_counts(f"sluice-{run}").task_counts.succeeded == 100  # noqa: E731
    assert wait_until(done, 120)
    second = shop.told("start", "sales", "--wait")
    assert "11 tasks for 10 new inputs of 110" in second.err and f"taken up: run {run}" in second.err
    shop.each_task_ran_once()
    shop.is_as_on_one_machine(tmp_path)
