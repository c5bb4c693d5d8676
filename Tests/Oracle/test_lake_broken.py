"""Copies that break off – killed, interrupted, refused, cut – go on where they ended, and never leave anything that is not whole."""

import itertools
import json
import os
import signal
import time

import pytest
from emulator import azure, wait_until  # noqa: F401 (a fixture)
from containers import KINDS, Place, files
from test_ingest_store import TROUBLES, struck

SIZE = 72 << 20
PIECE = 8 << 20
FOREVER = 60_000


@pytest.fixture(params=KINDS)
def place(azure, request):
    azure.faults([])
    yield Place(azure, request.param)
    azure.faults([])


def blocks(place, name="big"):
    """{id: how often it arrived} of the blocks of an upload by Blob."""
    counts = {}
    for entry in place.exchanges(name):
        if entry["method"] == "PUT" and "comp=block&" in entry["url"] and (entry["response"] or {}).get("status") == 201:
            block = entry["url"].split("blockid=")[1].split("&")[0]
            counts[block] = counts.get(block, 0) + 1
    return counts


def fetched(place, name="big"):
    """How many bytes of an object went down."""
    return sum(
        (entry["response"]["body"] or {}).get("bytes", 0) for entry in place.exchanges(name)
        if entry["method"] == "GET" and entry["response"] and entry["response"]["status"] in (200, 206))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_what_went_up_by_blob_is_not_sent_again(azure, tmp_path, end):
    azure.faults([])
    place = Place(azure, "blob")
    contents = os.urandom(SIZE)
    (tmp_path / "big").write_bytes(contents)
    # Five blocks arrive; those after them take forever.
    azure.faults([{"match": {"path": f"/{place.name}/big", "method": "PUT"}, "skip": 5, "do": {"slow": FOREVER}}])
    process = place.start("cp", tmp_path / "big", f"{place.url}/big")
    assert wait_until(lambda: len(blocks(place)) == 5, 60)
    process.send_signal(end)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == (-9 if end == signal.SIGKILL else 130) and output == b""
    assert end == signal.SIGKILL or b"interrupted" in errors, errors
    azure.faults([])
    assert place.lake("ls", place.url).text == "" and place.names() == []
    place.lake("cp", tmp_path / "big", f"{place.url}/big")
    assert place.get("big") == contents
    counts = blocks(place)
    assert len(counts) > 5 and set(counts.values()) == {1}
    # Bytes that have changed meanwhile are sent.
    assert place.answer("cp", tmp_path / "big", f"{place.url}/big")["identical"] == 1


