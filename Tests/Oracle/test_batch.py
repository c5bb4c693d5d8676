"""The whole program on emulated Batch: deployed, started, divided into tasks, asked, cancelled and removed from the command line."""

import json
import os
import stat

import pytest
from conftest import BINARY, run
from emulator import azure, wait_until  # noqa: F401
from test_emulated_batch import SUBSCRIPTION, client_of, manager
from test_report_job import outputs, perform, project, record
from test_report_store import Account

PLATFORM = {
    "type": "batch", "subscription": SUBSCRIPTION, "resource_group": "shop", "account": "shopbatch", "region": "westeurope",
    "identity": "me", "slots": 4, "max_nodes": 2}


@pytest.fixture(scope="module")
def account(azure):
    from azure.mgmt.batch import models

    azure.administer("PUT", "lifecycle", {"operationDelay": 50, "retryAfter": 0})
    azure.administer("PUT", "batch", {
        "nodeStart": 50, "samplePeriod": 100, "autoscaleInterval": 200, "transition": 50, "emptyJob": 200, "grace": 2000})
    manager(azure, "2024-07-01").batch_account.begin_create(
        "shop", "shopbatch", models.BatchAccountCreateParameters(location="westeurope")).result()
    return Account(azure, "shopinputs")


@pytest.fixture
def shop(azure, account, tmp_path):
    """A project whose job reports on a container, by nodes whose program fails at first for some tasks."""
    marks = tmp_path / "marks"
    marks.mkdir()
    program = tmp_path / "program"
    program.write_text(f"""#!/bin/sh
if [ ! -e {marks}/$AZ_BATCH_TASK_ID ]; then
    touch {marks}/$AZ_BATCH_TASK_ID
    case $AZ_BATCH_TASK_ID in *0|*7|*c) echo "not at first" >&2; exit 9;; esac
fi
echo x >> {marks}/$AZ_BATCH_TASK_ID
cd {tmp_path} && exec {BINARY} "$@"
""")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for container in ["batch-input", "batch-output", "batch-logs"]:
        for blob in account.names(container):
            account.service.get_blob_client(container, blob).delete_blob()
    cloud = {**PLATFORM, "pool": "pool" + os.urandom(3).hex(), "program": str(program)}
    inputs, results = (f"az://shopinputs/{name}" for name in ["batch-input", "batch-output"])
    project(tmp_path, input=f"{inputs}/in/", output=results, platform="cloud", deploy={"inputs_per_task": 4})
    text = (tmp_path / "sluice.yaml").read_text()
    (tmp_path / "sluice.yaml").write_text(text + f"platforms:\n  cloud: {json.dumps(cloud)}\n")
    return tmp_path


def told(azure, folder, *words, code=0):
    done = run(*words, cwd=folder, env={
        "SLUICE_AZURE_EMULATOR": azure.http, "IDENTITY_ENDPOINT": f"{azure.http}/msi/token", "IDENTITY_HEADER": "any-word-is-good",
        "SLUICE_HTTP_RETRY_WAIT": "20ms"}, timeout=240)
    assert code is None or done.code == code, f"exit code {done.code}\n{done.text}\n{done.err}"
    return done


def test_files_give_the_report_that_one_machine_makes(azure, account, shop, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    for number in range(24):
        account.put("batch-input", f"in/{number:02}.json", record(number), record(number + 1000, total=number % 5))
        path = here / "in" / f"{number:02}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(account.read("batch-input", f"in/{number:02}.json"))
    told(azure, shop, "deploy", "sales", "--yes")
    assert "Plan: 0 to make" in told(azure, shop, "deploy", "sales", "--plan").text
    done = told(azure, shop, "start", "sales", "--wait")
    assert "succeeded" in done.text
    project(here)
    perform(here)
    mine, theirs = outputs(account.reach(tmp_path / "fetched")), outputs(here / "reports")
    combined = [name for name in theirs if name.startswith("combined_")]
    assert combined and all(mine[name] == theirs[name] for name in combined)
    batch = client_of(azure, "shopbatch")
    (job,) = [job.id for job in batch.list_jobs() if job.pool_info.pool_id in (shop / "sluice.yaml").read_text()]
    tasks = {task.id: task.execution_info for task in batch.list_tasks(job)}
    assert len(tasks) == 7
    retried = {name for name, info in tasks.items() if info.retry_count}
    assert retried == {name for name in tasks if name[-1] in "07c"}
    # Nothing was run twice without need.
    assert all((shop / "marks" / name).read_text() == "x\n" for name in tasks)

    # A second start does what is new.
    account.put("batch-input", "in/new.json", record(5000))
    told(azure, shop, "start", "sales", "--wait")
    jobs = [found.id for found in batch.list_jobs() if found.pool_info.pool_id in (shop / "sluice.yaml").read_text()]
    assert len(jobs) == 2
    (other,) = set(jobs) - {job}
    assert len(list(batch.list_tasks(other))) == 2
    told(azure, shop, "undeploy", "sales", "--yes")
    assert wait_until(lambda: not [found for found in batch.list_jobs() if found.id in jobs])


def test_doctor_names_what_is_missing(azure, shop):
    done = told(azure, shop, "doctor", "sales", code=1)
    assert "there is no pool" in done.text and "sluice deploy" in done.text, done.text
