import Classic
import Glibc
import Runs
import Sales
public import Storage
public import Support

/// One input reported on as a task container does it: environment variables say where it lies, where the report goes,
/// and whose work it is.
///
/// Containers are those of the storage account; with `SLUICE_STORAGE_ROOT`, an account is the folder of its name in there, and
/// a container is a folder in that.
public struct ReportTask: Sendable {
    private let place: TaskPlace
    private let format: ReportFormat
    private let tell: @Sendable (String) -> Void

    /// How a task ended.
    public struct Outcome: Sendable {
        /// What it is: job and task.
        public var job: String
        /// The task's id.
        public var task: String
        /// What became of the input.
        public var report: ReportOutcome?
        /// Why it failed.
        public var error: SluiceError?

        /// The outcome for machines.
        public var json: JSONText {
            [
                "job_id": .string(job), "task_id": .string(task),
                "status": error == nil ? "success" : "failed",
                "report": report?.json ?? .null,
                "error": error.map { .string(Redactor.shared.redact("\($0)")) } ?? .null,
            ]
        }
    }

    /// Does what `environment` says. Does not throw: a failure is in the outcome, and in the failure log.
    ///
    /// - parameter stores: Opens containers.
    /// - parameter workFolders: Where temporary files may go: the first that is writable.
    /// - parameter tell: Told what is done.
    @concurrent public static func perform(
        _ environment: [String: String], stores: any StoreOpener = LocalStores(),
        workFolders: [String] = ["/app/temp", "/tmp/batch_work", "/app"],
        tell: @escaping @Sendable (String) -> Void
    ) async -> Outcome {
        var outcome = Outcome(
            job: environment["JOB_ID"].filled ?? "unknown-job", task: environment["TASK_ID"].filled ?? "unknown-task")
        let place: TaskPlace
        do throws(SluiceError) {
            place = try TaskPlace(environment, stores)
        } catch {
            outcome.error = error
            // Where the logs go may be known all the same.
            if let logs = TaskPlace.logs(environment, stores) { await logs.fail(error, input: nil, tell) }
            return outcome
        }
        do throws(SluiceError) {
            let format = try format(environment)
            try WorkFolder.choose(workFolders)
            let task = ReportTask(place: place, format: format, tell: tell)
            outcome.report = try await task.perform()
        } catch {
            outcome.error = error
            await place.logs.fail(error, input: place.blob, tell)
        }
        return outcome
    }

    private static func format(_ environment: [String: String]) throws(SluiceError) -> ReportFormat {
        guard let text = environment["SLUICE_REPORT_FORMAT"].filled else { return .sales }
        if let format = ReportFormat(rawValue: text) { return format }
        let words = ReportFormat.allCases.map(\.rawValue)
        throw SluiceError(
            .invalidConfiguration,
            "SLUICE_REPORT_FORMAT is '\(text)', one of \(words.joined(separator: ", ")) was expected",
            hint: nearestWord(to: text, among: words).map { "did you mean \($0)?" })
    }

    // MARK: The work

    private func perform() async throws(SluiceError) -> ReportOutcome {
        let start = Moment.now
        tell("reading \(place.blob) of \(place.input.name)")
        var job = ReportJob(name: place.logs.task.jobID, input: [])
        job.format = format
        job.html = false
        job.hasLedger = false
        let run = ReportRun(
            place.logs.task.taskID, of: job, into: place.output, ledger: nil, task: place.logs.task)
        let input = ReportInput(.stored(place.input, place.blob), name: place.blob)
        let threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let work = InputWork(run, input, nil, nil, threads: threads)
        let done = await work.perform()
        if let stop = done.stop { throw stop }
        if let error = done.outcome.error { throw error }
        if let report = done.outcome.report {
            tell("the report is \(report)")
            var counts = ClassicCounts()
            counts.total = done.outcome.records
            counts.valid = done.outcome.valid
            counts.invalid = done.outcome.records - done.outcome.valid
            let root = place.output.name + "/"
            let name = report.hasPrefix(root) ? String(report.dropFirst(root.count)) : report
            await place.logs.succeed(output: name, since: start, counts: counts, tell)
        }
        return done.outcome
    }
}

/// Where a task finds and leaves things.
struct TaskPlace: Sendable {
    let input: any ObjectStore
    let output: any ObjectStore
    let blob: String
    let logs: TaskLogs

    /// The place that `environment` names.
    init(_ environment: [String: String], _ stores: any StoreOpener) throws(SluiceError) {
        let account = try TaskPlace.required("STORAGE_ACCOUNT_NAME", environment)
        let blob = try TaskPlace.required("INPUT_BLOB_NAME", environment)
        let root = try TaskPlace.root(account, environment)
        guard TaskPlace.staysInside(blob) else {
            throw SluiceError(
                .usage, "INPUT_BLOB_NAME is '\(blob)', the name of a blob in its container was expected",
                hint: "write its path without . and .. and without a slash at either end")
        }
        self.blob = blob
        let inputContainer = try TaskPlace.container("INPUT_CONTAINER", "batch-input", environment)
        let outputContainer = try TaskPlace.container("OUTPUT_CONTAINER", "batch-output", environment)
        let logsContainer = try TaskPlace.container("LOGS_CONTAINER", "batch-logs", environment)
        input = try stores.store(at: "\(root)/\(inputContainer)")
        output = try stores.store(at: "\(root)/\(outputContainer)")
        logs = TaskLogs(
            task: ClassicTask(
                jobID: try TaskPlace.id("JOB_ID", "unknown-job", environment),
                taskID: try TaskPlace.id("TASK_ID", "unknown-task", environment), inputBlob: blob,
                inputContainer: inputContainer, outputContainer: outputContainer),
            lake: try stores.store(at: "\(root)/\(logsContainer)"))
    }

