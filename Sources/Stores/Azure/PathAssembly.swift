import Azure
import Storage
import Support
import Transport

/// A file is made under a name that listings leave out: bytes brought side by side, flushed, closed, and renamed onto its own
/// name in one step.
struct PathAssembly: BlockAssembly {
    let name: String
    private let client: PathClient
    private let full: String
    private let temporary: String
    private let condition: WriteCondition
    private let signature: String?
    private let held: HeldLeases
    private let mark = ObjectMark.unique()

    init(
        _ client: PathClient, _ full: String, name: String, _ condition: WriteCondition, signature: String?,
        held: HeldLeases
    ) {
        self.client = client
        self.full = full
        self.name = name
        self.condition = condition
        self.signature = signature
        self.held = held
        temporary = StoreRoot.unfinished(beside: full, mark)
    }

    // The name is nobody else's, so that making it twice (after a lost answer) does no harm.
    func begin() async throws(SluiceError) {
        _ = try await client.create(temporary, metadata: [ObjectMark.writing: mark])
    }

    func bring(_ block: Block) async throws(SluiceError) {
        try await client.append(temporary, block.body, at: block.offset, crc: block.crc)
    }

    func publish(_ checksums: [UInt64], crc: UInt64, size: Int) async throws(SluiceError) {
        try await client.keep(metadata(crc), with: temporary)
        try await rename(size)
    }

    func publish(_ block: Block) async throws(SluiceError) {
        _ = try await client.create(temporary, metadata: metadata(block.crc.value))
        let size = block.body.size ?? 0
        if size > 0 { try await bring(block) }
        try await rename(size)
    }

    func discard() async { _ = try? await client.delete(temporary) }

    private func metadata(_ crc: UInt64) -> [String: String] {
        [ObjectMark.writing: mark, ObjectMark.checksum: Base64.encode(CRC64.bytes(of: crc))]
    }

    private func rename(_ size: Int) async throws(SluiceError) {
        _ = try await client.flush(temporary, size: size)
        let renamed: PathClient.Renamed
        do throws(SluiceError) {
            renamed = try await client.rename(
                temporary, to: full, condition.storage, signature: signature, lease: held[full])
        } catch {
            if error.isTransient, (try? await isOurs()) == true { return }
            throw error
        }
        switch renamed {
        case .done: return
        case .refused: if try await !isOurs() { throw .conflict(condition, name) }
        case .sourceMissing, .folderMissing:
            if try await isOurs() { return }
            throw SluiceError(
                .inputOutput, "what was written so far has gone: somebody removed it before it got its name",
                hint: "Leave files whose names begin with a dot and end with .partial alone; run it again.",
                isTransient: true)
        }
    }

    /// Whether an earlier attempt, whose answer was lost, has done it: the file carries this writing's mark.
    private func isOurs() async throws(SluiceError) -> Bool {
        try await client.properties(full)?.metadata[ObjectMark.writing] == mark
    }
}
