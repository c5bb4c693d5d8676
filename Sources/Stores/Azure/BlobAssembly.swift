import Azure
import Storage
import Support

/// A blob is made of its blocks by naming them in a list. The service forgets blocks that no list names.
struct BlobAssembly: BlockAssembly {
    let name: String
    private let client: BlobClient
    private let full: String
    private let condition: WriteCondition
    private let held: HeldLeases
    private let mark = ObjectMark.unique()

    init(_ client: BlobClient, _ full: String, name: String, _ condition: WriteCondition, held: HeldLeases) {
        self.client = client
        self.full = full
        self.name = name
        self.condition = condition
        self.held = held
    }

    func begin() {}
    func discard() {}

    func bring(_ block: Block) async throws(SluiceError) {
        try await client.putBlock(
            full, id: id(block.index, block.crc.value), block.body, crc: block.crc, lease: held[full])
    }

    func publish(_ checksums: [UInt64], crc: UInt64, size: Int) async throws(SluiceError) {
        let ids = checksums.enumerated().map { id($0, $1) }
        try await publication.publish(crc: crc) { client, writing throws(SluiceError) in
            try await client.commit(full, blocks: ids, writing)
        }
    }

    func publish(_ block: Block) async throws(SluiceError) {
        try await publication.publish(crc: block.crc.value) { client, writing throws(SluiceError) in
            try await client.put(full, block.body, crc: block.crc, writing)
        }
    }

    private func id(_ index: Int, _ crc: UInt64) -> [UInt8] {
        BlockID(key: Array(mark.utf8), index: index, crc: crc).bytes
    }

    private var publication: BlobPublication {
        BlobPublication(client: client, full: full, name: name, condition: condition, mark: mark, lease: held[full])
    }
}

/// What a block is called: whose it is, which one, and what is in it.
struct BlockID {
    /// Whose it is: 32 bytes.
    let key: [UInt8]
    let index: Int
    let crc: UInt64

    /// All ids have the same length, as the service demands.
    var bytes: [UInt8] { prefix + CRC64.bytes(of: crc) }

    /// Whose it is, and which one.
    var prefix: [UInt8] { key + (0..<4).map { UInt8(truncatingIfNeeded: index >> (24 - 8 * $0)) } }
}
