import Columns
import ODBC
import Support
import Warehouse

/// Reads a database through its ODBC driver.
struct ODBCConnector: Connector {
    let name: String
    let protocolName: String
    private let site: ODBCSite

    init(_ settings: ConnectionSettings, kind: ODBCSite.Kind) {
        name = settings.name
        protocolName = settings.protocolName
        site = ODBCSite(connection: settings, kind: kind)
    }

    func check() async throws(SluiceError) -> String {
        let session = try await site.open()
        let facts = session.facts
        try await session.query(facts.database == .oracle ? "SELECT 1 FROM dual" : "SELECT 1")
        let driver = "\(facts.driver) \(facts.driverVersion)"
        await session.close()
        return "\(facts.server) \(facts.serverVersion), by \(driver)"
    }

    func discover() async throws(SluiceError) -> [SourceTable] {
        let session = try await site.open()
        let catalog = ODBCCatalog(session: session)
        var tables: [SourceTable] = []
        for relation in try await catalog.relations() {
            tables.append(
                SourceTable(
                    name: relation.shownName, schema: try await catalog.schema(of: relation),
                    key: try await catalog.key(of: relation)))
        }
        await session.close()
        return tables
    }

    func read(_ request: ReadRequest) async throws(SluiceError) -> any SourceRead {
        let session = try await site.open()
        let query: ODBCQuery
        do throws(SluiceError) {
            query = try await ODBCQuery(request, on: session)
        } catch {
            await session.close()
            throw error
        }
        return ODBCRead(ODBCUnit(query, site: site, prepared: session))
    }
}
