"""Prints the speed of Sluice as ratios against its peers; below 1 Sluice is faster.

Both sides of a figure run in turns (A B A B …) on the same data; the ratio is the median of the rounds' ratios, once of
the wall clock and once of user CPU seconds, which tell more on a machine that has other work. `make bench` runs this.

    run.py [--rows N] [--rounds N] [NAME…]     NAME: write, read, csv, ndjson, memory, start, inspect,
                                               postgres (with --database-rows N)
"""

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy
import polars
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/Oracle"))
from servers import Postgres  # noqa: E402
CACHE = ROOT / "Benchmarks/.cache"
SLUICE = ROOT / ".build/release/sluice"
DRIVER = ROOT / ".build/release/bench"


# ------------------------------------------------------------------------------------------------------- measuring


def here(work):
    """Runs `work` in this process: (wall, user) seconds."""
    user = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    start = time.perf_counter()
    work()
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_utime - user


def process(*command):
    """Runs a command: (wall, user) seconds."""
    start = time.perf_counter()
    child = subprocess.Popen(
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    message = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed with {child.returncode}: {message.decode()}")
    return wall, usage.ru_utime


def peak_memory(*command):
    """Runs a command: wall seconds, and the peak of its memory in MB.

    Looked up in /proc while it runs: what `wait4` says holds the memory of the process that it was forked from.
    """
    start = time.perf_counter()
    child = subprocess.Popen(
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        for line in Path(f"/proc/{child.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                peak = int(line.split()[1]) / 1024
        time.sleep(0.02)
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed with {child.returncode}")
    return time.perf_counter() - start, peak


class Driver:
    """The Swift side, which works once whenever it is told to."""

    def __init__(self, *arguments):
        self.child = subprocess.Popen(
            [DRIVER, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.child.stdout.readline() != "ready\n":
            sys.exit(f"{DRIVER} {arguments} did not start")

    def __call__(self):
        self.child.stdin.write("go\n")
        self.child.stdin.flush()
        wall, user = self.child.stdout.readline().split()
        return float(wall), float(user)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait()


def compare(name, rounds, ours, peers, bar=None):
    """Prints a line for each peer. The first round warms up and does not count."""
    times = {"sluice": [], **{peer: [] for peer in peers}}
    for number in range(rounds + 1):
        for who, work in [("sluice", ours), *peers.items()]:
            measured = work()
            if number > 0:
                times[who].append(measured)
    for index, peer in enumerate(peers):
        wall = statistics.median(a[0] / b[0] for a, b in zip(times["sluice"], times[peer]))
        user = statistics.median(a[1] / max(b[1], 1e-3) for a, b in zip(times["sluice"], times[peer]))
        fastest = {who: min(measured) for who, measured in times.items()}
        line = (f"{name:26} {wall:5.2f} × {peer:8} (user CPU {user:5.2f} ×)   sluice {fastest['sluice'][0]:6.2f} s, "
                f"{peer} {fastest[peer][0]:6.2f} s")
        # The bar is against the first peer; others are there to know.
        print(line + (f"   bar {bar:.2f}: {'holds' if wall <= bar else 'MISSED'}" if bar and index == 0 else ""), flush=True)


# ------------------------------------------------------------------------------------------------------------ data


def made(name, make):
    """The path of a file of the cache, made once."""
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        print(f"making {path.relative_to(ROOT)} …", file=sys.stderr)
        make(temporary)
        temporary.rename(path)
    return path


def mixed(rows):
    """Seven columns as tables have them: a key, a category, text, a price, an amount, a moment, a flag; some nulls."""
    random.seed(1)
    r = numpy.random.default_rng(1)
    cities = [f"city {n:03}" for n in range(400)]
    words = ["red", "green", "blue", "small", "large", "fast", "slow", "old", "new", "round", "flat", "wide"]
    notes = [" ".join(random.choices(words, k=random.randint(1, 6))) + f" {n}" for n in range(200_000)]
    return pa.table({
        "id": numpy.arange(rows, dtype=numpy.int64),
        "city": pa.array(cities).take(pa.array(r.integers(0, len(cities), rows))),
        "note": pa.array(notes).take(pa.array(r.integers(0, len(notes), rows))),
        "price": pa.array(numpy.round(r.gamma(2, 40, rows), 2), mask=r.random(rows) < 0.05),
        "amount": pa.array(r.integers(0, 1000, rows).astype(numpy.int32), mask=r.random(rows) < 0.1),
        "at": pa.array(1_700_000_000_000_000 + numpy.cumsum(r.integers(0, 2_000_000, rows)), pa.timestamp("us", "UTC")),
        "paid": r.random(rows) < 0.7,
    })


def source(rows):
    return made(f"mixed-{rows}.parquet", lambda path: pq.write_table(mixed(rows), path, compression="snappy"))


def text(rows, format):
    options = {"csv": "format csv, header", "ndjson": "format json"}[format]
    query = "select * replace (strftime(\"at\" at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as \"at\")"
    return made(f"mixed-{rows}.{format}", lambda path: duckdb.sql(
        f"copy ({query} from '{source(rows)}') to '{path}' ({options})"))


# --------------------------------------------------------------------------------------------------------- figures


def bench_write(options):
    """One thread writes what lies in memory."""
    path = source(options.rows)
    table = pq.read_table(path)
    for codec in ["zstd", "snappy"]:
        theirs = f"{path}.{codec}.pyarrow"

        def peer(codec=codec, theirs=theirs):
            return here(lambda: pq.write_table(table, theirs, compression=codec))

        with Driver("write", path, codec) as ours:
            compare(f"parquet write {codec}", options.rounds, ours, {"pyarrow": peer}, bar=1.0)
        size = os.path.getsize(f"{path}.{codec}.sluice") / os.path.getsize(theirs)
        print(f"{f'parquet size {codec}':26} {size:5.2f} × pyarrow    bar 1.00: {'holds' if size <= 1 else 'MISSED'}")


def bench_read(options):
    """One thread reads all columns."""
    table = pq.read_table(source(options.rows))
    for codec in ["zstd", "snappy"]:
        path = made(f"read-{options.rows}-{codec}.parquet", lambda out, codec=codec: pq.write_table(
            table, out, compression=codec))
        with Driver("read", path) as ours:
            compare(f"parquet read {codec}", options.rounds, ours,
                    {"pyarrow": lambda path=path: here(lambda: pq.read_table(path, use_threads=False))}, bar=1.0)


def bench_text(options, format):
    """Two cores turn text into Parquet, types found from the data."""
    path = text(options.rows // 2, format)
    out = CACHE / "out.parquet"
    duckdb.execute("set threads = 2")
    reader = {"csv": "read_csv", "ndjson": "read_json_auto"}[format]
    scan = {"csv": lambda: polars.scan_csv(path, try_parse_dates=True), "ndjson": lambda: polars.scan_ndjson(path)}[format]
    compare(
        f"{format} to parquet", options.rounds, lambda: process(SLUICE, "convert", path, out, "--quiet"),
        {"duckdb": lambda: here(lambda: duckdb.execute(
            f"copy (select * from {reader}('{path}')) to '{out}' (format parquet, codec 'zstd')")),
         "polars": lambda: here(lambda: scan().sink_parquet(out, compression="zstd"))}, bar=1.0)


def bench_memory(options):
    """The peak of memory over a large CSV file."""
    path = text(options.rows * 4, "csv")
    wall, peak = peak_memory(SLUICE, "convert", path, CACHE / "out.parquet", "--quiet")
    size = os.path.getsize(path) / 1e6
    print(f"{'convert csv, peak memory':26} {peak:5.0f} MB for {size:.0f} MB of CSV in {wall:.1f} s   "
          f"bar 300 MB: {'holds' if peak <= 300 else 'MISSED'}")


def bench_start(options):
    """How long the program takes to say who it is."""
    times = [process(SLUICE, "--version")[0] * 1000 for _ in range(30)]
    best = statistics.median(times)
    print(f"{'sluice --version':26} {best:5.1f} ms (median of 30, least {min(times):.1f})   "
          f"bar 10 ms: {'holds' if best <= 10 else 'MISSED'}")


def bench_inspect(options):
    """How much of a Parquet file `inspect` reads."""
    if not shutil.which("strace"):
        return print(f"{'inspect, bytes read':26} not measured: strace is not installed")
    path = source(options.rows)
    trace = CACHE / "trace"
    process("strace", "-f", "-y", "-e", "trace=read,pread64,readv,preadv,mmap", "-o", trace, SLUICE, "inspect", path,
            "--quiet")
    calls = [line for line in trace.read_text().splitlines() if path.name in line]
    if any("mmap" in line for line in calls):
        return print(f"{'inspect, bytes read':26} not measured: the file is mapped")
    read = sum(max(0, int(line.rsplit("= ", 1)[1].split()[0])) for line in calls)
    footer = int.from_bytes(path.read_bytes()[-8:-4], "little") + 8
    print(f"{'inspect, bytes read':26} {read} of {os.path.getsize(path)}; the footer has {footer}   "
          f"bar footer or 64 KiB: {'holds' if read <= max(footer, 65536) + 64 else 'MISSED'}")


def bench_postgres(options):
    """PostgreSQL → Parquet in the lake → PostgreSQL, against COPY piped into COPY with no lake between."""
    rows = options.database_rows
    with Postgres(shared_buffers="512MB", max_wal_size="8GB") as server:
        server.execute(f"""
            CREATE TABLE orders AS SELECT i AS id, i % 50000 AS customer, 'order ' || i AS name,
                (ARRAY['new', 'paid', 'sent', 'done'])[1 + i % 4] AS state, (i % 100000)::numeric(12,2) / 100 AS amount,
                i / 7.0::float8 AS weight, i % 3 = 0 AS express, date '2020-01-01' + i % 2000 AS day,
                timestamptz '2020-01-01' + i * interval '1 second' AS updated_at,
                CASE WHEN i % 5 = 0 THEN NULL ELSE 'note ' || i % 1000 END AS note
            FROM generate_series(1, {rows}) AS i;
            ALTER TABLE orders ALTER amount TYPE numeric(12,2), ADD PRIMARY KEY (id);
            CREATE TABLE copied (LIKE orders)""")
        server.execute("VACUUM ANALYZE orders")
        folder = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        psql = f"psql -q -h 127.0.0.1 -p {server.port} -U postgres postgres -c"

        def floor():
            server.execute("TRUNCATE copied; CHECKPOINT")
            return process("sh", "-c", f"{psql} 'COPY orders TO STDOUT (FORMAT binary)' | "
                           f"{psql} 'COPY copied FROM STDIN (FORMAT binary)'")

        def command():
            server.execute("DROP TABLE IF EXISTS landed; CHECKPOINT")
            return [SLUICE, "-C", folder, "ingest", "--from", server.url(), "--table", "orders", "--into", "landed",
                    "--warehouse", server.url(), "--lake", folder / "lake", "--quiet"]

        compare(f"postgres lake postgres, {rows // 1_000_000}M", options.rounds, lambda: process(*command()),
                {"COPY": floor}, bar=1.4)
        same = "SELECT count(*) FROM (SELECT * FROM orders EXCEPT ALL SELECT {} FROM landed) AS d"
        columns = "id, customer, name, state, amount, weight, express, day, updated_at, note"
        if server.execute(same.format(columns))[0][0]:
            sys.exit("the rows that landed are not those that were read")
        _, peak = peak_memory(*command())
        print(f"{'… peak memory':26} {peak:5.0f} MB   bar 150 MB: {'holds' if peak <= 150 else 'MISSED'}", flush=True)
        shutil.rmtree(folder)


FIGURES = {
    "start": bench_start, "inspect": bench_inspect, "write": bench_write, "read": bench_read,
    "csv": lambda options: bench_text(options, "csv"), "ndjson": lambda options: bench_text(options, "ndjson"),
    "memory": bench_memory, "postgres": bench_postgres,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--database-rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    print(f"{options.rows} rows of 7 columns, {options.rounds} rounds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"pyarrow {pa.__version__}, DuckDB {duckdb.__version__}, polars {polars.__version__}")
    for name in options.names or FIGURES:
        if name not in FIGURES:
            sys.exit(f"no figure {name}; there are {', '.join(FIGURES)}")
        FIGURES[name](options)


main()
