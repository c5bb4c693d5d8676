import SQLite
public import Support

/// Which runs are wanted.
public struct RunFilter: Sendable {
    /// Of this job.
    public var job: String?
    /// That stand so.
    public var state: RunState?
    /// In this environment.
    public var environment: String?
    /// That began at this moment or later.
    public var since: Moment?
    /// At most so many, the latest.
    public var limit: Int?

    /// Runs that meet every condition that is given.
    public init(
        job: String? = nil, state: RunState? = nil, environment: String? = nil, since: Moment? = nil, limit: Int? = nil
    ) {
        self.job = job
        self.state = state
        self.environment = environment
        self.since = since
        self.limit = limit
    }
}

extension RunStore {
    /// What is said of a run whose process is gone.
    public static let endedWithoutAWord = "the process ended without a word"

    /// The run whose id begins or ends with `part`, with its attempts; nil when there is none.
    ///
    /// - throws: `SluiceError` that names them when there are several.
    public func run(matching part: String) async throws(SluiceError) -> RunRecord? {
        let part = part.lowercased()
        guard !part.isEmpty else { return nil }
        let rows = try await runs(
            "WHERE substr(id, 1, length(:part)) = :part OR substr(id, -length(:part)) = :part "
                + "ORDER BY started_at DESC LIMIT 6", ["part": .text(part)])
        let found = rows.first { $0.stored.id == part }.map { [$0] } ?? rows
        if found.count > 1 {
            let names = found.prefix(5).map { "\($0.stored.id) (\($0.stored.job))" }.joined(separator: ", ")
            throw SluiceError(
                .usage, "several runs are called \"\(part)\": \(names)\(found.count > 5 ? ", …" : "")",
                hint: "Write more of the id.")
        }
        return try await complete(found.first)
    }

    /// The run that began last, with its attempts.
    ///
    /// - parameter job: Of this job only.
    public func latest(of job: String? = nil) async throws(SluiceError) -> RunRecord? {
        let condition = job == nil ? "" : "WHERE job = :job "
        return try await complete(
            try await runs(
                condition + "ORDER BY started_at DESC, id DESC LIMIT 1", job.map { ["job": .text($0)] } ?? [:]
            ).first)
    }

    /// The runs that `filter` lets through, the latest first.
    ///
    /// - parameter withAttempts: Whether their attempts are wanted too.
    public func list(
        _ filter: RunFilter = RunFilter(), withAttempts: Bool = false
    ) async throws(SluiceError) -> [RunRecord] {
        var conditions: [String] = []
        var values: [String: SQLiteValue] = [:]
        if let job = filter.job {
            conditions.append("job = :job")
            values["job"] = .text(job)
        }
        if let environment = filter.environment {
            conditions.append("environment = :environment")
            values["environment"] = .text(environment)
        }
        if let since = filter.since {
            conditions.append("started_at >= :since")
            values["since"] = .integer(since.microseconds)
        }
        if let state = filter.state {
            // Runs whose process is gone are still written down as if it were there.
            let dead = "id IN (SELECT value FROM json_each(:dead))"
            conditions.append(state == .failed ? "(state = :state OR \(dead))" : "(state = :state AND NOT \(dead))")
            values["state"] = .text(state.rawValue)
            values["dead"] = .text(JSONText.array(try await deadRuns().map { .string($0) }).text())
        }
        var clause = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ") + " "
        clause += "ORDER BY started_at DESC, id DESC"
        if let limit = filter.limit {
            clause += " LIMIT :limit"
            values["limit"] = .integer(Int64(limit))
        }
        let found = try await runs(clause, values)
        return withAttempts ? try await complete(found) : found.map(\.run)
    }

    /// The runs of `job` that somebody works on, on this machine or perhaps on another.
    public func openRuns(of job: String) async throws(SluiceError) -> [RunRecord] {
        try await runs(
            "WHERE job = :job AND finished_at IS NULL ORDER BY started_at DESC, id DESC", ["job": .text(job)]
        ).filter { !$0.isDead }.map(\.run)
    }

    /// Writes down what reading tells anyway: runs whose process is gone have failed.
    ///
    /// - returns: Their ids.
    @discardableResult
    public func reap() async throws(SluiceError) -> [String] {
        let dead = try await deadRuns()
        let ids = JSONText.array(dead.map { .string($0) }).text()
        if dead.isEmpty { return [] }
        try await database.query(
            """
            UPDATE runs SET state = 'failed', error = ?, finished_at = updated_at
            WHERE finished_at IS NULL AND id IN (SELECT value FROM json_each(?))
            """, [.text(Self.endedWithoutAWord), .text(ids)])
        try await database.query(
            """
            UPDATE attempts SET state = 'failed', error = ?,
                finished_at = (SELECT updated_at FROM runs WHERE runs.id = attempts.run)
            WHERE finished_at IS NULL AND run IN (SELECT value FROM json_each(?))
            """, [.text(Self.endedWithoutAWord), .text(ids)])
        return dead
    }

    // MARK: Rows

    private func deadRuns() async throws(SluiceError) -> [String] {
        try await runs("WHERE finished_at IS NULL").filter(\.isDead).map(\.stored.id)
    }

    private func runs(_ clause: String, _ values: [String: SQLiteValue] = [:]) async throws(SluiceError) -> [RunRow] {
        let columns = RunSchema.runColumns
        return try await database.query(
            "SELECT \(columns.joined(separator: ", ")) FROM runs \(clause)", named: values
        ).rows.map { RunRow(columns, $0) }
    }

    /// The run of a row with its attempts.
    private func complete(_ row: RunRow?) async throws(SluiceError) -> RunRecord? {
        try await complete(row.map { [$0] } ?? []).first
    }

    /// The runs of rows with their attempts.
    private func complete(_ rows: [RunRow]) async throws(SluiceError) -> [RunRecord] {
        let columns = RunSchema.attemptColumns
        let ids = JSONText.array(rows.map { .string($0.stored.id) }).text()
        let found = try await database.query(
            "SELECT \(columns.joined(separator: ", ")) FROM attempts "
                + "WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run, number", [.text(ids)]
        ).rows
        let attempts = Dictionary(grouping: found) { $0[0].text ?? "" }
        let stepColumns = RunSchema.stepColumns
        let steps = Dictionary(
            grouping: try await database.query(
                "SELECT \(stepColumns.joined(separator: ", ")) FROM steps "
                    + "WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run, number", [.text(ids)]
            ).rows
        ) { $0[0].text ?? "" }
        return rows.map { row in
            var run = row.run
            run.steps = (steps[run.id] ?? []).map { values in
                var step = RunRow(stepColumns, values).step
                if row.isDead, step.state == .running {
                    step.state = .failed
                    step.message = Self.endedWithoutAWord
                    step.finishedAt = run.finishedAt
                }
                return step
            }
            run.attempts = (attempts[run.id] ?? []).map { values in
                var attempt = RunRow(columns, values).attempt
                if row.isDead, attempt.finishedAt == nil {
                    attempt.state = .failed
                    attempt.error = Self.endedWithoutAWord
                    attempt.finishedAt = run.finishedAt
                }
                return attempt
            }
            return run
        }
    }
}
