"""Commands without a job of their own, in the folder of a project: they use stores as its jobs do. And what they write to
stores: reports with their ledger, and made-up sales."""

import json

import pytest
from conftest import run
from emulator import azure  # noqa: F401 (a fixture)
from containers import KINDS, Place, files

CSV = b"id,name\n1,apple\n2,pear\n"
# None of Azure's settings comes from outside of the project.
NOTHING = [
    "SLUICE_AZURE_EMULATOR", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_CONNECTION_STRING", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "SLUICE_ENVIRONMENT"]


@pytest.fixture(autouse=True)
def nothing(monkeypatch):
    for name in NOTHING:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=KINDS)
def place(azure, request):
    place = Place(azure, request.param)
    place.put("in/a.csv", CSV)
    return place


@pytest.fixture
def project(place, tmp_path):
    """A project whose file says where Azure is, and whose `.env` has the key."""
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "sluice.yaml").write_text(f"""project: test
azure:
  emulator: {place.azure.http}
environments:
  far:
    azure:
      emulator: http://127.0.0.1:1
""")
    (tmp_path / ".env").write_text(f"AZURE_STORAGE_ACCOUNT={place.account}\nAZURE_STORAGE_KEY={place.key}\n")
    return tmp_path


def attempt(*arguments, folder, env=None):
    return run(*arguments, cwd=folder, env={"SLUICE_HTTP_RETRY_WAIT": "5ms", **(env or {})})


def succeed(*arguments, **options):
    done = attempt(*arguments, **options)
    assert done.code == 0, f"{arguments}: exit code {done.code}\n{done.err}"
    return done


def test_every_command_sees_stores_as_the_project_does(place, project):
    for folder in (project, project / "deep/er"):
        assert succeed("lake", "ls", f"{place.url}/in", folder=folder).text == "a.csv\n"
        assert succeed("lake", "cat", f"{place.url}/in/a.csv", folder=folder).out == CSV
        assert "8" not in succeed("lake", "stat", f"{place.url}/in/a.csv", "-q", folder=folder).err
        succeed("lake", "cp", f"{place.url}/in/a.csv", "here.csv", folder=folder)
        succeed("lake", "cp", "here.csv", f"{place.url}/up.csv", folder=folder)
        succeed("lake", "rm", f"{place.url}/up.csv", folder=folder)
        assert json.loads(succeed("inspect", f"{place.url}/in/a.csv", "--json", folder=folder).text)["files"][0]["rows"] == 2
        succeed("convert", f"{place.url}/in/a.csv", f"{place.url}/out/a.ndjson", "--overwrite", folder=folder)
        assert place.get("out/a.ndjson").splitlines()[0] == b'{"id":1,"name":"apple"}'
    assert succeed("-C", project, "lake", "ls", place.url, folder="/").text == "in/\nout/\n"
    # It was the key that was used, and nobody signed in.
    asked = [json.loads(line) for line in place.azure.trace.read_text().splitlines()]
    assert not [entry for entry in asked if entry["service"] in ("imds", "login", "msi")]


def test_the_environment_wins_over_the_project(place, project):
    wrong = attempt("lake", "ls", place.url, folder=project, env={"AZURE_STORAGE_KEY": place.azure.key("somebody")})
    assert wrong.code == 5 and "account key is wrong" in wrong.err
    far = attempt("lake", "ls", place.url, folder=project, env={"SLUICE_ENVIRONMENT": "far"})
    assert far.code == 75 and "127.0.0.1:1" in far.err, far.err
    none = attempt("lake", "ls", place.url, folder=project, env={"SLUICE_ENVIRONMENT": "fra"})
    assert none.code == 4 and "fra" in none.err, none.err


def test_a_project_that_is_not_valid_says_so_before_anything_is_asked(place, project):
    file = project / "sluice.yaml"
    file.write_text(file.read_text() + "jobs: { x: { kind: nothing } }\n")
    before = len(place.azure.trace.read_text())
    for words in (["lake", "ls", place.url], ["inspect", f"{place.url}/in/a.csv"], ["convert", f"{place.url}/in/a.csv", "x.csv"]):
        done = attempt(*words, folder=project)
        assert done.code == 4 and "sluice.yaml" in done.err and "sluice validate" in done.err, done.err
    assert len(place.azure.trace.read_text()) == before
    # What needs no store needs no project.
    (project / "a.csv").write_bytes(CSV)
    assert "a.csv" in succeed("lake", "ls", ".", folder=project).text
    succeed("lake", "cp", "a.csv", "b.csv", folder=project)
    succeed("inspect", "a.csv", folder=project)


def test_reports_in_a_store_have_a_ledger_here(place, project):
    succeed("generate", "sales", "-n", "20", "--files", "3", "-o", f"{place.url}/sales", folder=project)

    def report(*more, folder=project):
        return json.loads(succeed(
            "report", f"{place.url}/sales", "-o", f"{place.url}/reports", "--json", *more, folder=folder).text)

    first = report()
    assert (first["written"], first["known"]) == (3, 0)
    names = [name for name in place.names() if "/logs/" not in name]
    again = report(folder=project / "deep")
    assert (again["written"], again["known"]) == (0, 3)
    assert report("--again")["written"] == 3
    assert [name for name in place.names() if "/logs/" not in name] == names
    assert (project / ".sluice/reports/ledger.db").exists() and not (project / "deep/.sluice").exists()
    # Another output knows nothing of it.
    other = json.loads(succeed("report", f"{place.url}/sales", "-o", f"{place.url}/other", "--json", folder=project).text)
    assert other["written"] == 3


def test_sales_are_made_in_a_store_as_in_a_folder(place, project):
    line = ["generate", "sales", "-n", "50", "--files", "3", "--seed", "7", "-z", "zstd"]
    succeed(*line, "-o", "here", folder=project)
    made = json.loads(succeed(*line, "-o", f"{place.url}/made", "--json", folder=project).text)
    assert [file["path"] for file in made["files"]] == [f"{place.url}/made/{name}" for name in sorted(files(project / "here"))]
    assert {name.removeprefix("made/"): place.get(name) for name in place.names() if name.startswith("made/")} == files(project / "here")
    again = json.loads(succeed(*line, "-o", f"{place.url}/made", "--json", folder=project).text)
    assert all(file["wasThere"] for file in again["files"])
    changed = attempt(*line[:-2], "-z", "gzip", "-o", f"{place.url}/made", folder=project)
    assert changed.code == 0
    name = sorted(files(project / "here"))[1]
    place.put(f"made/{name}", b"other")
    refused = attempt(*line, "-o", f"{place.url}/made", folder=project)
    assert refused.code == 4 and f"{place.url}/made/{name}" in refused.err and "--overwrite" in refused.err
    succeed(*line, "--overwrite", "-o", f"{place.url}/made", folder=project)
    assert place.get(f"made/{name}") == files(project / "here")[name]
    missing = attempt(*line, "-o", f"{place.url.replace(place.name, place.name + '-none')}/made", folder=project)
    assert missing.code == 1 and "there is no container" in missing.err
