public import Support

/// Where bytes lie, as users write it: a path of this machine, or a place in Azure's storage.
///
///     abfss://container@account.dfs.core.windows.net/path      Data Lake Storage Gen2
///     https://account.blob.core.windows.net/container/path     Blob, with `?` and a shared access signature behind it
///     az://account/container/path                              Blob, in the cloud that is set
///     abfss://workspace@onelake.dfs.fabric.microsoft.com/lake.Lakehouse/Files/path
///     file:///path, or just a path
public enum StoreURL: Sendable, Hashable {
    /// A file or folder of this machine.
    case path(String)
    /// A place in Azure's storage.
    case azure(AzureLocation)

    /// Reads what a user wrote. A signature in it is protected from here on: no message, log or trace shows it.
    ///
    /// - throws: `SluiceError` that says what is wrong with a URL, and where possible how it is written right.
    public init(_ text: String) throws(SluiceError) {
        guard let scheme = StoreURL.scheme(of: text) else {
            if text.isEmpty { throw SluiceError(.invalidConfiguration, "is empty; a path or URL was expected") }
            self = .path(text)
            return
        }
        var parser = StoreURLParser(text: text, scheme: scheme)
        self = try parser.parse()
    }

    /// Whether `text` is written as a URL, so that it means no path of this machine.
    public static func isURL(_ text: String) -> Bool {
        guard let scheme = scheme(of: text) else { return false }
        return scheme != "file"
    }

    /// Protects whatever in `text` may be a signature's value, before anybody has found out what the text is.
    public static func protectSignatures(in text: String) {
        var rest = text[...]
        while let mark = rest.firstRange(of: "sig=") {
            rest = rest[mark.upperBound...]
            let value = String(rest.prefix { $0 != "&" && $0 != ";" && !$0.isWhitespace })
            Redactor.shared.protect(value)
            if let decoded = value.percentDecoded() { Redactor.shared.protect(decoded) }
        }
    }

    /// What to call it in a message.
    public var name: String {
        switch self {
        case .path(let path): path
        case .azure(let location): location.name
        }
    }

    /// Whether it was written with a slash at its end, and so means a folder.
    public var endsWithSlash: Bool {
        switch self {
        case .path(let path): path.hasSuffix("/")
        case .azure(let location): location.endsWithSlash || location.path.isEmpty
        }
    }

    /// The scheme of `text`, in lower case: letters before `://`, and `file` before a colon too.
    private static func scheme(of text: String) -> String? {
        let bytes = text.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let scheme = String(text[..<colon]).lowercased()
        guard let first = scheme.utf8.first, UInt8(ascii: "a")...UInt8(ascii: "z") ~= first,
            scheme.utf8.allSatisfy({
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                    || "+-.".utf8.contains($0)
            })
        else { return nil }
        if text[colon...].hasPrefix("://") { return scheme }
        return scheme == "file" && text[colon...].dropFirst().hasPrefix("/") ? scheme : nil
    }
}
