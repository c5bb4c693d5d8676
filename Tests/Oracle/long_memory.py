"""Memory does not grow with the data: files of gigabytes, converted under the stated bounds. Run by `make test-long`."""

import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from conftest import BINARY

LINES = {
    "csv": lambda n: f'{n},city {n % 400},"a note, number {n * 7919 % 1000003}",{n % 9973 / 100},2026-01-{n % 28 + 1:02}\n',
    "ndjson": lambda n: f'{{"id":{n},"city":"city {n % 400}","tags":["a{n % 7}","b"],"price":{n % 9973 / 100}}}\n',
}


def fill(path, format, size):
    """Writes a file of about `size` bytes out of one block, again and again; how many rows it has."""
    block = "".join(LINES[format](n) for n in range(200_000)).encode()
    blocks = size // len(block) + 1
    with open(path, "wb") as file:
        if format == "csv":
            file.write(b"id,city,note,price,day\n")
        for _ in range(blocks):
            file.write(block)
    return blocks * 200_000


@pytest.mark.parametrize("format, gigabytes", [("csv", 5), ("ndjson", 10)])
def test_memory_stays_bounded(tmp_path, format, gigabytes):
    path, out = tmp_path / f"large.{format}", tmp_path / "large.parquet"
    rows = fill(path, format, gigabytes << 30)
    # Looked up while it runs: what `wait4` says holds the memory of the process that it was forked from.
    child = subprocess.Popen([BINARY, "convert", "--quiet", path, out], stdin=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        for line in Path(f"/proc/{child.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                peak = int(line.split()[1]) / 1024
        time.sleep(0.05)
    path.unlink()
    assert child.returncode == 0
    assert peak <= 300, f"{peak:.0f} MB"
    metadata = pq.read_metadata(out)
    assert metadata.num_rows == rows
    assert pq.read_table(out, columns=["id"])["id"][-1].as_py() == 199_999
