import Storage
public import Support

/// The SHA-256 by which a blob is called: `sha256:` and 64 digits.
public struct ContentDigest: Sendable, Hashable, CustomStringConvertible {
    /// The digits behind the colon.
    public let digits: String

    /// The digest that `text` is.
    ///
    /// - throws: `SluiceError` for what is none, and for other algorithms than SHA-256.
    public init(_ text: String) throws(SluiceError) {
        let digits = text.dropFirst("sha256:".count)
        guard text.hasPrefix("sha256:"), digits.utf8.count == 64, digits.utf8.allSatisfy(ContentDigest.isDigit) else {
            throw SluiceError(
                .invalidData, "\"\(Display.cut(Display.safe(text), to: 100))\" is no digest that can be checked here",
                hint: "a digest is sha256: and 64 digits from 0 to f")
        }
        self.digits = String(digits)
    }

    /// The digest of `bytes`.
    public init(of bytes: Buffer) throws(SluiceError) {
        let hash = try SHA256()
        hash.update(bytes)
        digits = hash.finish()
    }

    init(digits: String) { self.digits = digits }

    /// `sha256:…`
    public var description: String { "sha256:\(digits)" }

    /// The first digits, which are enough for people.
    public var short: String { String(digits.prefix(12)) }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

extension HashingSink {
    /// The digest of all that was written; asked once.
    func digest() -> ContentDigest { ContentDigest(digits: hash()) }
}
