"""`sluice generate sales`: what it writes, read by Python's own json."""

import collections
import datetime
import decimal
import gzip
import hashlib
import json
import math
import os
import re
import signal
import subprocess
import time

import pytest

import sales_oracle
from conftest import BINARY, ROOT

KEYS = ["transaction_id", "timestamp", "customer", "line_items", "subtotal", "tax", "shipping_cost", "total",
        "payment_method", "shipping_method", "status", "_is_synthetic_anomaly"]
ITEM_KEYS = ["product_id", "product_name", "category", "quantity", "unit_price", "discount", "subtotal"]
PERSON_KEYS = ["customer_id", "name", "email", "country", "state"]
SHIPPING = {"Standard": "5.99", "Express": "12.99", "Next Day": "24.99", "International": "35.99"}


def parse(text):
    """JSON without NaN and Infinity, numbers exact."""

    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_float=decimal.Decimal, parse_constant=refuse)


def generate(sluice, folder, *options):
    """[(path, document)] of the files that are made."""
    paths = sluice("generate", "sales", "--output", folder, *options).text.splitlines()
    return [(path, parse(open(path, encoding="utf-8").read())) for path in paths]


def about(found, count, share):
    """Whether `found` of `count` is what a share promises, give or take five standard deviations."""
    return abs(found - share * count) <= 5 * math.sqrt(share * (1 - share) * count)


@pytest.fixture(scope="module")
def batches(sluice, tmp_path_factory):
    return generate(sluice, tmp_path_factory.mktemp("sales"), "--count", 5000, "--files", 4, "--anomaly-rate", "0.05")


def test_documents_are_as_the_sample(batches):
    for number, (path, document) in enumerate(batches):
        stamp = f"20250131_00000{number}"
        assert os.path.basename(path) == f"sales_batch_{stamp}_00{number + 1}.json"
        assert list(document) == ["batch_id", "generated_at", "transaction_count", "date_range", "transactions"]
        assert document["batch_id"] == f"batch_{stamp}"
        assert document["generated_at"] == f"2025-01-31T00:00:0{number}Z"
        assert document["date_range"] == {"start": "2025-01-01T00:00:00Z", "end": "2025-01-31T00:00:00Z"}
        assert document["transaction_count"] == len(document["transactions"]) == 5000
        for sale in document["transactions"]:
            assert list(sale) == KEYS and list(sale["customer"]) == PERSON_KEYS
            assert all(list(item) == ITEM_KEYS for item in sale["line_items"])


def test_the_layout_is_that_of_an_indent_of_two(batches):
    path, _ = batches[0]
    text = open(path, encoding="utf-8").read()
    # Money keeps its two digits, which Python's floats would lose.
    text = re.sub(r": (-?\d+\.\d\d)(?=[,\n])", r': "\1"', text)
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def test_everything_adds_up_to_the_cent(batches):
    cent = decimal.Decimal("0.01")
    for _, document in batches:
        for sale in document["transactions"]:
            for item in sale["line_items"]:
                assert item["quantity"] * item["unit_price"] - item["discount"] == item["subtotal"]
                assert item["discount"] <= item["quantity"] * item["unit_price"] * 3 / 10 + cent
            assert sum(item["subtotal"] for item in sale["line_items"]) == sale["subtotal"]
            tax = sale["subtotal"] * 8 / 100
            assert tax.quantize(cent, decimal.ROUND_HALF_UP) == sale["tax"]
            assert str(sale["shipping_cost"]) == SHIPPING[sale["shipping_method"]]
            assert sale["subtotal"] + sale["tax"] + sale["shipping_cost"] == sale["total"]


def test_distributions(batches):
    sales = [sale for _, document in batches for sale in document["transactions"]]
    count = len(sales)
    statuses = collections.Counter(sale["status"] for sale in sales)
    assert set(statuses) == {"completed", "pending", "cancelled"}
    for status, share in [("completed", 0.6), ("pending", 0.2), ("cancelled", 0.2)]:
        assert about(statuses[status], count, share)
    assert about(sum(sale["_is_synthetic_anomaly"] for sale in sales), count, 0.05)
    sizes = collections.Counter(len(sale["line_items"]) for sale in sales)
    assert set(sizes) == {1, 2, 3, 4, 5} and all(about(found, count, 0.2) for found in sizes.values())
    items = [item for sale in sales for item in sale["line_items"]]
    assert about(sum(item["discount"] > 0 for item in items), len(items), 0.15)
    assert len({item["product_id"] for item in items}) == 15 and len({item["category"] for item in items}) == 7
    plain = [item for sale in sales for item in sale["line_items"] if not sale["_is_synthetic_anomaly"]]
    assert {item["quantity"] for item in plain} == {1, 2, 3, 4, 5}
    usual = {"PROD-1001": "79.99", "PROD-1002": "12.99", "PROD-3003": "39.99"}
    for product, price in usual.items():
        ratios = [item["unit_price"] / decimal.Decimal(price) for item in plain if item["product_id"] == product]
        assert 0.799 < min(ratios) < 0.81 and 1.19 < max(ratios) < 1.201
    largest = [max(item["quantity"] for item in sale["line_items"]) for sale in sales if sale["_is_synthetic_anomaly"]]
    assert max(largest) >= 50 and max(largest) <= 100
    assert max(sale["total"] for sale in sales) <= 100_000