    /// Where a failure is told when the place as a whole is not known; nil when that is not known either.
    static func logs(_ environment: [String: String], _ stores: any StoreOpener) -> TaskLogs? {
        guard let account = environment["STORAGE_ACCOUNT_NAME"].filled,
            let root = try? root(account, environment),
            let container = try? container("LOGS_CONTAINER", "batch-logs", environment),
            let job = try? id("JOB_ID", "unknown-job", environment),
            let task = try? id("TASK_ID", "unknown-task", environment),
            let lake = try? stores.store(at: "\(root)/\(container)")
        else { return nil }
        return TaskLogs(
            task: ClassicTask(jobID: job, taskID: task, inputBlob: environment["INPUT_BLOB_NAME"] ?? ""),
            lake: lake)
    }

    private static func required(
        _ name: String, _ environment: [String: String]
    ) throws(SluiceError) -> String {
        if let value = environment[name].filled { return value }
        throw SluiceError(.invalidConfiguration, "Required environment variable '\(name)' is not set")
    }

    private static func root(_ account: String, _ environment: [String: String]) throws(SluiceError) -> String {
        guard isName(account) else {
            throw SluiceError(
                .usage, "STORAGE_ACCOUNT_NAME is '\(account)', the name of an account was expected",
                hint: "write letters, digits and hyphens")
        }
        guard let root = environment["SLUICE_STORAGE_ROOT"].filled else { return "az://\(account)" }
        return root.hasSuffix("/") ? root + account : "\(root)/\(account)"
    }

    private static func container(
        _ name: String, _ standard: String, _ environment: [String: String]
    ) throws(SluiceError) -> String {
        let value = environment[name].filled ?? standard
        if isName(value) { return value }
        throw SluiceError(
            .usage, "\(name) is '\(value)', the name of a container was expected",
            hint: "write letters, digits and hyphens: \(standard)")
    }

    private static func id(
        _ name: String, _ standard: String, _ environment: [String: String]
    ) throws(SluiceError) -> String {
        let value = environment[name].filled ?? standard
        if staysInside(value), !value.contains("/"), value.utf8.count <= 200 { return value }
        throw SluiceError(
            .usage, "\(name) is '\(value)', an id without slashes was expected", hint: "logs are named by it")
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255 && text != "$"
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "$")
            }
    }

    /// Whether a name stays in the folder that it is put behind.
    static func staysInside(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 1024 && !name.utf8.contains(0) && !name.contains("\\")
            && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".."
            }
    }
}

/// The logs of a task. That one cannot be written is told, and changes nothing.
struct TaskLogs: Sendable {
    let task: ClassicTask
    let lake: any ObjectStore

    /// Writes the log of a task that went through.
    func succeed(
        output: String, since start: Moment, counts: ClassicCounts, _ tell: @Sendable (String) -> Void
    ) async {
        let log = task.log(output: output, start: LocalTime(start), end: .now, counts: counts)
        await write(log, to: task.logName(at: .now), tell)
    }

    /// Writes the log of a task that failed.
    func fail(_ error: SluiceError, input: String?, _ tell: @Sendable (String) -> Void) async {
        let log = task.failureLog(error: Redactor.shared.redact("\(error)"), at: .now)
        await write(log, to: task.failureLogName, tell)
    }

    private func write(_ log: Buffer, to path: String, _ tell: @Sendable (String) -> Void) async {
        do throws(SluiceError) {
            try await lake.write(log, to: path)
            tell("the log is \(lake.url(path))")
        } catch {
            tell("the log could not be written: \(error)")
        }
    }
}

/// Where temporary files go.
enum WorkFolder {
    /// Chooses the first of `folders` that can be written to, and makes it the place of temporary files.
    static func choose(_ folders: [String]) throws(SluiceError) {
        for folder in folders where isWritable(folder) {
            setenv("TMPDIR", folder, 1)
            return
        }
        throw SluiceError(
            .permission, "no working folder can be written to: \(folders.joined(separator: ", "))",
            hint: "make one of them, and give it to the user that runs this")
    }

    /// Whether a file can be made there; tried, since rights and read-only file systems may say different things.
    private static func isWritable(_ folder: String) -> Bool {
        mkdir(folder, 0o777)
        let probe = "\(folder)/.sluice-probe.\(getpid())"
        let number = open(probe, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        if number < 0 { return false }
        close(number)
        unlink(probe)
        return true
    }
}

extension Optional where Wrapped == String {
    /// The text, unless it is empty: a variable that is set to nothing is not set.
    fileprivate var filled: String? { flatMap { $0.isEmpty ? nil : $0 } }
}
