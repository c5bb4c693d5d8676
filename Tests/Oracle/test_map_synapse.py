"""The environment of synapse-map-tables.py as a job of its own, and names made on a T-SQL server."""

import json
import os
import re
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulator import azure  # noqa: F401 (a fixture)
from lakes import Lake

SERVER = os.environ.get("SLUICE_TEST_MSSQL")
needs_server = pytest.mark.skipif(
    not SERVER, reason="skipped: SLUICE_TEST_MSSQL is not set to an ODBC connection string of a T-SQL server")
SECRETS = {"SYNAPSE_PASSWORD": "login-secret-1!", "MASTER_KEY_PASSWORD": "master-secret-2!"}


@pytest.fixture
def fleet(azure, tmp_path):
    """The lake of the old script in the emulator, and the environment that it was started with."""
    from azure.storage.blob import BlobServiceClient

    service = BlobServiceClient(f"{azure.http}/maplake", credential=azure.key("maplake"))
    lake = Lake(tmp_path / "local")
    lake.write("x", "2F6913DB/CAN1/2024/05/01/a.parquet", pa.table({"t": [1, 2], "Speed": [0.5, 1.5]}))
    lake.write("x", "2F6913DB/CAN2/2024/05/01/a.parquet", pa.table({"t": [1], "name": ["ä"]}))
    lake.write("x", "11111111/CAN1/2024/05/01/a.parquet", pa.table({"t": [1]}))
    lake.write("x", "lower123/CAN1/2024/05/01/a.parquet", pa.table({"t": [1]}))
    lake.damage("11111111/CAN9/2024/05/01/bad.parquet")
    mark = uuid.uuid4().hex[:12]
    containers = {"CONTAINER_OUTPUT": f"out-{mark}", "CONTAINER_INPUT": f"in-{mark}"}
    for name in containers.values():
        service.create_container(name)
    for path in lake.folder.rglob("*.parquet"):
        service.get_blob_client(containers["CONTAINER_OUTPUT"], str(path.relative_to(lake.folder))).upload_blob(path.read_bytes())
    service.get_blob_client(containers["CONTAINER_INPUT"], "2F6913DB/device.json").upload_blob(b'{"log_meta": "truck"}')
    folder = tmp_path / "run"
    folder.mkdir()
    env = {
        "SLUICE_AZURE_EMULATOR": azure.http, "SLUICE_HTTP_RETRY_WAIT": "5ms", "STORAGE_ACCOUNT": "maplake",
        "STORAGE_CONNECTION_STRING":
            f"DefaultEndpointsProtocol=https;AccountName=maplake;AccountKey={azure.key('maplake')};EndpointSuffix=core.windows.net",
        "SYNAPSE_SERVER": "synapse-x.sql.azuresynapse.net", **SECRETS, **containers}
    return folder, env, service


def hides_secrets(done, env, *more):
    text = done.text + done.err + "".join(more)
    for name in ("SYNAPSE_PASSWORD", "MASTER_KEY_PASSWORD"):
        assert env[name] not in text
    assert re.search("AccountKey=([^;]*)", env["STORAGE_CONNECTION_STRING"])[1] not in text


def test_the_environment_of_the_script_is_a_job(attempt, fleet):
    folder, env, service = fleet
    done = attempt("map", "--out", "names.sql", "--json", cwd=folder, env=env)
    assert done.code == 3, done.err
    answer = json.loads(done.text)
    assert answer["lake"] == f"abfss://{env['CONTAINER_OUTPUT']}@maplake.dfs.core.windows.net"
    assert sorted(table["name"] for table in answer["tables"]) == [
        "tbl_11111111_CAN1", "tbl_11111111_messages", "tbl_2F6913DB_CAN1", "tbl_2F6913DB_CAN2", "tbl_2F6913DB_messages",
        "tbl_aggregations_devicemeta"]
    script = (folder / "names.sql").read_text()
    assert "CREATE EXTERNAL TABLE [dbo].[tbl_2F6913DB_CAN1]" in script
    assert "LOCATION = N'/2F6913DB/CAN1/*/*/*/*.parquet'" in script
    assert "CREATE DATABASE [parquetdatalake]" in script and "[ParquetDataLake]" in script
    # What could not be read is listed where the script listed it.
    container = service.get_container_client(env["CONTAINER_OUTPUT"])
    report = container.download_blob("synapse-mapping-errors.txt").readall().decode()
    assert "11111111/CAN9/2024/05/01/bad.parquet" in report
    lookups = {lookup["name"]: lookup["file"] for lookup in answer["lookups"]}
    rows = pq.read_table(pa.BufferReader(container.download_blob(lookups["tbl_aggregations_devicemeta"]).readall()))
    assert rows.to_pylist() == [
        {"MetaName": "11111111", "DeviceId": "11111111"}, {"MetaName": "truck (2F6913DB)", "DeviceId": "2F6913DB"}]
    hides_secrets(done, env, script, report)
    # Again: nothing is written anew, and the job's own files are no messages.
    again = json.loads(attempt("map", "--out", "names.sql", "--json", cwd=folder, env=env).text)
    assert again["pending"] == 0 and {lookup["state"] for lookup in again["lookups"]} == {"unchanged"}
    assert sorted(table["name"] for table in again["tables"]) == sorted(table["name"] for table in answer["tables"])


def test_options_win_over_the_environment(attempt, fleet):
    folder, env, _ = fleet
    attempt("map", "--out", "names.sql", "--database", "X", cwd=folder, env={**env, "SYNAPSE_DATABASE": "Y"})
    script = (folder / "names.sql").read_text()
    assert "CREATE DATABASE [X]" in script and "[Y]" not in script


