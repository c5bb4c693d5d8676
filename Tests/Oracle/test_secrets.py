"""Marked secrets – an account's key, signatures, a client secret, secrets of a vault, passwords – through everything that uses
them, failing and succeeding; and then looked for wherever the program may have left them, in every form that they may take."""

import base64
import datetime
import json
import os
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import pytest
from azure.keyvault.secrets import SecretClient
from azure.storage.blob import (
    BlobServiceClient, ContainerSasPermissions, generate_account_sas, generate_container_sas, AccountSasPermissions,
    ResourceTypes)
from conftest import BINARY
from emulator import azure_with  # noqa: F401 (a fixture)
from containers import RIGHTS
from servers import Postgres

MARK = "Marked/Secret+of="
CSV = b"id,name\n1,apple\n2,pear\n3,plum\n"
SALES = json.dumps({"batch_id": "b", "transactions": [{
    "transaction_id": "TXN-000001", "timestamp": "2026-01-05T10:00:00Z", "customer_id": "CUST-1", "product_id": "P-1",
    "category": "Books", "quantity": 1, "unit_price": 2.5, "subtotal": 2.5, "tax": 0.0, "total": 2.5, "status": "completed"}]})


def forms(value):
    """{form: text} of everything that would give `value` away."""
    found = {"plain": value, "JSON": json.dumps(value)[1:-1], "escaped JSON": json.dumps(value)[1:-1].replace("/", "\\/")}
    for safe in ("", "/", "/+="):
        found[f"percent-encoded except {safe or 'nothing'}"] = urllib.parse.quote(value, safe=safe)
    found["percent-encoded in small letters"] = urllib.parse.quote(value, safe="").replace("%2F", "%2f").replace(
        "%2B", "%2b").replace("%3D", "%3d")
    found["percent-encoded twice"] = urllib.parse.quote(urllib.parse.quote(value, safe=""), safe="")
    data = value.encode()
    # In Base64 it may begin at any of three places; what depends on its neighbours is left away.
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        inner = whole[(0, 2, 3)[shift]:]
        inner = inner[:len(inner) - 1]
        if len(inner) >= 10:
            found[f"Base64 from byte {shift}"] = inner
            found[f"Base64 for URLs from byte {shift}"] = inner.replace("+", "-").replace("/", "_")
    found["hexadecimal"] = data.hex()
    return found


