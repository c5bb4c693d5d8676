DROP TABLE IF EXISTS #sluice_stage
GO
DROP TABLE IF EXISTS #sluice_files
GO
CREATE TABLE #sluice_stage (
    [id] BIGINT NULL,
    [part] INT NULL,
    [v] INT NULL,
    [_sluice_file] INT NOT NULL,
    [_sluice_arrival] BIGINT NOT NULL)
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
WHERE [_sluice_arrival] IN (
    SELECT ranked.[_sluice_arrival]
    FROM (
        SELECT s.[_sluice_arrival], ROW_NUMBER() OVER (PARTITION BY s.[id], s.[part]
            ORDER BY s.[_sluice_arrival] DESC) AS n
        FROM #sluice_stage AS s) AS ranked
    WHERE ranked.n > 1)
GO
SELECT TOP (1) 1 AS n FROM [raw].[orders] WITH (TABLOCK, HOLDLOCK)
GO
-- ? = text("2023-11-14T22:13:20.123456Z")
-- ? = text("run-1")
UPDATE t
SET [v] = s.[v], [_source_file] = (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.[_sluice_file]), [_loaded_at] = CONVERT(DATETIMEOFFSET(6), ?), [_run_id] = ?
FROM [raw].[orders] AS t
INNER JOIN #sluice_stage AS s ON t.[id] = s.[id] AND t.[part] = s.[part]
GO
-- ? = text("2023-11-14T22:13:20.123456Z")
-- ? = text("run-1")
INSERT INTO [raw].[orders] ([id], [part], [v], [_source_file], [_loaded_at], [_run_id])
SELECT s.[id], s.[part], s.[v], (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.[_sluice_file]), CONVERT(DATETIMEOFFSET(6), ?), ?
FROM #sluice_stage AS s
WHERE NOT EXISTS (SELECT 1 FROM [raw].[orders] AS t WHERE t.[id] = s.[id] AND t.[part] = s.[part])
GO
