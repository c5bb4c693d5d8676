"""The official SDK for Blob against the emulator: what a client does that was not written for it."""

import base64
import datetime
import hashlib
import os
import threading
import uuid

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import (
    AccessPolicy, BlobBlock, BlobLeaseClient, BlobServiceClient, BlobType, ContainerSasPermissions, ContentSettings)
from emulator import DEVELOPMENT_ACCOUNT as FLAT, azure  # noqa: F401

LAKE = "devlake"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def service_of(azure, account, **options):
    return BlobServiceClient(f"{azure.http}/{account}", credential=azure.key(account), retry_total=0, **options)


@pytest.fixture(params=[FLAT, LAKE])
def service(azure, request):
    return service_of(azure, request.param)


@pytest.fixture
def box(service):
    client = service.get_container_client(f"box-{uuid.uuid4().hex[:12]}")
    client.create_container()
    return client


def code(error):
    return error.value.response.headers.get("x-ms-error-code")


def test_container_lives_and_dies(service):
    name = f"life-{uuid.uuid4().hex[:8]}"
    box = service.create_container(name, metadata={"owner": "me"})
    with pytest.raises(ResourceExistsError) as error:
        service.create_container(name)
    assert code(error) == "ContainerAlreadyExists"
    facts = box.get_container_properties()
    assert facts.metadata == {"owner": "me"} and facts.etag and facts.lease.state == "available"
    box.set_container_metadata({"owner": "you", "more": "x"})
    assert box.get_container_properties().metadata == {"owner": "you", "more": "x"}
    assert name in [found.name for found in service.list_containers(name_starts_with="life-")]
    shown = next(found for found in service.list_containers(name_starts_with=name, include_metadata=True))
    assert shown.metadata == {"owner": "you", "more": "x"}
    lease = box.acquire_lease(15)
    with pytest.raises(HttpResponseError) as error:
        box.delete_container()
    assert code(error) == "LeaseIdMissing" and error.value.status_code == 412
    box.delete_container(lease=lease)
    assert not box.exists()
    with pytest.raises(ResourceNotFoundError) as error:
        list(box.list_blobs())
    assert code(error) == "ContainerNotFound"


def test_containers_are_listed_by_pages(azure):
    service = service_of(azure, "pages")
    names = [f"page-{number:02}" for number in range(25)]
    for name in names:
        service.create_container(name)
    pages = list(service.list_containers(name_starts_with="page-", results_per_page=7).by_page())
    assert [[found.name for found in page] for page in pages] == [names[i:i + 7] for i in range(0, 25, 7)]


@pytest.mark.parametrize("name", ["UPPER", "a", "double--hyphen", "-first", "last-", "x" * 64, "under_score"])
def test_container_names_are_held_to_the_rules(service, name):
    with pytest.raises(HttpResponseError) as error:
        service.create_container(name)
    assert code(error) == "InvalidResourceName" and error.value.status_code == 400


@pytest.mark.parametrize("size", [0, 1, 1000, 5 << 20])
def test_small_uploads_come_back(box, size):
    data = os.urandom(size)
    blob = box.get_blob_client("folder/name with spaces + % & é 🙂.bin")
    blob.upload_blob(
        data, metadata={"kind": "test"},
        content_settings=ContentSettings(
            content_type="text/x", cache_control="no-cache", content_language="de", content_disposition="inline"))
    assert blob.download_blob().readall() == data
    facts = blob.get_blob_properties()
    assert facts.size == size and facts.metadata == {"kind": "test"} and facts.blob_type == BlobType.BLOCKBLOB
    settings = facts.content_settings
    assert (settings.content_type, settings.cache_control, settings.content_language, settings.content_disposition) == (
        "text/x", "no-cache", "de", "inline")
    assert settings.content_md5 == bytearray(hashlib.md5(data).digest())
    with pytest.raises(ResourceExistsError) as error:
        blob.upload_blob(b"other")
    assert code(error) == "BlobAlreadyExists" and error.value.status_code == 409
    blob.upload_blob(b"other", overwrite=True)
    assert blob.download_blob().readall() == b"other"
    assert blob.get_blob_properties().metadata == {}