class Rig:
    """An emulator, a database that wants a password, a project that uses both, and everything that the program left."""

    def __init__(self, azure, server, folder):
        self.azure, self.server, self.root = azure, server, folder
        self.project, self.outside = folder / "project", folder / "outside"
        for path in (self.project, self.outside):
            path.mkdir()
        self.count = 0
        self.secrets = {
            "account key": azure.key("flatlake"),
            "client secret": f"{MARK}client",
            "vault password": f"{MARK}vault@:?#",
            "environment password": f"{MARK}environment é",
            "wrong password": f"{MARK}wrong",
            "password in a URL": f"{MARK}url",
        }
        for account, containers in {"flatlake": ["box", "out"], "devlake": ["lake"], "signedlake": ["box"]}.items():
            service = BlobServiceClient(f"{azure.http}/{account}", credential=azure.key(account))
            for container in containers:
                client = service.create_container(container)
                if container == "box":
                    client.upload_blob("in/a.csv", CSV)
                    client.upload_blob("sales/a.json", SALES)
        self.sas = self.signature()
        expired = self.signature(-1)
        account = generate_account_sas(
            "signedlake", azure.key("signedlake"), ResourceTypes(container=True, object=True),
            AccountSasPermissions(read=True, list=True, write=True), expiry=self.moment(1))
        for name, text in {"signature": self.sas, "expired signature": expired, "account's signature": account}.items():
            value = urllib.parse.parse_qs(text)["sig"][0]
            self.secrets[name] = value
        self.expired, self.account_sas = expired, account
        self.secrets["signature of a connection"] = urllib.parse.parse_qs(self.signature(2))["sig"][0]
        vault = SecretClient(azure.https, azure.credential(), verify_challenge_resource=False, connection_verify=azure.ca)
        vault.set_secret("db-password", self.secrets["vault password"])
        vault.set_secret("wrong-password", self.secrets["wrong password"])
        with open(server.data / "pg_hba.conf", "r+", encoding="utf-8") as file:
            text = file.read()
            file.seek(0)
            file.write("host all vaulted,environed 127.0.0.1/32 scram-sha-256\n" + text)
        for user, secret in [("vaulted", "vault password"), ("environed", "environment password")]:
            server.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{self.secrets[secret]}'")
            server.execute(f"GRANT pg_read_all_data TO {user}")
        server.execute("CREATE TABLE fruit AS SELECT 1 AS id, 'apple' AS name; SELECT pg_reload_conf()")
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "SLUICE_"))},
            **dict.fromkeys(RIGHTS, ""), "SLUICE_AZURE_EMULATOR": azure.http, "SLUICE_HTTP_RETRY_WAIT": "5ms",
            "SLUICE_HTTP_TRACE": str(self.outside / "trace.jsonl"), "AZURE_TENANT_ID": azure.tenant,
            "AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555", "AZURE_CLIENT_SECRET": self.secrets["client secret"],
            "AZURE_STORAGE_ACCOUNT": "flatlake", "AZURE_STORAGE_KEY": self.secrets["account key"],
            "ENV_PASSWORD": self.secrets["environment password"], "SIGNED": self.signature(2),
        }
        (self.project / "sluice.yaml").write_text(f"""project: marks
lake: abfss://lake@devlake.dfs.core.windows.net/raw
azure:
  vault: devvault
connections:
  files: az://flatlake/box/in
  signed:
    protocol: file
    path: https://signedlake.blob.core.windows.net/box/in?${{env.SIGNED}}
  vaulted: &db
    protocol: postgres
    host: 127.0.0.1
    port: {server.port}
    database: postgres
    sslmode: disable
    username: vaulted
    password: ${{secret.db-password}}
  environed: {{ protocol: postgres, host: 127.0.0.1, port: {server.port}, database: postgres, sslmode: disable,
                username: environed, password: "${{secret.env-password}}" }}
  wrong: {{ protocol: postgres, host: 127.0.0.1, port: {server.port}, database: postgres, sslmode: disable,
            username: vaulted, password: "${{secret.wrong-password}}" }}
  missing: {{ protocol: postgres, host: 127.0.0.1, database: x, username: x, password: "${{secret.not-there}}" }}
jobs:
  files: {{ kind: ingest, from: files, files: '*.csv', into: files }}
  signed: {{ kind: ingest, from: signed, files: '*.csv', into: signed }}
  vaulted: {{ kind: ingest, from: vaulted, table: fruit, into: vaulted }}
  environed: {{ kind: ingest, from: environed, table: fruit, into: environed }}
  wrong: {{ kind: ingest, from: wrong, table: fruit, into: wrong, retries: 0 }}
  missing: {{ kind: ingest, from: missing, table: fruit, into: missing, retries: 0 }}
  nowhere: {{ kind: ingest, from: vaulted, table: nowhere, into: nowhere, retries: 0 }}
  sales: {{ kind: report, input: 'az://flatlake/box/sales', output: 'az://flatlake/out/reports' }}
""")

    @staticmethod
    def moment(hours):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)

    def signature(self, hours=1):
        return generate_container_sas(
            "signedlake", "box", account_key=self.azure.key("signedlake"), start=self.moment(hours - 3),
            expiry=self.moment(hours), permission=ContainerSasPermissions(read=True, list=True, write=True, delete=True))

    def run(self, *arguments, code=None, env=None):
        """A command with all that it prints kept; with `--verbose`, and then with `--json`, when it takes both."""
        results = []
        for more in (["--verbose"], ["--json"]):
            done = subprocess.run(
                [BINARY, *map(str, arguments), *more], cwd=self.project, env={**self.env, **(env or {})}, timeout=120,
                capture_output=True, stdin=subprocess.DEVNULL, check=False)
            self.count += 1
            for name, output in [("stdout", done.stdout), ("stderr", done.stderr)]:
                line = " ".join(map(str, arguments))
                kept = self.outside / f"{self.count:03} {line.replace('/', '_')[:40]} {name}"
                kept.write_bytes(output)
            assert done.returncode >= 0, done.stderr
            results.append(done)
        if code is not None:
            assert results[0].returncode == code, f"{arguments}: {results[0].returncode}\n{results[0].stderr.decode()}"
        return results[0]

    def left(self):
        """(what it is, its bytes) of everything that is left: files, objects, the emulator's record of what it was asked."""
        for path in sorted(self.root.rglob("*")):
            if path.is_file():
                yield str(path.relative_to(self.root)), path.read_bytes()
                yield f"the name of {path.name[:12]}…", path.name.encode()
        for account in ("flatlake", "devlake", "signedlake"):
            service = BlobServiceClient(f"{self.azure.http}/{account}", credential=self.azure.key(account))
            for container in service.list_containers():
                client = service.get_container_client(container.name)
                for blob in client.list_blobs(include=["metadata"]):
                    yield f"{account}/{container.name}/{blob.name}", client.download_blob(blob.name).readall()
                    yield f"metadata of {blob.name}", f"{blob.name} {blob.metadata}".encode()
        yield "the emulator's trace", self.azure.trace.read_bytes()

    def leaks(self):
        """Where a secret is, and in which form."""
        looked = {secret: forms(value) for secret, value in self.secrets.items()}
        found, count = [], 0
        for place, data in self.left():
            count += 1
            for secret, ways in looked.items():
                for form, text in ways.items():
                    at = data.find(text.encode())
                    if at >= 0:
                        near = data[max(0, at - 120):at + len(text) + 40].decode("utf-8", "replace")
                        found.append(f"{place}: {secret}, {form}: …{near}…")
        return found, count


