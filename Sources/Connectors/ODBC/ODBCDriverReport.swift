import ODBC
import Support

/// Which ODBC drivers there are, and what the connections that need one lack.
public struct ODBCDriverReport: Sendable {
    /// The drivers' names.
    public var names: [String]
    /// What to install, a sentence for each kind of database that no driver is there for; or for unixODBC itself.
    public var advice: [String]

    /// Looks for drivers for connections with these settings.
    ///
    /// - returns: nil when none of them needs a driver.
    public static func look(for connections: [ConnectionSettings]) async -> ODBCDriverReport? {
        let needing = connections.compactMap { settings in
            ODBCSite.Kind(settings.protocolName).map { (kind: $0, settings: settings) }
        }
        if needing.isEmpty { return nil }
        var report = ODBCDriverReport(names: [], advice: [])
        do throws(SluiceError) {
            report.names = try await ODBCDrivers.names().sorted()
        } catch {
            report.advice.append(error.message + (error.hint.map { "; \($0)" } ?? ""))
            return report
        }
        var told: Set<String> = []
        for (kind, settings) in needing {
            // Whoever names a driver, or its library, knows what he has.
            if settings.values["driver"] != nil || kind.driver(among: report.names) != nil { continue }
            if kind == .any, !report.names.isEmpty { continue }
            if told.insert(settings.protocolName).inserted {
                report.advice.append("for \(settings.protocolName): \(kind.package)")
            }
        }
        return report
    }

    /// What there is, in a line.
    public var headline: String {
        names.isEmpty ? "unixODBC knows no driver" : names.joined(separator: ", ")
    }
}

extension ODBCSite.Kind {
    /// The kind that a protocol's connections are of; nil for one that needs no driver.
    init?(_ protocolName: String) {
        switch protocolName {
        case "odbc": self = .any
        case "mysql": self = .mySQL
        case "oracle": self = .oracle
        case "mssql": self = .sqlServer
        default: return nil
        }
    }

    /// What the names of its drivers have in them, the best first; none where any driver will do.
    private var words: [String] {
        switch self {
        case .mySQL: ["mariadb", "maodbc", "mysql"]
        case .sqlServer: ["odbc driver 18", "odbc driver 17", "msodbcsql", "freetds", "tds"]
        case .oracle: ["oracle"]
        case .any: []
        }
    }

    /// The best of the installed drivers; nil when none is for this kind of database.
    func driver(among installed: [String]) -> String? {
        for word in words {
            if let name = installed.first(where: { $0.lowercased().contains(word) }) { return name }
        }
        return nil
    }

    /// What to install.
    var package: String {
        switch self {
        case .mySQL: "apt install odbc-mariadb"
        case .sqlServer: "install Microsoft's msodbcsql18, or apt install tdsodbc"
        case .oracle: "install Oracle's instant client with its ODBC package"
        case .any:
            "install the database's driver: odbc-mariadb, odbc-postgresql or tdsodbc of Debian, or its maker's own"
        }
    }
}
