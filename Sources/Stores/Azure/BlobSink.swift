import Azure
import Storage
import Support

/// A blob that is being written: blocks side by side, then their list, in one step. Small ones are put in one request.
final class BlobSink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    let name: String
    private let client: BlobClient
    private let full: String
    private let condition: WriteCondition
    private let held: HeldLeases
    private let mark = ObjectMark.unique()
    private let key: [UInt8]
    private let writer: BlockWriter
    private var isDone = false

    init(
        _ client: BlobClient, _ full: String, name: String, _ condition: WriteCondition, _ options: StoreOptions,
        held: HeldLeases
    ) {
        self.client = client
        self.full = full
        self.name = name
        self.condition = condition
        self.held = held
        let key = Array(mark.utf8)
        self.key = key
        writer = BlockWriter(options) { index, _, bytes, crc throws(SluiceError) in
            try await client.putBlock(
                full, id: BlockID(key: key, index: index, crc: crc.value).bytes, bytes, crc: crc, lease: held[full])
        }
    }

    func write(_ bytes: Buffer) async throws(SluiceError) {
        do throws(SluiceError) {
            try await writer.write(bytes)
        } catch {
            throw error.at(.init(file: name))
        }
    }

    func finish() async throws(SluiceError) {
        if isDone { return }
        do throws(SluiceError) {
            try await publish()
            isDone = true
        } catch {
            throw error.at(.init(file: name))
        }
    }

    func abandon() async {
        if isDone { return }
        isDone = true
        // The service forgets blocks that no list names.
        await writer.stop()
    }

    private func publish() async throws(SluiceError) {
        let publication = BlobPublication(
            client: client, full: full, name: name, condition: condition, mark: mark, lease: held[full])
        let full = full
        if writer.blocks == 0 {
            let bytes = writer.rest
            return try await publication.publish(crc: CRC64.of(bytes).value) { client, writing throws(SluiceError) in
                try await client.put(full, bytes, writing)
            }
        }
        let crc = try await writer.finish()
        let ids = writer.checksums.enumerated().map { BlockID(key: key, index: $0, crc: $1).bytes }
        try await publication.publish(crc: crc) { client, writing throws(SluiceError) in
            try await client.commit(full, blocks: ids, writing)
        }
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