@pytest.fixture
def rig(azure_with, tmp_path):
    azure = azure_with(data=tmp_path / "emulator")
    (tmp_path / "all").mkdir()
    with Postgres() as server:
        yield Rig(azure, server, tmp_path / "all")


def test_forms_are_found():
    for way in forms("hunter+22/é").values():
        assert way
    value = f"{MARK}client"
    for before in ("", "u", "us", "user:"):
        text = base64.b64encode(f"{before}{value} behind".encode()).decode()
        assert any(way in text for name, way in forms(value).items() if name.startswith("Base64 from"))


def test_no_secret_is_left_anywhere(rig, capsys):
    signed = "https://signedlake.blob.core.windows.net/box"
    good, bad, whole = f"?{rig.sas}", f"?{rig.expired}", f"?{rig.account_sas}"
    # Jobs that succeed, and that fail in each their way.
    for job in ("files", "signed", "vaulted", "environed", "sales"):
        rig.run("run", job, code=0)
    for job in ("wrong", "missing", "nowhere"):
        assert rig.run("run", job).returncode not in (0, 3)
    rig.run("run", "files", env={"AZURE_CLIENT_SECRET": rig.secrets["client secret"], "AZURE_TENANT_ID": "nowhere"})
    rig.run("run", "files", "--full", env={"AZURE_STORAGE_KEY": rig.secrets["signature"]})
    rig.azure.faults([{"match": {"service": "blob", "method": "GET"}, "do": {"status": 403, "code": "AuthenticationFailed"}}])
    rig.run("run", "files", "--full")
    rig.run("run", "sales", "--again")
    rig.azure.faults([{"match": {"service": "keyvault"}, "do": {"status": 403, "code": "Forbidden"}}])
    rig.run("run", "vaulted")
    rig.azure.faults([{"match": {"service": "login"}, "do": {"status": 401, "code": "x"}}])
    rig.run("run", "files")
    rig.run("check", "--identity", code=5)
    rig.azure.faults([])
    # What tells of them.
    rig.run("validate", code=0)
    for words in (["plan"], ["check"], ["discover", "vaulted"], ["discover", "signed"], ["discover", "wrong"], ["status"],
                  ["runs"], ["logs"], ["schema"], ["query", "SELECT * FROM files"]):
        rig.run(*words)
    rig.run("check", "--identity", code=0)
    # Without a project.
    rig.run("ingest", "--from", f"{signed}/in/a.csv{good}", "--into", "once", code=0)
    rig.run("ingest", "--from", f"{signed}/in/a.csv{bad}", "--into", "never")
    url = f"postgres://vaulted:{urllib.parse.quote(rig.secrets['password in a URL'], safe='')}@127.0.0.1:{rig.server.port}/postgres?sslmode=disable"
    rig.run("ingest", "--from", url, "--table", "fruit", "--into", "never")
    rig.run("discover", url)
    rig.run("query", "SELECT 1", "--warehouse", url)
    # Files, by each right.
    for query in (good, bad, whole):
        for words in (["ls", f"{signed}/in{query}"], ["cat", f"{signed}/in/a.csv{query}"], ["stat", f"{signed}/in/a.csv{query}"],
                      ["cp", "-r", f"{signed}{query}", "down"], ["cp", "sluice.yaml", f"{signed}/up/{query}"],
                      ["cp", f"{signed}/in/none{query}", "x"], ["rm", f"{signed}/up/sluice.yaml{query}"],
                      ["rm", "-r", f"{signed}/in{query}"], ["ls", f"{signed}/*.csv{query}"]):
            rig.run("lake", *words)
        for words in (["inspect", f"{signed}/in/a.csv{query}"], ["inspect", f"{signed}/none.csv{query}"],
                      ["convert", f"{signed}/in/a.csv{query}", f"{signed}/out/a.parquet{query}", "--overwrite"],
                      ["convert", f"{signed}/in/a.csv{query}", f"{signed}/out/a.nothing{query}"],
                      ["convert", f"{signed}/in/a.csv{query}", f"{signed}/in/a.csv{query}"],
                      ["report", f"{signed}/sales{query}", "-o", f"{signed}/reports{query}"],
                      ["report", f"{signed}/sales/a.json{query}", "-o", f"{signed}/reports/one.json{query}"],
                      ["report", f"{signed}/none.json{query}", "-o", f"{signed}/reports{query}"],
                      ["generate", "sales", "-n", "3", "-o", f"{signed}/made{query}"]):
            rig.run(*words)
    # Lines that do not parse.
    for query in (good,):
        for words in (["lake", "cp", f"{signed}{query}"], ["lake", "ls", "--bogus", f"{signed}{query}"], [f"{signed}{query}"],
                      ["lake", f"{signed}{query}"], ["lake", "cp", "a", "b", f"{signed}{query}"],
                      ["lake", "ls", f"{signed}{query}x%"], ["lake", "cp", "--threads", f"{signed}{query}", "a", "b"],
                      ["lake", "ls", f"htps://{signed[8:]}{query}"], ["lake", "ls", f"abfss://{signed[8:]}{query}"],
                      ["report", f"--rules={signed}{query}", "a"], ["run", f"{signed}{query}"]):
            assert rig.run(*words).returncode != 0
    for form in ("az://flatlake/box/in", "abfss://box@flatlake.dfs.core.windows.net/in"):
        rig.run("lake", "ls", form, code=0)
        rig.run("lake", "ls", form, env={"AZURE_STORAGE_KEY": rig.secrets["signature"]}, code=5)
        rig.run("lake", "ls", form, env={"AZURE_STORAGE_KEY": "no key: " + rig.secrets["client secret"]})
        rig.run("lake", "ls", form, env={"AZURE_STORAGE_KEY": "", "AZURE_STORAGE_SAS_TOKEN": rig.sas})
        rig.run("lake", "ls", form, env={"AZURE_STORAGE_CONNECTION_STRING": (
            f"AccountName=flatlake;AccountKey={rig.secrets['account key']};EndpointSuffix=core.windows.net")}, code=0)
        rig.run("lake", "ls", form, env={"AZURE_STORAGE_CONNECTION_STRING": f"AccountKey={rig.secrets['account key']}"})
        rig.run("lake", "ls", form, env={"AZURE_STORAGE_CONNECTION_STRING": f"flatlake {rig.secrets['account key']}"})
    # The emulator is gone, and so is everything.
    rig.azure.stop()
    for words in (["lake", "ls", f"{signed}{good}"], ["lake", "ls", "az://flatlake/box"], ["run", "vaulted"],
                  ["check", "--identity"], ["report", f"{signed}/sales{good}"]):
        assert rig.run(*words, env={"SLUICE_HTTP_RETRIES": "0"}).returncode != 0
    rig.azure.start()
    found, count = rig.leaks()
    assert not found, f"{len(found)} leaks in {count} places:\n" + "\n".join(found[:40])
    with capsys.disabled():
        print(f"\n{rig.count} commands, {count} files, objects and outputs: none of {len(rig.secrets)} secrets in "
              f"{len(forms(MARK))} forms")


