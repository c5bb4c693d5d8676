"""`sluice report` and jobs of kind report, as somebody uses them: a folder, a project file, and what lies there afterwards."""

import gzip
import json
import os
import re
import shutil
import sqlite3
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ROOT, run
from servers import Postgres

SAMPLE = Path(__file__).with_name("sales_batch.json")


def record(number=1, **changes):
    """A valid record of 21.00, with these changes."""
    return {
        "transaction_id": f"t{number}", "timestamp": f"2025-01-{number % 28 + 1:02}T10:00:00Z", "status": "completed",
        "customer": {"customer_id": f"c{number % 3}", "name": "Ada", "email": "ada@example.com"},
        "line_items": [{"product_id": f"p{number % 2}", "product_name": "Lamp", "category": "Office", "quantity": 2,
                        "unit_price": 9.5, "subtotal": 19}],
        "subtotal": 19, "tax": 1.5, "shipping_cost": 0.5, "total": 21, "payment_method": "Card", **changes}


def batch(path, *records, **members):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"batch_id": path.stem, **members, "transactions": list(records)}))
    return path


def project(folder, rules="", **keys):
    """A project whose job `sales` reports on the folder `in`."""
    lines = "".join(f"    {key}: {json.dumps(value)}\n" for key, value in {"input": "in", **keys}.items())
    (folder / "sluice.yaml").write_text(
        f"project: shop\njobs:\n  sales:\n    kind: report\n{lines}" + (f"    rules: {rules}\n" if rules else ""))


def perform(folder, *options, code=0, **settings):
    """The answer of a run of the job, which has to end with `code`."""
    done = run("run", "sales", "--json", *options, cwd=folder, **settings)
    assert done.code == code, f"exit code {done.code}\n{done.text}\n{done.err}"
    return json.loads(done.text)["report"]


