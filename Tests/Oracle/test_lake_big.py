"""Large files into storage and out of it, by the release build: what it brings side by side must come together as it was.

Only a release build mixes up what debug builds keep apart, and only with more than a few blocks on their way.
"""

import hashlib
import random

import pytest
from emulator import azure  # noqa: F401 (a fixture)

SIZE = 300 * 1000 * 1000 + 17
PLACES = {
    "blob": "az://flatbig/data",
    "dfs": "abfss://data@devlake.dfs.core.windows.net",
    "dfs-flat": "abfss://more@flatbig.dfs.core.windows.net",
}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A file without a hole or a repetition, and its digest."""
    path = tmp_path_factory.mktemp("big") / "big.bin"
    generator = random.Random(300)
    with open(path, "wb") as file:
        left = SIZE
        while left > 0:
            file.write(generator.randbytes(min(left, 1 << 22)))
            left -= 1 << 22
    yield path, digest(path)
    path.unlink()


@pytest.fixture
def lake(azure, sluice):  # noqa: F811
    """`lake("cp", a, b)` against the emulator."""

    def call(account, *arguments):
        env = {"SLUICE_AZURE_EMULATOR": azure.http, "AZURE_STORAGE_ACCOUNT": account,
               "AZURE_STORAGE_KEY": azure.key(account)}
        return sluice("lake", *arguments, env=env)

    return call


@pytest.mark.parametrize("kind", PLACES)
def test_a_large_file_comes_back_as_it_went(kind, big, lake, azure, tmp_path):  # noqa: F811
    path, wanted = big
    place, account = PLACES[kind], "devlake" if kind == "dfs" else "flatbig"
    lake(account, "cp", "--yes", path, f"{place}/in/big.bin")
    back = tmp_path / "back.bin"
    lake(account, "cp", f"{place}/in/big.bin", back)
    assert back.stat().st_size == SIZE
    assert digest(back) == wanted
    # The same bytes are known to be the same, whoever is asked.
    for source, target in [(path, f"{place}/in/big.bin"), (f"{place}/in/big.bin", back)]:
        answer = lake(account, "cp", source, target)
        assert "had the same bytes already" in answer.text + answer.err
    back.unlink()
    # From one store to another, through this machine.
    if kind == "blob":
        lake(account, "cp", f"{place}/in/big.bin", f"{place}/copy.bin")
        lake(account, "cp", f"{place}/copy.bin", back)
        assert digest(back) == wanted
    lake(account, "rm", f"{place}/in/big.bin")


def test_many_files_side_by_side_come_back_as_they_went(lake, azure, tmp_path, rng):  # noqa: F811
    here, back = tmp_path / "here", tmp_path / "back"
    here.mkdir()
    wanted = {}
    for number in range(24):
        path = here / f"{number:02}.bin"
        path.write_bytes(rng.randbytes(rng.choice([0, 1, 1000, 4 << 20, (4 << 20) + 1, 9_000_000])))
        wanted[path.name] = digest(path)
    for account, place in [("flatbig", "az://flatbig/many"), ("devlake", "abfss://many@devlake.dfs.core.windows.net")]:
        lake(account, "cp", "--yes", here, f"{place}/in")
        lake(account, "cp", f"{place}/in", back / account)
        assert {path.name: digest(path) for path in (back / account).iterdir()} == wanted
