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

CREATE VIEW [map's].[sluice map shop.names] AS
/* sluice map shop.names 18865bad6d722fd0 ledger */
SELECT CAST(N'2F6913DB_CAN2 sluice_84f4c3e810870f1d - 2F6913DB/CAN2/{year}/{month}/{day}/%2A.parquet
alone sluice_84f4c3e810870f1d - alone.parquet
holes sluice_84f4c3e810870f1d - holes/{year}/{month}/{day}/%2A.parquet
mixed sluice_84f4c3e810870f1d - mixed/%2A.parquet
o''brien]]%20"x"%20`y`;%20DROP%20TABLE%20z%20-- sluice_84f4c3e810870f1d - o''brien]]%20"x"%20`y`;%20DROP%20TABLE%20z%20--/%2A.parquet
sales sluice_84f4c3e810870f1d - sales/country={country}/%2A.parquet
types sluice_84f4c3e810870f1d - types/%2A.parquet' AS nvarchar(max)) AS entries
GO

CREATE EXTERNAL TABLE [map's].[2F6913DB_CAN2] (
    [t] datetime2(6),
    [Speed] float,
    [Gear]]] varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8
)
WITH (
    LOCATION = N'/2F6913DB/CAN2/*/*/*/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

CREATE EXTERNAL TABLE [map's].[alone] (
    [id] bigint
)
WITH (
    LOCATION = N'/alone.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
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

CREATE EXTERNAL TABLE [map's].[mixed] (
    [id] bigint
)
WITH (
    LOCATION = N'/mixed/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

CREATE EXTERNAL TABLE [map's].[o'brien]]]] "x" `y`; DROP TABLE z --] (
    [a'b] int,
    [c"d] bit,
    [e]]f`g] date
)
WITH (
    LOCATION = N'/o''brien]] "x" `y`; DROP TABLE z --/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

CREATE EXTERNAL TABLE [map's].[sales] (
    [id] bigint,
    [amount] decimal(14,2)
)
WITH (
    LOCATION = N'/sales/country=*/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

CREATE EXTERNAL TABLE [map's].[types] (
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
)
WITH (
    LOCATION = N'/types/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP EXTERNAL TABLE [map's].[2F6913DB_CAN2]
GO

CREATE EXTERNAL TABLE [map's].[2F6913DB_CAN2] (
    [t] datetime2(6),
    [Speed] float,
    [Gear]]] varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8
)
WITH (
    LOCATION = N'/2F6913DB/CAN2/*/*/*/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP VIEW IF EXISTS [map's].[2F6913DB_CAN2]
GO

CREATE EXTERNAL TABLE [map's].[2F6913DB_CAN2] (
    [t] datetime2(6),
    [Speed] float,
    [Gear]]] varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8
)
WITH (
    LOCATION = N'/2F6913DB/CAN2/*/*/*/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP EXTERNAL TABLE [map's].[alone]
GO

CREATE EXTERNAL TABLE [map's].[alone] (
    [id] bigint
)
WITH (
    LOCATION = N'/alone.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP VIEW IF EXISTS [map's].[alone]
GO

CREATE EXTERNAL TABLE [map's].[alone] (
    [id] bigint
)
WITH (
    LOCATION = N'/alone.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP EXTERNAL TABLE [map's].[holes]
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

DROP EXTERNAL TABLE [map's].[mixed]
GO

CREATE EXTERNAL TABLE [map's].[mixed] (
    [id] bigint
)
WITH (
    LOCATION = N'/mixed/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP VIEW IF EXISTS [map's].[mixed]
GO

CREATE EXTERNAL TABLE [map's].[mixed] (
    [id] bigint
)
WITH (
    LOCATION = N'/mixed/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP EXTERNAL TABLE [map's].[o'brien]]]] "x" `y`; DROP TABLE z --]
GO

CREATE EXTERNAL TABLE [map's].[o'brien]]]] "x" `y`; DROP TABLE z --] (
    [a'b] int,
    [c"d] bit,
    [e]]f`g] date
)
WITH (
    LOCATION = N'/o''brien]] "x" `y`; DROP TABLE z --/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP VIEW IF EXISTS [map's].[o'brien]]]] "x" `y`; DROP TABLE z --]
GO

CREATE EXTERNAL TABLE [map's].[o'brien]]]] "x" `y`; DROP TABLE z --] (
    [a'b] int,
    [c"d] bit,
    [e]]f`g] date
)
WITH (
    LOCATION = N'/o''brien]] "x" `y`; DROP TABLE z --/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP EXTERNAL TABLE [map's].[sales]
GO

CREATE EXTERNAL TABLE [map's].[sales] (
    [id] bigint,
    [amount] decimal(14,2)
)
WITH (
    LOCATION = N'/sales/country=*/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP VIEW IF EXISTS [map's].[sales]
GO

CREATE EXTERNAL TABLE [map's].[sales] (
    [id] bigint,
    [amount] decimal(14,2)
)
WITH (
    LOCATION = N'/sales/country=*/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP EXTERNAL TABLE [map's].[types]
GO

CREATE EXTERNAL TABLE [map's].[types] (
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
)
WITH (
    LOCATION = N'/types/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

DROP VIEW IF EXISTS [map's].[types]
GO

CREATE EXTERNAL TABLE [map's].[types] (
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
)
WITH (
    LOCATION = N'/types/*.parquet',
    DATA_SOURCE = [sluice_84f4c3e810870f1d],
    FILE_FORMAT = [ParquetFormat]
)
GO

ALTER VIEW [map's].[sluice map shop.names] AS
/* sluice map shop.names aaa098d04d353411 ledger */
SELECT CAST(N'2F6913DB_CAN2 sluice_84f4c3e810870f1d 0123456789abcdef 2F6913DB/CAN2/{year}/{month}/{day}/%2A.parquet
alone sluice_84f4c3e810870f1d 0123456789abcdef alone.parquet
holes sluice_84f4c3e810870f1d 0123456789abcdef holes/{year}/{month}/{day}/%2A.parquet
mixed sluice_84f4c3e810870f1d 0123456789abcdef mixed/%2A.parquet
o''brien]]%20"x"%20`y`;%20DROP%20TABLE%20z%20-- sluice_84f4c3e810870f1d 0123456789abcdef o''brien]]%20"x"%20`y`;%20DROP%20TABLE%20z%20--/%2A.parquet
sales sluice_84f4c3e810870f1d 0123456789abcdef sales/country={country}/%2A.parquet
types sluice_84f4c3e810870f1d 0123456789abcdef types/%2A.parquet' AS nvarchar(max)) AS entries
GO
