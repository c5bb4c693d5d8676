import Columns
import Postgres
import Support

/// Decides how the rows of a load travel, and makes the tables that they travel into.
struct PostgresShaper: Sendable {
    let connection: PostgresConnection
    let load: Load
    let table: PostgresCatalogue.Table
    private let dialect = PostgresDialect()

    init(_ connection: PostgresConnection, load: Load, table: PostgresCatalogue.Table) {
        self.connection = connection
        self.load = load
        self.table = table
    }

    private var plan: TablePlan { load.plan }

    /// Whether the load leaves nothing of what was in the table.
    static func replaces(_ load: Load) -> Bool {
        switch load.mode {
        case .replace: true
        case .append, .appendNew: load.clearsFirst
        case .merge: false
        }
    }

    // MARK: The road

    func road() async throws(SluiceError) -> PostgresLoad.Road {
        if case .merge(_, _, let deletion) = load.mode {
            guard load.keysAreUnique, deletion == nil else { return .stage }
            if table.oid == nil { return .direct }
            return try await canFill() ? .direct : .stage
        }
        guard let oid = table.oid else { return .direct }
        if Self.replaces(load) {
            return try await PostgresSwap(connection, table: table).isPossible(oid) && plan.targets.allSatisfy(isDirect)
                ? .beside : .stage
        }
        if case .append = load.mode, canCopyInto { return .direct }
        return .stage
    }

    /// Whether the table takes rows as they come, and nobody has to wait for a change of its shape.
    private var canCopyInto: Bool { plan.changes.isEmpty && plan.targets.allSatisfy(isDirect) && lineageTypes != nil }

    /// Whether the table is empty, and stays so until we fill it.
    private func canFill() async throws(SluiceError) -> Bool {
        let test = "SELECT EXISTS (SELECT FROM \(table.sql))"
        guard canCopyInto, try await connection.query(test).single == "f" else { return false }
        try await connection.execute("LOCK TABLE \(table.sql) IN SHARE ROW EXCLUSIVE MODE")
        return try await connection.query(test).single == "f"
    }

    /// What is known of the column that `target` names; nil for one that is still to be added.
    private func info(_ name: String) -> PostgresCatalogue.TableColumnInfo? {
        table.columns?.first { $0.column.name == name }
    }

    /// What is sent for a column; nil when its values have to be read from text by the server.
    private func wire(_ target: TablePlan.Target) -> PostgresType? {
        if let info = info(target.name), info.column.sqlType == target.sqlType {
            return CopyEncoder.canWrite(target.type, as: info.wire.oid) ? info.wire : nil
        }
        return Self.newType(target.type)
    }

    private func isDirect(_ target: TablePlan.Target) -> Bool { wire(target) != nil }

    /// What is sent for a column that has the dialect's own type for `type`.
    private static func newType(_ type: DataType) -> PostgresType {
        typealias OID = PostgresType.OID
        let oid: UInt32 =
            switch type {
            case .bool: OID.bool
            case .int16: OID.int2
            case .int32: OID.int4
            case .int64: OID.int8
            case .float32: OID.float4
            case .float64: OID.float8
            case .decimal: OID.numeric
            case .binary: OID.bytea
            case .date: OID.date
            case .time: OID.time
            case .timestamp(_, nil): OID.timestamp
            case .timestamp: OID.timestamptz
            case .uuid: OID.uuid
            case .json: OID.jsonb
            default: OID.text
            }
        return PostgresType(oid: oid)
    }

    /// What the table's lineage columns are written as; nil when the server has to cast them.
    private var lineageTypes: [PostgresType]? {
        let types = Lineage.columns.compactMap { info($0)?.wire }
        guard types.count == 3, types[0].oid == PostgresType.OID.text else { return nil }
        guard [PostgresType.OID.timestamptz, PostgresType.OID.timestamp].contains(types[1].oid) else { return nil }
        let isUUID = types[2].oid == PostgresType.OID.uuid && UUIDText.bytes(load.run) != nil
        return isUUID || types[2].oid == PostgresType.OID.text ? types : nil
    }

    // MARK: The tables