def test_blocks_of_other_bytes_are_not_taken_for_those_of_now(azure, tmp_path):
    azure.faults([])
    place = Place(azure, "blob")
    (tmp_path / "big").write_bytes(os.urandom(SIZE))
    azure.faults([{"match": {"path": f"/{place.name}/big", "method": "PUT"}, "skip": 5, "do": {"slow": FOREVER}}])
    process = place.start("cp", tmp_path / "big", f"{place.url}/big")
    assert wait_until(lambda: len(blocks(place)) == 5, 60)
    process.kill()
    process.communicate()
    azure.faults([])
    other = os.urandom(SIZE)
    (tmp_path / "big").write_bytes(other)
    place.lake("cp", tmp_path / "big", f"{place.url}/big")
    assert place.get("big") == other


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_what_came_down_is_not_fetched_again(place, tmp_path, end):
    azure, contents = place.azure, os.urandom(SIZE)
    place.put("big", contents)
    before = fetched(place)
    azure.faults([{"match": {"path": f"/{place.name}/big", "method": "GET"}, "skip": 6, "do": {"slow": FOREVER}}])
    process = place.start("cp", f"{place.url}/big", tmp_path / "got")
    assert wait_until(lambda: struck(azure) >= 4, 60)
    # What has arrived is written down in the journal.
    assert wait_until(lambda: any(path.stat().st_size for path in tmp_path.glob(".got.*.journal.partial")), 20)
    time.sleep(0.5)
    process.send_signal(end)
    process.communicate(timeout=20)
    assert process.returncode == (-9 if end == signal.SIGKILL else 130)
    azure.faults([])
    assert not (tmp_path / "got").exists() and place.lake("ls", tmp_path).text == ""
    (journal,) = tmp_path.glob(".got.*.journal.partial")
    there = len(journal.read_text().splitlines())
    assert there > 0
    middle = fetched(place)
    place.lake("cp", f"{place.url}/big", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == contents
    assert fetched(place) - middle == SIZE - there * PIECE
    assert middle - before < SIZE
    assert [path.name for path in tmp_path.iterdir()] == ["got"]


def test_pieces_of_another_version_are_not_used(place, tmp_path):
    azure = place.azure
    place.put("big", os.urandom(SIZE))
    azure.faults([{"match": {"path": f"/{place.name}/big", "method": "GET"}, "skip": 6, "do": {"slow": FOREVER}}])
    process = place.start("cp", f"{place.url}/big", tmp_path / "got")
    assert wait_until(lambda: any(path.stat().st_size for path in tmp_path.glob(".got.*.journal.partial")), 60)
    process.kill()
    process.communicate()
    azure.faults([])
    contents = os.urandom(SIZE)
    place.put("big", contents)
    place.lake("cp", f"{place.url}/big", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == contents
    assert [path.name for path in tmp_path.iterdir()] == ["got"]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_an_upload_by_dfs_that_broke_off_is_seen_by_nobody(azure, tmp_path, end):
    azure.faults([])
    place = Place(azure, "dfs")
    contents = os.urandom(SIZE)
    (tmp_path / "big").write_bytes(contents)
    azure.faults([{"match": {"path": f"/{place.name}/*", "method": "PATCH"}, "skip": 5, "do": {"slow": FOREVER}}])
    process = place.start("cp", tmp_path / "big", f"{place.url}/big")
    assert wait_until(lambda: struck(azure) > 0, 60)
    process.send_signal(end)
    process.communicate(timeout=20)
    assert process.returncode == (-9 if end == signal.SIGKILL else 130)
    azure.faults([])
    assert place.lake("ls", place.url).text == ""
    if end == signal.SIGINT:
        assert place.names() == []
    place.lake("cp", tmp_path / "big", f"{place.url}/big")
    assert place.get("big") == contents
    assert place.lake("ls", place.url).text == "big\n"


def test_a_long_copy_that_is_killed_again_and_again_arrives(place, tmp_path):
    """Whenever the end comes, there is all or nothing; and in the end, all."""
    contents = os.urandom(SIZE)
    (tmp_path / "big").write_bytes(contents)
    for goes_up in (True, False):
        source, target = tmp_path / "big", f"{place.url}/big"
        if not goes_up:
            source, target = target, tmp_path / "got"
        for attempt in range(3):
            process = place.start("cp", source, target)
            time.sleep(0.1 + 0.15 * attempt)
            process.kill()
            process.communicate()
            if goes_up:
                assert [place.get(name) for name in place.names() if ".partial" not in name] in ([], [contents])
            elif (tmp_path / "got").exists():
                assert (tmp_path / "got").read_bytes() == contents
        place.lake("cp", source, target)
        got = place.get("big") if goes_up else (tmp_path / "got").read_bytes()
        assert got == contents
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big", "got"]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda rule: json.dumps(rule["do"]))
def test_a_tree_arrives_whole_whatever_strikes(place, tmp_path, trouble):
    """The same fault at the first, the second, the third … request that it can strike, up and down."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_bytes(os.urandom(100_000))
    (folder / "sub/b").write_bytes(os.urandom((9 << 20) + 1))
    (folder / "sub/empty").write_bytes(b"")
    wanted = files(folder)
    for turn in itertools.count():
        url = f"{place.url}/{turn}"
        place.azure.faults([{**trouble, "skip": turn, "times": 1}])
        up = place.answer("cp", "-r", folder, url)
        hits = struck(place.azure)
        assert (up["copied"] + up["identical"], up["failed"]) == (3, 0)
        place.azure.faults([{**trouble, "skip": turn, "times": 1}])
        down = place.answer("cp", "-r", url, tmp_path / f"out{turn}")
        hits += struck(place.azure)
        place.azure.faults([])
        assert (down["copied"], down["failed"]) == (3, 0)
        assert files(tmp_path / f"out{turn}") == wanted
        assert {name: place.get(f"{turn}/{name}") for name in wanted} == wanted
        assert not [name for name in place.names() if ".partial" in name]
        if not hits or turn > 7:
            break


def test_storage_that_stays_away_is_told(place, tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    place.azure.faults([{"match": {"path": f"/{place.name}*"}, "do": {"throttle": 503, "retryAfter": 0}}])
    one = place.attempt("cp", tmp_path / "a", f"{place.url}/a")
    listed = place.attempt("ls", place.url)
    place.azure.faults([])
    assert one.code in (1, 75) and listed.code == 75 and listed.text == "", (one.code, listed.code)
    for done in (one, listed):
        assert "503" in done.err and place.account in done.err
        assert len(done.err.splitlines()) <= 3, done.err
