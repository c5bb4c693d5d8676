"""`sluice image`: images are built, unpacked and run by programs that we did not write, and move through a real registry."""

import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import jsonschema
import pytest
from conftest import BINARY, ROOT
from registries import Registry, can_enter, in_root, skopeo, unpack

SCHEMAS = ROOT.parent / "shared/contracts/oci/image-spec"
pytestmark = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ["docker-registry", "skopeo", "umoci", "htpasswd"]),
    reason="skipped: docker-registry, skopeo, umoci or htpasswd is not installed")
# No file of whoever runs the tests says how registries are asked.
CLEAN = {"DOCKER_CONFIG": "/nonexistent", "HOME": "/nonexistent", "SLUICE_AZURE_IDENTITY": "", "SLUICE_AZURE_EMULATOR": ""}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a job that runs, and with things that must stay at home."""
    folder = tmp_path_factory.mktemp("project") / "shop"
    done = subprocess.run([BINARY, "init", folder], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / ".env").write_text("DB_PASSWORD=hunter2-hunter2\n")
    (folder / "server.key").write_text("-----BEGIN PRIVATE KEY-----\n")
    (folder / "client.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    return folder


@pytest.fixture(scope="module")
def image(tmp_path_factory, project):
    """An image with that project."""
    layout = tmp_path_factory.mktemp("image") / "layout"
    done = subprocess.run(
        [BINARY, "image", "build", "-o", layout, "-t", "1.0", "--project", project, "--command", "run orders",
         "--env", "TEAM=shop", "--label", "org.opencontainers.image.title=orders", "--json"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return layout, json.loads(done.stdout), done.stderr


@pytest.fixture(scope="module")
def registry():
    with Registry() as running:
        yield running


def blob(layout, digest):
    return (Path(layout) / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()


def members(layout, layer):
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob(layout, layer["digest"])))) as archive:
        return {item.name: item for item in archive.getmembers()}


def test_documents_are_what_the_specification_says(image):
    layout, facts, _ = image
    manifest = json.loads(blob(layout, facts["digest"]))
    config = json.loads(blob(layout, manifest["config"]["digest"]))
    if SCHEMAS.exists():
        def check(document, name):
            store = {}
            for path in SCHEMAS.glob("*.json"):
                schema = json.loads(path.read_text())
                store[path.name] = schema
            from referencing import Registry as Documents, Resource
            from referencing.jsonschema import DRAFT4
            documents = Documents().with_resources(
                [(uri, Resource.from_contents(schema, default_specification=DRAFT4))
                 for key, schema in store.items() for uri in {key, schema.get("id", key),
                                                            "https://opencontainers.org/schema/image/" + key}])
            jsonschema.Draft4Validator(store[name], registry=documents).validate(document)
        check(manifest, "image-manifest-schema.json")
        check(config, "config-schema.json")
        check(json.loads((layout / "index.json").read_text()), "image-index-schema.json")
        check(json.loads((layout / "oci-layout").read_text()), "image-layout-schema.json")
    # Every blob is what its name says, and every layer unpacks to what the configuration says.
    for path in (layout / "blobs/sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    unpacked = ["sha256:" + hashlib.sha256(gzip.decompress(blob(layout, layer["digest"]))).hexdigest()
                for layer in manifest["layers"]]
    assert unpacked == config["rootfs"]["diff_ids"] and len(config["history"]) == len(unpacked)
    assert (config["os"], config["architecture"]) == ("linux", facts["platform"].split("/")[1])
    settings = config["config"]
    assert settings["Entrypoint"] == ["/opt/sluice/bin/sluice"] and settings["Cmd"] == ["run", "orders"]
    assert settings["User"] == "65532:65532" and settings["WorkingDir"] == "/work"
    assert "TEAM=shop" in settings["Env"] and settings["Labels"] == {"org.opencontainers.image.title": "orders"}


def test_secrets_stay_at_home_and_that_is_said(image):
    layout, facts, errors = image
    omitted = {item["path"]: item["reason"] for item in facts["omitted"]}
    assert set(omitted) >= {".env", "server.key", "client.pem", ".sluice/"}, omitted
    names = set()
    for layer in facts["layers"]:
        found = members(layout, layer)
        names |= set(found)
        assert all(item.mtime == 0 for item in found.values())
        assert b"hunter2" not in gzip.decompress(blob(layout, layer["digest"]))
    assert "work/sluice.yaml" in names and "work/ca.pem" in names
    assert not [name for name in names if name.endswith((".env", ".key", "client.pem")) or ".sluice" in name]


def test_people_are_told_what_is_left_out(sluice, project, tmp_path):
    done = sluice("image", "build", "-o", tmp_path / "i", "--project", project, "--exclude", "data/*.ndjson")
    assert "left out: .env (holds secrets)" in done.err and "left out: data/customers.ndjson (excluded)" in done.err
    assert done.text.startswith("sha256:") and "hunter2" not in done.err


def test_the_same_input_gives_the_same_bytes(sluice, project, tmp_path):
    arguments = ["--project", project, "--env", "A=1", "-t", "x"]
    first = sluice("image", "build", "-o", tmp_path / "a.tar", *arguments)
    # Times, order of creation and the folder's name are nothing that counts.
    moved = tmp_path / "moved"
    shutil.copytree(project, moved)
    for path in moved.rglob("*"):
        os.utime(path, (1, 1))
    second = sluice("image", "build", "-o", tmp_path / "b.tar", "--project", moved, *arguments[2:])
    assert first.text == second.text
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    dated = sluice("image", "build", "-o", tmp_path / "c", *arguments, env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert dated.text != first.text
    inspected = json.loads(sluice("image", "inspect", tmp_path / "c", "--json").text)
    assert inspected["config"]["created"] == "2023-11-14T22:13:20Z"
    (moved / "sluice.yaml").write_text((moved / "sluice.yaml").read_text() + "\n")
    assert sluice("image", "build", "-o", tmp_path / "d.tar", "--project", moved, *arguments[2:]).text != first.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "b.tar", "c", "d.tar", "moved"]


@pytest.mark.skipif(not can_enter(), reason="skipped: root folders and mounts are for root")
def test_an_image_can_build_itself(sluice, tmp_path):
    """Built inside of the image, from what is in it and nothing else, it is the same image."""
    outside = sluice("image", "build", "-o", tmp_path / "layout", "-t", "1").text
    root = unpack(tmp_path / "layout", "1", tmp_path / "bundle")
    inside = in_root(root, "image", "build", "-o", "/tmp/again", cwd="/")
    assert inside.returncode == 0, inside.stderr
    assert inside.stdout.decode() == outside


@pytest.mark.skipif(not can_enter(), reason="skipped: root folders and mounts are for root")
def test_runs_in_a_root_of_its_own(image, tmp_path):
    layout, facts, _ = image
    root = unpack(layout, "1.0", tmp_path / "bundle")
    done = in_root(root, "/opt/sluice/bin/sluice", "--version", cwd=None)
    assert done.returncode == 0 and done.stdout.startswith(b"sluice "), done.stderr
    # As the user of the image, who may write where the project is.
    done = in_root(root, "run", "orders", "customers", user="65532:65532")
    assert done.returncode == 0, done.stderr
    done = in_root(root, "query", "SELECT count(*) AS n FROM orders", "--json", user="65532:65532")
    assert done.returncode == 0 and json.loads(done.stdout), done.stdout
    # What is loaded when it is first used is there too.
    done = in_root(root, "lake", "ls", "http://127.0.0.1:9/a", cwd="/")
    assert b"cannot be loaded" not in done.stderr
    done = in_root(root, "check", "--identity", cwd="/")
    assert b"libcurl" not in done.stderr, done.stderr
    loaded = in_root(root, "/opt/sluice/lib/ld.so", "--list", "/opt/sluice/lib/sluice", cwd=None).stdout.decode()
    places = [line.split("=> ")[1].split()[0] for line in loaded.splitlines() if "=>" in line]
    assert len(places) > 10 and all(place.startswith("/opt/sluice/lib/") for place in places), loaded
    assert (root / "etc/passwd").read_text().splitlines()[1].startswith("sluice:x:65532:")
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777


def test_only_libraries_that_are_needed_are_in_it(image):
    _, facts, _ = image
    needed = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    names = {line.split()[0] for line in needed.splitlines() if "=>" in line}
    assert names <= set(facts["libraries"])
    later = set()
    for name in ["libcurl.so.4", "libpq.so.5", "libodbc.so.2", "libmicrohttpd.so.12"]:
        found = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
        path = [line.split("=> ")[1] for line in found.splitlines() if line.strip().startswith(name + " ")]
        if path:
            listed = subprocess.run(["ldd", path[0]], capture_output=True, text=True, check=True).stdout
            later |= {name} | {line.split()[0] for line in listed.splitlines() if "=>" in line}
    assert set(facts["libraries"]) == names | later


def test_moves_through_a_registry(sluice, image, registry, tmp_path):
    layout, facts, _ = image
    name = f"{registry.host}/jobs/orders"
    done = sluice("image", "push", f"{name}:1.0", layout, "--tag", "latest,stable", env=CLEAN)
    assert done.text.strip() == f"{name}@{facts['digest']}"
    before = len(registry.requests())
    # A second push sends nothing but the manifest.
    done = json.loads(sluice("image", "push", f"{name}:1.0", layout, "--json", env=CLEAN).text)
    assert done["uploadedBytes"] == 0 and {item["result"] for item in done["blobs"]} == {"present"}
    again = registry.requests()[before:]
    assert {method for method, _, _ in again} == {"HEAD", "PUT"}, again
    assert [path for method, path, _ in again if method == "PUT"] == ["/v2/jobs/orders/manifests/1.0"]
    # skopeo reads it, and copies it into a layout that umoci unpacks.
    seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}:stable").stdout)
    assert seen["Digest"] == facts["digest"] and set(seen["RepoTags"]) == {"1.0", "latest", "stable"}
    skopeo("copy", "--src-tls-verify=false", f"docker://{name}:1.0", f"oci:{tmp_path}/copy:1.0")
    root = unpack(tmp_path / "copy", "1.0", tmp_path / "bundle")
    assert (root / "work/sluice.yaml").exists() and (root / "opt/sluice/lib/ld.so").exists()
    # We read what is there too, by tag and by digest, and get the same bytes.
    told = json.loads(sluice("image", "inspect", f"{name}:latest", "--json", env=CLEAN).text)
    assert told["digest"] == facts["digest"] and told["layers"] == facts["layers"]
    pulled = sluice("image", "pull", f"{name}@{facts['digest']}", "-o", tmp_path / "pulled", env=CLEAN)
    assert pulled.text.strip() == facts["digest"]
    for path in (tmp_path / "pulled/blobs/sha256").iterdir():
        assert path.read_bytes() == (layout / "blobs/sha256" / path.name).read_bytes()
    before = len(registry.requests())
    sluice("image", "pull", f"{name}:1.0", "-o", tmp_path / "pulled", env=CLEAN)
    assert [path for _, path, _ in registry.requests()[before:]] == ["/v2/jobs/orders/manifests/1.0"]


def test_layers_are_mounted_from_another_repository(sluice, image, registry):
    layout, _, _ = image
    sluice("image", "push", f"{registry.host}/mount/one:1", layout, env=CLEAN)
    done = json.loads(sluice(
        "image", "push", f"{registry.host}/mount/two:1", layout, "--mount-from", "mount/one", "--json", env=CLEAN).text)
    assert {item["result"] for item in done["blobs"]} == {"mounted"} and done["uploadedBytes"] == 0
    skopeo("inspect", "--tls-verify=false", f"docker://{registry.host}/mount/two:1")


def test_a_tar_file_is_as_good_as_a_folder(sluice, project, registry, tmp_path):
    digest = sluice("image", "build", "-o", tmp_path / "image.tar", "-t", "1", "--project", project).text.strip()
    sluice("image", "push", f"{registry.host}/archive:1", tmp_path / "image.tar", env=CLEAN)
    seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{registry.host}/archive:1").stdout)
    assert seen["Digest"] == digest
    local = json.loads(skopeo("inspect", f"oci-archive:{tmp_path}/image.tar").stdout)
    assert local["Digest"] == digest


def test_of_several_builds_in_a_folder_the_one_of_that_tag_is_pushed(sluice, attempt, registry, tmp_path):
    layout, digests = tmp_path / "image", {}
    for tag in ["1", "2"]:
        digests[tag] = sluice("image", "build", "-o", layout, "-t", tag, "--label", f"tag={tag}").text.strip()
    for tag in ["1", "2"]:
        done = sluice("image", "push", f"{registry.host}/several:{tag}", layout, env=CLEAN)
        assert done.text.strip().endswith(digests[tag])
    other = sluice("image", "push", f"{registry.host}/several:stable", layout, "--image", "1", env=CLEAN)
    assert other.text.strip().endswith(digests["1"])
    unclear = attempt("image", "push", f"{registry.host}/several:3", layout, env=CLEAN)
    assert unclear.code == 64 and "choose one with --image: 1, 2" in unclear.err


def test_layers_may_be_packed_with_zstd(sluice, project, registry, tmp_path):
    sluice("image", "build", "-o", tmp_path / "z", "-t", "1", "--project", project, "--compression", "zstd")
    digest = sluice("image", "push", f"{registry.host}/zstd:1", tmp_path / "z", env=CLEAN).text.strip().split("@")[1]
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{registry.host}/zstd:1").stdout
    assert "sha256:" + hashlib.sha256(raw.encode()).hexdigest() == digest
    types = {layer["mediaType"] for layer in json.loads(raw)["layers"]}
    assert types == {"application/vnd.oci.image.layer.v1.tar+zstd"}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """An image of somebody else's, made by umoci."""
    folder = tmp_path_factory.mktemp("base")
    layout, bundle = folder / "layout", folder / "bundle"

    def umoci(*arguments):
        subprocess.run(["umoci", *map(str, arguments)], check=True, capture_output=True)

    umoci("init", "--layout", layout)
    umoci("new", "--image", f"{layout}:base")
    umoci("unpack", *([] if os.getuid() == 0 else ["--rootless"]), "--image", f"{layout}:base", bundle)
    (bundle / "rootfs/usr/lib").mkdir(parents=True)
    (bundle / "rootfs/lib").symlink_to("usr/lib")
    (bundle / "rootfs/etc").mkdir()
    (bundle / "rootfs/etc/os-release").write_text("NAME=base\n")
    umoci("repack", "--image", f"{layout}:base", bundle)
    umoci("config", "--image", f"{layout}:base", "--config.env", "PATH=/base/bin", "--config.env", "LANG=C.UTF-8",
          "--config.cmd", "sh", "--config.label", "from=base")
    return layout


