SELECT CONVERT(VARCHAR(20), OBJECT_ID(?, 'U')) AS id
GO
DECLARE @r INT;
EXEC @r = sp_getapplock @Resource = N'sluice.prepare', @LockMode = 'Exclusive', @LockOwner = 'Transaction',
    @LockTimeout = 60000;
IF @r < 0 THROW 50000, N'another session has been making Sluice''s tables for a minute', 1
GO
CREATE TABLE "it's] dbo".[etl_audit_log] (
    id BIGINT IDENTITY(1,1) PRIMARY KEY,
    run_id NVARCHAR(64) NOT NULL,
    pipeline_name NVARCHAR(256) NOT NULL,
    source_name NVARCHAR(256) NOT NULL,
    protocol NVARCHAR(64) NOT NULL,
    target_table NVARCHAR(256) NOT NULL,
    status NVARCHAR(16) NOT NULL,
    rows_loaded BIGINT,
    parquet_files INT,
    error_message NVARCHAR(MAX),
    started_at DATETIMEOFFSET NOT NULL,
    finished_at DATETIMEOFFSET)
GO
CREATE UNIQUE INDEX etl_audit_log_run ON "it's] dbo".[etl_audit_log] (run_id)
GO
CREATE TABLE "it's] dbo".[sluice_ledger] (
    job NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL, path_hash BINARY(32) NOT NULL,
    path NVARCHAR(MAX) COLLATE Latin1_General_100_BIN2 NOT NULL, size BIGINT NOT NULL,
    hash NVARCHAR(128) NOT NULL, [rows] BIGINT NOT NULL,
    source NVARCHAR(MAX) COLLATE Latin1_General_100_BIN2 NOT NULL, run_id NVARCHAR(64) NOT NULL,
    loaded_at DATETIMEOFFSET NOT NULL, PRIMARY KEY (job, path_hash))
GO
CREATE TABLE "it's] dbo".[sluice_source_files] (
    job NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL, path_hash BINARY(32) NOT NULL,
    path NVARCHAR(MAX) COLLATE Latin1_General_100_BIN2 NOT NULL, size BIGINT NOT NULL,
    modified BIGINT NOT NULL, hash NVARCHAR(128) NOT NULL, [rows] BIGINT NOT NULL,
    run_id NVARCHAR(64) NOT NULL, loaded_at DATETIMEOFFSET NOT NULL, PRIMARY KEY (job, path_hash))
GO
CREATE TABLE "it's] dbo".[sluice_watermarks] (
    job NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL PRIMARY KEY,
    column_name NVARCHAR(128) NOT NULL, type NVARCHAR(128) NOT NULL, value NVARCHAR(MAX) NOT NULL,
    run_id NVARCHAR(64) NOT NULL, loaded_at DATETIMEOFFSET NOT NULL)
GO
UPDATE "it's] dbo".[etl_audit_log] SET status = N'running', finished_at = NULL, error_message = NULL, rows_loaded = NULL,
    parquet_files = NULL
WHERE run_id = ?
GO
INSERT INTO "it's] dbo".[etl_audit_log] (run_id, pipeline_name, source_name, protocol, target_table, status, started_at)
VALUES (?, LEFT(?, 256), LEFT(?, 256), LEFT(?, 64), LEFT(?, 256), N'running', CONVERT(DATETIMEOFFSET, ?))
GO
UPDATE "it's] dbo".[etl_audit_log] SET status = ?, rows_loaded = 0, parquet_files = ?, error_message = ?,
    finished_at = CONVERT(DATETIMEOFFSET, ?)
WHERE run_id = ? AND status NOT IN (N'success', N'partial')
GO
SELECT status FROM "it's] dbo".[etl_audit_log] WHERE run_id = ?
GO
UPDATE "it's] dbo".[etl_audit_log] SET status = N'died', rows_loaded = 0, finished_at = SYSUTCDATETIME(),
    error_message = COALESCE(error_message, N'the run ended without a word')
OUTPUT inserted.run_id
WHERE pipeline_name = LEFT(?, 256) AND run_id <> ? AND status = N'running'
GO
SELECT TOP (?) run_id, status, rows_loaded, parquet_files, error_message, DATEDIFF_BIG(MICROSECOND, CONVERT(DATETIMEOFFSET, '1970-01-01T00:00:00Z'), started_at),
    DATEDIFF_BIG(MICROSECOND, CONVERT(DATETIMEOFFSET, '1970-01-01T00:00:00Z'), finished_at)
