"""Everything that the program itself has sent in all tests before this one, held against the official API documents: the last
file to run. With SLUICE_TRACES set to a folder, the traces can be looked at afterwards."""

import collections
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from storage_documents import documented

CHECK = ROOT.parent / "shared/tools/check-trace"
TRACE = Path(os.environ["SLUICE_HTTP_TRACE"])


def entries():
    if not TRACE.exists() or not TRACE.stat().st_size:
        pytest.skip("skipped: no other test has sent anything")
    return [json.loads(line) for line in TRACE.read_text(encoding="utf-8").splitlines()]


def test_requests_fit_the_documents(tmp_path, capsys):
    if not CHECK.exists():
        pytest.skip("skipped: the official documents are not beside the repository")
    # A request of one form is judged once: thousands of them are the same but for names and sizes.
    different = {}
    for entry in entries():
        # Polls of long operations have no document, nor have live logs, which only previews know, groups and identities.
        none = r"/[a-zA-Z]+Operation(Results|Statuses)/|/getAuthToken[?]|/replicas[?]|/resourceGroups/[^/?]+[?]|/Microsoft.ManagedIdentity/"
        if re.search(none, entry["url"]):
            continue
        # The document calls a secret's version optional, and has no path without one: it is judged as if it had been named.
        entry["url"] = re.sub(r"(/secrets/[^/?]+/)(?=[?])", r"\g<1>4387e9f3d6e14c459867679a90fd0f79", entry["url"])
        status = (entry.get("response") or {}).get("status")
        query = tuple(sorted(re.findall(r"[?&](\w+)=(?:(?=[a-z]+(?:&|$))(\w+))?", entry["url"])))
        headers = tuple(sorted((entry.get("request") or {}).get("headers") or {}))
        different.setdefault((entry.get("service"), entry["method"], query, headers, status), entry)
    # What storage's documents write otherwise than it goes over the wire; a lost answer has nothing to judge.
    fit = [documented(entry) for entry in different.values() if entry.get("response")]
    different = {number: entry for number, entry in enumerate(fit) if entry}
    path = tmp_path / "different.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in different.values()), encoding="utf-8")
    done = subprocess.run([sys.executable, CHECK, path], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    counts = collections.Counter(entry.get("service") for entry in different.values())
    with capsys.disabled():
        print(f"\n{len(different)} different exchanges of the program fit the official documents: {dict(counts)}")


def test_no_secret_is_in_what_was_recorded():
    entries()
    text = TRACE.read_text(encoding="utf-8")
    for pattern in [r"sig=(?!\*\*\*)[^&\"]{8}", r"SharedKey \w", r"Bearer (?!authorization|realm)\w", r"eyJ0eXAi", r"eyJhbGci", r"client_secret=(?!\*)"]:
        found = re.search(pattern, text)
        assert not found, f"{pattern}: {text[max(0, found.start() - 80):found.start() + 20]}"
