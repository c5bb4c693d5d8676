"""`sluice emulate`, started and stopped for tests, and what official clients need to reach it.

    def test_something(azure):                      # one emulator for all tests, over HTTP and TLS
        service = BlobServiceClient(f"{azure.http}/{account}", credential=azure.key(account))

    def test_another(azure_with):
        azure = azure_with("--faults", path)        # one of the test's own

Import the fixtures by name: `from emulator import azure, azure_with`. With SLUICE_TRACES set to a folder every emulator
writes its trace there, and `test_emulator_trace.py` holds what it says against the official documents.
"""

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from conftest import BINARY

DEVELOPMENT_ACCOUNT = "devstoreaccount1"
DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
TRACES = Path(os.environ.get("SLUICE_TRACES") or tempfile.mkdtemp(prefix="sluice-traces-"))


def two_ports():
    """A port that nobody listens on, and neither on the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return str(port)


def greeting(process):
    """What an emulator tells people before it waits for requests; it was started with pipes of text."""
    text = ""
    while "Ctrl-C" not in text:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        text += line
    return text


class Azure:
    """A running emulator."""

    def __init__(self, data, *arguments):
        self.data = Path(data)
        self.arguments = list(arguments)
        TRACES.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="emulator-", suffix=".jsonl", dir=TRACES)
        os.close(handle)
        self.trace = Path(name)
        self.ports = ["--port", two_ports(), "--tls-port", two_ports()]
        self.start()

    def start(self):
        """Starts it, again on the ports that it had."""
        self.process = subprocess.Popen(
            [BINARY, "emulate", "--json", "--tls", "--data", str(self.data), "--trace", str(self.trace),
             *self.ports, *map(str, self.arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        text = b""
        # Only the last brace stands at the beginning of its line.
        while not text.endswith(b"\n}\n"):
            line = self.process.stdout.readline()
            if not line:
                break
            text += line
        facts = json.loads(text or "{}")
        if "endpoint" not in facts:
            raise RuntimeError(self.process.stderr.read().decode())
        self.facts = facts
        self.http, self.queue_http = facts["endpoint"], facts["queueEndpoint"]
        self.https, self.queue_https = facts["tlsEndpoint"], facts["tlsQueueEndpoint"]
        self.ca, self.tenant = facts["certificateAuthority"], facts["tenant"]
        self.connection_string = facts["connectionString"]

    @property
    def authority(self):
        """Host and port of the token endpoint, as azure-identity wants them."""
        return self.https.removeprefix("https://")

    def stop(self):
        """Ends it in order, and returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode

    def kill(self):
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.communicate()

    @staticmethod
    def key(account):
        """The key of a storage account."""
        if account == DEVELOPMENT_ACCOUNT:
            return DEVELOPMENT_KEY
        return base64.b64encode(hashlib.sha512(f"sluice emulator key of {account}".encode()).digest()).decode()

    def faults(self, rules):
        """Switches these faults on in place of those before; an empty list switches them off."""
        return self.administer("PUT", "faults", {"rules": rules})

    def directory(self, document):
        """Sets applications, identities and denials."""
        return self.administer("PUT", "directory", document)

    def administer(self, method, what, body=None):
        return self.call(method, f"/_sluice/{what}", body)

    def arm(self, method, path, body=None, version="2025-01-01"):
        """A request to Resource Manager, in the name of the identity of this machine."""
        return self.call(
            method, f"{path}?api-version={version}", body, {"Authorization": f"Bearer {self.token('https://management.azure.com')}"})

    def token(self, resource):
        return self.call(
            "GET", f"/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}",
            headers={"Metadata": "true"})["access_token"]

    def call(self, method, path, body=None, headers=()):
        """A request without a client; the answer's document."""
        request = urllib.request.Request(
            self.http + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **dict(headers)})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def credential(self):
        """A token credential of azure-identity, for clients over TLS."""
        from azure.identity import ClientSecretCredential

        return ClientSecretCredential(
            self.tenant, "11111111-2222-4333-8444-555555555555", "any secret", authority=self.authority,
            disable_instance_discovery=True, connection_verify=self.ca)


@pytest.fixture(scope="module")
def azure(tmp_path_factory):
    """An emulator for the tests of a file."""
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    running = Azure(tmp_path_factory.mktemp("azure"))
    yield running
    running.stop()


@pytest.fixture
def azure_with(tmp_path):
    """`azure_with("--faults", path)`: emulators of the test's own, in folders of their own."""
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    started = []

    def start(*arguments, data=None):
        started.append(Azure(data or tmp_path / f"azure{len(started)}", *arguments))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.stop()


def wait_until(condition, seconds=10):
    """Waits until something holds; false when it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
