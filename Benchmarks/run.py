"""Prints the speed of Sluice as ratios against its peers; below 1 Sluice is faster.

Both sides of a figure run in turns (A B A B …) on the same data; the ratio is the median of the rounds' ratios, once of
the wall clock and once of user CPU seconds, which tell more on a machine that has other work. `make bench` runs this.

    run.py [--rows N] [--rounds N] [NAME…]     NAME: write, read, csv, ndjson, memory, start, inspect,
                                               postgres (with --database-rows N), generate,
                                               report (with --sales N,…; --huge adds a file of 10 GB),
                                               transfer (with --transfer MB),
                                               odbc (with --database-rows N),
                                               mssql (with SLUICE_TEST_MSSQL set; needs Microsoft's driver)
"""

import argparse
import base64
import datetime
import filecmp
import hashlib
import json
import os
import random
import resource
import shutil
import signal
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
WALK = ROOT / ".build/release/walk"


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
    """Prints a line for each peer, and returns all times. The first round warms up and does not count."""
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
    return times


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


def sales(count):
    """A batch of so many sales; 100,000 have 133 MB."""

    def make(path):
        with open(path, "wb") as file:
            command = [SLUICE, "generate", "sales", "--count", count, "--output", "-", "--quiet"]
            subprocess.run(list(map(str, command)), stdout=file, check=True)

    return made(f"sales-{count}.json", make)


def bench_generate(options):
    """One thread makes up 400 MB of sales: to nowhere, and to the disk, as a file that is safely there."""
    path = sales(300_000)
    folder, copy = CACHE / "generated", CACHE / "copy"
    command = [SLUICE, "generate", "sales", "--count", 300_000, "--quiet", "--overwrite", "--output"]
    size = os.path.getsize(path) / 1e6
    rounds = []
    for _ in range(options.rounds + 1):
        rounds.append([process(*command, "-"), process("cat", path), process(*command, folder),
                       process("dd", f"if={path}", f"of={copy}", "bs=1M", "conv=fsync")])
    for name, ours, peer, bar in [("to /dev/null", 0, 1, 300), ("to disk", 2, 3, None)]:
        rates = [[size / each[who][0] for who in [ours, peer]] for each in rounds[1:]]
        median = statistics.median(ours for ours, _ in rates)
        cpu = statistics.median(size / each[ours][1] for each in rounds[1:])
        ratio = statistics.median(peer / ours for ours, peer in rates)
        print(f"{'generate sales, ' + name:26} {median:5.0f} MB/s (best {max(ours for ours, _ in rates):.0f}; {cpu:.0f} MB/s of user CPU)   "
              f"{ratio:.2f} × the time of {['cat', 'dd with fsync'][peer // 2]}, {statistics.median(peer for _, peer in rates):.0f} MB/s"
              + (f"   bar {bar} MB/s: {'holds' if median >= bar else 'MISSED'}" if bar else ""), flush=True)
    shutil.rmtree(folder)
    copy.unlink()


def walk_program():
    """The bare walk, built when it is older than its source."""
    source = ROOT / "Benchmarks/Walk/walk.cpp"
    if not WALK.exists() or WALK.stat().st_mtime < source.stat().st_mtime:
        WALK.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["g++", "-O3", "-std=c++17", source, "-lsimdjson", "-o", WALK], check=True)
    return WALK


