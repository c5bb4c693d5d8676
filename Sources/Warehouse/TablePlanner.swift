public import Columns
public import Support

extension Lineage {
    /// The lineage columns with their types, in the order in which they stand in a new table.
    public static let fields = [
        Field(sourceFile, .utf8), Field(loadedAt, .timestamp(.microsecond, zone: "UTC")), Field(runID, .utf8),
    ]
}

/// Compares rows that want to go into a table with the table, and says what has to be done first.
///
/// Nothing is asked of a database here: what the table looks like comes in, what to do comes out.
public struct TablePlanner: Sendable {
    private let dialect: any SQLDialect

    /// A planner for tables of one kind of database.
    public init(_ dialect: any SQLDialect) { self.dialect = dialect }

    /// What has to be done so that a table takes the rows.
    ///
    /// - parameter columns: The table's columns; nil when there is no such table.
    /// - throws: `SluiceError` naming every column that the contract or the database stands against, with both types.
    public func plan(_ request: TableRequest, existing columns: [TableColumn]?) throws(SluiceError) -> TablePlan {
        var draft = Draft(request: request, dialect: dialect)
        draft.refuseUnusableNames()
        if let columns { draft.compare(with: columns) } else { draft.create() }
        draft.requireKey()
        try draft.refuse(isNew: columns == nil)
        return draft.plan
    }
}

/// A plan under way, and what stands against it.
private struct Draft {
    let request: TableRequest
    let dialect: any SQLDialect
    var plan: TablePlan
    var violations: [String] = []
    /// Columns of the rows whose names cannot be used, so that nothing more is said of them.
    var unusable: Set<Int> = []

    init(request: TableRequest, dialect: any SQLDialect) {
        self.request = request
        self.dialect = dialect
        plan = TablePlan(request: request, changes: [], targets: [])
    }

    private var contract: ContractMode { request.contract }

    /// What two names have in common when the database takes them for one.
    private func folded(_ name: String) -> String { dialect.distinguishesCase ? name : name.lowercased() }

    mutating func refuseUnusableNames() {
        if let problem = problem(in: { () throws(SluiceError) in _ = try dialect.quote(request.table) }) {
            violations.append(problem)
        }
        var seen: [String: String] = [:]
        for (index, field) in request.schema.fields.enumerated() {
            if let problem = problem(in: { () throws(SluiceError) in _ = try dialect.quote(field.name) }) {
                violations.append(problem)
                unusable.insert(index)
            } else if Lineage.columns.contains(where: { folded($0) == folded(field.name) }) {
                violations.append("column \(quoted(field.name)) has a name that Sluice writes itself")
                unusable.insert(index)
            } else if let other = seen.updateValue(field.name, forKey: folded(field.name)) {
                violations.append(
                    other == field.name
                        ? "column \(quoted(field.name)) comes twice"
                        : "columns \(quoted(other)) and \(quoted(field.name)) are one to \(dialect.name)")
                unusable.insert(index)
            }
        }
    }

    private func problem(in body: () throws(SluiceError) -> Void) -> String? {
        do throws(SluiceError) {
            try body()
            return nil
        } catch {
            return error.message
        }
    }

    private var usable: [Field] {
        request.schema.fields.enumerated().filter { !unusable.contains($0.offset) }.map(\.element)
    }

    // MARK: A new table

    mutating func create() {
        plan.changes = [.create]
        for field in usable { plan.targets.append(newTarget(field)) }
    }

    private func newTarget(_ field: Field) -> TablePlan.Target {
        // Only keys are declared: what the source says of the others may change with its next row, and a later change
        // costs more than a missing constraint.
        let isKey = plan.createsTable && request.key.contains { folded($0) == folded(field.name) }
        return TablePlan.Target(
            name: field.name, type: dialect.storedType(for: field.type), sqlType: dialect.sqlType(for: field.type),
            isNullable: !isKey)
    }

    // MARK: A table that is there

    mutating func compare(with columns: [TableColumn]) {
        var matched: Set<String> = []
        for field in usable {
            guard let column = match(field.name, in: columns) else {
                add(field, to: columns)
                continue
            }
            matched.insert(column.name)
            fit(field, into: column)
        }
        for column in columns where !matched.contains(column.name) { leaveOut(column) }
        for field in Lineage.fields { addLineage(field, to: columns) }
    }

    /// The column called `name`: exactly, or else the only one that differs in case, where case means nothing.
    private func match(_ name: String, in columns: [TableColumn]) -> TableColumn? {
        if let exact = columns.first(where: { $0.name == name }) { return exact }
        if dialect.distinguishesCase { return nil }
        let alike = columns.filter { folded($0.name) == folded(name) }
        return alike.count == 1 ? alike[0] : nil
    }

    private mutating func add(_ field: Field, to columns: [TableColumn]) {
        // Contracts are about what the source sends.
        switch field.name == Lineage.ingestedAt ? .evolve : contract {
        case .evolve:
            let target = newTarget(field)
            plan.changes.append(.add(column: target.name, type: target.sqlType))
            plan.targets.append(target)
        case .freeze:
            let near = nearestWord(to: field.name, among: columns.map(\.name)).map { "; the nearest is \(quoted($0))" }
            violations.append("column \(quoted(field.name)) (\(field.type)) is not in the table\(near ?? "")")
        case .discardColumns: plan.discarded.append(field.name)
        case .discardRows: plan.rejecting.append(field.name)
        }
    }

