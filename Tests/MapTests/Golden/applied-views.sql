CREATE DATABASE [la]]ke] COLLATE Latin1_General_100_BIN2_UTF8
GO

SELECT o.name, RTRIM(o.type), m.definition
FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
WHERE s.name = N'map''s' AND o.parent_object_id = 0
GO

SELECT t.name, d.name
FROM sys.external_tables t JOIN sys.schemas s ON s.schema_id = t.schema_id
JOIN sys.external_data_sources d ON d.data_source_id = t.data_source_id
WHERE s.name = N'map''s'
GO

SELECT entries FROM [map's].[sluice map shop.names]
GO

SELECT 1 FROM sys.symmetric_keys WHERE name = N'##MS_DatabaseMasterKey##'
GO

CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'pass''word'
GO

SELECT 1 FROM sys.database_scoped_credentials WHERE name = N'sluice_identity'
GO

CREATE DATABASE SCOPED CREDENTIAL [sluice_identity] WITH IDENTITY = 'Managed Identity'
GO

IF EXISTS (SELECT 1 FROM sys.external_data_sources WHERE name = N'sluice_84f4c3e810870f1d' AND location <> N'https://lake1.dfs.core.windows.net/raw')
THROW 50000, N'The data source is there, and has another location: remove it, or give the job another.', 1
GO

SELECT 1 FROM sys.external_data_sources WHERE name = N'sluice_84f4c3e810870f1d'
GO

CREATE EXTERNAL DATA SOURCE [sluice_84f4c3e810870f1d] WITH (LOCATION = N'https://lake1.dfs.core.windows.net/raw', CREDENTIAL = [sluice_identity])
GO

SELECT 1 FROM sys.external_file_formats WHERE name = N'ParquetFormat'
GO

CREATE EXTERNAL FILE FORMAT [ParquetFormat] WITH (FORMAT_TYPE = PARQUET)
GO

SELECT 1 FROM sys.schemas WHERE name = N'map''s'
GO

EXEC(N'CREATE SCHEMA [map''s]')
GO

CREATE VIEW [map's].[2F6913DB_CAN2] AS
/* sluice map shop.names bfd22ee8dbb891de 2F6913DB/CAN2/{year}/{month}/{day}/%2A.parquet */
SELECT
    r.[t],
    r.[Speed],
    r.[Gear]]],
    CAST(r.filepath(1) AS int) AS [year],
    CAST(r.filepath(2) AS int) AS [month],
    CAST(r.filepath(3) AS int) AS [day]
FROM OPENROWSET(
    BULK N'2F6913DB/CAN2/*/*/*/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [t] datetime2(6),
    [Speed] float,
    [Gear]]] varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8
) AS r
GO

CREATE VIEW [map's].[alone] AS
/* sluice map shop.names 9e29197825facba4 alone.parquet */
SELECT
    r.[id]
FROM OPENROWSET(
    BULK N'alone.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
GO

DROP VIEW IF EXISTS [map's].[go]]ne]
GO

CREATE VIEW [map's].[holes] AS
/* sluice map shop.names ab184bad3bc457eb holes/{year}/{month}/{day}/%2A.parquet */
SELECT
    r.[id],
    CAST(p.[year] AS int) AS [year],
    CAST(p.[month] AS int) AS [month],
    CAST(p.[day] AS int) AS [day]
FROM OPENROWSET(
    BULK (
        N'holes/2024/01/01/a.parquet'
    ), DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
JOIN (VALUES
    (N'/holes/2024/01/01/a.parquet', 2024, 01, 01)
) AS p ([sluice path], [year], [month], [day])
    ON RIGHT(r.filepath(), LEN(p.[sluice path])) = p.[sluice path]
GO

CREATE VIEW [map's].[mixed] AS
/* sluice map shop.names 229a114c3e6e9793 mixed/%2A.parquet */
SELECT
    r.[id]
FROM OPENROWSET(
    BULK N'mixed/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
GO

CREATE VIEW [map's].[o'brien]]]] "x" `y`; DROP TABLE z --] AS
/* sluice map shop.names dc8d72978c91f69b o'brien]]%20"x"%20`y`;%20DROP%20TABLE%20z%20--/%2A.parquet */
SELECT
    r.[a'b],
    r.[c"d],
    r.[e]]f`g]
FROM OPENROWSET(
    BULK N'o''brien]] "x" `y`; DROP TABLE z --/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [a'b] int,
    [c"d] bit,
    [e]]f`g] date
) AS r
GO

CREATE VIEW [map's].[sales] AS
/* sluice map shop.names 91e385b9823f42c0 sales/country={country}/%2A.parquet */
SELECT
    r.[id],
    r.[amount],
    CAST(NULLIF(r.filepath(1), '__HIVE_DEFAULT_PARTITION__') AS varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8) AS [country]
FROM OPENROWSET(
    BULK N'sales/country=*/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [id] bigint,
    [amount] decimal(14,2)
) AS r
GO

CREATE VIEW [map's].[types] AS
/* sluice map shop.names 06dbbe061365cc10 types/%2A.parquet */
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
    BULK N'types/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [a] smallint,
    [b] tinyint,
    [c] smallint,
    [d] bigint,
    [e] decimal(20,0),
    [f] real,
    [g] varbinary(8000),
    [h] uniqueidentifier,
    [i] varchar(max) COLLATE Latin1_General_100_BIN2_UTF8,
    [j] time(6),
    [k] datetime2(7),
    [l] varchar(max) COLLATE Latin1_General_100_BIN2_UTF8,
    [m] varchar(max) COLLATE Latin1_General_100_BIN2_UTF8,
    [n] varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8
) AS r
GO

ALTER VIEW [map's].[2F6913DB_CAN2] AS
/* sluice map shop.names bfd22ee8dbb891de 2F6913DB/CAN2/{year}/{month}/{day}/%2A.parquet */
SELECT
    r.[t],
    r.[Speed],
    r.[Gear]]],
    CAST(r.filepath(1) AS int) AS [year],
    CAST(r.filepath(2) AS int) AS [month],
    CAST(r.filepath(3) AS int) AS [day]
FROM OPENROWSET(
    BULK N'2F6913DB/CAN2/*/*/*/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [t] datetime2(6),
    [Speed] float,
    [Gear]]] varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8
) AS r
GO