FROM "it's] dbo".[etl_audit_log] WHERE pipeline_name = LEFT(?, 256) ORDER BY started_at DESC, id DESC
GO
UPDATE "it's] dbo".[etl_audit_log] SET status = ?, rows_loaded = ?, parquet_files = ?, error_message = ?,
    finished_at = CONVERT(DATETIMEOFFSET, ?)
WHERE run_id = ?
GO
INSERT INTO "it's] dbo".[etl_audit_log] (run_id, pipeline_name, source_name, protocol, target_table, status, rows_loaded,
    parquet_files, error_message, started_at, finished_at)
VALUES (?, LEFT(?, 256), LEFT(?, 256), LEFT(?, 64), LEFT(?, 256), ?, ?, ?, ?, CONVERT(DATETIMEOFFSET, ?),
    CONVERT(DATETIMEOFFSET, ?))
GO
SELECT column_name, type, value FROM "it's] dbo".[sluice_watermarks] WHERE job = ?
GO
SELECT path, size, modified, hash, [rows] FROM "it's] dbo".[sluice_source_files] WHERE job = ?
GO
SELECT path FROM "it's] dbo".[sluice_ledger] WHERE job = ? AND source IN (?, ?) ORDER BY path
GO
SELECT DATEDIFF_BIG(MICROSECOND, CONVERT(DATETIMEOFFSET, '1970-01-01T00:00:00Z'), MAX(loaded_at)) FROM "it's] dbo".[sluice_ledger] WHERE job = ?
GO
DELETE FROM "it's] dbo".[sluice_watermarks] WHERE job = ?
GO
DELETE FROM "it's] dbo".[sluice_source_files] WHERE job = ?
GO
INSERT INTO "it's] dbo".[sluice_ledger] (job, path_hash, path, size, hash, [rows], source, run_id, loaded_at)
SELECT v.job, HASHBYTES('SHA2_256', f.path), f.path, f.size, f.hash, f.[rows], f.source, v.run, v.loaded
FROM (SELECT ? AS job, ? AS run, CONVERT(DATETIMEOFFSET, ?) AS loaded) AS v
CROSS JOIN (VALUES (?, ?, ?, ?, ?), (?, ?, ?, ?, ?)) AS f (path, size, hash, [rows], source)
GO
DELETE FROM "it's] dbo".[sluice_source_files]
WHERE job = ? AND path_hash IN (
    SELECT HASHBYTES('SHA2_256', f.path) FROM (VALUES (?), (?)) AS f (path))
GO
INSERT INTO "it's] dbo".[sluice_source_files] (job, path_hash, path, size, modified, hash, [rows], run_id, loaded_at)
SELECT v.job, HASHBYTES('SHA2_256', f.path), f.path, f.size, f.modified, f.hash, f.[rows], v.run, v.loaded
FROM (SELECT ? AS job, ? AS run, CONVERT(DATETIMEOFFSET, ?) AS loaded) AS v
CROSS JOIN (VALUES (?, ?, ?, ?, ?), (?, ?, ?, ?, ?)) AS f (path, size, modified, hash, [rows])
GO
DELETE FROM "it's] dbo".[sluice_watermarks] WHERE job = ?
GO
INSERT INTO "it's] dbo".[sluice_watermarks] (job, run_id, loaded_at, column_name, type, value)
VALUES (?, ?, CONVERT(DATETIMEOFFSET, ?), ?, ?, ?)
GO
DECLARE @resource NVARCHAR(255) = ?, @wait INT = ?, @r INT;
EXEC @r = sp_getapplock @Resource = @resource, @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = @wait;
SELECT CONVERT(VARCHAR(10), @r) AS r
GO
DECLARE @resource NVARCHAR(255) = ?, @r INT;
EXEC @r = sp_getapplock @Resource = @resource, @LockMode = 'Exclusive', @LockOwner = 'Transaction',
    @LockTimeout = -1;
