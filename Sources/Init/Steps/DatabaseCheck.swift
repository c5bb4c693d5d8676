import Connectors
import ODBC
import Postgres
import SQLite
import Support

/// What is asked of a database, each question with its answer or what to do about it.
struct DatabaseCheck {
    private let step: CheckStep
    private let session: DirectSession

    init(_ step: CheckStep, _ session: DirectSession) {
        self.step = step
        self.session = session
    }

    func answers() async throws(SluiceError) -> [Result<String, SluiceError>] {
        var answers: [Result<String, SluiceError>] = []
        let (product, version) = try await version()
        answers.append(atLeast(product, version))
        if step.wantsTLS, step.address == nil { answers.append(try await encrypted()) }
        for role in step.roles { answers.append(try await self.role(role)) }
        for name in step.extensions { answers.append(try await self.extension(name)) }
        return answers
    }

    private func wrong(_ message: String, _ remedy: String) -> Result<String, SluiceError> {
        .failure(SluiceError(.invalidConfiguration, message, place: .init(file: session.name), hint: remedy))
    }

    private func version() async throws(SluiceError) -> (product: String, version: String) {
        switch session {
        case .postgres(let session):
            let text = try await session.query("SHOW server_version").single ?? ""
            return ("PostgreSQL", String(text.prefix { $0 != " " }))
        case .sqlite(let session):
            return ("SQLite", try await session.query("SELECT sqlite_version()").single?.text ?? "")
        case .sqlServer(let session):
            let sql = "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(40))"
            return ("SQL Server", try await session.query(sql).single ?? "")
        }
    }

    private func atLeast(_ product: String, _ found: String) -> Result<String, SluiceError> {
        guard let text = step.version else { return .success("\(session.name) answers") }
        guard let least = Version(text) else {
            return wrong("\"\(Display.safe(text))\" is no version", "write numbers with points: 14, or 14.2")
        }
        guard let version = Version(in: found), version >= least else {
            return wrong(
                "\(product) is of version \(Display.safe(found)), at least \(least) is needed", "update the server")
        }
        return .success("\(product) \(version)")
    }

    private func encrypted() async throws(SluiceError) -> Result<String, SluiceError> {
        let remedy = "set sslmode: verify-full for the connection, and see that the server has a certificate"
        switch session {
        case .postgres(let session):
            let version = try await session.query(
                "SELECT CASE WHEN ssl THEN version END FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            ).single
            return version.map { .success("the session is encrypted, \($0)") }
                ?? wrong("the session with the database is not encrypted", remedy)
        case .sqlServer(let session):
            let sql = "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"
            return try await session.query(sql).single == "TRUE"
                ? .success("the session is encrypted")
                : wrong("the session with the database is not encrypted", "set encrypt: yes for the connection")
        case .sqlite: return wrong("a database file has no session to encrypt", "leave tls out")
        }
    }

    private func role(_ name: String) async throws(SluiceError) -> Result<String, SluiceError> {
        let isThere: Bool
        switch session {
        case .postgres(let session):
            isThere = try await session.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [name]).single != nil
        case .sqlServer(let session):
            isThere =
                try await session.query(
                    "SELECT 1 FROM sys.database_principals WHERE name = ?", [.text(name)]
                ).single != nil
        case .sqlite: return wrong("SQLite has no roles", "leave roles out")
        }
        return isThere
            ? .success("the role \(Display.safe(name)) is there")
            : wrong("there is no role \"\(Display.safe(name))\"", "make it with a grant-roles step")
    }

    private func `extension`(_ name: String) async throws(SluiceError) -> Result<String, SluiceError> {
        guard case .postgres(let session) = session else {
            return wrong("\(session.name) has no extensions", "leave extensions out")
        }
        if try await session.query("SELECT 1 FROM pg_extension WHERE extname = $1", [name]).single != nil {
            return .success("the extension \(Display.safe(name)) is there")
        }
        let isAvailable =
            try await session.query("SELECT 1 FROM pg_available_extensions WHERE name = $1", [name]).single != nil
        return wrong(
            "the extension \"\(Display.safe(name))\" is not made in this database",
            isAvailable
                ? "CREATE EXTENSION \(Display.safe(name)) in a migrate step"
                : "the server does not have it: install its package, or allow it in azure.extensions")
    }
}
