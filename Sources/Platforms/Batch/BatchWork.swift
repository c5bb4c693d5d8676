import Azure
import Support

/// What a run's job says of the work that is to be in it, so that anybody can tell whether all of it is, and whether another
/// start is about the same.
struct BatchWork: Sendable, Hashable {
    /// How many tasks there are to be.
    let count: Int
    /// SHA-256 of what all of its tasks do alike. It stays the same when some of them are done and a new start has fewer.
    let fingerprint: String

    static let countMark = "sluice-tasks"
    private static let fingerprintMark = "sluice-work"

    /// The work of a run.
    init(_ form: BatchTaskForm) throws(SluiceError) {
        let digest = try Digest(.sha256)
        digest.update(Buffer(Array(form.settings.pool.lowercased().utf8)))
        for kind in try form.kinds() { digest.update(Buffer(Array("\n\(kind)".utf8))) }
        count = max(1, form.request.tasks.count)
        fingerprint = digest.finish().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The work that a job says it is for; nil when it says nothing.
    init?(job: JSONText) {
        guard let count = BatchPlatform.mark(Self.countMark, of: job).flatMap({ Int($0) }), count > 0,
            let fingerprint = BatchPlatform.mark(Self.fingerprintMark, of: job)
        else { return nil }
        self.count = count
        self.fingerprint = fingerprint
    }

    var metadata: [(String, String)] { [(Self.countMark, "\(count)"), (Self.fingerprintMark, fingerprint)] }
}
