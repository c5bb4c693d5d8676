"""What the emulator's tests sent and got, held against the official API documents; the last of their files to run.

Not the emulator's doing, and so put right before: the official clients send versions of their own choosing, ask a vault
once without a token and a body, and end a secret's path with a slash where the document wants a version.
"""

import json
import re
import subprocess
import sys

import pytest
from conftest import ROOT
from emulator import TRACES
from storage_documents import documented, shape

CHECK = ROOT.parent / "shared/tools/check-trace"
API_VERSIONS = {"keyvault": "7.6", "imds": "2023-07-01", "batch": "2024-07-01.20.0"}


def judged(entry):
    """An exchange as the documents know it; None for one that they do not."""
    if not entry.get("response") or entry["response"]["status"] in (401, 405):
        return None
    service = entry["service"]
    if service in ("blob", "dfs", "acr"):
        return documented(entry)
    if service == "keyvault" and entry["method"] in ("GET", "PATCH"):
        entry["url"] = re.sub(r"(/secrets/[^/?]+)/?\?", r"\1/the-newest?", entry["url"])
    if service == "batch":
        # The document's paths end where a name has a slash in it.
        entry["url"] = re.sub(r"(/files/[^/?]*?)%2F[^?]*", r"\1", entry["url"].replace("..%2F", ""))
    if "OperationResults/" in entry["url"] or "OperationStatuses/" in entry["url"]:
        return None  # Polls have no document.
    if re.search(r"/resourceGroups/[^/?]+[?]|/Microsoft.ManagedIdentity/", entry["url"]):
        return None  # Nor have groups and identities.
    if "/Microsoft.Batch/" in entry["url"]:
        entry["url"] = re.sub(r"api-version=[^&]*", "api-version=2024-07-01", entry["url"])
    if "/Microsoft.App/" in entry["url"]:
        # What was wrong on purpose, and calls of versions that have no document.
        others = r"/(replicas|getAuthToken|suspend|resume)$|/stop/[^/]+$"
        if entry["response"]["status"] >= 400 or re.search(others, entry["url"].split("?")[0]):
            return None
        entry["url"] = re.sub(r"api-version=[^&]*", "api-version=2025-01-01", entry["url"])
    if service == "loganalytics":
        entry["url"] = entry["url"].replace("/v1/workspaces/", "/workspaces/")
    if service in API_VERSIONS:
        entry["url"] = re.sub(r"api-version=[^&]*", "api-version=" + API_VERSIONS[service], entry["url"])
    return entry


def likeness(entry):
    """What exchanges have in common that are judged alike; Batch's paths are words and names in turn."""
    words = re.sub(r"^https?://[^/]*|[?].*", "", entry["url"]).split("/")[1::2] if entry["service"] == "batch" else []
    return (*shape(entry), *words)


def test_exchanges_fit_the_documents(tmp_path):
    if not CHECK.exists():
        pytest.skip("skipped: the official documents are not beside the repository")
    count, seen = 0, set()
    path = tmp_path / "all.jsonl"
    with open(path, "w", encoding="utf-8") as out:
        for trace in sorted(TRACES.glob("emulator-*.jsonl")):
            for line in trace.read_text(encoding="utf-8").splitlines():
                entry = judged(json.loads(line))
                # Thousands of exchanges are alike, and one of them tells as much as all.
                if entry and (entry["service"] not in ("blob", "dfs", "batch") or likeness(entry) not in seen):
                    seen.add(likeness(entry))
                    out.write(json.dumps(entry) + "\n")
                    count += 1
    if count == 0:
        pytest.skip("skipped: no other test of the emulator has run")
    done = subprocess.run([sys.executable, CHECK, path], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_no_secret_is_in_a_trace():
    text = "".join(trace.read_text(encoding="utf-8") for trace in TRACES.glob("emulator-*.jsonl"))
    for pattern in [r"sig=(?!\*\*\*)[^&\"]{8}", r"SharedKey \w", r"Bearer ey", r"eyJ0eXAi[\w-]{20}", r"client_secret=",
                    r"the right header", r"the right one", r"påsswörd"]:
        assert not re.search(pattern, text), pattern
