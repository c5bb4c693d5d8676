"""`sluice lake` as a process, against the emulator: what it writes the official clients read, what they write it reads, and no
name in a store leads a copy out of its folder."""

import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from emulator import azure  # noqa: F401 (a fixture)
from containers import KINDS, Place, files

SIZES = [0, 1, 1000]
# Where requests are cut, and where a copy begins to keep what it has.
LONG_SIZES = [(4 << 20) - 1, (8 << 20) + 1, 35 << 20]


@pytest.fixture(params=KINDS)
def place(azure, request):
    return Place(azure, request.param)


@pytest.fixture
def tree(tmp_path):
    """A folder of files with names and sizes of all kinds."""
    folder = tmp_path / "in"
    (folder / "2026/01").mkdir(parents=True)
    (folder / "empty folder").mkdir()
    (folder / "a.csv").write_bytes(b"a,b\n1,2\n")
    (folder / ".hidden").write_bytes(b"")
    (folder / "2026/ü %41 +&?#=.json").write_bytes(b"{}")
    (folder / "2026/01/b.csv").write_bytes(b"b\n3\n")
    for number, size in enumerate(SIZES):
        (folder / f"2026/{number}.bin").write_bytes(os.urandom(size))
    return folder


def test_a_tree_goes_up_and_comes_back(place, tree, tmp_path):
    for size in LONG_SIZES:
        (tree / f"{size}.bin").write_bytes(os.urandom(size))
    wanted = files(tree)
    up = place.answer("cp", "-r", tree, f"{place.url}/x/y")
    assert (up["copied"], up["identical"], up["failed"]) == (len(wanted), 0, 0)
    assert up["bytes"] == sum(map(len, wanted.values()))
    assert place.files() == {f"x/y/{name}": contents for name, contents in wanted.items()}
    down = place.answer("cp", "-r", f"{place.url}/x/y", tmp_path / "out")
    assert (down["copied"], down["failed"]) == (len(wanted), 0)
    assert files(tmp_path / "out") == wanted


def test_what_the_official_client_writes_is_read(place, tree, tmp_path):
    (tree / "long.bin").write_bytes(os.urandom((8 << 20) + 1))
    wanted = files(tree)
    for name, contents in wanted.items():
        place.put(f"x/{name}", contents)
    place.lake("cp", "-r", f"{place.url}/x/", tmp_path / "out/")
    assert files(tmp_path / "out") == wanted
    assert place.lake("cat", f"{place.url}/x/a.csv", f"{place.url}/x/2026/01/b.csv").out == b"a,b\n1,2\nb\n3\n"
    assert place.lake("cat", "--head", "3", f"{place.url}/x/a.csv").out == b"a,b"
    assert place.lake("cat", "--tail", "2", f"{place.url}/x/a.csv").out == b"2\n"
    assert place.lake("ls", f"{place.url}/x").text.splitlines() == [".hidden", "2026/", "a.csv", "long.bin"]
    assert sorted(place.lake("ls", "-r", f"{place.url}/x").text.splitlines()) == sorted(wanted)
    assert place.lake("ls", f"{place.url}/x/**/*.csv").text.splitlines() == ["2026/01/b.csv", "a.csv"]
    entry = place.answer("stat", f"{place.url}/x/a.csv")["entries"][0]
    assert (entry["path"], entry["bytes"], entry["folder"]) == ("x/a.csv", 8, False)
    assert entry["url"] == f"{place.url}/x/a.csv"


def test_from_store_to_store(azure, tree, tmp_path):
    one, other = Place(azure, "blob"), Place(azure, "dfs")
    one.lake("cp", "-r", tree, one.url)
    # The key is of one account; the other is asked as the machine's identity.
    one.lake("cp", "-r", one.url, f"{other.url}/copy")
    assert other.files() == {f"copy/{name}": contents for name, contents in files(tree).items()}
    other.lake("cp", "-r", f"{other.url}/copy", f"{one.url}/back")
    assert {name.removeprefix("back/"): contents for name, contents in one.files().items()
            if name.startswith("back/")} == files(tree)