def test_programs_that_are_started_get_no_secret(rig, tmp_path):
    """The Azure CLI, which is asked for tokens: it has the environment of whoever started Sluice, and no more than that."""
    tools = tmp_path / "bin"
    tools.mkdir()
    rig.secrets["token of the CLI"] = f"{MARK}token".replace("/", "_").replace("+", "-").replace("=", "")
    (tools / "az").write_text(f"""#!{sys.executable}
import json, os, time
with open({str(rig.outside / 'az')!r} + f" {{os.getpid()}}", "wb") as file:
    file.write(open("/proc/self/cmdline", "rb").read() + open("/proc/self/environ", "rb").read())
time.sleep(0.3)
print(json.dumps({{"accessToken": {rig.secrets["token of the CLI"]!r}, "expires_on": 4102444800, "tokenType": "Bearer"}}))
""")
    (tools / "az").chmod(0o755)
    env = {name: value for name, value in rig.env.items() if name not in (
        "AZURE_CLIENT_SECRET", "AZURE_STORAGE_KEY", "ENV_PASSWORD", "AZURE_CLIENT_ID", "SIGNED", "SLUICE_AZURE_EMULATOR")}
    env |= {"PATH": f"{tools}:{env['PATH']}", "SLUICE_AZURE_IDENTITY": "cli"}
    # `.env` is Sluice's own, and no matter of those that it starts.
    (rig.project / ".env").write_text(
        f"AZURE_STORAGE_KEY={rig.secrets['account key']}\nSIGNED={rig.secrets['signature of a connection']}\n"
        f"ENV_PASSWORD='{rig.secrets['environment password']}'\n")
    started = subprocess.Popen(
        [BINARY, "check", "--identity", "--verbose"], cwd=rig.project, env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    seen = set()
    while started.poll() is None:
        for process in [started.pid, *children(started.pid)]:
            try:
                seen.add((Path(f"/proc/{process}/cmdline").read_bytes(), Path(f"/proc/{process}/environ").read_bytes()))
            except OSError:
                pass
        time.sleep(0.005)
    output, errors = started.communicate()
    assert started.returncode == 0, errors.decode()
    (rig.project / ".env").unlink()
    assert [path for path in rig.outside.iterdir() if path.name.startswith("az ")], "the Azure CLI was not asked"
    assert any(b"az\0account" in line for line, _ in seen)
    (rig.outside / "output").write_bytes(output + errors)
    (rig.outside / "processes").write_bytes(b"\n".join(line + b"\n" + environ for line, environ in seen))
    found, _ = rig.leaks()
    assert not found, "\n".join(found)


def children(process):
    """What any of a process's threads has started."""
    found = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += map(int, file.read_text().split())
        except OSError:
            pass
    return found