def test_builds_on_top_of_an_image_in_a_registry(sluice, base, registry, tmp_path):
    skopeo("copy", "--dest-tls-verify=false", f"oci:{base}:base", f"docker://{registry.host}/base/os:12")
    layout = tmp_path / "layout"
    built = json.loads(sluice(
        "image", "build", "-o", layout, "-t", "1", "--base", f"{registry.host}/base/os:12", "--json", env=CLEAN).text)
    theirs = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{registry.host}/base/os:12").stdout)
    # Their layers are kept as they are, ours are above.
    assert [layer["digest"] for layer in built["layers"]][:len(theirs["layers"])] == [
        layer["digest"] for layer in theirs["layers"]]
    config = json.loads(sluice("image", "inspect", layout, "--json").text)["config"]["config"]
    assert "PATH=/opt/sluice/bin:/base/bin" in config["Env"] and "LANG=C.UTF-8" in config["Env"]
    assert "Cmd" not in config and config["Labels"] == {"from": "base"}
    # Pushed beside its base, the base's layers are taken over and not sent.
    done = json.loads(sluice("image", "push", f"{registry.host}/base/app:1", layout, "--json", env=CLEAN).text)
    ways = {item["digest"]: item["result"] for item in done["blobs"]}
    assert all(ways[layer["digest"]] == "mounted" for layer in theirs["layers"]), ways
    root = unpack(layout, "1", tmp_path / "bundle")
    assert (root / "lib").is_symlink() and (root / "etc/os-release").read_text() == "NAME=base\n"
    if can_enter():
        done = in_root(root, "/opt/sluice/bin/sluice", "--version", cwd=None)
        assert done.returncode == 0, done.stderr
    # From the layout itself it is the same image, but for what its base is called.
    local = json.loads(sluice("image", "build", "-o", tmp_path / "local", "--base", base, "--json").text)
    assert local["layers"] == built["layers"]


