import CODBC
import Support

/// Turns what drivers say into errors that name the cause and a remedy.
enum ODBCErrors {
    /// One thing that a driver has to say.
    struct Diagnostic: Sendable {
        let state: String
        let number: Int
        let text: String
    }

    /// What gets one thing that a handle has to say.
    typealias Teller = (
        SQLSMALLINT, SQLHANDLE?, SQLSMALLINT, UnsafeMutablePointer<SQLWCHAR>?, UnsafeMutablePointer<SQLINTEGER>?,
        UnsafeMutablePointer<SQLWCHAR>?, SQLSMALLINT, UnsafeMutablePointer<SQLSMALLINT>?
    ) -> SQLRETURN

    /// What a handle has to say, the first thing first.
    static func diagnostics(
        _ kind: Int, _ handle: SQLHANDLE?, by teller: Teller = odbcGetDiagRecW
    ) -> [Diagnostic] {
        guard let handle else { return [] }
        var found: [Diagnostic] = []
        var state = [SQLWCHAR](repeating: 0, count: 6)
        var text = [SQLWCHAR](repeating: 0, count: 2048)
        for record in 1...20 {
            var number: SQLINTEGER = 0
            var length: SQLSMALLINT = 0
            let code = teller(
                SQLSMALLINT(kind), handle, SQLSMALLINT(record), &state, &number, &text, SQLSMALLINT(text.count), &length
            )
            guard ODBCEnvironment.isGood(code) else { break }
            let units = text.prefix(max(0, min(Int(length), text.count - 1))).prefix { $0 != 0 }
            found.append(
                Diagnostic(
                    state: String(decoding: state.prefix(5).prefix { $0 != 0 }, as: UTF16.self), number: Int(number),
                    text: words(String(decoding: units, as: UTF16.self))))
        }
        return found
    }

    /// A driver's text without the names of all that it came through: `[unixODBC][Driver Manager]…`.
    private static func words(_ text: String) -> String {
        var rest = text[...]
        while rest.first == "[", let end = rest.firstIndex(of: "]") { rest = rest[rest.index(after: end)...] }
        let line = rest.split(whereSeparator: \.isNewline).map { $0.trimming() }.joined(separator: "; ")
        return line.isEmpty ? "the driver gives no reason" : line
    }

    /// Why a call failed, by what a handle says.
    static func error(
        _ kind: Int, _ handle: SQLHANDLE?, server: String, connecting: Bool = false
    ) -> SluiceError {
        error(diagnostics(kind, handle), server: server, connecting: connecting)
    }

    /// Why a call failed.
    static func error(_ all: [Diagnostic], server: String, connecting: Bool) -> SluiceError {
        let place = SluiceError.Place(file: server)
        // A warning may stand before the error; "changed database context" belongs to every connect.
        guard let first = all.first(where: { !$0.state.hasPrefix("01") }) ?? all.first else {
            return SluiceError(.inputOutput, "the driver failed without a word", place: place)
        }
        let native = first.number == 0 ? first.state : "\(first.state), \(first.number)"
        let verdict = judge(first, all, connecting: connecting)
        let others = all.filter { $0.text != first.text && !$0.state.hasPrefix("01") }.map(\.text)
        return SluiceError(
            verdict.code, "\(first.text) [\(native)]", place: place, details: Array(others.prefix(3)),
            hint: verdict.hint, isTransient: verdict.isTransient)
    }

    private struct Verdict {
        var code: SluiceError.Code
        var hint: String?
        var isTransient = false
    }

    /// What Azure SQL documents as passing: a database that is moved, wakes up, or is busy; and deadlocks and lost sessions
    /// of SQL Server and MySQL. Their numbers do not overlap with others of these servers.
    static let transientNumbers: Set<Int> = [
        // Azure SQL: resource limits, fail-over, reconfiguration, waking up.
        926, 4060, 4221, 10053, 10054, 10060, 10928, 10929, 40143, 40197, 40501, 40540, 40613, 42108, 42109, 49918,
        49919,
        49920,
        // SQL Server: deadlock, lock timeout, memory.
        1205, 1222, 701, 802, 8645, 8651,
        // MySQL: too many connections, deadlock, lock wait, shutting down, server gone or lost.
        1040, 1053, 1203, 1213, 2006, 2013,
    ]

    /// Whether a server that refuses a session says that it will take one soon.
    static func sayThatItPasses(_ all: [Diagnostic]) -> Bool {
        all.contains { transientNumbers.contains($0.number) && !isFinal($0, connecting: true) }
    }

