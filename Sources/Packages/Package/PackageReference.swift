public import Support

/// A published package by its whole name: `az://shopdeploy/packages/shop@9f86d081…`.
///
/// It means the same files for ever: the last part is the hash of what is in the package.
public struct PackageReference: Sendable, Hashable, CustomStringConvertible {
    /// The folder or container that it was published to.
    public let place: String
    /// Whose it is.
    public let name: String
    /// The hash of what is in it.
    public let hash: String

    /// The package `hash` of `name`, in `place`.
    public init(place: String, name: String, hash: String) {
        var place = place
        while place.count > 1, place.hasSuffix("/"), !place.hasSuffix("://") { place.removeLast() }
        self.place = place
        self.name = name
        self.hash = hash
    }

    /// The package that `text` names.
    public init(_ text: String) throws(SluiceError) {
        let parts = try Self.parts(text)
        guard PackageName.isHash(parts.word) else { throw Self.refused(text) }
        self.init(place: parts.place, name: parts.name, hash: parts.word)
    }

    /// What stands in `STORE/NAME@WORD`, the word being a hash, the beginning of one, or `current`.
    public static func parts(_ text: String) throws(SluiceError) -> (place: String, name: String, word: String) {
        // A place may have an @ of its own: abfss://container@account.dfs.core.windows.net
        guard let mark = text.lastIndex(of: "@"), let slash = text[..<mark].lastIndex(of: "/"), slash > text.startIndex
        else { throw refused(text) }
        let name = String(text[text.index(after: slash)..<mark])
        let word = String(text[text.index(after: mark)...])
        guard PackageName.isValid(name), !word.isEmpty else { throw refused(text) }
        return (String(text[..<slash]), name, word)
    }

    private static func refused(_ text: String) -> SluiceError {
        SluiceError(
            .usage, "\"\(Display.cut(Display.safe(text), to: 200))\" is no package",
            hint: "write STORE/NAME@HASH: az://shopdeploy/packages/shop@9f86d081, or shop@current")
    }

    /// As it is written.
    public var description: String { "\(place)/\(name)@\(hash)" }

    /// `shop@9f86d081884c`, for people who know where.
    public var short: String { "\(name)@\(hash.prefix(12))" }
}
