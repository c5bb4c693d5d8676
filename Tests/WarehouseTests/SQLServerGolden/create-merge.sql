DROP TABLE IF EXISTS #sluice_stage
GO
DROP TABLE IF EXISTS #sluice_files
GO
CREATE TABLE #sluice_stage (
    c1 BIGINT NULL,
    c2 NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    c3 DECIMAL(12,2) NULL,
    c4 DATETIMEOFFSET(6) NULL,
    c5 BIT NULL,
    c6 VARBINARY(MAX) NULL,
    f INT NOT NULL,
    a BIGINT NOT NULL)
GO
CREATE TABLE #sluice_files (id INT NOT NULL PRIMARY KEY, name NVARCHAR(4000) NOT NULL)
GO
-- ? = integer(1)
-- ? = text("it\'s.parquet")
INSERT INTO #sluice_files (id, name) VALUES (?, ?)
GO
CREATE TABLE [raw].[orders] (
    [id] BIGINT NOT NULL,
    "part]; DROP TABLE x --" NVARCHAR(MAX) NULL,
    [amount] DECIMAL(12,2) NULL,
    [at] DATETIMEOFFSET(6) NULL,
    [gone] BIT NULL,
    [raw] VARBINARY(MAX) NULL,
    [_source_file] NVARCHAR(512) NULL,
    [_loaded_at] DATETIMEOFFSET(6) NULL DEFAULT SYSUTCDATETIME(),
    [_run_id] NVARCHAR(64) NULL)
GO
DELETE FROM #sluice_stage
WHERE a IN (
    SELECT ranked.a
    FROM (
        SELECT s.a, ROW_NUMBER() OVER (PARTITION BY s.c1
            ORDER BY s.a DESC) AS n
        FROM #sluice_stage AS s) AS ranked
    WHERE ranked.n > 1)
GO
SELECT TOP (1) 1 AS n FROM [raw].[orders] WITH (TABLOCK, HOLDLOCK)
GO
-- ? = text("1.50")
DELETE t
FROM [raw].[orders] AS t
INNER JOIN #sluice_stage AS s ON t.[id] = s.c1
WHERE s.c3 = CONVERT(DECIMAL(12,2), ?)
GO
-- ? = text("1.50")
DELETE s
FROM #sluice_stage AS s
WHERE s.c3 = CONVERT(DECIMAL(12,2), ?)
GO
-- ? = text("2023-11-14T22:13:20.123456Z")
-- ? = text("run-1")
INSERT INTO [raw].[orders] WITH (TABLOCK) ([id], "part]; DROP TABLE x --", [amount], [at], [gone], [raw], [_source_file], [_loaded_at], [_run_id])
SELECT s.c1, s.c2, s.c3, s.c4, s.c5, s.c6, (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.f), CONVERT(DATETIMEOFFSET(6), ?), ?
FROM #sluice_stage AS s
GO
CREATE UNIQUE INDEX sluice_key ON [raw].[orders] ([id])
GO
