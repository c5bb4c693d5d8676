"""Has the official SDKs sign requests and shared access signatures, and writes what they signed: storage.json.

    python make_storage.py > storage.json        (azure-storage-blob 12.31.1, -file-datalake 12.26.1, -queue 12.18.1)
"""

import base64
import datetime
import json
import random
import sys

from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob import generate_account_sas, generate_blob_sas, generate_container_sas
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy, _storage_header_sort
from azure.storage.blob._shared.models import UserDelegationKey
from azure.storage.blob._shared_access_signature import BlobSharedAccessSignature
from azure.storage.filedatalake import generate_directory_sas
from azure.storage.queue import generate_queue_sas

KEY = base64.b64encode(bytes(range(64))).decode()
signed = []
plain = SharedKeyCredentialPolicy._add_authorization_header


def remember(policy, request, text):
    signed.append(text)
    plain(policy, request, text)


SharedKeyCredentialPolicy._add_authorization_header = remember


def request(method, url, *headers, account="lake1"):
    sent = HttpRequest(method, url, headers=dict(headers))
    SharedKeyCredentialPolicy(account, KEY).on_request(PipelineRequest(sent, PipelineContext(object())))
    return {"method": method, "account": account, "url": url, "headers": headers, "text": signed[-1],
            "authorization": sent.headers["Authorization"]}


DATE, VERSION = ("x-ms-date", "Sat, 21 Nov 2026 12:00:00 GMT"), ("x-ms-version", "2023-11-03")
BLOB, DFS = "https://lake1.blob.core.windows.net", "https://lake1.dfs.core.windows.net"
REQUESTS = [
    request("GET", f"{BLOB}/raw?restype=container&comp=list&prefix=a%2Fb%20c&delimiter=%2F&maxresults=10", DATE, VERSION),
    request("PUT", f"{BLOB}/raw/a/b%20c.csv", DATE, VERSION, ("x-ms-blob-type", "BlockBlob"), ("Content-Length", "11"),
            ("Content-Type", "text/csv"), ("Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww=="), ("If-None-Match", "*"),
            ("x-ms-meta-a-b", "1"), ("x-ms-meta-ab", "2"), ("x-ms-meta-a_b", "3  4")),
    request("PUT", f"{BLOB}/raw/x?comp=block&blockid=YjAwMQ%3D%3D", DATE, VERSION, ("Content-Length", "0")),
    request("PUT", f"{DFS}/raw/new%2Bname?mode=legacy", DATE, VERSION, ("x-ms-rename-source", "/raw/old%20name"),
            ("x-ms-source-lease-id", ""), ("x-ms-source-if-match", '"0x8D"')),
    request("PATCH", f"{DFS}/raw/f?action=append&position=0&flush=true", DATE, VERSION, ("Content-Length", "5")),
    request("GET", "http://127.0.0.1:10000/devstoreaccount1/raw/%E2%82%AC.txt", DATE, VERSION,
            ("x-ms-range", "bytes=0-9"), ("If-Match", '"0x8D"'), account="devstoreaccount1"),
    request("POST", "https://lake1.queue.core.windows.net/q/messages?visibilitytimeout=30&messagettl=3600", DATE, VERSION,
            ("Content-Length", "61"), ("Content-Type", "application/xml")),
    request("DELETE", f"{BLOB}/raw/x", ("Date", "Sat, 21 Nov 2026 12:00:00 GMT"), VERSION,
            ("If-Unmodified-Since", "Sat, 21 Nov 2026 11:00:00 GMT")),
]

random.seed(5)
NAMES = {"x-ms-meta-" + "".join(random.choice("ab1-_.") for _ in range(random.randint(1, 5))) for _ in range(150)}

UNTIL = datetime.datetime(2026, 12, 1, tzinfo=datetime.timezone.utc)
FROM = datetime.datetime(2026, 11, 20, 8, 30, tzinfo=datetime.timezone.utc)
LENT = UserDelegationKey()
LENT.signed_oid, LENT.signed_tid = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
LENT.signed_start, LENT.signed_expiry = "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z"
LENT.signed_service, LENT.signed_version = "b", "2026-10-06"
LENT.value, LENT.signed_delegated_user_tid = base64.b64encode(b"d" * 32).decode(), None
SIGNATURES = []