    /// Makes what the road needs, and says what rows are copied into.
    func prepare(_ road: PostgresLoad.Road) async throws(SluiceError) -> PostgresCopy.Target {
        switch road {
        case .direct where table.oid == nil:
            try await createTable()
            return try directTarget(into: table.sql, lineage: nil, isNew: true)
        case .direct: return try directTarget(into: table.sql, lineage: lineageTypes, isNew: false)
        case .beside:
            let swap = try PostgresSwap(connection, table: table)
            let defersLineage = try await swap.makeBeside(plan.changes)
            let text = PostgresType(oid: PostgresType.OID.text)
            return try directTarget(
                into: swap.besideSQL,
                lineage: defersLineage
                    ? nil : lineageTypes ?? [text, PostgresType(oid: PostgresType.OID.timestamptz), text], isNew: true)
        case .stage: return try await makeStage()
        }
    }

    /// Makes the table as the plan has it, its lineage columns left out: they come with the rows.
    func createTable() async throws(SluiceError) {
        let columns = try plan.targets.map { (target) throws(SluiceError) in
            "\(try dialect.quote(target.name)) \(target.sqlType)\(target.isNullable ? "" : " NOT NULL")"
        }
        try await connection.execute("CREATE TABLE \(table.sql) (\(columns.joined(separator: ", ")))")
    }

    private func directTarget(
        into sql: String, lineage: [PostgresType]?, isNew: Bool
    ) throws(SluiceError) -> PostgresCopy.Target {
        PostgresCopy.Target(
            table: sql,
            columns: try plan.targets.map { (target) throws(SluiceError) in try dialect.quote(target.name) },
            types: plan.targets.map { wire($0) ?? PostgresType(oid: PostgresType.OID.text) }, lineage: lineage,
            isNew: isNew)
    }

    /// The temporary table that rows wait in.
    static let stage = "pg_temp.sluice_stage"

    /// The name of the temporary table's column that says in which order rows came.
    static func arrival(_ plan: TablePlan) -> String {
        var name = "_sluice_arrival"
        while plan.targets.contains(where: { $0.name == name }) { name += "_" }
        return name
    }

    private func makeStage() async throws(SluiceError) -> PostgresCopy.Target {
        var columns: [String] = []
        var types: [PostgresType] = []
        for target in plan.targets {
            let known = info(target.name)
            let name = try dialect.quote(target.name)
            guard let wire = wire(target) else {
                columns.append("\(name) text")
                types.append(PostgresType(oid: PostgresType.OID.text))
                continue
            }
            // Without a length, so that what is too long is refused by the table itself, and not cut here.
            var sqlType = target.sqlType
            if sqlType.hasPrefix("character varying") { sqlType = "character varying" }
            if let known, let collation = known.collation { sqlType += " COLLATE \(collation)" }
            columns.append("\(name) \(sqlType)")
            types.append(wire)
        }
        let arrival = try dialect.quote(Self.arrival(plan))
        columns.append("\(arrival) bigint")
        try await connection.execute(
            "CREATE TEMPORARY TABLE sluice_stage (\(columns.joined(separator: ", "))) ON COMMIT DROP")
        return PostgresCopy.Target(
            table: Self.stage,
            columns: try plan.targets.map { (target) throws(SluiceError) in try dialect.quote(target.name) },
            types: types,
            arrival: arrival, lineage: nil)
    }

    // MARK: Changes of a table that is there

    /// Brings `sql` into the planned shape.
    static func change(
        _ sql: String, _ changes: [TableChange], on connection: PostgresConnection
    ) async throws(SluiceError) {
        let dialect = PostgresDialect()
        var actions: [String] = []
        for change in changes {
            switch change {
            case .create: break
            case .add(let column, let type): actions.append("ADD COLUMN \(try dialect.quote(column)) \(type)")
            case .widen(let column, _, let type):
                let name = try dialect.quote(column)
                actions.append("ALTER COLUMN \(name) TYPE \(type) USING \(name)::\(type)")
            case .allowNull(let column): actions.append("ALTER COLUMN \(try dialect.quote(column)) DROP NOT NULL")
            }
        }
        guard !actions.isEmpty else { return }
        try await connection.execute("ALTER TABLE \(sql) \(actions.joined(separator: ", "))")
        // The rows that are there were loaded by somebody else at some time; only new ones are loaded now.
        if changes.contains(where: { if case .add(Lineage.loadedAt, _) = $0 { true } else { false } }) {
            try await connection.execute(
                "ALTER TABLE \(sql) ALTER COLUMN \(try dialect.quote(Lineage.loadedAt)) SET DEFAULT now()")
        }
    }
}
