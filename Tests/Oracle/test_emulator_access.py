"""Who may reach Blob and Data Lake, and with what: keys, signatures of each kind, tokens over TLS, public containers."""

import datetime
import uuid

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.storage.blob import (
    AccessPolicy, AccountSasPermissions, BlobClient, BlobSasPermissions, BlobServiceClient, ContainerClient, ContainerSasPermissions,
    ResourceTypes, generate_account_sas, generate_blob_sas, generate_container_sas)
from azure.storage.filedatalake import (
    DataLakeDirectoryClient, DataLakeFileClient, DataLakeServiceClient, DirectorySasPermissions, FileSystemSasPermissions,
    generate_directory_sas, generate_file_system_sas)
from emulator import DEVELOPMENT_ACCOUNT as FLAT, azure  # noqa: F401

LAKE = "devlake"


def soon():
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)


@pytest.fixture(params=[FLAT, LAKE])
def account(request):
    return request.param


@pytest.fixture
def box(azure, account):
    service = BlobServiceClient(f"{azure.http}/{account}", credential=azure.key(account), retry_total=0)
    box = service.create_container(f"access-{uuid.uuid4().hex[:8]}")
    box.upload_blob("folder/file", b"content")
    return box


def refused(body):
    with pytest.raises(HttpResponseError) as error:
        body()
    return error.value.response.headers.get("x-ms-error-code")


def test_wrong_keys_and_nobody_are_refused(azure, account, box):
    other = BlobServiceClient(f"{azure.http}/{account}", credential=azure.key("somebody"), retry_total=0)
    with pytest.raises(ClientAuthenticationError):
        other.get_container_client(box.container_name).get_container_properties()
    nobody = BlobClient(f"{azure.http}/{account}", box.container_name, "folder/file", retry_total=0)
    assert refused(lambda: nobody.download_blob().readall()) == "NoAuthenticationInformation"


def test_connection_strings(azure, account):
    text = (f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={azure.key(account)};"
            f"BlobEndpoint={azure.http}/{account};")
    box = BlobServiceClient.from_connection_string(text).create_container(f"string-{uuid.uuid4().hex[:8]}")
    box.upload_blob("a", b"x")
    assert box.download_blob("a").readall() == b"x"


def test_signatures_for_blobs(azure, account, box):
    def client(**permissions):
        sas = generate_blob_sas(
            account, box.container_name, "folder/file", account_key=azure.key(account),
            permission=BlobSasPermissions(**permissions), expiry=soon(), content_type="text/signed")
        return BlobClient(f"{azure.http}/{account}", box.container_name, "folder/file", credential=sas, retry_total=0)

    answer = client(read=True).download_blob()
    assert answer.readall() == b"content" and answer.properties.content_settings.content_type == "text/signed"
    assert refused(lambda: client(read=True).upload_blob(b"x", overwrite=True)) == "AuthorizationPermissionMismatch"
    client(write=True).upload_blob(b"new", overwrite=True)
    assert refused(lambda: client(write=True).download_blob().readall()) == "AuthorizationPermissionMismatch"
    wrong = client(read=True).url.replace("folder/file", "folder/other")
    assert requests.get(wrong, headers={"x-ms-version": "2023-11-03"}).status_code == 403


