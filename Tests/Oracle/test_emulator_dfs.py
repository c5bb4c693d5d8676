"""The official SDK for Data Lake against the emulator, on accounts of both kinds."""

import os
import uuid

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import ContentSettings, DataLakeServiceClient
from emulator import DEVELOPMENT_ACCOUNT as FLAT, azure  # noqa: F401

LAKE = "devlake"


@pytest.fixture(params=[FLAT, LAKE])
def account(request):
    return request.param


@pytest.fixture
def service(azure, account):
    return DataLakeServiceClient(f"{azure.http}/{account}", credential=azure.key(account), retry_total=0)


@pytest.fixture
def lake(service):
    client = service.get_file_system_client(f"fs-{uuid.uuid4().hex[:12]}")
    client.create_file_system()
    return client


def code(error):
    return error.value.response.headers.get("x-ms-error-code")


def names(lake, path=None, recursive=True, **options):
    return [found.name + ("/" if found.is_directory else "") for found in lake.get_paths(path, recursive, **options)]


def test_filesystem_lives_and_dies(service):
    name = f"life-{uuid.uuid4().hex[:8]}"
    lake = service.create_file_system(name, metadata={"a": "b"})
    with pytest.raises(ResourceExistsError):
        service.create_file_system(name)
    assert lake.get_file_system_properties().metadata == {"a": "b"}
    assert name in [found.name for found in service.list_file_systems(name_starts_with="life-")]
    lake.delete_file_system()
    with pytest.raises(ResourceNotFoundError):
        lake.get_file_system_properties()
    with pytest.raises(HttpResponseError) as error:
        names(lake)
    assert code(error) == "FilesystemNotFound" and error.value.status_code == 404


@pytest.mark.parametrize("size", [1, 1000, 3 << 20])
def test_files_come_back(lake, size):
    data = os.urandom(size)
    file = lake.get_file_client("folder/sub folder/ü 🙂.bin")
    file.upload_data(data, overwrite=True, metadata={"k": "v"}, content_settings=ContentSettings(content_type="text/x"))
    assert file.download_file().readall() == data
    facts = file.get_file_properties()
    assert facts.size == size and facts.metadata == {"k": "v"} and facts.content_settings.content_type == "text/x"
    file.upload_data(b"other", overwrite=True)
    assert file.download_file().readall() == b"other"
    assert file.download_file(offset=1, length=3).readall() == b"the"


def test_large_files_go_in_pieces_beside_each_other(lake):
    data = os.urandom(64 << 20)
    file = lake.get_file_client("large.bin")
    file.upload_data(data, overwrite=True, chunk_size=4 << 20, max_concurrency=6)
    assert file.download_file(max_concurrency=6).readall() == data
    file.upload_data(data[:9 << 20], overwrite=True, chunk_size=2 << 20, validate_content=True)
    assert file.get_file_properties().size == 9 << 20


def test_appends_count_when_they_are_flushed(lake, account):
    file = lake.get_file_client("log")
    file.create_file()
    file.append_data(b"world", 5)
    file.append_data(b"hello", 0)
    assert file.get_file_properties().size == 0
    for wrong in (3, 9, 11):
        with pytest.raises(HttpResponseError) as error:
            file.flush_data(wrong)
        assert code(error) == "InvalidFlushPosition" and error.value.status_code == 400
    with pytest.raises(HttpResponseError) as error:
        file.flush_data(5)
    assert code(error) == "InvalidFlushPosition"
    file.flush_data(5, retain_uncommitted_data=True)
    assert file.download_file().readall() == b"hello"
    file.flush_data(10, close=True)
    assert file.download_file().readall() == b"helloworld"
    file.append_data(b"!!", 10, flush=True)
    assert file.download_file().readall() == b"helloworld!!"
    with pytest.raises(HttpResponseError):
        file.append_data(b"x", 3)
    with pytest.raises(ResourceNotFoundError) as error:
        lake.get_file_client("missing").append_data(b"x", 0)
    assert code(error) == "PathNotFound"
    file.create_file()
    assert file.get_file_properties().size == 0
    with pytest.raises(HttpResponseError) as error:
        file.append_data(b"data", 0, validate_content=True, length=4)
        file._client.path.append_data(
            b"data", position=4, content_length=4, path_http_headers=None, transactional_content_crc64=b"12345678")
        raise AssertionError
    assert code(error) == "Crc64Mismatch"


