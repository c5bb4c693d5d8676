"""azure-batch against the emulator: pools, jobs, and tasks that really run."""

import base64
import datetime
import hashlib
import json
import time
import urllib.error
import urllib.request
import uuid

import pytest
from azure.batch import BatchClient, models
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobServiceClient, generate_container_sas
from emulator import azure, azure_with, wait_until  # noqa: F401

ACCOUNT = "devbatch"


def key(account=ACCOUNT):
    return base64.b64encode(hashlib.sha512(f"sluice emulator key of {account}".encode()).digest()).decode()


def client_of(azure, account=ACCOUNT):
    return BatchClient(azure.http, AzureNamedKeyCredential(account, key(account)))


def machine(**more):
    return models.VirtualMachineConfiguration(
        image_reference=models.BatchVmImageReference(
            publisher="microsoft-dsvm", offer="ubuntu-hpc", sku="2204", version="latest"),
        node_agent_sku_id="batch.node.ubuntu 22.04", **more)


def make_pool(batch, name=None, nodes=2, slots=1, **more):
    name = name or "pool-" + uuid.uuid4().hex[:8]
    batch.create_pool(models.BatchPoolCreateOptions(
        id=name, vm_size="Standard_D2s_v3", virtual_machine_configuration=machine(), target_dedicated_nodes=nodes,
        task_slots_per_node=slots, **more))
    return name


def make_job(batch, pool, **more):
    name = "job-" + uuid.uuid4().hex[:8]
    batch.create_job(models.BatchJobCreateOptions(
        id=name, pool_info=models.BatchPoolInfo(pool_id=pool), **more))
    return name


def task(name, line, **more):
    return models.BatchTaskCreateOptions(id=name, command_line=line, **more)


def ended(batch, job, name, seconds=20):
    found = None

    def is_over():
        nonlocal found
        found = batch.get_task(job, name)
        return found.state == "completed"

    assert wait_until(is_over, seconds), f"{name}: {found.state}"
    return found


def output(batch, job, name, file="stdout.txt", **more):
    return b"".join(batch.download_task_file(job, name, file, **more)).decode()


def code(failure):
    return json.loads(failure.value.response.text())["code"]


@pytest.fixture(scope="module")
def batch(azure):
    azure.administer("PUT", "batch", {"nodeStart": 50, "transition": 50, "samplePeriod": 100, "autoscaleInterval": 200})
    return client_of(azure)


@pytest.fixture(scope="module")
def pool(batch):
    return make_pool(batch, nodes=2, slots=4)


@pytest.fixture
def job(batch, pool):
    name = make_job(batch, pool, uses_task_dependencies=True)
    yield name
    batch.begin_delete_job(name, polling_interval=0).wait()


def test_a_task_runs(batch, pool, job):
    batch.create_task(job, task(
        "hello", "/bin/sh -c 'echo \"$GREETING from $AZ_BATCH_TASK_ID\"; echo oops >&2; pwd > place.txt; exit 0'",
        environment_settings=[models.EnvironmentSetting(name="GREETING", value="hällo")]))
    found = ended(batch, job, "hello")
    info = found.execution_info
    assert info.exit_code == 0 and info.result == "success" and info.retry_count == 0
    assert info.start_time <= info.end_time and found.node_info.pool_id == pool
    assert output(batch, job, "hello") == "hällo from hello\n"
    assert output(batch, job, "hello", "stderr.txt") == "oops\n"
    assert output(batch, job, "hello", "wd/place.txt").rstrip().endswith("/hello/wd")
    facts = batch.get_task_file_properties(job, "hello", "stdout.txt")
    assert facts.content_length == 18 and not facts.is_directory
    assert output(batch, job, "hello", ocp_range="bytes=7-10") == "from"
    with pytest.raises(HttpResponseError) as failure:
        output(batch, job, "hello", ocp_range="bytes=100-200")
    assert failure.value.status_code == 416
    names = {file.name: file.is_directory for file in batch.list_task_files(job, "hello", recursive=True)}
    assert names == {"stdout.txt": False, "stderr.txt": False, "wd": True, "wd/place.txt": False}
    assert {file.name for file in batch.list_task_files(job, "hello", filter="startswith(name, 'std')")} == {
        "stdout.txt", "stderr.txt"}
    for name in ["no.txt", "../../x", "wd/../../x"]:
        with pytest.raises(ResourceNotFoundError):
            output(batch, job, "hello", name)
    assert batch.get_job_task_counts(job).task_counts.succeeded == 1


