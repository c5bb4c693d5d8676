// ODBC: rows of any database that has an ODBC driver, as columns.
//
//     ODBCDrivers          which drivers unixODBC knows
//     ConnectionString     keys and values, quoted so that every character is safe
//     ODBCConnection       one session, on a thread of its own
//     ODBCType             what a column of the driver's is, and what it becomes here
//     ODBCRows             a result: blocks of rows in columns of the driver's  →  RecordBatch
//     ODBCBulk             the other way: RecordBatch  →  bulk copy, or statements with arrays of values
//
// The driver manager is loaded when it is first needed. Text travels as UTF-16, the only form of it that the standard
// defines and that no driver turns into the characters of a locale.
import CODBC
public import Support

/// The environment that all sessions of the process share.
enum ODBCEnvironment {
    /// The environment's handle, made with the first call.
    static func handle() throws(SluiceError) -> SQLHANDLE { try made.get().handle }

    // `@unchecked Sendable` because the standard allows an environment to be used from any thread.
    private struct Made: @unchecked Sendable {
        let handle: SQLHANDLE
    }

    private static let made: Result<Made, SluiceError> = {
        if let failure = sluice_odbc_load() {
            return .failure(
                SluiceError(
                    .unsupported, "unixODBC cannot be loaded: \(String(cString: failure))",
                    hint: "install it, and a driver for the database: apt install libodbc2 odbcinst"))
        }
        var handle: SQLHANDLE?
        guard odbcAllocHandle(SQLSMALLINT(SQL_HANDLE_ENV), nil, &handle) == SQL_SUCCESS, let handle else {
            return .failure(SluiceError(.inputOutput, "unixODBC has no environment to give"))
        }
        // 3.80 and not 3: without it drivers refuse SQL Server's times and moments with offsets.
        let version = UnsafeMutableRawPointer(bitPattern: Int(SQL_OV_ODBC3_80))
        guard odbcSetEnvAttr(handle, SQLINTEGER(SQL_ATTR_ODBC_VERSION), version, 0) == SQL_SUCCESS else {
            return .failure(SluiceError(.unsupported, "unixODBC is too old: ODBC 3.80 is needed"))
        }
        return .success(Made(handle: handle))
    }()

    /// Whether a call did what it was asked to.
    static func isGood(_ code: SQLRETURN) -> Bool { code == SQL_SUCCESS || code == SQL_SUCCESS_WITH_INFO }
}

/// The drivers that unixODBC knows.
public enum ODBCDrivers {
    /// Their names, as a connection string's `Driver=` takes them.
    public static func names() async throws(SluiceError) -> [String] {
        let result: Result<[String], SluiceError> = await BlockingQueue("sluice.odbc.drivers").run {
            do throws(SluiceError) { return .success(try list()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// The names, on this thread: the list is a file.
    static func list() throws(SluiceError) -> [String] {
        let environment = try ODBCEnvironment.handle()
        var names: [String] = []
        var name = [SQLWCHAR](repeating: 0, count: 512)
        var attributes = [SQLWCHAR](repeating: 0, count: 2048)
        var direction = SQLUSMALLINT(SQL_FETCH_FIRST)
        while names.count < 1000 {
            var length: SQLSMALLINT = 0
            var attributesLength: SQLSMALLINT = 0
            let code = odbcDriversW(
                environment, direction, &name, SQLSMALLINT(name.count), &length, &attributes,
                SQLSMALLINT(attributes.count), &attributesLength)
            guard ODBCEnvironment.isGood(code) else { break }
            names.append(String(decoding: name.prefix(max(0, min(Int(length), name.count - 1))), as: UTF16.self))
            direction = SQLUSMALLINT(SQL_FETCH_NEXT)
        }
        return names
    }
}
