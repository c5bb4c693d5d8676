"""Reports that read from and write to containers, and the task container as it runs in Azure: against the emulator, looked at
with the official client."""

import json
import re

import pytest
from azure.storage.blob import BlobServiceClient
from conftest import run
from emulator import azure  # noqa: F401 (a fixture)
from test_ingest_store import TROUBLES, struck
from test_report_job import batch, outputs, perform, project, record

REPORT_STEPS = ["report.read", "report.written", "report.noted", "report.combined"]


class Account:
    """A storage account with the containers of a task."""

    def __init__(self, azure, name):
        self.azure, self.name = azure, name
        self.service = BlobServiceClient(f"{azure.http}/{name}", credential=azure.key(name))
        for container in ["batch-input", "batch-output", "batch-logs"]:
            if not self.service.get_container_client(container).exists():
                self.service.create_container(container)

    def put(self, container, name, *records):
        text = json.dumps({"batch_id": "b", "transactions": list(records)})
        self.service.get_blob_client(container, name).upload_blob(text, overwrite=True)

    def read(self, container, name):
        return self.service.get_blob_client(container, name).download_blob().readall()

    def names(self, container):
        return sorted(blob.name for blob in self.service.get_container_client(container).list_blobs(include=["metadata"])
                      if (blob.metadata or {}).get("hdi_isfolder") != "true")

    def reach(self, folder):
        """All objects go into a folder, as a folder's job would have left them."""
        for name in self.names("batch-output"):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read("batch-output", name))
        return folder


@pytest.fixture(params=["flat", "devlake"])
def account(request, azure, tmp_path):
    """A new flat account for each test; the hierarchical one, emptied."""
    azure.faults([])
    name = request.param if request.param == "devlake" else f"flat{abs(hash(str(tmp_path))) % 10**10}"
    account = Account(azure, name)
    for container in ["batch-input", "batch-output", "batch-logs"]:
        for blob in account.names(container):
            account.service.get_blob_client(container, blob).delete_blob()
    yield account
    azure.faults([])


def task(account, env, code=0):
    clean = {key: "" for key in ["INPUT_CONTAINER", "OUTPUT_CONTAINER", "LOGS_CONTAINER", "JOB_ID", "TASK_ID",
                                 "SLUICE_STORAGE_ROOT"]}
    done = run("report", "--from-env", env={
        **clean, "STORAGE_ACCOUNT_NAME": account.name, "INPUT_BLOB_NAME": "in/a.json",
        "SLUICE_AZURE_EMULATOR": account.azure.http, "SLUICE_HTTP_RETRY_WAIT": "5ms", **env})
    assert done.code == code, f"exit code {done.code}\n{done.err}"
    return done


def test_a_task_runs_in_containers(account):
    account.put("batch-input", "in/a.json", record(1), record(2, total=0))
    assert task(account, {"JOB_ID": "j", "TASK_ID": "task-0"}).out == b""
    found = account.names("batch-output")
    assert [re.sub("[0-9a-f]{12}", "#", name) for name in found] == ["processed_a_#.json", "processed_a_#.rejects.ndjson"]
    report = json.loads(account.read("batch-output", found[0]))
    assert (report["format"], report["input_file"], report["status"]) == ("sales/1", "in/a.json", "success")
    assert report["validation"]["total_transactions"] == 2 and report["validation"]["valid_transactions"] == 1
    (name,) = account.names("batch-logs")
    assert re.fullmatch(r"logs/j/task-0_\d{8}_\d{6}\.json", name)
    log = json.loads(account.read("batch-logs", name))
    assert (log["status"], log["output_blob"], log["input_blob"]) == ("success", found[0], "in/a.json")
    task(account, {})
    assert account.names("batch-output") == found


def test_a_task_comes_through_troubles_without_doubling_anything(account):
    account.put("batch-input", "in/a.json", record(1), record(2), record(3, total=0))
    task(account, {})
    calm = {name: account.read("batch-output", name) for name in account.names("batch-output")}
    for trouble in TROUBLES:
        for name in calm:
            account.service.get_blob_client("batch-output", name).delete_blob()
        for skip in range(12):
            account.azure.faults([{**trouble, "skip": skip, "times": 1}])
            task(account, {})
            hits = struck(account.azure)
            account.azure.faults([])
            assert account.names("batch-output") == sorted(calm)
            if not hits:
                break
        for name in calm:
            if name.endswith(".ndjson"):
                assert account.read("batch-output", name) == calm[name]