def test_a_program_layer_is_sent_once(sluice, image, project, registry, tmp_path):
    layout, _, _ = image
    sluice("image", "push", f"{registry.host}/once:1", layout, env=CLEAN)
    (tmp_path / "a.txt").write_text("hello")
    sluice("image", "build", "-o", tmp_path / "other", "--file", f"{tmp_path}/a.txt=/etc/a.txt")
    done = json.loads(sluice("image", "push", f"{registry.host}/once:2", tmp_path / "other", "--json", env=CLEAN).text)
    assert done["uploadedBytes"] < 10_000, done


def test_a_push_that_was_killed_can_be_repeated(sluice, image, tmp_path):
    layout, facts, _ = image
    with Registry() as registry:
        name = f"{registry.host}/killed:1"
        pushing = subprocess.Popen([BINARY, "image", "push", name, layout], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env={**os.environ, **CLEAN})
        end = time.monotonic() + 60
        while time.monotonic() < end and not any(
                method in ("PATCH", "PUT") and "/blobs/uploads/" in path for method, path, _ in registry.requests()):
            time.sleep(0.005)
        pushing.send_signal(signal.SIGKILL)
        pushing.wait()
        # Nobody sees half an image.
        assert "manifest unknown" in skopeo("inspect", "--tls-verify=false", f"docker://{name}", check=False).stderr.lower()
        done = sluice("image", "push", name, layout, "--json", env=CLEAN)
        assert json.loads(done.text)["digest"] == facts["digest"]
        assert json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}").stdout)["Digest"] == facts["digest"]


