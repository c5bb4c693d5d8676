public import Storage
public import Support
import Synchronization

/// Copies objects from one store to another: folders of this machine, containers, either way.
///
/// Several objects are copied side by side, and long ones in pieces side by side. An object of which the target has the same
/// bytes already is passed over; one that cannot be copied does not keep the others from being copied.
public struct StoreCopy: Sendable {
    /// What happens to an object that is there already.
    public enum Existing: Sendable {
        /// It is replaced, unless it holds the same bytes.
        case replaceUnlessIdentical
        /// It stays as it is.
        case keep
        /// It is replaced, even when it holds the same bytes.
        case replace
    }

    /// How one object fared.
    public enum Result: Sendable {
        /// It was copied.
        case copied
        /// The target had the same bytes.
        case identical
        /// There was one already, and it stayed.
        case kept
        /// It was not copied.
        case failed(SluiceError)
    }

    /// An object and how it fared.
    public struct Outcome: Sendable {
        /// What it is called in its store.
        public let from: String
        /// What it is called in the store that it is copied to.
        public let to: String
        /// How many bytes it has.
        public let bytes: Int
        /// How it fared.
        public let result: Result
    }

    /// How many objects fared how.
    public struct Summary: Sendable {
        /// How many were copied.
        public var copied = 0
        /// Of how many the target had the same bytes.
        public var identical = 0
        /// How many were there already, and stayed.
        public var kept = 0
        /// How many were not copied.
        public var failed = 0
        /// How many bytes were copied.
        public var bytes = 0

        /// How many there were.
        public var total: Int { copied + identical + kept + failed }

        /// None yet.
        public init() {}

        /// Counts an object.
        public mutating func count(_ outcome: Outcome) {
            switch outcome.result {
            case .copied:
                copied += 1
                bytes += outcome.bytes
            case .identical: identical += 1
            case .kept: kept += 1
            case .failed: failed += 1
            }
        }
    }

    /// How far a copy has come, for whoever shows it.
    public final class Monitor: Sendable {
        private let counts = Mutex((bytes: 0, objects: 0))

        /// Nothing yet.
        public init() {}

        /// How many bytes have been copied.
        public var bytes: Int { counts.withLock { $0.bytes } }
        /// How many objects are done with.
        public var objects: Int { counts.withLock { $0.objects } }

        func add(bytes: Int) { counts.withLock { $0.bytes += bytes } }
        func addObject() { counts.withLock { $0.objects += 1 } }
    }

    let source: any ObjectStore
    let target: any ObjectStore
    /// What happens to objects that are there already.
    public var existing = Existing.replaceUnlessIdentical
    /// How many objects are copied side by side.
    public var concurrency = 8
    /// How far it has come.
    public var monitor = Monitor()
    /// From how many bytes on what a broken copy left behind is used by the next one.
    public var resumesFrom = 32 << 20
    /// From how many bytes on a file is brought here in pieces, few bytes of which are in memory.
    private static let leastInPieces = 8 << 20
    /// How long the pieces are in which a file is brought here.
    var pieceSize = 8 << 20

    /// Copies from `source` to `target`.
    public init(from source: any ObjectStore, to target: any ObjectStore) {
        self.source = source
        self.target = target
    }

    // MARK: - Many

