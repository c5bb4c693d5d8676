import Glibc
import Runs
import Storage
import Support

/// The folder of one run on this machine. Its files are lines of a word and its value, and appear whole.
///
///     request   what was started, and when
///     process   watcher PID STARTED · child PID STARTED · boot ID
///     output    what the program has written
///     cancel    that somebody wants it to end: gently, by force
///     end       how it ended
///     work      what the run needs while it is there: the files of its package, and those that nobody is to keep
struct LocalRun: Sendable {
    let folder: String

    /// The most that is read of an output at a time.
    static let pageBytes = 1 << 20

    var outputPath: String { "\(folder)/output" }
    var workPath: String { "\(folder)/work" }
    private func path(_ file: String) -> String { "\(folder)/\(file)" }

    var isThere: Bool { access(path("request"), F_OK) == 0 }

    // MARK: Whoever starts it

    func make(_ wanted: RunRequest) throws(SluiceError) {
        if isThere {
            throw SluiceError(.usage, "there is a run of this id already", place: .init(file: folder))
        }
        try Self.makeFolder(workPath)
        try write("request", ["requested \(Moment.now.microseconds)", "arguments \(wanted.arguments.count)"])
    }

    func remove() {
        Storage.removeTree(workPath)
        for file in ["request", "process", "end", "output", "cancel"] { unlink(path(file)) }
        rmdir(folder)
    }

    // MARK: Its watcher

    /// Makes its own folder, which a try before it may have taken away.
    func makeWork() throws(SluiceError) { try Self.makeFolder(workPath) }

    func note(watcher: (id: Int32, started: UInt64), child: (id: Int32, started: UInt64)) throws(SluiceError) {
        try write(
            "process",
            [
                "watcher \(watcher.id) \(watcher.started)", "child \(child.id) \(child.started)",
                "boot \(HostProcess.boot)", "began \(Moment.now.microseconds)",
            ])
    }

    func note(end status: PlatformStatus) throws(SluiceError) {
        var lines = ["state \(status.state.rawValue)", "word \(status.word)"]
        if let moment = status.startedAt { lines.append("began \(moment)") }
        if let moment = status.finishedAt { lines.append("ended \(moment)") }
        if let code = status.exitCode { lines.append("code \(code)") }
        if let reason = status.reason { lines.append("reason \(reason)") }
        try write("end", lines)
    }

    /// Whether somebody wants it to end, and how.
    var wish: (isWanted: Bool, isByForce: Bool) {
        guard let lines = read("cancel") else { return (false, false) }
        return (true, lines["how"] == "by-force")
    }

    // MARK: Whoever asks

    func status() throws(SluiceError) -> PlatformStatus {
        if let status = ended() { return status }
        guard let process = read("process") else {
            // Between the request and the watcher's first line only moments pass.
            let requested = read("request")?["requested"].flatMap { Int64($0) } ?? 0
            if let status = ended() { return status }
            if Moment.now.microseconds - requested < 15_000_000 { return PlatformStatus(.starting, word: "requested") }
            return PlatformStatus(.failed, word: "never begun", reason: "its watcher never began")
        }
        let began = process["began"].flatMap { Int64($0) }
        if isAlive(process["watcher"], process) { return PlatformStatus(.running, word: "running", startedAt: began) }
        if let status = ended() { return status }
        if isAlive(process["child"], process) {
            return PlatformStatus(.running, word: "running, without its watcher", startedAt: began)
        }
        return PlatformStatus(
            .failed, word: "gone", startedAt: began, reason: "watcher and program ended without a word")
    }

    private func ended() -> PlatformStatus? {
        guard let end = read("end"), let state = end["state"].flatMap(RunState.init(rawValue:)) else { return nil }
        return PlatformStatus(
            state, word: end["word"] ?? state.rawValue, startedAt: end["began"].flatMap { Int64($0) },
            finishedAt: end["ended"].flatMap { Int64($0) }, exitCode: end["code"].flatMap { Int($0) },
            reason: end["reason"])
    }

    /// Whether a process is there that `words` mean, on the same start of the machine.
    private func isAlive(_ words: String?, _ process: [String: String]) -> Bool {
        guard let words, process["boot"] == HostProcess.boot else { return false }
        let parts = words.split(separator: " ")
        guard parts.count == 2, let id = Int32(parts[0]), let started = UInt64(parts[1]) else { return false }
        return HostProcess.isAlive(id, started: started)
    }

    func output(from position: Int) throws(SluiceError) -> [UInt8] {
        let descriptor = open(outputPath, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return [] }
            throw failure("cannot be read", outputPath)
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.pageBytes)
        let count = pread(descriptor, &bytes, bytes.count, off_t(max(0, position)))
        if count < 0 { throw failure("cannot be read", outputPath) }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    func cancel(byForce: Bool) throws(SluiceError) {
        if try status().state.isFinal { return }
        try write("cancel", ["how \(byForce ? "by-force" : "gently")"])
        // Without a watcher nobody reads that.
        guard let process = read("process"), !isAlive(process["watcher"], process), isAlive(process["child"], process),
            let id = process["child"]?.split(separator: " ").first.flatMap({ Int32($0) })
        else { return }
        kill(-id, byForce ? SIGKILL : SIGINT)
    }

    // MARK: Files

    private func read(_ file: String) -> [String: String]? {
        let descriptor = open(path(file), O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        var values: [String: String] = [:]
        for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") {
            guard let blank = line.firstIndex(of: " ") else { continue }
            values[String(line[..<blank])] = String(line[line.index(after: blank)...])
        }
        return values
    }

    static func makeFolder(_ folder: String) throws(SluiceError) {
        if mkdir(folder, 0o700) == 0 || errno == EEXIST { return }
        if errno == ENOENT, let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
            try makeFolder(String(folder[..<slash]))
            if mkdir(folder, 0o700) == 0 || errno == EEXIST { return }
        }
        throw SluiceError(
            errno == EACCES || errno == EPERM || errno == EROFS ? .permission : .inputOutput,
            "the folder cannot be made: \(String(cString: strerror(errno)))", place: .init(file: folder))
    }

    private func write(_ file: String, _ lines: [String]) throws(SluiceError) {
        // Nothing but the ends of lines could be taken for more than it is.
        let clean = lines.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
        var text = clean.joined(separator: "\n") + "\n"
        let part = "\(path(file)).\(getpid()).part"
        let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let isWritten =
            descriptor >= 0
            && text.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) == $0.count && fsync(descriptor) == 0 }
        let reason = errno
        if descriptor >= 0 { close(descriptor) }
        errno = reason
        guard isWritten, rename(part, path(file)) == 0 else { throw failure("cannot be written", path(file)) }
    }

    private func failure(_ what: String, _ path: String) -> SluiceError {
        SluiceError(
            errno == EACCES || errno == EPERM ? .permission : .inputOutput,
            "\(what): \(String(cString: strerror(errno)))", place: .init(file: path))
    }
}
