import Azure
import Storage
import Support

/// Brings a long object to a blob in blocks, many side by side, in any order.
///
/// A block's name says what is in it, so that a copy that was broken off goes on: the service still has its blocks, and
/// those whose bytes are the same as now are not sent again.
struct BlobUpload {
    private let object: any StoredObject
    private let store: AzureBlobStore
    private let path: String
    private let condition: WriteCondition
    private let monitor: StoreCopy.Monitor
    private let blockSize: Int
    /// Says which object of which size was cut how; of a remote one, of which version.
    private let key: [UInt8]

    init(
        _ object: any StoredObject, _ store: AzureBlobStore, _ path: String, _ condition: WriteCondition,
        _ monitor: StoreCopy.Monitor
    ) throws(SluiceError) {
        self.object = object
        self.store = store
        self.path = path
        self.condition = condition
        self.monitor = monitor
        blockSize = store.options.blockSize(for: object.size)
        let isRemote = object is AzureObject
        let identity = isRemote ? "\(object.name) \(object.facts.tag ?? "")" : "file"
        key = try Digest.of("sluice copy \(object.size) \(blockSize) \(identity)".utf8, .sha256)
    }

    func run() async throws(SluiceError) {
        let full = try store.root.full(path)
        do throws(SluiceError) {
            try await send(full)
        } catch {
            throw error.at(.init(file: store.root.url(path)))
        }
    }

    private func send(_ full: String) async throws(SluiceError) {
        let there = try await store.client.uncommittedBlocks(full)
        let ranges = stride(from: 0, to: object.size, by: blockSize).map { $0..<min($0 + blockSize, object.size) }
        // Of an object in a store, the version says what is in a block; it need not be read to know.
        var known: [[UInt8]: UInt64] = [:]
        if object is AzureObject {
            for (id, size) in there where id.count == key.count + 12 {
                if size > 0 { known[Array(id.dropLast(8))] = CRC64.value(of: id.suffix(8)) }
            }
        }
        var checksums = [UInt64](repeating: 0, count: ranges.count)
        let width = store.options.concurrentBlocks(of: blockSize)
        try await sideBySide(ranges.indices, width: width) { [known] index throws(SluiceError) in
            try await block(full, index, ranges[index], known, there)
        } take: { index, crc in
            checksums[index] = crc
        }
        try await commit(full, checksums, ranges)
    }

    private func block(
        _ full: String, _ index: Int, _ range: Range<Int>, _ known: [[UInt8]: UInt64], _ there: [[UInt8]: Int]
    ) async throws(SluiceError) -> UInt64 {
        defer { monitor.add(bytes: range.count) }
        if let crc = known[BlockID(key: key, index: index, crc: 0).prefix] { return crc }
        let block: Block
        if let file = object as? any DirectAccess {
            block = try Block(.part(file, range))
        } else {
            block = try Block(.bytes(try await object.read(range)))
        }
        let id = BlockID(key: key, index: index, crc: block.crc.value).bytes
        if there[id] == range.count { return block.crc.value }
        try await store.client.putBlock(full, id: id, block.body, crc: block.crc, lease: store.held[full])
        return block.crc.value
    }

    private func commit(_ full: String, _ checksums: [UInt64], _ ranges: [Range<Int>]) async throws(SluiceError) {
        var whole: UInt64 = 0
        for (crc, range) in zip(checksums, ranges) {
            whole = CRC64.combined(whole, crc, secondCount: range.count)
        }
        let ids = checksums.enumerated().map { BlockID(key: key, index: $0, crc: $1).bytes }
        let publication = BlobPublication(
            client: store.client, full: full, name: store.root.url(path), condition: condition,
            mark: ObjectMark.unique(), lease: store.held[full])
        try await publication.publish(crc: whole) { client, writing throws(SluiceError) in
            try await client.commit(full, blocks: ids, writing)
        }
    }
}
