"""The emulated Container Registry: azure-containerregistry, skopeo and `sluice image` against it."""

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from conftest import BINARY
from emulator import azure, azure_with  # noqa: F401


def client(azure, **options):
    return ContainerRegistryClient(
        azure.https, azure.credential(), connection_verify=azure.ca, api_version="2021-07-01",
        audience="https://containerregistry.azure.net", **options)


def password(registry):
    digest = hashlib.sha256(f"sluice emulator password of {registry}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """An image that we have built."""
    folder = tmp_path_factory.mktemp("image") / "layout"
    done = subprocess.run([BINARY, "image", "build", "-o", folder, "-t", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout.strip()


def signed_in(azure):
    """An environment in which `sluice` is an application that the emulator knows."""
    return {"SLUICE_AZURE_EMULATOR": azure.http, "AZURE_TENANT_ID": azure.tenant,
            "AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555", "AZURE_CLIENT_SECRET": "any secret",
            "DOCKER_CONFIG": "/nonexistent", "HOME": "/nonexistent"}


def put_image(client, name, tag, text=b"layer"):
    config, layer = b"{}", text
    facts = []
    for kind, data in [("config.v1+json", config), ("layer.v1.tar", layer)]:
        digest, size = client.upload_blob(name, io.BytesIO(data))
        facts.append({"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest, "size": size})
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": facts[0],
                "layers": facts[1:]}
    return client.set_manifest(name, manifest, tag=tag, media_type=manifest["mediaType"])


def test_the_official_client_goes_its_usual_way(azure):
    with client(azure) as registry:
        digest = put_image(registry, "official/app", "v1")
        found = registry.get_manifest("official/app", "v1")
        assert found.digest == digest and found.manifest["schemaVersion"] == 2
        layer = found.manifest["layers"][0]["digest"]
        assert b"".join(registry.download_blob("official/app", layer)) == b"layer"
        put_image(registry, "official/app", "v2", b"another")
        assert "official/app" in list(registry.list_repository_names())
        facts = registry.get_repository_properties("official/app")
        assert (facts.manifest_count, facts.tag_count) == (2, 2) and facts.can_delete
        assert [tag.name for tag in registry.list_tag_properties("official/app")] == ["v1", "v2"]
        assert [tag.name for tag in registry.list_tag_properties("official/app", order_by="timedesc")] == ["v2", "v1"]
        assert registry.get_tag_properties("official/app", "v1").digest == digest
        listed = list(registry.list_manifest_properties("official/app"))
        assert {item.digest for item in listed} >= {digest} and any(item.tags == ["v1"] for item in listed)
        assert registry.get_manifest_properties("official/app", "v2").size_in_bytes > 0
        changed = registry.update_tag_properties("official/app", "v1", can_write=False)
        assert not changed.can_write
        with pytest.raises(HttpResponseError):
            put_image(registry, "official/app", "v1", b"third")
        registry.update_manifest_properties("official/app", digest, can_delete=False)
        with pytest.raises(HttpResponseError):
            registry.delete_manifest("official/app", digest)
        registry.update_manifest_properties("official/app", digest, can_delete=True)
        registry.delete_tag("official/app", "v2")
        registry.delete_manifest("official/app", digest)
        assert [tag.name for tag in registry.list_tag_properties("official/app")] == []
        registry.delete_blob("official/app", layer)
        registry.delete_repository("official/app")
        with pytest.raises(ResourceNotFoundError):
            registry.get_repository_properties("official/app")


def test_a_large_blob_comes_in_chunks(azure):
    data = os.urandom(9 << 20)
    with client(azure) as registry:
        digest, size = registry.upload_blob("official/large", io.BytesIO(data))
        assert size == len(data) and digest == "sha256:" + hashlib.sha256(data).hexdigest()
        assert b"".join(registry.download_blob("official/large", digest)) == data


def test_ours_pushes_by_identity_and_pulls(sluice, attempt, azure, layout, tmp_path):
    folder, digest = layout
    env = signed_in(azure)
    done = sluice("image", "push", "shop.azurecr.io/jobs/orders:1", folder, "-t", "latest", env=env)
    assert done.text.strip() == f"shop.azurecr.io/jobs/orders@{digest}"
    again = json.loads(sluice("image", "push", "shop.azurecr.io/jobs/orders:1", folder, "--json", env=env).text)
    assert again["uploadedBytes"] == 0
    mounted = json.loads(sluice(
        "image", "push", "shop.azurecr.io/jobs/copy:1", folder, "--mount-from", "jobs/orders", "--json", env=env).text)
    assert {item["result"] for item in mounted["blobs"]} == {"mounted"}
    told = json.loads(sluice("image", "inspect", f"shop.azurecr.io/jobs/copy@{digest}", "--json", env=env).text)
    assert told["digest"] == digest
    sluice("image", "pull", "shop.azurecr.io/jobs/orders", "-o", tmp_path / "p", env=env)
    # Another registry holds other images.
    missing = attempt("image", "inspect", "other.azurecr.io/jobs/orders:1", env=env)
    assert missing.code != 0 and "no such repository" in missing.err
    nobody = attempt("image", "push", "shop.azurecr.io/jobs/orders:1", folder,
                     env={**env, "AZURE_TENANT_ID": "", "AZURE_CLIENT_ID": "", "AZURE_CLIENT_SECRET": "",
                          "SLUICE_AZURE_IDENTITY": "environment"})
    assert nobody.code == 5 and "sign in" in nobody.err, nobody.err


def test_the_registry_at_its_own_address_signs_in_the_same_way(sluice, azure, layout):
    host = azure.http.removeprefix("http://")
    done = sluice("image", "push", f"{host}/near/orders:1", layout[0], env=signed_in(azure))
    assert done.text.strip() == f"{host}/near/orders@{layout[1]}"
    named = sluice("image", "inspect", "devregistry.azurecr.io/near/orders:1", "--json", env=signed_in(azure))
    assert json.loads(named.text)["digest"] == layout[1]


def test_who_has_no_role_is_told_so(attempt, azure_with, layout):
    azure = azure_with()
    azure.directory({"deny": [{"service": "acr", "code": "AuthorizationPermissionMismatch"}]})
    done = attempt("image", "push", "shop.azurecr.io/jobs/orders:1", layout[0], env=signed_in(azure))
    assert done.code == 5 and "AcrPush" in done.err, done.err


@pytest.mark.parametrize("rules", [
    [{"match": {"service": "acr", "method": "PATCH"}, "times": 2, "do": {"cutRequest": 100_000}}],
    [{"match": {"service": "acr", "method": "PATCH"}, "times": 2, "do": {"loseResponse": True}}],
    [{"match": {"service": "acr", "method": "PUT"}, "times": 2, "do": {"loseResponse": True}}],
    [{"match": {"service": "acr"}, "times": 3, "do": {"throttle": 503}}],
])
def test_a_push_survives_faults(sluice, azure_with, layout, tmp_path, rules):
    azure = azure_with()
    azure.faults(rules)
    env = {**signed_in(azure), "SLUICE_HTTP_RETRY_WAIT": "5ms"}
    done = sluice("image", "push", "shop.azurecr.io/jobs/orders:1", layout[0], env=env)
    assert done.text.strip().endswith(layout[1])
    azure.faults([])
    sluice("image", "pull", "shop.azurecr.io/jobs/orders:1", "-o", tmp_path / "p", env=env)


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skipped: skopeo is not installed")
def test_skopeo_signs_in_and_copies(azure, layout, tmp_path):
    host = azure.http.removeprefix("http://")
    creds = f"devregistry:{password('devregistry')}"

    def skopeo(*arguments, check=True):
        done = subprocess.run(["skopeo", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done

    skopeo("copy", "--dest-tls-verify=false", "--dest-creds", creds, f"oci:{layout[0]}:1", f"docker://{host}/jobs/sk:1")
    seen = json.loads(skopeo("inspect", "--tls-verify=false", "--creds", creds, f"docker://{host}/jobs/sk:1").stdout)
    assert seen["Digest"] == layout[1] and seen["RepoTags"] == ["1"]
    refused = skopeo("inspect", "--tls-verify=false", "--creds", "devregistry:wrong", f"docker://{host}/jobs/sk:1",
                     check=False)
    assert refused.returncode != 0
    assert skopeo("inspect", "--tls-verify=false", f"docker://{host}/jobs/sk:1", check=False).returncode != 0
    skopeo("copy", "--src-tls-verify=false", "--src-creds", creds, f"docker://{host}/jobs/sk:1", f"oci:{tmp_path}/back:1")
    skopeo("delete", "--tls-verify=false", "--creds", creds, f"docker://{host}/jobs/sk:1")


def test_images_survive_a_power_cut(sluice, azure_with, layout):
    azure = azure_with()
    sluice("image", "push", "shop.azurecr.io/jobs/orders:1", layout[0], env=signed_in(azure))
    azure.kill()
    azure.start()
    told = json.loads(sluice("image", "inspect", "shop.azurecr.io/jobs/orders:1", "--json", env=signed_in(azure)).text)
    assert told["digest"] == layout[1]


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/v2/", 401), ("GET", "/v2/a/manifests/..", 401), ("GET", "/v2/../../etc/passwd", 404),
    ("GET", "/v2/a%2F..%2Fb/blobs/sha256:00", 404), ("POST", "/oauth2/token", 400), ("POST", "/oauth2/exchange", 400),
    ("GET", "/v2/A/tags/list", 404), ("PUT", "/v2/a/manifests/1", 401),
])
def test_nothing_is_given_to_nobody(azure, method, path, status):
    request = urllib.request.Request(azure.http + path, method=method, data=b"" if method != "GET" else None)
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)
    assert failure.value.code == status
    if status == 401:
        assert 'realm="' in failure.value.headers["WWW-Authenticate"]
