"""The schema of `sales/1` reports, and what more programs may rely on."""

import json
from pathlib import Path

import jsonschema

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/schemas/sales-report-1.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def check_schema(text):
    """Holds the text of a report against the schema."""
    report = json.loads(text, parse_constant=lambda name: 1 / 0)
    errors = [f"{error.json_path}: {error.message[:300]}" for error in VALIDATOR.iter_errors(report)]
    assert not errors, "\n".join(errors[:10])
    return report