def test_conditions(lake):
    file = lake.get_file_client("conditions")
    first = file.create_file()["etag"]
    with pytest.raises(ResourceExistsError) as error:
        file.create_file(match_condition=MatchConditions.IfMissing)
    assert code(error) == "PathAlreadyExists" and error.value.status_code == 409
    file.append_data(b"one", 0)
    second = file.flush_data(3, etag=first, match_condition=MatchConditions.IfNotModified)["etag"]
    file.append_data(b"two", 3)
    with pytest.raises(ResourceModifiedError) as error:
        file.flush_data(6, etag=first, match_condition=MatchConditions.IfNotModified)
    assert code(error) == "ConditionNotMet"
    file.flush_data(6, etag=second, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError):
        file.delete_file(etag=second, match_condition=MatchConditions.IfNotModified)
    file.delete_file()
    assert not file.exists()


def test_directories(lake, account):
    directory = lake.create_directory("a/b/c", metadata={"k": "v"})
    facts = directory.get_directory_properties()
    assert facts.metadata["k"] == "v"
    lake.get_file_client("a/b/file").upload_data(b"x", overwrite=True)
    lake.get_file_client("a/b/c/deep/file").upload_data(b"x", overwrite=True)
    parents = {"a/", "a/b/", "a/b/c/deep/"} if account == LAKE else set()
    assert set(names(lake)) == {"a/b/c/", "a/b/file", "a/b/c/deep/file"} | parents
    assert names(lake, "a/b", recursive=False) == ["a/b/c/", "a/b/file"]
    assert names(lake, recursive=False) == ["a/"]
    assert names(lake, "a/b/c") == (["a/b/c/deep/"] if account == LAKE else []) + ["a/b/c/deep/file"]
    if account == LAKE:
        with pytest.raises(HttpResponseError) as error:
            names(lake, "nowhere")
        assert code(error) == "PathNotFound" and error.value.status_code == 404
    else:
        assert names(lake, "nowhere") == []
    with pytest.raises(HttpResponseError) as error:
        directory._client.path.delete(recursive=False)
    assert code(error) == "DirectoryNotEmpty" and error.value.status_code == 409
    directory.delete_directory()
    assert set(names(lake)) == {"a/b/file"} | ({"a/", "a/b/"} if account == LAKE else set())
    lake.delete_directory("a")
    assert names(lake) == []


def test_listing_by_pages(lake):
    for number in range(23):
        lake.get_file_client(f"p/{number:02}").create_file()
    pages = [[found.name for found in page] for page in lake.get_paths("p", max_results=5).by_page()]
    assert pages == [[f"p/{number:02}" for number in range(start, min(23, start + 5))] for start in range(0, 23, 5)]
    found = next(iter(lake.get_paths("p")))
    assert found.content_length == 0 and found.etag and found.last_modified and found.owner == "$superuser"


def test_renames(lake, account):
    for name in ["d/1", "d/e/2", "d-x", "other/x"]:
        lake.get_file_client(name).upload_data(name.encode(), overwrite=True)
    etag = lake.get_file_client("d/e/2").get_file_properties().etag
    directory = lake.get_directory_client("d").rename_directory(f"{lake.file_system_name}/new folder")
    assert directory.exists() if account == LAKE else True
    assert lake.get_file_client("new folder/e/2").download_file().readall() == b"d/e/2"
    assert lake.get_file_client("new folder/e/2").get_file_properties().etag == etag
    assert not lake.get_file_client("d/1").exists()
    file = lake.get_file_client("new folder/1").rename_file(f"{lake.file_system_name}/d-x")
    assert file.download_file().readall() == b"d/1"
    with pytest.raises(HttpResponseError) as error:
        lake.get_file_client("missing").rename_file(f"{lake.file_system_name}/target")
    assert code(error) == "SourcePathNotFound" and error.value.status_code == 404
    with pytest.raises(HttpResponseError) as error:
        file.rename_file(f"{lake.file_system_name}/other/x", match_condition=MatchConditions.IfMissing)
    assert code(error) == "PathAlreadyExists"
    with pytest.raises(HttpResponseError) as error:
        file.rename_file(
            f"{lake.file_system_name}/z", source_etag="0x1", source_match_condition=MatchConditions.IfNotModified)
    assert code(error) == "SourceConditionNotMet"
    if account == LAKE:
        with pytest.raises(HttpResponseError) as error:
            file.rename_file(f"{lake.file_system_name}/nowhere/z")
        assert code(error) == "RenameDestinationParentPathNotFound"
        with pytest.raises(HttpResponseError) as error:
            lake.get_directory_client("other").rename_directory(f"{lake.file_system_name}/other/inside")
        assert code(error) == "InvalidRenameSourcePath"


