"""From an empty folder to a run on an emulated platform by `sluice` alone: `emulate --project` makes what the rest stands on, and
says what belongs into .env."""

import json
import os
import signal
import subprocess

import pytest
from azure.storage.blob import BlobServiceClient
from conftest import BINARY, run
from emulator import Azure, greeting

PLATFORMS = """
platforms:
  cloud: { type: container-apps, image: "shop.azurecr.io/jobs/shop:1.4" }
  nodes: { type: batch, account: shopbatch, region: northeurope, image: "shop.azurecr.io/jobs/shop:1.4" }
environments:
  prod: { platform: cloud }
  night:
    platform: nodes
    lake: az://shopstore/lake
    connections: { inbox: { protocol: file, path: "az://shopstore/inbox" } }
"""

GROUND = {
    ("Container Apps environment", "shop-rg-prod/shop-cae-prod"), ("Batch account", "shop-rg-night/shopbatch"),
    ("identity", "shop-rg-prod/shop-identity-prod"), ("identity", "shop-rg-night/shop-identity-night"),
    ("container", "shopstore/lake"), ("container", "shopstore/inbox")}


def told(folder, *words, code=0):
    done = run(*words, cwd=folder, timeout=300)
    assert done.code == code, f"{words}: exit code {done.code}\n{done.text}\n{done.err}"
    return done.text