def test_no_shell_reads_a_command_line(batch, job):
    batch.create_task(job, task("plain", "/bin/echo $HOME \"a  b\" 'c\"d' e\\ f *"))
    ended(batch, job, "plain")
    assert output(batch, job, "plain") == "$HOME a  b c\"d e f *\n"


def test_failures(batch, job):
    batch.create_tasks(job, [
        task("code", "/bin/sh -c 'exit 7'"), task("missing", "/no/such/program"), task("empty", "   "),
        task("killed", "/bin/sh -c 'kill -9 $$'"),
        task("slow", "/bin/sleep 60", constraints=models.BatchTaskConstraints(
            max_wall_clock_time=datetime.timedelta(milliseconds=400)))])
    info = ended(batch, job, "code").execution_info
    assert (info.exit_code, info.result, info.failure_info.code) == (7, "failure", "FailureExitCode")
    assert info.failure_info.category == "usererror"
    assert ended(batch, job, "missing").execution_info.failure_info.code == "CommandProgramNotFound"
    assert ended(batch, job, "empty").execution_info.failure_info.code == "CommandLaunchFailed"
    assert ended(batch, job, "killed").execution_info.exit_code == 137
    slow = ended(batch, job, "slow").execution_info
    assert slow.failure_info.code == "TaskEnded" and "wall clock" in slow.failure_info.message
    counts = batch.get_job_task_counts(job).task_counts
    assert (counts.failed, counts.succeeded, counts.completed, counts.active) == (5, 0, 5, 0)
    listed = batch.list_tasks(job, filter="executionInfo/result eq 'failure' and state eq 'completed'", select=["id"])
    assert {item.id for item in listed} == {"code", "missing", "empty", "killed", "slow"}


def test_retries(batch, job, tmp_path):
    mark = tmp_path / "tries"
    line = f"/bin/sh -c 'echo x >> {mark}; [ $(wc -l < {mark}) -ge 3 ]'"
    batch.create_task(job, task("third", line, constraints=models.BatchTaskConstraints(max_task_retry_count=3)))
    info = ended(batch, job, "third").execution_info
    assert (info.retry_count, info.exit_code, info.result) == (2, 0, "success")
    batch.create_task(job, task("never", "/bin/false", constraints=models.BatchTaskConstraints(max_task_retry_count=2)))
    assert ended(batch, job, "never").execution_info.retry_count == 2
    batch.reactivate_task(job, "never")
    assert ended(batch, job, "never").execution_info.retry_count == 2
    with pytest.raises(ResourceExistsError):
        batch.reactivate_task(job, "third")


def test_collections_tell_of_each_task(batch, job):
    batch.create_task(job, task("there", "/bin/true"))
    added = batch.create_task_collection(job, models.BatchTaskGroup(task_values=[
        task("there", "/bin/true"), task("new", "/bin/true"), task("no such name", "/bin/true")]))
    results = {result.task_id: result for result in added.result_values}
    assert results["new"].status == "success" and results["new"].location
    assert results["there"].status == "clienterror" and results["there"].error.code == "TaskExists"
    assert results["no such name"].error.code == "InvalidPropertyValue"
    batch.create_tasks(job, [task(f"many-{number}", "/bin/true") for number in range(230)])
    assert wait_until(lambda: batch.get_job_task_counts(job).task_counts.succeeded == 232, 60)
    pages = [[item.id for item in page] for page in batch.list_tasks(job, max_results=50).by_page()]
    assert len(pages) == 5 and len({name for page in pages for name in page}) == 232
    with pytest.raises(HttpResponseError) as failure:
        batch.create_task_collection(job, models.BatchTaskGroup(
            task_values=[task(f"more-{number}", "/bin/true") for number in range(101)]))
    assert failure.value.status_code == 400
    with pytest.raises(HttpResponseError) as failure:
        batch.create_task_collection(job, models.BatchTaskGroup(task_values=[task("big", "/bin/echo " + "x" * 1_100_000)]))
    assert failure.value.status_code == 413 and code(failure) == "RequestBodyTooLarge"


