"""azure-storage-queue against the emulator: over HTTP by key and SAS, over TLS by token."""

import base64
import datetime
import time
import urllib.error
import urllib.request

import pytest
from azure.core.exceptions import (ClientAuthenticationError, HttpResponseError, ResourceExistsError,
                                   ResourceNotFoundError)
from azure.storage.queue import (AccessPolicy, AccountSasPermissions, QueueClient, QueueSasPermissions, QueueServiceClient,
                                 ResourceTypes, generate_account_sas, generate_queue_sas)
from emulator import azure, azure_with  # noqa: F401

ACCOUNT = "shop"


def later(**delta):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**delta)


@pytest.fixture(scope="module", params=["key", "connection string", "token", "account sas"])
def service(azure, request):
    if request.param == "key":
        return QueueServiceClient(f"{azure.queue_http}/{ACCOUNT}", credential=azure.key(ACCOUNT), retry_total=0)
    if request.param == "connection string":
        return QueueServiceClient.from_connection_string(azure.connection_string, retry_total=0)
    if request.param == "token":
        return QueueServiceClient(f"{azure.queue_https}/tokens", credential=azure.credential(),
                                  connection_verify=azure.ca, retry_total=0)
    sas = generate_account_sas("signed", azure.key("signed"), ResourceTypes(service=True, container=True, object=True),
                               AccountSasPermissions.from_string("rwdlacup"), later(hours=1))
    return QueueServiceClient(f"{azure.queue_http}/signed", credential=sas, retry_total=0)


@pytest.fixture
def queue(service, request):
    name = "q" + base64.b32encode(request.node.name.encode()).decode().lower().strip("=")[-40:]
    client = service.get_queue_client(name)
    try:
        client.delete_queue()
    except ResourceNotFoundError:
        pass
    client.create_queue()
    yield client


def test_queues(service):
    names = [f"listed-{number}" for number in range(5)]
    for name in names:
        service.create_queue(name, metadata={"number": name[-1]})
    # The service answers 204 when the queue is there as it is wanted; the client makes that an error as well.
    with pytest.raises(ResourceExistsError) as failure:
        service.create_queue(names[0], metadata={"number": "0"})
    assert failure.value.status_code == 204
    with pytest.raises(ResourceExistsError):
        service.create_queue(names[0], metadata={"number": "other"})
    pages = list(service.list_queues(name_starts_with="listed-", include_metadata=True, results_per_page=2).by_page())
    assert len(pages) >= 1
    found = list(service.list_queues(name_starts_with="listed-", include_metadata=True, results_per_page=2))
    assert [item.name for item in found] == names
    assert found[3].metadata == {"number": "3"}
    for name in names:
        service.delete_queue(name)
    assert not list(service.list_queues(name_starts_with="listed-"))
    with pytest.raises(ResourceNotFoundError):
        service.delete_queue(names[0])


def test_metadata(queue):
    queue.set_queue_metadata({"one": "1", "two": "zwei"})
    queue.send_message("a")
    found = queue.get_queue_properties()
    assert found.metadata == {"one": "1", "two": "zwei"} and found.approximate_message_count == 1


def test_messages_in_order(queue):
    for number in range(40):
        queue.send_message(f"message {number} <&> ü")
    assert [m.content for m in queue.peek_messages(max_messages=3)] == [f"message {n} <&> ü" for n in range(3)]
    seen = []
    for page in queue.receive_messages(messages_per_page=16, visibility_timeout=60).by_page():
        for message in page:
            assert message.dequeue_count == 1
            seen.append(message.content)
            queue.delete_message(message)
    assert seen == [f"message {number} <&> ü" for number in range(40)]
    assert queue.receive_message() is None


