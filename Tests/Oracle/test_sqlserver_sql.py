"""Every statement that is said to SQL Server, as the golden files of the warehouse's tests have them, is T-SQL to sqlglot."""

import re

import pytest

from conftest import ROOT

GOLDEN = sorted((ROOT / "Tests/WarehouseTests/SQLServerGolden").glob("*.sql"))


def batches(path):
    text = path.read_text()
    return [batch for batch in re.split(r"^GO$", text, flags=re.M) if batch.strip()]


def plain(batch):
    """A batch without the notes on what is bound, and with other words in place of what sqlglot does not know: THROW, a hint
    of an INSERT, a file of a lake, COPY INTO."""
    batch = re.sub(r"^-- \? = [^\n]*\n", "", batch.lstrip("\n"), flags=re.M)
    batch = re.sub(r"^(INSERT INTO .*?) WITH \(TABLOCK\) \(", r"\1 (", batch, flags=re.M)
    text = r"N'(?:[^']|'')*'"
    batch = re.sub(
        rf"OPENROWSET\(BULK ({text}), DATA_SOURCE = ({text}), FORMAT = 'PARQUET'\)\nWITH", r"OPENJSON(\1, \2) WITH", batch)
    batch = batch.replace("VARCHAR(MAX) COLLATE Latin1_General_100_BIN2_UTF8", "VARCHAR(MAX)")
    batch = re.sub(rf"^COPY INTO (\S+) \(((?:c\d+ \d+(?:, )?)+)\)\nFROM ({text})\nWITH \(FILE_TYPE = 'PARQUET'"
                   r"(?:, CREDENTIAL = \(IDENTITY = 'Managed Identity'\))?\)",
                   lambda m: f"INSERT INTO {m[1]} ({re.sub(r' [0-9]+', '', m[2])}) SELECT * FROM OPENJSON({m[3]})", batch)
    return re.sub(rf"\bTHROW 50000, ({text}), 1", r"SELECT \1", batch)


def test_there_are_files():
    assert len(GOLDEN) >= 13


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_all_of_it_parses(path):
    sqlglot = pytest.importorskip("sqlglot")
    for batch in batches(path):
        statements = sqlglot.parse(plain(batch), dialect="tsql", error_level=sqlglot.ErrorLevel.RAISE)
        assert any(statements), batch
        for statement in statements:
            # What sqlglot does not understand it keeps as a command: nothing of ours but settings and calls may be that.
            if isinstance(statement, sqlglot.exp.Command):
                assert re.match(r"(EXEC|SET|DECLARE|IF)\b", statement.sql(dialect="tsql"), re.I), batch


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_only_what_2019_knows_is_said(path):
    text = path.read_text().upper()
    for word in ["MERGE INTO", "CREATE OR ALTER", "IS NOT DISTINCT", "GREATEST(", "LEAST(", "GENERATE_SERIES", "DATETRUNC",
                 "JSON_OBJECT(", "JSON_ARRAY("]:
        assert word not in text


def test_a_statement_changes_one_table_at_a_time():
    for path in GOLDEN:
        for batch in batches(path):
            # One column for each ALTER TABLE.
            assert len(re.findall(r"\bALTER TABLE\b", batch)) <= 1


def test_the_audit_table_is_the_one_that_was_asked_for():
    text = (ROOT / "Tests/WarehouseTests/SQLServerGolden/books.sql").read_text()
    made = re.search(r"CREATE TABLE \S+ ?\S*\.\[etl_audit_log\] \((.*?)\)\nGO", text, re.S).group(1)
    columns = [re.sub(r"\s+", " ", line).strip().rstrip(",") for line in made.strip().splitlines()]
    assert columns == [
        "id BIGINT IDENTITY(1,1) PRIMARY KEY", "run_id NVARCHAR(64) NOT NULL", "pipeline_name NVARCHAR(256) NOT NULL",
        "source_name NVARCHAR(256) NOT NULL", "protocol NVARCHAR(64) NOT NULL", "target_table NVARCHAR(256) NOT NULL",
        "status NVARCHAR(16) NOT NULL", "rows_loaded BIGINT", "parquet_files INT", "error_message NVARCHAR(MAX)",
        "started_at DATETIMEOFFSET NOT NULL", "finished_at DATETIMEOFFSET"]
