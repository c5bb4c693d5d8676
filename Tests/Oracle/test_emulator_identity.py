"""azure-identity against the emulator: what it gets, and what services make of it."""

import base64
import datetime
import json
import time
import uuid

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import (CertificateCredential, ClientSecretCredential, CredentialUnavailableError,
                            DefaultAzureCredential, ManagedIdentityCredential,
                            WorkloadIdentityCredential)
from azure.keyvault.secrets import SecretClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from emulator import Azure, azure, azure_with  # noqa: F401

CLIENT = "0b5f3c8e-1111-4222-8333-944455556666"
SCOPE = "https://storage.azure.com/.default"


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def options(azure):
    return {"authority": azure.authority, "disable_instance_discovery": True, "connection_verify": azure.ca}


def make_certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30)).sign(key, hashes.SHA256()))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(serialization.Encoding.PEM), certificate.public_bytes(
        serialization.Encoding.PEM).decode()


def federated_token(**more):
    now = int(time.time())
    body = {"iss": "https://token.example", "sub": "repo:shop", "aud": "api://AzureADTokenExchange", "iat": now,
            "nbf": now, "exp": now + 600, **more}
    encode = lambda part: base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    return f"{encode({'alg': 'RS256', 'typ': 'JWT'})}.{encode(body)}.{encode('signature')}"


def usable(azure, credential):
    """Whether the vault trusts what the credential gets."""
    client = SecretClient(azure.https, credential, verify_challenge_resource=False, connection_verify=azure.ca,
                          api_version="7.6")
    client.set_secret("proof", "yes")
    return client.get_secret("proof").value == "yes"


def test_client_secret(azure):
    credential = ClientSecretCredential(azure.tenant, CLIENT, "whatever", **options(azure))
    token = credential.get_token(SCOPE)
    said = claims(token.token)
    assert said["aud"] == "https://storage.azure.com"
    assert said["appid"] == CLIENT and said["tid"] == azure.tenant
    assert abs(token.expires_on - time.time() - 3599) < 10
    assert usable(azure, credential)


def test_audiences_keep_their_slash(azure):
    credential = ClientSecretCredential(azure.tenant, CLIENT, "whatever", **options(azure))
    token = credential.get_token("https://batch.core.windows.net//.default")
    assert claims(token.token)["aud"] == "https://batch.core.windows.net/"


@pytest.mark.parametrize("sends_chain", [False, True])
def test_client_certificate(azure, tmp_path, sends_chain):
    pem, _ = make_certificate()
    path = tmp_path / "client.pem"
    path.write_bytes(pem)
    credential = CertificateCredential(
        azure.tenant, CLIENT, str(path), send_certificate_chain=sends_chain, **options(azure))
    assert claims(credential.get_token(SCOPE).token)["appid"] == CLIENT
    assert usable(azure, credential)


def test_workload_identity(azure, tmp_path):
    path = tmp_path / "token"
    path.write_text(federated_token())
    credential = WorkloadIdentityCredential(
        tenant_id=azure.tenant, client_id=CLIENT, token_file_path=str(path), **options(azure))
    assert claims(credential.get_token(SCOPE).token)["appid"] == CLIENT
    assert usable(azure, credential)


def test_imds(azure, monkeypatch):
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.http)
    token = ManagedIdentityCredential().get_token(SCOPE)
    assert claims(token.token)["aud"] == "https://storage.azure.com"
    chosen = ManagedIdentityCredential(client_id=CLIENT).get_token(SCOPE)
    assert claims(chosen.token)["appid"] == CLIENT


def test_app_service(azure, monkeypatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.http}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    credential = ManagedIdentityCredential()
    assert claims(credential.get_token(SCOPE).token)["aud"] == "https://storage.azure.com"
    assert usable(azure, credential)
    chosen = ManagedIdentityCredential(client_id=CLIENT).get_token(SCOPE)
    assert claims(chosen.token)["appid"] == CLIENT


