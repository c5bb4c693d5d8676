"""Runs that take the project from a package: on this machine, on Container Apps and on Batch (emulated, with an image that has
the program and no project). What was deployed runs, whatever becomes of the folder; going back is a deployment; a run's
folder goes with it; rows arrive in a real PostgreSQL."""

import json
import os
import re

import pytest
from azure.storage.filedatalake import DataLakeServiceClient

from conftest import run
from emulator import Azure
from servers import Postgres

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop-rg-{{}}/providers"
STORE = "abfss://work@devlake.dfs.core.windows.net"
PLACES = ["here", "apps", "nodes"]


class Rig:
    def __init__(self, folder, azure, server):
        self.azure, self.server, self.root = azure, server, folder
        self.folder = folder / "project"
        (self.folder / "inbox").mkdir(parents=True)
        (self.folder / ".env").write_text(
            f"SLUICE_AZURE_EMULATOR={azure.http}\nIDENTITY_ENDPOINT={azure.http}/msi/token\nIDENTITY_HEADER=local-identity-1\n")
        self.write()
        self.client = DataLakeServiceClient(
            f"{azure.http}/devlake", credential=azure.key("devlake")).create_file_system("work")

    def write(self, lake=f"{STORE}/lake", warehouse=None):
        cloud = {"subscription": SUBSCRIPTION, "client_id": "0b5f3c8e-1111-4222-8333-944455556666",
                 "image": "devregistry.azurecr.io/sluice:1"}
        (self.folder / "sluice.yaml").write_text(json.dumps({
            "project": "shop", "lake": lake,
            "warehouse": warehouse or f"postgres://postgres@127.0.0.1:{self.server.port}/postgres?sslmode=disable",
            "connections": {"inbox": {"protocol": "file", "path": "./inbox"}},
            "platforms": {
                "here": {"type": "local", "packages": "../packages"},
                "apps": {"type": "container-apps", "packages": f"{STORE}/packages/apps", **cloud},
                "nodes": {"type": "batch", "account": "devbatch", "region": "westeurope", "max_nodes": 1,
                          "packages": f"{STORE}/packages/nodes", **cloud}},
            "environments": {place: {"platform": place} for place in PLACES},
            "jobs": {
                **{f"orders-{place}": {"kind": "ingest", "from": "inbox", "files": "*.csv", "into": f"orders_{place}"}
                   for place in PLACES},
                "schema": {"kind": "init", "steps": [{"step": "migrate", "folder": "migrations"}]},
                "slow": {"kind": "init", "steps": [{"step": "command", "run": ["sh", "-c", "pwd; cat note; sleep 3; cat note"]}]},
            }}))

    def told(self, *words, code=0, **options):
        done = run(*words, cwd=self.folder, timeout=400, **options)
        if done.code != code and words[0] == "start":
            done.err += run("logs", words[1], cwd=self.folder).text
        assert done.code == code, f"{words}: exit code {done.code}\n{done.text[-4000:]}\n{done.err[-4000:]}"
        return done

    def json(self, *words, **options):
        return json.loads(self.told(*words, "--json", **options).text)

    def rows(self, table):
        return [tuple(row) for row in self.server.execute(f"SELECT id, name FROM {table} ORDER BY 1")]


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    folder = tmp_path_factory.mktemp("packaged")
    azure = Azure(folder / "azure")
    with Postgres() as server:
        rig = Rig(folder, azure, server)
        azure.administer("PUT", "lifecycle", {"operationDelay": 100, "retryAfter": 0, "grace": 3000, "logDelay": 200})
        azure.administer("PUT", "batch", {
            "autoscaleInterval": 500, "samplePeriod": 100, "nodeStart": 20, "transition": 20, "emptyJob": 300})
        azure.arm("PUT", GROUP.format("apps") + "/Microsoft.App/managedEnvironments/shop-cae-apps", {
            "location": "westeurope", "properties": {"appLogsConfiguration": {
                "destination": "log-analytics",
                "logAnalyticsConfiguration": {"customerId": "77777777-1111-2222-3333-444444444444", "sharedKey": "a2V5"}}}},
            "2025-01-01")
        azure.arm("PUT", GROUP.format("nodes") + "/Microsoft.Batch/batchAccounts/devbatch", {"location": "westeurope"}, "2024-07-01")
        # The program alone: no project is in it.
        rig.told("image", "build", "--output", str(folder / "image"), "--tag", "1")
        rig.told("image", "push", "devregistry.azurecr.io/sluice:1", str(folder / "image"))
        yield rig
    azure.stop()


def package(plan):
    """What becomes of the package by a plan: (action, hash before, hash after)."""
    [change] = [change for change in plan["changes"] if change["path"] == "package"]
    return change["action"], *(text and re.fullmatch(r".*/shop@([0-9a-f]{64})", text)[1] for text in (change["from"], change["to"]))


