DROP TABLE IF EXISTS #sluice_stage
GO
DROP TABLE IF EXISTS #sluice_files
GO
CREATE TABLE #sluice_stage (
    c1 NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    c2 BIT NULL,
    c3 SMALLINT NULL,
    c4 SMALLINT NULL,
    c5 INT NULL,
    c6 BIGINT NULL,
    c7 TINYINT NULL,
    c8 INT NULL,
    c9 BIGINT NULL,
    c10 DECIMAL(20,0) NULL,
    c11 REAL NULL,
    c12 REAL NULL,
    c13 FLOAT NULL,
    c14 DECIMAL(38,38) NULL,
    c15 DECIMAL(5,0) NULL,
    c16 DECIMAL(5,5) NULL,
    c17 NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    c18 NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    c19 VARBINARY(MAX) NULL,
    c20 VARBINARY(MAX) NULL,
    c21 DATE NULL,
    c22 TIME(6) NULL,
    c23 TIME(7) NULL,
    c24 DATETIME2(6) NULL,
    c25 DATETIME2(7) NULL,
    c26 DATETIMEOFFSET(6) NULL,
    c27 DATETIMEOFFSET(7) NULL,
    c28 UNIQUEIDENTIFIER NULL,
    c29 NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    c30 NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    c31 NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    f INT NOT NULL)
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
SELECT s.c1, s.c2, s.c3, s.c4, s.c5, s.c6, s.c7, s.c8, s.c9, s.c10, s.c11, s.c12, s.c13, s.c14, s.c15, s.c16, s.c17, s.c18, s.c19, s.c20, s.c21, s.c22, s.c23, s.c24, s.c25, s.c26, s.c27, s.c28, s.c29, s.c30, s.c31, (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.f), CONVERT(DATETIMEOFFSET(6), ?), ?
FROM #sluice_stage AS s
GO
