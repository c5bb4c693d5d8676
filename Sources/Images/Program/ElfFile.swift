public import Support

/// What a program or library for Linux says of itself that matters to whoever moves it: for which machine it is, which loader it
/// asks for, which libraries it needs and where it looks for them.
public struct ElfFile: Sendable, Equatable {
    /// The processor: 62 is x86-64, 183 is AArch64.
    public let machine: Int
    /// The loader that it asks for; nil of a library.
    public private(set) var interpreter: String?
    /// The libraries that it needs by name.
    public private(set) var needed: [String] = []
    /// Where it looks for them first, and whether what they need is looked for there too.
    public private(set) var runPath: String?
    /// Whether `runPath` holds for the whole program (`DT_RPATH`), and not only for what the file itself needs.
    public private(set) var isInherited = false
    /// Where the loader's name stands in the file.
    private(set) var interpreterRange: Range<Int>?
    /// Where the tag of `runPath` stands in the file.
    private(set) var runPathTag: Int?

    /// Reads the parts of a 64-bit little-endian ELF file; nil when `source` is none.
    ///
    /// - throws: `SluiceError` when it is one, and its parts do not lie in it.
    public init?(_ source: any RandomAccess) async throws(SluiceError) {
        guard source.size >= 64 else { return nil }
        let start = try await source.read(0..<64)
        guard start.bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { return nil }
        func damaged(_ what: String) -> SluiceError {
            SluiceError(.invalidData, "this program is damaged: \(what)", place: .init(file: source.name))
        }
        machine = start.number(18, 2)
        let count = start.number(56, 2)
        let place = start.number(32, 8)
        guard start.number(54, 2) == 56, count <= 1024, place >= 0, place <= source.size - 56 * count else {
            throw damaged("its program headers lie outside it")
        }
        let headers = try await source.read(place..<place + 56 * count)
        var loads: [(address: Int, offset: Int, size: Int)] = []
        var dynamic: Range<Int>?
        for number in 0..<count {
            let base = 56 * number
            let type = headers.number(base, 4)
            guard [1, 2, 3].contains(type) else { continue }
            let (offset, address) = (headers.number(base + 8, 8), headers.number(base + 16, 8))
            let size = headers.number(base + 32, 8)
            guard offset >= 0, size >= 0, address >= 0, offset <= source.size, size <= source.size - offset else {
                throw damaged("a part of it lies outside it")
            }
            switch type {
            case 1: loads.append((address, offset, size))
            case 2: dynamic = offset..<offset + size
            default:
                guard size <= 4096 else { throw damaged("its loader's name is too long") }
                interpreterRange = offset..<offset + size
                interpreter = try await source.read(offset..<offset + size).text(at: 0)
            }
        }
        guard let dynamic else { return }
        guard dynamic.count <= 1 << 20 else { throw damaged("its dynamic section is too large") }
        let section = try await source.read(dynamic)
        var texts = (address: -1, size: -1)
        var names: [(tag: Int, place: Int, at: Int)] = []
        for base in stride(from: 0, to: section.count - 15, by: 16) {
            let (tag, value) = (section.number(base, 8), section.number(base + 8, 8))
            if tag == 0 { break }
            switch tag {
            case 5: texts.address = value
            case 10: texts.size = value
            case 1, 15, 29: names.append((tag, value, dynamic.lowerBound + base))
            default: break
            }
        }
        if names.isEmpty { return }
        guard let load = loads.first(where: { texts.address >= $0.address && texts.address - $0.address < $0.size }),
            texts.size > 0, texts.size <= 64 << 20, texts.size <= load.size - (texts.address - load.address)
        else { throw damaged("its names lie outside it") }
        let begin = load.offset + texts.address - load.address
        let table = try await source.read(begin..<begin + texts.size)
        for (tag, place, at) in names {
            guard place >= 0, place < table.count, let text = table.text(at: place) else {
                throw damaged("a name lies outside its names")
            }
            if tag == 1 {
                needed.append(text)
            } else if runPath == nil || tag == 29 {
                // The older tag counts only where the newer one is not there.
                runPath = text
                isInherited = tag == 15
                runPathTag = at
            }
        }
    }

    /// What the processor is called in images; nil for one that they have no name for here.
    public var architecture: String? { [62: "amd64", 183: "arm64"][machine] }
}

extension Buffer {
    /// The little-endian number of `count` bytes at `place`, which is within; a negative one for what is beyond `Int`.
    fileprivate func number(_ place: Int, _ count: Int) -> Int {
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(self[place + index]) }
        return Int(truncatingIfNeeded: value)
    }

    /// The text from `place` to the next zero; nil when it is no UTF-8, or has no end.
    fileprivate func text(at place: Int) -> String? {
        var bytes: [UInt8] = []
        var index = place
        while index < count, self[index] != 0 {
            bytes.append(self[index])
            if bytes.count > 4096 { return nil }
            index += 1
        }
        return index < count ? String(validating: bytes, as: UTF8.self) : nil
    }
}