def test_dependencies(batch, job):
    batch.create_tasks(job, [
        task("last", "/bin/echo last", depends_on=models.BatchTaskDependencies(task_ids=["first", "second"])),
        task("blocked", "/bin/echo no", depends_on=models.BatchTaskDependencies(task_ids=["fails"])),
        task("anyway", "/bin/echo yes", depends_on=models.BatchTaskDependencies(task_ids=["forgiven"])),
        task("ranged", "/bin/echo r", depends_on=models.BatchTaskDependencies(
            task_id_ranges=[models.BatchTaskIdRange(start=1, end=2)])),
        task("1", "/bin/true"), task("2", "/bin/true"),
        task("first", "/bin/sleep 0.3"), task("second", "/bin/true"), task("fails", "/bin/false"),
        task("forgiven", "/bin/sh -c 'exit 4'", exit_conditions=models.ExitConditions(exit_codes=[
            models.ExitCodeMapping(code=4, exit_options=models.ExitOptions(dependency_action="satisfy"))]))])
    last = ended(batch, job, "last").execution_info
    assert last.start_time >= batch.get_task(job, "first").execution_info.end_time
    ended(batch, job, "anyway")
    ended(batch, job, "ranged")
    assert ended(batch, job, "fails").execution_info.result == "failure"
    assert batch.get_task(job, "blocked").state == "active"
    plain = make_job(batch, batch.get_job(job).pool_info.pool_id)
    with pytest.raises(ResourceExistsError) as failure:
        batch.create_task(plain, task("x", "/bin/true", depends_on=models.BatchTaskDependencies(task_ids=["y"])))
    assert code(failure) == "TaskDependenciesNotSpecifiedOnJob"


def test_terminating_a_task(batch, job):
    batch.create_task(job, task("long", "/bin/sh -c 'echo working; sleep 60'"))
    assert wait_until(lambda: batch.get_task(job, "long").state == "running")
    with pytest.raises(ResourceExistsError):
        batch.create_task(job, task("long", "/bin/true"))
    batch.terminate_task(job, "long")
    info = ended(batch, job, "long").execution_info
    assert info.failure_info.code == "TaskEnded" and info.result == "failure"
    with pytest.raises(ResourceExistsError) as failure:
        batch.terminate_task(job, "long")
    assert code(failure) == "TaskCompleted"
    batch.delete_task(job, "long")
    with pytest.raises(ResourceNotFoundError):
        batch.get_task(job, "long")


def test_a_job_ends_with_its_tasks(batch, pool):
    job = make_job(batch, pool)
    batch.create_task(job, task("one", "/bin/true"))
    ended(batch, job, "one")
    assert batch.get_job(job).state == "active"
    batch.update_job(job, models.BatchJobUpdateOptions(all_tasks_complete_mode="terminatejob"))
    assert wait_until(lambda: batch.get_job(job).state == "completed")
    assert batch.get_job(job).execution_info.termination_reason == "AllTasksComplete"
    with pytest.raises(ResourceExistsError) as failure:
        batch.create_task(job, task("late", "/bin/true"))
    assert code(failure) == "JobCompleted"


def test_an_empty_job_counts_as_complete(batch, pool):
    job = make_job(batch, pool, all_tasks_complete_mode="terminatejob")
    assert wait_until(lambda: batch.get_job(job).state == "completed")


def test_jobs_are_terminated_disabled_and_deleted(batch, pool):
    job = make_job(batch, pool)
    batch.create_tasks(job, [task(f"long-{number}", "/bin/sleep 60") for number in range(3)])
    assert wait_until(lambda: batch.get_job_task_counts(job).task_counts.running == 3)
    batch.begin_disable_job(job, models.BatchJobDisableOptions(disable_tasks="requeue"), polling_interval=0).wait()
    assert batch.get_job(job).state == "disabled" and batch.get_job_task_counts(job).task_counts.active == 3
    assert batch.get_task(job, "long-0").execution_info.requeue_count == 1
    batch.begin_enable_job(job, polling_interval=0).wait()
    assert wait_until(lambda: batch.get_job_task_counts(job).task_counts.running == 3)
    batch.begin_terminate_job(job, options=models._models.BatchJobTerminateOptions(termination_reason="enough"), polling_interval=0).wait()
    found = batch.get_job(job)
    assert found.state == "completed" and found.execution_info.termination_reason == "enough"
    assert batch.get_task(job, "long-1").execution_info.failure_info.code == "TaskEnded"
    batch.begin_delete_job(job, polling_interval=0).wait()
    with pytest.raises(ResourceNotFoundError):
        batch.get_job(job)


def test_a_failure_may_end_the_job(batch, pool):
    job = make_job(batch, pool, task_failure_mode="performexitoptionsjobaction")
    batch.create_tasks(job, [task("fine", "/bin/true"), task("fails", "/bin/false")])
    assert wait_until(lambda: batch.get_job(job).state == "completed")
    assert batch.get_job(job).execution_info.termination_reason == "TaskFailed"


