import Glibc
public import Storage
public import Support
import Synchronization

/// Brings the files of a plan to a folder.
///
///     let files = SalesFiles(SalesPlan(count: 1000, files: 3), folder: "samples")
///     for file in try await files.write() { print(file.path, file.bytes) }
public struct SalesFiles: Sendable {
    /// A file that is there now.
    public struct File: Sendable {
        /// Where it is.
        public let path: String
        /// The id of its batch.
        public let batchID: String
        /// How many transactions it has.
        public let transactions: Int
        /// How many of them are exaggerated.
        public let anomalies: Int
        /// How many of them are broken, in each way that occurs.
        public let faults: [SaleFault: Int]
        /// Its size as it is stored.
        public let bytes: Int
        /// Whether it was there already, with just these bytes in it.
        public let wasThere: Bool

        /// How many transactions are broken.
        public var invalid: Int { faults.values.reduce(0, +) }
    }

    /// What is made.
    public let plan: SalesPlan
    /// Where the files go.
    public let store: any ObjectStore
    /// Whether a file of the same name and other contents is replaced.
    public var overwrites: Bool
    /// How many files are made side by side.
    public var threads: Int

    /// The files of `plan` in a folder of this machine.
    public init(
        _ plan: SalesPlan, folder: String, overwrites: Bool = false, threads: Int = SalesFiles.processorCount
    ) {
        self.init(plan, in: FolderStore(folder), overwrites: overwrites, threads: threads)
    }

    /// The files of `plan` in a store.
    public init(
        _ plan: SalesPlan, in store: any ObjectStore, overwrites: Bool = false,
        threads: Int = SalesFiles.processorCount
    ) {
        self.plan = plan
        self.store = store
        self.overwrites = overwrites
        self.threads = threads
    }

    /// How many processors there are.
    public static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Makes all files that are not there yet; each appears whole.
    ///
    /// - throws: `SluiceError` when a file of that name has other contents, before anything is written, or when one cannot
    ///   be written; those made so far stay. `CancellationError` when the task was cancelled.
    public func write(_ monitor: SalesMonitor = .init()) async throws -> [File] {
        try plan.check()
        if let folder = store as? FolderStore { try Storage.makeFolders(folder.name) }
        var found: [Int: File] = [:]
        if !overwrites {
            let names = Set(try await namesThere())
            let there = (0..<plan.files).filter { names.contains(plan.fileName($0)) }
            for (index, file) in try await each(there, { try await compare($0, monitor) }) { found[index] = file }
            // Of several, the first is told, whichever was looked at first.
            if let index = there.first(where: { found[$0] == nil }) {
                throw SalesFiles.differs(store.url(plan.fileName(index)))
            }
        }
        let missing = (0..<plan.files).filter { found[$0] == nil }
        for (index, file) in try await each(missing, { try await make($0, monitor) }) { found[index] = file }
        return (0..<plan.files).compactMap { found[$0] }
    }

    /// Makes file `index` of `plan` into `sink`, and finishes it.
    public static func write(
        _ plan: SalesPlan, file index: Int, to sink: any ByteSink, _ monitor: SalesMonitor = .init()
    ) async throws -> File {
        try plan.check()
        let batch = SalesBatch(plan, file: index)
        var bytes = 0
        do {
            let packed: any ByteSink =
                if let compression = plan.compression {
                    try CompressingSink(sink, compression, level: plan.compressionLevel)
                } else {
                    sink
                }
            while let block = batch.next() {
                try Task.checkCancellation()
                bytes += block.count
                try await packed.write(block)
                monitor.count(batch, bytes: block.count)
                // Neither drawing nor writing to a file ever waits: without this, as many files as processors would keep
                // every thread, and nobody could show progress or cancel.
                await Task.yield()
            }
            try await packed.finish()
        } catch {
            await sink.abandon()
            throw error
        }
        return batch.file(path: sink.name, bytes: bytes, wasThere: false)
    }