def test_visibility(queue):
    queue.send_message("hidden", visibility_timeout=1)
    assert queue.receive_message() is None
    time.sleep(1.1)
    first = queue.receive_message(visibility_timeout=1)
    assert first.dequeue_count == 1 and queue.receive_message() is None
    time.sleep(1.1)
    second = queue.receive_message(visibility_timeout=30)
    assert second.id == first.id and second.dequeue_count == 2 and second.pop_receipt != first.pop_receipt
    with pytest.raises(HttpResponseError) as failure:
        queue.delete_message(first)
    assert failure.value.error_code == "PopReceiptMismatch"
    queue.delete_message(second)
    with pytest.raises(ResourceNotFoundError) as failure:
        queue.delete_message(second)
    assert failure.value.error_code == "MessageNotFound"


def test_update(queue):
    queue.send_message("before")
    taken = queue.receive_message(visibility_timeout=60)
    changed = queue.update_message(taken, content="after", visibility_timeout=0)
    assert changed.pop_receipt != taken.pop_receipt
    again = queue.receive_message()
    assert again.content == "after" and again.dequeue_count == 2
    with pytest.raises(HttpResponseError):
        queue.update_message(taken, content="stale", visibility_timeout=0)


def test_time_to_live(queue):
    queue.send_message("short", time_to_live=1)
    queue.send_message("for ever", time_to_live=-1)
    time.sleep(1.1)
    assert [m.content for m in queue.peek_messages(max_messages=5)] == ["for ever"]


def test_clear_and_size(queue):
    queue.send_message("x" * 65536)
    with pytest.raises(HttpResponseError) as failure:
        queue.send_message("x" * 65537)
    assert failure.value.status_code in (400, 413)
    queue.clear_messages()
    assert queue.get_queue_properties().approximate_message_count == 0


def test_policies_and_properties(service, queue):
    assert service.get_service_properties()["analytics_logging"].version == "1.0"
    assert queue.get_queue_access_policy() == {}


def test_names(service):
    for name in ["UPPER", "a--b", "-ab", "ab"]:
        with pytest.raises(HttpResponseError) as failure:
            service.create_queue(name)
        assert failure.value.status_code == 400


class TestAccess:
    def client(self, azure, credential, name="guarded"):
        return QueueClient(f"{azure.queue_http}/{ACCOUNT}", name, credential=credential, retry_total=0)

    @pytest.fixture(autouse=True)
    def made(self, azure):
        owner = self.client(azure, azure.key(ACCOUNT))
        try:
            owner.create_queue()
        except ResourceExistsError:
            pass
        owner.clear_messages()
        self.owner = owner

    def refused(self, call, code):
        with pytest.raises(HttpResponseError) as failure:
            call()
        assert failure.value.error_code == code, failure.value
        return failure.value

    def test_wrong_key(self, azure):
        wrong = self.client(azure, azure.key("other"))
        with pytest.raises(ClientAuthenticationError) as failure:
            wrong.send_message("x")
        assert failure.value.error_code == "AuthenticationFailed"
        assert "string to sign" in failure.value.response.text()

    def test_nobody(self, azure):
        with pytest.raises(urllib.error.HTTPError) as failure:
            urllib.request.urlopen(f"{azure.queue_http}/{ACCOUNT}/guarded/messages")
        assert failure.value.code == 401
        assert failure.value.headers["x-ms-error-code"] == "NoAuthenticationInformation"
        assert failure.value.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=https://login.")

    def test_stored_policy(self, azure):
        named = self.client(azure, generate_queue_sas(ACCOUNT, "guarded", azure.key(ACCOUNT), policy_id="adders"))
        self.refused(lambda: named.send_message("x"), "AuthenticationFailed")
        self.owner.set_queue_access_policy({"adders": AccessPolicy(permission="a", expiry=later(hours=1))})
        named.send_message("by policy")
        self.refused(named.receive_message, "AuthorizationPermissionMismatch")
        self.owner.set_queue_access_policy({})
        self.refused(lambda: named.send_message("x"), "AuthenticationFailed")

    def test_queue_sas(self, azure):
        def sas(permission, **options):
            return generate_queue_sas(ACCOUNT, "guarded", azure.key(ACCOUNT), QueueSasPermissions.from_string(permission),
                                      options.pop("expiry", later(hours=1)), **options)

        adder = self.client(azure, sas("a"))
        adder.send_message("by sas")
        self.refused(adder.receive_message, "AuthorizationPermissionMismatch")
        assert self.client(azure, sas("r")).peek_messages()[0].content == "by sas"
        self.client(azure, sas("p")).receive_message()
        self.refused(lambda: self.client(azure, sas("a"), name="another").send_message("x"), "AuthenticationFailed")
        self.refused(
            lambda: self.client(azure, sas("a", expiry=later(hours=-1))).send_message("x"), "AuthenticationFailed")
        self.refused(
            lambda: self.client(azure, sas("a", start=later(hours=1), expiry=later(hours=2))).send_message("x"),
            "AuthenticationFailed")
        self.refused(
            lambda: self.client(azure, sas("a", ip="10.0.0.1-10.0.0.9")).send_message("x"),
            "AuthorizationSourceIPMismatch")
        self.client(azure, sas("a", ip="127.0.0.1")).send_message("x")
        self.refused(lambda: self.client(azure, sas("a", protocol="https")).send_message("x"),
                     "AuthorizationProtocolMismatch")

    def test_account_sas(self, azure):
        def sas(types, permission, **options):
            return generate_account_sas(ACCOUNT, azure.key(ACCOUNT), types,
                                        AccountSasPermissions.from_string(permission), later(hours=1), **options)

        self.client(azure, sas(ResourceTypes(object=True), "a")).send_message("x")
        self.refused(lambda: self.client(azure, sas(ResourceTypes(container=True), "a")).send_message("x"),
                     "AuthorizationResourceTypeMismatch")
        self.refused(lambda: self.client(azure, sas(ResourceTypes(object=True), "r")).send_message("x"),
                     "AuthorizationPermissionMismatch")

    @pytest.mark.parametrize("code", ["AuthorizationPermissionMismatch", "AuthorizationFailure",
                                      "KeyBasedAuthenticationNotPermitted"])
    def test_denied(self, azure, code):
        azure.directory({"deny": [{"service": "queue", "account": ACCOUNT, "credential": "key", "code": code}]})
        try:
            self.refused(self.owner.peek_messages, code)
        finally:
            azure.directory({})