def test_large_uploads_go_in_blocks_beside_each_other(azure):
    service = service_of(azure, FLAT, max_single_put_size=4 << 20, max_block_size=4 << 20)
    box = service.create_container(f"large-{uuid.uuid4().hex[:8]}")
    data = os.urandom(64 << 20)
    blob = box.get_blob_client("large.bin")
    blob.upload_blob(data, max_concurrency=6)
    assert blob.download_blob(max_concurrency=6).readall() == data
    assert [block.size for block in blob.get_block_list()[0]] == [4 << 20] * 16
    for offset, length in [(0, 10), (4 << 20, 5), ((4 << 20) - 3, 7), (63 << 20, 1 << 20), (1, (64 << 20) - 1)]:
        assert blob.download_blob(offset=offset, length=length).readall() == data[offset:offset + length]
    blob.upload_blob(data[:9 << 20], overwrite=True, validate_content=True)
    assert blob.download_blob(validate_content=True).readall() == data[:9 << 20]


def test_ranges(box):
    blob = box.get_blob_client("ranges")
    blob.upload_blob(b"0123456789")
    assert blob.download_blob(offset=3, length=4).readall() == b"3456"
    assert blob.download_blob(offset=8, length=100).readall() == b"89"
    with pytest.raises(HttpResponseError) as error:
        blob.download_blob(offset=10, length=1).readall()
    assert error.value.status_code == 416 and code(error) == "InvalidRange"
    box.get_blob_client("empty").upload_blob(b"")
    assert box.get_blob_client("empty").download_blob().readall() == b""
    with pytest.raises(HttpResponseError) as error:
        box.get_blob_client("empty").download_blob(offset=0, length=1).readall()
    assert error.value.status_code == 416


def test_checksums_are_checked(box):
    blob = box.get_blob_client("sums")
    with pytest.raises(HttpResponseError) as error:
        blob._client.block_blob.upload(
            content_length=4, body=b"data", transactional_content_md5=hashlib.md5(b"other").digest())
    assert code(error) == "Md5Mismatch"
    with pytest.raises(HttpResponseError) as error:
        blob._client.block_blob.stage_block(
            block_id="AAAA", content_length=4, body=b"data", transactional_content_crc64=b"12345678")
    assert code(error) == "Crc64Mismatch"
    assert not blob.exists()
    # The CRC-64 of the digits is the published check value of CRC-64/NVME.
    blob._client.block_blob.stage_block(
        block_id="AAAA", content_length=9, body=b"123456789",
        transactional_content_crc64=0xAE8B14860A799888.to_bytes(8, "little"))
    assert not blob.exists()


def test_block_lists(box):
    blob = box.get_blob_client("blocks")
    for number, content in enumerate([b"one ", b"two ", b"three "]):
        blob.stage_block(f"id{number}", content)
    committed, waiting = blob.get_block_list("all")
    assert committed == [] and [(block.id, block.size) for block in waiting] == [("id0", 4), ("id1", 4), ("id2", 6)]
    assert [found.name for found in box.list_blobs()] == []
    assert [found.name for found in box.list_blobs(include=["uncommittedblobs"])] == ["blocks"]
    with pytest.raises(ResourceNotFoundError):
        blob.get_blob_properties()
    blob.commit_block_list([BlobBlock("id2"), BlobBlock("id0")], metadata={"a": "b"})
    assert blob.download_blob().readall() == b"three one "
    assert blob.get_blob_properties().metadata == {"a": "b"}
    committed, waiting = blob.get_block_list("all")
    assert [(block.id, block.size) for block in committed] == [("id2", 6), ("id0", 4)] and waiting == []
    with pytest.raises(HttpResponseError) as error:
        blob.commit_block_list([BlobBlock("id1")])
    assert code(error) == "InvalidBlockList"
    blob.stage_block("id9", b"!")
    blob.commit_block_list([BlobBlock("id0"), BlobBlock("id9"), BlobBlock("id2")])
    assert blob.download_blob().readall() == b"one !three "


