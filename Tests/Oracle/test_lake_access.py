"""Every way to write a place and every right to use it, through `sluice lake`, `convert` and `inspect`; and what is said to
whoever has none, or names what is not there."""

import datetime
import json
import re

import pyarrow.parquet as pq
import pytest
from azure.storage.blob import (
    AccountSasPermissions, ContainerSasPermissions, ResourceTypes, generate_account_sas, generate_container_sas)
from azure.storage.filedatalake import DataLakeServiceClient, FileSystemSasPermissions, generate_file_system_sas
from conftest import run
from emulator import azure, azure_with  # noqa: F401 (fixtures)
from containers import KINDS, RIGHTS, Place

CSV = b"id,name\n1,apple\n2,pear\n3,plum\n"


def in_hours(hours):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)


def signature(place, kind="container", hours=1, **permissions):
    """A shared access signature for the container, or for the whole account."""
    given = permissions or {name: True for name in ("read", "add", "create", "write", "delete", "list")}
    start, expiry = in_hours(hours - 2), in_hours(hours)
    if kind == "account":
        return generate_account_sas(
            place.account, place.key, ResourceTypes(service=True, container=True, object=True),
            AccountSasPermissions(**given), start=start, expiry=expiry)
    if place.kind == "dfs":
        return generate_file_system_sas(
            place.account, place.name, place.key, FileSystemSasPermissions(**given), start=start, expiry=expiry)
    return generate_container_sas(
        place.account, place.name, account_key=place.key, permission=ContainerSasPermissions(**given), start=start,
        expiry=expiry)


def none_of(place):
    """The environment with no right to the account in it."""
    return {**dict.fromkeys(RIGHTS, ""), "SLUICE_AZURE_EMULATOR": place.azure.http, "SLUICE_HTTP_RETRY_WAIT": "5ms"}


def application(place):
    return {**none_of(place), "AZURE_TENANT_ID": place.azure.tenant, "AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
            "AZURE_CLIENT_SECRET": "any secret"}


# How the right is given: the environment of a place, and what is behind `?` of a URL.
GIVEN = {
    "key": lambda place: (place.env, ""),
    "connection string": lambda place: ({**none_of(place), "AZURE_STORAGE_CONNECTION_STRING": (
        f"DefaultEndpointsProtocol=https;AccountName={place.account};AccountKey={place.key};EndpointSuffix=core.windows.net")}, ""),
    "connection string with a signature": lambda place: ({**none_of(place), "AZURE_STORAGE_CONNECTION_STRING": (
        f"BlobEndpoint=https://{place.account}.blob.core.windows.net/;AccountName={place.account};"
        f"SharedAccessSignature={signature(place, 'account')}")}, ""),
    "container's signature in the URL": lambda place: (none_of(place), "?" + signature(place)),
    "account's signature in the URL": lambda place: (none_of(place), "?" + signature(place, "account")),
    "signature in the environment": lambda place: (
        {**none_of(place), "AZURE_STORAGE_ACCOUNT": place.account, "AZURE_STORAGE_SAS_TOKEN": signature(place)}, ""),
    "managed identity": lambda place: (none_of(place), ""),
    "application": lambda place: (application(place), ""),
}
FORMS = {
    "https://…blob…": "https://{account}.blob.core.windows.net/{name}{path}",
    "https://…dfs…": "https://{account}.dfs.core.windows.net/{name}{path}",
    "abfss://": "abfss://{name}@{account}.dfs.core.windows.net{path}",
    "wasbs://": "wasbs://{name}@{account}.blob.core.windows.net{path}",
    "az://": "az://{account}/{name}{path}",
    "the emulator's": "{http}/{account}/{name}{path}",
}


def url(form, place, path=""):
    return FORMS[form].format(account=place.account, name=place.name, http=place.azure.http, path=path)


@pytest.fixture(scope="module", params=KINDS)
def place(azure, request):
    place = Place(azure, request.param)
    place.put("in/a.csv", CSV)
    return place