SELECT CONVERT(VARCHAR(10), @r) AS r
GO
DECLARE @resource NVARCHAR(255) = ?;
EXEC sp_releaseapplock @Resource = @resource, @LockOwner = 'Session'
GO
DECLARE @resource NVARCHAR(255) = ?;
SELECT TOP (1) s.program_name, s.host_name,
    CONVERT(VARCHAR(19), SWITCHOFFSET(TODATETIMEOFFSET(s.login_time, DATEPART(TZOFFSET, SYSDATETIMEOFFSET())), 0), 120)
        AS since,
    CONVERT(VARCHAR(10), l.request_session_id) AS session
FROM sys.dm_tran_locks AS l
LEFT JOIN sys.dm_exec_sessions AS s ON s.session_id = l.request_session_id
WHERE l.resource_type = 'APPLICATION' AND l.request_status = 'GRANT' AND l.resource_database_id = DB_ID()
    AND CHARINDEX(N'[' + LEFT(@resource, 32) + N']', l.resource_description) > 0
GO
SELECT t.name FROM sys.tables AS t INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE s.name = ? AND t.name LIKE 'sluice[_]stage[_]%'
GO
SELECT CONVERT(NVARCHAR(128), SERVERPROPERTY('BabelfishVersion')) AS version
GO
SELECT CONVERT(VARCHAR(20), o.object_id), CONVERT(VARCHAR(2), o.type)
FROM sys.objects AS o INNER JOIN sys.schemas AS n ON n.schema_id = o.schema_id
WHERE n.name = ? AND o.name = ? AND o.type NOT IN ('D', 'F', 'PK', 'UQ', 'C')
GO
SELECT n.name FROM sys.schemas AS n WHERE n.name = ?
GO
SELECT c.name, b.name, CONVERT(VARCHAR(20), c.max_length), CONVERT(VARCHAR(20), c.precision),
    CONVERT(VARCHAR(20), c.scale), CONVERT(VARCHAR(1), c.is_nullable),
    CASE WHEN c.default_object_id <> 0 OR c.is_identity = 1 THEN '1' ELSE '0' END,
    CONVERT(VARCHAR(1), c.is_identity), CONVERT(VARCHAR(1), c.is_computed), CONVERT(VARCHAR(5), c.generated_always_type),
    c.collation_name, CONVERT(VARCHAR(10), COLLATIONPROPERTY(c.collation_name, 'CodePage')),
    CASE WHEN k.column_id IS NOT NULL THEN '1' ELSE '0' END,
    CASE WHEN u.is_user_defined = 1 OR EXISTS (SELECT 1 FROM sys.index_columns AS y INNER JOIN sys.indexes AS j
        ON j.object_id = y.object_id AND j.index_id = y.index_id
        WHERE y.object_id = c.object_id AND y.column_id = c.column_id AND j.name NOT LIKE 'sluice[_]key%') THEN '1' ELSE '0' END,
    (SELECT CONVERT(VARCHAR(5), y.key_ordinal) FROM sys.index_columns AS y INNER JOIN sys.indexes AS j
        ON j.object_id = y.object_id AND j.index_id = y.index_id
        WHERE y.object_id = c.object_id AND y.column_id = c.column_id AND j.name LIKE 'sluice[_]key%')
FROM sys.columns AS c
INNER JOIN sys.types AS u ON u.user_type_id = c.user_type_id
INNER JOIN sys.types AS b ON b.user_type_id = CASE WHEN u.is_assembly_type = 0
    THEN u.system_type_id ELSE u.user_type_id END
LEFT JOIN (SELECT i.object_id, x.column_id FROM sys.indexes AS i INNER JOIN sys.index_columns AS x
    ON x.object_id = i.object_id AND x.index_id = i.index_id WHERE i.is_primary_key = 1) AS k
    ON k.object_id = c.object_id AND k.column_id = c.column_id
WHERE c.object_id = ? ORDER BY c.column_id
GO
SET NOCOUNT OFF;
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET ANSI_PADDING ON;
SET ANSI_WARNINGS ON;
SET ARITHABORT ON;
SET CONCAT_NULL_YIELDS_NULL ON;
SET QUOTED_IDENTIFIER ON;
SET NUMERIC_ROUNDABORT OFF;
SET LANGUAGE us_english;
SET DATEFORMAT ymd;
SET LOCK_TIMEOUT -1;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED
GO
