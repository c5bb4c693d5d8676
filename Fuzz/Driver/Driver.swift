// The fuzz target: libFuzzer calls `LLVMFuzzerTestOneInput` with bytes, one of the readers reads them, and what it
// hands out is held against what a batch must be. `SLUICE_FUZZ_TARGET` says which reader; `scripts/fuzz` runs them all.

import Columns
import Glibc
import Support
import Synchronization

/// The readers that are fuzzed.
enum Target: String, CaseIterable {
    /// A whole Parquet file.
    case parquet
    /// The footer of a Parquet file, whose length and marks are put around it.
    case footer
    /// A CSV file, in several ways of cutting it into chunks.
    case csv
    /// JSON in any layout, in several ways of cutting it into chunks.
    case json
    /// JSON, then written as Parquet and read again.
    case rewrite

    /// What the environment asks for.
    static let chosen: Target = {
        if let name = getenv("SLUICE_FUZZ_TARGET"), let target = Target(rawValue: String(cString: name)) {
            return target
        }
        complain("SLUICE_FUZZ_TARGET must be one of \(allCases.map(\.rawValue).joined(separator: ", "))")
        exit(64)
    }()

    func run(_ input: Buffer) async {
        switch self {
        case .parquet: await readParquet(input)
        case .footer: await readParquet(framed(input))
        case .csv: await readCSV(input)
        case .json: await readJSON(input)
        case .rewrite: await rewriteAsParquet(input)
        }
    }
}

/// Called by libFuzzer for every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafeRawPointer?, _ count: Int) -> Int32 {
    let input = Buffer(copying: UnsafeRawBufferPointer(start: start, count: count))
    CallingThread.run { await Target.chosen.run(input) }
    return 0
}

/// Says something on standard error.
func complain(_ message: String) {
    let line = Array("fuzz: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}

/// Something that must never happen did: ends the process in a way that libFuzzer takes for a crash, so that it keeps
/// the input.
func violated(_ message: String) -> Never {
    complain(message)
    abort()
}

/// Runs tasks on the thread that waits for them: no switch of threads for an input of some bytes, and every run of an
/// input takes the same way.
final class CallingThread: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private static let shared = CallingThread()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// Runs `body`, and everything that it starts, to its end.
    static func run(_ body: @escaping @Sendable () async -> Void) {
        let isOver = Flag()
        Task(executorPreference: shared) {
            await body()
            isOver.raised.store(true, ordering: .releasing)
        }
        while !isOver.raised.load(ordering: .acquiring) {
            guard let job = shared.jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                usleep(20)
                continue
            }
            job.runSynchronously(on: shared.asUnownedTaskExecutor())
        }
    }

    private final class Flag: Sendable {
        let raised = Atomic(false)
    }
}