def test_ids_times_and_people(batches):
    sales = [sale for _, document in batches for sale in document["transactions"]]
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(uuid.fullmatch(sale["transaction_id"]) for sale in sales)
    assert len({sale["transaction_id"] for sale in sales}) == len(sales)
    days = collections.Counter()
    for sale in sales:
        moment = datetime.datetime.strptime(sale["timestamp"], "%Y-%m-%dT%H:%M:%SZ")
        days[moment.date()] += 1
    assert min(days) == datetime.date(2025, 1, 1) and max(days) == datetime.date(2025, 1, 30)
    assert all(about(found, len(sales), 1 / 30) for found in days.values())
    people = {}
    for sale in sales:
        person = sale["customer"]
        assert re.fullmatch(r"CUST-[1-9]\d{4}", person["customer_id"])
        assert people.setdefault(person["customer_id"], person) == person
        assert (person["state"] is None) == (person["country"] != "USA")
        assert (sale["shipping_method"] == "International") == (person["country"] != "USA")
        assert re.fullmatch(rf"[a-z]+\.[a-z]+\.{person['customer_id'][5:]}@example\.com", person["email"])
    assert len({person["email"] for person in people.values()}) == len(people)
    assert any(not person["name"].isascii() for person in people.values())


def test_every_form_holds_the_same(sluice, tmp_path):
    options = ["--count", 3000, "--seed", 5, "--invalid-rate", "0.1"]
    [(pretty, document)] = generate(sluice, tmp_path / "pretty", *options)
    [(compact, same)] = generate(sluice, tmp_path / "compact", "--compact", *options)
    assert same == document
    text = open(compact, encoding="utf-8").read()
    assert text.count("\n") == 1 and text.endswith("]}\n") and len(text) < 0.75 * os.path.getsize(pretty)
    lines = sluice("generate", "sales", "--format", "ndjson", "-o", "-", *options).text.splitlines()
    assert [parse(line) for line in lines] == document["transactions"]
    packed = sluice("generate", "sales", "-z", "gzip", "-o", tmp_path / "gz", *options).text.strip()
    assert packed.endswith(".json.gz")
    assert gzip.open(packed).read() == open(pretty, "rb").read()
    packed = sluice("generate", "sales", "-z", "zstd:19", "-o", tmp_path / "zst", *options).text.strip()
    assert packed.endswith(".json.zst") and os.path.getsize(packed) < os.path.getsize(pretty) / 5


def test_a_seed_makes_the_same_bytes_wherever_and_whenever(sluice, tmp_path):
    options = ["generate", "sales", "--count", 1000, "--files", 3, "--seed", 0]
    hashes = []
    for number, environment in enumerate([{"TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8"}, {"TZ": "America/New_York"}, {}]):
        made = sluice(*options, "--threads", number + 1, "-o", tmp_path / str(number), env=environment).text.split()
        hashes.append([(os.path.basename(path), hashlib.sha256(open(path, "rb").read()).digest()) for path in made])
    assert hashes[0] == hashes[1] == hashes[2]
    other = sluice(*options[:-1], 1, "-o", tmp_path / "other").text.split()
    assert {hashlib.sha256(open(path, "rb").read()).digest() for path in other}.isdisjoint(
        digest for _, digest in hashes[0])


def test_broken_transactions_are_json_and_counted(sluice, tmp_path):
    done = json.loads(sluice(
        "generate", "sales", "--count", 4000, "--files", 2, "--invalid-rate", "0.3", "--json", "-o", tmp_path).text)
    assert done["transactions"] == 8000 and len(done["files"]) == 2
    for file in done["files"]:
        document = parse(open(file["path"], encoding="utf-8").read())
        assert len(document["transactions"]) == file["transactions"] == 4000
        assert about(file["invalid"], 4000, 0.3) and sum(file["faults"].values()) == file["invalid"]
        assert file["bytes"] == os.path.getsize(file["path"])
    page = (ROOT / "docs/generate.md").read_text()
    listed = re.findall(r"^\| `([a-z-]+)` \|", re.search(r"<!-- faults -->(.*?)<!-- /faults -->", page, re.S).group(1), re.M)
    assert set(listed) == set(done["files"][0]["faults"]) | set(done["files"][1]["faults"])


