/// The T-SQL of locks, which are the server's application locks.
package enum SQLServerLock {
    /// What the lock of a job is called. Its name may be longer than the server takes, and is shown cut, so it is hashed.
    private static let resource =
        "N'sluice:' + CONVERT(NVARCHAR(64), HASHBYTES('SHA2_256', N'sluice.job:' + CONVERT(NVARCHAR(MAX), ?)), 2)"

    /// Takes the lock of a job for the session: job, milliseconds to wait. Says 0 or 1 when it has it, -1 when not in time.
    package static let job = """
        DECLARE @resource NVARCHAR(255) = \(resource), @wait INT = ?, @r INT;
        EXEC @r = sp_getapplock @Resource = @resource, @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = @wait;
        SELECT CONVERT(VARCHAR(10), @r) AS r
        """

    /// Lets one load at a time bring its rows into a table, until its transaction ends: the table. Two that both kept others
    /// from writing would wait for each other.
    package static let table = """
        DECLARE @resource NVARCHAR(255) = N'sluice.table:'
            + CONVERT(NVARCHAR(64), HASHBYTES('SHA2_256', LOWER(CONVERT(NVARCHAR(MAX), ?))), 2), @r INT;
        EXEC @r = sp_getapplock @Resource = @resource, @LockMode = 'Exclusive', @LockOwner = 'Transaction',
            @LockTimeout = -1;
        SELECT CONVERT(VARCHAR(10), @r) AS r
        """

    /// Who holds the lock of a job: program, machine, since when, session. Needs the right to see the server's state.
    package static let holder = """
        DECLARE @resource NVARCHAR(255) = \(resource);
        SELECT TOP (1) s.program_name, s.host_name,
            CONVERT(VARCHAR(19), SWITCHOFFSET(TODATETIMEOFFSET(s.login_time, DATEPART(TZOFFSET, SYSDATETIMEOFFSET())), 0), 120)
                AS since,
            CONVERT(VARCHAR(10), l.request_session_id) AS session
        FROM sys.dm_tran_locks AS l
        LEFT JOIN sys.dm_exec_sessions AS s ON s.session_id = l.request_session_id
        WHERE l.resource_type = 'APPLICATION' AND l.request_status = 'GRANT' AND l.resource_database_id = DB_ID()
            AND CHARINDEX(N'[' + LEFT(@resource, 32) + N']', l.resource_description) > 0
        """
}