    private static func judge(_ first: Diagnostic, _ all: [Diagnostic], connecting: Bool) -> Verdict {
        if first.text.contains("certificate verify failed") || first.text.contains("self-signed certificate")
            || first.text.contains("self signed certificate")
        {
            return Verdict(
                code: .permission,
                hint: "install the authority's certificate, name it with the driver's own key, or set "
                    + "trust_server_certificate: true where nobody can stand in between")
        }
        if all.contains(where: { transientNumbers.contains($0.number) && !isFinal($0, connecting: connecting) }) {
            return Verdict(code: .inputOutput, hint: nil, isTransient: true)
        }
        if let verdict = byNumber(first) { return verdict }
        if first.number == unmapped {
            if connecting { return connectingVerdict(first) }
            if let verdict = byWords(first) { return verdict }
        }
        switch first.state {
        case "IM002", "IM003":
            return Verdict(
                code: .invalidConfiguration,
                hint: "name a driver that odbcinst -q -d lists, the path of its library, or a DSN; \(installHint)")
        case "HYT00", "HYT01":
            return Verdict(
                code: .inputOutput, hint: connecting ? "check host and port, and that the server is running" : nil,
                isTransient: true)
        case "HY008": return Verdict(code: .cancelled)
        case "57014": return Verdict(code: .cancelled)
        case "42S02", "42S22", "3F000", "42P01", "42703", "3D000", "42883": return Verdict(code: .notFound)
        case "42501": return Verdict(code: .permission)
        case "40001", "40P01", "55P03": return Verdict(code: .inputOutput, isTransient: true)
        case "07002":
            return Verdict(
                code: .invalidConfiguration, hint: "give each ? of the query a value: write :name and parameters")
        default: break
        }
        switch first.state.prefix(2) {
        case "28": return Verdict(code: .permission, hint: "check the user name, its password, and that it may log in")
        case "57", "53": return Verdict(code: .inputOutput, isTransient: true)
        case "08":
            if connecting { return connectingVerdict(first) }
            return Verdict(code: .inputOutput, isTransient: true)
        case "22": return Verdict(code: .conversion)
        case "23": return Verdict(code: .invalidData)
        case "42", "37": return Verdict(code: .invalidConfiguration)
        default:
            return connecting ? connectingVerdict(first) : Verdict(code: .inputOutput)
        }
    }

    /// 4060 is also what a database that does not exist is answered with; then waiting helps nobody.
    private static func isFinal(_ diagnostic: Diagnostic, connecting: Bool) -> Bool {
        diagnostic.number == 4060 && connecting && diagnostic.state != "HYT00" && diagnostic.state != "08S01"
    }

    private static func byNumber(_ first: Diagnostic) -> Verdict? {
        let login = "check the user name, its password, and that it may log in"
        return switch first.number {
        case 18456, 18452, 18470, 18486, 18487, 18488, 1045, 1698: Verdict(code: .permission, hint: login)
        case 4060, 1049: Verdict(code: .notFound, hint: "check the database's name, and that the user may open it")
        case 229, 230, 262, 297, 916, 1142, 1143, 1044: Verdict(code: .permission, hint: "grant the user what it lacks")
        case 208, 207, 1146, 1054, 942: Verdict(code: .notFound)
        case 1317: Verdict(code: .cancelled)
        // MySQL, and FreeTDS, whose words are "unavailable or does not exist".
        case 2002, 2003, 2005, 20009:
            Verdict(
                code: .inputOutput, hint: "check host and port, and that the server is running", isTransient: true)
        default: nil
        }
    }

    /// The number that Babelfish has for what it has no number of SQL Server's for, always with the state 42000: only the
    /// words tell, and they are PostgreSQL's.
    private static let unmapped = 33_557_097

    private static func byWords(_ first: Diagnostic) -> Verdict? {
        let text = first.text.lowercased()
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if says("permission denied", "must be owner", "permission was denied") {
            return Verdict(code: .permission, hint: "grant the user what it lacks")
        }
        if says("duplicate key", "violates ") { return Verdict(code: .invalidData) }
        if says("does not exist", "could not find", "invalid object name") { return Verdict(code: .notFound) }
        if says("deadlock detected", "could not serialize", "could not obtain lock", "lock timeout") {
            return Verdict(code: .inputOutput, isTransient: true)
        }
        if says("canceling statement", "canceled", "cancelled") { return Verdict(code: .cancelled) }
        if says("too many clients", "connection slots", "starting up", "shutting down", "terminating connection") {
            return Verdict(code: .inputOutput, isTransient: true)
        }
        if says("out of memory", "no space left", "could not extend", "disk full") {
            return Verdict(code: .inputOutput)
        }
        if says("invalid input syntax", "out of range", "overflow", "value too long", "cannot be converted") {
            return Verdict(code: .conversion)
        }
        return nil
    }

    /// What drivers say of a failed connect in their own words only.
    private static func connectingVerdict(_ first: Diagnostic) -> Verdict {
        let text = first.text.lowercased()
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if says("authentication failed", "no password supplied", "pg_hba.conf", "role \"", "login failed") {
            return Verdict(code: .permission, hint: "check the user name, its password, and that it may log in")
        }
        if says("does not exist", "unknown database", "cannot open database") {
            return Verdict(code: .notFound, hint: "check the database's name, and that the user may open it")
        }
        if says("can't open lib", "file not found") {
            return Verdict(code: .notFound, hint: "the driver's library is missing or lacks a library; \(installHint)")
        }
        let isPassing = says(
            "refused", "timeout", "timed out", "unreachable", "no route", "starting up", "shutting down", "too many",
            "temporary failure", "reset by peer", "could not connect", "unable to connect", "network-related")
        return Verdict(
            code: .inputOutput, hint: "check host and port, and that the server is running", isTransient: isPassing)
    }

    /// What there is to install, for a message.
    static let installHint =
        "install one: odbc-mariadb, odbc-postgresql or tdsodbc of Debian, msodbcsql18 of Microsoft"
}

extension StringProtocol {
    /// Without blanks at its ends.
    func trimming() -> String {
        var rest = self[...]
        while rest.first?.isWhitespace ?? false { rest = rest.dropFirst() }
        while rest.last?.isWhitespace ?? false { rest = rest.dropLast() }
        return String(rest)
    }
}