def test_files_come_from_storage_and_go_there(azure, batch, job):
    blobs = BlobServiceClient(f"{azure.http}/batchfiles", credential=azure.key("batchfiles"))
    for name in ["input", "output"]:
        blobs.create_container(name)
    blobs.get_blob_client("input", "a/one.txt").upload_blob(b"1")
    blobs.get_blob_client("input", "a/two.txt").upload_blob(b"22")
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    sas = generate_container_sas("batchfiles", "output", account_key=azure.key("batchfiles"), permission="rwl", expiry=later)
    mine = models.BatchNodeIdentityReference(resource_id="/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me")
    inputs = "https://batchfiles.blob.core.windows.net/input"

    def upload(pattern, path, condition, url=f"{azure.http}/batchfiles/output?{sas}", identity=None):
        return models.OutputFile(
            file_pattern=pattern, upload_options=models.OutputFileUploadConfiguration(upload_condition=condition),
            destination=models.OutputFileDestination(container=models.OutputFileBlobContainerDestination(
                container_url=url, path=path, identity_reference=identity)))

    batch.create_task(job, task(
        "copy", "/bin/sh -c 'cat got.txt all/a/* > sum.txt; mkdir d; echo x > d/x.csv'",
        resource_files=[
            models.ResourceFile(http_url=f"{inputs}/a/two.txt", file_path="got.txt", identity_reference=mine),
            models.ResourceFile(storage_container_url=inputs, blob_prefix="a/", file_path="all", identity_reference=mine)],
        output_files=[
            upload("sum.txt", "copy/sum.txt", "tasksuccess"), upload("**/*.csv", "copy", "taskcompletion"),
            upload("../std*.txt", "copy/log", "taskcompletion", "https://batchfiles.blob.core.windows.net/output", mine),
            upload("sum.txt", "copy/failed", "taskfailure")]))
    assert ended(batch, job, "copy").execution_info.result == "success"
    found = {blob.name: blob.size for blob in blobs.get_container_client("output").list_blobs()}
    assert found == {"copy/sum.txt": 5, "copy/d/x.csv": 2, "copy/log/stdout.txt": 0, "copy/log/stderr.txt": 0}
    assert blobs.get_blob_client("output", "copy/sum.txt").download_blob().readall() == b"22122"
    batch.create_task(job, task("absent", "/bin/true", resource_files=[
        models.ResourceFile(http_url=f"{inputs}/none", file_path="x", identity_reference=mine)]))
    assert ended(batch, job, "absent").execution_info.failure_info.code == "BlobNotFound"
    batch.create_task(job, task("secret", "/bin/true", resource_files=[
        models.ResourceFile(http_url=f"{inputs}/a/one.txt", file_path="x")]))
    assert ended(batch, job, "secret").execution_info.failure_info.code == "BlobAccessDenied"
    batch.create_task(job, task("nothing", "/bin/true", output_files=[upload("none.txt", "x", "taskcompletion")]))
    assert ended(batch, job, "nothing").execution_info.failure_info.code == "FileUploadMiscError"


def test_pools_change_their_size(batch):
    pool = make_pool(batch, nodes=1)
    assert batch.pool_exists(pool)
    with pytest.raises(ResourceNotFoundError):
        batch.pool_exists("no-such-pool")
    assert wait_until(lambda: batch.get_pool(pool).allocation_state == "steady")
    assert wait_until(lambda: [node.state for node in batch.list_nodes(pool)] == ["idle"])
    batch.begin_resize_pool(pool, models.BatchPoolResizeOptions(target_dedicated_nodes=3, target_low_priority_nodes=1), polling_interval=0).wait()
    found = batch.get_pool(pool)
    assert (found.current_dedicated_nodes, found.current_low_priority_nodes) == (3, 1)
    node = next(iter(batch.list_nodes(pool)))
    assert batch.get_node(pool, node.id).vm_size == "Standard_D2s_v3"
    batch.begin_remove_nodes(pool, models.BatchNodeRemoveOptions(node_ids=[node.id]), polling_interval=0).wait()
    assert batch.get_pool(pool).current_dedicated_nodes == 2
    counts = {item.pool_id: item for item in batch.list_pool_node_counts()}
    assert counts[pool].dedicated.total == 2 and counts[pool].low_priority.total == 1
    batch.update_pool(pool, models.BatchPoolUpdateOptions(metadata=[models.BatchMetadataItem(name="a", value="b")]))
    assert batch.get_pool(pool).metadata[0].value == "b"
    with pytest.raises(ResourceExistsError):
        make_pool(batch, pool)
    batch.begin_delete_pool(pool, polling_interval=0).wait()
    with pytest.raises(ResourceNotFoundError):
        batch.get_pool(pool)


