DROP TABLE IF EXISTS #sluice_stage
GO
DROP TABLE IF EXISTS #sluice_files
GO
CREATE TABLE #sluice_stage (
    c1 BIGINT NULL,
    c2 INT NULL,
    c3 INT NULL,
    f INT NOT NULL,
    a BIGINT NOT NULL)
GO
CREATE TABLE #sluice_files (id INT NOT NULL PRIMARY KEY, name NVARCHAR(4000) NOT NULL)
GO
-- ? = integer(1)
-- ? = text("it\'s.parquet")
INSERT INTO #sluice_files (id, name) VALUES (?, ?)
GO
DROP INDEX sluice_key ON [raw].[orders]
GO
ALTER TABLE [raw].[orders] ALTER COLUMN [id] BIGINT NOT NULL
GO
ALTER TABLE [raw].[orders] ADD [_source_file] NVARCHAR(512) NULL
GO
ALTER TABLE [raw].[orders] ADD [_loaded_at] DATETIMEOFFSET(6) NULL DEFAULT SYSUTCDATETIME()
GO
ALTER TABLE [raw].[orders] ADD [_run_id] NVARCHAR(64) NULL
GO
CREATE UNIQUE INDEX sluice_key ON [raw].[orders] ([part], [id])
GO
DELETE FROM #sluice_stage
WHERE a IN (
    SELECT ranked.a
    FROM (
        SELECT s.a, ROW_NUMBER() OVER (PARTITION BY s.c1, s.c2
            ORDER BY s.a DESC) AS n
        FROM #sluice_stage AS s) AS ranked
    WHERE ranked.n > 1)
GO
SELECT TOP (1) 1 AS n FROM [raw].[orders] WITH (TABLOCK, HOLDLOCK)
GO
-- ? = text("2023-11-14T22:13:20.123456Z")
-- ? = text("run-1")
UPDATE t
SET [v] = s.c3, [_source_file] = (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.f), [_loaded_at] = CONVERT(DATETIMEOFFSET(6), ?), [_run_id] = ?
FROM [raw].[orders] AS t
INNER JOIN #sluice_stage AS s ON t.[id] = s.c1 AND t.[part] = s.c2
GO
-- ? = text("2023-11-14T22:13:20.123456Z")
-- ? = text("run-1")
INSERT INTO [raw].[orders] ([id], [part], [v], [_source_file], [_loaded_at], [_run_id])
SELECT s.c1, s.c2, s.c3, (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.f), CONVERT(DATETIMEOFFSET(6), ?), ?
FROM #sluice_stage AS s
WHERE NOT EXISTS (SELECT 1 FROM [raw].[orders] AS t WHERE t.[id] = s.c1 AND t.[part] = s.c2)
GO
