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
        writer = BlockWriter(options) { index, _, bytes, crc throws(SluiceError) in
            try await client.putBlock(
                full, id: BlockID(key: key, index: index, crc: crc).bytes, bytes, crc: crc, lease: held[full])
        }
        identify = { index, crc in BlockID(key: key, index: index, crc: crc).bytes }
    }

    private let identify: @Sendable (Int, CRC64) -> [UInt8]

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
        var writing = BlobWriting(condition.storage, metadata: [ObjectMark.writing: mark], lease: held[full])
        if writer.blocks == 0 {
            let bytes = writer.rest
            writing.metadata[ObjectMark.checksum] = Base64.encode(CRC64.of(bytes).bytes)
            return try await settle { () throws(SluiceError) in
                try await client.put(full, bytes, writing)
            }
        }
        let crc = try await writer.finish()
        writing.metadata[ObjectMark.checksum] = Base64.encode(
            (0..<8).map { UInt8(truncatingIfNeeded: crc >> (8 * $0)) })
        let ids = writer.checksums.enumerated().map { identify($0, $1) }
        try await settle { () throws(SluiceError) in
            try await client.commit(full, blocks: ids, writing)
        }
    }

    /// Publishes, and finds out what happened where the answer does not say: an earlier attempt whose answer was lost has
    /// left this writing's mark.
    private func settle(
        _ publish: () async throws(SluiceError) -> BlobClient.Written
    ) async throws(SluiceError) {
        let written: BlobClient.Written
        do throws(SluiceError) {
            written = try await publish()
        } catch {
            if error.isTransient, (try? await isOurs()) == true { return }
            throw error
        }
        switch written {
        case .done: return
        case .refused: if try await !isOurs() { throw .conflict(condition, name) }
        case .blocksMissing:
            if try await isOurs() { return }
            throw SluiceError(
                .inputOutput, "somebody else wrote it at the same time, and what was sent so far is gone",
                hint: "Two writers of one object get in each other's way; run it again.", isTransient: true)
        }
    }

    private func isOurs() async throws(SluiceError) -> Bool {
        try await client.properties(full)?.metadata[ObjectMark.writing] == mark
    }
}

/// What a block is called: whose it is, which one, and what is in it.
struct BlockID {
    /// Whose it is: 32 bytes.
    let key: [UInt8]
    let index: Int
    let crc: CRC64

    /// All ids have the same length, as the service demands.
    var bytes: [UInt8] { prefix + crc.bytes }

    /// Whose it is, and which one.
    var prefix: [UInt8] { key + (0..<4).map { UInt8(truncatingIfNeeded: index >> (24 - 8 * $0)) } }
}