    /// What the store holds already; in a listing, since there may be a million files to look for.
    private func namesThere() async throws(SluiceError) -> [String] {
        let listing = try await store.entries("", recursive: false)
        var names: [String] = []
        while let page = try await listing.next() { names += page.lazy.filter { !$0.isFolder }.map(\.path) }
        return names
    }

    private func make(_ index: Int, _ monitor: SalesMonitor) async throws -> File {
        let name = plan.fileName(index)
        let file = try await SalesFiles.write(plan, file: index, to: try await store.create(name), monitor)
        return plan.compression == nil ? file : file.stored(try await store.facts(name)?.size)
    }

    /// Holds the file that is there against the one that would be made; nil when they differ.
    private func compare(_ index: Int, _ monitor: SalesMonitor) async throws -> File? {
        let name = plan.fileName(index)
        let stored = try await store.open(name)
        let batch = SalesBatch(plan, file: index)
        let source: any StreamSource = plan.compression.map { Decompressed(stored, $0) } ?? stored
        var isSame = true
        do {
            let stream = try await source.stream()
            var rest = Buffer.empty
            while isSame, let block = batch.next() {
                try Task.checkCancellation()
                var done = 0
                while isSame, done < block.count {
                    if rest.count == 0 {
                        guard let next = try await stream.next() else {
                            isSame = false
                            break
                        }
                        rest = next
                        continue
                    }
                    let count = min(rest.count, block.count - done)
                    isSame = rest[0..<count] == block[done..<done + count]
                    rest = rest[count..<rest.count]
                    done += count
                }
                monitor.count(batch, bytes: block.count)
                await Task.yield()
            }
            while isSame, let next = try await stream.next() { isSame = next.count == 0 }
            isSame = isSame && rest.count == 0
        } catch let error as SluiceError where error.code == .invalidData {
            // Packed bytes that do not unpack are not those that would be made.
            isSame = false
        }
        return isSame ? batch.file(path: store.url(name), bytes: stored.size, wasThere: true) : nil
    }

    private static func differs(_ path: String) -> SluiceError {
        SluiceError(
            .invalidConfiguration, "is there already, with other contents than these options make",
            place: .init(file: path), hint: "Replace it with --overwrite, or name another folder with --output.")
    }

    /// Does `body` for each of `indices`, `threads` at a time.
    private func each(
        _ indices: [Int], _ body: @escaping @Sendable (Int) async throws -> File?
    ) async throws -> [(Int, File?)] {
        try await withThrowingTaskGroup(of: (Int, File?).self) { group in
            var waiting = indices[...]
            func start() {
                guard let index = waiting.popFirst() else { return }
                group.addTask { (index, try await body(index)) }
            }
            for _ in 0..<max(1, threads) { start() }
            var done: [(Int, File?)] = []
            while let result = try await group.next() {
                done.append(result)
                start()
            }
            return done
        }
    }
}

/// How far the making of sales has come, for whoever shows it; may be read from any thread at any time.
public final class SalesMonitor: Sendable {
    private let doneTransactions = Atomic(0)
    private let doneBytes = Atomic(0)

    /// Nothing is done yet.
    public init() {}

    /// How many transactions were made.
    public var transactions: Int { doneTransactions.load(ordering: .relaxed) }
    /// How many bytes of JSON were made.
    public var bytes: Int { doneBytes.load(ordering: .relaxed) }

    fileprivate func count(_ batch: SalesBatch, bytes: Int) {
        doneTransactions.wrappingAdd(batch.takeNew(), ordering: .relaxed)
        doneBytes.wrappingAdd(bytes, ordering: .relaxed)
    }
}

extension SalesBatch {
    fileprivate func file(path: String, bytes: Int, wasThere: Bool) -> SalesFiles.File {
        SalesFiles.File(
            path: path, batchID: batchID, transactions: made, anomalies: anomalies, faults: faults, bytes: bytes,
            wasThere: wasThere)
    }
}

extension SalesFiles.File {
    fileprivate func stored(_ size: Int?) -> SalesFiles.File {
        SalesFiles.File(
            path: path, batchID: batchID, transactions: transactions, anomalies: anomalies, faults: faults,
            bytes: size ?? bytes, wasThere: wasThere)
    }
}
