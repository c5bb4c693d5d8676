"""What the documents of Blob and Data Lake write otherwise than it goes over the wire.

Their paths tell operations of one method apart by marks in the query that no client sends (`?BlockBlob`, `&acquire`), and
Data Lake's declares numbers and flags where the service, and so the emulator, writes everything as text. It also
demands of every change of a path the mode that means something to recursive ones alone.
"""

import re
from urllib.parse import parse_qsl, urlsplit


def documented(entry):
    """An exchange with the marks that the documents want; None for one that was refused for its form."""
    if (entry.get("response") or {}).get("status") in (400, 401, 405, 411, 501):
        return None
    if entry["service"] == "acr":
        return registry(entry)
    if entry["service"] in ("blob", "dfs"):
        # An empty body is one, and the official client sends lists without members.
        entry["request"]["body"] = entry["request"]["body"] or {"bytes": 0}
        entry["url"] = entry["url"].replace("include=&", "").removesuffix("&include=")
    if entry["service"] == "blob":
        marks = blob_marks(entry)
        if marks:
            entry["url"] += ("&" if "?" in entry["url"] else "?") + "&".join(mark if "=" in mark else mark + "=" for mark in marks)
    if entry["service"] == "dfs":
        if entry["method"] == "PATCH" and "action=setProperties" in entry["url"] and "mode=" not in entry["url"]:
            entry["url"] += "&mode=set"
        body = entry["response"].get("body") or {}
        for path in body.get("paths", []):
            path["contentLength"] = int(path["contentLength"])
            if "isDirectory" in path:
                path["isDirectory"] = path["isDirectory"] == "true"
    return entry


def registry(entry):
    """A registry's exchange as its document has it: names without slashes, and links of uploads without a name before them.
    None for what stands in the distribution specification alone, and for names that no repository has."""
    head, path = re.match(r"(https?://[^/]+)(/.*)", entry["url"].replace("%3A", ":").replace("%2F", "/")).groups()
    path = re.sub(r"^/v2/[^?]*/blobs/uploads/([0-9a-f-]+)", r"/\1", path)
    named = re.match(r"^(/v2/|/acr/v1/)(.+?)(/(?:manifests|blobs|tags|_tags|_manifests)\b.*|\?.*|$)", path)
    if named and not named[2].startswith("_"):
        path = named[1] + named[2].replace("/", "-") + named[3]
    if path.split("?")[0].endswith("/blobs/uploads/") and "mount=" not in path:
        return None
    if path.split("?")[0].endswith("/tags/list") or ".." in path:
        return None
    return {**entry, "url": head + path}


def blob_marks(entry):
    parts = urlsplit(entry["url"])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    headers = {name.lower(): value for name, value in entry["request"]["headers"].items()}
    comp, is_container = query.get("comp"), query.get("restype") == "container"
    has_source = "x-ms-copy-source" in headers
    if entry["method"] == "PUT" and comp is None and "restype" not in query:
        if has_source and "x-ms-blob-type" not in headers:
            return ["comp=copy"] + (["sync"] if "x-ms-requires-sync" in headers else [])
        return [headers.get("x-ms-blob-type", "BlockBlob")] + (["fromUrl"] if has_source else [])
    if comp == "lease":
        return [headers.get("x-ms-lease-action", "acquire")]
    if comp == "list" and is_container:
        return ["hierarchy" if "delimiter" in query else "flat"]
    if comp == "block" and has_source:
        return ["fromURL"]
    if comp == "properties" and "restype" not in query:
        return ["SetHTTPHeaders"]
    return []


def shape(entry):
    """What tells an exchange from others that the documents judge alike."""
    parts = urlsplit(entry["url"])
    names = sorted(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return (entry["service"], entry["method"], tuple(names), tuple(sorted(entry["request"]["headers"])),
            (entry["response"] or {}).get("status"), parts.path.count("/") > 1)
