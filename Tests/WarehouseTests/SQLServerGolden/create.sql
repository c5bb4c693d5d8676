DROP TABLE IF EXISTS #sluice_stage
GO
DROP TABLE IF EXISTS #sluice_files
GO
CREATE TABLE #sluice_stage (
    [id] BIGINT NULL,
    "part]; DROP TABLE x --" NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    [amount] DECIMAL(12,2) NULL,
    [at] DATETIMEOFFSET(6) NULL,
    [gone] BIT NULL,
    [raw] VARBINARY(MAX) NULL,
    [_sluice_file] INT NOT NULL)
GO
CREATE TABLE #sluice_files (id INT NOT NULL PRIMARY KEY, name NVARCHAR(4000) NOT NULL)
GO
-- ? = integer(1)
-- ? = text("it\'s.parquet")
INSERT INTO #sluice_files (id, name) VALUES (?, ?)
GO
CREATE TABLE [raw].[orders] (
    [id] BIGINT NULL,
    "part]; DROP TABLE x --" NVARCHAR(MAX) NULL,
    [amount] DECIMAL(12,2) NULL,
    [at] DATETIMEOFFSET(6) NULL,
    [gone] BIT NULL,
    [raw] VARBINARY(MAX) NULL,
    [_source_file] NVARCHAR(512) NULL,
    [_loaded_at] DATETIMEOFFSET(6) NULL DEFAULT SYSUTCDATETIME(),
    [_run_id] NVARCHAR(64) NULL)
GO
-- ? = text("2023-11-14T22:13:20.123456Z")
-- ? = text("run-1")
INSERT INTO [raw].[orders] WITH (TABLOCK) ([id], "part]; DROP TABLE x --", [amount], [at], [gone], [raw], [_source_file], [_loaded_at], [_run_id])
SELECT s.[id], s."part]; DROP TABLE x --", s.[amount], s.[at], s.[gone], s.[raw], (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.[_sluice_file]), CONVERT(DATETIMEOFFSET(6), ?), ?
FROM #sluice_stage AS s
GO
