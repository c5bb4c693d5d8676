"""`sluice convert` as a process: killed, out of room, in pipes, and within its memory."""

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import time

import duckdb
import pyarrow.parquet as pq
import pytest

from conftest import BINARY, run


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A CSV file that takes a while."""
    path = tmp_path_factory.mktemp("large") / "large.csv"
    duckdb.sql(
        "select i as id, 'customer-' || (i * 7919 % 500000) as customer, i / 8 as price, i % 100 as quantity, "
        "md5(i::varchar) as note from range(2000000) t(i)").write_csv(str(path))
    return path


def wait_until_reading(process):
    """Waits until a process is in the midst of its input."""
    while process.poll() is None:
        with open(f"/proc/{process.pid}/io") as counters:
            if int(counters.readline().split()[1]) > 8 << 20:
                return
        time.sleep(0.001)


def test_killed_leaves_nothing(large, tmp_path):
    for delay in (0, 0.1, 0.3):
        process = subprocess.Popen([BINARY, "convert", large, tmp_path / "out.parquet"], stderr=subprocess.DEVNULL)
        wait_until_reading(process)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            assert os.listdir(tmp_path) == []
        else:
            os.remove(tmp_path / "out.parquet")


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_keeps_what_was_there(large, tmp_path, number, code):
    output = tmp_path / "out.parquet"
    output.write_text("old")
    process = subprocess.Popen([BINARY, "convert", large, output], stderr=subprocess.DEVNULL)
    wait_until_reading(process)
    process.send_signal(number)
    assert process.wait(60) == code
    assert output.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.parquet"]


def test_no_room_is_an_error_and_leaves_nothing(large, tmp_path):
    done = subprocess.run(
        [BINARY, "convert", large, tmp_path / "out.parquet"], capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    assert done.returncode == 1
    assert "ile too large" in done.stderr
    assert os.listdir(tmp_path) == []


def test_memory_stays_bounded(large, tmp_path, sluice):
    answer = json.loads(sluice("convert", "--json", large, tmp_path / "out.parquet").text)
    assert answer["rows"] == 2000000
    assert answer["peakMemoryBytes"] < 300 << 20


def test_memory_is_told_of_this_program_and_not_of_the_one_that_started_it(tmp_path):
    (tmp_path / "in.csv").write_text("a,b\n1,x\n")
    # A parent with a gigabyte that is really there; what it starts begins with its peak, as the system counts for `time`.
    parent = (
        "import os, sys; held = bytearray(b'x') * (1 << 30); process = os.fork()\n"
        "if process == 0: os.execv(sys.argv[1], sys.argv[1:])\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))")
    done = subprocess.run(
        [sys.executable, "-c", parent, BINARY, "convert", "--json", tmp_path / "in.csv", tmp_path / "out.parquet"],
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert 1 << 20 < json.loads(done.stdout)["peakMemoryBytes"] < 500 << 20


def test_values_survive(large, tmp_path, sluice):
    result = sluice("convert", large, tmp_path / "out.parquet")
    assert result.code == 0, result.err
    difference = duckdb.connect().execute(
        f"select count(*) from ((from '{large}' except all from '{tmp_path}/out.parquet') union all "
        f"(from '{tmp_path}/out.parquet' except all from '{large}'))").fetchone()[0]
    assert difference == 0
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == 2000000


def test_reader_that_goes_away_is_no_error(large):
    process = subprocess.Popen(
        f"{BINARY} convert -q {large} - --to csv --schema 'id: int64, customer: utf8, price: float64, "
        "quantity: int64, note: utf8' | head -n 2; exit ${PIPESTATUS[0]}", shell=True, executable="/bin/bash",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=60)
    assert out.startswith(b"id,customer")
    assert process.returncode == 0, err
    assert err == b""


def test_standard_input_is_read_twice_when_types_widen(tmp_path):
    rows = "n,t\n" + "".join(f"{i},some text\n" for i in range(300000)) + "1.5,x\n"
    done = subprocess.run(
        [BINARY, "convert", "-", tmp_path / "out.parquet", "--from", "csv"], input=rows.encode(),
        capture_output=True, check=True)
    assert b"reading again" in done.stderr
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.num_rows == 300001
    assert str(table.schema.field("n").type) == "double"


def test_parquet_comes_through_a_pipe(tmp_path, sluice):
    (tmp_path / "a.csv").write_text("a,b\n1,x\n")
    done = subprocess.run(
        f"{BINARY} convert {tmp_path}/a.csv - --to parquet | {BINARY} convert -q - - --to ndjson", shell=True,
        capture_output=True, text=True)
    assert done.stdout == '{"a":1,"b":"x"}\n', done.stderr


def test_gzip_of_several_members(tmp_path, sluice):
    with open(tmp_path / "a.csv.gz", "wb") as file:
        file.write(gzip.compress(b"a,b\n1,x\n") + gzip.compress(b"2,y\n"))
    assert sluice("convert", "-q", tmp_path / "a.csv.gz", "-", "--to", "csv").text == "a,b\n1,x\n2,y\n"
    data = (tmp_path / "a.csv.gz").read_bytes()
    (tmp_path / "cut.csv.gz").write_bytes(data[:-3])
    result = run("convert", tmp_path / "cut.csv.gz", tmp_path / "out.csv")
    assert result.code == 1
    assert "cut" in result.err
    assert not (tmp_path / "out.csv").exists()
