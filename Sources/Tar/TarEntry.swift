public import Support

/// One file, folder or link of an archive, without its contents.
public struct TarEntry: Sendable, Equatable {
    /// What it is.
    public enum Kind: Sendable, Equatable {
        /// A file with bytes.
        case file
        /// A folder.
        case folder
        /// A symbolic link to this path.
        case symbolicLink(String)
        /// Another name of a file that came before.
        case hardLink(String)
        /// A device, pipe, or something that only other programs know.
        case special
    }

    /// Where it lies, with `/` between the parts; a folder's ends without one.
    public var path: String
    /// What it is.
    public var kind: Kind
    /// How many bytes it has.
    public var size: Int
    /// Who may do what.
    public var mode: Int
    /// Whose it is.
    public var user: Int
    /// Whose group's it is.
    public var group: Int
    /// When it was changed, in seconds since 1970.
    public var modified: Int

    /// An entry; everything that could differ between machines has a fixed value unless it is given.
    public init(
        path: String, kind: Kind = .file, size: Int = 0, mode: Int? = nil, user: Int = 0, group: Int = 0,
        modified: Int = 0
    ) {
        self.path = path
        self.kind = kind
        self.size = size
        switch kind {
        case .folder: self.mode = mode ?? 0o755
        case .symbolicLink: self.mode = mode ?? 0o777
        default: self.mode = mode ?? 0o644
        }
        self.user = user
        self.group = group
        self.modified = modified
    }
}

/// The blocks that archives are made of (POSIX.1-2001, `ustar` with extended headers).
public enum TarFormat {
    /// The size of a block.
    public static let block = 512
    /// The two empty blocks that end an archive.
    public static let end = [UInt8](repeating: 0, count: 2 * block)

    /// How many bytes of a file's last block are empty.
    public static func padding(_ size: Int) -> Int { (block - size % block) % block }

    /// The header of `entry`: one block, with an extended header before it only where `ustar` has no room for the name, the
    /// link or the size.
    ///
    /// - throws: `SluiceError` for what no archive can hold.
    public static func header(_ entry: TarEntry) throws(SluiceError) -> [UInt8] {
        var path = entry.path
        if entry.kind == .folder { path += "/" }
        var link = ""
        let flag: UInt8
        switch entry.kind {
        case .file: flag = UInt8(ascii: "0")
        case .hardLink(let target):
            flag = UInt8(ascii: "1")
            link = target
        case .symbolicLink(let target):
            flag = UInt8(ascii: "2")
            link = target
        case .folder: flag = UInt8(ascii: "5")
        case .special: throw SluiceError(.unsupported, "\"\(entry.path)\" is neither file, folder nor link")
        }
        if path.isEmpty || path.utf8.contains(0) || link.utf8.contains(0) || entry.size < 0 {
            throw SluiceError(.invalidData, "an archive has no place for the name \"\(entry.path)\"")
        }
        var records: [(String, String)] = []
        var (prefix, name) = ([UInt8](), Array(path.utf8))
        if !isPlain(path) || name.count > 100 {
            if isPlain(path), let split = divided(name) {
                (prefix, name) = split
            } else {
                records.append(("path", path))
            }
        }
        if !isPlain(link) || link.utf8.count > 100 { records.append(("linkpath", link)) }
        if entry.size > 0o77_777_777_777 { records.append(("size", String(entry.size))) }
        var bytes: [UInt8] = []
        if !records.isEmpty {
            let body = records.flatMap { record($0.0, $0.1) }
            // Its name is never looked at by those who know extended headers; others would make a file of it.
            bytes += basic(
                name: Array("PaxHeaders/entry".utf8), prefix: [], link: [], flag: UInt8(ascii: "x"), size: body.count,
                mode: 0o644, entry: TarEntry(path: ""))
            bytes += body + [UInt8](repeating: 0, count: padding(body.count))
        }
        let size = if case .file = entry.kind { entry.size } else { 0 }
        bytes += basic(
            name: Array(name.prefix(100)), prefix: prefix, link: Array(link.utf8.prefix(100)), flag: flag, size: size,
            mode: entry.mode, entry: entry)
        return bytes
    }

    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 } }

    /// A long path cut at a slash into what `ustar` has two fields for.
    private static func divided(_ path: [UInt8]) -> ([UInt8], [UInt8])? {
        guard path.count <= 256 else { return nil }
        // The slash itself is in neither part, and a folder's last one divides nothing.
        for place in stride(from: min(155, path.count - 2), to: 0, by: -1) where path[place] == UInt8(ascii: "/") {
            let rest = path.count - place - 1
            return rest <= 100 ? (Array(path[..<place]), Array(path[(place + 1)...])) : nil
        }
        return nil
    }

    /// `27 path=…\n`, where the number counts itself.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n".utf8
        var count = rest.count + 1
        while String(count).utf8.count + rest.count != count { count = String(count).utf8.count + rest.count }
        return Array(String(count).utf8) + Array(rest)
    }

    private static func basic(
        name: [UInt8], prefix: [UInt8], link: [UInt8], flag: UInt8, size: Int, mode: Int, entry: TarEntry
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: TarFormat.block)
        func put(_ bytes: some Collection<UInt8>, _ place: Int) {
            for (offset, byte) in bytes.enumerated() { block[place + offset] = byte }
        }
        func octal(_ number: Int, _ place: Int, _ width: Int) {
            let limit = (1 << (3 * (width - 1))) - 1
            let digits = String(min(max(0, number), limit), radix: 8)
            put(Array(String(repeating: "0", count: width - 1 - digits.utf8.count).utf8) + Array(digits.utf8), place)
        }
        put(name, 0)
        octal(mode & 0o7777, 100, 8)
        octal(entry.user, 108, 8)
        octal(entry.group, 116, 8)
        octal(size > 0o77_777_777_777 ? 0 : size, 124, 12)
        octal(entry.modified, 136, 12)
        block[156] = flag
        put(link, 157)
        put(Array("ustar".utf8) + [0] + Array("00".utf8), 257)
        put(prefix, 345)
        put([UInt8](repeating: 0x20, count: 8), 148)
        let sum = block.reduce(0) { $0 + Int($1) }
        let digits = String(sum, radix: 8)
        put(Array(String(repeating: "0", count: 6 - digits.count).utf8) + Array(digits.utf8) + [0, 0x20], 148)
        return block
    }
}
