"""Malformed rows of text files end no ingest: they lie in the rejects file with line, reason and text, and all others are
loaded. Python's own csv and json modules say which are which."""

import csv
import io
import json
import sqlite3

from conftest import run


def ingest(folder, pattern, *more):
    return run("ingest", "--from", "./in", "--files", pattern, "--into", "t", *more, cwd=folder)


def rejects(folder):
    return [
        json.loads(line)
        for file in sorted((folder / "lake").rglob("*.rejects.ndjson"))
        for line in file.read_text().splitlines()
    ]


def loaded(folder):
    with sqlite3.connect(folder / "warehouse.db") as database:
        return database.execute("SELECT id, name, amount FROM t ORDER BY id").fetchall()


def write(folder, name, text):
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / name).write_bytes(text.encode())


def random_csv(rng, rows):
    """Lines of CSV: some with line ends inside quotes, some with too few or too many fields."""
    out = []
    for number in range(rows):
        name = rng.choice([f"name {number}", f'"a, ""{number}"""', f'"two\nlines {number}"', f'"ü,{number}"'])
        amount = rng.choice(["1.5", "2.25", "", "-3.75"])
        out.append(rng.choices(
            [f"{number},{name},{amount}", f"{number},{name}", f"{number},{name},{amount},x", f"{number}"],
            [20, 1, 1, 1])[0])
    return "id,name,amount\n" + "\n".join(out) + "\n"


def test_ragged_rows_of_csv_are_rejected_and_all_others_loaded(tmp_path, rng):
    text = random_csv(rng, 20_000)
    write(tmp_path, "a.csv", text)
    reader = csv.reader(io.StringIO(text))
    next(reader)
    good, bad, line = [], [], reader.line_num + 1
    lines = text.split("\n")
    for row in reader:
        if len(row) == 3:
            good.append((int(row[0]), row[1], float(row[2]) if row[2] else None))
        else:
            bad.append((line, "\n".join(lines[line - 1:reader.line_num])))
        line = reader.line_num + 1
    result = ingest(tmp_path, "*.csv")
    assert result.code == 3, result.err
    assert loaded(tmp_path) == good
    found = rejects(tmp_path)
    assert [(one["line"], one["raw"]) for one in found] == bad
    assert all("where 3 were expected" in one["reason"] and one["unit"] == "a.csv" for one in found)
    # The file is in the ledger, and its rejects are not written again.
    assert ingest(tmp_path, "*.csv").code == 0
    assert loaded(tmp_path) == good and len(rejects(tmp_path)) == len(bad)


def test_a_bad_row_is_told_once_when_types_turn_out_wider(tmp_path):
    rows = [f"{number},name {number},{number}" for number in range(200_000)]
    rows[10] = "10,short"
    rows[150_000] = "150000,x,0.5"
    rows[150_001] = "150001,x,y,z"
    write(tmp_path, "a.csv", "id,name,amount\n" + "\n".join(rows) + "\n")
    result = ingest(tmp_path, "*.csv")
    assert result.code == 3, result.err
    assert [(one["line"], one["raw"]) for one in rejects(tmp_path)] == [(12, "10,short"), (150_003, "150001,x,y,z")]
    found = loaded(tmp_path)
    assert len(found) == 199_998 and (150_000, "x", 0.5) in found


def test_a_file_without_bad_rows_is_loaded_whole(tmp_path):
    write(tmp_path, "a.csv", "id,name,amount\n1,a,1.5\n2,\"b\"\"\nc\",\n")
    assert ingest(tmp_path, "*.csv").code == 0
    assert loaded(tmp_path) == [(1, "a", 1.5), (2, 'b"\nc', None)]
    assert rejects(tmp_path) == []


def test_a_quote_that_is_never_closed_is_an_error_that_says_where(tmp_path):
    write(tmp_path, "a.csv", "id,name,amount\n1,a,1.5\n2,\"b,2\n3,c,3\n")
    result = ingest(tmp_path, "*.csv")
    assert result.code not in (0, 3)
    assert "still open" in result.err and "line 3" in result.err


def test_lines_that_are_no_objects_are_rejected_and_all_others_loaded(tmp_path, rng):
    lines = []
    for number in range(20_000):
        whole = json.dumps({"id": number, "name": f"é\n\"{number}\" }}{{", "amount": number / 4}, ensure_ascii=rng.random() < 0.5)
        broken = [whole[:rng.randrange(1, len(whole))], whole + "}", whole.replace(":", "", 1), "[1, 2]", "17", '"x"']
        lines.append(rng.choices([whole, rng.choice(broken), ""], [20, 2, 1])[0])
    write(tmp_path, "a.ndjson", "\n".join(lines) + "\n")
    good, bad = [], []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            good.append((row["id"], row["name"], row["amount"]))
        elif line:
            bad.append((number, line))
    result = ingest(tmp_path, "*.ndjson")
    assert result.code == 3, result.err
    assert loaded(tmp_path) == good
    # Blanks at a line's end are no part of what is wrong with it.
    assert [(one["line"], one["raw"]) for one in rejects(tmp_path)] == [(at, line.rstrip(" ")) for at, line in bad]