def works(place, env, url, folder):
    """All that `sluice` does with files, with a right and a form of a place: `url("/in")` names something in it."""
    def done(*arguments):
        result = run(*arguments, env=env, cwd=folder)
        assert result.code == 0, f"{arguments}: exit code {result.code}\n{result.err}"
        for text in (result.text, result.err):
            assert place.key not in text and not re.search(r"sig=(?!\*\*\*)[^&\s\"]", text), text
        return result

    assert done("lake", "ls", url("/in")).text.splitlines() == ["a.csv"]
    assert done("lake", "cat", url("/in/a.csv")).out == CSV
    assert json.loads(done("lake", "stat", url("/in/a.csv"), "--json").text)["entries"][0]["bytes"] == len(CSV)
    (folder / "x").mkdir()
    (folder / "x/b").write_bytes(b"b" * 100_000)
    done("lake", "cp", "-r", "x", url("/up"))
    assert place.get("up/b") == b"b" * 100_000
    done("lake", "cp", url("/up/b"), "back")
    assert (folder / "back").read_bytes() == b"b" * 100_000
    done("lake", "rm", "-ry", url("/up"))
    assert "up/b" not in place.names()
    assert json.loads(done("inspect", url("/in/a.csv"), "--json").text)["files"][0]["rows"] == 3
    answer = json.loads(done("convert", url("/in/a.csv"), url("/out/a.parquet"), "--json").text)
    assert answer["rows"] == 3 and "?" not in answer["output"]
    done("convert", url("/out/a.parquet"), "down.parquet")
    assert pq.read_table(folder / "down.parquet").to_pydict() == {"id": [1, 2, 3], "name": ["apple", "pear", "plum"]}
    done("lake", "rm", url("/out/a.parquet"))


