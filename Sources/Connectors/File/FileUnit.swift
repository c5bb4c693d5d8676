import Columns
import Storage
import Support
import Synchronization
import Tables
import Warehouse

/// One file.
final class FileUnit: SourceUnit {
    /// The path from the connection's folder on.
    let name: String
    /// Where it lies.
    let place: FilePlace
    /// What messages call it.
    let path: String
    let plan: FileReadPlan
    /// The file as it was when it was listed.
    private let listed: FileFacts?
    private let state = Mutex(State())

    private struct State: Sendable {
        /// The file as it was when it was last read or hashed to its end without changing meanwhile.
        var whole: (facts: FileFacts, hash: String?)?
        /// How many rows of the budget the last reading took.
        var taken = 0
        /// Whether rows at the file's end were left out: it is not loaded then.
        var isCut = false
    }

    init(_ file: ListedFile, plan: FileReadPlan) {
        place = file.place
        path = file.place.name
        name = file.name
        self.plan = plan
        listed = file.facts
    }

    /// The file as it is now.
    private func facts() async throws(SluiceError) -> FileFacts {
        if let facts = try await place.facts() { return facts }
        if case .local(let path) = place { return try FileFacts(of: path) }
        throw SluiceError(
            .notFound, "no such object", place: .init(file: path), hint: "it was there when it was listed")
    }

    /// Opening finds the columns out.
    var schema: Schema? { nil }
    var bytes: Int? { listed.flatMap { $0.isRegular ? $0.size : nil } }

    var stamp: String? {
        listed.flatMap { $0.isRegular && $0.modified != 0 ? "\($0.size):\($0.modified):\($0.tag ?? "")" : nil }
    }

    /// Whether the file is the one that was loaded. One whose time alone has changed is compared by its contents.
    func isUnchanged(since loaded: SourceFile) async throws(SluiceError) -> Bool {
        let facts = try await facts()
        guard facts.isRegular, facts.size == loaded.size else { return false }
        if facts.modified == loaded.modified, loaded.modified != 0 { return true }
        return try await hash(of: facts) == loaded.hash
    }

    func open(under schema: Schema?) async throws -> any SourceReader {
        state.withLock { $0.isCut = false }
        if let budget = plan.budget {
            budget.giveBack(
                state.withLock { state in
                    defer { state.taken = 0 }
                    return state.taken
                })
        }
        let facts = try await facts()
        let file = HashedFile(try await place.open())
        return try await FileReader(unit: self, file: file, facts: facts, under: schema)
    }

    /// Takes rows of the budget for the reading that is under way.
    func take(_ rows: Int) -> Int {
        guard let budget = plan.budget else { return rows }
        let taken = budget.take(rows)
        state.withLock { $0.taken += taken }
        return taken
    }

    /// Notes that rows were left out which a later run has to read.
    func leaveOutRows() { state.withLock { $0.isCut = true } }

    /// Notes that the file was read to its end.
    ///
    /// - throws: A transient `SluiceError` when it is not what it was when it was opened.
    func finish(_ before: FileFacts, hash: String?) async throws(SluiceError) {
        guard before.isRegular else { return }
        guard try await place.facts() == before else { throw changed }
        state.withLock { $0.whole = (before, hash) }
    }

    /// The file as it was read; nil when rows of it were left out that a later run has to read, by a limit or because they
    /// lie at or beyond the end of the cursor's stretch.
    func file() async throws(SluiceError) -> SourceFile? {
        let (whole, isCut) = state.withLock { ($0.whole, $0.isCut) }
        if isCut { return nil }
        let facts: FileFacts
        if let whole { facts = whole.facts } else { facts = try await self.facts() }
        guard facts.isRegular else { return nil }
        let hash: String
        if let known = whole?.hash { hash = known } else { hash = try await self.hash(of: facts) }
        return SourceFile(path: name, size: facts.size, modified: facts.modified, hash: hash)
    }

    /// The hash of the file, which is and stays what `facts` say.
    private func hash(of facts: FileFacts) async throws(SluiceError) -> String {
        let hash = try await SHA256.hash(of: try await place.open())
        guard try await place.facts() == facts else { throw changed }
        state.withLock { $0.whole = (facts, hash) }
        return hash
    }

    private var changed: SluiceError {
        SluiceError(
            .inputOutput, "the file was changed or removed while it was read", place: .init(file: path),
            hint: "write files under another name and rename them when they are whole", isTransient: true)
    }
}

/// A file that is hashed as it is streamed, so that a file of text is read once and not twice.
final class HashedFile: InputFile {
    private let base: any InputFile
    private let digest = Mutex<String?>(nil)

    init(_ base: any InputFile) { self.base = base }

    var name: String { base.name }
    var identity: FileIdentity? { base.identity }
    var streamSize: Int? { base.streamSize }
    /// The hash of a stream that has been read to its end.
    var hash: String? { digest.withLock { $0 } }

    func randomAccess() async throws(SluiceError) -> any RandomAccess { try await base.randomAccess() }

    func stream() async throws(SluiceError) -> any ByteStream {
        HashedStream(try await base.stream(), try SHA256()) { [self] hash in digest.withLock { $0 = hash } }
    }
}

private final class HashedStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    let name: String
    private let base: any ByteStream
    private let hash: SHA256
    private let onEnd: @Sendable (String) -> Void
    private var isFinished = false

    init(_ base: any ByteStream, _ hash: SHA256, onEnd: @escaping @Sendable (String) -> Void) {
        name = base.name
        self.base = base
        self.hash = hash
        self.onEnd = onEnd
    }

    func next() async throws(SluiceError) -> Buffer? {
        if let bytes = try await base.next() {
            hash.update(bytes)
            return bytes
        }
        if !isFinished { onEnd(hash.finish()) }
        isFinished = true
        return nil
    }
}