def test_a_password_is_asked_for_and_never_shown(sluice, attempt, image, tmp_path):
    layout, facts, _ = image
    with Registry(user="shop", password="s3cret-s3cret") as registry:
        name = f"{registry.host}/private:1"
        refused = attempt("image", "push", name, layout, env=CLEAN)
        assert refused.code != 0 and "does not let in nobody" in refused.err and "--username" in refused.err
        wrong = attempt("image", "push", name, layout, "--username", "shop",
                        env={**CLEAN, "SLUICE_REGISTRY_PASSWORD": "wrong-wrong"})
        assert wrong.code != 0 and 'does not let in "shop"' in wrong.err and "wrong-wrong" not in wrong.err
        missing = attempt("image", "push", name, layout, "--username", "shop", env={**CLEAN, "SLUICE_REGISTRY_PASSWORD": ""})
        assert missing.code == 64 and "SLUICE_REGISTRY_PASSWORD" in missing.err
        right = {**CLEAN, "SLUICE_REGISTRY_PASSWORD": "s3cret-s3cret"}
        done = sluice("image", "push", name, layout, "--username", "shop", "--verbose", env=right)
        assert "s3cret" not in done.err and facts["digest"] in done.text
        # What another program has signed in with is good too.
        saved = tmp_path / "config.json"
        subprocess.run(["skopeo", "login", "--tls-verify=false", "--authfile", saved, "-u", "shop", "-p", "s3cret-s3cret",
                        registry.host], check=True, capture_output=True)
        told = sluice("image", "inspect", name, "--json", env={**CLEAN, "REGISTRY_AUTH_FILE": str(saved)})
        assert json.loads(told.text)["digest"] == facts["digest"]


