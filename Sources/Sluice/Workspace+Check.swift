public import Connectors
import Storage
public import Support
import Warehouse

extension Workspace {
    /// Reaches what `name` stands for: a connection, a URL, `warehouse` or `lake`.
    ///
    /// - returns: What it says of itself.
    public func check(_ name: String) async throws(SluiceError) -> String {
        switch name {
        case "warehouse" where project.connections[name] == nil:
            let warehouse = try await warehouse()
            let session = try await warehouse.connect(as: "sluice check")
            do throws(SluiceError) {
                _ = try await session.query("SELECT 1 AS one", limit: 1)
            } catch {
                await session.close()
                throw error
            }
            await session.close()
            return warehouse.name
        case "lake" where project.connections[name] == nil:
            let lake = try lake()
            // Writing is what a run will do.
            let path = "_claims/check-\(UInt64.random(in: 0 ... .max))"
            try await lake.write("", to: path)
            try await lake.remove(path)
            return lake.name
        default:
            return try await connector(name).check()
        }
    }

    /// Which ODBC drivers there are for those of `names` that need one, and what is lacking; nil when none does.
    public func odbcDrivers(for names: [String]) async -> ODBCDriverReport? {
        var settings: [ConnectionSettings] = []
        for name in names {
            let isOwn = project.connections[name] == nil
            if isOwn, name == "lake" { continue }
            // What is wrong with a connection is told by its own check.
            let found =
                isOwn && name == "warehouse" ? try? await warehouseSettings() : try? await connection(name)
            if let found { settings.append(found) }
        }
        return await ODBCDriverReport.look(for: settings)
    }
}
