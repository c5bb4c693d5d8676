"""The emulated Container Apps: azure-mgmt-appcontainers through its normal flows, with jobs that really run, and their logs."""

import io
import json
import os
import subprocess
import tarfile
import time
import urllib.error
import urllib.request

import pytest
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.appcontainers import ContainerAppsAPIClient
from conftest import BINARY
from emulator import azure, azure_with, wait_until  # noqa: F401

SUBSCRIPTION = "11111111-0000-4000-8000-000000000001"
IDENTITY = (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/"
            "userAssignedIdentities/runner")
WORKSPACE = "0c0ffee0-0000-4000-8000-00000000000a"
FINAL = ("Succeeded", "Failed", "Stopped")


def client(azure, version="2025-01-01"):
    return ContainerAppsAPIClient(
        azure.credential(), SUBSCRIPTION, base_url=azure.https, connection_verify=azure.ca, api_version=version,
        credential_scopes=["https://management.azure.com/.default"])


def shell_layer():
    """A layer with this machine's shell, a few programs, and their libraries."""
    programs = ["/bin/sh", "/bin/cat", "/bin/sleep", "/bin/id", "/usr/bin/env", "/bin/ls"]
    listed = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout
    files = {word for word in listed.split() if word.startswith("/") and not word.endswith(":")} | set(programs)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path in sorted(files):
            info = tarfile.TarInfo(path[1:])
            data = open(os.path.realpath(path), "rb").read()
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture(scope="module")
def image(azure):
    """An image with a shell in the emulated registry; `image.push(azure, name)` puts it into another one."""
    return push_image(azure)


