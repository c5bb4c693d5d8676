"""Lakes of Parquet files for the tests of `sluice map`: many tables, schemas that change, names that hurt, damaged files."""

import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# Names of folders that have hurt somebody: quotes of every language, brackets, patterns, injections, other alphabets.
HOSTILE = [
    "o'brien", 'say "hi"', "we[ird]", "semi;colon", "DROP TABLE x;--", "back`tick", "sp ace", "注文", "ÄÖÜ", "a*b", "q?m",
    "per%cent", "per%20cent", "dot.dot", "plus+plus", "hash#tag", "{brace}", "$dollar", "select", "2024", "emoji😀", "br]acket",
    "comma,comma", "x--y", "new\nline", "tab\there",
]


def generation(number, rows, rng):
    """Rows of the first, second or third schema of a table: a column more, types that widen, names in another case."""
    ids = list(range(rows))
    if number == 0:
        return pa.table({"id": pa.array(ids, pa.int32()), "name": [f"n{i}" for i in ids]})
    if number == 1:
        return pa.table({
            "id": pa.array(ids, pa.int64()), "name": [f"ñ{i}" for i in ids],
            "amount": pa.array([i / 4 for i in ids], pa.float32())})
    return pa.table({
        "ID": pa.array(ids, pa.int64()), "name": [f"ñ{i}" for i in ids],
        "amount": pa.array([i / 8 for i in ids], pa.float64()),
        "at": pa.array([1_700_000_000_000_000 + rng.randrange(10**9) for _ in ids], pa.timestamp("us", "UTC"))})


class Lake:
    """A lake in a folder, and how many rows each of its tables has."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.rows = {}
        self.files = 0
        self.broken = []

    def write(self, table, path, data, age=0):
        """Puts a file at `path`, which belongs to `table`; `age` seconds old."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(data, target)
        os.utime(target, (1_800_000_000 - age, 1_800_000_000 - age))
        self.rows[table] = self.rows.get(table, 0) + pq.read_metadata(target).num_rows
        self.files += 1

    def damage(self, path, contents=b"PAR1 this is no Parquet file at all PAR1"):
        """Puts something at `path` that is called like a Parquet file."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents)
        self.broken.append(str(target))


def large_lake(folder, tables=60, files=2000, hostile=HOSTILE):
    """A lake of many tables in three layouts: plain folders, `key=value` folders, and folders of dates."""
    rng = random.Random(7)
    lake = Lake(folder)
    for number in range(tables):
        base = hostile[number] if number < len(hostile) else f"area{number % 5}/table{number}"
        count = files // tables + (1 if number < files % tables else 0)
        for file in range(count):
            step = file * 3 // count
            day = f"{1 + file % 28:02}"
            path = [
                f"{base}/part-{file:05}.parquet",
                f"{base}/year=2024/day={day}/part-{file:05}.parquet",
                f"{base}/2024/05/{day}/part-{file:05}.parquet",
            ][number % 3]
            lake.write(base, path, generation(step, rng.randrange(1, 20), rng), age=10_000 - file)
        if number % 12 == 0:
            path = [f"{base}/zz.parquet", f"{base}/year=2024/day=01/zz.parquet", f"{base}/2024/05/01/zz.parquet"][number % 3]
            lake.damage(path, [b"", b"PAR1", b"no", b"PAR1" + b"x" * 5000 + b"\xff\xff\xff\x7fPAR1", b"x" * 100][number // 12])
    return lake
