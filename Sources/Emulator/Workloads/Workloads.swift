import Glibc
public import Support
import Synchronization

/// Everything that the emulator runs: the images of its registries unpacked, and programs in them or beside them.
public final class Workloads: Sendable {
    /// The images.
    public let images: ImageShelf
    /// Where folders of programs may be made: one for each service.
    private let folder: EmulatorFolder
    private let running = Mutex<[ObjectIdentifier: WorkloadRun]>([:])

    init(_ folder: EmulatorFolder, _ registry: RegistryStore) throws(SluiceError) {
        self.folder = try EmulatorFolder(try folder.folder("workloads"))
        images = try ImageShelf(registry: registry, folder: try self.folder.folder("images"))
        // What outlived an emulator that was killed.
        try sweep(self.folder.path, depth: 8)
    }

    /// A folder for the programs of a service.
    public func home(_ service: String) throws(SluiceError) -> String { try folder.folder(service) }

    /// Starts a program.
    public func start(_ workload: Workload) throws(SluiceError) -> WorkloadRun {
        let run = try WorkloadRun.start(workload)
        running.withLock { $0[ObjectIdentifier(run)] = run }
        Task {
            _ = await run.end()
            self.running.withLock { $0[ObjectIdentifier(run)] = nil }
        }
        return run
    }

    /// Removes a program's folder with all that it wrote.
    public static func remove(_ folder: String) throws(SluiceError) { try RootFolder.remove(folder) }

    /// Ends all programs that run.
    func close() async {
        let all = running.withLock { Array($0.values) }
        for run in all {
            run.stop()
            kill(-run.process, SIGKILL)
        }
        for run in all { _ = await run.end() }
    }

    private func sweep(_ path: String, depth: Int) throws(SluiceError) {
        guard depth > 0 else { return }
        if let text = try EmulatorFolder.read(path, "process", limit: 100) {
            let numbers = text.split(separator: " ")
            if numbers.count == 2, let process = pid_t(numbers[0]), process > 1, let started = Int(numbers[1]),
                ProcessFacts(process)?.started == started
            {
                kill(-process, SIGKILL)
            }
            unlink("\(path)/process")
            return
        }
        let passed = ["images", "upper", "work", "root"]
        for name in RootFolder.names(path) where !passed.contains(name) && RootFolder.isFolder("\(path)/\(name)") {
            try sweep("\(path)/\(name)", depth: depth - 1)
        }
    }
}