def test_faults(azure):
    azure_queue = QueueClient(f"{azure.queue_http}/faulty", "trouble", credential=azure.key("faulty"), retry_total=0)
    azure_queue.create_queue()
    try:
        azure.faults([{"match": {"service": "queue", "method": "POST"}, "times": 1,
                       "do": {"throttle": 503, "retryAfter": 7}}])
        with pytest.raises(HttpResponseError) as failure:
            azure_queue.send_message("x")
        assert failure.value.error_code == "ServerBusy" and failure.value.response.headers["Retry-After"] == "7"
        azure_queue.send_message("x")
        assert azure.administer("GET", "faults")["rules"][0]["hits"] == 1
        azure.faults([{"match": {"path": "/trouble/messages", "method": "POST"}, "times": 1, "do": "loseResponse"}])
        with pytest.raises(Exception):
            azure_queue.send_message("done all the same")
        assert len(azure_queue.peek_messages(max_messages=10)) == 2
        azure.faults([{"match": {"account": "faul*"}, "times": 1, "do": {"status": 500}}])
        with pytest.raises(HttpResponseError) as failure:
            azure_queue.peek_messages()
        assert failure.value.error_code == "InternalError"
    finally:
        azure.faults([])


def test_survives_a_kill(azure_with):
    azure = azure_with()

    def client():
        return QueueClient(f"{azure.queue_http}/{ACCOUNT}", "kept", credential=azure.key(ACCOUNT), retry_total=0)

    client().create_queue(metadata={"a": "b"})
    for number in range(20):
        client().send_message(str(number))
    taken = client().receive_message(visibility_timeout=600)
    azure.kill()
    azure.start()
    assert client().get_queue_properties().metadata == {"a": "b"}
    assert [m.content for m in client().peek_messages(max_messages=32)] == [str(number) for number in range(1, 20)]
    client().delete_message(taken)
    assert client().get_queue_properties().approximate_message_count == 19
