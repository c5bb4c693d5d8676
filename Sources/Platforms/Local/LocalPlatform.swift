import Glibc
public import Packages
import Runs
public import Support

/// This machine: a run is a process of its own, with a watcher beside it that outlives whoever has started it.
///
/// Of each run there is a folder, `LocalRun`, by which any process of this machine finds it again.
public struct LocalPlatform: Platform {
    /// `local`, as a rule.
    public let name: String
    let folder: String
    /// Where runs take the project's files from: `packages`.
    public let shelf: PackageShelf?
    private let program: String
    private let words: [String]
    private let environment: [String: String]

    /// Runs whose folders lie in `folder`.
    ///
    /// - parameter program: The `sluice` to run; the one that runs now as a rule.
    /// - parameter words: What it is told before the arguments of a run: the folder of the project.
    /// - parameter environment: The environment that the variables of a run are laid over.
    /// - parameter shelf: Where runs take the project's files from; nil when they take its folder as it stands.
    public init(
        folder: String, program: String = "/proc/self/exe", name: String = "local", words: [String] = [],
        environment: [String: String] = [:], shelf: PackageShelf? = nil
    ) {
        self.folder = folder
        self.shelf = shelf
        self.name = name
        self.words = words
        self.environment = environment
        // What is on that path while this process runs; `/proc/self` would be another in the child.
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(program, &buffer, buffer.count - 1)
        self.program =
            count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : program
    }

    /// The first word of the command that watches a run: `watch-run FOLDER SECONDS|- BYTES|- RETRIES ARGUMENT…`.
    public static let watchWord = "watch-run"

    /// What the words behind `watchWord` mean.
    ///
    /// - parameter environment: The environment of this process, which is that of the run.
    public func watcher(_ words: [String], environment: [String: String]) -> LocalWatcher? {
        guard words.count > 4 else { return nil }
        let limits = RunLimits(
            time: Double(words[1]).map { Duration.seconds($0) }, memory: Int(words[2]))
        return LocalWatcher(
            folder: words[0], words: [program] + words.dropFirst(4), environment: environment, limits: limits,
            retries: Int(words[3]) ?? 0)
    }

    /// Where a run's files are, for tests that harm them.
    package func folderForTests(_ handle: RunHandle) -> String { "\(folder)/\(handle.reference)" }

    private func place(of run: String) throws(SluiceError) -> LocalRun {
        // An id becomes a folder's name.
        guard !run.isEmpty,
            run.utf8.allSatisfy({ ($0 | 32 >= 97 && $0 | 32 <= 122) || (48...57).contains($0) || $0 == 45 })
        else {
            throw SluiceError(.usage, "\"\(run)\" is no id of a run", hint: "'sluice runs' lists them")
        }
        return LocalRun(folder: "\(folder)/\(run)")
    }

    /// Starts a run.
    public func start(_ request: RunRequest) async throws(SluiceError) -> RunHandle {
        try request.refuseTasks(name)
        let package = shelf == nil ? nil : try standing(request.job)
        let place = try place(of: request.run)
        try place.make(request)
        var words = [program, Self.watchWord, place.folder]
        // What limits there are, before what is to run.
        words.append((request.limits.time ?? request.job?.needs.timeout).map { String($0 / .seconds(1)) } ?? "-")
        words.append(request.limits.memory.map(String.init) ?? "-")
        words.append(String(request.job?.needs.retries ?? 0))
        var environment = environment.merging(request.environment) { $1 }
        environment[RunRequest.idVariable] = request.run
        environment[RunRequest.packageVariable] = package?.description
        // Whatever a run leaves behind in its folder goes with it, however it ends; a place that somebody chose is theirs.
        if environment["TMPDIR"]?.isEmpty ?? true { environment["TMPDIR"] = place.workPath }
        do throws(SluiceError) {
            _ = try ProcessStart(words + self.words + request.arguments, environment: environment, isDetached: true)
                .start()
        } catch {
            place.remove()
            throw error
        }
        return handle(request.run)
    }

    /// The run with this id.
    public func find(_ run: String) async throws(SluiceError) -> RunHandle? {
        try place(of: run).isThere ? handle(run) : nil
    }

    private func handle(_ run: String) -> RunHandle { RunHandle(run: run, platform: name, reference: run) }

    /// How a run stands.
    public func status(_ handle: RunHandle) async throws(SluiceError) -> PlatformStatus {
        try known(handle).status()
    }

    /// What its program has written.
    public func log(_ handle: RunHandle, from position: Int) async throws(SluiceError) -> LogPage {
        let place = try known(handle)
        // What it wrote last is read after it was seen to have ended.
        let isLast = try place.status().state.isFinal
        let bytes = try place.output(from: position)
        let next = position + bytes.count
        return LogPage(bytes: bytes, next: next, isLast: isLast && bytes.count < LocalRun.pageBytes)
    }

    /// Asks its watcher to end it.
    public func cancel(_ handle: RunHandle, byForce: Bool) async throws(SluiceError) {
        try known(handle).cancel(byForce: byForce)
    }

    private func known(_ handle: RunHandle) throws(SluiceError) -> LocalRun {
        let place = try place(of: handle.reference)
        if place.isThere { return place }
        throw SluiceError(
            .notFound, "the run \(handle.run) was not started here", place: .init(file: place.folder),
            hint: "'sluice runs' lists what ran")
    }
}