@pytest.mark.parametrize("goes_up", [True, False])
def test_what_is_identical_is_passed_over(place, tree, tmp_path, goes_up):
    source, target = (tree, f"{place.url}/x") if goes_up else (f"{place.url}/x", tmp_path / "out")
    if not goes_up:
        place.lake("cp", "-r", tree, source)
    count = len(files(tree))
    assert place.answer("cp", "-r", source, target)["copied"] == count
    before = len(place.exchanges())
    again = place.answer("cp", "-r", source, target)
    assert (again["copied"], again["identical"], again["bytes"]) == (0, count, 0)
    # Neither bytes went up nor any came down.
    asked = place.exchanges()[before:]
    assert not [entry for entry in asked if entry["method"] not in ("GET", "HEAD")]
    assert not [entry for entry in asked if entry["method"] == "GET" and "range" in str(entry["request"]["headers"]).lower()]
    # The same size and other bytes.
    if goes_up:
        (tree / "a.csv").write_bytes(b"a,b\n1,3\n")
    else:
        place.put("x/a.csv", b"a,b\n1,3\n")
    changed = place.answer("cp", "-r", source, target)
    assert [entry["to"].rsplit("/", 1)[1] for entry in changed["files"] if entry["result"] == "copied"] == ["a.csv"]
    assert (changed["copied"], changed["identical"]) == (1, count - 1)
    kept = place.answer("cp", "-r", "--if-absent", source, target)
    assert (kept["copied"], kept["kept"]) == (0, count)
    assert place.answer("cp", "--overwrite", source, target)["copied"] == 2
    assert (place.get("x/a.csv") if goes_up else (tmp_path / "out/a.csv").read_bytes()) == b"a,b\n1,3\n"


@pytest.mark.parametrize("goes_up", [True, False])
def test_a_pattern_chooses(place, tree, tmp_path, goes_up):
    source = tree
    if not goes_up:
        source = f"{place.url}/x"
        place.lake("cp", "-r", tree, source)

    def chosen(*arguments, copy_from=None):
        target = f"{place.url}/to{len(place.names())}" if goes_up else tmp_path / f"to{len(list(tmp_path.iterdir()))}"
        answer = place.answer("cp", *arguments, copy_from or source, target)
        names = [entry["to"].removeprefix(f"{target}/") for entry in answer["files"]]
        return sorted(unquote(name) if goes_up else name for name in names)

    assert chosen("-r", "--pattern", "*.csv") == ["2026/01/b.csv", "a.csv"]
    assert chosen("--pattern", "*.csv") == ["a.csv"]
    assert chosen("-r", "-p", "2026/*.json") == ["2026/ü %41 +&?#=.json"]
    assert chosen("-r", "-p", "{a,b}.csv") == ["2026/01/b.csv", "a.csv"]
    assert chosen(copy_from=f"{source}/**/*.csv") == ["2026/01/b.csv", "a.csv"]
    assert chosen("-r", "-p", "*.xml") == []


def test_one_that_fails_does_not_stop_the_others(azure, place, tree, tmp_path):
    count = len(files(tree))
    azure.faults([{"match": {"path": f"/{place.name}/x/2026/1.bin*"},
                   "do": {"status": 403, "code": "AuthorizationPermissionMismatch"}}])
    up = place.attempt("cp", "-r", tree, f"{place.url}/x")
    azure.faults([])
    assert up.code == 1 and up.text == ""
    assert f"copied {count - 1} objects" in up.err and "1 failed" in up.err and "2026/1.bin" in up.err
    assert place.names() == sorted(f"x/{name}" for name in files(tree) if name != "2026/1.bin")
    (tree / "2026/1.bin").unlink()
    azure.faults([{"match": {"path": f"/{place.name}/x/a.csv", "method": "GET"}, "do": {"status": 404, "code": "BlobNotFound"}}])
    answer = place.answer("cp", "-r", f"{place.url}/x", tmp_path / "out", code=1)
    azure.faults([])
    assert (answer["copied"], answer["failed"]) == (count - 2, 1)
    (failed,) = [entry for entry in answer["files"] if entry["result"] == "failed"]
    assert failed["from"].endswith("/a.csv") and failed["error"]
    assert "a.csv" not in files(tmp_path / "out") and len(files(tmp_path / "out")) == count - 2


def test_a_container_that_is_missing_is_made_when_asked(place, tmp_path):
    (tmp_path / "a").write_text("a")
    missing = place.url.replace(place.name, place.name + "-two")
    refused = place.attempt("cp", tmp_path / "a", missing + "/a")
    assert refused.code == 1 and "--yes" in refused.err
    place.lake("cp", "--yes", tmp_path / "a", missing + "/a")
    assert place.lake("cat", missing + "/a").text == "a"
    # All of one.
    (tmp_path / "in").mkdir()
    (tmp_path / "in/b").write_text("b")
    third = place.url.replace(place.name, place.name + "-three")
    refused = place.attempt("cp", "-r", tmp_path / "in", third)
    assert refused.code == 1 and "--yes" in refused.err and len(refused.err.splitlines()) == 2
    place.lake("cp", "-r", "--yes", tmp_path / "in", third)
    assert place.lake("ls", third).text == "b\n"