def test_leases(lake):
    file = lake.get_file_client("leased")
    file.create_file()
    lease = file.acquire_lease(15)
    with pytest.raises(HttpResponseError) as error:
        file.append_data(b"x", 0)
    assert code(error) == "LeaseIdMissing"
    file.append_data(b"x", 0, lease=lease)
    file.flush_data(1, lease=lease)
    with pytest.raises(HttpResponseError) as error:
        file.delete_file()
    assert code(error) == "LeaseIdMissing"
    with pytest.raises(HttpResponseError) as error:
        file.rename_file(f"{lake.file_system_name}/z")
    assert code(error) == "LeaseIdMissing"
    lease.release()
    file.delete_file()


def test_access_control(lake):
    directory = lake.create_directory("d")
    file = lake.get_file_client("d/f")
    file.create_file(permissions="rw-r-----", umask="0027")
    assert file.get_access_control()["permissions"] == "rw-r-----"
    file.set_access_control(owner="me", group="us", acl="user::rwx,user:someone:r--,group::r-x,mask::rwx,other::---")
    facts = file.get_access_control()
    assert (facts["owner"], facts["group"], facts["permissions"]) == ("me", "us", "rwxrwx---+")
    result = directory.set_access_control_recursive("user::rwx,group::rwx,other::r-x")
    assert (result.counters.directories_successful, result.counters.files_successful) == (1, 1)
    assert file.get_access_control()["acl"] == "user::rwx,group::rwx,other::r-x"
    root = lake._get_root_directory_client()
    root.set_access_control(permissions="rwxr-xr-x")
    assert root.get_access_control()["permissions"] == "rwxr-xr-x"


def test_properties(lake):
    file = lake.get_file_client("f")
    file.upload_data(b"data", overwrite=True)
    file.set_metadata({"one": "1"})
    file.set_http_headers(ContentSettings(content_type="application/json", cache_control="no-store"))
    facts = file.get_file_properties()
    assert facts.metadata == {"one": "1"} and facts.content_settings.content_type == "application/json"
    assert facts.content_settings.cache_control == "no-store"


def test_both_dialects_see_one_namespace(azure, lake, account):
    blobs = BlobServiceClient(f"{azure.http}/{account}", credential=azure.key(account)).get_container_client(lake.file_system_name)
    lake.get_file_client("a/b/file").upload_data(b"from dfs", overwrite=True)
    assert blobs.download_blob("a/b/file").readall() == b"from dfs"
    blobs.upload_blob("x/y/blob", b"from blob")
    assert lake.get_file_client("x/y/blob").download_file().readall() == b"from blob"
    folders = {name: 0 for name in ("a", "a/b", "x", "x/y")} if account == LAKE else {}
    assert {found.name: found.size for found in blobs.list_blobs()} == {"a/b/file": 8, "x/y/blob": 9, **folders}
    lake.create_directory("empty")
    placeholder = next(found for found in blobs.list_blobs(name_starts_with="empty", include=["metadata"]))
    assert placeholder.size == 0 and placeholder.metadata == {"hdi_isfolder": "true"}
    with pytest.raises(HttpResponseError) as error:
        lake.get_file_client("x/y/blob").append_data(b"more", 9)
    assert code(error) == "InvalidFlushOperation"
    if account == LAKE:
        with pytest.raises(HttpResponseError):
            blobs.delete_blob("a/b")
        with pytest.raises(HttpResponseError):
            blobs.upload_blob("a/b", b"x")
        assert blobs.get_blob_client("a/b").get_blob_properties().metadata == {"hdi_isfolder": "true"}