def test_default_chain_takes_the_environment(azure, monkeypatch):
    for name, value in {"AZURE_TENANT_ID": azure.tenant, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": "secret",
                        "AZURE_AUTHORITY_HOST": azure.https}.items():
        monkeypatch.setenv(name, value)
    credential = DefaultAzureCredential(disable_instance_discovery=True, connection_verify=azure.ca)
    assert claims(credential.get_token(SCOPE).token)["appid"] == CLIENT


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    pem, certificate = make_certificate()
    folder = tmp_path_factory.mktemp("strict")
    (folder / "client.pem").write_bytes(pem)
    (folder / "who.json").write_text(json.dumps({
        "applications": [{"clientId": CLIENT, "secret": "the right one", "certificate": certificate,
                          "federated": [{"issuer": "https://token.example", "subject": "repo:shop"}]}],
        "identities": [{"clientId": str(uuid.uuid4()), "resourceId": "/subscriptions/s/one"},
                       {"clientId": CLIENT, "resourceId": "/subscriptions/s/two"}],
        "identityHeader": "the right header"}))
    running = Azure(folder / "data", "--identities", folder / "who.json", "--tenant",
                    "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
    running.folder = folder
    yield running
    running.stop()


class TestRegistered:
    """An emulator whose directory knows who there is."""

    def fails(self, code, credential):
        with pytest.raises(ClientAuthenticationError) as failure:
            credential.get_token(SCOPE)
        assert code in str(failure.value)

    def test_secrets(self, strict):
        ClientSecretCredential(strict.tenant, CLIENT, "the right one", **options(strict)).get_token(SCOPE)
        self.fails("AADSTS7000215", ClientSecretCredential(strict.tenant, CLIENT, "another", **options(strict)))
        self.fails("AADSTS700016", ClientSecretCredential(strict.tenant, str(uuid.uuid4()), "x", **options(strict)))

    def test_tenant(self, strict):
        other = ClientSecretCredential(str(uuid.uuid4()), CLIENT, "the right one", **options(strict))
        with pytest.raises(Exception, match="AADSTS90002|tenant|Tenant"):
            other.get_token(SCOPE)

    def test_certificates(self, strict):
        CertificateCredential(
            strict.tenant, CLIENT, str(strict.folder / "client.pem"), **options(strict)).get_token(SCOPE)
        pem, _ = make_certificate()
        self.fails("AADSTS700027", CertificateCredential(
            strict.tenant, CLIENT, certificate_data=pem, **options(strict)))

    @pytest.mark.parametrize("claim, code", [
        ({}, None), ({"aud": "api://other"}, "AADSTS700212"), ({"iss": "https://other"}, "AADSTS700211"),
        ({"sub": "repo:other"}, "AADSTS700213"), ({"exp": 1000}, "AADSTS700024")])
    def test_federation(self, strict, tmp_path, claim, code):
        (tmp_path / "token").write_text(federated_token(**claim))
        credential = WorkloadIdentityCredential(
            tenant_id=strict.tenant, client_id=CLIENT, token_file_path=str(tmp_path / "token"), **options(strict))
        if code:
            self.fails(code, credential)
        else:
            credential.get_token(SCOPE)

    def test_identities(self, strict, monkeypatch):
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{strict.http}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "the right header")
        ManagedIdentityCredential(client_id=CLIENT).get_token(SCOPE)
        ManagedIdentityCredential(identity_config={"resource_id": "/subscriptions/s/two"}).get_token(SCOPE)
        for credential in [ManagedIdentityCredential(), ManagedIdentityCredential(client_id=str(uuid.uuid4()))]:
            with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
                credential.get_token(SCOPE)
        monkeypatch.setenv("IDENTITY_HEADER", "another")
        with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
            ManagedIdentityCredential(client_id=CLIENT).get_token(SCOPE)

    def test_vault_denies(self, azure_with):
        azure = azure_with()
        azure.directory({"deny": [{"service": "keyvault", "client": CLIENT}]})
        denied = ClientSecretCredential(azure.tenant, CLIENT, "x", **options(azure))
        client = SecretClient(azure.https, denied, verify_challenge_resource=False, connection_verify=azure.ca,
                              api_version="7.6")
        with pytest.raises(HttpResponseError) as failure:
            client.get_secret("proof")
        assert failure.value.status_code == 403
        assert "ForbiddenByRbac" in failure.value.response.text()