def test_removing(place, tree):
    place.lake("cp", "-r", tree, f"{place.url}/x")
    place.lake("cp", tree / "a.csv", f"{place.url}/other")
    many = place.attempt("rm", "-r", f"{place.url}/x")
    assert many.code == 64 and "--yes" in many.err
    folder = place.attempt("rm", "-y", f"{place.url}/x")
    assert folder.code == 64 and "--recursive" in folder.err, folder.err
    assert len(place.names()) == len(files(tree)) + 1
    place.lake("rm", f"{place.url}/x/a.csv")
    place.lake("rm", "-y", f"{place.url}/x/2026/*.bin")
    assert place.names() == ["other", "x/.hidden", "x/2026/01/b.csv", "x/2026/ü %41 +&?#=.json"]
    answer = place.answer("rm", "-ry", f"{place.url}/x")
    assert (answer["removed"], answer["failed"]) == (3, 0)
    assert place.names() == ["other"]
    gone = place.attempt("rm", f"{place.url}/x")
    assert gone.code == 1 and "no such object or folder" in gone.err


# MARK: Names

# What an owner of a store, or whoever may write there, could call objects, and what is to become of each.
HOSTILE = ["../up", "a/../../up", "/etc/absolute", "a//b", "./dot", "a/./b", "..", "back\\slash", "C:drive", "c:\\x",
           "new\nline", "delete\x7f", "..\\..\\up", "a/..", "link/inner", "into"]
HARMLESS = ["ok", "a/b", "...", "..x/y", "x..", "a b", "~", "-rf", "%2e%2e/x", "ü"]


class Store:
    """A server that lists what it likes, and has bytes for every name that it has listed."""

    def __init__(self, names):
        listed = {"/devstoreaccount1/box/" + name for name in names}
        # A character that XML has no other way to hold.
        blobs = "".join(
            "<Blob><Name>%s</Name><Properties><Last-Modified>Sat, 21 Nov 2026 10:00:00 GMT</Last-Modified><Etag>0x1</Etag>"
            "<Content-Length>7</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
            % re.sub("[\n\x7f]", lambda found: f"&#{ord(found[0])};", escape(name)) for name in names)
        listing = f'<?xml version="1.0"?><EnumerationResults><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>'.encode()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_HEAD(self):
                self.do_GET()

            def do_GET(self):
                path = unquote(urlsplit(self.path).path)
                status, body, headers = 200, b"hostile", {"Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT", "ETag": '"0x1"'}
                if "comp=list" in self.path:
                    body, headers = listing, {"Content-Type": "application/xml"}
                elif "restype=container" in self.path:
                    body = b""
                elif path not in listed:
                    status, body, headers = 404, b"", {"x-ms-error-code": "BlobNotFound"}
                elif wanted := re.match(r"bytes=(\d+)-(\d*)", self.headers["x-ms-range"] or self.headers["Range"] or ""):
                    first, last = int(wanted[1]), min(int(wanted[2] or 6), 6)
                    status, body = 206, body[first:last + 1]
                    headers["Content-Range"] = f"bytes {first}-{last}/7"
                self.send_response(status)
                for name, value in {**headers, "x-ms-blob-type": "BlockBlob", "Content-Length": len(body)}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/devstoreaccount1/box"


@pytest.mark.parametrize("folder", ["", "x"])
def test_names_lead_nowhere_else(azure, tmp_path, folder):
    prefix = f"{folder}/" if folder else ""
    store = Store([prefix + name for name in HOSTILE + HARMLESS])
    out, outside = tmp_path / "root/below/out", tmp_path / "outside"
    for path in [out, outside]:
        path.mkdir(parents=True)
    (outside / "into").write_bytes(b"mine")
    (out / "link").symlink_to(outside)
    (out / "into").symlink_to(outside / "into")
    before = {str(path) for path in tmp_path.rglob("*")}
    answer = Place(azure, "blob").answer("cp", "-r", "--overwrite", f"{store.url}/{folder}", out, code=1)
    store.server.shutdown()
    assert (answer["copied"], answer["failed"]) == (len(HARMLESS), len(HOSTILE))
    written = {str(path) for path in tmp_path.rglob("*") if not path.is_dir()} - before
    assert written == {str(out / name) for name in HARMLESS}
    assert (outside / "into").read_bytes() == b"mine" and [path.name for path in outside.iterdir()] == ["into"]