@pytest.mark.parametrize("given", GIVEN)
def test_every_right_is_enough(place, given, tmp_path):
    env, query = GIVEN[given](place)
    form = "https://…blob…" if place.kind == "blob" else "https://…dfs…"
    works(place, env, lambda path: url(form, place, path) + query, tmp_path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("given", ["key", "container's signature in the URL", "managed identity"])
def test_every_form_of_a_place_is_understood(place, form, given, tmp_path):
    env, query = GIVEN[given](place)
    works(place, env, lambda path: url(form, place, path) + query, tmp_path)


@pytest.mark.parametrize("form", [
    "abfss://{0}@onelake.dfs.fabric.microsoft.com/sales.Lakehouse/Files{1}",
    "https://onelake.dfs.fabric.microsoft.com/{0}/sales.Lakehouse/Files{1}",
    "https://onelake.blob.fabric.microsoft.com/{0}/sales.Lakehouse/Files{1}",
])
def test_onelake_is_a_place_too(azure, form, tmp_path):
    """The emulator has OneLake's workspaces as containers of an account of its name."""
    place = Place(azure, "dfs")
    place.client = DataLakeServiceClient(
        f"{azure.https}/onelake", credential=azure.credential(), connection_verify=azure.ca).get_file_system_client(place.name)

    class Below:
        """The workspace, seen from the folder of files."""
        azure, key = place.azure, place.key

        @staticmethod
        def get(name):
            return place.get(f"sales.Lakehouse/Files/{name}")

        @staticmethod
        def names():
            return [name.removeprefix("sales.Lakehouse/Files/") for name in place.names()]

    place.put("sales.Lakehouse/Files/in/a.csv", CSV)
    works(Below, none_of(place), lambda path: form.format(place.name, path), tmp_path)
    # A key is not asked for, whatever the environment has.
    missing = run("lake", "ls", form.format(place.name, "/nothing"), env={
        **none_of(place), "AZURE_STORAGE_ACCOUNT": "onelake", "AZURE_STORAGE_KEY": "d3Jvbmc="})
    assert missing.code == 1 and "no such object or folder" in missing.err


# MARK: Refusals

def refused(place, *arguments, code, env=None, says=(), query=""):
    """`sluice lake …` that fails in one sentence with one hint, without a stack of causes."""
    done = run("lake", *arguments, env=env or place.env)
    assert done.code == code, f"exit code {done.code}\n{done.err}"
    assert done.out == b""
    lines = done.err.splitlines()
    assert 1 <= len(lines) <= 2 and lines[0].startswith("error: "), done.err
    # What is to be done about it stands behind, or in, what is expected.
    assert "expected" in lines[0] or lines[1].startswith("hint: "), done.err
    for word in says:
        assert word in done.err, f"{word!r} is not in: {done.err}"
    assert place.key not in done.err and not re.search(r"sig=(?!\*\*\*)", done.err)
    return done.err


@pytest.fixture
def local(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    return tmp_path / "a"


def commands(url, local):
    return [["ls", url], ["ls", "-r", f"{url}/in"], ["cat", f"{url}/in/a.csv"], ["stat", f"{url}/in/a.csv"],
            ["cp", f"{url}/in/a.csv", str(local) + ".down"], ["cp", str(local), f"{url}/up/a"], ["rm", f"{url}/in/a.csv"]]


def test_a_container_that_is_missing(place, local):
    missing = place.url.replace(place.name, place.name + "-none")
    for words in commands(missing, local):
        refused(place, *words, code=1, says=[place.name + "-none", "there is no container"])


def test_a_wrong_key(place, local):
    env = {**place.env, "AZURE_STORAGE_KEY": place.azure.key("somebody")}
    for words in commands(place.url, local):
        text = refused(place, *words, code=5, env=env, says=[
            "the account key is wrong", f"az storage account keys list --account-name {place.account}"])
        assert env["AZURE_STORAGE_KEY"] not in text


@pytest.mark.parametrize("given", ["URL", "environment"])
def test_a_signature_that_has_expired(place, local, given):
    sas = signature(place, hours=-1)
    env, query = none_of(place), "?" + sas
    if given == "environment":
        env, query = {**env, "AZURE_STORAGE_ACCOUNT": place.account, "AZURE_STORAGE_SAS_TOKEN": sas}, ""
    form = "https://…blob…" if place.kind == "blob" else "https://…dfs…"
    for words in commands(url(form, place), local):
        words = [word + query if word.startswith("https://") else word for word in words]
        refused(place, *words, code=5, env=env, says=["expired at", "ask for a new one"])


def test_a_signature_that_permits_too_little(place, local):
    query = "?" + signature(place, read=True, list=True)
    form = "https://…blob…" if place.kind == "blob" else "https://…dfs…"
    there = url(form, place)
    assert run("lake", "cat", f"{there}/in/a.csv{query}", env=none_of(place)).out == CSV
    for words in [["cp", local, f"{there}/up/a{query}"], ["rm", f"{there}/in/a.csv{query}"]]:
        refused(place, *words, code=5, env=none_of(place), says=["signature does not permit it", "r reads"])


def test_a_signature_that_is_no_good(place, local):
    form = "https://…blob…" if place.kind == "blob" else "https://…dfs…"
    whole = signature(place)
    cut = "?" + whole.rsplit("sig=", 1)[0] + "sig=abc"
    refused(place, "ls", url(form, place) + cut, code=4, env=none_of(place), says=["is cut off"])
    other = "?" + whole.replace("sp=", "sp=x")
    refused(place, "ls", url(form, place) + other, code=5, env=none_of(place), says=["signature is wrong", "not copied whole"])


def test_a_role_that_is_missing(azure_with, local, tmp_path):
    for kind in KINDS:
        (tmp_path / f"{kind}.json").write_text(json.dumps({"deny": [{"account": KINDS[kind][0], "credential": "token"}]}))
        azure = azure_with("--identities", tmp_path / f"{kind}.json")
        place = Place(azure, kind)
        place.put("in/a.csv", CSV)
        for words in commands(place.url, local):
            role = "Storage Blob Data Reader"
            text = refused(place, *words, code=5, env=none_of(place), says=[
                "has no role that permits it", f"the storage account {place.account}", "az role assignment create",
                "--assignee-object-id", f"az storage account show --name {place.account}"])
            if words[0] == "cp" and words[1] == str(local) or words[0] == "rm":
                assert role in text or "Storage Blob Data Contributor" in text
            else:
                assert role in text


def test_nobody(place, local):
    """Without a right and without anybody to sign in as, what was tried is told."""
    env = {**none_of(place), "SLUICE_AZURE_EMULATOR": "", "SLUICE_AZURE_IDENTITY": "environment", "AZURE_CLIENT_SECRET": ""}
    done = run("lake", "ls", place.url, env=env)
    assert done.code == 5 and "AZURE_CLIENT_SECRET" in done.err, done.err


@pytest.mark.parametrize("text, says", [
    ("abfss://lake1.dfs.core.windows.net/raw/in", "Write abfss://raw@lake1.dfs.core.windows.net/in."),
    ("az://lake1.blob.core.windows.net/raw", "Write az://lake1/raw"),
    ("az://lake1", "names the account but no container"),
    ("az://L/raw", "3 to 24"),
    ("az://lake1/Raw", "single dashes"),
    ("https://lake1.blob.core.windows.net/raw?x=1", "no shared access signature"),
    ("https://example.com/raw/a", "not a host of Azure's storage"),
    ("http://lake1.blob.core.windows.net/raw", "https://"),
    ("az://lake1/raw/100%", "%25"),
    ("az://lake1/raw/../other", ".."),
])
def test_what_is_written_wrong_is_explained(place, text, says):
    refused(place, "ls", text, code=4, says=[says])
