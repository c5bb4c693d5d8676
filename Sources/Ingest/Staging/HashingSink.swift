import Storage
import Support

/// Counts and hashes what is written on its way to another sink.
final class HashingSink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    private let base: any ByteSink
    private let hash: SHA256
    /// How many bytes were written.
    private(set) var count = 0
    /// The SHA-256 of the bytes, once finished.
    private(set) var digest = ""

    init(_ base: any ByteSink) throws(SluiceError) {
        self.base = base
        hash = try SHA256()
    }

    var name: String { base.name }

    func write(_ bytes: Buffer) async throws(SluiceError) {
        hash.update(bytes)
        count += bytes.count
        try await base.write(bytes)
    }

    func finish() async throws(SluiceError) {
        FaultPoint.stagePartWritten.reach()
        try await base.finish()
        digest = hash.finish()
        FaultPoint.stagePartVisible.reach()
    }

    func abandon() async { await base.abandon() }
}