@pytest.mark.parametrize("place", PLACES)
def test_what_was_deployed_is_what_runs(rig, place):
    job, table = f"orders-{place}", f"orders_{place}"
    for old in (rig.folder / "inbox").iterdir():
        old.unlink()
    (rig.folder / "inbox/1.csv").write_text("id,name\n1,apple\n2,pear\n")
    rig.write()
    plan = rig.json("deploy", job, "-e", place, "--plan")["plans"][0]
    action, _, first = package(plan)
    assert action == "create"
    # A plan publishes nothing.
    store = rig.root / "packages" if place == "here" else f"{STORE}/packages/{place}"
    rig.told("package", "list", str(store), "--name", "shop", code=0)
    assert rig.json("package", "list", str(store), "--name", "shop")["releases"] == []
    assert rig.json("deploy", job, "-e", place, "--yes")["applied"]
    assert rig.json("package", "list", str(store), "--name", "shop")["current"] == first
    # What is in the folder does not matter any more.
    (rig.folder / "inbox/1.csv").write_text("id,name\n1,wrong\n")
    (rig.folder / "inbox/2.csv").write_text("id,name\n3,plum\n")
    answer = rig.json("start", job, "-e", place, "--wait")
    assert answer["run"]["state"] == "succeeded"
    assert rig.rows(table) == [(1, "apple"), (2, "pear")]
    # It is deployed anew, with what is there now.
    (rig.folder / "inbox/1.csv").write_text("id,name\n1,apple\n2,pear\n")
    plan = rig.json("deploy", job, "-e", place, "--yes")["plans"][0]
    action, before, second = package(plan)
    assert (action, before) == ("update", first) and second != first
    assert {change["path"] for change in plan["changes"] if change["action"] != "keep"} == {"package"}
    assert rig.json("start", job, "-e", place, "--wait")["run"]["state"] == "succeeded"
    assert rig.rows(table) == [(1, "apple"), (2, "pear"), (3, "plum")]
    # And back, to what is still there; nothing of the folder is packed.
    plan = rig.json("deploy", job, "-e", place, "--yes", "--package", first[:10])["plans"][0]
    assert package(plan) == ("update", second, first)
    rows = rig.json("doctor", job, "-e", place)["rows"]
    assert any(row["subject"].endswith("packages") and second[:12] in row["finding"] for row in rows)
    # The folder is packed again, and gone back from.
    rig.json("deploy", job, "-e", place, "--yes")
    plan = rig.json("deploy", job, "-e", place, "--rollback", "--plan")["plans"][0]
    assert package(plan) == ("update", second, first)
    assert rig.json("package", "list", str(store), "--name", "shop")["current"] == second
    rig.json("deploy", job, "-e", place, "--rollback", "--yes")
    assert rig.json("package", "list", str(store), "--name", "shop")["current"] == first
    done = rig.told("deploy", job, "-e", place, "--rollback", "--yes", code=1)
    assert "nothing to go back to" in done.err
    rig.told("deploy", job, "-e", place, "--rollback", "--package", "current", code=64)
    rig.told("undeploy", job, "-e", place, "--yes")


def test_a_run_here_has_a_folder_of_its_own(rig):
    (rig.folder / "note").write_text("before\n")
    rig.write()
    rig.told("deploy", "slow", "-e", "here", "--yes")
    started = rig.json("start", "slow", "-e", "here")["run"]["id"]
    work = rig.folder / ".sluice/local" / started / "work"
    assert work.is_dir()
    (rig.folder / "note").write_text("after\n")
    done = rig.told("logs", "-f", started).text
    said = [line for line in rig.told("logs", started).text.splitlines()]
    assert sum("before" in line for line in said) >= 1 and not any("after" in line for line in said), done
    assert any(str(work) in line for line in said)
    assert rig.json("status", started)["run"]["state"] == "succeeded"
    assert not work.exists()
    assert "shop@" in rig.told("status", started).text


def test_a_killed_run_leaves_no_folder(rig):
    rig.write()
    rig.told("deploy", "slow", "-e", "here", "--yes")
    started = rig.json("start", "slow", "-e", "here")["run"]["id"]
    work = rig.folder / ".sluice/local" / started / "work"
    assert any(work.iterdir())
    rig.told("cancel", started, "--force")
    assert not work.exists()


def test_what_a_package_is_not_to_keep_is_refused_before_anything_is_done(rig):
    rig.write(lake="./lake")
    done = rig.told("deploy", "orders-here", "-e", "here", "--yes", code=4)
    assert "would leave the lake in lake" in done.err and "name a container" in done.err
    rig.write(warehouse="sqlite:./warehouse.db")
    for job in ("orders-here", "schema"):
        done = rig.told("deploy", job, "-e", "here", "--yes", code=4)
        assert "would leave the warehouse in warehouse.db" in done.err
    rig.write()
    done = rig.told("deploy", "orders-here", "--package", "current", "--on", "local", code=64)
    assert "nothing has to be deployed" in done.err


def test_a_package_is_run_by_hand(rig):
    (rig.folder / "note").write_text("by hand\n")
    rig.write()
    rig.told("deploy", "slow", "-e", "here", "--yes")
    releases = rig.json("package", "list", str(rig.root / "packages"), "--name", "shop")
    (rig.folder / "note").write_text("later\n")
    for word in ("current", releases["current"][:9], releases["current"]):
        done = rig.told("run", "slow", "--package", f"../packages/shop@{word}")
        assert f"the project is shop@{releases['current'][:12]}" in done.err
    # Its history is that of the folder where it was started.
    assert rig.json("status", "slow")["run"]["state"] == "succeeded"
    assert "by hand" in rig.told("logs", "slow").text
    for wrong, message in [
        ("nonsense", "is no package"), ("../packages/shop@00ff", "no package whose hash begins"),
        (f"../packages/shop@{'0' * 64}", "no such"), ("../nowhere/shop@current", "nothing was ever published"),
    ]:
        done = run("run", "slow", "--package", wrong, cwd=rig.folder)
        assert done.code != 0 and message in done.err, done.err


def test_a_package_that_was_changed_is_refused(rig):
    rig.write()
    rig.told("deploy", "slow", "-e", "here", "--yes")
    current = rig.json("package", "list", str(rig.root / "packages"), "--name", "shop")["current"]
    archive = rig.root / "packages/shop" / f"{current}.tar.zst"
    good = archive.read_bytes()
    archive.write_bytes(good[:-20] + bytes(20))
    try:
        done = rig.told("start", "slow", "-e", "here", code=1)
        assert "did not begin" in done.err
        assert current[:8] in done.err or "package" in done.err
    finally:
        archive.write_bytes(good)