def failed(folder, *words, code):
    rows = json.loads(told(folder, "doctor", *words, "--json", code=code))["rows"]
    return [row["subject"].split(": ")[-1] for row in rows if row["outcome"] == "failed"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A project that was begun a moment ago, its platforms, and an emulator for it. The image is there."""
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    os.environ.pop("SLUICE_AZURE_EMULATOR", None)
    os.environ.pop("AZURE_SUBSCRIPTION_ID", None)
    above = tmp_path_factory.mktemp("newcomer")
    told(above, "init", "shop")
    folder = above / "shop"
    with (folder / "sluice.yaml").open("a") as file:
        file.write(PLATFORMS)
    azure = Azure(above / "azure", "--project", "-C", folder)
    try:
        facts = azure.facts["project"]
        assert {(row["kind"], row["name"]) for row in facts["ground"]} == GROUND
        assert {row["outcome"] for row in facts["ground"]} == {"made"}
        assert facts["env"][0] == f"SLUICE_AZURE_EMULATOR={azure.http}" and len(facts["env"]) == 2
        (folder / ".env").write_text("\n".join(facts["env"]) + "\n")
        told(folder, "image", "build", "--quiet", "--output", above / "image", "--tag", "1.4", "--project", ".")
        told(folder, "image", "push", "--quiet", "shop.azurecr.io/jobs/shop:1.4", above / "image")
        yield folder, azure
    finally:
        azure.stop()


def test_container_apps_lack_nothing_but_the_job(shop):
    folder, _ = shop
    assert failed(folder, "orders", "-e", "prod", code=1) == ["job"]
    told(folder, "deploy", "orders", "-e", "prod", "--yes")
    assert failed(folder, "orders", "-e", "prod", code=0) == []
    told(folder, "start", "orders", "-e", "prod", "--wait")
    assert "4 rows read, 4 inserted" in told(folder, "logs", "orders", "-e", "prod")


def test_batch_lacks_nothing_but_the_pool(shop):
    folder, _ = shop
    assert failed(folder, "orders", "-e", "night", code=1) == ["pool"]
    told(folder, "lake", "cp", "data", "az://shopstore/inbox")
    told(folder, "deploy", "orders", "-e", "night", "--yes")
    assert failed(folder, "orders", "-e", "night", code=0) == []
    told(folder, "start", "orders", "-e", "night", "--wait")
    assert "4 rows read, 4 inserted" in told(folder, "logs", "orders", "-e", "night")


def test_what_was_made_is_there_after_a_restart(shop):
    folder, azure = shop
    azure.process.send_signal(signal.SIGKILL)
    azure.process.communicate()
    azure.start()
    facts = azure.facts["project"]
    assert {(row["kind"], row["name"], row["outcome"]) for row in facts["ground"]} == {(*row, "there") for row in GROUND}
    assert facts["env"] == []


def test_one_environment_alone(shop, azure_of):
    folder, _ = shop
    facts = azure_of("--project", "-C", folder, "-e", "night").facts["project"]
    assert {row["name"] for row in facts["ground"]} == {name for _, name in GROUND if "prod" not in name}


@pytest.fixture
def azure_of(tmp_path):
    """Emulators of a test's own."""
    started = []

    def start(*arguments):
        started.append(Azure(tmp_path / "azure", *arguments))
        return started[-1]

    yield start
    for azure in started:
        azure.stop()


def test_secrets_queues_and_lakes_that_a_project_names(tmp_path, azure_of):
    """Values come from .env, and are told by nobody; a lake's account has real folders."""
    (tmp_path / "sluice.yaml").write_text(json.dumps({
        "project": "shop", "lake": "abfss://lake@shoplake.dfs.core.windows.net/staged",
        "azure": {"vault": "shop-kv"}, "platform": "cloud",
        "warehouse": {"protocol": "postgres", "host": "db.example", "username": "me", "password": "${secret.db-password}"},
        "platforms": {"cloud": {
            "type": "container-apps", "subscription": "s1", "resource_group": "rg", "environment": "cae", "image": "x.azurecr.io/x:1",
            "packages": "az://shopstore/packages/shop",
            "identity": "/subscriptions/s2/resourceGroups/people/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me"}},
        "jobs": {"hello": {"kind": "init", "steps": [{"step": "command", "run": ["true"]}], "deploy": {
            "secrets": {"TOKEN": "token", "OTHER": "other-kv/other", "UNSET": "unset"},
            "event": {"type": "azure-queue", "metadata": {"accountName": "shopstore", "queueName": "work"}}}}}}))
    (tmp_path / ".env").write_text("DB_PASSWORD=marked-1\nTOKEN=marked-2\nOTHER=marked-3\n")
    azure = azure_of("--project", "-C", tmp_path)
    facts = azure.facts["project"]
    assert {row["name"] for row in facts["ground"]} == {
        "rg/cae", "people/me", "shoplake/lake", "shopstore/packages", "shopstore/work", "shop-kv/db-password", "shop-kv/token",
        "other-kv/other"}
    assert "marked" not in json.dumps(azure.facts)
    lake = BlobServiceClient(f"{azure.http}/shoplake", credential=azure.key("shoplake"))
    assert lake.get_account_information()["is_hns_enabled"]
    azure.stop()
    (tmp_path / ".env").write_text("DB_PASSWORD=marked-4\nTOKEN=marked-2\nOTHER=marked-3\n")
    azure.start()
    outcomes = {row["name"]: row["outcome"] for row in azure.facts["project"]["ground"]}
    assert outcomes.pop("shop-kv/db-password") == "changed" and set(outcomes.values()) == {"there"}
    assert "marked" not in json.dumps(azure.facts) and "marked" not in azure.trace.read_text()


def test_secrets_stay_away_from_where_others_can_read_them(tmp_path, azure_of):
    (tmp_path / "sluice.yaml").write_text(json.dumps({
        "project": "shop", "azure": {"vault": "shop-kv"}, "lake": "az://shopstore/lake",
        "warehouse": {"protocol": "postgres", "host": "db.example", "username": "me", "password": "${secret.db-password}"}}))
    (tmp_path / ".env").write_text("DB_PASSWORD=marked-1\n")
    azure = azure_of("--project", "-C", tmp_path, "--address", "0.0.0.0")
    facts = azure.facts["project"]
    assert [row["name"] for row in facts["ground"]] == ["shopstore/lake"]
    assert len(facts["notes"]) == 1 and "shop-kv/db-password is not made: others can reach" in facts["notes"][0]
    azure.stop()
    assert b"marked" not in b"".join(path.read_bytes() for path in azure.data.rglob("*") if path.is_file())


def test_a_project_that_is_wrong_is_told_before_anything_listens(tmp_path):
    (tmp_path / "sluice.yaml").write_text("project: shop\nplatform: nowhere\n")
    done = run("emulate", "--project", "--port", "0", cwd=tmp_path)
    assert done.code == 4 and "nowhere" in done.err and done.text == ""
    assert run("emulate", "--project", "--port", "0", cwd="/").code == 4


def test_what_cannot_be_found_out_is_a_note(tmp_path):
    """A platform that lacks a name, a secret that lacks a value, a container that nobody may make: the rest is made."""
    (tmp_path / "sluice.yaml").write_text(json.dumps({
        "project": "shop", "azure": {"vault": "shop-kv"}, "platform": "cloud", "lake": "az://shopstore/lake",
        "connections": {"inbox": {"protocol": "file", "path": "az://shopstore/inbox"}},
        "platforms": {"cloud": {"type": "container-apps", "subscription": "s1"}},
        "jobs": {"hello": {"kind": "init", "steps": [{"step": "command", "run": ["true"]}],
                           "deploy": {"secrets": {"NOT_THERE": "not-there"}}}}}))
    (tmp_path / "who.json").write_text(json.dumps({"deny": [{"service": "blob", "path": "/inbox"}]}))
    process = subprocess.Popen([BINARY, "emulate", "--project", "--port", "0", "--data", tmp_path / "data",
                                "--identities", "who.json"], cwd=tmp_path, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = greeting(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert "For the project shop:\n  container  shopstore/lake, made\n" in text and "Its .env leads here with:\n  SLUICE_AZURE_EMULATOR=http://" in text
    assert "note: the platform \"cloud\" does not say its resource_group" in err
    assert "note: the container shopstore/inbox cannot be made: 403 AuthorizationPermissionMismatch" in err
    assert "note: the secret shop-kv/not-there is not made: set NOT_THERE" in err