def push_image(azure, name="jobs/shell"):
    registry = ContainerRegistryClient(
        azure.https, azure.credential(), connection_verify=azure.ca, api_version="2021-07-01",
        audience="https://containerregistry.azure.net")
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []},
                         "config": {"Entrypoint": ["/bin/sh", "-c"], "Env": ["PATH=/bin:/usr/bin"], "WorkingDir": "/work"}})
    facts = []
    for kind, data in [("config.v1+json", config.encode()), ("layer.v1.tar+gzip", shell_layer())]:
        digest, size = registry.upload_blob(name, io.BytesIO(data))
        facts.append({"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest, "size": size})
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": facts[0],
                "layers": facts[1:]}
    registry.set_manifest(name, manifest, tag="1", media_type=manifest["mediaType"])
    return f"localhost/{name}:1"


def environment(azure, name="env1", destination="log-analytics"):
    logs = {"destination": destination}
    if destination == "log-analytics":
        logs["logAnalyticsConfiguration"] = {"customerId": WORKSPACE, "sharedKey": "c2VjcmV0LWtleQ=="}
    body = {"location": "West Europe", "properties": {"appLogsConfiguration": logs}}
    return client(azure).managed_environments.begin_create_or_update("rg", name, body).result()


def usual_environment(azure):
    """The id of an environment that is made once in every emulator."""
    if not hasattr(azure, "environment_id"):
        azure.environment_id = environment(azure).id
    return azure.environment_id


def job(azure, image, script, *, trigger=None, environment_id=None, secrets=None, registries=None, **container):
    environment_id = environment_id or usual_environment(azure)
    configuration = {"triggerType": "Manual", "replicaTimeout": 60, "replicaRetryLimit": 0,
                     "manualTriggerConfig": {"parallelism": 1, "replicaCompletionCount": 1}}
    configuration.update(trigger or {})
    if secrets:
        configuration["secrets"] = secrets
    if registries:
        configuration["registries"] = registries
    return {
        "location": "West Europe", "tags": {"project": "shop"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
        "properties": {
            "environmentId": environment_id, "configuration": configuration,
            "template": {"containers": [{"name": "main", "image": image, "args": [script],
                                         "resources": {"cpu": 0.25, "memory": "0.5Gi"}, **container}]}}}


def create(azure, name, body, version="2025-01-01"):
    return client(azure, version).jobs.begin_create_or_update("rg", name, body).result()


def start(azure, name, template=None):
    return client(azure).jobs.begin_start("rg", name, template).result().name


def wait(azure, name, execution, version="2026-07-01", seconds=40):
    """The execution once it has ended."""
    found = None

    def ended():
        nonlocal found
        found = client(azure, version).job_execution("rg", name, execution)
        return found.status in FINAL

    assert wait_until(ended, seconds), found
    return found


def call(azure, method, path, version="2025-01-01", body=None, headers=None):
    """A request to Resource Manager without a client; (status, body, headers)."""
    token = azure.credential().get_token("https://management.azure.com/.default").token
    url = path if path.startswith("http") else f"{azure.http}{path}?api-version={version}"
    request = urllib.request.Request(
        url, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def path_of(name):
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.App/jobs/{name}"


def stream(azure, name, execution, **query):
    """Lines of a live log, as the command line of Azure reads them."""
    version = "2023-11-02-preview"
    _, body, _ = call(azure, "GET", f"{path_of(name)}/executions/{execution}/replicas", version)
    replicas = json.loads(body)["value"]
    assert replicas, "no replicas"
    _, body, _ = call(azure, "POST", f"{path_of(name)}/getAuthToken", version)
    token = json.loads(body)["properties"]["token"]
    url = replicas[0]["properties"]["containers"][0]["logStreamEndpoint"]
    query = "&".join(f"{key}={value}" for key, value in {"follow": "false", "output": "json", "tailLines": 300, **query}.items())
    request = urllib.request.Request(f"{url}?{query}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return answer.read().decode().splitlines()


def query(azure, kql, **body):
    token = azure.credential().get_token("https://api.loganalytics.io/.default").token
    return call(azure, "POST", f"{azure.http}/v1/workspaces/{WORKSPACE}/query", body={"query": kql, **body},
                headers={"Authorization": f"Bearer {token}"})


# Jobs from their making to their end.

def test_the_official_client_goes_its_usual_way(azure, image):
    made = environment(azure)
    assert made.provisioning_state == "Succeeded" and made.app_logs_configuration.destination == "log-analytics"
    assert made.app_logs_configuration.log_analytics_configuration.shared_key is None
    body = job(azure, image, "echo hello $NAME; echo wrong >&2", env=[{"name": "NAME", "value": "world"}])
    created = create(azure, "first", body)
    assert created.provisioning_state == "Succeeded" and created.tags == {"project": "shop"}
    assert created.configuration.trigger_type == "Manual"
    assert created.template.containers[0].resources.ephemeral_storage == "1Gi"
    assert created.identity.user_assigned_identities[IDENTITY].client_id
    execution = start(azure, "first")
    assert execution.startswith("first-") and len(execution) == len("first-") + 7
    ended = wait(azure, "first", execution)
    assert ended.status == "Succeeded" and ended.end_time >= ended.start_time
    assert ended.detailed_status.replicas[0].containers[0].code == 0
    listed = list(client(azure).jobs_executions.list("rg", "first"))
    assert [item.name for item in listed] == [execution] and listed[0].template.containers[0].image == image
    changed = client(azure).jobs.begin_update(
        "rg", "first", {"properties": {"configuration": {"triggerType": "Manual", "replicaTimeout": 99}}}).result()
    assert changed.configuration.replica_timeout == 99 and changed.template.containers[0].image == image
    assert [item.name for item in client(azure).jobs.list_by_resource_group("rg")] == ["first"]
    assert [item.name for item in client(azure).jobs.list_by_subscription()] == ["first"]
    client(azure).jobs.begin_delete("rg", "first").result()
    with pytest.raises(ResourceNotFoundError):
        client(azure).jobs.get("rg", "first")


def test_exchanges_are_as_recorded(azure, image):
    body = job(azure, image, "true")
    status, answer, headers = call(azure, "PUT", path_of("recorded"), body=body)
    assert status == 201 and json.loads(answer)["properties"]["provisioningState"] == "InProgress"
    poll = headers["Azure-AsyncOperation"]
    assert "/locations/westeurope/containerappsjobOperationStatuses/" in poll and "azureAsyncOperation=true" in poll
    assert len(poll) > 2000 and headers["Retry-After"] == "1"
    assert call(azure, "GET", poll)[0] == 200
    busy = call(azure, "PUT", path_of("recorded"), body=body)
    assert busy[0] == 409 and json.loads(busy[1])["error"]["code"] == "ContainerAppOperationInProgress"
    assert wait_until(lambda: json.loads(call(azure, "GET", poll)[1])["status"] == "Succeeded")
    assert call(azure, "PUT", path_of("recorded"), body=body)[0] == 200
    assert wait_until(lambda: call(azure, "PATCH", path_of("recorded"), body={"tags": {"a": "b"}})[0] == 202)
    assert wait_until(lambda: call(azure, "DELETE", path_of("recorded"))[0] == 202)
    assert wait_until(lambda: call(azure, "DELETE", path_of("recorded"))[0] == 204)


@pytest.mark.parametrize("script, status, code", [("exit 0", "Succeeded", 0), ("exit 3", "Failed", 3), ("/bin/sh -c 'kill -9 $$'", "Failed", 137),
                                                  ("sleep 60", "Failed", None)])
def test_ends_are_told_apart(azure, image, script, status, code):
    azure.administer("PUT", "lifecycle", {"grace": 200})
    name = "end" + "".join(letter for letter in script if letter.isalnum())
    create(azure, name, job(azure, image, script, trigger={"replicaTimeout": 2 if "sleep" in script else 30}))
    ended = wait(azure, name, start(azure, name))
    assert ended.status == status
    if code is not None:
        assert ended.detailed_status.replicas[0].containers[0].code == code
    if "sleep" in script:
        assert ended.reason == "DeadlineExceeded"
    # Older interfaces know the state alone.
    older = client(azure, "2025-01-01").job_execution("rg", name, ended.name)
    assert older.status == status and older.detailed_status is None


def test_replicas_run_side_by_side_and_failed_ones_again(azure, image):
    trigger = {"replicaRetryLimit": 4, "manualTriggerConfig": {"parallelism": 3, "replicaCompletionCount": 6}}
    create(azure, "many", job(azure, image, "sleep 0.3; echo $CONTAINER_APP_JOB_NAME", trigger=trigger))
    ended = wait(azure, "many", start(azure, "many"))
    assert ended.status == "Succeeded" and len(ended.detailed_status.replicas) == 6
    create(azure, "flaky", job(azure, image, "exit 1", trigger={"replicaRetryLimit": 2}))
    failed = wait(azure, "flaky", start(azure, "flaky"))
    assert failed.status == "Failed" and failed.reason == "BackoffLimitExceeded"
    assert len(failed.detailed_status.replicas) == 3


def test_a_start_replaces_containers_whole(azure, image):
    create(azure, "override", job(azure, image, "echo own $A", env=[{"name": "A", "value": "1"}]))
    template = {"containers": [{"name": "other", "image": image, "args": ["echo over $A $B; exit 4"],
                                "env": [{"name": "B", "value": "2"}]}]}
    execution = start(azure, "override", template)
    ended = wait(azure, "override", execution)
    assert ended.detailed_status.replicas[0].containers[0].code == 4
    assert any("over  2" in line or "over 2" in line for line in stream(azure, "override", execution))


def test_a_running_execution_can_be_stopped(azure, image):
    azure.administer("PUT", "lifecycle", {"grace": 200})
    create(azure, "long", job(azure, image, "echo on; sleep 60"))
    first, second, third = start(azure, "long"), start(azure, "long"), start(azure, "long")
    client(azure).jobs.begin_stop_execution("rg", "long", first).result()
    assert wait(azure, "long", first).status == "Stopped"
    assert call(azure, "POST", f"{path_of('long')}/stop/{second}")[0] == 200
    assert wait(azure, "long", second).status == "Stopped"
    stopped = client(azure).jobs.begin_stop_multiple_executions("rg", "long").result()
    assert [item.name for item in stopped.value] == [third]
    assert wait(azure, "long", third).status == "Stopped"
    names = [item.name for item in client(azure).jobs_executions.list("rg", "long")]
    assert names == [third, second, first]


def test_memory_is_limited(azure, image):
    script = "x=$(cat /dev/zero | head -c 1) ; s=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; while :; do s=$s$s; done"
    create(azure, "greedy", job(azure, image, script))
    ended = wait(azure, "greedy", start(azure, "greedy"))
    container = ended.detailed_status.replicas[0].containers[0]
    assert ended.status == "Failed" and (container.code, container.additional_information) == (137, "OOMKilled")


# Secrets and identities.

def test_secrets_reach_the_program_and_nobody_else(azure, image):
    azure.directory({})
    token = azure.credential().get_token("https://vault.azure.net/.default").token
    status, _, _ = call(azure, "PUT", f"{azure.http}/secrets/db-password?api-version=7.4", body={"value": "from the vault"},
                        headers={"Authorization": f"Bearer {token}"})
    assert status == 200
    secrets = [{"name": "plain", "value": "s3cret-value"},
               {"name": "kept", "keyVaultUrl": "https://devvault.vault.azure.net/secrets/db-password", "identity": IDENTITY}]
    env = [{"name": "A", "secretRef": "plain"}, {"name": "B", "secretRef": "kept"}]
    create(azure, "secretive", job(azure, image, '[ ${#A}$A = 12$A ] && [ ${#B} = 14 ]', secrets=secrets, env=env))
    assert wait(azure, "secretive", start(azure, "secretive")).status == "Succeeded"
    shown = client(azure).jobs.get("rg", "secretive")
    assert [item.value for item in shown.configuration.secrets] == [None, None]
    listed = client(azure).jobs.list_secrets("rg", "secretive").value
    assert [(item.name, item.value) for item in listed] == [("plain", "s3cret-value"), ("kept", None)]
    # A patch that says nothing of secrets keeps them; a PUT that omits them deletes them.
    client(azure).jobs.begin_update("rg", "secretive", {"tags": {"x": "y"}}).result()
    assert len(client(azure).jobs.list_secrets("rg", "secretive").value) == 2
    create(azure, "secretive", job(azure, image, "true"))
    assert not client(azure).jobs.list_secrets("rg", "secretive").value
    assert "s3cret-value" not in azure.trace.read_text() and "from the vault" not in azure.trace.read_text()


def test_a_secret_that_cannot_be_read_fails_the_execution(azure, image):
    secrets = [{"name": "kept", "keyVaultUrl": "https://devvault.vault.azure.net/secrets/missing", "identity": IDENTITY}]
    create(azure, "missing", job(azure, image, "true", secrets=secrets))
    ended = wait(azure, "missing", start(azure, "missing"))
    assert ended.status == "Failed" and ended.reason == "SecretNotResolved" and "missing" in ended.message


def test_the_identity_is_there(azure, image):
    create(azure, "whoami", job(azure, image, '[ -n "$IDENTITY_HEADER" ] && echo "$IDENTITY_ENDPOINT"'))
    execution = start(azure, "whoami")
    assert wait(azure, "whoami", execution).status == "Succeeded"
    assert any(f"{azure.http}/msi/token" in line for line in stream(azure, "whoami", execution))


def test_images_need_their_registry(azure, image):
    create(azure, "unknown", job(azure, "localhost/no/such:1", "true"))
    ended = wait(azure, "unknown", start(azure, "unknown"))
    assert (ended.status, ended.reason) == ("Failed", "ImagePullFailure") and "not found" in ended.message
    create(azure, "foreign", job(azure, "devregistry.azurecr.io/jobs/shell:1", "true"))
    assert "401 Unauthorized" in wait(azure, "foreign", start(azure, "foreign")).message
    registries = [{"server": "devregistry.azurecr.io", "identity": IDENTITY}]
    create(azure, "foreign", job(azure, "devregistry.azurecr.io/jobs/shell:1", "true", registries=registries))
    assert wait(azure, "foreign", start(azure, "foreign")).status == "Succeeded"


# What is refused.

@pytest.mark.parametrize("name, change, code", [
    ("a", {}, "ContainerAppJobInvalidName"), ("Upper", {}, "ContainerAppJobInvalidName"), ("a--b", {}, "ContainerAppJobInvalidName"),
    ("x" * 33, {}, "ContainerAppJobInvalidName"), ("ab-", {}, "ContainerAppJobInvalidName"),
    ("good", {"location": None}, "LocationRequired"),
    ("good", {"environmentId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/managedEnvironments/no"},
     "ManagedEnvironmentNotFound"),
    ("good", {"resources": {"cpu": 0.25, "memory": "1Gi"}}, "ContainerAppInvalidResourceTotal"),
    ("good", {"resources": {"cpu": 3.1, "memory": "6.2Gi"}}, "ContainerAppInvalidResourceTotal"),
    ("good", {"trigger": {"replicaTimeout": None}}, "InvalidRequestParameterWithDetails"),
    ("good", {"trigger": {"triggerType": "Often"}}, "InvalidRequestParameterWithDetails"),
    ("good", {"trigger": {"triggerType": "Schedule"}}, "InvalidRequestParameterWithDetails"),
    ("good", {"trigger": {"triggerType": "Schedule", "scheduleTriggerConfig": {"cronExpression": "61 * * * *"}}}, "InvalidCronExpression"),
    ("good", {"env": [{"name": "A", "secretRef": "none"}]}, "ContainerAppSecretRefNotFound"),
    ("good", {"secrets": [{"name": "s"}]}, "ContainerAppSecretInvalid"),
    ("good", {"secrets": [{"name": "s", "keyVaultUrl": "https://v.vault.azure.net/secrets/s", "identity": "/other"}]}, "IdentityNotAssigned"),
    ("good", {"image": ""}, "InvalidRequestParameterWithDetails"),
])
def test_what_the_service_refuses(azure, image, name, change, code):
    change = dict(change)
    location = change.pop("location", "West Europe")
    environment_id = change.pop("environmentId", None)
    given = change.pop("image", image)
    body = job(azure, given, "true", environment_id=environment_id, **change)
    body["location"] = location
    status, answer, _ = call(azure, "PUT", path_of(name), body=body)
    assert status == 400 and json.loads(answer)["error"]["code"] == code, answer


def test_versions_and_denials(azure, image):
    create(azure, "versions", job(azure, image, "true"))
    status, answer, _ = call(azure, "GET", path_of("versions"), "2019-01-01")
    assert status == 400 and json.loads(answer)["error"]["code"] == "NoRegisteredProviderFound"
    assert b"2026-07-01" in answer
    assert call(azure, "POST", path_of("versions") + "/getAuthToken", "2025-01-01")[0] == 404
    assert call(azure, "POST", path_of("versions") + "/suspend", "2026-01-01")[0] == 404
    azure.directory({"deny": [{"service": "arm", "path": "*/resourceGroups/secret-rg/*"}]})
    with pytest.raises(HttpResponseError) as caught:
        client(azure).jobs.get("secret-rg", "versions")
    assert caught.value.status_code == 403 and caught.value.error.code == "AuthorizationFailed"
    assert "Microsoft.App/jobs/read" in caught.value.message
    azure.directory({})


def test_a_job_can_be_suspended(azure, image):
    create(azure, "paused", job(azure, image, "true"), "2026-07-01")
    newest = client(azure, "2026-07-01").jobs
    assert newest.get("rg", "paused").running_state == "Ready"
    newest.begin_suspend("rg", "paused").result()
    assert newest.get("rg", "paused").running_state == "Suspended"
    assert call(azure, "POST", path_of("paused") + "/start")[0] == 409
    newest.begin_resume("rg", "paused").result()
    assert wait(azure, "paused", start(azure, "paused")).status == "Succeeded"


# Triggers.

def test_scheduled_jobs_start_when_they_are_due(azure, image):
    trigger = {"triggerType": "schedule", "scheduleTriggerConfig": {"cronExpression": "30 2 * * 1-5"}}
    made = create(azure, "nightly", job(azure, image, "echo night", trigger=trigger))
    assert made.configuration.trigger_type == "Schedule"
    assert azure.administer("POST", "clock", {"now": "2026-11-21T02:30:00Z"})["started"] == []
    started = azure.administer("POST", "clock", {"now": "2026-11-20T02:30:59Z"})["started"]
    assert len(started) == 1 and wait(azure, "nightly", started[0]).status == "Succeeded"


def test_messages_start_executions(azure, image):
    from azure.storage.queue import QueueClient

    queue = QueueClient(f"{azure.queue_http}/shop", "work", credential=azure.key("shop"))
    queue.create_queue()
    rule = {"name": "work", "type": "azure-queue", "identity": IDENTITY,
            "metadata": {"queueName": "work", "accountName": "shop", "queueLength": "1"}}
    trigger = {"triggerType": "Event", "eventTriggerConfig": {
        "parallelism": 1, "replicaCompletionCount": 1,
        "scale": {"minExecutions": 0, "maxExecutions": 2, "pollingInterval": 1, "rules": [rule]}}}
    create(azure, "eager", job(azure, image, "sleep 30", trigger=trigger))
    time.sleep(1.5)
    executions = client(azure).jobs_executions
    assert not list(executions.list("rg", "eager"))
    for number in range(5):
        queue.send_message(f"m{number}")
    assert wait_until(lambda: len(list(executions.list("rg", "eager"))) == 2)
    time.sleep(2)
    assert len(list(executions.list("rg", "eager"))) == 2
    queue.clear_messages()
    client(azure).jobs.begin_delete("rg", "eager").result()


# Logs.

def test_logs_are_streamed_while_it_runs(azure, image):
    create(azure, "chatty", job(azure, image, "echo one; echo \"it's <two> + \\\"3\\\"\"; sleep 1.5; echo last"))
    execution = start(azure, "chatty")
    assert wait_until(lambda: any("two" in line for line in stream_or_nothing(azure, "chatty", execution)))
    lines = stream(azure, "chatty", execution, follow="true")
    assert "\\u0027main\\u0027" in lines[0] and "Successfully Connected" in lines[1]
    logged = [json.loads(line)["Log"] for line in lines[2:]]
    assert logged == ["one", 'it\'s <two> + "3"', "last"]
    assert [json.loads(line)["Log"] for line in stream(azure, "chatty", execution, tailLines=1)[2:]] == ["last"]
    assert wait(azure, "chatty", execution).status == "Succeeded"


def stream_or_nothing(azure, name, execution):
    try:
        return stream(azure, name, execution)
    except AssertionError:
        return []


def rows(azure, kql, **body):
    status, answer, _ = query(azure, kql, **body)
    assert status == 200, answer
    table = json.loads(answer)["tables"][0]
    names = [column["name"] for column in table["columns"]]
    return [dict(zip(names, row)) for row in table["rows"]]


def test_logs_are_found_by_queries(azure, image):
    create(azure, "logged", job(azure, image, "echo one; echo two >&2; echo three"))
    execution = start(azure, "logged")
    wait(azure, "logged", execution)
    kql = f"""
        ContainerAppConsoleLogs_CL
        | where ContainerJobName_s == 'logged' // only this one
        | where ContainerGroupName_s startswith "{execution}" and TimeGenerated > ago(1h)
        | project TimeGenerated, Log_s, Stream_s, _timestamp_d | order by _timestamp_d asc"""
    assert wait_until(lambda: len(rows(azure, kql)) == 3)
    found = rows(azure, kql)
    assert {row["Log_s"] for row in found} == {"one", "two", "three"}
    assert {row["Log_s"]: row["Stream_s"] for row in found}["two"] == "stderr"
    assert [row["Count"] for row in rows(azure, kql.split("| project")[0] + "| count")] == [3]
    assert rows(azure, kql, timespan="2020-01-01/P1D") == [] and len(rows(azure, kql, timespan="PT6H")) == 3
    system = rows(azure, f"ContainerAppSystemLogs_CL | where ExecutionName_s == '{execution}' | project Reason_s, Log_s")
    assert system[0]["Reason_s"] == "Created" and system[-1]["Reason_s"] == "Completed"
    assert "PulledImage" in [row["Reason_s"] for row in system]


def test_the_official_client_reads_logs(azure, image):
    from azure.monitor.query import LogsQueryClient, LogsQueryStatus

    create(azure, "read", job(azure, image, "echo hello"))
    wait(azure, "read", start(azure, "read"))
    kql = "ContainerAppConsoleLogs_CL | where ContainerJobName_s == 'read' | take 5"
    with LogsQueryClient(azure.credential(), endpoint=azure.https, audience="https://api.loganalytics.io",
                         connection_verify=azure.ca) as logs:
        assert wait_until(lambda: len(logs.query_workspace(WORKSPACE, kql, timespan=None).tables[0].rows) == 1)
        answer = logs.query_workspace(WORKSPACE, kql, timespan=None, include_statistics=True)
        assert answer.status == LogsQueryStatus.SUCCESS and answer.statistics
        assert answer.tables[0].rows[0]["Log_s"] == "hello"
        azure.administer("PUT", "lifecycle", {"queryRows": 1})
        partial = logs.query_workspace(WORKSPACE, "ContainerAppSystemLogs_CL", timespan=None)
        azure.administer("PUT", "lifecycle", {"queryRows": 500000})
        assert partial.status == LogsQueryStatus.PARTIAL and partial.partial_error.code == "PartialError"
        assert len(partial.partial_data[0].rows) == 1


@pytest.mark.parametrize("kql, inner, text", [
    ("NoSuchTable_CL | take 1", "SemanticError", "Failed to resolve table or column expression named 'NoSuchTable_CL'"),
    ("ContainerAppSystemLogs_CL | where Nothing_s == 'x'", "SemanticError", "Failed to resolve column or scalar expression named 'Nothing_s'"),
    ("ContainerAppSystemLogs_CL | where", "SyntaxError", "could not be parsed"),
    ("ContainerAppSystemLogs_CL | summarize count() by Reason_s", "NotPlayed", "the operator 'summarize'"),
    ("ContainerAppSystemLogs_CL | where Log_s matches regex 'x'", "NotPlayed", "the operator 'matches'"),
])
def test_queries_are_refused_as_the_service_does(azure, image, kql, inner, text):
    create(azure, "seen", job(azure, image, "true"))
    wait(azure, "seen", start(azure, "seen"))
    assert wait_until(lambda: query(azure, "ContainerAppSystemLogs_CL | take 1")[0] == 200)
    status, answer, _ = query(azure, kql)
    error = json.loads(answer)["error"]
    assert status == 400 and error["code"] == "BadArgumentError" and error["innererror"]["code"] == inner
    assert text in error["innererror"]["innererror"]["message"]


def test_logs_come_late_when_they_shall(azure_with):
    azure = azure_with()
    azure.administer("PUT", "lifecycle", {"logDelay": 4000})
    image = push_image(azure)
    create(azure, "late", job(azure, image, "echo x"))
    wait(azure, "late", start(azure, "late"))
    status, answer, _ = query(azure, "ContainerAppConsoleLogs_CL")
    assert status == 400 and b"Failed to resolve table" in answer, "a table without a row is none"
    assert wait_until(lambda: query(azure, "ContainerAppConsoleLogs_CL")[0] == 200)


# What goes wrong.

def test_faults_reach_every_service(azure, image):
    create(azure, "faulty", job(azure, image, "true"))
    azure.faults([{"match": {"service": "arm", "method": "GET", "path": "*/jobs/faulty"}, "times": 1,
                   "do": {"throttle": 429, "retryAfter": 1}}])
    before = time.monotonic()
    assert client(azure).jobs.get("rg", "faulty").name == "faulty" and time.monotonic() - before >= 1
    azure.faults([{"match": {"service": "arm", "path": "*/start"}, "times": 1, "do": "loseResponse"}])
    with pytest.raises(Exception):
        call(azure, "POST", path_of("faulty") + "/start")
    azure.faults([])
    assert len(list(client(azure).jobs_executions.list("rg", "faulty"))) == 1, "it was started though nobody heard so"
    forgotten = start(azure, "faulty")
    assert azure.administer("POST", "forget", {"execution": forgotten}) == {"forgotten": 1}
    with pytest.raises(ResourceNotFoundError):
        client(azure).job_execution("rg", "faulty", forgotten)


def test_delays_can_be_switched(azure, image):
    create(azure, "slow", job(azure, image, "true"))
    azure.administer("PUT", "lifecycle", {"queueDelay": 1200, "pullDelay": 300})
    before = time.monotonic()
    assert wait(azure, "slow", start(azure, "slow")).status == "Succeeded" and time.monotonic() - before > 1.5
    azure.administer("PUT", "lifecycle", {"queueDelay": 0, "pullDelay": 0})
    with pytest.raises(urllib.error.HTTPError):
        azure.administer("PUT", "lifecycle", {"speed": 1})


def test_what_ran_when_the_emulator_was_killed_has_failed(azure_with):
    azure = azure_with()
    image = push_image(azure)
    create(azure, "victim", job(azure, image, "echo on; sleep 300"))
    execution = start(azure, "victim")
    assert wait_until(lambda: any('"on"' in line for line in stream_or_nothing(azure, "victim", execution)))
    azure.kill()
    azure.start()
    ended = client(azure, "2026-07-01").job_execution("rg", "victim", execution)
    assert ended.status == "Failed" and ended.reason == "PlatformRestarted"
    left = subprocess.run(["pgrep", "-f", f"lowerdir.*{azure.data}"], capture_output=True, check=False)
    assert left.returncode != 0, "nothing runs that nobody knows of"
    assert wait(azure, "victim", start(azure, "victim", {"containers": [{"name": "m", "image": image, "args": ["true"]}]})).status == "Succeeded"


def test_an_image_of_ours_runs(azure_with, tmp_path):
    azure = azure_with()
    project = tmp_path / "project"
    project.mkdir()
    (project / "sales.csv").write_text("id,amount\n1,2.50\n2,3.50\n")
    signed_in = {"SLUICE_AZURE_EMULATOR": azure.http, "AZURE_TENANT_ID": azure.tenant, "HOME": "/nonexistent",
                 "AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555", "AZURE_CLIENT_SECRET": "any secret"}
    build = [BINARY, "image", "build", "-o", tmp_path / "image", "-t", "1", "--project", project,
             "--command", "inspect sales.csv"]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([BINARY, "image", "push", "shop.azurecr.io/jobs/sales:1", tmp_path / "image"],
                          env=signed_in, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pinned = done.stdout.strip().splitlines()[-1]
    assert pinned.startswith("shop.azurecr.io/jobs/sales@sha256:")
    body = job(azure, pinned, "", registries=[{"server": "shop.azurecr.io", "identity": IDENTITY}])
    del body["properties"]["template"]["containers"][0]["args"]
    create(azure, "sales", body)
    execution = start(azure, "sales")
    ended = wait(azure, "sales", execution)
    lines = stream(azure, "sales", execution)
    assert ended.status == "Succeeded", lines
    assert any("amount" in line for line in lines), lines