def test_a_report_rejects_what_is_broken_and_finds_the_rest_sound(sluice, tmp_path):
    """The oracle of reports, which knows nothing of how this is made."""
    options = ["--count", 3000, "--anomaly-rate", "0.2", "--invalid-rate", "0.3", "--json"]
    for format in ["document", "ndjson"]:
        done = json.loads(sluice("generate", "sales", *options, "--format", format, "-o", tmp_path).text)
        path = done["files"][0]["path"]
        found = json.loads(sales_oracle.report((path, open(path, "rb").read())))
        assert found["validation"]["total_transactions"] == 3000
        assert found["validation"]["invalid_transactions"] == done["invalid"] > 0
        wrong = {name: count for name, count in found["anomalies"]["suspicious_counts"].items() if "mismatch" in name}
        assert wrong and not any(wrong.values())
        assert found["anomalies"]["suspicious_counts"]["high_quantity"] > 0
        assert found["anomalies"]["high_value"]["above_threshold"] > 0


def test_what_is_there_is_not_lost(sluice, attempt, tmp_path):
    options = ["generate", "sales", "--count", 100, "--files", 2, "-o", tmp_path]
    paths = sluice(*options).text.split()
    before = [(os.stat(path).st_mtime_ns, open(path, "rb").read()) for path in paths]
    again = sluice(*options)
    assert again.text.split() == paths and "all there already" in again.err
    refused = attempt(*options, "--seed", 8, "--files", 3)
    assert refused.code == 4 and paths[0] in refused.err and "--overwrite" in refused.err
    assert [(os.stat(path).st_mtime_ns, open(path, "rb").read()) for path in paths] == before
    assert sorted(os.listdir(tmp_path)) == sorted(map(os.path.basename, paths))
    sluice(*options, "--seed", 8, "--overwrite")
    assert all(open(path, "rb").read() != old for path, (_, old) in zip(paths, before))


@pytest.mark.parametrize("options, words", [
    (["--count", "-1"], ["--count", '"-1"', "below 0"]),
    (["--count", "many"], ["--count", '"many"', "whole number"]),
    (["--files", "0"], ["--files", '"0"', "1"]),
    (["--anomaly-rate", "1.5"], ["--anomaly-rate", '"1.5"', "0 and 1"]),
    (["--invalid-rate", "nan"], ["--invalid-rate", '"nan"', "number"]),
    (["--days", "0"], ["--days", '"0"', "36525"]),
    (["--start", "2025-02-29"], ["--start", '"2025-02-29"', "not a day"]),
    (["--start", "9999-12-31", "--days", "2"], ["9999-12-31", "9999"]),
    (["--format", "xml"], ["--format", '"xml"', "document, ndjson"]),
    (["--seed", "x"], ["--seed", '"x"', "whole number"]),
    (["-o", "-", "--files", "2"], ["standard output", "2 files", "--output"]),
    (["--compression", "brotli"], ["brotli", "gzip or zstd"]),
])
def test_mistakes_are_explained(attempt, tmp_path, options, words):
    done = attempt("generate", "sales", *options, cwd=tmp_path)
    assert done.code == 64 and done.text == ""
    assert all(word in done.err for word in words), done.err
    assert os.listdir(tmp_path) == []


def test_data_and_answer_do_not_share_standard_output(attempt):
    done = attempt("generate", "sales", "-o", "-", "--json")
    assert done.code == 64 and "transactions" not in done.text
    assert json.loads(done.text)["error"]["message"].startswith("standard output cannot hold both")


def test_memory_does_not_grow_with_the_file(tmp_path):
    """400 MB into nothing."""
    code = "import resource, subprocess, sys; " \
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); " \
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    command = [BINARY, "generate", "sales", "--count", "300000", "-o", "-"]
    peak = int(subprocess.run(["python3", "-c", code, *command], capture_output=True, text=True, check=True).stdout)
    assert peak < 40_000, f"{peak} kB"


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_whoever_stops_it_finds_nothing_half_written(tmp_path, number, code):
    # A file for each processor and one more. Were it not stopped, 4 GB would be written, and no more.
    files = (os.cpu_count() or 1) + 1
    process = subprocess.Popen(
        [BINARY, "generate", "sales", "--count", str(3_000_000 // files), "--files", str(files), "--threads", str(files),
         "-o", tmp_path], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        process.send_signal(number)
        assert process.wait(60) == code
    finally:
        process.kill()
        process.wait()
    assert os.listdir(tmp_path) == []
