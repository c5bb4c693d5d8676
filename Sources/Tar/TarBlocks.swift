import Support

/// Makes entries of an archive's blocks: remembers what extended headers say until the entry comes that they are about.
struct TarBlocks {
    /// What a header block turned out to be.
    enum Step {
        /// An entry, whose contents follow.
        case entry(TarEntry)
        /// A header about the next entry: hand its contents of this size to `take`.
        case more(Int)
        /// The end of the archive.
        case end
    }

    /// No name or extended header that anybody needs is larger.
    static let largestHeader = 1 << 20

    private var pending: UInt8 = 0
    private var path: String?
    private var link: String?
    private var size: Int?
    private var modified: Int?
    private var isEmptyBefore = false

    /// Reads a header block.
    mutating func header(_ block: [UInt8], at offset: Int, in file: String) throws(SluiceError) -> Step {
        let place = SluiceError.Place(file: file, offset: offset)
        func damaged(_ what: String) -> SluiceError {
            SluiceError(.invalidData, "this is not a tar archive, or it is damaged: \(what)", place: place)
        }
        guard block.count == TarFormat.block else { throw damaged("it ends in the middle of a header") }
        if block.allSatisfy({ $0 == 0 }) {
            guard pending == 0, path == nil, link == nil else { throw damaged("an extended header has no entry") }
            return .end
        }
        var sum = 0
        for (index, byte) in block.enumerated() { sum += (148..<156).contains(index) ? 0x20 : Int(byte) }
        guard TarBlocks.number(block[148..<156]) == sum else { throw damaged("the checksum of a header is wrong") }
        let flag = block[156]
        guard let stated = TarBlocks.number(block[124..<136]) else { throw damaged("a size is no number") }
        switch flag {
        case UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"):
            guard stated <= TarBlocks.largestHeader else {
                throw SluiceError(
                    .limitExceeded, "a header of \(stated) bytes, the limit is \(TarBlocks.largestHeader)", place: place
                )
            }
            pending = flag
            return .more(stated)
        default: break
        }
        defer { (path, link, size, modified) = (nil, nil, nil, nil) }
        let isUstar = block[257..<262].elementsEqual("ustar".utf8)
        // GNU's own form has other things where `ustar` has the prefix.
        let prefix = isUstar && block[262] == 0 ? TarBlocks.text(block[345..<500]) : []
        let name = TarBlocks.text(block[0..<100])
        let joined = prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
        guard let short = String(validating: joined, as: UTF8.self),
            let target = String(validating: TarBlocks.text(block[157..<257]), as: UTF8.self)
        else { throw damaged("a name is not UTF-8") }
        var named = path ?? short
        let linked = link ?? target
        let kind: TarEntry.Kind
        switch flag {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = named.hasSuffix("/") ? .folder : .file
        case UInt8(ascii: "1"): kind = .hardLink(linked)
        case UInt8(ascii: "2"): kind = .symbolicLink(linked)
        case UInt8(ascii: "5"): kind = .folder
        default: kind = .special
        }
        while named.count > 1, named.hasSuffix("/") { named.removeLast() }
        guard !named.isEmpty else { throw damaged("an entry has no name") }
        var bytes = size ?? stated
        // What links and folders say of their size has no contents behind it.
        if kind != .file, kind != .special { bytes = 0 }
        guard bytes >= 0, bytes < 1 << 53 else { throw damaged("an entry of \(bytes) bytes") }
        return .entry(
            TarEntry(
                path: named, kind: kind, size: bytes, mode: (TarBlocks.number(block[100..<108]) ?? 0o644) & 0o7777,
                user: TarBlocks.number(block[108..<116]) ?? 0, group: TarBlocks.number(block[116..<124]) ?? 0,
                modified: modified ?? TarBlocks.number(block[136..<148]) ?? 0))
    }

    /// Takes the contents of a header about the next entry.
    mutating func take(_ contents: [UInt8], in file: String) throws(SluiceError) {
        defer { pending = 0 }
        let damaged = SluiceError(
            .invalidData, "this is not a tar archive, or it is damaged: an extended header does not parse",
            place: .init(file: file))
        if pending == UInt8(ascii: "L") || pending == UInt8(ascii: "K") {
            guard let text = String(validating: TarBlocks.text(contents[...]), as: UTF8.self) else { throw damaged }
            if pending == UInt8(ascii: "L") { path = text } else { link = text }
            return
        }
        // What a global header says (a comment, mostly) matters to nobody here, but it has to be one.
        let isGlobal = pending == UInt8(ascii: "g")
        var rest = contents[...]
        while let first = rest.first, first != 0 {
            guard let blank = rest.firstIndex(of: 0x20), blank - rest.startIndex <= 8,
                let count = Int(String(decoding: rest[..<blank], as: UTF8.self)), count >= 5, count <= rest.count,
                rest[rest.startIndex + count - 1] == 0x0a, blank < rest.startIndex + count - 1
            else { throw damaged }
            let record = rest[(blank + 1)..<(rest.startIndex + count - 1)]
            rest = rest[(rest.startIndex + count)...]
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else { throw damaged }
            let key = String(decoding: record[..<equals], as: UTF8.self)
            if isGlobal { continue }
            guard ["path", "linkpath", "size", "mtime"].contains(key) else { continue }
            guard let value = String(validating: record[(equals + 1)...], as: UTF8.self), !value.utf8.contains(0) else {
                throw damaged
            }
            switch key {
            case "path": path = value
            case "linkpath": link = value
            case "size":
                guard let number = Int(value), number >= 0 else { throw damaged }
                size = number
            default: modified = Int(value.prefix { $0 != "." })
            }
        }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    /// An octal number, or GNU's binary one.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
            let value = field.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return Int(exactly: value)
        }
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit), value < 1 << 58 else { return nil }
            value = value << 3 | Int(digit - UInt8(ascii: "0"))
        }
        return value
    }
}