def test_signatures_for_containers_and_accounts(azure, account, box):
    sas = generate_container_sas(
        account, box.container_name, account_key=azure.key(account), expiry=soon(),
        permission=ContainerSasPermissions(read=True, list=True, write=True, create=True))
    signed = ContainerClient(f"{azure.http}/{account}", box.container_name, credential=sas, retry_total=0)
    signed.upload_blob("folder/second", b"2")
    assert "folder/second" in [found.name for found in signed.list_blobs()]
    assert refused(lambda: signed.delete_blob("folder/second")) == "AuthorizationPermissionMismatch"
    expired = generate_container_sas(
        account, box.container_name, account_key=azure.key(account), permission=ContainerSasPermissions(list=True),
        expiry=soon() - datetime.timedelta(hours=2))
    late = ContainerClient(f"{azure.http}/{account}", box.container_name, credential=expired, retry_total=0)
    assert refused(lambda: list(late.list_blobs())) == "AuthenticationFailed"
    whole = generate_account_sas(
        account, azure.key(account), resource_types=ResourceTypes(service=True, container=True, object=True),
        permission=AccountSasPermissions(read=True, list=True, write=True, delete=True, create=True), expiry=soon())
    service = BlobServiceClient(f"{azure.http}/{account}", credential=whole, retry_total=0)
    assert box.container_name in [found.name for found in service.list_containers()]
    service.get_blob_client(box.container_name, "folder/second").delete_blob()


def test_signatures_that_name_a_stored_policy(azure, account, box):
    def client(**terms):
        sas = generate_container_sas(account, box.container_name, account_key=azure.key(account), policy_id="readers", **terms)
        return ContainerClient(f"{azure.http}/{account}", box.container_name, credential=sas, retry_total=0)

    box.upload_blob("file", b"content")
    assert refused(lambda: list(client().list_blobs())) == "AuthenticationFailed"
    box.set_container_access_policy({
        "readers": AccessPolicy(permission=ContainerSasPermissions(read=True, list=True), expiry=soon())})
    assert "file" in [found.name for found in client().list_blobs()]
    assert client().download_blob("file").readall() == b"content"
    assert refused(lambda: client().upload_blob("other", b"x")) == "AuthorizationPermissionMismatch"
    # A term is said once: here or there.
    assert refused(lambda: list(client(permission="rl").list_blobs())) == "AuthenticationFailed"
    box.set_container_access_policy({"readers": AccessPolicy(permission="r", expiry=soon() - datetime.timedelta(hours=2))})
    assert refused(lambda: client().download_blob("file").readall()) == "AuthenticationFailed"
    box.set_container_access_policy({"readers": AccessPolicy(permission="rl")})
    assert "file" in [found.name for found in client(expiry=soon()).list_blobs()]
    box.set_container_access_policy({})
    assert refused(lambda: list(client().list_blobs())) == "AuthenticationFailed"


def test_signatures_for_data_lake(azure, account, box):
    sas = generate_file_system_sas(
        account, box.container_name, azure.key(account), expiry=soon(),
        permission=FileSystemSasPermissions(read=True, list=True, write=True, create=True, delete=True))
    lake = DataLakeServiceClient(f"{azure.http}/{account}", credential=sas, retry_total=0).get_file_system_client(
        box.container_name)
    lake.get_file_client("folder/dfs").upload_data(b"by signature", overwrite=True)
    assert lake.get_file_client("folder/dfs").download_file().readall() == b"by signature"
    if account == LAKE:
        sas = generate_directory_sas(
            account, box.container_name, "folder", azure.key(account), expiry=soon(),
            permission=DirectorySasPermissions(read=True, write=True, create=True))
        inside = DataLakeFileClient(f"{azure.http}/{account}", box.container_name, "folder/x", credential=sas, retry_total=0)
        inside.upload_data(b"inside", overwrite=True)
        outside = DataLakeFileClient(f"{azure.http}/{account}", box.container_name, "other", credential=sas, retry_total=0)
        assert refused(lambda: outside.create_file()) in ("AuthenticationFailed", "AuthorizationPermissionMismatch")


