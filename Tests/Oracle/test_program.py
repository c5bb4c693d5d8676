"""The program as a whole: what a script that calls it relies on."""

import re


def test_version_names_the_program_and_its_version(sluice):
    assert re.match(r"sluice \d+\.\d+\.\d+", sluice("--version").text)


def test_an_unknown_command_is_a_usage_error_on_stderr(attempt):
    result = attempt("inspekt")
    assert result.code == 64
    assert result.out == b""
    assert "inspect" in result.err or "unknown" in result.err.lower()
