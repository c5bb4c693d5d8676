-- SQL names for abfss://raw@lake1.dfs.core.windows.net, made by Sluice: sluice map, job shop.names.
-- Written for DuckDB. May be run again at any time; run the mapping again when the lake has changed.

BEGIN TRANSACTION;

CREATE SCHEMA IF NOT EXISTS "map's";

SELECT error(min(found) || ' is in the schema, and was not made by Sluice; rename it, or give the job another schema')
FROM (
    SELECT view_name AS found, comment FROM duckdb_views() WHERE schema_name = 'map''s'
        AND database_name = current_database()
    UNION ALL
    SELECT table_name, NULL FROM duckdb_tables() WHERE schema_name = 'map''s'
        AND database_name = current_database()
)
WHERE lower(found) IN ('2f6913db_can2', 'alone', 'go]ne', 'holes', 'mixed', 'o''brien]] "x" `y`; drop table z --', 'sales', 'types', 'long gone')
    AND (comment IS NULL OR NOT starts_with(comment, 'sluice map shop.names '))
HAVING count(*) > 0;

DROP VIEW IF EXISTS "map's"."go]ne";

DROP VIEW IF EXISTS "map's"."long gone";

CREATE OR REPLACE VIEW "map's"."2F6913DB_CAN2" AS
SELECT
    CAST("t" AS TIMESTAMP WITH TIME ZONE) AS "t",
    CAST("Speed" AS DOUBLE) AS "Speed",
    CAST("Gear]" AS VARCHAR) AS "Gear]",
    CAST(string_split("sluice file", '/')[-4] AS INTEGER) AS "year",
    CAST(string_split("sluice file", '/')[-3] AS INTEGER) AS "month",
    CAST(string_split("sluice file", '/')[-2] AS INTEGER) AS "day"
FROM read_parquet(
    '/la''ke/2F6913DB/CAN2/*/*/*/*.parquet',
    union_by_name = true, hive_partitioning = false, filename = 'sluice file'
);

COMMENT ON VIEW "map's"."2F6913DB_CAN2" IS 'sluice map shop.names 0af7c9863d3ae49d';

CREATE OR REPLACE VIEW "map's"."alone" AS
SELECT
    CAST("id" AS BIGINT) AS "id"
FROM read_parquet(
    '/la''ke/alone.parquet',
    union_by_name = true, hive_partitioning = false
);

COMMENT ON VIEW "map's"."alone" IS 'sluice map shop.names db14618ebcc69516';

CREATE OR REPLACE VIEW "map's"."holes" AS
SELECT
    CAST("id" AS BIGINT) AS "id",
    CAST(string_split("sluice file", '/')[-4] AS INTEGER) AS "year",
    CAST(string_split("sluice file", '/')[-3] AS INTEGER) AS "month",
    CAST(string_split("sluice file", '/')[-2] AS INTEGER) AS "day"
FROM read_parquet(
    [
        '/la''ke/holes/2024/01/01/a.parquet'
    ],
    union_by_name = true, hive_partitioning = false, filename = 'sluice file'
);

COMMENT ON VIEW "map's"."holes" IS 'sluice map shop.names 7c70b7536886f08c';

CREATE OR REPLACE VIEW "map's"."mixed" AS
SELECT
    CAST("id" AS BIGINT) AS "id",
    CAST("v" AS VARCHAR) AS "v"
FROM read_parquet(
    [
        '/la''ke/mixed/1.parquet'
    ],
    union_by_name = true, hive_partitioning = false
)
UNION ALL
SELECT
    CAST("id" AS BIGINT) AS "id",
    CAST("v" AS VARCHAR) AS "v"
FROM read_parquet(
    [
        '/la''ke/mixed/2.parquet'
    ],
    union_by_name = true, hive_partitioning = false
);

COMMENT ON VIEW "map's"."mixed" IS 'sluice map shop.names 6ccee857c08f2c09';

CREATE OR REPLACE VIEW "map's"."o'brien]] ""x"" `y`; DROP TABLE z --" AS
SELECT
    CAST("a'b" AS INTEGER) AS "a'b",
    CAST("c""d" AS BOOLEAN) AS "c""d",
    CAST("e]f`g" AS DATE) AS "e]f`g"
FROM read_parquet(
    [
        '/la''ke/o''brien]] "x" `y`; DROP TABLE z --/1.parquet'
    ],
    union_by_name = true, hive_partitioning = false
);

COMMENT ON VIEW "map's"."o'brien]] ""x"" `y`; DROP TABLE z --" IS 'sluice map shop.names 8f3b0e716ebe302e';

CREATE OR REPLACE VIEW "map's"."sales" AS
SELECT
    CAST("id" AS BIGINT) AS "id",
    CAST("amount" AS DECIMAL(14,2)) AS "amount",
    CAST("country" AS VARCHAR) AS "country"
FROM read_parquet(
    '/la''ke/sales/country=*/*.parquet',
    union_by_name = true, hive_partitioning = true, hive_types_autocast = false
);

COMMENT ON VIEW "map's"."sales" IS 'sluice map shop.names 373e49f90dd29ac1';

CREATE OR REPLACE VIEW "map's"."types" AS
SELECT
    CAST("a" AS TINYINT) AS "a",
    CAST("b" AS UTINYINT) AS "b",
    CAST("c" AS SMALLINT) AS "c",
    CAST("d" AS UINTEGER) AS "d",
    CAST("e" AS UBIGINT) AS "e",
    CAST("f" AS FLOAT) AS "f",
    CAST("g" AS BLOB) AS "g",
    CAST("h" AS UUID) AS "h",
    CAST("i" AS JSON) AS "i",
    CAST("j" AS TIME) AS "j",
    CAST("k" AS TIMESTAMP_NS) AS "k",
    CAST("l" AS INTEGER[]) AS "l",
    CAST("m" AS STRUCT("x" BIGINT)) AS "m",
    CAST("n" AS VARCHAR) AS "n"
FROM read_parquet(
    '/la''ke/types/*.parquet',
    union_by_name = true, hive_partitioning = false
);

COMMENT ON VIEW "map's"."types" IS 'sluice map shop.names f4ecc97d35cedbd7';

COMMIT;