def outputs(folder):
    """{path: text} of all that a run left in `reports`, without logs, and with times taken out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir() or name.startswith(("logs/", ".sluice/")):
            continue
        if path.suffix == ".parquet":
            found[name] = pq.read_table(path).to_pylist()
            continue
        text = path.read_text()
        if path.suffix == ".json":
            document = json.loads(text)
            document["processed_at"] = document["processing_time_seconds"] = None
            found[name] = document
        elif path.suffix == ".html":
            found[name] = "html"
        else:
            found[name] = text
    return found


def report_of(folder, answer):
    return json.loads((folder / answer["report"]).read_text())


# MARK: - A project


def test_a_project_in_an_empty_folder(tmp_path, sluice):
    batch(tmp_path / "in/a.json", record(1), record(2, total=-1))
    batch(tmp_path / "in/deep/b.json", record(3))
    project(tmp_path)
    assert "sluice.yaml is valid" in sluice("validate", cwd=tmp_path).text
    plan = json.loads(sluice("plan", "--json", cwd=tmp_path).text)["jobs"][0]
    assert [(i["name"], i["new"]) for i in plan["inputs"]] == [("in/a.json", True), ("in/deep/b.json", True)]
    assert not (tmp_path / "reports").exists() and not (tmp_path / ".sluice").exists()

    answer = perform(tmp_path)
    assert (answer["status"], answer["written"]) == ("success", 2)
    first = report_of(tmp_path, answer["inputs"][0])
    assert first["input_file"] == "in/a.json"
    assert (first["summary"]["orders"], first["validation"]["invalid_transactions"]) == (1, 1)
    combined = report_of(tmp_path, answer["combined"])
    assert combined["summary"]["total_revenue"] == 42
    assert [i["file"] for i in combined["inputs"]] == ["in/a.json", "in/deep/b.json"]
    rejected = [json.loads(line) for line in (tmp_path / answer["inputs"][0]["rejects"]).read_text().splitlines()]
    assert [(r["index"], r["transaction_id"], r["errors"]) for r in rejected] == [(1, "t2", ["total: -1 is not above 0"])]
    assert answer["inputs"][1]["rejects"] is None
    assert "<!DOCTYPE html>" in (tmp_path / answer["combined"]["page"]).read_text()
    names = [re.sub("[0-9a-f]{12}", "#", Path(i["report"]).name) for i in [*answer["inputs"], answer["combined"]]]
    assert names == ["processed_a_#.json", "processed_b_#.json", "combined_#.json"]

    log = json.loads(Path(tmp_path / answer["inputs"][0]["log"]).read_text())
    assert (log["job_id"], log["input_blob"], log["status"]) == ("sales", "in/a.json", "success")
    assert (log["transactions_processed"], log["valid_transactions"], log["invalid_transactions"]) == (2, 1, 1)
    runs = json.loads(sluice("runs", "--json", cwd=tmp_path).text)
    assert [(r["job"], r["kind"], r["state"]) for r in runs["runs"]] == [("sales", "report", "succeeded")]


def test_a_second_run_does_what_is_new(tmp_path, sluice):
    for number in range(3):
        batch(tmp_path / f"in/{number}.json", record(number))
    project(tmp_path)
    perform(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "reports").rglob("*.*") if path.is_file()}
    answer = perform(tmp_path)
    assert (answer["written"], answer["known"], answer["combined"]["state"]) == (0, 3, "known")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert sorted(path for path in (tmp_path / "reports").rglob("*.*") if path.is_file()) == sorted(before)
    assert "nothing new" in run("run", "sales", cwd=tmp_path).err

    batch(tmp_path / "in/3.json", record(7))
    os.utime(tmp_path / "in/1.json")
    answer = perform(tmp_path)
    assert [i["state"] for i in answer["inputs"]] == ["known"] * 3 + ["written"]
    assert report_of(tmp_path, answer["combined"])["summary"]["orders"] == 4

    # Other rules, other content and a report that somebody removed are new work.
    project(tmp_path, rules="{ max_total: 20 }")
    assert perform(tmp_path)["written"] == 4
    batch(tmp_path / "in/0.json", record(9))
    Path(tmp_path / answer["inputs"][3]["report"]).unlink()
    assert [i["state"] for i in perform(tmp_path)["inputs"]] == ["written", "known", "known", "known"]
    project(tmp_path)
    assert [i["state"] for i in perform(tmp_path)["inputs"]] == ["written", "known", "known", "written"]
    assert perform(tmp_path, "--full-refresh")["written"] == 4


def test_the_combined_report_reads_only_new_files(tmp_path):
    for number in range(2):
        batch(tmp_path / f"in/{number}.json", record(number))
    project(tmp_path)
    perform(tmp_path)
    # What is not there any more can not have been read again; without its partial it has to be.
    batch(tmp_path / "in/2.json", record(5))
    answer = perform(tmp_path)
    assert report_of(tmp_path, answer["combined"])["summary"]["orders"] == 3
    shutil.rmtree(tmp_path / ".sluice/reports/partials")
    batch(tmp_path / "in/3.json", record(6))
    assert report_of(tmp_path, perform(tmp_path)["combined"])["summary"]["orders"] == 4
    for partial in (tmp_path / ".sluice/reports/partials").iterdir():
        partial.write_bytes(partial.read_bytes()[:-70] + b"x" * 70)
    batch(tmp_path / "in/4.json", record(8))
    assert report_of(tmp_path, perform(tmp_path)["combined"])["summary"]["orders"] == 5


def test_files_of_one_name_and_one_content_keep_apart(tmp_path):
    for folder in ["a", "b"]:
        batch(tmp_path / f"in/{folder}/x.json", record(1))
    project(tmp_path)
    answer = perform(tmp_path)
    paths = {i["report"] for i in answer["inputs"]}
    assert len(paths) == 2
    assert {report_of(tmp_path, i)["input_file"] for i in answer["inputs"]} == {"in/a/x.json", "in/b/x.json"}
    assert len({i["log"] for i in answer["inputs"]}) == 2


@pytest.mark.parametrize(("keys", "rules", "place", "says"), [
    ({"fromat": "sales/1"}, "", ":6:5:", 'did you mean "format"?'),
    ({"format": "sales/2"}, "", ":6:13:", "one of sales/1, classic/1 was expected"),
    ({}, "{ max_total: 1e5 }", ":6:25:", "write it with digits alone"),
    ({}, "{ checks: [{ path: a, pattern: '[' }] }", ":6:43:", "extended regular expression"),
    ({"format": "classic/1", "combined": True}, "", ":7:15:", "classic/1 has no combined report"),
])
def test_wrong_settings_are_told_with_their_place(tmp_path, attempt, keys, rules, place, says):
    project(tmp_path, rules=rules, **keys)
    done = attempt("run", "sales", cwd=tmp_path)
    assert done.code == 4
    assert f"sluice.yaml{place}" in done.err and says in done.err
    assert not (tmp_path / "reports").exists()


# MARK: - Failures


def test_one_input_that_fails_leaves_the_others(tmp_path, sluice):
    batch(tmp_path / "in/a.json", record(1))
    (tmp_path / "in/b.json").write_text('{"transactions": [{"transaction_id": "t')
    batch(tmp_path / "in/c.json", record(2))
    project(tmp_path)
    answer = perform(tmp_path, code=3)
    assert (answer["status"], [i["state"] for i in answer["inputs"]]) == ("partial", ["written", "failed", "written"])
    failed = answer["inputs"][1]
    assert failed["report"] is None and "ends before" in failed["error"]
    log = json.loads((tmp_path / failed["log"]).read_text())
    assert (log["status"], log["input_blob"]) == ("failed", "in/b.json") and "ends before" in log["error"]
    assert Path(failed["log"]).match("reports/logs/errors/sales/b_*_error.json")
    assert answer["combined"]["state"] == "failed" and not list((tmp_path / "reports").glob("combined_*"))
    assert [r["state"] for r in json.loads(sluice("runs", "--json", cwd=tmp_path).text)["runs"]] == ["partial"]

    batch(tmp_path / "in/b.json", record(3))
    answer = perform(tmp_path)
    assert [i["state"] for i in answer["inputs"]] == ["known", "written", "known"]
    assert report_of(tmp_path, answer["combined"])["summary"]["orders"] == 3


def test_when_all_inputs_fail_the_run_fails(tmp_path, attempt):
    for name in ["a", "b"]:
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / f"in/{name}.json").write_text("[")
    project(tmp_path)
    done = attempt("run", "sales", cwd=tmp_path)
    assert done.code == 1 and "all 2 inputs failed" in done.err
    assert not list((tmp_path / "reports").glob("*.json"))
    assert attempt("report", "in/a.json", cwd=tmp_path).code == 1
    shutil.rmtree(tmp_path / "in")
    done = attempt("run", "sales", cwd=tmp_path)
    assert done.code == 1 and "there is no such file" in done.err


def test_too_many_invalid_records_fail_and_are_shown(tmp_path):
    batch(tmp_path / "in/a.json", record(1), record(2, total="x"))
    project(tmp_path, rules="{ max_invalid_rate: 50% }")
    perform(tmp_path)
    project(tmp_path, rules="{ max_invalid_rate: 0.49 }")
    answer = perform(tmp_path, code=1)
    assert "1 of 2 records are invalid" in answer["inputs"][0]["error"]
    assert len(list((tmp_path / "reports").glob("*.rejects.ndjson"))) == 2
    assert len(list((tmp_path / "reports").glob("*.json"))) == 1


@pytest.mark.parametrize("step", ["report.read", "report.written", "report.noted", "report.noted:2", "report.combined",
                                  "history.recorded"])
def test_a_run_that_dies_is_done_by_the_next(tmp_path, step):
    for folder in ["whole", "killed"]:
        for number in range(3):
            batch(tmp_path / folder / f"in/{number}.json", record(number), record(number, total=0))
        project(tmp_path / folder, tables="csv", into="sales", threads=1)
    perform(tmp_path / "whole")
    killed = run("run", "sales", cwd=tmp_path / "killed", env={"SLUICE_FAULT": step})
    assert killed.code == -9
    assert not list((tmp_path / "killed/reports").rglob("*.partial"))
    answer = perform(tmp_path / "killed")
    assert answer["written"] + answer["known"] == 3
    assert outputs(tmp_path / "killed/reports") == outputs(tmp_path / "whole/reports")
    tables = [warehouse(tmp_path / folder, "SELECT input, date, orders, revenue FROM sales_daily ORDER BY 1, 2")
              for folder in ["whole", "killed"]]
    assert tables[0] == tables[1] and len(tables[0]) == 3
    answer = perform(tmp_path / "killed")
    assert (answer["known"], answer["combined"]["state"]) == (3, "known")


# MARK: - Tables


def warehouse(folder, sql):
    database = sqlite3.connect(folder / "warehouse.db")
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def test_tables_are_whole_and_exact(tmp_path):
    records = [record(n, total=21 + n / 100) for n in range(250)]
    for number, one in enumerate(records):
        one["customer"]["customer_id"] = f"c{number}"
    batch(tmp_path / "in/a.json", *records, record(251, total=9000, subtotal=1), record(252, status=None))
    project(tmp_path, tables="parquet")
    answer = perform(tmp_path)["inputs"][0]
    report = report_of(tmp_path, answer)
    tables = {Path(path).stem: pq.read_table(tmp_path / path) for path in answer["tables"]}
    assert list(tables) == ["daily", "monthly", "customers", "products", "categories", "anomalies", "errors"]
    assert all(set(table["input"].to_pylist()) <= {"in/a.json"} for table in tables.values())
    daily = tables["daily"]
    assert daily.schema.field("revenue").type == pa.decimal128(38, 2)
    assert [(str(r["date"]), r["orders"], float(r["revenue"])) for r in daily.to_pylist()] == [
        (d["date"], d["orders"], d["revenue"]) for d in report["daily"]]
    assert sum(daily["revenue"].to_pylist()) == Decimal(str(report["summary"]["total_revenue"]))
    # The report has the first hundred, the table all.
    assert len(report["customers"]["list"]) == 100 and report["customers"]["count"] == 250 == len(tables["customers"])
    assert tables["customers"].schema.field("first_at").type == pa.timestamp("us", "UTC")
    path = tmp_path / next(p for p in answer["tables"] if p.endswith("customers.parquet"))
    assert duckdb.sql(f"SELECT sum(total), count(*) FROM '{path}'").fetchall() == [
        (Decimal(str(report["summary"]["total_revenue"])), 250)]
    types = {r["type"] for r in tables["anomalies"].to_pylist()}
    assert {"high_value", "subtotal_mismatch", "total_mismatch"} <= types
    assert tables["errors"].to_pylist() == [{
        "input": "in/a.json", "record_index": 251, "transaction_id": "t252",
        "errors": "status: is null, not a string"}]
    assert tables["categories"].to_pylist()[0]["category"] == "Office"


def test_csv_tables_hold_the_same(tmp_path):
    batch(tmp_path / "in/a.json", *[record(n) for n in range(20)])
    for form in ["parquet", "csv"]:
        project(tmp_path, tables=form)
        perform(tmp_path)
    folder = next((tmp_path / "reports").glob("*.tables"))
    for table in ["daily", "monthly", "customers", "products", "categories"]:
        # Times are told differently by DuckDB; the texts of all else are the same.
        columns = "COLUMNS(lambda c: c NOT IN ('first_at', 'last_at'))::VARCHAR"
        rows = [duckdb.sql(f"SELECT {columns} FROM {source}").fetchall() for source in [
            f"'{folder / table}.parquet'", f"read_csv('{folder / table}.csv', all_varchar = true)"]]
        assert rows[0] == rows[1] and rows[0]


def test_the_warehouse_has_the_rows_of_each_input_once(tmp_path):
    batch(tmp_path / "in/a.json", record(1), record(2))
    batch(tmp_path / "in/b.json", record(3))
    project(tmp_path, into="sales")
    answer = perform(tmp_path)
    count = "SELECT input, sum(orders) FROM sales_daily GROUP BY input ORDER BY input"
    assert warehouse(tmp_path, count) == [("in/a.json", 2), ("in/b.json", 1)]
    runs = {row[0].split("/")[0] for row in warehouse(tmp_path, "SELECT DISTINCT _run_id FROM sales_products")}
    assert runs == {answer_run(tmp_path)}
    perform(tmp_path, "--full-refresh")
    assert warehouse(tmp_path, count) == [("in/a.json", 2), ("in/b.json", 1)]
    batch(tmp_path / "in/a.json", record(1), record(2), record(4))
    perform(tmp_path)
    assert warehouse(tmp_path, count) == [("in/a.json", 3), ("in/b.json", 1)]
    perform(tmp_path)
    assert warehouse(tmp_path, count) == [("in/a.json", 3), ("in/b.json", 1)]
    assert answer["rows_loaded"] > 0
    statuses = warehouse(tmp_path, "SELECT DISTINCT status FROM etl_audit_log")
    assert statuses == [("success",)]


def test_postgres_takes_the_rows_too(tmp_path):
    with Postgres() as server:
        server.execute("CREATE DATABASE reports")
        server.execute("CREATE SCHEMA bi", database="reports")
        for number in range(2):
            batch(tmp_path / f"in/{number}.json", record(number, subtotal=1), record(9, total=0))
        project(tmp_path, into="bi.sales")
        text = (tmp_path / "sluice.yaml").read_text()
        (tmp_path / "sluice.yaml").write_text(f"warehouse: {json.dumps(server.url('reports'))}\n{text}")
        for _ in range(2):
            perform(tmp_path, "--full-refresh")
            assert server.execute("SELECT input, date::text, revenue FROM bi.sales_daily ORDER BY 1", database="reports") \
                == [("in/0.json", "2025-01-01", Decimal("21.00")), ("in/1.json", "2025-01-02", Decimal("21.00"))]
        assert server.execute(
            "SELECT type, expected, found, from_at FROM bi.sales_anomalies WHERE input = 'in/0.json' AND type <> 'high_value'"
            " ORDER BY 1", database="reports") == [
                ("subtotal_mismatch", Decimal("19.00"), Decimal("1.00"), None),
                ("total_mismatch", Decimal("3.00"), Decimal("21.00"), None)]
        assert server.execute("SELECT count(*) FROM bi.sales_errors", database="reports") == [(2,)]


def answer_run(folder):
    """The id of the only run so far."""
    return json.loads(run("runs", "--json", cwd=folder).text)["runs"][-1]["id"]


# MARK: - By flags


def test_a_report_without_a_project(tmp_path, sluice):
    shutil.copy(SAMPLE, tmp_path / "sales.json")
    done = sluice("report", "sales.json", cwd=tmp_path)
    assert "550.61" in done.text and "reports/processed_sales_" in done.err
    assert "nothing new" in sluice("report", "sales.json", cwd=tmp_path).err
    assert "nothing new" not in sluice("report", "sales.json", "--again", cwd=tmp_path).err
    assert len(list((tmp_path / "reports").glob("*.json"))) == 1
    plain = json.loads(sluice("report", "sales.json", "-o", "-", cwd=tmp_path).text)
    packed = gzip.compress(SAMPLE.read_bytes())
    piped = json.loads(sluice("report", "-", "--stdout", input=packed).text)
    assert piped["summary"] == plain["summary"] and piped["input_file"] == "standard input"
    sluice("report", "sales.json", "-o", "one.json", cwd=tmp_path)
    assert json.loads((tmp_path / "one.json").read_text())["summary"] == plain["summary"]
    (tmp_path / "all.zst.d").mkdir()
    answer = json.loads(
        sluice("report", "-", "-o", "piped", "--no-html", "--json", input=packed, cwd=tmp_path).text)
    assert Path(answer["inputs"][0]["report"]).name.startswith("processed_standard input_")
    assert not list((tmp_path / "piped").glob("*.html"))


def test_rules_by_file_and_by_flag(tmp_path, sluice, attempt):
    batch(tmp_path / "a.json", record(1), record(2, total=30, status="paid"))
    (tmp_path / "rules.yaml").write_text("max_total: 25\nrevenue_statuses: [completed, paid]\n")

    def totals(*options):
        report = json.loads(sluice("report", "a.json", "-o", "-", *options, cwd=tmp_path).text)
        return report["summary"]["orders"], report["validation"]["invalid_transactions"]

    assert totals() == (1, 0)
    assert totals("--rules", "rules.yaml") == (1, 1)
    assert totals("--rules", "rules.yaml", "--set", "max_total=100") == (2, 0)
    assert totals("--set", "revenue_statuses=completed,paid") == (2, 0)
    assert totals("--set", "fields.total=amount,total") == (1, 0)
    done = attempt("report", "a.json", "--set", "max_totl=1", cwd=tmp_path)
    assert done.code == 64 and 'did you mean "max_total"?' in done.err
    (tmp_path / "rules.yaml").write_text("max_total: 25\nwindow: never\n")
    done = attempt("report", "a.json", "--rules", "rules.yaml", cwd=tmp_path)
    assert done.code == 4 and "rules.yaml:2:9:" in done.err


def test_partials_of_parts_make_the_report_of_the_whole(tmp_path, sluice, attempt, rng):
    batch(tmp_path / "a.json", *[record(n, total=rng.choice([21, 30, -1])) for n in range(500)])
    whole = json.loads(sluice("report", "a.json", "-o", "-", cwd=tmp_path).text)
    for part in range(1, 5):
        sluice("report", "a.json", "--partial", f"{part}.partial", "--part", f"{part}/4", cwd=tmp_path)
    names = [f"{part}.partial" for part in [3, 1, 4, 2]]
    merged = json.loads(sluice("report", "merge", *names, "-o", "-", cwd=tmp_path).text)
    for report in [whole, merged]:
        report["processed_at"] = report["processing_time_seconds"] = None
    assert merged == whole
    for _ in range(2):
        sluice("report", "merge", "*.partial", "-o", "out", cwd=tmp_path)
    assert len(list((tmp_path / "out").glob("combined_*.json"))) == 1
    done = attempt("report", "merge", *names[:3], "-o", "out", cwd=tmp_path)
    assert done.code == 4 and "2" in done.err
    assert attempt("report", "merge", names[0], names[0], "-o", "out", cwd=tmp_path).code == 4
    assert attempt("report", "a.json", "--partial", "x", "--part", "5/4", cwd=tmp_path).code == 64


# MARK: - The task container


def task(folder, env, code=0):
    base = {"STORAGE_ACCOUNT_NAME": "shop", "INPUT_BLOB_NAME": "in/a.json", "SLUICE_STORAGE_ROOT": str(folder)}
    env = {key: value for key, value in {**base, **env}.items() if value is not None}
    clean = {key: "" for key in ["INPUT_CONTAINER", "OUTPUT_CONTAINER", "LOGS_CONTAINER", "JOB_ID", "TASK_ID"]}
    done = run("report", "--from-env", env={**clean, **dict.fromkeys(set(base) - set(env), ""), **env})
    assert done.code == code, f"exit code {done.code}\n{done.err}"
    return done


def test_a_task_does_what_its_environment_says(tmp_path):
    batch(tmp_path / "shop/batch-input/in/a.json", record(1), record(2, total=0))
    assert task(tmp_path, {"JOB_ID": "j", "TASK_ID": "task-0"}).out == b""
    out = sorted(path.name for path in (tmp_path / "shop/batch-output").iterdir())
    assert [re.sub("[0-9a-f]{12}", "#", name) for name in out] == ["processed_a_#.json", "processed_a_#.rejects.ndjson"]
    report = json.loads((tmp_path / "shop/batch-output" / out[0]).read_text())
    assert (report["format"], report["input_file"], report["status"]) == ("sales/1", "in/a.json", "success")
    (log,) = (tmp_path / "shop/batch-logs/logs/j").iterdir()
    assert re.fullmatch(r"task-0_\d{8}_\d{6}\.json", log.name)
    log = json.loads(log.read_text())
    assert {key: log[key] for key in ["job_id", "task_id", "input_blob", "output_blob", "status"]} == {
        "job_id": "j", "task_id": "task-0", "input_blob": "in/a.json", "output_blob": out[0], "status": "success"}
    assert [log[f"{kind}transactions{end}"] for kind, end in [("", "_processed"), ("valid_", ""), ("invalid_", "")]] \
        == [2, 1, 1]
    # Again: the same names, however often.
    task(tmp_path, {})
    assert sorted(path.name for path in (tmp_path / "shop/batch-output").iterdir()) == out


def test_a_classic_task_says_whose_it_is(tmp_path):
    batch(tmp_path / "shop/from/in/a.json", record(1))
    task(tmp_path, {"INPUT_CONTAINER": "from", "OUTPUT_CONTAINER": "to", "LOGS_CONTAINER": "notes",
                    "SLUICE_REPORT_FORMAT": "classic/1"})
    (path,) = (tmp_path / "shop/to").iterdir()
    report = json.loads(path.read_text())
    assert list(report)[-1] == "task_metadata"
    assert report["task_metadata"] == {
        "job_id": "unknown-job", "task_id": "unknown-task", "input_blob": "in/a.json", "input_container": "from",
        "output_container": "to"}
    assert list((tmp_path / "shop/notes/logs/unknown-job").iterdir())


@pytest.mark.parametrize("form", ["sales/1", "classic/1"])
@pytest.mark.parametrize("text", [None, "", "[1", '{"transactions": [null'])
def test_a_task_that_fails_says_so(tmp_path, form, text):
    (tmp_path / "shop/batch-input/in").mkdir(parents=True)
    if text is not None:
        (tmp_path / "shop/batch-input/in/a.json").write_text(text)
    done = task(tmp_path, {"JOB_ID": "j", "TASK_ID": "t", "SLUICE_REPORT_FORMAT": form}, code=1)
    log = json.loads((tmp_path / "shop/batch-logs/logs/errors/j/t_error.json").read_text())
    assert list(log) == ["job_id", "task_id", "status", "error", "timestamp"]
    assert (log["job_id"], log["task_id"], log["status"]) == ("j", "t", "failed")
    assert log["error"] and "a.json" in done.err
    assert not list((tmp_path / "shop/batch-output").glob("*.json"))
    assert not (tmp_path / "shop/batch-logs/logs/j").exists()


@pytest.mark.parametrize(("env", "says"), [
    ({"STORAGE_ACCOUNT_NAME": None}, "Required environment variable 'STORAGE_ACCOUNT_NAME' is not set"),
    ({"INPUT_BLOB_NAME": None}, "Required environment variable 'INPUT_BLOB_NAME' is not set"),
    ({"INPUT_BLOB_NAME": "../secret.json"}, "INPUT_BLOB_NAME is '../secret.json'"),
    ({"INPUT_BLOB_NAME": "/etc/passwd"}, "INPUT_BLOB_NAME is '/etc/passwd'"),
    ({"INPUT_BLOB_NAME": "a/./b"}, "INPUT_BLOB_NAME"),
    ({"STORAGE_ACCOUNT_NAME": ".."}, "STORAGE_ACCOUNT_NAME is '..'"),
    ({"OUTPUT_CONTAINER": "../out"}, "OUTPUT_CONTAINER is '../out'"),
    ({"JOB_ID": "../../x"}, "JOB_ID is '../../x'"),
    ({"SLUICE_REPORT_FORMAT": "sales"}, "SLUICE_REPORT_FORMAT is 'sales'"),
])
def test_a_task_with_a_wrong_environment_fails(tmp_path, env, says):
    (tmp_path / "secret.json").write_text('{"transactions": []}')
    batch(tmp_path / "shop/batch-input/in/a.json", record(1))
    assert says in task(tmp_path, env, code=1).err
    assert not (tmp_path / "shop/batch-output").exists()
    if not env.keys() & {"STORAGE_ACCOUNT_NAME", "JOB_ID"}:
        (log,) = (tmp_path / "shop/batch-logs/logs/errors").rglob("*.json")
        assert says.split(" is ")[0] in json.loads(log.read_text())["error"]


def test_a_log_that_cannot_be_written_is_only_told(tmp_path):
    batch(tmp_path / "shop/batch-input/in/a.json", record(1))
    (tmp_path / "shop/batch-logs").write_text("in the way")
    assert "the log could not be written" in task(tmp_path, {}).err
    assert list((tmp_path / "shop/batch-output").glob("*.json"))
    assert "the log could not be written" in task(tmp_path, {"INPUT_BLOB_NAME": "none"}, code=1).err


def test_the_example_runs(tmp_path, sluice):
    shutil.copytree(ROOT / "examples/sales", tmp_path / "sales")
    sluice("validate", cwd=tmp_path / "sales")
    answer = perform(tmp_path / "sales")
    assert (answer["status"], answer["inputs"][0]["valid_transactions"]) == ("success", 3)
