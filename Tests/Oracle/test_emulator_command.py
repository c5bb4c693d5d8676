"""`sluice emulate` itself: what it says, how it ends, and what it does when it cannot begin."""

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest
from conftest import BINARY
from emulator import Azure, azure_with, greeting, two_ports  # noqa: F401


def refused(*arguments, **options):
    done = subprocess.run([BINARY, "emulate", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False, **options)
    assert done.returncode not in (0, -6, -11) and "Fatal error" not in done.stderr
    return done.stderr


def test_says_where_it_is_and_ends_in_order(tmp_path):
    port = two_ports()
    process = subprocess.Popen([BINARY, "emulate", "--port", port, "--data", tmp_path / "data"], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = greeting(process)
    assert text.startswith("An Azure for development and tests only")
    assert f"export SLUICE_AZURE_EMULATOR=http://127.0.0.1:{port}\n" in text
    assert f"QueueEndpoint=http://127.0.0.1:{int(port) + 1}/devstoreaccount1;" in text
    with socket.create_connection(("127.0.0.1", int(port))):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0 and err.strip() == "stopping" and not out


def test_a_port_in_use_is_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("--port", port, "--data", tmp_path)
    assert f"port {port} of 127.0.0.1 is in use" in said and "Choose another port" in said


def test_two_do_not_share_a_folder(azure_with, tmp_path):
    azure = azure_with()
    said = refused("--port", 0, "--data", azure.data)
    assert "another emulator" in said


@pytest.mark.parametrize("option, content", [("--faults", "[{}]"), ("--faults", "{"), ("--identities", '{"who": 1}')])
def test_files_that_are_wrong(tmp_path, option, content):
    (tmp_path / "file.json").write_text(content)
    assert "file.json" in refused("--port", 0, "--data", tmp_path / "data", option, tmp_path / "file.json")
    assert "no such file" in refused("--port", 0, "--data", tmp_path / "data", option, tmp_path / "none.json")


def test_addresses_that_are_none(tmp_path):
    assert "'256.1.1.1'" in refused("--port", 0, "--data", tmp_path, "--address", "256.1.1.1")
    (tmp_path / "file").write_text("")
    assert "file" in refused("--port", 0, "--data", tmp_path / "file")


def test_warns_when_others_can_come_in(tmp_path):
    process = subprocess.Popen([BINARY, "emulate", "--json", "--port", "0", "--address", "0.0.0.0", "--data", tmp_path],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline().startswith("warning: listening on 0.0.0.0")
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert json.loads(out)["endpoint"].startswith("http://127.0.0.1:") and process.returncode == 0


def test_keys_are_for_their_owner_only(azure_with):
    azure = azure_with()
    for name in ["identity/key.pem", "tls/server.key"]:
        assert os.stat(azure.data / name).st_mode & 0o777 == 0o600
    before = (azure.data / "tls/ca.pem").read_bytes()
    azure.stop()
    azure.start()
    assert (azure.data / "tls/ca.pem").read_bytes() == before
    context = ssl.create_default_context(cafile=azure.ca)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{azure.https}/_sluice/health") as answer:
        assert json.loads(answer.read())["status"] == "ok"


def test_faults_from_a_file(azure_with, tmp_path):
    (tmp_path / "faults.json").write_text(json.dumps(
        [{"match": {"service": "imds"}, "times": 1, "do": {"slow": 400}}]))
    azure = azure_with("--faults", tmp_path / "faults.json")
    request = urllib.request.Request(
        f"{azure.http}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x", headers={"Metadata": "true"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    begin = time.monotonic()
    opener.open(request).read()
    assert time.monotonic() - begin >= 0.4