def test_a_start_task_comes_first(batch):
    pool = make_pool(batch, nodes=1, start_task=models.BatchStartTask(
        command_line="/bin/sh -c 'echo ready > $AZ_BATCH_NODE_SHARED_DIR/mark'", wait_for_success=True))
    job = make_job(batch, pool)
    batch.create_task(job, task("reads", "/bin/sh -c 'cat $AZ_BATCH_NODE_SHARED_DIR/mark'"))
    ended(batch, job, "reads")
    assert output(batch, job, "reads") == "ready\n"
    assert next(iter(batch.list_nodes(pool))).start_task_info.result == "success"
    broken = make_pool(batch, nodes=1, start_task=models.BatchStartTask(command_line="/bin/false", wait_for_success=True))
    assert wait_until(lambda: [node.state for node in batch.list_nodes(broken)] == ["starttaskfailed"])


FORMULA = """
$window = TimeInterval_Second * 2;
$last = max(0, $PendingTasks.GetSample(1));
$TargetDedicatedNodes = min(3, max($last, $PendingTasks.GetSamplePercent($window) < 50 ? 0 : avg($PendingTasks.GetSample($window))));
$NodeDeallocationOption = taskcompletion;
"""


def test_a_formula_scales_a_pool(batch):
    name = "auto-" + uuid.uuid4().hex[:8]
    options = dict(id=name, vm_size="Standard_D2s_v3", virtual_machine_configuration=machine(), enable_auto_scale=True)
    with pytest.raises(HttpResponseError) as failure:
        batch.create_pool(models.BatchPoolCreateOptions(auto_scale_formula="$TargetDedicatedNodes = max(1,;", **options))
    assert code(failure) == "AutoScalingFormulaSyntaxError" and "column 31" in failure.value.response.text()
    batch.create_pool(models.BatchPoolCreateOptions(
        auto_scale_formula=FORMULA, auto_scale_evaluation_interval=datetime.timedelta(minutes=5), **options))
    assert wait_until(lambda: batch.get_pool(name).auto_scale_run is not None)
    assert batch.get_pool(name).current_dedicated_nodes == 0
    with pytest.raises(ResourceExistsError):
        batch.begin_resize_pool(name, models.BatchPoolResizeOptions(target_dedicated_nodes=3))
    job = make_job(batch, name)
    batch.create_tasks(job, [task(f"t{number}", "/bin/sleep 0.4") for number in range(9)])
    most = 0

    def is_done():
        nonlocal most
        most = max(most, batch.get_pool(name).current_dedicated_nodes)
        return batch.get_job_task_counts(job).task_counts.succeeded == 9

    assert wait_until(is_done, 30) and most == 3
    assert wait_until(lambda: batch.get_pool(name).current_dedicated_nodes == 0, 20)
    assert wait_until(lambda: batch.get_pool(name).allocation_state == "steady")
    run = batch.evaluate_pool_auto_scale(name, models.BatchPoolEvaluateAutoScaleOptions(
        auto_scale_formula="$TargetDedicatedNodes = 2; x = len($PendingTasks.GetSample(3));"))
    assert run.results == "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue;x=3"
    run = batch.evaluate_pool_auto_scale(name, models.BatchPoolEvaluateAutoScaleOptions(auto_scale_formula="x = y;"))
    assert run.error.code == "AutoScalingFormulaEvaluationError" and "not known" in run.error.error_values[0].value
    batch.disable_pool_auto_scale(name)
    assert not batch.get_pool(name).enable_auto_scale
    batch.enable_pool_auto_scale(name, models.BatchPoolEnableAutoScaleOptions(
        auto_scale_formula="$TargetDedicatedNodes = 1;"))
    assert wait_until(lambda: batch.get_pool(name).current_dedicated_nodes == 1)


def request(azure, method, path, token=None, body=None, content_type="application/json; odata=minimalmetadata",
            host=None, version="2024-07-01.20.0"):
    asked = urllib.request.Request(
        f"{azure.http}{path}{'&' if '?' in path else '?'}api-version={version}", method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": content_type, **({"Authorization": f"Bearer {token}"} if token else {}),
                 **({"Host": host} if host else {})})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null"), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null"), dict(error.headers)


