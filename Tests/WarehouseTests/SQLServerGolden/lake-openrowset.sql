DROP TABLE IF EXISTS #sluice_stage
GO
DROP TABLE IF EXISTS #sluice_files
GO
CREATE TABLE #sluice_stage (
    c1 INT NULL,
    c2 NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
    c3 DECIMAL(12,2) NULL,
    c4 DATETIMEOFFSET(6) NULL,
    c5 BIT NULL,
    c6 VARBINARY(MAX) NULL,
    f INT NOT NULL,
    a BIGINT IDENTITY(1,1) NOT NULL)
GO
CREATE TABLE #sluice_files (id INT NOT NULL PRIMARY KEY, name NVARCHAR(4000) NOT NULL)
GO
INSERT INTO #sluice_stage WITH (TABLOCK) (c1, c2, c3, c4, c5, c6, f)
SELECT r.[id], r."it's] a", r.[amount], TODATETIMEOFFSET(r.[at], 0), r.[gone], r.[raw], 1
FROM OPENROWSET(BULK N'orders/2024/it''s 1.parquet', DATA_SOURCE = N'the''lake', FORMAT = 'PARQUET')
WITH ([id] INT, "it's] a" VARCHAR(MAX) COLLATE Latin1_General_100_BIN2_UTF8, [amount] DECIMAL(12,2), [at] DATETIME2(7), [gone] BIT, [raw] VARBINARY(MAX)) AS r
GO
INSERT INTO #sluice_stage WITH (TABLOCK) (c1, c2, c3, c4, c5, c6, f)
SELECT r.[id], r."it's] a", r.[amount], TODATETIMEOFFSET(r.[at], 0), r.[gone], r.[raw], 2
FROM OPENROWSET(BULK N'orders/2024/2.parquet', DATA_SOURCE = N'the''lake', FORMAT = 'PARQUET')
WITH ([id] INT, "it's] a" VARCHAR(MAX) COLLATE Latin1_General_100_BIN2_UTF8, [amount] DECIMAL(12,2), [at] DATETIME2(7), [gone] BIT, [raw] VARBINARY(MAX)) AS r
GO
