public import Support

/// Passes bytes on, and knows their SHA-256 and number.
public final class HashingSink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    private let base: any ByteSink
    private let digest: SHA256
    private let ends: Bool
    /// How many bytes were written.
    public private(set) var count = 0

    /// A sink before `base`.
    ///
    /// - parameter ends: Whether `finish` goes through to `base`, rather than being its owner's business.
    public init(_ base: any ByteSink, ends: Bool = true) throws(SluiceError) {
        self.base = base
        self.ends = ends
        digest = try SHA256()
    }

    /// What is written to.
    public var name: String { base.name }

    /// Passes bytes on.
    public func write(_ bytes: Buffer) async throws(SluiceError) {
        digest.update(bytes)
        count += bytes.count
        try await base.write(bytes)
    }

    /// Ends what is written to, if that is its business.
    public func finish() async throws(SluiceError) { if ends { try await base.finish() } }
    /// Throws away what was written.
    public func abandon() async { await base.abandon() }

    /// The SHA-256 of all that was written, in hexadecimal digits; asked once.
    public func hash() -> String { digest.finish() }
}
