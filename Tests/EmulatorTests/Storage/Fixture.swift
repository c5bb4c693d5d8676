import Foundation
import Support
import Synchronization
import Testing

@testable import Emulator

/// A storage engine in a folder of its own, with a clock that the test moves.
final class Fixture: Sendable {
    let folder: String
    let clock: Mutex<Int64>

    init() {
        folder = NSTemporaryDirectory() + "sluice-storage-\(UInt64.random(in: .min ... .max))"
        clock = Mutex(Moment.now.microseconds)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Opens the folder, as a start of the emulator does.
    func open() throws -> StorageEngine {
        try StorageEngine(folder: folder, isHierarchical: { $0 == "lake" }, now: { self.clock.withLock { $0 } })
    }

    func wait(seconds: Int64) { clock.withLock { $0 += seconds * 1_000_000 } }

    /// The content files that are there.
    func files() -> Int {
        let all = FileManager.default.enumerator(atPath: folder + "/content")?.allObjects ?? []
        return all.filter { "\($0)".contains("/") }.count
    }
}

extension BlobPath {
    init(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 2).map(String.init)
        self.init(account: parts[0], container: parts[1], name: BlobName(parts.count > 2 ? parts[2] : ""))
    }
}

extension StorageEngine {
    func makeContainer(_ text: String) throws {
        let path = BlobPath(text)
        _ = try createContainer(path.parent, metadata: [], publicAccess: nil)
    }

    @discardableResult func write(_ text: String, _ content: String, _ demand: Guard = .none) throws -> Entry {
        let bytes = Buffer(Array(content.utf8))
        let writer = try ContentWriter(self.content, length: bytes.count, wantsMD5: false, wantsCRC64: false)
        try writer.write(bytes)
        return try put(BlobPath(text), demand, kind: .block) { $0.extents = bytes.count == 0 ? [] : [writer.extent] }
    }

    func putBlock(_ text: String, _ id: String, _ content: String) throws {
        let bytes = Buffer(Array(content.utf8))
        let writer = try blockWriter(
            BlobPath(text), lease: nil, length: bytes.count, wantsMD5: false, wantsCRC64: false)
        try writer.write(bytes)
        try stage(BlobPath(text), lease: nil, id: id, writer.extent)
    }

    @discardableResult func commitBlocks(_ text: String, _ ids: [String], _ source: BlockSource = .latest) throws
        -> Entry
    {
        try commit(BlobPath(text), .none, ids.map { (source, $0) }) { _ in }
    }

    func appendFile(_ text: String, _ position: Int, _ content: String) throws {
        let bytes = Buffer(Array(content.utf8))
        let writer = try pathWriter(
            BlobPath(text), .none, position: position, length: bytes.count, wantsMD5: false, wantsCRC64: false)
        try writer.write(bytes)
        try appendPath(BlobPath(text), .none, position: position, writer.extent)
    }

    func bytes(_ found: Found, _ range: Range<Int>) async throws -> Buffer {
        let reader = ContentReader(found.entry.extents.slice(range), pin: found.pin, in: content)
        let all = MutableBuffer(capacity: range.count)
        while let next = try await reader.next() { all.append(next) }
        return all.freeze()
    }

    func text(_ path: String) async throws -> String {
        let found = try find(BlobPath(path))
        let bytes = try await bytes(found, 0..<found.entry.size)
        return String(decoding: bytes.bytes, as: UTF8.self)
    }

    func names(_ text: String, prefix: String = "", delimiter: String? = nil, limit: Int = 5000) throws -> [String] {
        var found: [String] = []
        var query = ListQuery(prefix: prefix, delimiter: delimiter, limit: limit)
        while true {
            let (items, next) = try list(BlobPath(text).parent, query)
            #expect(items.count <= limit)
            for item in items {
                switch item {
                case .entry(let name, _): found.append(name.text)
                case .uncommitted(let name, _): found.append("?" + name.text)
                case .prefix(let prefix): found.append(prefix + "…")
                }
            }
            guard let next else { return found }
            query.start = next
        }
    }

    func paths(_ text: String, _ directory: String = "", recursive: Bool = true, limit: Int = 5000) throws -> [String] {
        var found: [String] = []
        var start = ""
        while true {
            let (paths, next) = try listPaths(
                BlobPath(text).parent, directory: directory, isRecursive: recursive, from: start, limit: limit)
            found += paths.map { $0.name.text + ($0.isDirectory ? "/" : "") }
            guard let next else { return found }
            start = next
        }
    }
}

/// The code of the fault that `body` throws.
func fault(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "nothing"
    } catch {
        return (error as? StorageFault)?.code ?? "\(error)"
    }
}
