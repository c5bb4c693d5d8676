"""Fixtures of the oracle tests: the release binary on one side, pyarrow, DuckDB and polars on the other.

Random tests draw from a seed that is the same every time, so that a change is judged by what it changed. Other seeds
look elsewhere: SLUICE_SEED=random, as `make test-long` does, or the number that a failure printed.
"""

import os
import random
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("SLUICE", ROOT / ".build/release/sluice"))
SEED = os.environ.get("SLUICE_SEED") or "11"
SEED = random.SystemRandom().randrange(1, 1 << 32) if SEED == "random" else int(SEED)


# Whatever the program sends in any test is recorded, and held against the official documents by the last one.
os.environ.setdefault("SLUICE_TRACES", tempfile.mkdtemp(prefix="sluice-traces-"))
os.environ.setdefault("SLUICE_HTTP_TRACE", os.path.join(os.environ["SLUICE_TRACES"], "client.jsonl"))


def pytest_report_header(config):
    return f"sluice: {BINARY}   SLUICE_SEED={SEED}"


def pytest_configure(config):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there; build it with: make build", returncode=2)


def pytest_runtest_makereport(item, call):
    if call.excinfo and "rng" in getattr(item, "fixturenames", ()):
        item.add_report_section(call.when, "seed", f"repeat with SLUICE_SEED={SEED}")


@pytest.fixture
def rng(request):
    """A source of randomness of the test's own, so that tests can be repeated one by one."""
    return random.Random(f"{SEED}/{request.node.nodeid}")


class Result:
    """What a run of the program gave."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr.decode("utf-8", "replace")

    @property
    def text(self):
        return self.out.decode("utf-8")


def run(*arguments, input=None, cwd=None, timeout=120, env=None):
    """Runs the program and returns whatever came of it."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)], input=input, cwd=cwd, capture_output=True, timeout=timeout, check=False,
        stdin=subprocess.DEVNULL if input is None else None, env={**os.environ, **(env or {})})
    return Result(done)


@pytest.fixture(scope="session")
def sluice():
    """`sluice("convert", a, b)` succeeds, or the test fails and shows both streams."""

    def succeed(*arguments, **options):
        result = run(*arguments, **options)
        if result.code != 0:
            command = " ".join(["sluice", *map(str, arguments)])
            out = result.out[:4000].decode("utf-8", "replace")
            pytest.fail(f"$ {command}\nexit code {result.code}\nstdout: {out}\nstderr: {result.err[:4000]}")
        return result

    return succeed


@pytest.fixture(scope="session")
def attempt():
    """`attempt("convert", a, b)` returns the result whatever the exit code; a crash by signal fails the test."""

    def tried(*arguments, **options):
        result = run(*arguments, **options)
        assert result.code >= 0, f"killed by signal {-result.code}\nstderr: {result.err[-4000:]}"
        assert "Fatal error" not in result.err, result.err[-4000:]
        return result

    return tried