def test_conditions(box):
    blob = box.get_blob_client("conditions")
    first = blob.upload_blob(b"one")["etag"]
    second = blob.upload_blob(b"two", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)["etag"]
    assert first != second
    with pytest.raises(ResourceModifiedError) as error:
        blob.upload_blob(b"x", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)
    assert code(error) == "ConditionNotMet" and error.value.status_code == 412
    with pytest.raises(HttpResponseError) as error:
        blob.download_blob(etag=second, match_condition=MatchConditions.IfModified).readall()
    assert error.value.status_code == 304
    with pytest.raises(ResourceModifiedError):
        blob.download_blob(etag=first, match_condition=MatchConditions.IfNotModified).readall()
    modified = blob.get_blob_properties().last_modified
    hour = datetime.timedelta(hours=1)
    blob.get_blob_properties(if_modified_since=modified - hour)
    with pytest.raises(HttpResponseError) as error:
        blob.get_blob_properties(if_modified_since=modified + hour)
    assert error.value.status_code == 304
    with pytest.raises(ResourceModifiedError):
        blob.delete_blob(if_unmodified_since=modified - hour)
    blob.delete_blob(if_unmodified_since=modified + hour)
    with pytest.raises(ResourceModifiedError):
        blob.upload_blob(b"x", overwrite=True, etag=second, match_condition=MatchConditions.IfNotModified)


def test_leases(box):
    blob = box.get_blob_client("leased")
    blob.upload_blob(b"one")
    lease = blob.acquire_lease(15)
    facts = blob.get_blob_properties().lease
    assert (facts.status, facts.state, facts.duration) == ("locked", "leased", "fixed")
    with pytest.raises(HttpResponseError) as error:
        BlobLeaseClient(blob).acquire(15)
    assert code(error) == "LeaseAlreadyPresent" and error.value.status_code == 409
    with pytest.raises(HttpResponseError) as error:
        blob.upload_blob(b"two", overwrite=True)
    assert code(error) == "LeaseIdMissing"
    with pytest.raises(HttpResponseError) as error:
        blob.delete_blob(lease=str(uuid.uuid4()))
    assert code(error) == "LeaseIdMismatchWithBlobOperation"
    blob.upload_blob(b"two", overwrite=True, lease=lease)
    lease.renew()
    lease.change(str(uuid.uuid4()))
    blob.set_blob_metadata({"a": "b"}, lease=lease)
    assert lease.break_lease(0) == 0
    assert blob.get_blob_properties().lease.state == "broken"
    blob.upload_blob(b"three", overwrite=True)
    lease = blob.acquire_lease(-1)
    assert blob.get_blob_properties().lease.duration == "infinite"
    lease.release()
    assert blob.get_blob_properties().lease.state == "available"
    blob.delete_blob()


def test_listing_by_pages_prefixes_and_folders(box):
    names = sorted(f"{folder}/{number:03}" for folder in ["a", "a/b", "c"] for number in range(40))
    for name in names:
        box.upload_blob(name, b"x", metadata={"n": "1"})
    lake = "devlake" in box.url
    folders = {"a", "a/b", "c"} if lake else set()
    shown = [found.name for page in box.list_blobs(results_per_page=13).by_page() for found in page]
    assert shown == sorted(set(names) | folders)
    assert [found.name for found in box.list_blobs(name_starts_with="a/b/")] == [n for n in names if n.startswith("a/b/")]
    assert list(box.list_blob_names(name_starts_with="c/00")) == [f"c/{number:03}" for number in range(10)]
    assert [found.name for found in box.walk_blobs()] == ["a/", "c/"]
    assert sorted(found.name for found in box.walk_blobs(name_starts_with="a/", results_per_page=7)) == sorted(
        [f"a/{number:03}" for number in range(40)] + ["a/b/"])
    with_metadata = list(box.list_blobs(name_starts_with="a/", include=["metadata"]))
    for found in with_metadata:
        assert found.metadata == ({"hdi_isfolder": "true"} if found.name in folders else {"n": "1"})
        assert found.size == (0 if found.name in folders else 1) and found.etag and found.creation_time


def test_odd_names_survive(azure):
    box = service_of(azure, FLAT).create_container(f"odd-{uuid.uuid4().hex[:8]}")
    names = [
        "a//b", "/leading", "trailing/", "a\\b", "%2e%2e%2f", "x" * 1024, "ü" * 300, "e\u0301", "\u00e9", "a\u0001b", "a?b#c",
        "<&>\"'", "tab\there", "🙂🙃", "a+b c", "COM1", "\u200b", "a;b=c,d"]
    for name in names:
        box.upload_blob(name, name.encode())
    assert sorted(found.name for found in box.list_blobs()) == sorted(names)
    for name in names:
        assert box.download_blob(name).readall() == name.encode()
        box.delete_blob(name)
    assert list(box.list_blobs()) == []
    with pytest.raises(HttpResponseError):
        box.upload_blob("x" * 1025, b"")


