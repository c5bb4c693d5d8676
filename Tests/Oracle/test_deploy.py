"""From a project to a run on Container Apps, all of it by the program: an image is built and pushed, jobs are deployed, started,
watched, cancelled and removed. The platform is the emulated one, which really runs the image; the database is a real
PostgreSQL, whose password comes from the emulated Key Vault."""

import json
import os
import re
import time
import urllib.error

import pytest

from conftest import run
from emulator import Azure
from servers import Postgres

SECRET = "Marked~loader~password"
GROUP = "/subscriptions/s1/resourceGroups/shop-rg-prod/providers"


class Rig:
    """An emulator, a database, and a project whose jobs are deployed from its image."""

    def __init__(self, folder, azure, server):
        self.azure, self.server = azure, server
        self.folder = folder / "project"
        (self.folder / "migrations").mkdir(parents=True)
        (self.folder / "inbox").mkdir()
        (self.folder / "migrations/001_orders.sql").write_text("CREATE TABLE customers (id int PRIMARY KEY);\n")
        (self.folder / "inbox/orders-1.csv").write_text("id,name\n1,apple\n2,pear\n3,plum\n")
        (self.folder / ".env").write_text(f"SLUICE_AZURE_EMULATOR={azure.http}\n")
        self.write()
        self.layout = folder / "image"

    def write(self, **orders):
        deploy = {"env": {"TEAM": "shop"}, "secrets": {"WAREHOUSE_PASSWORD": "loader-password"}, **orders}
        (self.folder / "sluice.yaml").write_text(json.dumps({
            "project": "shop", "lake": "/tmp/lake",
            "warehouse": {"protocol": "postgres", "host": "127.0.0.1", "port": self.server.port, "database": "postgres",
                          "username": "loader", "sslmode": "disable"},
            "connections": {"inbox": {"protocol": "file", "path": "./inbox"}},
            "platforms": {"cloud": {
                "type": "container-apps", "subscription": "s1", "vault": "shop-kv",
                "client_id": "11111111-2222-3333-4444-555555555555", "image": "shop.azurecr.io/jobs/shop:1"}},
            "variables": {"pause": "60"},
            "jobs": {
                "schema": {"kind": "init", "purpose": "db-migration",
                           "steps": [{"step": "migrate", "folder": "migrations"}],
                           "deploy": {"secrets": {"WAREHOUSE_PASSWORD": "loader-password"}, "category": "database"}},
                "orders": {"kind": "ingest", "from": "inbox", "files": "orders-*.csv", "into": "orders", "deploy": deploy,
                           "after": "schema"},
                "wait": {"kind": "init", "steps": [{"step": "command", "run": [
                    "/opt/sluice/bin/sluice", "run", "orders", "--ignore-after", "--watch", "${var.pause}"]}], "deploy": deploy},
            },
            "environments": {"prod": {"platform": "cloud"}},
        }))

    def told(self, *words, code=0, folder=None, **options):
        done = run(*words, cwd=folder or self.folder, **options)
        assert SECRET not in done.text + done.err
        assert done.code == code, f"{words}: exit code {done.code}\n{done.text}\n{done.err}"
        return done

    def json(self, *words, **options):
        return json.loads(self.told(*words, "--json", **options).text)


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    folder = tmp_path_factory.mktemp("deploy")
    azure = Azure(folder / "azure")
    with Postgres() as server:
        server.execute(f"CREATE ROLE loader LOGIN PASSWORD '{SECRET}'; GRANT CREATE ON SCHEMA public TO loader; "
                       "GRANT CREATE ON DATABASE postgres TO loader")
        rules = server.data / "pg_hba.conf"
        rules.write_text("host all loader 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        server.execute("SELECT pg_reload_conf()")
        rig = Rig(folder, azure, server)
        azure.administer("PUT", "lifecycle", {"operationDelay": 100, "retryAfter": 0, "grace": 3000, "logDelay": 200})
        azure.call(
            "PUT", "/secrets/loader-password?api-version=7.6", {"value": SECRET},
            {"Authorization": f"Bearer {azure.token('https://vault.azure.net')}", "Host": "shop-kv.vault.azure.net"})
        rig.azure.arm("PUT", f"{GROUP}/Microsoft.App/managedEnvironments/shop-cae-prod", {
            "location": "westeurope", "properties": {"appLogsConfiguration": {
                "destination": "log-analytics",
                "logAnalyticsConfiguration": {"customerId": "77777777-1111-2222-3333-444444444444", "sharedKey": "a2V5"}}}})
        rig.told("image", "build", "--output", str(rig.layout), "--tag", "1", "--project", ".", timeout=600)
        rig.told("image", "push", "shop.azurecr.io/jobs/shop:1", str(rig.layout), timeout=600)
        yield rig
    azure.stop()


def changes(plan, action=None):
    return {change["path"]: (change["from"], change["to"]) for change in plan["changes"]
            if (action or change["action"]) == change["action"] and (action or change["action"] != "keep")}


def test_a_plan_shows_what_would_be_made_and_makes_nothing(rig):
    answer = rig.json("deploy", "-e", "prod", "--plan")
    assert not answer["applied"]
    assert [plan["name"] for plan in answer["plans"]] == ["shop-init-db-migration-prod", "shop-orders-prod", "shop-init-wait-prod"]
    made = changes(answer["plans"][0], "create")
    assert re.fullmatch(r"shop\.azurecr\.io/jobs/shop@sha256:[0-9a-f]{64}", made["image"][1])
    assert made["secret.warehouse-password"] == (None, "https://shop-kv.vault.azure.net/secrets/loader-password")
    assert made["env.WAREHOUSE_PASSWORD"] == (None, "secret warehouse-password")
    assert made["tag.JobType"] == (None, "init") and made["tag.JobCategory"] == (None, "database")
    assert answer["plans"][0]["cost"].startswith("a minute of it is 15 vCPU-s, 30 GiB-s")
    with pytest.raises(urllib.error.HTTPError):
        rig.azure.arm("GET", f"{GROUP}/Microsoft.App/jobs/shop-orders-prod")


def test_without_somebody_to_ask_nothing_is_done(rig):
    done = rig.told("deploy", "orders", "-e", "prod", code=64)
    assert "give --yes" in done.err and "+ image" in done.text
    assert "nothing has to be deployed" in rig.told("deploy", "orders", code=64).err


def test_jobs_run_from_image_to_finished_run(rig):
    assert rig.json("deploy", "schema", "orders", "-e", "prod", "--yes")["applied"]
    # As it is declared now.
    again = rig.json("deploy", "schema", "orders", "-e", "prod", "--yes")
    assert not again["applied"] and all(plan["isEmpty"] for plan in again["plans"])
    # Its turn comes when the job before it has succeeded, wherever that has run.
    assert "is to run after schema, and that has not run in prod" in rig.told("start", "orders", "-e", "prod", code=1).err
    done = rig.told("start", "schema", "-e", "prod", "--wait", timeout=180)
    assert re.search(r"schema: succeeded, .* vCPU-s, .* GiB-s", done.text)
    assert rig.server.execute("SELECT count(*) FROM sluice_migrations") == [(1,)]
    ended = rig.json("start", "orders", "-e", "prod", "--wait", timeout=180)["run"]
    assert (ended["state"], ended["exitCode"], ended["platform"]) == ("succeeded", 0, "cloud")
    assert ended["reference"].startswith("shop-orders-prod/shop-orders-prod-")
    assert rig.server.execute("SELECT id, name FROM orders ORDER BY id") == [(1, "apple"), (2, "pear"), (3, "plum")]
    # The run's id alone finds it, and what its program said.
    status = rig.told("status", ended["id"]).text
    assert re.search(r"^state +succeeded$", status, re.M) and "as shop-orders-prod/" in status
    assert "3 rows read, 3 inserted" in rig.told("logs", ended["id"]).text
    assert [entry["id"] for entry in rig.json("runs")["runs"]][0] == ended["id"]
    # No value of a secret is anywhere that Azure shows.
    job = json.dumps(rig.azure.arm("GET", f"{GROUP}/Microsoft.App/jobs/shop-orders-prod"))
    assert SECRET not in job and "secrets/loader-password" in job


def test_a_run_that_fails_ends_the_command_as_it_does(rig):
    rig.server.execute("ALTER ROLE loader NOLOGIN")
    try:
        done = rig.told("start", "orders", "-e", "prod", "--wait", code=5, timeout=180)
        assert "orders: failed: its program ended with exit code 5" in done.text
        assert "loader" in rig.told("logs", "orders").text
    finally:
        rig.server.execute("ALTER ROLE loader LOGIN")


def test_another_machine_asks_for_a_run_and_ends_it(rig, tmp_path):
    rig.told("deploy", "wait", "-e", "prod", "--yes")
    begun = rig.json("start", "wait", "-e", "prod", "--var", "pause=50")["run"]
    # The same project elsewhere, without the history.
    (tmp_path / "sluice.yaml").write_text((rig.folder / "sluice.yaml").read_text())
    (tmp_path / ".env").write_text((rig.folder / ".env").read_text())
    found = rig.json("status", begun["id"], "-e", "prod", folder=tmp_path)["run"]
    assert (found["job"], found["platform"], found["reference"]) == ("wait", "cloud", begun["reference"])
    for _ in range(300):
        if rig.told("logs", begun["id"], "--on", "cloud", folder=tmp_path).text:
            break
        time.sleep(0.1)
    job, execution = begun["reference"].split("/")
    shown = rig.azure.arm("GET", f"{GROUP}/Microsoft.App/jobs/{job}/executions/{execution}")
    given = {item["name"]: item.get("value") for item in shown["properties"]["template"]["containers"][0]["env"]}
    assert (given["SLUICE_VAR_PAUSE"], given["SLUICE_RUN_ID"], given["TEAM"]) == ("50", begun["id"], "shop")
    done = rig.told("cancel", begun["id"], folder=tmp_path, timeout=180)
    assert "ended: cancelled" in done.text
    # Who started it finds out too.
    assert rig.json("status", begun["id"])["run"]["state"] == "cancelled"
    assert "no run or job is called" in rig.told(
        "status", "01a1ffd1-fc2d-7902-ae66-1cfcdabaa659", "-e", "prod", code=1, folder=tmp_path).err


def test_what_was_changed_by_hand_is_shown_and_put_right(rig):
    path = f"{GROUP}/Microsoft.App/jobs/shop-orders-prod"
    job = rig.azure.arm("GET", path)
    body = {key: job[key] for key in ("location", "identity", "tags", "properties")}
    body["tags"]["CostCenter"] = "42"
    body["properties"]["template"]["containers"][0]["env"] = [{"name": "TEAM", "value": "other"}]
    body["properties"]["configuration"]["replicaTimeout"] = 77
    rig.azure.arm("PUT", path, body)
    time.sleep(0.3)
    (plan,) = rig.json("deploy", "orders", "-e", "prod", "--plan")["plans"]
    assert changes(plan, "update") == {"env.TEAM": ("other", "shop"), "timeout": ("77 s", "1800 s")}
    assert set(changes(plan, "create")) == {"env.AZURE_CLIENT_ID", "env.WAREHOUSE_PASSWORD"}
    assert "~ timeout" in rig.told("deploy", "orders", "-e", "prod", "--yes").text
    assert rig.azure.arm("GET", path)["tags"]["CostCenter"] == "42"


@pytest.mark.parametrize("deploy, says", [
    ({"name": "Nightly_Load"}, "name: nightly-load"), ({"cpu": 0.3, "memory": "1GiB"}, "write cpu: 0.5, memory: 1GiB"),
    ({"image": "shop.azurecr.io/jobs/shop:none"}, "none"),
])
def test_what_azure_would_refuse_is_refused_before_anything_is_sent(rig, deploy, says):
    rig.write(**deploy)
    try:
        done = run("deploy", "orders", "-e", "prod", "--yes", cwd=rig.folder)
        assert done.code != 0 and says in done.err
    finally:
        rig.write()


def test_the_ways_to_start_name_the_job(rig):
    text = rig.told("run", "orders", "-e", "prod", "--how").text
    assert "sluice start orders --wait --environment prod" in text
    assert "az containerapp job start --name shop-orders-prod --resource-group shop-rg-prod" in text


def test_what_is_removed_is_gone(rig):
    assert "give --yes" in rig.told("undeploy", "orders", "-e", "prod", code=64).err
    assert rig.json("undeploy", "orders", "-e", "prod", "--yes")["removed"]
    assert not rig.json("undeploy", "orders", "-e", "prod", "--yes")["removed"]
    done = rig.told("start", "orders", "-e", "prod", code=1)
    assert "'sluice deploy orders'" in done.err