    /// Copies what lies in `folder` to the same names in `targetFolder`.
    ///
    /// - parameters:
    ///   - recursive: Whether folders in it are gone into.
    ///   - matching: Says of a path below `folder` whether it is wanted.
    ///   - each: Is told how each object fared, one at a time.
    /// - throws: `SluiceError` when the folder cannot be listed to its end.
    public func copy(
        folder: String, recursive: Bool, into targetFolder: String,
        matching: @Sendable (String) -> Bool = { _ in true }, each: (Outcome) -> Void = { _ in }
    ) async throws(SluiceError) -> Summary {
        let listing = try await source.entries(folder, recursive: recursive)
        var summary = Summary()
        var failure: SluiceError?
        await withTaskGroup(of: Outcome.self) { group in
            var running = 0
            func take(_ outcome: Outcome) {
                running -= 1
                summary.count(outcome)
                each(outcome)
            }
            do throws(SluiceError) {
                while !Task.isCancelled, let page = try await listing.next() {
                    for entry in page where !entry.isFolder {
                        let relative = StoreCopy.relative(entry.path, to: folder)
                        guard matching(relative) else { continue }
                        if running >= concurrency, let outcome = await group.next() { take(outcome) }
                        if Task.isCancelled { break }
                        running += 1
                        group.addTask {
                            await outcome(
                                entry, to: targetFolder.isEmpty ? relative : "\(targetFolder)/\(relative)", relative)
                        }
                    }
                }
            } catch {
                failure = error
            }
            while let outcome = await group.next() { take(outcome) }
        }
        if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: source.name)) }
        if let failure { throw failure }
        return summary
    }

    private static func relative(_ path: String, to folder: String) -> String {
        var folder = folder[...]
        while folder.hasSuffix("/") { folder = folder.dropLast() }
        return folder.isEmpty ? path : String(path.dropFirst(folder.count + 1))
    }

    private func outcome(_ entry: ObjectEntry, to path: String, _ relative: String) async -> Outcome {
        var result: Result
        do throws(SluiceError) {
            try CopyName.check(relative, for: target)
            result = try await copy(entry, to: path)
        } catch {
            result = .failed(error.at(.init(file: source.url(entry.path))))
        }
        monitor.addObject()
        return Outcome(from: entry.path, to: path, bytes: entry.size, result: result)
    }

    // MARK: - One

    /// Copies the object `path`.
    ///
    /// - throws: `SluiceError` when it is not there, or the task is cancelled; other failures are in the outcome.
    public func copy(_ path: String, to targetPath: String) async throws(SluiceError) -> Outcome {
        guard let entry = try await source.facts(path), !entry.isFolder else {
            // Says what is there instead, or what is of a similar name.
            _ = try await source.open(path)
            throw SluiceError(.notFound, "is a folder, not a file", place: .init(file: source.url(path)))
        }
        let outcome = await outcome(entry, to: targetPath, targetPath)
        // Whoever wanted it to end has not seen it fail.
        if case .failed(let error) = outcome.result, Task.isCancelled, error.code == .cancelled { throw error }
        return outcome
    }

    private func copy(_ entry: ObjectEntry, to path: String) async throws(SluiceError) -> Result {
        try CopyName.checkLinks(path, in: target)
        let object = try await source.open(entry.path)
        switch existing {
        case .replace: break
        case .keep: if try await target.facts(path) != nil { return .kept }
        case .replaceUnlessIdentical:
            if try await CopyChecks.isIdentical(object, source, target, path) {
                monitor.add(bytes: object.size)
                return .identical
            }
        }
        let condition: WriteCondition = existing == .keep ? .ifAbsent : .always
        do throws(SluiceError) {
            try await transfer(object, to: path, condition)
        } catch {
            if error.code == .conflict, existing == .keep { return .kept }
            throw error
        }
        return .copied
    }

    private func transfer(_ object: any StoredObject, to path: String, _ condition: WriteCondition)
        async throws(SluiceError)
    {
        if object.size >= resumesFrom, let store = target as? AzureBlobStore {
            return try await BlobUpload(object, store, path, condition, monitor).run()
        }
        if object.size >= min(resumesFrom, StoreCopy.leastInPieces), let store = target as? FolderStore,
            let object = object as? AzureObject
        {
            return try await FileDownload(object, store, path, condition, monitor, pieceSize: pieceSize).run()
        }
        let sink = try await target.create(path, condition)
        do throws(SluiceError) {
            if let file = object as? any DirectAccess, let sink = sink as? AzureSink {
                try await sink.write(file, each: monitor.add)
                return try await sink.finish()
            }
            let stream = try await object.stream()
            while let bytes = try await stream.next() {
                if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: object.name)) }
                try await sink.write(bytes)
                monitor.add(bytes: bytes.count)
            }
            try await sink.finish()
        } catch {
            await sink.abandon()
            throw error
        }
    }
}
