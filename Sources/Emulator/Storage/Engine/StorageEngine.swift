import Support
import Synchronization

/// What stores blobs and files for both dialects, in one folder.
///
/// An operation looks at the state, decides, and changes it, all under one lock and in memory; contents are written
/// before that and read after it, without the lock. What it changed is in the journal before the lock is given back, so
/// an answer is never ahead of what a restart finds: see `Journal` for what that promises and what not.
final class StorageEngine: Sendable {
    let content: ContentStore
    private let guarded: Mutex<Guarded>
    /// Which accounts are hierarchical when they are used for the first time.
    private let isHierarchical: @Sendable (String) -> Bool
    /// The clock, in microseconds since 1970; tests have their own.
    let now: @Sendable () -> Int64
    /// What was found wrong with the folder and put right, for the log.
    let notes: [String]

    private struct Guarded {
        var state = StorageState()
        var journal: Journal
        /// How large the journal was when it was last written anew.
        var journalStart: Int
    }

    /// A journal below this size is not written anew.
    private static let smallestRewrite = 8 << 20

    /// Opens the storage in `folder`, which is made when it is not there.
    init(
        folder: String, isHierarchical: @escaping @Sendable (String) -> Bool = { _ in false },
        now: @escaping @Sendable () -> Int64 = { Moment.now.microseconds }
    ) throws(SluiceError) {
        let content = try ContentStore(folder: Self.made(folder) + "/content")
        var state = StorageState()
        let journal = try Journal(path: folder + "/journal") { changes in
            for change in changes { state.apply(change, content) }
        }
        let sizes = content.finishLoading()
        notes = state.dropDamaged(sizes, content)
        guarded = Mutex(Guarded(state: state, journal: journal, journalStart: journal.size))
        self.content = content
        self.isHierarchical = isHierarchical
        self.now = now
    }

    private static func made(_ folder: String) throws(SluiceError) -> String {
        try ContentStore.makeFolder(folder)
        return folder
    }

    /// Looks at the state.
    func look<R: Sendable>(
        _ body: (borrowing StorageState) throws(StorageFault) -> R
    ) throws(StorageFault) -> R {
        try guarded.withLock { (guarded) throws(StorageFault) in try body(guarded.state) }
    }

    /// Looks at the state and changes it; nothing changes when `body` throws.
    func change<R: Sendable>(
        _ body: (inout Transaction) throws(StorageFault) -> R
    ) throws(StorageFault) -> R {
        try guarded.withLock { (guarded) throws(StorageFault) -> R in
            // The state travels into the transaction and back, so that it is never copied.
            var transaction = Transaction(state: guarded.state, now: now(), content: content)
            guarded.state = StorageState()
            defer { guarded.state = transaction.state }
            let answer = try body(&transaction)
            if transaction.changes.isEmpty { return answer }
            do throws(SluiceError) { try guarded.journal.append(transaction.changes) } catch {
                throw .disk(error.description)
            }
            for change in transaction.changes { transaction.state.apply(change, content) }
            if guarded.journal.size > max(Self.smallestRewrite, guarded.journalStart * 3) {
                Self.rewrite(&guarded.journal, transaction.state)
                guarded.journalStart = guarded.journal.size
            }
            return answer
        }
    }

    /// Whether an account has directories of its own, as one with a hierarchical namespace does.
    func isHierarchical(_ account: String) -> Bool {
        guarded.withLock { $0.state.accounts[account]?.isHierarchical } ?? isHierarchical(account)
    }

    /// What an account that is used for the first time begins with.
    func newAccount(_ name: String) -> Change { .setAccount(name, isHierarchical: isHierarchical(name)) }

    /// Brings the journal to the disk and waits for what is to be deleted.
    func stop() async {
        guarded.withLock { guarded in
            Self.rewrite(&guarded.journal, guarded.state)
            guarded.journal.synchronize()
        }
        await content.settle()
    }

    private static func rewrite(_ journal: inout Journal, _ state: StorageState) {
        // A journal that cannot be written anew goes on being the old one.
        do throws(SluiceError) {
            try journal.replace { (write) throws(SluiceError) in try state.snapshot(write) }
        } catch {}
    }
}

/// What an operation sees, and what it wants to change.
struct Transaction {
    fileprivate(set) var state: StorageState
    fileprivate(set) var changes: [Change] = []
    /// Microseconds since 1970.
    let now: Int64
    let content: ContentStore
    private var given: Int64?

    fileprivate init(state: consuming StorageState, now: Int64, content: ContentStore) {
        self.state = state
        self.now = now
        self.content = content
    }

    /// The version of what this operation writes.
    mutating func version() -> Int64 {
        if let given { return given }
        let next = max(Version.of(Moment(microseconds: now)), state.lastVersion + 1)
        given = next
        return next
    }

    /// Adds changes, which happen when the operation has come to its end.
    mutating func add(_ more: Change...) { changes += more }
    /// Adds changes, which happen when the operation has come to its end.
    mutating func add(_ more: [Change]) { changes += more }

    /// Remembers where blocks of a blob are being written; forgotten by a restart, without harm.
    mutating func setStagingFile(_ file: UInt64, container: Int, _ name: BlobName) {
        state.containers[container]?.stagingFiles[name] = file
    }
}
