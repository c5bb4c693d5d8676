"""A run that is divided into tasks on (emulated) Batch: 200 reports, of which 20 fail first, and an ingest of 40 files. It ends as
one machine ends, nothing is done twice without need, and a second start does what is new only."""

import json
import os
import random
import re
import time

import pytest
from azure.storage.filedatalake import DataLakeServiceClient

from conftest import run
from emulator import Azure
from servers import Postgres

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
COUNT, FAILING = 200, 20


def document(number, seed):
    """A batch of some records, every cent of which is known."""
    rng = random.Random(f"{seed}/{number}")
    records = []
    for index in range(rng.randrange(1, 6)):
        quantity, price = rng.randrange(1, 9), rng.randrange(100, 9999)
        subtotal = quantity * price
        records.append({
            "transaction_id": f"t{number}-{index}", "timestamp": f"2025-01-{rng.randrange(1, 29):02}T10:00:00Z",
            "customer": {"customer_id": f"c{rng.randrange(40)}", "name": "Ada", "email": "ada@shop.example"},
            "line_items": [{"product_id": f"p{rng.randrange(9)}", "product_name": "Pear", "category": "Fruit",
                            "quantity": quantity, "unit_price": price / 100, "subtotal": subtotal / 100}],
            "subtotal": subtotal / 100, "tax": 1, "shipping": 2, "total": (subtotal + 300) / 100,
            "payment_method": "Card", "shipping_method": "Post", "status": rng.choice(["completed", "completed", "pending"])})
    return json.dumps({"batch_id": f"b{number}", "transactions": records})


class Rig:
    def __init__(self, folder, azure, server):
        self.azure, self.server = azure, server
        self.folder = folder / "project"
        self.folder.mkdir()
        (self.folder / ".env").write_text(
            f"SLUICE_AZURE_EMULATOR={azure.http}\nIDENTITY_ENDPOINT={azure.http}/msi/token\nIDENTITY_HEADER=local-identity-1\n")
        store = "abfss://work@devlake.dfs.core.windows.net"
        (self.folder / "sluice.yaml").write_text(json.dumps({
            "project": "shop", "lake": f"{store}/lake",
            "warehouse": f"postgres://postgres@127.0.0.1:{server.port}/postgres?sslmode=disable",
            "variables": {"results": "reports"},
            "connections": {"inbox": {"protocol": "file", "path": f"{store}/inbox"}},
            "platforms": {"nodes": {
                "type": "batch", "subscription": SUBSCRIPTION, "account": "devbatch", "region": "westeurope",
                "client_id": "0b5f3c8e-1111-4222-8333-944455556666", "image": "devregistry.azurecr.io/shop:1",
                "max_nodes": 2, "slots": 2}},
            "environments": {"prod": {"platform": "nodes"}},
            "jobs": {
                "sales": {"kind": "report", "input": [f"{store}/sales"], "output": f"{store}/${{var.results}}", "html": False},
                "orders": {"kind": "ingest", "from": "inbox", "files": "*.csv", "into": "orders",
                           "deploy": {"inputs_per_task": 7}},
            }}))
        self.client = DataLakeServiceClient(
            f"{azure.http}/devlake", credential=azure.key("devlake")).create_file_system("work")

    def put(self, name, text):
        self.client.get_file_client(name).upload_data(text.encode(), overwrite=True)

    def told(self, *words, code=0, **options):
        done = run(*words, cwd=self.folder, timeout=400, **options)
        assert done.code == code, f"{words}: exit code {done.code}\n{done.text[-4000:]}\n{done.err[-4000:]}"
        return done

    def json(self, *words, **options):
        return json.loads(self.told(*words, "--json", **options).text)

    def reports(self, folder):
        """{name: document} of the combined reports, without what differs from run to run."""
        found = {}
        for path in self.client.get_paths(folder, recursive=False):
            name = path.name.split("/")[-1]
            if re.fullmatch(r"combined_\w+\.json", name):
                text = self.client.get_file_client(path.name).download_file().readall().decode()
                found[name] = "\n".join(
                    line for line in text.splitlines() if "processed_at" not in line and "seconds" not in line)
        return found

    def reads(self, name):
        """How often the content of a file was asked for, by the emulator's record, in vain or not."""
        with self.azure.trace.open(encoding="utf-8") as lines:
            return sum(
                1 for line in lines
                if f"/{name}" in line and (entry := json.loads(line))["method"] == "GET"
                and entry["url"].split("?")[0].endswith(f"/{name}"))


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    folder = tmp_path_factory.mktemp("divided")
    azure = Azure(folder / "azure")
    with Postgres() as server:
        rig = Rig(folder, azure, server)
        azure.administer("PUT", "batch", {
            "autoscaleInterval": 500, "samplePeriod": 100, "nodeStart": 20, "transition": 20, "emptyJob": 300})
        rig.told("image", "build", "--output", str(folder / "image"), "--tag", "1", "--project", ".")
        rig.told("image", "push", "devregistry.azurecr.io/shop:1", str(folder / "image"))
        # The Batch account is not Sluice's to make.
        azure.arm("PUT", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop-rg-prod/providers/Microsoft.Batch/batchAccounts/devbatch",
                  {"location": "westeurope"}, "2024-07-01")
        rig.told("deploy", "-e", "prod", "--yes")
        yield rig
    azure.stop()