@pytest.mark.parametrize("name, says", [
    ("orders:1", "names no registry"),
    ("Shop.example/Orders:1", "lower case"),
    ("shop/orders:1", "docker.io/shop/orders:1"),
    ("shop.example/orders:-x", "is no tag"),
    ("shop.example/orders@sha256:12", "no digest"),
    ("me:pw@shop.example/orders", "--username"),
    ("shop.example:99999/orders", "is no host"),
    ("shop.example//orders", "repository"),
])
def test_names_that_break_the_rules_are_refused(attempt, image, name, says):
    done = attempt("image", "push", name, image[0], env=CLEAN)
    assert done.code == 64 and says in done.err, done.err


def test_what_is_not_there_is_said(attempt, sluice, image, registry, tmp_path):
    done = attempt("image", "inspect", f"{registry.host}/nothing:1", env=CLEAN)
    assert done.code != 0 and "has no such repository, tag or digest" in done.err
    done = attempt("image", "push", f"{registry.host}/x:1", tmp_path / "none", env=CLEAN)
    assert done.code != 0 and "there is no image here" in done.err
    done = attempt("image", "push", "http://192.0.2.1/x:1", image[0], env=CLEAN)
    assert done.code == 64 and "--plain-http" in done.err
    done = attempt("image", "push", "127.0.0.1:9/x:1", image[0], env={**CLEAN, "SLUICE_HTTP_RETRY_WAIT": "1ms"})
    assert done.code != 0 and "refused the connection" in done.err
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a").write_text("x")
    done = attempt("image", "build", "-o", tmp_path / "full")
    assert done.code != 0 and "holds other things than an image" in done.err
    done = attempt("image", "build", "-o", tmp_path / "i", "--env", "DB_PASSWORD=x")
    assert done.code == 64 and "sounds like a secret" in done.err
    done = attempt("image", "build", "-o", tmp_path / "i", "--platform", "linux/s390x")
    assert done.code != 0 and "linux/s390x" in done.err
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/passwd").symlink_to("/etc/passwd")
    done = attempt("image", "build", "-o", tmp_path / "i", "--project", tmp_path / "linked")
    assert done.code != 0 and "symbolic link" in done.err


