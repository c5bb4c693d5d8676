import Glibc
import Support
import Synchronization

/// One run of a task's program, from its input files to its output files.
final class BatchRun: Sendable {
    /// What somebody wants of it.
    enum Wish: Sendable { case end, requeue }

    let program: BatchProgram
    private let house: BatchHouse
    private let grace: Duration
    /// Where its container, or the process without one, is kept track of.
    private let place: String
    private let state = Mutex(State())

    private struct State {
        var wish: Wish?
        var isAbandoned = false
        var run: WorkloadRun?
    }

    init(_ program: BatchProgram, in house: BatchHouse, grace: Int) {
        self.program = program
        self.house = house
        self.grace = .milliseconds(grace)
        place = "\(house.home)/\(BatchText.unique(16))"
    }

    /// Asks it to end.
    func stop(_ wish: Wish) {
        state.withLock { state in
            if state.wish == nil { state.wish = wish }
            state.run?.stop()
        }
    }

    /// Has it end at once, as on a node that loses its power.
    func abandon() {
        state.withLock { state in
            state.isAbandoned = true
            state.run?.stop()
        }
    }

    /// Runs it.
    ///
    /// - parameter began: Called when its program has been started.
    func perform(_ began: () async -> Void) async -> BatchOutcome {
        var outcome = BatchOutcome()
        do throws(BatchFailure) {
            let run = try start(try await prepare())
            await began()
            outcome = Self.outcome(await run.end())
        } catch {
            outcome.kind = .preparing
            outcome.failure = error
        }
        try? Workloads.remove(place)
        let (wish, isAbandoned) = state.withLock { ($0.wish, $0.isAbandoned) }
        outcome.isAbandoned = isAbandoned
        // One that ended well before the wish reached it has ended well.
        if let wish, outcome.failure != nil {
            outcome.wish = wish
            outcome.failure = .ended
        }
        if !isAbandoned, outcome.wish != .requeue { await upload(&outcome) }
        return outcome
    }

    // MARK: Before

    /// Makes the task's folder, with its input; the image that it runs in, if it runs in one.
    private func prepare() async throws(BatchFailure) -> UnpackedImage? {
        // What an attempt before left is not this one's.
        BatchFiles.remove(program.folder)
        for folder in [program.workingFolder, "\(program.nodeFolder)/shared"] where !BatchFiles.make(folder) {
            throw BatchFailure(
                isUsers: false, code: "ResourceDirectoryCreateFailed", message: "The folder \(folder) cannot be made")
        }
        for name in ["stdout.txt", "stderr.txt"] {
            close(open("\(program.folder)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        }
        let transfer = BatchTransfer(house)
        for file in program.body["resourceFiles"]?.items ?? [] {
            if state.withLock({ $0.wish != nil || $0.isAbandoned }) { throw .ended }
            try await transfer.fetch(file, into: program.workingFolder)
        }
        guard let container = program.body["containerSettings"], container.members != nil else { return nil }
        let name = container["imageName"]?.text ?? ""
        do throws(ImageProblem) { return try await house.workloads.images.image(name) } catch {
            throw BatchFailure(
                code: "ContainerInvalidImage", message: "The image of the container cannot be pulled",
                details: [("Image", name), ("Message", error.message)])
        }
    }

    private func start(_ image: UnpackedImage?) throws(BatchFailure) -> WorkloadRun {
        var words = program.words
        if let image {
            // The image's entry point stands before the command line, as it does there.
            words = image.words(command: nil, arguments: words.isEmpty ? nil : words)
        }
        guard let first = words.first else {
            throw BatchFailure(code: "CommandLaunchFailed", message: "The command line is empty")
        }
        var workload = Workload(
            words, folder: place, image: image,
            output: .files(output: "\(program.folder)/stdout.txt", errors: "\(program.folder)/stderr.txt"))
        var environment = program.environment
        environment["AZ_BATCH_TASK_DIR"] = program.folder
        environment["AZ_BATCH_TASK_WORKING_DIR"] = program.workingFolder
        if image == nil {
            if environment["HOME"] == nil { environment["HOME"] = program.workingFolder }
            if environment["PATH"] == nil {
                environment["PATH"] = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
            }
        } else {
            // A container finds its node's folders where the node has them.
            workload.mounts = [(program.folder, program.folder), (program.nodeFolder, program.nodeFolder)]
        }
        let takesImages = program.body["containerSettings"]?["workingDirectory"]?.text == "containerImageDefault"
        workload.workingFolder = image != nil && takesImages ? nil : program.workingFolder
        workload.environment = environment
        workload.time = program.wallClock.flatMap { $0 < 1e9 ? .seconds($0) : nil }
        workload.grace = grace
        let ready = workload
        // Under the lock, so that whoever stops it either finds the program or keeps it from being started.
        return try state.withLock { state throws(BatchFailure) in
            if state.wish != nil || state.isAbandoned { throw .ended }
            do throws(SluiceError) {
                let run = try house.workloads.start(ready)
                state.run = run
                return run
            } catch {
                let isMissing = error.code == .notFound || error.code == .permission
                throw BatchFailure(
                    code: isMissing ? "CommandProgramNotFound" : "CommandLaunchFailed",
                    message: isMissing
                        ? "The specified command program is not found" : "The specified command could not be launched",
                    details: [("Message", error.description), ("CommandProgram", first)])
            }
        }
    }

    // MARK: Afterwards

    private static func outcome(_ end: WorkloadEnd) -> BatchOutcome {
        var outcome = BatchOutcome(exitCode: end.code)
        if end.reason == .timedOut {
            outcome.kind = .tookTooLong
            outcome.failure = .tookTooLong
        } else if end.code != 0 {
            outcome.failure = .exit(end.code)
        }
        return outcome
    }

    private func upload(_ outcome: inout BatchOutcome) async {
        for file in program.body["outputFiles"]?.items ?? [] {
            let condition = file["uploadOptions"]?["uploadCondition"]?.text?.lowercased() ?? "taskcompletion"
            guard
                condition == "taskcompletion" || condition == "tasksuccess" && outcome.failure == nil
                    || condition == "taskfailure" && outcome.failure != nil
            else { continue }
            do throws(BatchFailure) {
                try await BatchTransfer(house).upload(
                    file, taskFolder: program.folder, isRequired: outcome.kind != .preparing)
            } catch {
                guard outcome.failure == nil else { continue }
                outcome.kind = .uploading
                outcome.failure = error
            }
        }
    }
}