class Walk:
    """The bare walk over one file, which it holds in memory: loads and walks afresh, then walks what it holds."""

    def __init__(self, path):
        self.child = subprocess.Popen(
            [walk_program(), "--serve", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.child.stdout.readline() != "ready\n":
            sys.exit(f"{WALK} did not start")

    def __call__(self):
        self.child.stdin.write("go\n")
        self.child.stdin.flush()
        whole, whole_cpu, alone, alone_cpu = map(float, self.child.stdout.readline().split())
        return {"load + walk": (whole, whole_cpu), "walk alone": (alone, alone_cpu)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait()


def processor_time(*command):
    """Runs a command: seconds of the clock, and of the processor, the system's included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall, _ = process(*command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def report_command(path, threads):
    """A report that reads its input, whatever was reported before."""
    out = CACHE / "report"
    shutil.rmtree(out, ignore_errors=True)
    return [SLUICE, "report", path, "--output", out, "--threads", threads, "--again", "--quiet"]


def bare_report_command(path, threads):
    """A report that is handed over on standard output: reading, checking, summing up, and nothing that a walk does not need."""
    return [SLUICE, "report", path, "--output", "-", "--threads", threads, "--quiet"]


def bench_report(options):
    """A whole `sluice report`, process start and all, against a bare walk of simdjson over the same fields: the report alone,
    for which the bar is, and one into a folder, with the hash of the input, page, logs, ledger and waits for the disk."""
    for count in options.sales:
        path = sales(count)
        size = f"{os.path.getsize(path) / 1e6:,.0f} MB"
        times = {}
        with Walk(path) as walk:
            for number in range(options.rounds + 1):
                found = walk()
                for threads in [1, 2]:
                    found[threads] = processor_time(*bare_report_command(path, threads))
                    found[f"folder {threads}"] = processor_time(*report_command(path, threads))
                for who, measured in found.items():
                    if number > 0:
                        times.setdefault(who, []).append(measured)
        for threads, bar in [(1, 1.15), (2, 0.65), ("folder 1", None), ("folder 2", None)]:
            for peer in ["load + walk", "walk alone"]:
                ratio, cpu = (statistics.median(a[kind] / b[kind] for a, b in zip(times[threads], times[peer]))
                              for kind in [0, 1])
                wall = {who: [measured[0] for measured in times[who]] for who in [threads, peer]}
                shown = [f"{min(wall[who]):.3f} s, median {statistics.median(wall[who]):.3f}" for who in wall]
                verdict = f"bar {bar:.2f}: {'holds' if ratio <= bar else 'MISSED'}" if bar and peer == "load + walk" else ""
                print(f"{f'report {size}, {threads} thread' + 's' * (str(threads)[-1] > '1'):34} {ratio:5.2f} × {peer:11} "
                      f"(CPU {cpu:5.2f} ×)   sluice best {shown[0]}; {peer} best {shown[1]}   {verdict}", flush=True)
        memory = [peak_memory(*report_command(path, threads))[1] for threads in [1, 2]]
        print(f"{'… peak memory':26} {memory[0]:5.0f} MB, two threads {memory[1]:.0f} MB, "
              f"load + walk {peak_memory(walk_program(), '--once', path)[1]:.0f} MB   "
              f"bar 150 MB: {'holds' if max(memory) <= 150 else 'MISSED'}", flush=True)
    bench_report_peers(sales(options.sales[0]))
    if options.huge:
        bench_report_huge()
    shutil.rmtree(CACHE / "report", ignore_errors=True)


def bench_report_peers(path):
    """Others that read the same file, for comparison: once each."""

    def with_python():
        spent, sold, days = {}, {}, {}
        with open(path, encoding="utf-8") as file:
            for sale in json.load(file)["transactions"]:
                if sale["status"] != "completed":
                    continue
                key = sale["customer"]["customer_id"]
                spent[key] = spent.get(key, 0.0) + sale["total"]
                day = sale["timestamp"][:10]
                days[day] = days.get(day, 0.0) + sale["total"]
                for item in sale["line_items"]:
                    sold[item["product_id"]] = sold.get(item["product_id"], 0.0) + item["subtotal"]

    def with_duckdb():
        duckdb.execute("set threads = 2")
        duckdb.sql(f"select count(*), sum(t.total) from (select unnest(transactions) as t from read_json('{path}', "
                   f"maximum_object_size={os.path.getsize(path) + 1}))").fetchall()

    ours = min(process(*report_command(path, 2))[0] for _ in range(3))
    for name, work in [("Python json, four sums", with_python), ("DuckDB loads and sums", with_duckdb),
                       ("polars loads", lambda: polars.read_json(path))]:
        wall = here(work)[0]
        print(f"{'… ' + name:26} {wall:5.2f} s, report on two threads {ours:.2f} s: {ours / wall:.2f} ×", flush=True)


def bench_report_huge():
    """The peak of memory over 10 GB, a file that is made and removed."""
    path = sales(7_500_000)
    try:
        wall, peak = peak_memory(*report_command(path, 2))
        size = os.path.getsize(path) / 1e9
        print(f"{'report, peak memory':26} {peak:5.0f} MB for {size:.1f} GB in {wall:.1f} s, {size * 1e3 / wall:.0f} MB/s   "
              f"bar 150 MB: {'holds' if peak <= 150 else 'MISSED'}", flush=True)
    finally:
        path.unlink()


class Emulator:
    """An Azure on this machine, with nothing in it."""

    def __enter__(self):
        CACHE.mkdir(parents=True, exist_ok=True)
        self.folder = tempfile.mkdtemp(dir=CACHE)
        self.child = subprocess.Popen(
            [SLUICE, "emulate", "--json", "--port", "0", "--data", self.folder], stdout=subprocess.PIPE, text=True)
        answer = ""
        while not answer.endswith("}\n"):
            line = self.child.stdout.readline()
            if not line:
                sys.exit("sluice emulate did not start")
            answer += line
        self.url = json.loads(answer)["endpoint"]
        return self

    def peak_memory(self):
        for line in Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return 0

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGINT)
        self.child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def bench_transfer(options):
    """A file into storage and out of it, against curl, which sends and reads it in one request; both ask the emulator.

    A file that Sluice brings here is on the disk when it gets its name. curl leaves that to the system, hence curl and `sync`.
    """
    from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

    account, size = "bench", f"{options.transfer} MB"
    key = base64.b64encode(hashlib.sha512(f"sluice emulator key of {account}".encode()).digest()).decode()
    sas = generate_account_sas(
        account, key, ResourceTypes(container=True, object=True), AccountSasPermissions(read=True, write=True, create=True),
        datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1))

    def random_bytes(out):
        with open(out, "wb") as file:
            for _ in range(options.transfer):
                file.write(os.urandom(1 << 20))

    path = made(f"transfer-{options.transfer}.bin", random_bytes)
    back = CACHE / "transfer.back"
    with Emulator() as emulator:
        os.environ["SLUICE_AZURE_EMULATOR"] = emulator.url
        base = f"{emulator.url}/{account}/data"
        version = ["-H", "x-ms-version: 2023-11-03"]
        process("curl", "-sf", *version, "-X", "PUT", "-H", "Content-Length: 0", f"{base}?restype=container&{sas}")
        up = [SLUICE, "lake", "cp", "--overwrite", path, f"az://{account}/data/ours"]
        down = [SLUICE, "lake", "cp", "--overwrite", f"az://{account}/data/ours", back]
        peer_up = ["curl", "-sf", *version, "-H", "x-ms-blob-type: BlockBlob", "-T", path, f"{base}/theirs?{sas}"]
        peer_down = ["curl", "-sf", *version, "-o", back, f"{base}/theirs?{sas}"]
        for name, ours, peer in [("upload", up, peer_up), ("download", down, peer_down)]:
            peers = {"curl": lambda: process(*peer)}
            if name == "download":
                peers["curl+sync"] = lambda: process("sh", "-c", '"$@" && sync "$0"', back, *peer)
            times = compare(f"{name} {size}", min(options.rounds, 3), lambda: process(*ours), peers)
            user = {who: statistics.median(user for _, user in measured) for who, measured in times.items()}
            print(f"{'… user CPU':26} {user['sluice']:5.2f} s, curl {user['curl']:.2f} s", flush=True)
            print(f"{'… peak memory':26} {peak_memory(*ours)[1]:5.0f} MB, curl {peak_memory(*peer)[1]:.0f} MB", flush=True)
            if name == "download" and not filecmp.cmp(path, back, shallow=False):
                sys.exit("what came back is not what was sent")
        print(f"{'… of the emulator':26} {emulator.peak_memory():5.0f} MB", flush=True)
    back.unlink()


def bench_odbc(options):
    """PostgreSQL through psqlODBC into columns, against pyodbc's `fetchmany` into tuples, with the same driver and cursor."""
    import pyodbc

    rows = options.database_rows
    with Postgres(shared_buffers="512MB") as server:
        server.execute(f"""
            CREATE TABLE orders AS SELECT i::bigint AS id, (i % 50000)::int AS customer, ('order ' || i)::varchar(40) AS name,
                i / 7.0::float8 AS weight, (i % 100000)::numeric(18,4) / 100 AS amount,
                timestamp '2020-01-01' + i * interval '1 second' AS updated_at,
                CASE WHEN i % 3 = 0 THEN NULL ELSE 'note ' || i END::varchar(40) AS note
            FROM generate_series(1, {rows}) AS i;
            ALTER TABLE orders ALTER amount TYPE numeric(18,4)""")
        server.execute("VACUUM ANALYZE orders")
        string = (f"Driver=PostgreSQL Unicode;Servername=127.0.0.1;Port={server.port};UID=postgres;Database=postgres;"
                  "UseDeclareFetch=1;Fetch=10000")
        connection = pyodbc.connect(string)
        connection.setencoding("utf-16le")

        def fetch(columns):
            cursor = connection.cursor()
            cursor.execute(f"SELECT {columns} FROM orders")
            count = 0
            while found := cursor.fetchmany(10_000):
                count += len(found)
            cursor.close()
            if count != rows:
                sys.exit(f"pyodbc brought {count} rows of {rows}")

        for name, columns in [("7 columns", "*"), ("5 columns", "id, name, weight, amount, updated_at")]:
            with Driver("odbc", string, f"SELECT {columns} FROM orders") as ours:
                compare(f"odbc fetch {name}, {rows // 1_000_000}M", min(options.rounds, 3), ours,
                        {"pyodbc": lambda: here(lambda: fetch(columns))}, bar=1 / 1.5)
        connection.close()


def bench_mssql(options):
    """Rows into a SQL Server by bulk copy, against a bare C loop over the same calls. Seconds a round, connecting left out."""
    string = os.environ.get("SLUICE_TEST_MSSQL")
    if not string:
        print("bulk copy: skipped: SLUICE_TEST_MSSQL is not set to the connection string of a SQL Server")
        return
    rows = 200_000
    loop = CACHE / "bcp"
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-o", loop, ROOT / "Benchmarks/BCP/bcp.c", "-ldl"], check=True)

    def bare():
        user = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        rate = float(subprocess.run([loop, str(rows)], check=True, capture_output=True, text=True).stdout)
        return rows / rate, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - user

    with Driver("bulk", string, rows) as ours:
        compare(f"bulk copy, {rows // 1000}k rows", options.rounds, ours, {"C loop": bare}, bar=1 / 0.8)


FIGURES = {
    "start": bench_start, "inspect": bench_inspect, "write": bench_write, "read": bench_read,
    "csv": lambda options: bench_text(options, "csv"), "ndjson": lambda options: bench_text(options, "ndjson"),
    "memory": bench_memory, "postgres": bench_postgres, "generate": bench_generate, "report": bench_report,
    "transfer": bench_transfer, "odbc": bench_odbc, "mssql": bench_mssql,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--database-rows", type=int, default=1_000_000)
    parser.add_argument("--sales", type=lambda text: [int(part) for part in text.split(",")], default=[100_000, 1_000_000])
    parser.add_argument("--transfer", type=int, default=2048, metavar="MB")
    parser.add_argument("--huge", action="store_true")
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