def test_who_may_ask_and_how(azure, batch):
    good = azure.credential().get_token("https://batch.core.windows.net//.default").token
    host = "other.westeurope.batch.azure.com"
    status, body, _ = request(azure, "GET", "/pools", good, host=host)
    assert status == 200 and body["value"] == [] and host in body["odata.metadata"]
    storage = azure.credential().get_token("https://storage.azure.com/.default").token
    without_slash = azure.credential().get_token("https://batch.core.windows.net/.default").token
    for token in [None, storage, without_slash, good + "x"]:
        status, body, headers = request(azure, "GET", "/pools", token)
        assert status == 401 and body["code"] == "AuthenticationFailed" and "batch.core.windows.net/" in headers["WWW-Authenticate"]
    with pytest.raises(ClientAuthenticationError):
        list(BatchClient(azure.http, AzureNamedKeyCredential(ACCOUNT, key("another"))).list_pools())
    assert list(client_of(azure, "another").list_pools()) == []
    status, body, _ = request(azure, "POST", "/jobs", good, {"id": "x"}, content_type="application/json")
    assert (status, body["code"]) == (400, "InvalidHeaderValue")
    status, body, _ = request(azure, "POST", "/jobs", good, {"id": "x y", "poolInfo": {"poolId": "p"}})
    assert (status, body["code"]) == (400, "InvalidPropertyValue")
    status, body, _ = request(azure, "GET", "/jobs", good, version="2010-01-01")
    assert (status, body["code"]) == (400, "InvalidQueryParameterValue")
    status, body, _ = request(azure, "GET", "/jobs?$filter=state%20is%20'x'", good)
    assert (status, body["code"]) == (400, "InvalidQueryParameterValue")
    status, body, _ = request(azure, "POST", "/jobs", good, {"id": "x", "poolInfo": {"poolId": "p"}, "jobManagerTask": {"id": "m", "commandLine": "x"}})
    assert status == 400 and "does not play" in body["message"]["value"]
    azure.directory({"deny": [{"service": "batch", "method": "DELETE"}]})
    try:
        status, body, _ = request(azure, "DELETE", "/jobs/x", good)
        assert (status, body["code"]) == (403, "PermissionDenied")
    finally:
        azure.directory({})


def test_what_was_seen_counts(batch, job):
    from azure.core import MatchConditions

    seen = batch.get_job(job)
    batch.update_job(job, models.BatchJobUpdateOptions(priority=5))
    with pytest.raises(HttpResponseError) as failure:
        batch.update_job(
            job, models.BatchJobUpdateOptions(priority=6), etag=seen.etag, match_condition=MatchConditions.IfNotModified)
    assert failure.value.status_code == 412
    assert batch.get_job(job).priority == 5


def test_survives_a_kill(azure_with, tmp_path):
    azure = azure_with()
    azure.administer("PUT", "batch", {"nodeStart": 50})
    batch = client_of(azure)
    pool = make_pool(batch, nodes=1, slots=2)
    job = make_job(batch, pool)
    mark = tmp_path / "mark"
    batch.create_tasks(job, [
        task("done", "/bin/true"), task("cut", f"/bin/sh -c 'echo began >> {mark}; [ $(wc -l < {mark}) -ge 2 ] || sleep 2; echo over >> {mark}'")])
    ended(batch, job, "done")
    assert wait_until(lambda: mark.exists())
    azure.kill()
    azure.start()
    batch = client_of(azure)
    assert batch.get_task(job, "done").execution_info.result == "success"
    info = ended(batch, job, "cut").execution_info
    assert info.requeue_count == 1 and info.result == "success"
    # What the first emulator left running is ended by the second.
    time.sleep(2.2)
    assert mark.read_text() == "began\nbegan\nover\n"


IDENTITY = "/subscriptions/s/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me"
SUBSCRIPTION = "7b1f3c3e-0000-4000-8000-000000000007"


def manager(azure, version):
    from azure.mgmt.batch import BatchManagementClient

    return BatchManagementClient(
        azure.credential(), SUBSCRIPTION, base_url=azure.https, connection_verify=azure.ca, polling_interval=0, api_version=version,
        credential_scopes=["https://management.azure.com/.default"])


