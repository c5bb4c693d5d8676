import Support

/// An answer's status line and header fields.
struct ResponseHead: Sendable {
    var status = 0
    /// `HTTP/1.1`, `HTTP/2`.
    var version = ""
    var headers = HTTPHeaders()
}

/// Puts a head together from its lines.
struct HeadParser {
    enum Progress {
        case more
        case whole(ResponseHead)
        case tooLarge
    }

    /// A server that sends more than this in headers means no good.
    static let limit = 256 << 10

    private var head = ResponseHead()
    private var size = 0
    private var isWhole = false

    /// Takes a line. What comes behind a whole head are trailers, which nobody asked for.
    mutating func take(_ line: UnsafeBufferPointer<UInt8>) -> Progress {
        size += line.count
        guard size <= HeadParser.limit else { return .tooLarge }
        guard !isWhole else { return .more }
        let text = HeadParser.trimmed(line)
        if text.isEmpty {
            // 1xx announces the answer that follows.
            if (100..<200).contains(head.status), head.status != 101 { return .more }
            isWhole = true
            return .whole(head)
        }
        if text.starts(with: "HTTP/".utf8) {
            let words = text.split(separator: UInt8(ascii: " "), maxSplits: 2)
            head = ResponseHead()
            head.version = String(decoding: words[0], as: UTF8.self)
            head.status = words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            let value = UnsafeBufferPointer(rebasing: text[(colon + 1)...])
            head.headers.add(
                String(decoding: text[..<colon], as: UTF8.self),
                String(decoding: HeadParser.trimmed(value), as: UTF8.self))
        }
        return .more
    }

    private static func trimmed(_ line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a }
        var (low, high) = (0, line.count)
        while low < high, isBlank(line[low]) { low += 1 }
        while low < high, isBlank(line[high - 1]) { high -= 1 }
        return UnsafeBufferPointer(rebasing: line[low..<high])
    }
}
