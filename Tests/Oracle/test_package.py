"""`sluice package`: a project is packed, published and gone back to, in a folder and in Azure's storage."""

import json
import shutil
import subprocess
import tarfile

import pytest
from conftest import BINARY
from emulator import azure  # noqa: F401


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    done = subprocess.run([BINARY, "init", folder], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / ".env").write_text("DB_PASSWORD=hunter2-hunter2\n")
    return folder


def test_a_package_holds_the_project_and_no_secret(sluice, shop, tmp_path):
    done = sluice("package", "build", "shop", "-o", "shop.tar.zst", cwd=tmp_path)
    assert "left out: .env (holds secrets)" in done.err and "left out: .sluice/" in done.err
    subprocess.run(["zstd", "-dqf", tmp_path / "shop.tar.zst", "-o", tmp_path / "shop.tar"], check=True) \
        if shutil.which("zstd") else pytest.skip("skipped: zstd is not installed")
    with tarfile.open(tmp_path / "shop.tar") as archive:
        members = {item.name: item for item in archive.getmembers()}
        manifest = json.load(archive.extractfile("package.json"))
        assert b"hunter2" not in b"".join(archive.extractfile(item).read() for item in members.values())
    assert all(item.isfile() and item.mtime == 0 and item.uid == 0 for item in members.values())
    assert set(members) == {"package.json", *("files/" + item["path"] for item in manifest["files"])}
    assert manifest["format"] == "sluice-package/1" and "sluice.yaml" in [item["path"] for item in manifest["files"]]
    # What was made in the project's own folder does not change what is made of it.
    inside = sluice("package", "build", cwd=shop).text
    assert inside == done.text == sluice("package", "build", cwd=shop).text
    assert not [path.name for path in shop.iterdir() if path.name.endswith(".partial")]
    unpacked = sluice("package", "unpack", "shop.tar.zst", "out", cwd=tmp_path)
    assert unpacked.text == done.text
    assert (tmp_path / "out/sluice.yaml").read_text() == (shop / "sluice.yaml").read_text()
    sluice("run", "orders", "customers", cwd=tmp_path / "out")


def test_an_invalid_project_is_not_packed(attempt, shop):
    (shop / "sluice.yaml").write_text("project: shop\njobs: {x: {kind: nonsense}}\n")
    done = attempt("package", "build", cwd=shop)
    assert done.code == 4 and "nonsense" in done.err
    assert not [path.name for path in shop.iterdir() if "tar" in path.name]


@pytest.mark.parametrize("where", ["folder", "azure"])
def test_packages_are_published_and_gone_back_to(sluice, attempt, shop, tmp_path, azure, where):  # noqa: F811
    env = {"SLUICE_AZURE_EMULATOR": azure.http} if where == "azure" else {}
    store = str(tmp_path / "store") if where == "folder" else "az://shopdeploy/packages/jobs"
    if where == "azure":
        sluice("lake", "cp", "--yes", shop / "sluice.yaml", "az://shopdeploy/packages/other.yaml", env=env)
    none = attempt("package", "list", store, cwd=tmp_path, env=env)
    assert none.code != 0 and "holds no packages" in none.err
    first = sluice("package", "publish", store, "shop", cwd=tmp_path, env=env)
    again = json.loads(sluice("package", "publish", store, "shop", "--json", cwd=tmp_path, env=env).text)
    assert again["hash"] == first.text.strip() and not again["sent"] and not again["becameCurrent"]
    (shop / "data" / "more.csv").write_text("id\n1\n")
    second = sluice("package", "publish", store, "shop", cwd=tmp_path, env=env)
    assert second.text != first.text
    listed = json.loads(sluice("package", "list", store, "--json", cwd=tmp_path, env=env).text)
    assert listed["name"] == "shop" and listed["current"] == second.text.strip()
    assert [item["hash"] for item in listed["releases"]] == [second.text.strip(), first.text.strip()]
    sluice("package", "unpack", store, "new", cwd=tmp_path, env=env)
    assert (tmp_path / "new/data/more.csv").exists()
    back = sluice("package", "rollback", store, cwd=tmp_path, env=env)
    assert back.text == first.text
    sluice("package", "unpack", store, "old", cwd=tmp_path, env=env)
    assert not (tmp_path / "old/data/more.csv").exists()
    refused = attempt("package", "rollback", store, cwd=tmp_path, env=env)
    assert refused.code != 0 and "nothing to go back to" in refused.err
    assert "(went back)" in sluice("package", "list", store, cwd=tmp_path, env=env).text


def test_a_damaged_package_is_refused(sluice, attempt, shop, tmp_path):
    sluice("package", "publish", "store", "shop", cwd=tmp_path)
    archive = next((tmp_path / "store/shop").glob("*.tar.zst"))
    archive.write_bytes(archive.read_bytes()[:-20])
    done = attempt("package", "unpack", "store", "out", cwd=tmp_path)
    assert done.code != 0 and not (tmp_path / "out").exists()
    done = attempt("package", "unpack", archive, "out", cwd=tmp_path)
    assert done.code != 0 and not (tmp_path / "out").exists()
    # A file that is there is not written over.
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a").write_text("x")
    done = attempt("package", "unpack", "store", "full", cwd=tmp_path)
    assert done.code != 0 and "not empty" in done.err and (tmp_path / "full/a").read_text() == "x"