@pytest.mark.parametrize("version", ["2024-07-01", "2025-06-01"])
def test_one_store_of_pools_for_both_interfaces(azure, version):
    from azure.mgmt.batch import models as managed

    arm = manager(azure, version)
    azure.administer("PUT", "lifecycle", {"operationDelay": 50, "retryAfter": 0})
    name = "managed" + version[:4]
    account = arm.batch_account.begin_create("shop", name, managed.BatchAccountCreateParameters(location="West Europe")).result()
    assert account.account_endpoint == f"{name}.westeurope.batch.azure.com" and account.provisioning_state == "Succeeded"
    assert arm.batch_account.get_keys("shop", name).primary == key(name)
    made = arm.pool.create("shop", name, "small", managed.Pool(
        vm_size="STANDARD_D2s_v3", task_slots_per_node=2, inter_node_communication="Disabled",
        deployment_configuration=managed.DeploymentConfiguration(virtual_machine_configuration=managed.VirtualMachineConfiguration(
            image_reference=managed.ImageReference(publisher="microsoft-dsvm", offer="ubuntu-hpc", sku="2204", version="latest"),
            node_agent_sku_id="batch.node.ubuntu 22.04",
            container_configuration=managed.ContainerConfiguration(
                type="DockerCompatible", container_image_names=["shop.azurecr.io/jobs:1"],
                container_registries=[managed.ContainerRegistry(
                    registry_server="shop.azurecr.io", identity_reference=managed.ComputeNodeIdentityReference(resource_id=IDENTITY))]))),
        scale_settings=managed.ScaleSettings(auto_scale=managed.AutoScaleSettings(
            formula="$TargetDedicatedNodes = 1;", evaluation_interval=datetime.timedelta(minutes=5))),
        identity=managed.BatchPoolIdentity(type="UserAssigned", user_assigned_identities={IDENTITY: managed.UserAssignedIdentities()})))
    assert made.scale_settings.auto_scale.formula == "$TargetDedicatedNodes = 1;" and made.etag
    assert list(made.identity.user_assigned_identities) == [IDENTITY]
    batch = client_of(azure, name)
    seen = batch.get_pool("small")
    assert seen.virtual_machine_configuration.container_configuration.type == "dockerCompatible"
    assert seen.enable_auto_scale and seen.identity.user_assigned_identities[0].resource_id == IDENTITY
    assert wait_until(lambda: arm.pool.get("shop", name, "small").current_dedicated_nodes == 1)
    job = make_job(batch, "small")
    batch.create_task(job, task("who", "/bin/sh -c 'echo $IDENTITY_ENDPOINT'"))
    ended(batch, job, "who")
    assert output(batch, job, "who").rstrip() == f"{azure.http}/msi/token"
    # By hand: so many nodes, as long as nobody says otherwise.
    fixed = lambda **sizes: arm.pool.update("shop", name, "small", managed.Pool(  # noqa: E731
        scale_settings=managed.ScaleSettings(fixed_scale=managed.FixedScaleSettings(**sizes))))
    state = lambda: arm.pool.get("shop", name, "small").allocation_state  # noqa: E731
    assert fixed(target_dedicated_nodes=3, target_low_priority_nodes=1).allocation_state == "Resizing"
    assert wait_until(lambda: batch.get_pool("small").current_low_priority_nodes == 1)
    assert not batch.get_pool("small").enable_auto_scale
    assert wait_until(lambda: state() == "Steady")
    seen = arm.pool.get("shop", name, "small")
    assert seen.current_dedicated_nodes == 3 and seen.scale_settings.fixed_scale.target_dedicated_nodes == 3
    assert seen.resize_operation_status.target_low_priority_nodes == 1 and not seen.resize_operation_status.errors
    for wrong in [{"target_dedicated_nodes": -1},
                  {"target_dedicated_nodes": 1, "resize_timeout": datetime.timedelta(minutes=1)}]:
        with pytest.raises(HttpResponseError) as failure:
            fixed(**wrong)
        assert failure.value.status_code == 400
    # A node whose task runs stays until it has ended; meanwhile there is no other size to be had, but for a stop.
    batch.create_task(job, task("long", "/bin/sleep 60"))
    assert wait_until(lambda: batch.get_task(job, "long").state == "running")
    fixed(target_dedicated_nodes=0, node_deallocation_option="TaskCompletion")
    assert wait_until(lambda: len(list(batch.list_nodes("small"))) == 1) and state() == "Resizing"
    assert arm.pool.get("shop", name, "small").resize_operation_status.node_deallocation_option == "TaskCompletion"
    for other in [lambda: fixed(target_dedicated_nodes=2), lambda: arm.pool.update("shop", name, "small", managed.Pool(
            scale_settings=managed.ScaleSettings(auto_scale=managed.AutoScaleSettings(formula="$TargetDedicatedNodes = 1;"))))]:
        with pytest.raises(ResourceExistsError) as conflict:
            other()
        assert conflict.value.status_code == 409
    arm.pool.stop_resize("shop", name, "small")
    assert wait_until(lambda: state() == "Steady")
    assert batch.get_task(job, "long").state == "running" and len(list(batch.list_nodes("small"))) == 1
    fixed(target_dedicated_nodes=0)
    assert wait_until(lambda: state() == "Steady") and not list(batch.list_nodes("small"))
    assert batch.get_task(job, "long").state == "active"
    formula = arm.pool.update("shop", name, "small", managed.Pool(scale_settings=managed.ScaleSettings(
        auto_scale=managed.AutoScaleSettings(formula="$TargetDedicatedNodes = 1;"))))
    assert formula.scale_settings.fixed_scale is None
    assert wait_until(lambda: arm.pool.get("shop", name, "small").current_dedicated_nodes == 1)
    assert [pool.name for pool in arm.pool.list_by_batch_account("shop", name)] == ["small"]
    with pytest.raises(ResourceNotFoundError):
        arm.pool.get("shop", name, "none")
    with pytest.raises(ResourceNotFoundError):
        arm.pool.create("shop", "nosuchaccount", "small", made)
    arm.pool.begin_delete("shop", name, "small").wait()
    assert wait_until(lambda: not list(batch.list_pools()))
    arm.batch_account.begin_delete("shop", name).wait()
    with pytest.raises(ResourceNotFoundError):
        arm.batch_account.get("shop", name)


