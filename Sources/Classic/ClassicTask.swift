public import Support

/// Whose work a report is, and where its input and output lie: the environment of a task container.
public struct ClassicTask: Sendable, Hashable {
    /// The job's id.
    public var jobID: String
    /// The task's id.
    public var taskID: String
    /// The name of the input.
    public var inputBlob: String
    /// Where the input lies.
    public var inputContainer: String
    /// Where the report goes.
    public var outputContainer: String

    /// A task, with the names that tasks have which were given none.
    public init(
        jobID: String = "unknown-job", taskID: String = "unknown-task", inputBlob: String,
        inputContainer: String = "batch-input", outputContainer: String = "batch-output"
    ) {
        self.jobID = jobID
        self.taskID = taskID
        self.inputBlob = inputBlob
        self.inputContainer = inputContainer
        self.outputContainer = outputContainer
    }

    /// The report's `task_metadata`.
    var metadata: PythonValue {
        .members([
            "job_id": .text(jobID), "task_id": .text(taskID), "input_blob": .text(inputBlob),
            "input_container": .text(inputContainer), "output_container": .text(outputContainer),
        ])
    }

    /// The name of the report that is written at `time`: `processed_sales_20250117_143522.json`.
    public func outputName(at time: LocalTime) -> String {
        "processed_\(ClassicTask.stem(of: inputBlob))_\(time.compact).json"
    }

    /// The last part of a name without what stands behind its last point: `a/b.c.json` has the stem `b.c`.
    static func stem(of name: String) -> String {
        guard let last = name.split(separator: "/").last(where: { $0 != "." }) else { return "" }
        guard let point = last.lastIndex(of: "."), point != last.startIndex, last.index(after: point) != last.endIndex
        else { return String(last) }
        return String(last[..<point])
    }

    // MARK: - Logs

    /// Where the log of a task that went through belongs.
    public func logName(at time: LocalTime) -> String { "logs/\(jobID)/\(taskID)_\(time.compact).json" }

    /// Where the log of a task that failed belongs.
    public var failureLogName: String { "logs/errors/\(jobID)/\(taskID)_error.json" }

    /// The log of a task that went through.
    public func log(output: String, start: LocalTime, end: LocalTime, counts: ClassicCounts) -> Buffer {
        ClassicTask.document([
            "job_id": .text(jobID), "task_id": .text(taskID), "input_blob": .text(inputBlob),
            "output_blob": .text(output), "start_time": .text(start.iso), "end_time": .text(end.iso),
            "execution_time_seconds": end.seconds(since: start), "status": .text("success"),
            "transactions_processed": .integer(counts.total), "valid_transactions": .integer(counts.valid),
            "invalid_transactions": .integer(counts.invalid),
        ])
    }

    /// The log of a task that failed with `error`.
    public func failureLog(error: String, at time: LocalTime) -> Buffer {
        ClassicTask.document([
            "job_id": .text(jobID), "task_id": .text(taskID), "status": .text("failed"), "error": .text(error),
            "timestamp": .text(time.iso),
        ])
    }

    /// Logs are ASCII, which no text can fail to become.
    private static func document(_ members: KeyValuePairs<String, PythonValue>) -> Buffer {
        (try? PythonJSON.bytes(.members(members), isASCII: true)) ?? .empty
    }
}
