"""`sluice resize` on (emulated) Batch: shown, asked and done; what it refuses; and what `deploy` and `doctor` say of it."""

import json
import os

import pytest
from emulator import azure, wait_until  # noqa: F401
from test_batch import PLATFORM, account, told  # noqa: F401
from test_emulated_batch import client_of
from test_report_job import project


@pytest.fixture
def shop(azure, account, tmp_path):  # noqa: F811
    """A project whose job is deployed to a pool of at most four nodes, none of which is there."""
    pool = "pool" + os.urandom(3).hex()
    cloud = {**PLATFORM, "pool": pool, "program": "/bin/true", "max_nodes": 4}
    project(tmp_path, input="az://shopinputs/batch-input/in/", output="az://shopinputs/batch-output", platform="cloud")
    with (tmp_path / "sluice.yaml").open("a") as file:
        file.write(f"platforms:\n  cloud: {json.dumps(cloud)}\n")
    told(azure, tmp_path, "deploy", "sales", "--yes")
    batch = client_of(azure, "shopbatch")
    assert wait_until(lambda: batch.get_pool(pool).allocation_state == "steady")

    def call(*words, **options):
        return told(azure, tmp_path, *words, **options)

    call.pool, call.nodes = pool, lambda: len(list(batch.list_nodes(pool)))
    yield call
    told(azure, tmp_path, "undeploy", "sales", "--yes")


def test_a_size_is_shown_set_and_given_back(shop):
    shown = shop("resize", "cloud", "2", "--plan")
    assert shown.text == (
        f"cloud, {shop.pool}: 0 nodes now\n  ~ size  as the formula says → 2 nodes\n"
        "  cost: 2 nodes of Standard_D2s_v3, whether something runs there or not\n")
    # There is nobody to ask.
    refused = shop("resize", "cloud", "2", code=64)
    assert "--yes" in refused.err and shop.nodes() == 0
    done = shop("resize", "cloud", "2", "--yes", "--wait")
    assert done.text.endswith(f"cloud: {shop.pool} has 2 nodes\n") and shop.nodes() == 2
    again = shop("resize", "cloud", "2", "--yes", "--wait")
    assert "~ size" not in again.text and f"{shop.pool} has 2 nodes" in again.text
    plan = shop("deploy", "sales", "--plan").text
    assert "- nodes" in plan and "2 nodes, set by hand" in plan and "deploying has the formula decide again" in plan
    assert "2 nodes now, 2 nodes set by hand" in shop("doctor", "sales", code=None).text
    answer = json.loads(shop("resize", "cloud", "4", "--spot", "3", "--yes", "--wait", "--json").text)
    assert answer["applied"] and answer["decides"] == "hand" and answer["wanted"] == {"nodes": 1, "spot": 3}
    assert (answer["size"]["nodes"], answer["size"]["spot"], answer["size"]["isChanging"]) == (1, 3, False)
    back = shop("resize", "cloud", "auto", "--yes")
    assert "4 nodes, 3 of them spot → as the formula says" in back.text
    assert wait_until(lambda: shop.nodes() == 0)
    assert "as it is declared" in shop("deploy", "sales", "--plan").text


@pytest.mark.parametrize("words, said", [
    (["cloud", "5"], "0 to 4 were expected"), (["cloud", "many"], "a number, or auto"),
    (["cloud", "-3"], "-3"), (["cloud", "2", "--spot", "3"], "3 of 2 nodes"),
    (["cloud", "auto", "--spot", "1"], "--spot goes with a number"), (["cloud", "99999999999999999999"], "a number, or auto"),
])
def test_what_nobody_can_mean_is_refused(shop, words, said):
    refused = shop("resize", *words, "--yes", code=64)
    assert said in refused.err and shop.nodes() == 0


def test_what_has_no_nodes_says_so(shop):
    refused = shop("resize", "local", "2", "--yes", code=None)
    assert refused.code not in (0, None) and '"local" keeps no nodes' in refused.err and "type batch" in refused.err