@pytest.mark.parametrize("name", ["./none", "../none", "{folder}/none", "none.tar", "made/none", "none", "./none:1"])
def test_a_path_at_which_nothing_is_is_no_name_in_a_registry(attempt, tmp_path, name):
    (tmp_path / "made").mkdir()
    done = attempt("image", "inspect", name.format(folder=tmp_path), env=CLEAN, cwd=tmp_path)
    assert done.code == 1 and "there is no such folder or file" in done.err and "Docker" not in done.err, done.err


def test_a_name_without_a_registry_is_told_of_docker_hub(attempt, tmp_path):
    done = attempt("image", "inspect", "library/none:1", env=CLEAN, cwd=tmp_path)
    assert done.code == 64 and "docker.io/library/none:1" in done.err, done.err


def test_a_damaged_layer_is_not_taken(attempt, image, registry, tmp_path):
    layout = tmp_path / "layout"
    shutil.copytree(image[0], layout)
    facts = image[1]
    small = min(facts["layers"], key=lambda layer: layer["size"])
    path = layout / "blobs/sha256" / small["digest"].removeprefix("sha256:")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    done = attempt("image", "push", f"{registry.host}/damaged:1", layout, env=CLEAN)
    assert done.code != 0 and "hashes to something else" in done.err, done.err
    path.write_bytes(b"short")
    done = attempt("image", "push", f"{registry.host}/damaged:1", layout, env=CLEAN)
    assert done.code != 0 and "its manifest says" in done.err


@pytest.mark.parametrize("broken", [
    b"", b"{", b"[]", b'{"manifests":[{}]}', b'{"manifests":[{"mediaType":"x","digest":"sha256:../../etc/passwd","size":1}]}',
    b'{"manifests":[{"mediaType":"x","digest":"sha256:' + b"0" * 64 + b'","size":-1}]}', b'{"manifests":' + b"[" * 10_000])
def test_hostile_layouts_are_refused(attempt, tmp_path, broken):
    (tmp_path / "index.json").write_bytes(broken)
    done = attempt("image", "inspect", tmp_path)
    assert done.code != 0 and done.err