def test_200_reports_of_which_20_fail_first_end_as_on_one_machine(rig):
    for number in range(COUNT):
        rig.put(f"sales/{number:03}.json", document(number, 1))
    # Their first reading is refused, for a reason that does not pass within one try.
    rig.azure.faults([
        {"match": {"method": "GET", "path": f"/work/sales/{number:03}.json"}, "times": 1,
         "do": {"status": 403, "code": "AuthorizationPermissionMismatch"}} for number in range(0, COUNT, COUNT // FAILING)])
    start = time.monotonic()
    run_ = rig.json("start", "sales", "-e", "prod", "--wait")["run"]
    print(f"{COUNT} tasks took {time.monotonic() - start:.1f} s")
    assert run_["state"] == "succeeded", run_
    rig.azure.faults([])
    tasks = rig.json("status", run_["id"], "--tasks")["tasks"]
    assert len(tasks) == COUNT + 1 and {task["state"] for task in tasks} == {"succeeded"}
    assert sum(task["attempts"] for task in tasks) == COUNT + 1 + FAILING
    # All were read alike, and those that failed were asked for once more: nothing was done twice without need.
    counts = [rig.reads(f"work/sales/{number:03}.json") for number in range(COUNT)]
    usual = counts[1]
    assert counts == [usual + (number % (COUNT // FAILING) == 0) for number in range(COUNT)]
    rig.told("run", "sales", "--var", "results=alone")
    divided, alone = rig.reports("reports"), rig.reports("alone")
    assert len(divided) == 1 and divided == alone

    # There is nothing to do, and a new file and a changed one are all that is done.
    assert "nothing new: 200 inputs" in rig.told("start", "sales", "-e", "prod").text
    rig.put("sales/new.json", document(COUNT, 2))
    rig.put("sales/007.json", document(7, 2))
    before = rig.reads("work/sales/100.json")
    done = rig.told("start", "sales", "-e", "prod", "--wait")
    assert "3 tasks for 2 new inputs of 201" in done.err
    assert rig.reads("work/sales/100.json") == before
    rig.told("run", "sales", "--var", "results=alone")
    assert rig.reports("reports") == rig.reports("alone") and len(rig.reports("reports")) == 2


def test_an_input_that_stays_broken_fails_the_run_and_keeps_no_other_from_its_report(rig):
    rig.put("sales/broken.json", "{")
    done = rig.told("start", "sales", "-e", "prod", "--wait", "--json", code=1)
    run_ = json.loads(done.text)["run"]
    assert run_["state"] == "failed"
    # Which task it was, and how often it was tried.
    answer = rig.json("status", run_["id"])
    assert answer["taskCounts"]["failed"] == 1 and len(answer["tasks"]) == 1
    task = answer["tasks"][0]
    assert task["state"] == "failed" and task["exitCode"] == 1 and task["attempts"] == 3, task
    shown = rig.told("status", run_["id"]).text
    assert task["id"] in shown and re.search(r"^tasks +2: 1 failed, 1 waiting$", shown, re.M), shown
    assert "broken.json" in rig.told("logs", run_["id"]).text
    rig.client.get_file_client("sales/broken.json").delete_file()
    assert "nothing new" in rig.told("start", "sales", "-e", "prod").text


def test_an_ingest_of_many_files_is_staged_by_tasks_and_loaded_once(rig):
    for number in range(40):
        rig.put(f"inbox/{number:02}.csv", "id,n\n" + "".join(f"{number * 10 + row},{row}\n" for row in range(10)))
    done = rig.told("start", "orders", "-e", "prod", "--wait")
    assert "7 tasks for 40 new inputs of 40" in done.err
    assert rig.server.execute("SELECT count(*), count(DISTINCT id), sum(n) FROM orders") == [(400, 400, 1800)]
    assert all(rig.reads(f"work/inbox/{number:02}.csv") >= 1 for number in range(40))
    assert "nothing new" in rig.told("start", "orders", "-e", "prod").text
    # A run of one machine finds nothing to do either.
    assert "no file is new or changed" in rig.told("run", "orders").err
    rig.put("inbox/99.csv", "id,n\n1000,1\n")
    rig.told("start", "orders", "-e", "prod", "--wait")
    assert rig.server.execute("SELECT count(*), sum(n) FROM orders") == [(401, 1801)]