    private mutating func fit(_ field: Field, into column: TableColumn) {
        if let obstacle = column.obstacle {
            if contract == .discardColumns { return plan.discarded.append(field.name) }
            violations.append("column \(quoted(column.name)) \(obstacle), so that no value can be written to it")
            return
        }
        var target = TablePlan.Target(
            name: column.name, type: column.type, sqlType: column.sqlType, isNullable: column.isNullable)
        switch dialect.widening(of: column, to: field.type) {
        case .fits(let type): target.type = type
        case .alter(let sqlType, let type) where contract == .evolve:
            plan.changes.append(.widen(column: column.name, from: column.sqlType, to: sqlType))
            target.type = type
            target.sqlType = sqlType
        case .alter(let sqlType, _) where contract == .freeze:
            violations.append(
                "column \(quoted(column.name)) is \(field.type), the table has \(column.sqlType) and would need \(sqlType)"
            )
        case .alter, .impossible:
            let isLeftToValues = contract == .discardRows || contract == .discardColumns
            if !isLeftToValues || !field.type.canBecome(column.type) {
                violations.append("column \(quoted(column.name)) is \(field.type), the table has \(column.sqlType)")
            }
        }
        if field.isNullable || field.type == .null, !column.isNullable, contract == .evolve, dialect.canAllowNull,
            !column.isInPrimaryKey, !request.key.contains(where: { folded($0) == folded(column.name) })
        {
            plan.changes.append(.allowNull(column: column.name))
            target.isNullable = true
        }
        plan.targets.append(target)
    }

    private mutating func leaveOut(_ column: TableColumn) {
        let isLineage = Lineage.columns.contains { folded($0) == folded(column.name) }
        guard !isLineage, !column.isNullable, !column.hasDefault, column.obstacle == nil else { return }
        if contract == .evolve, dialect.canAllowNull, !column.isInPrimaryKey {
            plan.changes.append(.allowNull(column: column.name))
        } else {
            violations.append(
                "the rows lack column \(quoted(column.name)) (\(column.sqlType)), which may not be null and has no default"
            )
        }
    }

    private mutating func addLineage(_ field: Field, to columns: [TableColumn]) {
        guard let column = match(field.name, in: columns) else {
            plan.changes.append(.add(column: field.name, type: dialect.sqlType(for: field.type)))
            return
        }
        let isHeld: Bool
        switch (column.type, field.type) {
        case (.timestamp, .timestamp), (.utf8, _): isHeld = true
        case (.uuid, _): isHeld = field.name == Lineage.runID
        default: isHeld = false
        }
        if let obstacle = column.obstacle {
            violations.append("column \(quoted(column.name)) \(obstacle), and Sluice writes it")
        } else if !isHeld {
            violations.append(
                "column \(quoted(column.name)), which Sluice writes, has type \(column.sqlType) and should have "
                    + dialect.sqlType(for: field.type))
        }
    }

    // MARK: The verdict

    mutating func requireKey() {
        for key in request.key where !plan.targets.contains(where: { folded($0.name) == folded(key) }) {
            let names = request.schema.fields.map(\.name)
            // One that has been refused already needs no second word.
            if violations.contains(where: { $0.contains(quoted(key)) }) { continue }
            let near = nearestWord(to: key, among: names).map { "; the nearest is \(quoted($0))" }
            violations.append("key column \(quoted(key)) is not among the columns that are written\(near ?? "")")
        }
    }

    func refuse(isNew: Bool) throws(SluiceError) {
        guard !violations.isEmpty else { return }
        let hint: String
        switch contract {
        case _ where isNew: hint = "Rename the columns in the query that reads them, or in the job"
        case .evolve:
            hint =
                "Declare these columns' types in the job, change the table, or set `contract: discard-rows` to reject "
                + "rows that do not fit"
        case .freeze: hint = "Change the table, or set `contract: evolve` to have columns added and widened"
        case .discardColumns, .discardRows: hint = "Declare these columns' types in the job, or change the table"
        }
        throw SluiceError(
            .invalidConfiguration,
            "the table \(request.table) does not take these rows: \(violations.joined(separator: "; "))", hint: hint)
    }

    private func quoted(_ name: String) -> String { "\"\(name)\"" }
}

extension DataType {
    /// Whether there is a cast to `target` at all, whatever it does to single values.
    fileprivate func canBecome(_ target: DataType) -> Bool {
        enum Kind { case number, text, bytes, moment, time, nested }
        func kind(_ type: DataType) -> Kind {
            switch type {
            case .null, .utf8, .json: .text
            case .binary, .fixedBinary, .uuid: .bytes
            case .date, .timestamp: .moment
            case .time: .time
            case .list, .structure, .map: .nested
            default: .number
            }
        }
        let (from, to) = (kind(self), kind(target))
        return from == to || from == .text && to != .nested || to == .text
    }
}
