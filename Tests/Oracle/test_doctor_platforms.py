"""`sluice doctor` on (emulated) platforms: of what a job stands on there, the row that is wrong is named, with what to do."""

import json
import os

import pytest

from conftest import run
from emulator import Azure

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop-rg-prod/providers"
IDENTITY = "0b5f3c8e-1111-4222-8333-944455556666"


@pytest.fixture(scope="module")
def azure(tmp_path_factory):
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    azure = Azure(tmp_path_factory.mktemp("doctor") / "azure")
    azure.administer("PUT", "lifecycle", {"operationDelay": 0, "retryAfter": 0})
    yield azure
    azure.stop()


def project(folder, azure, platform):
    (folder / ".env").write_text(
        f"SLUICE_AZURE_EMULATOR={azure.http}\nIDENTITY_ENDPOINT={azure.http}/msi/token\nIDENTITY_HEADER=local-identity-1\n")
    (folder / "sluice.yaml").write_text(json.dumps({
        "project": "shop", "platforms": {"cloud": {"client_id": IDENTITY, **platform}},
        "environments": {"prod": {"platform": "cloud"}},
        "jobs": {"hello": {"kind": "init", "steps": [{"step": "command", "run": ["true"]}]}}}))
    return folder


def failed(folder, env=None):
    """The subjects that failed, each with what to do."""
    done = run("doctor", "hello", "-e", "prod", "--json", cwd=folder, env=env)
    rows = json.loads(done.text)["rows"]
    assert all(row["remedy"] for row in rows if row["outcome"] == "failed"), rows
    prefix = "platform cloud, hello: "
    return {row["subject"].removeprefix(prefix): row["remedy"] for row in rows if row["outcome"] == "failed"}


def test_nobody_signed_in(azure, tmp_path):
    folder = project(tmp_path, azure, {"type": "batch", "subscription": SUBSCRIPTION, "account": "nobody", "region": "westeurope"})
    (folder / ".env").write_text("")
    rows = failed(folder, env={"SLUICE_AZURE_IDENTITY": "environment", "AZURE_CLIENT_ID": "", "IDENTITY_ENDPOINT": ""})
    assert "sign-in" in rows


def test_a_platform_that_lacks_a_setting(azure, tmp_path):
    folder = project(tmp_path, azure, {"type": "container-apps"})
    rows = failed(folder, env={"AZURE_SUBSCRIPTION_ID": ""})
    assert "AZURE_SUBSCRIPTION_ID" in rows["platform cloud"]


def test_what_container_apps_lack(azure, tmp_path):
    folder = project(tmp_path, azure, {"type": "container-apps", "subscription": SUBSCRIPTION})
    rows = failed(folder)
    assert "az containerapp env create" in rows["environment"] and "sluice deploy hello" in rows["job"]
    azure.arm("PUT", f"{GROUP}/Microsoft.App/managedEnvironments/shop-cae-prod", {
        "location": "westeurope", "properties": {"appLogsConfiguration": {
            "destination": "log-analytics",
            "logAnalyticsConfiguration": {"customerId": "77777777-1111-2222-3333-444444444444", "sharedKey": "a2V5"}}}},
        "2025-01-01")
    rows = failed(folder)
    assert set(rows) == {"job"}, rows
    # Without a client id in the project the identity itself is asked for it.
    settings = json.loads((folder / "sluice.yaml").read_text())
    del settings["platforms"]["cloud"]["client_id"]
    (folder / "sluice.yaml").write_text(json.dumps(settings))
    rows = failed(folder)
    assert set(rows) == {"identity", "job"} and "az identity create" in rows["identity"]
    made = azure.arm("PUT", f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/shop-identity-prod",
               {"location": "westeurope"}, "2023-01-31")
    done = run("doctor", "hello", "-e", "prod", cwd=folder)
    assert f"shop-identity-prod, client id {made['properties']['clientId']}" in done.text
    assert set(failed(folder)) == {"job"}


def test_what_batch_lacks(azure, tmp_path):
    folder = project(tmp_path, azure, {"type": "batch", "subscription": SUBSCRIPTION, "account": "devbatch", "region": "westeurope",
                                        "program": "/usr/local/bin/sluice"})
    rows = failed(folder)
    assert set(rows) == {"account"} and "az batch account create" in rows["account"]
    done = run("deploy", "hello", "-e", "prod", "--plan", cwd=folder)
    assert done.code != 0 and "az batch account create" in done.err, done.err
    azure.arm("PUT", f"{GROUP}/Microsoft.Batch/batchAccounts/devbatch", {"location": "westeurope"}, "2024-07-01")
    rows = failed(folder)
    assert set(rows) == {"pool"} and "sluice deploy" in rows["pool"]