REQUIRED = [
    "STORAGE_ACCOUNT", "CONTAINER_OUTPUT", "STORAGE_CONNECTION_STRING", "SYNAPSE_SERVER", "SYNAPSE_PASSWORD", "MASTER_KEY_PASSWORD"]


@pytest.mark.parametrize("name", REQUIRED)
def test_what_the_environment_lacks_is_named(attempt, fleet, name):
    folder, env, _ = fleet
    done = attempt("map", cwd=folder, env={**env, name: ""})
    assert done.code == 4
    assert f"Missing required environment variable: '{name}'" in done.err
    hides_secrets(done, env)


def test_a_server_that_is_not_there_is_an_error(attempt, fleet):
    folder, env, service = fleet
    done = attempt("map", "--json", cwd=folder, env={**env, "SYNAPSE_SERVER": "127.0.0.1,1"})
    assert done.code not in (0, 3), done.err
    hides_secrets(done, env)


def test_a_lake_that_may_not_be_read_is_an_error(attempt, fleet):
    folder, env, _ = fleet
    done = attempt(
        "map", "--out", "names.sql", cwd=folder, env={**env, "STORAGE_CONNECTION_STRING":
            "DefaultEndpointsProtocol=https;AccountName=maplake;AccountKey=d3Jvbmcga2V5IG9mIHNvbWVib2R5IGVsc2U=;EndpointSuffix=core.windows.net"})
    assert done.code in (1, 5), done.err
    assert not (folder / "names.sql").exists()


PROJECT = """
project: fleet
connections:
  server: { protocol: odbc, connection_string: "${env.SLUICE_TEST_MSSQL}" }
jobs:
  names: { kind: map, lake: ./lake, dialect: fabric, schema: SCHEMA, location: "https://a.dfs.core.windows.net/lake", connection: server }
"""


@pytest.mark.parametrize("old, new, message", [
    ("connection: server", "connection: server, out: names.sql", "cannot be meant beside connection"),
    ("dialect: fabric", "dialect: duckdb", "is for synapse and fabric"),
    ("connection: server", "errors: x", '"jobs.names.out" is missing'),
    ("connection: server", "connection: sever", "which is not declared"),
])
def test_connections_that_make_no_sense_are_told(attempt, tmp_path, old, new, message):
    (tmp_path / "sluice.yaml").write_text(PROJECT.replace(old, new))
    done = attempt("validate", cwd=tmp_path, env={"SLUICE_TEST_MSSQL": "Driver=x"})
    assert done.code == 4 and message in done.err + done.text, done.err + done.text


def test_a_job_for_synapse_without_a_server_says_so(attempt, tmp_path):
    (tmp_path / "sluice.yaml").write_text(
        "project: p\njobs: { names: { kind: map, lake: ./lake, dialect: synapse } }\n")
    Lake(tmp_path / "lake").write("t", "t/a.parquet", pa.table({"a": [1]}))
    done = attempt("run", "names", cwd=tmp_path)
    assert done.code == 4 and "SYNAPSE_SERVER" in done.err, done.err


@needs_server
def test_a_server_that_refuses_everything_is_a_failure(attempt, tmp_path):
    """The server at hand knows no OPENROWSET(BULK …): every object fails, each is told, and the exit code is no success."""
    schema = f"map {uuid.uuid4().hex[:8]}"
    (tmp_path / "sluice.yaml").write_text(PROJECT.replace("SCHEMA", schema))
    lake = Lake(tmp_path / "lake")
    for name in ["a", "b", "o'brien"]:
        lake.write(name, f"{name}/1.parquet", pa.table({"a": [1]}))
    planned = attempt("map", "names", "--plan", "--json", cwd=tmp_path)
    assert planned.code == 0, planned.err
    assert {change["action"] for change in json.loads(planned.text)["changes"]} == {"create"}
    done = attempt("run", "names", cwd=tmp_path)
    import pyodbc
    with pyodbc.connect(SERVER, autocommit=True) as connection:
        made = connection.execute("SELECT COUNT(*) FROM sys.schemas WHERE name = ?", schema).fetchval()
        views = connection.execute(
            "SELECT COUNT(*) FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE s.name = ?", schema).fetchval()
        if made:
            connection.execute(f"DROP SCHEMA [{schema}]")
    assert done.code == 1, done.err
    assert "all 3 changes were refused" in done.err and f"CREATE VIEW [{schema}].[a]" in done.err
    assert (made, views) == (1, 0)
    assert "PWD" not in done.err


@needs_server
def test_a_database_that_cannot_be_made_is_a_failure(attempt, fleet):
    """As the script was started, on a server that is none of Synapse's: what fails is told, and no secret is."""
    folder, env, _ = fleet
    parts = dict(part.split("=", 1) for part in SERVER.split(";") if "=" in part)
    host, _, port = parts["Server"].partition(",")
    (folder / "odbcinst.ini").write_text(f"[FreeTDS]\nDriver={find_freetds()}\n")
    done = attempt("map", cwd=folder, env={
        **env, "SYNAPSE_SERVER": f"{host},{parts.get('Port', port)}", "SYNAPSE_USER": parts["UID"], "SYNAPSE_PASSWORD": parts["PWD"],
        "ODBCSYSINI": str(folder)})
    assert done.code in (1, 4), done.err
    assert "parquetdatalake cannot be made" in done.err, done.err
    hides_secrets(done, {**env, "SYNAPSE_PASSWORD": parts["PWD"]})


def find_freetds():
    from pathlib import Path

    found = list(Path("/usr/lib").rglob("libtdsodbc.so"))
    if not found:
        pytest.skip("FreeTDS is not installed")
    return found[0]
