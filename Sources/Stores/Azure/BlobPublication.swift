import Azure
import Storage
import Support

/// The step in which a blob appears, and how it is found out whether it has where the answer does not say: an earlier attempt
/// whose answer was lost has left this writing's mark.
struct BlobPublication: Sendable {
    let client: BlobClient
    let full: String
    let name: String
    let condition: WriteCondition
    let mark: String
    let lease: String?

    /// Has `step` make the blob visible.
    ///
    /// - throws: `SluiceError`, `.conflict` when the condition did not hold.
    func publish(
        crc: UInt64,
        _ step: (BlobClient, BlobWriting) async throws(SluiceError) -> BlobClient.Written
    ) async throws(SluiceError) {
        let checksum = Base64.encode(CRC64.bytes(of: crc))
        let writing = BlobWriting(
            condition.storage, metadata: [ObjectMark.writing: mark, ObjectMark.checksum: checksum], lease: lease)
        let written: BlobClient.Written
        do throws(SluiceError) {
            written = try await step(client, writing)
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
