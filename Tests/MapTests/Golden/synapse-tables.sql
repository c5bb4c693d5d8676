-- SQL names for abfss://raw@lake1.dfs.core.windows.net, made by Sluice: sluice map, job shop.names.
-- Written for Synapse serverless SQL. May be run again at any time; run the mapping again when the lake has changed.

IF NOT EXISTS (SELECT 1 FROM sys.symmetric_keys WHERE name = N'##MS_DatabaseMasterKey##')
CREATE MASTER KEY ENCRYPTION BY PASSWORD = '$(MASTER_KEY_PASSWORD)'
GO

IF NOT EXISTS (SELECT 1 FROM sys.database_scoped_credentials WHERE name = N'sluice_identity')
CREATE DATABASE SCOPED CREDENTIAL [sluice_identity] WITH IDENTITY = 'Managed Identity'
GO

IF EXISTS (SELECT 1 FROM sys.external_data_sources WHERE name = N'ParquetDataLake' AND location <> N'https://lake1.dfs.core.windows.net/raw')
THROW 50000, N'The data source is there, and has another location: remove it, or give the job another.', 1
GO

IF NOT EXISTS (SELECT 1 FROM sys.external_data_sources WHERE name = N'ParquetDataLake')
CREATE EXTERNAL DATA SOURCE [ParquetDataLake] WITH (LOCATION = N'https://lake1.dfs.core.windows.net/raw', CREDENTIAL = [sluice_identity])
GO

IF NOT EXISTS (SELECT 1 FROM sys.external_file_formats WHERE name = N'ParquetFormat')
CREATE EXTERNAL FILE FORMAT [ParquetFormat] WITH (FORMAT_TYPE = PARQUET)
GO

IF NOT EXISTS (SELECT 1 FROM sys.schemas WHERE name = N'map''s')
EXEC(N'CREATE SCHEMA [map''s]')
GO

IF EXISTS (
    SELECT 1 FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
    LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
    WHERE s.name = N'map''s' AND o.name IN (N'2F6913DB_CAN2', N'alone', N'go]ne', N'holes', N'mixed', N'o''brien]] "x" `y`; DROP TABLE z --', N'sales', N'types', N'long gone')
        AND COALESCE(CHARINDEX(N'/* sluice map shop.names ', m.definition), 0) = 0
        AND NOT EXISTS (
            SELECT 1 FROM sys.external_tables t
            JOIN sys.external_data_sources d ON d.data_source_id = t.data_source_id
            WHERE t.object_id = o.object_id AND d.name = N'ParquetDataLake')
)
THROW 50000, N'A view or table of one of these names was not made by Sluice; give the job another schema.', 1
GO

IF EXISTS (SELECT 1 FROM sys.external_tables t JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE s.name = N'map''s' AND t.name = N'go]ne')
DROP EXTERNAL TABLE [map's].[go]]ne]
GO

DROP VIEW IF EXISTS [map's].[go]]ne]
GO

IF EXISTS (SELECT 1 FROM sys.external_tables t JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE s.name = N'map''s' AND t.name = N'long gone')
DROP EXTERNAL TABLE [map's].[long gone]
GO

DROP VIEW IF EXISTS [map's].[long gone]
GO

IF OBJECT_ID(N'[map''s].[2F6913DB_CAN2]') IS NULL
CREATE EXTERNAL TABLE [map's].[2F6913DB_CAN2] (
    [t] datetime2(6),
    [Speed] float,
    [Gear]]] varchar(8000) COLLATE Latin1_General_100_BIN2_UTF8
)
WITH (
    LOCATION = N'/2F6913DB/CAN2/*/*/*/*.parquet',
    DATA_SOURCE = [ParquetDataLake],
    FILE_FORMAT = [ParquetFormat]
)
GO

IF OBJECT_ID(N'[map''s].[alone]') IS NULL
CREATE EXTERNAL TABLE [map's].[alone] (
    [id] bigint
)
WITH (
    LOCATION = N'/alone.parquet',
    DATA_SOURCE = [ParquetDataLake],
    FILE_FORMAT = [ParquetFormat]
)
GO

IF EXISTS (SELECT 1 FROM sys.external_tables t JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE s.name = N'map''s' AND t.name = N'holes')
DROP EXTERNAL TABLE [map's].[holes]
GO

CREATE OR ALTER VIEW [map's].[holes] AS
/* sluice map shop.names 562c773d7264d476 holes/{year}/{month}/{day}/%2A.parquet */
SELECT
    r.[id],
    CAST(p.[year] AS int) AS [year],
    CAST(p.[month] AS int) AS [month],
    CAST(p.[day] AS int) AS [day]
FROM OPENROWSET(
    BULK (
        N'holes/2024/01/01/a.parquet'
    ), DATA_SOURCE = N'ParquetDataLake', FORMAT = 'PARQUET'
) WITH (
    [id] bigint
) AS r
JOIN (VALUES
    (N'/holes/2024/01/01/a.parquet', 2024, 01, 01)
) AS p ([sluice path], [year], [month], [day])
    ON RIGHT(r.filepath(), LEN(p.[sluice path])) = p.[sluice path]
GO

IF OBJECT_ID(N'[map''s].[mixed]') IS NULL
CREATE EXTERNAL TABLE [map's].[mixed] (
    [id] bigint
)
WITH (
    LOCATION = N'/mixed/*.parquet',
    DATA_SOURCE = [ParquetDataLake],
    FILE_FORMAT = [ParquetFormat]
)
GO

IF OBJECT_ID(N'[map''s].[o''brien]]]] "x" `y`; DROP TABLE z --]') IS NULL
CREATE EXTERNAL TABLE [map's].[o'brien]]]] "x" `y`; DROP TABLE z --] (
    [a'b] int,
    [c"d] bit,
    [e]]f`g] date
)
WITH (
    LOCATION = N'/o''brien]] "x" `y`; DROP TABLE z --/*.parquet',
    DATA_SOURCE = [ParquetDataLake],
    FILE_FORMAT = [ParquetFormat]
)
GO

IF OBJECT_ID(N'[map''s].[sales]') IS NULL
CREATE EXTERNAL TABLE [map's].[sales] (
    [id] bigint,
    [amount] decimal(14,2)
)
WITH (
    LOCATION = N'/sales/country=*/*.parquet',
    DATA_SOURCE = [ParquetDataLake],
    FILE_FORMAT = [ParquetFormat]
)
GO

IF OBJECT_ID(N'[map''s].[types]') IS NULL
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
    DATA_SOURCE = [ParquetDataLake],
    FILE_FORMAT = [ParquetFormat]
)
GO