ALTER VIEW [map's].[alone] AS
/* sluice map shop.names 9e29197825facba4 alone.parquet */
SELECT
    r.[id]
FROM OPENROWSET(
    BULK N'alone.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
GO

ALTER VIEW [map's].[holes] AS
/* sluice map shop.names ab184bad3bc457eb holes/{year}/{month}/{day}/%2A.parquet */
SELECT
    r.[id],
    CAST(p.[year] AS int) AS [year],
    CAST(p.[month] AS int) AS [month],
    CAST(p.[day] AS int) AS [day]
FROM OPENROWSET(
    BULK (
        N'holes/2024/01/01/a.parquet'
    ), DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
JOIN (VALUES
    (N'/holes/2024/01/01/a.parquet', 2024, 01, 01)
) AS p ([sluice path], [year], [month], [day])
    ON RIGHT(r.filepath(), LEN(p.[sluice path])) = p.[sluice path]
GO

ALTER VIEW [map's].[mixed] AS
/* sluice map shop.names 229a114c3e6e9793 mixed/%2A.parquet */
SELECT
    r.[id]
FROM OPENROWSET(
    BULK N'mixed/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
GO

ALTER VIEW [map's].[o'brien]]]] "x" `y`; DROP TABLE z --] AS
/* sluice map shop.names dc8d72978c91f69b o'brien]]%20"x"%20`y`;%20DROP%20TABLE%20z%20--/%2A.parquet */
SELECT
    r.[a'b],
    r.[c"d],
    r.[e]]f`g]
FROM OPENROWSET(
    BULK N'o''brien]] "x" `y`; DROP TABLE z --/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [a'b] int,
    [c"d] bit,
    [e]]f`g] date
) AS r
GO

ALTER VIEW [map's].[sales] AS
/* sluice map shop.names 91e385b9823f42c0 sales/country={country}/%2A.parquet */
SELECT
    r.[id],
    r.[amount],
    CAST(NULLIF(r.filepath(1), '__HIVE_DEFAULT_PARTITION__') AS varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8) AS [country]
FROM OPENROWSET(
    BULK N'sales/country=*/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [id] bigint,
    [amount] decimal(14,2)
) AS r
GO

ALTER VIEW [map's].[types] AS
/* sluice map shop.names 06dbbe061365cc10 types/%2A.parquet */
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
    BULK N'types/*.parquet', DATA_SOURCE = N'sluice_84f4c3e810870f1d', FORMAT = 'PARQUET'
) WITH (
    [a] smallint,
    [b] tinyint,
    [c] smallint,
    [d] bigint,
    [e] decimal(20,0),
    [f] real,
    [g] varbinary(8000),
    [h] uniqueidentifier,
    [i] varchar(max) COLLATE Latin1_General_100_BIN2_UTF8,
    [j] time(6),
    [k] datetime2(7),
    [l] varchar(max) COLLATE Latin1_General_100_BIN2_UTF8,
    [m] varchar(max) COLLATE Latin1_General_100_BIN2_UTF8,
    [n] varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8
) AS r
GO