def test_metadata_and_headers_change(box):
    blob = box.get_blob_client("facts")
    before = blob.upload_blob(b"data")["etag"]
    after = blob.set_blob_metadata({"One": "1", "two": "zwei"})["etag"]
    assert before != after and blob.get_blob_properties().metadata == {"One": "1", "two": "zwei"}
    blob.set_http_headers(ContentSettings(content_type="application/json", content_encoding="identity"))
    facts = blob.get_blob_properties()
    assert facts.content_settings.content_type == "application/json" and facts.metadata == {"One": "1", "two": "zwei"}
    with pytest.raises(HttpResponseError) as error:
        blob.set_blob_metadata({"not-a-word": "x"})
    assert code(error) == "InvalidMetadata"
    with pytest.raises(HttpResponseError) as error:
        blob.set_blob_metadata({"big": "x" * 9000})
    assert code(error) == "MetadataTooLarge"


def test_copies(box):
    source = box.get_blob_client("source")
    source.upload_blob(b"content", metadata={"a": "b"}, content_settings=ContentSettings(content_type="text/y"))
    target = box.get_blob_client("target")
    answer = target.start_copy_from_url(source.url)
    assert answer["copy_status"] == "success"
    facts = target.get_blob_properties()
    assert facts.copy.status == "success" and facts.copy.id == answer["copy_id"] and facts.metadata == {"a": "b"}
    assert facts.content_settings.content_type == "text/y"
    source.upload_blob(b"changed", overwrite=True)
    assert target.download_blob().readall() == b"content"
    target.start_copy_from_url(source.url, metadata={"c": "d"}, requires_sync=True)
    assert target.download_blob().readall() == b"changed" and target.get_blob_properties().metadata == {"c": "d"}
    with pytest.raises(ResourceNotFoundError):
        target.start_copy_from_url(box.get_blob_client("missing").url)
    third = box.get_blob_client("third")
    third.upload_blob_from_url(source.url)
    assert third.download_blob().readall() == b"changed"
    fourth = box.get_blob_client("fourth")
    fourth.stage_block_from_url("AAAA", source.url, source_offset=2, source_length=3)
    fourth.commit_block_list([BlobBlock("AAAA")])
    assert fourth.download_blob().readall() == b"ang"


