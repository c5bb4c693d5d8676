import Storage
import Support

/// The T-SQL of locks, which are the server's application locks.
package enum SQLServerLock {
    /// What the lock of a job is called. A name may be longer than the server takes and is shown cut by it, so it is
    /// hashed; here and not by the server, which is asked for what all servers can do.
    static func job(_ name: String) throws(SluiceError) -> String { try resource("job", name) }

    /// What the lock of a table is called, by its name as SQL. The names of tables as a rule do not tell cases apart.
    static func table(_ sql: String) throws(SluiceError) -> String { try resource("table", sql.lowercased()) }

    /// What the lock of a stage is called, which says that it is in use.
    static func stage(_ name: String) throws(SluiceError) -> String { try resource("stage", name) }

    private static func resource(_ kind: String, _ name: String) throws(SluiceError) -> String {
        let hash = try SHA256()
        Array("sluice.\(kind):\(name)".utf8).withUnsafeBytes { hash.update($0) }
        return "sluice:\(hash.finish())"
    }

    /// Takes a lock for the session: what it is called, milliseconds to wait. Says 0 or 1 when it has it, -1 when not in
    /// time.
    package static let takeForSession = """
        DECLARE @resource NVARCHAR(255) = ?, @wait INT = ?, @r INT;
        EXEC @r = sp_getapplock @Resource = @resource, @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = @wait;
        SELECT CONVERT(VARCHAR(10), @r) AS r
        """

    /// Takes a lock until the transaction ends, however long that takes: what it is called. The lock of a table lets one
    /// load at a time bring its rows into it: two that both kept others from writing would wait for each other.
    package static let takeForTransaction = """
        DECLARE @resource NVARCHAR(255) = ?, @r INT;
        EXEC @r = sp_getapplock @Resource = @resource, @LockMode = 'Exclusive', @LockOwner = 'Transaction',
            @LockTimeout = -1;
        SELECT CONVERT(VARCHAR(10), @r) AS r
        """

    /// Gives a lock of the session back: what it is called.
    package static let release = """
        DECLARE @resource NVARCHAR(255) = ?;
        EXEC sp_releaseapplock @Resource = @resource, @LockOwner = 'Session'
        """

    /// Who holds a lock: program, machine, since when, session; by what it is called, of which the server shows 32
    /// characters. Needs the right to see the server's state.
    package static let holder = """
        DECLARE @resource NVARCHAR(255) = ?;
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
