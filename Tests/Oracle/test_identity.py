"""Who Sluice is in Azure, against a server that stands for all of it: what is sent is held against the official library, and
marked secrets are looked for wherever the program leaves something."""

import base64
import datetime
import hashlib
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import msal
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from conftest import run

TENANT, CLIENT = "aaaaaaaa-0000-0000-0000-000000000003", "aaaaaaaa-0000-0000-0000-000000000002"
MARK = "MARKED"


def token(audience):
    """A token of Entra ID's shape, with a mark where its signature would be."""
    claims = {"aud": audience, "oid": "aaaaaaaa-0000-0000-0000-000000000001", "appid": CLIENT, "tid": TENANT}
    parts = [json.dumps({"alg": "RS256", "typ": "JWT"}), json.dumps(claims)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + f".{MARK}-signature"


class Azure:
    """Token endpoints and a vault at `url`; what came in is in `asked`. `refuses` makes Entra ID refuse, and quote the secret."""

    def __init__(self):
        self.asked, self.refuses = [], False
        azure = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def answer(self, status, body, headers=()):
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in [("Content-Type", "application/json"), ("Content-Length", len(data)), *headers]:
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                self.handle_any("")

            def do_POST(self):
                self.handle_any(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())

            def handle_any(self, body):
                form = dict(urllib.parse.parse_qsl(body))
                url = urllib.parse.urlsplit(self.path)
                azure.asked.append({"host": self.headers["Host"], "path": url.path, "form": form, "headers": self.headers})
                query = dict(urllib.parse.parse_qsl(url.query))
                if url.path.endswith("/oauth2/v2.0/token"):
                    secret = form.get("client_secret") or form.get("client_assertion", "")
                    if azure.refuses:
                        return self.answer(401, {
                            "error": "invalid_client", "error_codes": [7000215],
                            "error_description": f"AADSTS7000215: Invalid client secret {secret}. Trace ID: x"})
                    return self.answer(200, {
                        "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
                        "access_token": token(form["scope"].removesuffix("/.default"))})
                if url.path in ("/msi/token", "/metadata/identity/oauth2/token"):
                    return self.answer(200, {
                        "access_token": token(query["resource"]), "expires_on": "4102444800", "token_type": "Bearer",
                        "resource": query["resource"]})
                if url.path.startswith("/secrets/"):
                    if self.headers["Authorization"] != f"Bearer {token('https://vault.azure.net')}":
                        return self.answer(
                            401, {"error": {"code": "Unauthorized", "message": "AKV10000: a token is missing"}},
                            [("WWW-Authenticate", f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", '
                              'resource="https://vault.azure.net"')])
                    name = url.path.split("/")[2]
                    if name == "missing":
                        return self.answer(404, {"error": {"code": "SecretNotFound", "message": "not found"}})
                    return self.answer(200, {
                        "value": f"{MARK}-of-the-vault@:/", "attributes": {"enabled": True},
                        "id": f"https://shop-kv.vault.azure.net/secrets/{name}/4387e9f3d6e14c459867679a90fd0f79"})
                return self.answer(404, {"error": {"code": "ResourceNotFound", "message": "nothing"}})

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def environment(self, folder, **more):
        return {"PATH": "/usr/bin:/bin", "HOME": str(folder), "SLUICE_AZURE_EMULATOR": self.url, **more}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def azure():
    azure = Azure()
    yield azure
    azure.close()


def certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sluice")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
    return key, made


def pem(key, password=None):
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


@pytest.mark.parametrize("kind", ["pem", "locked pem", "pem with a chain", "pfx", "locked pfx"])
def test_a_certificates_assertion_is_that_of_the_official_library(azure, tmp_path, kind):
    key, made = certificate()
    _, other = certificate()
    password = b"marked-password" if "locked" in kind else None
    encoded = made.public_bytes(serialization.Encoding.PEM)
    if "pfx" in kind:
        locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        data = pkcs12.serialize_key_and_certificates(b"sluice", key, made, None, locked)
    else:
        # A chain may begin with whatever it likes.
        data = pem(key, password) + (other.public_bytes(serialization.Encoding.PEM) if "chain" in kind else b"") + encoded
    file = tmp_path / "certificate"
    file.write_bytes(data)
    more = {"AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "true"} if "chain" in kind else {}
    if password:
        more["AZURE_CLIENT_CERTIFICATE_PASSWORD"] = password.decode()
    done = run("check", "--identity", "--json", cwd=tmp_path, env=azure.environment(
        tmp_path, AZURE_TENANT_ID=TENANT, AZURE_CLIENT_ID=CLIENT, AZURE_CLIENT_CERTIFICATE_PATH=str(file), **more))
    assert done.code == 0, done.err
    answer = json.loads(done.text)
    assert (answer["identity"]["source"], answer["identity"]["detail"]) == ("environment", "client certificate")
    form = azure.asked[0]["form"]
    url = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    header = jwt.get_unverified_header(form["client_assertion"])
    claims = jwt.decode(form["client_assertion"], key.public_key(), algorithms=["PS256"], audience=url)
    digest = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).digest()
    assert header["x5t#S256"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert claims["iss"] == claims["sub"] == CLIENT and 0 < claims["exp"] - claims["iat"] <= 600
    if "chain" in kind:
        assert len(header["x5c"]) == 2
        assert base64.b64decode(header["x5c"][0]) == made.public_bytes(serialization.Encoding.DER)
    # The official library's own assertion, for the same key.
    theirs = msal.oauth2cli.JwtAssertionCreator(
        pem(key), algorithm="PS256", sha256_thumbprint=digest.hex(), headers={})
    official = theirs.create_normal_assertion(audience=url, issuer=CLIENT, subject=CLIENT)
    official = official.decode() if isinstance(official, bytes) else official
    wanted = jwt.get_unverified_header(official)
    # RFC 7515 has no padding; the library's own goes in as well.
    wanted["x5t#S256"] = wanted["x5t#S256"].rstrip("=")
    assert wanted == {name: value for name, value in header.items() if name != "x5c"}
    assert set(jwt.decode(official, options={"verify_signature": False})) <= set(claims) | {"nbf"}
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.mark.parametrize("data, told", [
    (b"nothing of the kind", "is neither PEM nor PFX"),
    (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no private key"),
    ("locked", "holds no private key that can be read"), ("alone", "holds no certificate of its key"),
    (None, "cannot be read: no such file or directory"),
])
def test_a_certificates_file_that_is_wrong_says_what_it_lacks(azure, tmp_path, data, told):
    key, _ = certificate()
    data = {"locked": pem(key, b"unknown"), "alone": pem(key)}.get(data, data)
    file = tmp_path / "certificate"
    if data is not None:
        file.write_bytes(data)
    done = run("check", "--identity", cwd=tmp_path, env=azure.environment(
        tmp_path, AZURE_TENANT_ID=TENANT, AZURE_CLIENT_ID=CLIENT, AZURE_CLIENT_CERTIFICATE_PATH=str(file)))
    assert done.code != 0 and told in done.err, done.err
    assert not azure.asked


def left_behind(folder, *results):
    """All that a program left: what it printed, and every file."""
    texts = [text for done in results for text in (done.text, done.err)]
    texts += [file.read_bytes().decode(errors="replace") for file in folder.rglob("*") if file.is_file()]
    return "\n".join(texts)


def forms(secret):
    """How a secret may look when somebody was careless."""
    raw = secret.encode()
    return [secret, urllib.parse.quote(secret, safe=""), base64.b64encode(raw).decode(), raw.hex()]


PROJECT = """
project: shop
azure: {{ vault: shop-kv }}
connections:
  db: postgres://reader:${{secret.db-password}}@127.0.0.1:1/shop
  other: {{ protocol: postgres, host: 127.0.0.1, port: 1, database: shop, username: x, password: "${{secret.other-kv/x}}" }}
  none: postgres://reader:${{secret.missing}}@127.0.0.1:1/shop
jobs:
  orders: {{ kind: ingest, from: db, table: orders, into: orders, retries: 0 }}
"""


@pytest.mark.parametrize("way", ["client secret", "federated file", "managed identity", "Azure CLI", "refused", "quoted"])
def test_no_secret_is_left_anywhere(azure, tmp_path, way):
    outside, folder = tmp_path / "outside", tmp_path / "project"
    outside.mkdir()
    folder.mkdir()
    (folder / "sluice.yaml").write_text(PROJECT.format())
    secret = f"{MARK}~client secret/+%"
    variables = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT}
    if way in ("client secret", "refused", "quoted"):
        variables["AZURE_CLIENT_SECRET"] = secret
        azure.refuses = way != "client secret"
    elif way == "federated file":
        (outside / "token").write_text(f"{MARK}.federated.token")
        variables["AZURE_FEDERATED_TOKEN_FILE"] = str(outside / "token")
    elif way == "managed identity":
        variables = {"IDENTITY_ENDPOINT": f"{azure.url}/msi/token", "IDENTITY_HEADER": f"{MARK}-header"}
    environment = azure.environment(outside, **variables, SLUICE_HTTP_TRACE=str(folder / "trace.jsonl"))
    if way == "Azure CLI":
        # Without the emulator, which has no use for real tokens. It fails after it has printed one.
        del environment["SLUICE_AZURE_EMULATOR"]
        script = outside / "az"
        script.write_text(f"#!/bin/sh\necho '{{\"accessToken\": \"{MARK}-cli\"}}'\necho 'ERROR: AADSTS1: no' >&2\nexit 1\n")
        script.chmod(0o755)
        environment["PATH"] = f"{outside}:/usr/bin:/bin"
        environment["SLUICE_AZURE_IDENTITY"] = "cli"
    done = [
        run("check", "--identity", cwd=folder, env=environment),
        run("check", "--identity", "--json", cwd=folder, env=environment),
        run("check", "db", "other", "none", "--json", cwd=folder, env=environment),
        run("check", "db", "-v", cwd=folder, env=environment),
        run("plan", "orders", cwd=folder, env=environment),
        run("run", "orders", "-v", cwd=folder, env=environment),
        run("run", "orders", "--json", cwd=folder, env=environment),
        run("logs", cwd=folder, env=environment), run("runs", "--json", cwd=folder, env=environment),
    ]
    works = way in ("client secret", "federated file", "managed identity")
    assert [each.code == 0 for each in done[:2]] == [works, works], done[0].err
    everything = left_behind(folder, *done)
    if works:
        assert "shop-kv" in (folder / "trace.jsonl").read_text()
        # The secret was found, and it was the database that was not there.
        assert "of-the-vault" not in everything and "refused" in everything.lower()
    for marked in [secret, f"{MARK}-of-the-vault@:/", f"{MARK}-header", f"{MARK}.federated.token", f"{MARK}-cli"]:
        for form in forms(marked):
            assert form not in everything, form
    assert MARK not in everything
    assert token("https://vault.azure.net").split(".")[1] not in everything


def test_whoever_is_nobody_learns_what_was_tried(azure, tmp_path):
    done = run("check", "--identity", cwd=tmp_path, env={
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"})
    assert done.code == 5
    assert done.text == """✗ nobody
– environment: neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set
– workload identity: AZURE_FEDERATED_TOKEN_FILE is not set
– managed identity: this is no machine of Azure: nobody answers at 127.0.0.1
– Azure CLI: az is not installed, or not in PATH
"""
    assert done.err.startswith("error: there is nobody to sign in to Azure as")


def test_secrets_come_from_the_vault_then_from_the_environment(azure, tmp_path):
    """What a connection's password became is seen by what the database is asked with: here, whether it was asked at all."""
    (tmp_path / "sluice.yaml").write_text(PROJECT.format())
    variables = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": "a secret of mine"}
    nowhere = run("check", "none", "--json", cwd=tmp_path, env=azure.environment(tmp_path, **variables))
    error = json.loads(nowhere.text)["error"]
    assert error["message"].endswith(
        'the secret "missing" was not found: of the environment variables, neither missing nor MISSING is set, and the Key '
        "Vault shop-kv has no such secret")
    found = run("check", "none", "--json", cwd=tmp_path, env=azure.environment(tmp_path, **variables, MISSING="here"))
    assert "refused" in json.loads(found.text)["error"]["message"].lower()
