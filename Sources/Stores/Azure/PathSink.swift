import Azure
import Storage
import Support

/// A file that is being written: under a name that listings leave out, bytes brought side by side, flushed, closed, and
/// renamed onto its own in one step.
final class PathSink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    let name: String
    private let client: PathClient
    private let full: String
    private let temporary: String
    private let condition: WriteCondition
    private let signature: String?
    private let held: HeldLeases
    private let mark = ObjectMark.unique()
    private let writer: BlockWriter
    private let digest: Digest
    private var isBegun = false
    private var isDone = false

    init(
        _ client: PathClient, _ full: String, name: String, _ condition: WriteCondition, _ options: StoreOptions,
        signature: String?, held: HeldLeases
    ) throws(SluiceError) {
        self.client = client
        self.full = full
        self.name = name
        self.condition = condition
        self.signature = signature
        self.held = held
        let temporary = StoreRoot.unfinished(beside: full, mark)
        self.temporary = temporary
        digest = try Digest(.md5)
        writer = BlockWriter(options) { _, offset, bytes, crc throws(SluiceError) in
            try await client.append(temporary, bytes, at: offset, crc: crc)
        }
    }

    func write(_ bytes: Buffer) async throws(SluiceError) {
        do throws(SluiceError) {
            try await begin()
            digest.update(bytes)
            try await writer.write(bytes)
        } catch {
            throw error.at(.init(file: name))
        }
    }

    func finish() async throws(SluiceError) {
        if isDone { return }
        do throws(SluiceError) {
            try await begin()
            _ = try await writer.finish()
            _ = try await client.flush(
                temporary, size: writer.size, contentMD5: Base64.encode(digest.finish()))
            try await publish()
            isDone = true
        } catch {
            throw error.at(.init(file: name))
        }
    }

    func abandon() async {
        if isDone { return }
        isDone = true
        await writer.stop()
        guard isBegun else { return }
        // Even when the whole task was cancelled: what is left over would cost its owner money.
        let (client, temporary) = (client, temporary)
        await Task { _ = try? await client.delete(temporary) }.value
    }

    private func begin() async throws(SluiceError) {
        if isBegun { return }
        isBegun = true
        // The name is nobody else's, so that making it twice (after a lost answer) does no harm.
        _ = try await client.create(temporary, metadata: [ObjectMark.writing: mark])
    }

    private func publish() async throws(SluiceError) {
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