def test_append_blobs(box):
    log = box.get_blob_client("log")
    log.create_append_blob()
    for number in range(20):
        answer = log.append_block(f"line {number}\n".encode(), validate_content=number % 2 == 0)
        assert answer["blob_committed_block_count"] == number + 1
    assert log.download_blob().readall() == b"".join(f"line {number}\n".encode() for number in range(20))
    size = log.get_blob_properties().size
    with pytest.raises(HttpResponseError) as error:
        log.append_block(b"x", appendpos_condition=size - 1)
    assert code(error) == "AppendPositionConditionNotMet" and error.value.status_code == 412
    with pytest.raises(HttpResponseError) as error:
        log.append_block(b"xx", maxsize_condition=size + 1)
    assert code(error) == "MaxBlobSizeConditionNotMet"
    box.upload_blob("log", b"more", blob_type="AppendBlob")
    assert log.get_blob_properties().size == size + 4
    with pytest.raises(HttpResponseError) as error:
        log.stage_block("AAAA", b"x")
    assert code(error) == "InvalidBlobType"
    log.seal_append_blob()
    with pytest.raises(HttpResponseError):
        log.append_block(b"x")
    results = []
    other = box.get_blob_client("side-by-side")
    other.create_append_blob()
    threads = [
        threading.Thread(target=lambda: [results.append(other.append_block(b"0123456789")) for _ in range(20)])
        for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other.download_blob().readall() == b"0123456789" * 80
    assert sorted(int(answer["blob_append_offset"]) for answer in results) == list(range(0, 800, 10))


def test_what_is_not_there_is_refused_plainly(box):
    with pytest.raises(HttpResponseError) as error:
        box.get_blob_client("page").create_page_blob(512)
    assert error.value.status_code == 501 and "Page blobs" in error.value.message
    blob = box.get_blob_client("plain")
    blob.upload_blob(b"x")
    with pytest.raises(HttpResponseError) as error:
        blob.create_snapshot()
    assert error.value.status_code == 501
    blob.delete_blob(delete_snapshots="include")
    with pytest.raises(ResourceNotFoundError) as error:
        blob.delete_blob()
    assert code(error) == "BlobNotFound"


def test_service_and_account(azure, service):
    info = service.get_account_information()
    assert info["account_kind"] == "StorageV2" and info["sku_name"] == "Standard_LRS"
    facts = service.get_service_properties()
    assert facts["analytics_logging"] is not None
    service.set_service_properties(target_version="2020-10-02")
    assert service.get_service_properties()["target_version"] == "2020-10-02"
    assert service_of(azure, LAKE).get_account_information()["is_hns_enabled"]


def test_access_policies(box):
    policy = AccessPolicy(
        permission=ContainerSasPermissions(read=True), start=datetime.datetime(2026, 1, 1),
        expiry=datetime.datetime(2099, 1, 1))
    box.set_container_access_policy({"readers": policy})
    found = box.get_container_access_policy()["signed_identifiers"]
    assert [(item.id, item.access_policy.permission) for item in found] == [("readers", "r")]


def test_batches_of_deletes(box):
    for number in range(10):
        box.upload_blob(f"b/{number}", b"x")
    answers = list(box.delete_blobs(*[f"b/{number}" for number in range(10)]))
    assert [answer.status_code for answer in answers] == [202] * 10
    answers = list(box.delete_blobs("b/0", raise_on_any_failure=False))
    assert [answer.status_code for answer in answers] == [404]
    assert [found.name for found in box.list_blobs(name_starts_with="b/")] == []


def test_wire_details(azure):
    """What the SDK does not show: headers of refusals, ids, versions."""
    import requests
    box = service_of(azure, FLAT).create_container(f"wire-{uuid.uuid4().hex[:8]}")
    box.upload_blob("x", b"0123456789")
    from azure.storage.blob import BlobSasPermissions, generate_container_sas
    sas = generate_container_sas(
        FLAT, box.container_name, azure.key(FLAT), permission=ContainerSasPermissions(read=True, list=True, write=True),
        expiry=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1))
    url = f"{box.url}/x?{sas}"
    headers = {"x-ms-version": "2023-11-03", "x-ms-client-request-id": "mine"}
    answer = requests.get(url, headers=headers)
    assert answer.headers["x-ms-version"] == "2023-11-03" and answer.headers["x-ms-client-request-id"] == "mine"
    assert answer.headers["x-ms-request-id"] and answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"].startswith('"0x8') and "Last-Modified" in answer.headers
    answer = requests.get(url, headers={**headers, "Range": "bytes=2-4", "x-ms-range-get-content-md5": "true"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["Content-Range"] == "bytes 2-4/10"
    assert answer.headers["Content-MD5"] == base64.b64encode(hashlib.md5(b"234").digest()).decode()
    answer = requests.get(url, headers={**headers, "x-ms-range": "bytes=0-8", "x-ms-range-get-content-crc64": "true"})
    assert "x-ms-content-crc64" in answer.headers
    answer = requests.get(f"{box.url}/missing?{sas}", headers=headers)
    assert answer.status_code == 404 and answer.headers["x-ms-error-code"] == "BlobNotFound"
    assert answer.headers["Content-Type"] == "application/xml" and b"<Code>BlobNotFound</Code>" in answer.content
    answer = requests.head(f"{box.url}/missing?{sas}", headers=headers)
    assert answer.status_code == 404 and answer.headers["x-ms-error-code"] == "BlobNotFound" and answer.content == b""
    answer = requests.put(url, headers=headers, data=b"x")
    assert answer.status_code == 400 and answer.headers["x-ms-error-code"] == "MissingRequiredHeader"
    answer = requests.put(url, headers={**headers, "x-ms-blob-type": "BlockBlob"}, data=iter([b"a", b"b"]))
    assert answer.status_code == 411 and answer.headers["x-ms-error-code"] == "MissingContentLengthHeader"
