DROP TABLE IF EXISTS #sluice_stage
GO
DROP TABLE IF EXISTS #sluice_files
GO
CREATE TABLE #sluice_stage (
    [id] BIGINT NULL,
    "part]; DROP TABLE x --" NVARCHAR(20) COLLATE Latin1_General_CI_AS NULL,
    [amount] DECIMAL(12,2) NULL,
    [at] DATETIMEOFFSET(6) NULL,
    [gone] BIT NULL,
    [raw] VARBINARY(MAX) NULL,
    [_sluice_file] INT NOT NULL,
    [_sluice_arrival] BIGINT NOT NULL)
GO
CREATE TABLE #sluice_files (id INT NOT NULL PRIMARY KEY, name NVARCHAR(4000) NOT NULL)
GO
-- ? = integer(1)
-- ? = text("it\'s.parquet")
INSERT INTO #sluice_files (id, name) VALUES (?, ?)
GO
ALTER TABLE [dbo]."or'd]ers" ALTER COLUMN [id] BIGINT NOT NULL
GO
ALTER TABLE [dbo]."or'd]ers" ALTER COLUMN [amount] DECIMAL(12,2) NOT NULL
GO
ALTER TABLE [dbo]."or'd]ers" ALTER COLUMN [amount] DECIMAL(12,2) NULL
GO
ALTER TABLE [dbo]."or'd]ers" ADD [at] DATETIMEOFFSET(6) NULL
GO
ALTER TABLE [dbo]."or'd]ers" ADD [raw] VARBINARY(MAX) NULL
GO
ALTER TABLE [dbo]."or'd]ers" ALTER COLUMN [note] XML NULL
GO
ALTER TABLE [dbo]."or'd]ers" ADD [_source_file] NVARCHAR(512) NULL
GO
ALTER TABLE [dbo]."or'd]ers" ADD [_loaded_at] DATETIMEOFFSET(6) NULL DEFAULT SYSUTCDATETIME()
GO
ALTER TABLE [dbo]."or'd]ers" ADD [_run_id] NVARCHAR(64) NULL
GO
DELETE FROM #sluice_stage
WHERE [_sluice_arrival] IN (
    SELECT ranked.[_sluice_arrival]
    FROM (
        SELECT s.[_sluice_arrival], ROW_NUMBER() OVER (PARTITION BY s.[id], s."part]; DROP TABLE x --" + N'.' COLLATE Latin1_General_100_BIN2
            ORDER BY s.[at] DESC, s.[_sluice_arrival] DESC) AS n
        FROM #sluice_stage AS s) AS ranked
    WHERE ranked.n > 1)
GO
SELECT TOP (1) 1 AS n FROM [dbo]."or'd]ers" WITH (TABLOCK, HOLDLOCK)
GO
DELETE t
FROM [dbo]."or'd]ers" AS t
INNER JOIN #sluice_stage AS s ON t.[id] = s.[id] AND t."part]; DROP TABLE x --" = s."part]; DROP TABLE x --" AND t."part]; DROP TABLE x --" + N'.' COLLATE Latin1_General_100_BIN2 = s."part]; DROP TABLE x --" + N'.' COLLATE Latin1_General_100_BIN2
WHERE s.[gone] = 1
GO
DELETE s
FROM #sluice_stage AS s
WHERE s.[gone] = 1
GO
-- ? = text("2023-11-14T22:13:20.123456Z")
-- ? = text("run-1")
UPDATE t
SET [amount] = s.[amount], [at] = s.[at], [gone] = s.[gone], [raw] = s.[raw], [_source_file] = (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.[_sluice_file]), [_loaded_at] = CONVERT(DATETIMEOFFSET(6), ?), [_run_id] = ?
FROM [dbo]."or'd]ers" AS t
INNER JOIN #sluice_stage AS s ON t.[id] = s.[id] AND t."part]; DROP TABLE x --" = s."part]; DROP TABLE x --" AND t."part]; DROP TABLE x --" + N'.' COLLATE Latin1_General_100_BIN2 = s."part]; DROP TABLE x --" + N'.' COLLATE Latin1_General_100_BIN2
GO
-- ? = text("2023-11-14T22:13:20.123456Z")
-- ? = text("run-1")
INSERT INTO [dbo]."or'd]ers" ([id], "part]; DROP TABLE x --", [amount], [at], [gone], [raw], [_source_file], [_loaded_at], [_run_id])
SELECT s.[id], s."part]; DROP TABLE x --", s.[amount], s.[at], s.[gone], s.[raw], (SELECT f.name FROM #sluice_files AS f WHERE f.id = s.[_sluice_file]), CONVERT(DATETIMEOFFSET(6), ?), ?
FROM #sluice_stage AS s
WHERE NOT EXISTS (SELECT 1 FROM [dbo]."or'd]ers" AS t WHERE t.[id] = s.[id] AND t."part]; DROP TABLE x --" = s."part]; DROP TABLE x --" AND t."part]; DROP TABLE x --" + N'.' COLLATE Latin1_General_100_BIN2 = s."part]; DROP TABLE x --" + N'.' COLLATE Latin1_General_100_BIN2)
GO
