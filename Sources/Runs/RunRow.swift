import SQLite
import Support

/// A row of the history, by the names of its columns.
struct RunRow {
    private let values: [String: SQLiteValue]

    init(_ columns: [String], _ values: [SQLiteValue]) {
        self.values = Dictionary(zip(columns, values)) { first, _ in first }
    }

    private func text(_ column: String) -> String? { values[column]?.text }
    private func integer(_ column: String) -> Int64? { values[column]?.integer }
    private func count(_ column: String) -> Int { Int(integer(column) ?? 0) }

    private var counts: RunCounts {
        var counts = RunCounts()
        counts.rowsRead = count("rows_read")
        counts.rowsStaged = count("rows_staged")
        counts.rowsLoaded = count("rows_loaded")
        counts.rowsRejected = count("rows_rejected")
        counts.bytesRead = count("bytes_read")
        counts.bytesStaged = count("bytes_staged")
        counts.files = count("files")
        return counts
    }

    /// The run, as the row has it.
    var stored: RunRecord {
        var run = RunRecord(
            id: text("id") ?? "", project: text("project") ?? "", job: text("job") ?? "", kind: text("kind") ?? "",
            startedAt: integer("started_at") ?? 0)
        run.environment = text("environment")
        run.platform = text("platform") ?? "local"
        run.parameters = text("parameters") ?? "{}"
        run.package = text("package") ?? ""
        run.who = text("who") ?? ""
        if let id = integer("process"), let started = integer("process_started") {
            run.process = (Int32(truncatingIfNeeded: id), UInt64(bitPattern: started))
        }
        run.state = text("state").flatMap { RunState(rawValue: $0) } ?? .failed
        run.finishedAt = integer("finished_at")
        run.counts = counts
        run.error = text("error")
        run.exitCode = integer("exit_code").map(Int.init)
        run.log = text("log")
        run.cursorFrom = text("cursor_from")
        run.cursorTo = text("cursor_to")
        run.reference = text("reference")
        return run
    }

    /// The run as it stands: one whose process is gone has failed, and nobody was left to note it.
    var run: RunRecord {
        var run = stored
        guard isDead else { return run }
        run.state = .failed
        run.error = RunStore.endedWithoutAWord
        run.finishedAt = integer("updated_at")
        return run
    }

    /// Whether the run is open and its process is gone. What runs on another machine cannot be told from here.
    var isDead: Bool {
        guard integer("finished_at") == nil, text("host") == HostProcess.host else { return false }
        guard let process = stored.process else { return false }
        return text("boot") != HostProcess.boot || !HostProcess.isAlive(process.id, started: process.started)
    }

    /// The step.
    var step: StepRecord {
        StepRecord(
            number: count("number"), name: text("name") ?? "", kind: text("kind") ?? "", region: text("region"),
            state: text("state").flatMap { StepState(rawValue: $0) } ?? .failed, startedAt: integer("started_at"),
            finishedAt: integer("finished_at"), message: text("message") ?? "")
    }

    /// The attempt.
    var attempt: AttemptRecord {
        var attempt = AttemptRecord(
            number: count("number"), state: text("state").flatMap { RunState(rawValue: $0) } ?? .failed,
            startedAt: integer("started_at") ?? 0)
        attempt.finishedAt = integer("finished_at")
        attempt.counts = counts
        attempt.error = text("error")
        return attempt
    }
}
