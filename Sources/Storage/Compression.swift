/// How a whole file is packed, apart from what format it has: `orders.csv.gz`.
public enum FileCompression: String, Sendable, CaseIterable {
    /// RFC 1952, of one member or several.
    case gzip
    /// RFC 8878, of one frame or several.
    case zstd

    /// The ending by which a name tells of it.
    public var fileExtension: String {
        switch self {
        case .gzip: "gz"
        case .zstd: "zst"
        }
    }

    /// The compression that the ending of `name` tells of, and the name without it.
    public static func split(_ name: String) -> (compression: FileCompression?, name: String) {
        for compression in allCases {
            for ending in [".\(compression.fileExtension)", ".\(compression.rawValue)"] where name.count > ending.count
            {
                if name.lowercased().hasSuffix(ending) { return (compression, String(name.dropLast(ending.count))) }
            }
        }
        return (nil, name)
    }

    /// The compression whose mark the first bytes of a file are.
    public static func detect(_ start: some Collection<UInt8>) -> FileCompression? {
        let mark = Array(start.prefix(4))
        if mark.starts(with: [0x1f, 0x8b, 8]) { return .gzip }
        if mark == [0x28, 0xb5, 0x2f, 0xfd] { return .zstd }
        // A frame that decoders skip may stand first: its mark ends in any digit.
        if mark.count == 4, mark[0] & 0xf0 == 0x50, mark[1...] == [0x2a, 0x4d, 0x18] { return .zstd }
        return nil
    }
}

/// How far a packed file may unpack before it is taken for a bomb.
public struct DecompressionLimits: Sendable {
    /// The most bytes that may come out.
    public var maximumBytes: Int
    /// The most bytes that may come out for each byte that went in, once `ratioAppliesBeyond` bytes are out.
    public var maximumRatio: Int
    /// How many bytes may come out before the ratio counts.
    public var ratioAppliesBeyond = 1 << 28

    /// One TiB and a ratio of 5,000, which gzip cannot exceed and honest Zstandard files seldom do.
    public init(maximumBytes: Int = 1 << 40, maximumRatio: Int = 5_000) {
        self.maximumBytes = maximumBytes
        self.maximumRatio = maximumRatio
    }
}
