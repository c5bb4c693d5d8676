import Support

/// The tables of a workspace, made of what executions have written.
struct LogTables {
    /// Where the folders of executions lie.
    let home: String
    let workspace: String
    /// What came later is not found yet.
    let until: Moment
    let span: ClosedRange<Moment>?

    /// A table; nil as long as it has no row, as in the service.
    func table(_ name: String) -> KustoTable? {
        let isLegacy = name.hasSuffix("_CL")
        let base = isLegacy ? String(name.dropLast(3)) : name
        let isConsole = base == "ContainerAppConsoleLogs"
        guard isConsole || base == "ContainerAppSystemLogs" else { return nil }
        func named(_ column: String) -> String { isLegacy ? "\(column)_s" : column }
        let texts =
            isConsole
            ? [
                "ContainerJobName", "ContainerGroupName", "ContainerName", "EnvironmentName", "Log", "Stream",
            ] : ["JobName", "ExecutionName", "ReplicaName", "EnvironmentName", "Reason", "Type", "Log", "EventSource"]
        var columns: [(name: String, type: String)] = [("TimeGenerated", "datetime")]
        if isLegacy { columns.append(("_timestamp_d", "real")) }
        columns += texts.map { (named($0), "string") }
        // The table's own name, which the system table without suffixes has for something else.
        if isLegacy || isConsole { columns.append(("Type", "string")) }
        var table = KustoTable(columns: columns, rows: [])
        for folder in RootFolder.names(home).sorted() {
            let log = ExecutionLog(home: "\(home)/\(folder)")
            guard let facts = log.facts(), isMine(facts, isLegacy) else { continue }
            let environment = facts["environment"]?.text ?? ""
            let job = facts["job"]?.text ?? ""
            func add(_ time: Moment, _ values: [String]) {
                guard time <= until else { return }
                var row: [KustoValue] = [.datetime(time)]
                if isLegacy { row.append(.real(Double(time.microseconds) / 1e6)) }
                row += values.map { .string($0) }
                if isLegacy || isConsole { row.append(.string(name)) }
                table.rows.append(row)
            }
            if isConsole {
                for (replica, container, lines) in log.containers() {
                    for line in lines.all() {
                        add(line.time, [job, replica, container, environment, line.text, line.stream])
                    }
                }
            } else {
                for event in log.events() {
                    add(
                        event.time,
                        [
                            job, facts["execution"]?.text ?? "", event.replica, environment, event.reason, event.type,
                            event.text, "ContainerAppController",
                        ])
                }
            }
        }
        if table.rows.isEmpty { return nil }
        if let span {
            table.rows = table.rows.filter { row in
                if case .datetime(let time)? = row.first { return span.contains(time) }
                return false
            }
        }
        return table
    }

    /// Whether an execution's logs are in this workspace, in tables of this kind.
    private func isMine(_ facts: JSONText, _ isLegacy: Bool) -> Bool {
        switch facts["destination"]?.text {
        case "log-analytics":
            return isLegacy && facts["workspace"]?.text?.lowercased() == workspace.lowercased()
        // Where such logs go is said by settings that nobody plays: they are found in every workspace.
        case "azure-monitor": return !isLegacy
        default: return false
        }
    }
}
