import CSQLite
import Glibc
import Support

/// Turns what SQLite says into errors that name the cause and a remedy.
enum SQLiteErrors {
    static func cancelled(_ name: String) -> SluiceError {
        SluiceError(.cancelled, "the call was cancelled", place: .init(file: name))
    }

    /// The failure that the last call on `handle` left behind.
    static func statement(_ handle: SQLiteHandle) -> SluiceError {
        guard let connection = handle.connection else {
            return SluiceError(.inputOutput, "the database is closed already", place: .init(file: handle.name))
        }
        let text = String(cString: sqlite3_errmsg(connection))
        return error(
            sqlite3_extended_errcode(connection), text, handle, system: sqlite3_system_errno(connection))
    }

    /// A file that could not be opened.
    static func opening(_ result: Int32, _ handle: SQLiteHandle, _ mode: SQLiteDatabase.Mode) -> SluiceError {
        guard let connection = handle.connection else {
            return SluiceError(.inputOutput, "out of memory", place: .init(file: handle.name))
        }
        return error(
            result, String(cString: sqlite3_errmsg(connection)), handle, system: sqlite3_system_errno(connection))
    }

    /// A file that was opened and could not be read.
    static func firstLook(_ error: SluiceError, _ handle: SQLiteHandle, _ mode: SQLiteDatabase.Mode) -> SluiceError {
        var error = error
        if mode == .readOnly, error.code != .invalidData, access(handle.path + "-wal", F_OK) == 0 {
            error.hint =
                "the database has a write-ahead log, which even readers have to write beside; let its folder be writable"
        }
        return error
    }

    private static func error(_ code: Int32, _ text: String, _ handle: SQLiteHandle, system: Int32) -> SluiceError {
        let place = SluiceError.Place(file: handle.name)
        func make(
            _ code: SluiceError.Code, _ message: String, _ hint: String? = nil, isTransient: Bool = false
        ) -> SluiceError {
            SluiceError(code, message, place: place, hint: hint, isTransient: isTransient)
        }
        let isCancelled = handle.token?.isSet == true
        switch code & 0xff {
        case SQLITE_BUSY, SQLITE_LOCKED:
            if isCancelled { return cancelled(handle.name) }
            let holders = LockHolders.of(handle.path)
            return make(
                .inputOutput,
                "the database is in use\(holders.isEmpty ? " by somebody else" : " by " + holders.joined(separator: ", "))"
                    + " (\(text))",
                "try again when they are done, or end them", isTransient: true)
        case SQLITE_INTERRUPT, SQLITE_ABORT: return cancelled(handle.name)
        case SQLITE_READONLY:
            return make(
                .permission, "the database may not be written to (\(text))",
                "make the file, its folder and the files \(handle.path)-wal and -shm writable for this user")
        case SQLITE_PERM, SQLITE_AUTH:
            return make(.permission, "the database may not be used (\(text))", "check the permissions of the file")
        case SQLITE_CANTOPEN: return cannotOpen(system, handle, make)
        case SQLITE_FULL:
            return make(.inputOutput, "the disk is full, or the file system's quota is used up (\(text))", freeSpace)
        case SQLITE_IOERR:
            if system == ENOSPC || system == EDQUOT {
                return make(
                    .inputOutput, "the disk is full, or the file system's quota is used up (\(text))", freeSpace)
            }
            let cause = system == 0 ? "" : ": " + String(cString: strerror(system))
            return make(.inputOutput, "reading or writing the database failed (\(text)\(cause))")
        case SQLITE_NOTADB:
            return make(
                .invalidData, "the file is not an SQLite database, or it is encrypted", "check the path of the database"
            )
        case SQLITE_CORRUPT:
            return make(
                .invalidData, "the database is damaged (\(text))",
                "restore it from a backup, or try: sqlite3 \(handle.path) .recover")
        // A strict table, and a value of another type.
        case SQLITE_CONSTRAINT where code == SQLITE_CONSTRAINT | 12 << 8: return make(.conversion, text)
        case SQLITE_CONSTRAINT:
            return make(.invalidData, text, "remove the rows that break it, or change the table's constraint")
        case SQLITE_TOOBIG: return make(.limitExceeded, "a value is longer than SQLite takes (\(text))")
        case SQLITE_NOMEM: return make(.inputOutput, "SQLite ran out of memory")
        case SQLITE_MISMATCH: return make(.conversion, text)
        case SQLITE_SCHEMA:
            return make(.inputOutput, "the tables changed meanwhile (\(text))", "try again", isTransient: true)
        default:
            // There is one code for everything that is wrong with a statement, so only its text tells what it is.
            if text.hasPrefix("no such table") { return make(.notFound, text, "check the name of the table") }
            if text.hasPrefix("no such column") {
                return make(.notFound, text, "check the name of the column; text stands in 'single quotes'")
            }
            return make(.invalidConfiguration, text)
        }
    }

    private static let freeSpace = "free some space; the database is as it was before"

    private static func cannotOpen(
        _ system: Int32, _ handle: SQLiteHandle,
        _ make: (SluiceError.Code, String, String?, Bool) -> SluiceError
    ) -> SluiceError {
        let folder =
            handle.path.contains("/") ? handle.path.split(separator: "/").dropLast().joined(separator: "/") : ""
        switch system {
        case EACCES, EPERM, EROFS:
            return make(
                .permission, "the file cannot be opened: \(String(cString: strerror(system)))",
                "check the permissions of the file and of its folder", false)
        case ENOENT where !folder.isEmpty && access((handle.path.hasPrefix("/") ? "/" : "") + folder, F_OK) != 0:
            return make(.notFound, "the folder '\(folder)' does not exist", "make it: mkdir -p '\(folder)'", false)
        case ENOENT: return make(.notFound, "the file does not exist", "check the path of the database", false)
        case EISDIR: return make(.invalidConfiguration, "this is a folder, not a file", nil, false)
        default:
            var status = stat()
            if stat(handle.path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                return make(.invalidConfiguration, "this is a folder, not a file", nil, false)
            }
            let cause = system == 0 ? "" : ": " + String(cString: strerror(system))
            return make(.inputOutput, "the file cannot be opened\(cause)", nil, false)
        }
    }
}
