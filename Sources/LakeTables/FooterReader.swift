import Columns
import Parquet
import Storage
import Support
import Synchronization

/// Reads the footers of files: many side by side, and of each no more than is needed.
final class FooterReader: Sendable {
    /// What came of one file.
    enum Outcome: Sendable {
        case read(KnownFooter)
        /// The file is damaged, or is none of Parquet; it stays so until it changes.
        case damaged(SluiceError)
        /// It could not be read this time.
        case failed(SluiceError)
    }

    private let store: any ObjectStore
    private let parallel: Int
    private let bytes = Atomic(0)
    private let progress: @Sendable (Int) -> Void
    /// How much is fetched from the end of a file: as much as footers have needed so far, which is mostly all of the next
    /// one too.
    private let guess = Atomic(4 << 10)

    /// How many bytes were read.
    var bytesRead: Int { bytes.load(ordering: .relaxed) }

    init(_ store: any ObjectStore, parallel: Int, progress: @escaping @Sendable (Int) -> Void) {
        self.store = store
        self.parallel = max(1, parallel)
        self.progress = progress
    }

    /// Reads the footers of `entries`; hands each outcome to `take`, in no particular order.
    ///
    /// - throws: `SluiceError` when the task is cancelled.
    func read(
        _ entries: [ObjectEntry], take: (ObjectEntry, Outcome) -> Void
    ) async throws(SluiceError) {
        try await sideBySide(entries.indices, width: parallel) { [self] (index) async throws(SluiceError) -> Outcome in
            await read(entries[index])
        } take: { (index, outcome) throws(SluiceError) in
            take(entries[index], outcome)
        }
    }

    private func read(_ entry: ObjectEntry) async -> Outcome {
        do throws(SluiceError) {
            return .read(try await footer(of: try await store.open(listed: entry)))
        } catch {
            if FooterReader.isDamage(error) { return .damaged(error) }
            // What was changed since it was listed is asked for again, as it is now.
            guard error.code != .cancelled, error.code != .permission else { return .failed(error) }
        }
        do throws(SluiceError) {
            return .read(try await footer(of: try await store.open(entry.path)))
        } catch {
            return FooterReader.isDamage(error) ? .damaged(error) : .failed(error)
        }
    }

    private func footer(of object: any RandomAccess) async throws(SluiceError) -> KnownFooter {
        let source = CountedSource(object) { [self] count in
            bytes.wrappingAdd(count, ordering: .relaxed)
            progress(count)
        }
        let file = try await ParquetFile.open(source, tailBytes: guess.load(ordering: .relaxed))
        // Half a page more than the largest footer so far, since those of one lake are alike.
        let needed = min(64 << 10, file.footerBytes + 8 + 256)
        if needed > guess.load(ordering: .relaxed) { guess.store(needed, ordering: .relaxed) }
        let schema = Schema(file.schema.fields.map(\.bare))
        return KnownFooter(rows: Int(file.metadata.rowCount), schema: schema)
    }

    private static func isDamage(_ error: SluiceError) -> Bool {
        [.invalidData, .unsupported, .limitExceeded, .conversion].contains(error.code)
    }
}

/// A file of which every byte that is read is counted.
private struct CountedSource: RandomAccess {
    let object: any RandomAccess
    let count: @Sendable (Int) -> Void

    init(_ object: any RandomAccess, _ count: @escaping @Sendable (Int) -> Void) {
        self.object = object
        self.count = count
    }

    var name: String { object.name }
    var size: Int { object.size }

    func read(_ range: Range<Int>) async throws(SluiceError) -> Buffer {
        let buffer = try await object.read(range)
        count(buffer.count)
        return buffer
    }
}

extension Field {
    /// Without metadata, inside too.
    var bare: Field { Field(name, type.bare, nullable: isNullable) }
}

extension DataType {
    fileprivate var bare: DataType {
        switch self {
        case .list(let item): .list(item.bare)
        case .structure(let fields): .structure(fields.map(\.bare))
        case .map(let key, let value): .map(key: key.bare, value: value.bare)
        default: self
        }
    }
}