def test_tokens_and_delegated_signatures(azure, account, box):
    service = BlobServiceClient(
        f"{azure.https}/{account}", credential=azure.credential(), connection_verify=azure.ca, retry_total=0)
    blob = service.get_blob_client(box.container_name, "by/token")
    blob.upload_blob(b"token")
    assert blob.download_blob().readall() == b"token"
    key = service.get_user_delegation_key(datetime.datetime.now(datetime.timezone.utc), soon())
    sas = generate_blob_sas(
        account, box.container_name, "by/token", user_delegation_key=key, permission=BlobSasPermissions(read=True),
        expiry=soon())
    signed = BlobClient(f"{azure.http}/{account}", box.container_name, "by/token", credential=sas, retry_total=0)
    assert signed.download_blob().readall() == b"token"
    assert refused(lambda: signed.upload_blob(b"x", overwrite=True)) == "AuthorizationPermissionMismatch"
    lake = DataLakeServiceClient(
        f"{azure.https}/{account}", credential=azure.credential(), connection_verify=azure.ca, retry_total=0)
    directory = lake.get_directory_client(box.container_name, "by/dfs")
    directory.create_directory()
    directory.create_file("f").upload_data(b"x", overwrite=True)


def test_public_containers(azure, account, box):
    url = f"{azure.http}/{account}/{box.container_name}"
    version = {"x-ms-version": "2023-11-03"}
    assert requests.get(f"{url}/folder/file", headers=version).status_code == 401
    box.set_container_access_policy({}, public_access="blob")
    assert requests.get(f"{url}/folder/file", headers=version).content == b"content"
    assert requests.get(f"{url}?restype=container&comp=list", headers=version).status_code == 401
    box.set_container_access_policy({}, public_access="container")
    assert b"folder/file" in requests.get(f"{url}?restype=container&comp=list", headers=version).content
    assert requests.put(f"{url}/x", data=b"x", headers={**version, "x-ms-blob-type": "BlockBlob"}).status_code == 401


def test_onelake(azure):
    """Only tokens; the upper folders are Fabric's; what is not supported is ignored and said so."""
    token = azure.credential().get_token("https://storage.azure.com/.default").token
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2023-11-03", "Host": "onelake.dfs.fabric.microsoft.com"}
    root = f"{azure.http}/Sales/shop.Lakehouse"

    def ask(method, path, **more):
        return requests.request(method, root + path, headers={**headers, **more.pop("headers", {})}, **more)

    answer = ask("PUT", "/Files/a/b.txt?resource=file", headers={"x-ms-owner": "me", "x-ms-permissions": "rwxrwxrwx"})
    assert answer.status_code == 201
    assert set(answer.headers["x-ms-rejected-headers"].split(",")) == {"x-ms-owner", "x-ms-permissions"}
    assert ask("PATCH", "/Files/a/b.txt?action=append&position=0", data=b"hello").status_code == 202
    assert ask("PATCH", "/Files/a/b.txt?action=flush&position=5").status_code == 200
    answer = ask("HEAD", "/Files/a/b.txt")
    assert (answer.headers["x-ms-owner"], answer.headers["x-ms-permissions"]) == ("$superuser", "---------")
    assert ask("GET", "/Files/a/b.txt").content == b"hello"
    answer = requests.get(f"{azure.http}/Sales?resource=filesystem&recursive=false", headers=headers)
    assert [path["name"] for path in answer.json()["paths"]] == ["shop.Lakehouse"]
    blob = {**headers, "Host": "onelake.blob.fabric.microsoft.com"}
    answer = requests.get(f"{azure.http}/Sales?restype=container&comp=list&prefix=shop.Lakehouse/Files/", headers=blob)
    assert b"shop.Lakehouse/Files/a/b.txt" in answer.content
    for path in ["", "/Files"]:
        assert ask("DELETE", f"{path}?recursive=true").status_code == 403
        assert ask("PUT", f"{path}?resource=directory").status_code == 403
    assert requests.put(f"{azure.http}/New?resource=filesystem", headers=headers).status_code == 403
    assert ask("PATCH", "/Files/a/b.txt?action=setAccessControl", headers={"x-ms-acl": "user::rwx"}).status_code == 400
    assert requests.head(f"{azure.http}/Sales?resource=filesystem", headers=headers).status_code == 200
    assert ask("DELETE", "/Files/a?recursive=true").status_code == 200
