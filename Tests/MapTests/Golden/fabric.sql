-- SQL names for abfss://raw@lake1.dfs.core.windows.net, made by Sluice: sluice map, job shop.names.
-- Written for Fabric. May be run again at any time; run the mapping again when the lake has changed.

IF NOT EXISTS (SELECT 1 FROM sys.schemas WHERE name = N'map''s')
EXEC(N'CREATE SCHEMA [map''s]')
GO

IF EXISTS (
    SELECT 1 FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
    LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
    WHERE s.name = N'map''s' AND o.name IN (N'2F6913DB_CAN2', N'alone', N'go]ne', N'holes', N'mixed', N'o''brien]] "x" `y`; DROP TABLE z --', N'sales', N'types', N'long gone')
        AND COALESCE(CHARINDEX(N'/* sluice map shop.names ', m.definition), 0) = 0
)
THROW 50000, N'A view or table of one of these names was not made by Sluice; give the job another schema.', 1
GO

DROP VIEW IF EXISTS [map's].[go]]ne]
GO

DROP VIEW IF EXISTS [map's].[long gone]
GO

CREATE OR ALTER VIEW [map's].[2F6913DB_CAN2] AS
/* sluice map shop.names 36604ce3a176f35c 2F6913DB/CAN2/{year}/{month}/{day}/%2A.parquet */
SELECT
    r.[t],
    r.[Speed],
    r.[Gear]]],
    CAST(r.filepath(1) AS int) AS [year],
    CAST(r.filepath(2) AS int) AS [month],
    CAST(r.filepath(3) AS int) AS [day]
FROM OPENROWSET(
    BULK N'https://lake1.dfs.core.windows.net/raw/2F6913DB/CAN2/*/*/*/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [t] datetime2(6),
    [Speed] float,
    [Gear]]] varchar(8000)
) AS r
GO

CREATE OR ALTER VIEW [map's].[alone] AS
/* sluice map shop.names e869fd88c3129184 alone.parquet */
SELECT
    r.[id]
FROM OPENROWSET(
    BULK N'https://lake1.dfs.core.windows.net/raw/alone.parquet', FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
GO

CREATE OR ALTER VIEW [map's].[holes] AS
/* sluice map shop.names 5d106ea8529d2c37 holes/{year}/{month}/{day}/%2A.parquet */
SELECT
    r.[id],
    CAST(p.[year] AS int) AS [year],
    CAST(p.[month] AS int) AS [month],
    CAST(p.[day] AS int) AS [day]
FROM OPENROWSET(
    BULK (
        N'https://lake1.dfs.core.windows.net/raw/holes/2024/01/01/a.parquet'
    ), FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
JOIN (VALUES
    (N'/holes/2024/01/01/a.parquet', 2024, 01, 01)
) AS p ([sluice path], [year], [month], [day])
    ON RIGHT(r.filepath(), LEN(p.[sluice path])) = p.[sluice path]
GO

CREATE OR ALTER VIEW [map's].[mixed] AS
/* sluice map shop.names b4e929fb8c05a15b mixed/%2A.parquet */
SELECT
    r.[id]
FROM OPENROWSET(
    BULK N'https://lake1.dfs.core.windows.net/raw/mixed/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
GO

CREATE OR ALTER VIEW [map's].[o'brien]]]] "x" `y`; DROP TABLE z --] AS
/* sluice map shop.names a109b0cc61bc56af o'brien]]%20"x"%20`y`;%20DROP%20TABLE%20z%20--/%2A.parquet */
SELECT
    r.[a'b],
    r.[c"d],
    r.[e]]f`g]
FROM OPENROWSET(
    BULK N'https://lake1.dfs.core.windows.net/raw/o''brien]] "x" `y`; DROP TABLE z --/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [a'b] int,
    [c"d] bit,
    [e]]f`g] date
) AS r
GO

CREATE OR ALTER VIEW [map's].[sales] AS
/* sluice map shop.names 5149d9e073dc1a8c sales/country={country}/%2A.parquet */
SELECT
    r.[id],
    r.[amount],
    CAST(NULLIF(r.filepath(1), '__HIVE_DEFAULT_PARTITION__') AS varchar(8000)) AS [country]
FROM OPENROWSET(
    BULK N'https://lake1.dfs.core.windows.net/raw/sales/country=*/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [id] bigint,
    [amount] decimal(14,2)
) AS r
GO

CREATE OR ALTER VIEW [map's].[types] AS
/* sluice map shop.names 5c3557edcc998b3b types/%2A.parquet */
SELECT
    r.[a],
    r.[b],
    r.[c],
    r.[d],
    r.[e],
    r.[f],
    r.[g],
    r.[h],
    r.[i],
    r.[j],
    r.[k],
    r.[l],
    r.[m],
    r.[n]
FROM OPENROWSET(
    BULK N'https://lake1.dfs.core.windows.net/raw/types/*.parquet', FORMAT = 'PARQUET'
) WITH (
    [a] smallint,
    [b] smallint,
    [c] smallint,
    [d] bigint,
    [e] decimal(20,0),
    [f] real,
    [g] varbinary(8000),
    [h] uniqueidentifier,
    [i] varchar(max),
    [j] time(6),
    [k] datetime2(7),
    [l] varchar(max),
    [m] varchar(max),
    [n] varchar(8000)
) AS r
GO