def image_of(azure, *commands):
    """Pushes an image with nothing in it but a shell, as the emulated registry takes it; its reference."""
    import gzip
    import io
    import os
    import re
    import subprocess
    import tarfile

    shell = os.path.realpath("/bin/sh")
    needed = re.findall(r"(/\S+) \(", subprocess.run(["ldd", shell], capture_output=True, text=True, check=True).stdout)
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w", dereference=True) as tar:
        for folder in ["proc", "dev", "etc", "tmp"]:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add(shell, "bin/sh")
        for library in needed:
            tar.add(library, library.lstrip("/"))
    packed = gzip.compress(layer.getvalue())
    digest = lambda data: "sha256:" + hashlib.sha256(data).hexdigest()  # noqa: E731
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(layer.getvalue())]},
        "config": {"Env": ["PATH=/bin", "COLOR=green"], "Entrypoint": list(commands), "WorkingDir": "/tmp"}}).encode()
    password = base64.urlsafe_b64encode(hashlib.sha256(b"sluice emulator password of devregistry").digest()).rstrip(b"=").decode()
    basic = "Basic " + base64.b64encode(f"devregistry:{password}".encode()).decode()

    def ask(method, path, data=b"", kind="application/octet-stream"):
        asked = urllib.request.Request(
            path if path.startswith("http") else azure.http + path, method=method, data=data,
            headers={"Authorization": basic, "Content-Type": kind})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=30) as answer:
            return answer.headers

    for blob in [packed, config]:
        place = ask("POST", "/v2/jobs/blobs/uploads/")["Location"]
        ask("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest(blob)}", blob)
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest(packed), "size": len(packed)}],
    }).encode()
    ask("PUT", "/v2/jobs/manifests/one", manifest, "application/vnd.oci.image.manifest.v1+json")
    return "devregistry.azurecr.io/jobs:one"


def test_a_task_in_a_container(azure, batch, job):
    from registries import can_enter

    if not can_enter():
        pytest.skip("skipped: this machine lets nobody change the root folder")
    image = image_of(azure)
    batch.create_task(job, task(
        "inside", "/bin/sh -c 'echo $COLOR $NAME; echo /*; echo kept > out.txt; pwd'",
        container_settings=models.BatchTaskContainerSettings(image_name=image),
        environment_settings=[models.EnvironmentSetting(name="NAME", value="batch")]))
    info = ended(batch, job, "inside").execution_info
    lines = output(batch, job, "inside").split("\n")
    assert info.exit_code == 0, output(batch, job, "inside", "stderr.txt")
    assert lines[0] == "green batch" and "/bin" in lines[1] and "/home" not in lines[1] and lines[2].endswith("/inside/wd")
    assert output(batch, job, "inside", "wd/out.txt") == "kept\n"
    batch.create_task(job, task("nowhere", "/bin/true", container_settings=models.BatchTaskContainerSettings(
        image_name="devregistry.azurecr.io/none:1")))
    assert ended(batch, job, "nowhere").execution_info.failure_info.code == "ContainerInvalidImage"
