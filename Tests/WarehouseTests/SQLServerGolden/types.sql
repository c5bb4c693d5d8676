DROP TABLE IF EXISTS #sluice_stage
GO
DROP TABLE IF EXISTS #sluice_files
GO
CREATE TABLE #sluice_stage (
    [c0 null] NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    [c1 bool] BIT NULL,
    [c2 int8] SMALLINT NULL,
    [c3 int16] SMALLINT NULL,
    [c4 int32] INT NULL,
    [c5 int64] BIGINT NULL,
    [c6 uint8] TINYINT NULL,
    [c7 uint16] INT NULL,
    [c8 uint32] BIGINT NULL,
    [c9 uint64] DECIMAL(20,0) NULL,
    [c10 float16] REAL NULL,
    [c11 float32] REAL NULL,
    [c12 float64] FLOAT NULL,
    [c13 decimal(38,38)] DECIMAL(38,38) NULL,
    [c14 decimal(3,-2)] DECIMAL(5,0) NULL,
    [c15 decimal(2,5)] DECIMAL(5,5) NULL,
    [c16 decimal(38,-1)] NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    [c17 utf8] NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    [c18 binary] VARBINARY(MAX) NULL,
    [c19 binary(3)] VARBINARY(MAX) NULL,
    [c20 date] DATE NULL,
    [c21 time(s)] TIME(6) NULL,
    [c22 time(ns)] TIME(7) NULL,
    [c23 timestamp(ms)] DATETIME2(6) NULL,
    [c24 timestamp(ns)] DATETIME2(7) NULL,
    [c25 timestamp(us, Europe/Berlin)] DATETIMEOFFSET(6) NULL,
    [c26 timestamp(ns, UTC)] DATETIMEOFFSET(7) NULL,
    [c27 uuid] UNIQUEIDENTIFIER NULL,
    [c28 json] NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    [c29 list<item: int32>] NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    [c30 struct<x: utf8>] NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    [_sluice_file] INT NOT NULL)
GO
CREATE TABLE #sluice_files (id INT NOT NULL PRIMARY KEY, name NVARCHAR(4000) NOT NULL)
GO
-- ? = integer(1)
-- ? = text("it\'s.parquet")
INSERT INTO #sluice_files (id, name) VALUES (?, ?)
GO
CREATE TABLE [raw].[orders] (
    [c0 null] NVARCHAR(MAX) NULL,
    [c1 bool] BIT NULL,
    [c2 int8] SMALLINT NULL,
    [c3 int16] SMALLINT NULL,
    [c4 int32] INT NULL,
    [c5 int64] BIGINT NULL,
    [c6 uint8] TINYINT NULL,
    [c7 uint16] INT NULL,
    [c8 uint32] BIGINT NULL,
    [c9 uint64] DECIMAL(20,0) NULL,
    [c10 float16] REAL NULL,
    [c11 float32] REAL NULL,
    [c12 float64] FLOAT NULL,
    [c13 decimal(38,38)] DECIMAL(38,38) NULL,
    [c14 decimal(3,-2)] DECIMAL(5,0) NULL,
    [c15 decimal(2,5)] DECIMAL(5,5) NULL,
    [c16 decimal(38,-1)] NVARCHAR(MAX) NULL,
    [c17 utf8] NVARCHAR(MAX) NULL,
    [c18 binary] VARBINARY(MAX) NULL,
    [c19 binary(3)] VARBINARY(MAX) NULL,
    [c20 date] DATE NULL,
    [c21 time(s)] TIME(6) NULL,
    [c22 time(ns)] TIME(7) NULL,
    [c23 timestamp(ms)] DATETIME2(6) NULL,
    [c24 timestamp(ns)] DATETIME2(7) NULL,
    [c25 timestamp(us, Europe/Berlin)] DATETIMEOFFSET(6) NULL,
    [c26 timestamp(ns, UTC)] DATETIMEOFFSET(7) NULL,
    [c27 uuid] UNIQUEIDENTIFIER NULL,
    [c28 json] NVARCHAR(MAX) NULL,
    [c29 list<item: int32>] NVARCHAR(MAX) NULL,
    [c30 struct<x: utf8>] NVARCHAR(MAX) NULL,
    [_source_file] NVARCHAR(512) NULL,
    [_loaded_at] DATETIMEOFFSET(6) NULL DEFAULT SYSUTCDATETIME(),
    [_run_id] NVARCHAR(64) NULL)
GO
-- ? = text("2023-11-14T22:13:20.123456Z")
-- ? = text("run-1")
INSERT INTO [raw].[orders] WITH (TABLOCK) ([c0 null], [c1 bool], [c2 int8], [c3 int16], [c4 int32], [c5 int64], [c6 uint8], [c7 uint16], [c8 uint32], [c9 uint64], [c10 float16], [c11 float32], [c12 float64], [c13 decimal(38,38)], [c14 decimal(3,-2)], [c15 decimal(2,5)], [c16 decimal(38,-1)], [c17 utf8], [c18 binary], [c19 binary(3)], [c20 date], [c21 time(s)], [c22 time(ns)], [c23 timestamp(ms)], [c24 timestamp(ns)], [c25 timestamp(us, Europe/Berlin)], [c26 timestamp(ns, UTC)], [c27 uuid], [c28 json], [c29 list<item: int32>], [c30 struct<x: utf8>], [_source_file], [_loaded_at], [_run_id])
SELECT s.[c0 null], s.[c1 bool], s.[c2 int8], s.[c3 int16], s.[c4 int32], s.[c5 int64], s.[c6 uint8], s.[c7 uint16], s.[c8 uint32], s.[c9 uint64], s.[c10 float16], s.[c11 float32], s.[c12 float64], s.[c13 decimal(38,38)], s.[c14 decimal(3,-2)], s.[c15 decimal(2,5)], s.[c16 decimal(38,-1)], s.[c17 utf8], s.[c18 binary], s.[c19 binary(3)], s.[c20 date], s.[c21 time(s)], s.[c22 time(ns)], s.[c23 timestamp(ms)], s.[c24 timestamp(ns)], s.[c25 timestamp(us, Europe/Berlin)], s.[c26 timestamp(ns, UTC)], s.[c27 uuid], s.[c28 json], s.[c29 list<item: int32>], s.[c30 struct<x: utf8>], (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.[_sluice_file]), CONVERT(DATETIMEOFFSET(6), ?), ?
FROM #sluice_stage AS s
GO