def signature(name, make, key="account", container="", path="", service="blob", snapshot=None, headers=(), query=()):
    texts = []
    token = make(texts.append)
    SIGNATURES.append({
        "name": name, "token": token, "text": texts[-1], "key": key, "container": container, "path": path,
        "service": service, "snapshot": snapshot, "headers": headers, "query": query})


signature("account", lambda hook: generate_account_sas(
    "lake1", KEY, "sco", "rwdlac", UNTIL, start=FROM, protocol="https", ip="10.0.0.1-10.0.0.9", services="bq", sts_hook=hook))
signature("container", lambda hook: generate_container_sas(
    "lake1", "raw", account_key=KEY, permission="racwdl", expiry=UNTIL, sts_hook=hook), container="raw", path="x/y.csv")
signature("blob", lambda hook: generate_blob_sas(
    "lake1", "raw", "a/b c+d.csv", account_key=KEY, permission="r", expiry=UNTIL, start=FROM,
    content_disposition="attachment; filename=x", content_type="text/csv", sts_hook=hook),
    container="raw", path="a/b c+d.csv")
signature("snapshot", lambda hook: generate_blob_sas(
    "lake1", "raw", "a", snapshot="2026-11-20T00:00:00.0000000Z", account_key=KEY, permission="r", expiry=UNTIL,
    sts_hook=hook), container="raw", path="a", snapshot="2026-11-20T00:00:00.0000000Z")
signature("policy", lambda hook: generate_container_sas(
    "lake1", "raw", account_key=KEY, policy_id="readers", sts_hook=hook), container="raw", path="x")
signature("delegated blob", lambda hook: generate_blob_sas(
    "lake1", "raw", "a/b", user_delegation_key=LENT, permission="rw", expiry=UNTIL, sts_hook=hook),
    key="delegated", container="raw", path="a/b")
signature("delegated container", lambda hook: generate_container_sas(
    "lake1", "raw", user_delegation_key=LENT, permission="rl", expiry=UNTIL, start=FROM, sts_hook=hook),
    key="delegated", container="raw", path="a/b")
signature("delegated with demands", lambda hook: generate_blob_sas(
    "lake1", "raw", "a/b", user_delegation_key=LENT, permission="r", expiry=UNTIL,
    user_delegation_oid="33333333-3333-3333-3333-333333333333", request_headers={"x-ms-foo": "bar", "X-Two": "2"},
    request_query_params={"p": "1", "q": "z z"}, sts_hook=hook), key="delegated", container="raw", path="a/b",
    headers=[("x-ms-foo", "bar"), ("x-two", "2")], query=[("p", "1"), ("q", "z z")])
signature("folder", lambda hook: generate_directory_sas(
    "lake1", "raw", "a/b", credential=KEY, permission="rl", expiry=UNTIL, sts_hook=hook),
    container="raw", path="a/b/c/d.csv")
signature("delegated folder", lambda hook: generate_directory_sas(
    "lake1", "raw", "a/b", credential=LENT, permission="rl", expiry=UNTIL,
    preauthorized_agent_object_id="44444444-4444-4444-4444-444444444444",
    correlation_id="55555555-5555-5555-5555-555555555555", sts_hook=hook), key="delegated", container="raw", path="a/b/c")
signature("queue", lambda hook: generate_queue_sas(
    "lake1", "jobs", KEY, permission="raup", expiry=UNTIL, sts_hook=hook), container="jobs", service="queue")
older = BlobSharedAccessSignature("lake1", KEY)
older.x_ms_version = "2023-11-03"
signature("of an older version", lambda hook: older.generate_container(
    "raw", permission="rl", expiry=UNTIL, sts_hook=hook), container="raw")

json.dump({
    "key": KEY, "delegated": LENT.value, "requests": REQUESTS,
    "order": [name for name, _ in _storage_header_sort([(name, "") for name in sorted(NAMES)])], "signatures": SIGNATURES,
}, sys.stdout, indent=1, ensure_ascii=False)
print()