@pytest.mark.parametrize("env, says, logged", [
    ({"INPUT_BLOB_NAME": "in/none.json"}, "in/none.json", True),
    ({"INPUT_CONTAINER": "not-there"}, "not-there", True),
    ({"INPUT_BLOB_NAME": "../a.json"}, "INPUT_BLOB_NAME", True),
    ({"LOGS_CONTAINER": "nologs", "INPUT_BLOB_NAME": "in/none.json"}, "in/none.json", False),
])
def test_a_task_that_fails_exits_with_1_and_says_why_in_a_log(account, env, says, logged):
    account.put("batch-input", "in/a.json", record(1))
    failed = task(account, {"JOB_ID": "j", **env}, code=1)
    assert says in failed.err
    assert account.names("batch-output") == []
    names = account.names("batch-logs")
    assert len(names) == logged
    if logged:
        log = json.loads(account.read("batch-logs", names[0]))
        assert log["status"] == "failed" and says in json.dumps(log)


def test_who_may_not_read_is_told_the_role(account):
    account.put("batch-input", "in/a.json", record(1))
    account.azure.faults([{"match": {"method": "GET", "path": "*batch-input*"},
                           "do": {"status": 403, "code": "AuthorizationPermissionMismatch"}},
                          {"match": {"method": "HEAD", "path": "*batch-input*"},
                           "do": {"status": 403, "code": "AuthorizationPermissionMismatch"}}])
    failed = task(account, {}, code=1)
    assert "Storage Blob Data" in failed.err and account.name in failed.err, failed.err


def url(account, container, path=""):
    if account.name == "devlake":
        return f"abfss://{container}@devlake.dfs.core.windows.net/{path}"
    return f"az://{account.name}/{container}/{path}"


def test_a_job_from_container_to_container_makes_what_it_makes_in_folders(account, tmp_path):
    for number in range(4):
        records = [record(number * 10 + k) for k in range(number)] + [record(90 + number, total=0)]
        batch(tmp_path / f"here/in/{number}.json", *records)
        account.put("batch-input", f"in/{number}.json", *records)
        account.service.get_blob_client("batch-input", f"in/{number}.json").upload_blob(
            (tmp_path / f"here/in/{number}.json").read_bytes(), overwrite=True)
    project(tmp_path / "here", tables="csv")
    perform(tmp_path / "here")
    (tmp_path / "there").mkdir()
    project(tmp_path / "there", tables="csv", input=url(account, "batch-input"), output=url(account, "batch-output"))
    env = {"SLUICE_AZURE_EMULATOR": account.azure.http, "SLUICE_HTTP_RETRY_WAIT": "5ms"}
    answer = perform(tmp_path / "there", env=env)
    assert answer["written"] == 4
    assert outputs(account.reach(tmp_path / "fetched")) == outputs(tmp_path / "here/reports")
    # Known by the store's tags, without being read.
    assert perform(tmp_path / "there", env=env)["known"] == 4


@pytest.mark.parametrize("step", REPORT_STEPS)
def test_a_job_killed_between_stores_is_whole_after_the_next_run(account, tmp_path, step):
    for number in range(3):
        account.put("batch-input", f"in/{number}.json", record(number), record(number, total=0))
    env = {"SLUICE_AZURE_EMULATOR": account.azure.http, "SLUICE_HTTP_RETRY_WAIT": "5ms"}
    project(tmp_path, input=url(account, "batch-input"), output=url(account, "batch-output"), threads=1)
    assert run("run", "sales", cwd=tmp_path, env={**env, "SLUICE_FAULT": step}).code == -9
    account.azure.faults(TROUBLES)
    answer = perform(tmp_path, env=env)
    account.azure.faults([])
    assert answer["written"] + answer["known"] == 3
    names = [re.sub("[0-9a-f]{12}", "#", name) for name in account.names("batch-output") if not name.startswith("logs/")]
    assert len([name for name in names if name.startswith("processed_") and name.endswith(".json")]) == 3
    assert len([name for name in names if name.startswith("combined_") and name.endswith(".json")]) == 1
    assert not [name for name in names if ".partial" in name]
