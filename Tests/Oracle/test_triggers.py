"""Jobs that a clock or a queue starts on (emulated) Container Apps, deployed by `sluice deploy`: the platform starts them by itself,
and their executions run to the end."""

import json
import os
import time

import pytest
from azure.storage.queue import QueueClient

from conftest import run
from emulator import Azure

GROUP = "/subscriptions/s1/resourceGroups/shop-rg-prod/providers"


class Rig:
    def __init__(self, folder, azure):
        self.azure = azure
        self.folder = folder / "project"
        (self.folder / "inbox").mkdir(parents=True)
        (self.folder / "inbox/orders.csv").write_text("id,n\n1,2\n")
        (self.folder / ".env").write_text(f"SLUICE_AZURE_EMULATOR={azure.http}\n")
        job = {"kind": "ingest", "from": "inbox", "files": "*.csv"}
        (self.folder / "sluice.yaml").write_text(json.dumps({
            "project": "shop", "lake": "/tmp/lake", "warehouse": "sqlite:/tmp/warehouse.db",
            "connections": {"inbox": {"protocol": "file", "path": "inbox"}},
            "platforms": {"cloud": {
                "type": "container-apps", "subscription": "s1", "client_id": "11111111-2222-3333-4444-555555555555",
                "image": "shop.azurecr.io/jobs/shop:1"}},
            "environments": {"prod": {"platform": "cloud"}},
            "jobs": {
                "nightly": {**job, "deploy": {"schedule": "30 2 * * *", "timeout": "10m"}},
                "arrivals": {**job, "deploy": {"event": {
                    "type": "azure-queue", "interval": "1s", "max": 2,
                    "metadata": {"queueName": "arrivals", "accountName": "devlake", "queueLength": 1}}}},
            }}))

    def told(self, *words, code=0):
        done = run(*words, cwd=self.folder, timeout=300)
        assert done.code == code, f"{words}: exit code {done.code}\n{done.text}\n{done.err}"
        return done

    def executions(self, job):
        return self.azure.arm("GET", f"{GROUP}/Microsoft.App/jobs/{job}/executions")["value"]

    def ended(self, job, count, within=60):
        for _ in range(within * 5):
            found = self.executions(job)
            if len(found) >= count and all(one["properties"]["status"] != "Running" for one in found):
                return found
            time.sleep(0.2)
        raise AssertionError(found)


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    folder = tmp_path_factory.mktemp("triggers")
    azure = Azure(folder / "azure")
    rig = Rig(folder, azure)
    azure.administer("PUT", "lifecycle", {"operationDelay": 50, "retryAfter": 0, "grace": 2000, "logDelay": 100})
    azure.arm("PUT", f"{GROUP}/Microsoft.App/managedEnvironments/shop-cae-prod", {"location": "westeurope", "properties": {}})
    rig.told("image", "build", "--output", str(folder / "image"), "--tag", "1", "--project", ".")
    rig.told("image", "push", "shop.azurecr.io/jobs/shop:1", str(folder / "image"))
    yield rig
    azure.stop()


def test_a_clock_starts_a_job_at_its_minute_and_at_no_other(rig):
    plan = json.loads(rig.told("deploy", "nightly", "-e", "prod", "--plan", "--json").text)["plans"][0]
    assert any("30 2 * * *" in (change["to"] or "") for change in plan["changes"]), plan
    rig.told("deploy", "nightly", "-e", "prod", "--yes")
    rig.azure.administer("POST", "clock", {"now": "2026-11-20T02:29:00Z"})
    assert rig.executions("shop-nightly-prod") == []
    rig.azure.administer("POST", "clock", {"now": "2026-11-20T02:30:00Z"})
    found = rig.ended("shop-nightly-prod", 1)
    assert [one["properties"]["status"] for one in found] == ["Succeeded"]
    # As it is declared, and started by hand as well.
    assert "as it is declared" in rig.told("deploy", "nightly", "-e", "prod", "--yes").text
    assert "succeeded" in rig.told("start", "nightly", "-e", "prod", "--wait").text


def test_a_message_in_a_queue_starts_a_job(rig):
    queue = QueueClient(f"{rig.azure.queue_http}/devlake", "arrivals", credential=rig.azure.key("devlake"))
    queue.create_queue()
    rig.told("deploy", "arrivals", "-e", "prod", "--yes")
    time.sleep(2)
    assert rig.executions("shop-arrivals-prod") == []
    queue.send_message("orders.csv")
    found = rig.ended("shop-arrivals-prod", 1)
    assert {one["properties"]["status"] for one in found} == {"Succeeded"}
    # The message is for whoever takes it away: until then there is something to work on.
    queue.clear_messages()
    rig.told("undeploy", "arrivals", "-e", "prod", "--yes")
