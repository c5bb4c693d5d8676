public import Columns
public import Connectors
import Support
public import Warehouse

/// What a run would do, found out without doing any of it.
public struct IngestPlan: Sendable {
    /// What would be staged under a name of its own: a table, or a file that is new or has changed.
    public struct Unit: Sendable {
        /// Its name.
        public var name: String
        /// How many bytes there are to read, when that is known.
        public var bytes: Int?
    }

    /// What would be read.
    public var units: [Unit]
    /// How many files are loaded already.
    public var knownUnits: Int
    /// Which stretch of the cursor.
    public var cursor: CursorRange?
    /// The columns of the source; of files as far as their beginning tells.
    public var schema: Schema
    /// Whether the types may turn out to be wider when everything is read.
    public var mayWiden: Bool
    /// What would be done to the table.
    public var changes: [TableChange]
    /// Columns of the source that would be left out, by the contract.
    public var discarded: [String]
    /// Whether the rows that are in the table would go.
    public var clears: Bool
    /// How rows would get into the database, where they are not sent.
    public var loadMethod: String?
}

extension IngestRun {
    /// Finds out what a run would do. Nothing is changed, not even Sluice's own tables are made.
    @concurrent public func plan() async throws -> IngestPlan {
        let session = try await warehouse.connect(as: "sluice \(job.pipeline) plan")
        do {
            let plan = try await plan(session)
            await session.close()
            return plan
        } catch {
            await session.close()
            throw error
        }
    }

    private func plan(_ session: any WarehouseSession) async throws -> IngestPlan {
        let reading = try await readPlan(session, isPreview: true)
        let read = try await connector.read(reading.request)
        do {
            if reading.isOverlapping { _ = try tieBreaker(read.key) }
            var schemas: [Schema] = []
            var mayWiden = false
            for unit in read.units.prefix(100) {
                if let schema = unit.schema {
                    schemas.append(schema)
                } else {
                    mayWiden = true
                    schemas.append(try await unit.open(under: nil).schema)
                }
            }
            let units = read.units.map { IngestPlan.Unit(name: $0.name, bytes: $0.bytes) }
            let (known, schema) = (read.knownUnits, Schema.union(schemas))
            await read.close()
            var changes: [TableChange] = []
            var discarded: [String] = []
            if !schemas.isEmpty {
                let stager = try SourceStager(self, reading, read, run: id)
                let table = try await session.plan(
                    TableRequest(
                        table: job.table, schema: try stager.stagedSchema(schema), contract: job.contract,
                        key: job.mode == .merge ? job.key : []))
                changes = table.changes
                discarded = table.discarded
            }
            return IngestPlan(
                units: units, knownUnits: known, cursor: reading.request.cursor, schema: schema, mayWiden: mayWiden,
                changes: changes, discarded: discarded, clears: job.mode == .replace || options.fullRefresh,
                loadMethod: warehouse.loadMethod)
        } catch {
            await read.close()
            throw error
        }
    }
}
