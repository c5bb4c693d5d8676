"""`sluice autoscale`: what a formula would do with a load, on paper."""

import json

import pytest

from conftest import run


def rows(*words, code=0, **options):
    done = run("autoscale", *words, "--json", **options)
    assert done.code == code, done.err
    return json.loads(done.text)["rows"]


def test_all_tasks_are_done_within_the_bounds():
    found = rows("--load", "30x5m", "--load", "6x1m@2h", "--nodes", "0..4", "--slots", "2")
    assert found[-1]["ended"] == 36 and found[-1]["nodes"] == 0
    assert max(row["nodes"] for row in found) == 4
    # No more run than there are places, and nodes go when nothing waits.
    assert all(row["running"] <= row["nodes"] * 2 for row in found)
    assert any(row["nodes"] == 0 and 0 < row["ended"] < 36 for row in found)


def test_more_nodes_are_done_sooner_and_spot_nodes_are_wanted_as_such():
    def ended(*words):
        return next(row["seconds"] for row in rows("--load", "40x5m", *words) if row["ended"] == 40)

    assert ended("--nodes", "0..20") < ended("--nodes", "0..2")
    spot = rows("--load", "10x5m", "--spot")
    assert max(row["spotWanted"] for row in spot) == 10 and all(row["wanted"] == 0 for row in spot)


def test_a_formula_of_ones_own(tmp_path):
    (tmp_path / "pool.formula").write_text("$TargetDedicatedNodes = 3;\n")
    found = rows("pool.formula", "--load", "3x5m", cwd=tmp_path)
    assert {row["wanted"] for row in found[1:]} == {3}
    (tmp_path / "bad.formula").write_text("$TargetDedicatedNodes = max(1,;\n")
    done = run("autoscale", "bad.formula", "--load", "3x5m", cwd=tmp_path)
    assert done.code != 0 and "bad.formula" in done.err


@pytest.mark.parametrize("words", [
    [], ["--load", "5"], ["--load", "x5m"], ["--load", "0x5m"], ["--load", "5xsoon"], ["--load", "5x5m@"],
    ["--load", "5x5m", "--nodes", "5..1"], ["--load", "5x5m", "--nodes", "5"], ["--load", "99999999x5m"],
    ["--load", "5x5m", "--interval", "0s"]])
def test_what_is_no_load_is_refused(words):
    done = run("autoscale", *words)
    assert done.code not in (0, 70) and done.err.startswith("error:"), done.err


def test_the_formula_is_shown():
    assert "$PendingTasks" in run("autoscale", "--show").text
