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
    f INT NULL,
    a BIGINT IDENTITY(1,1) NOT NULL)
GO
CREATE TABLE #sluice_files (id INT NOT NULL PRIMARY KEY, name NVARCHAR(4000) NOT NULL)
GO
COPY INTO #sluice_stage (c1 1, c2 2, c3 3, c4 4, c5 5, c6 6)
FROM N'https://shop.dfs.core.windows.net/lake/it''s/orders/2024/it''s 1.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'))
GO
UPDATE #sluice_stage SET f = 1 WHERE f IS NULL
GO
COPY INTO #sluice_stage (c1 1, c2 2, c3 3, c4 4, c5 5, c6 6)
FROM N'https://shop.dfs.core.windows.net/lake/it''s/orders/2024/2.parquet'
WITH (FILE_TYPE = 'PARQUET', CREDENTIAL = (IDENTITY = 'Managed Identity'))
GO
UPDATE #sluice_stage SET f = 2 WHERE f IS NULL
GO
