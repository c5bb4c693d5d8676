import Glibc
public import Support

/// What a program wrote, a line each with its time, as Kubernetes keeps it:
///
///     2026-11-21T05:32:56.123456Z stdout F the text
///
/// A line that is too long comes in pieces, marked `P` but for the last.
public struct WorkloadLog: Sendable {
    /// One line.
    public struct Line: Sendable, Equatable {
        /// When it came.
        public let time: Moment
        /// `stdout` or `stderr`.
        public let stream: String
        /// What it says.
        public let text: String
    }

    /// The file.
    public let path: String

    /// The log in a file, which need not be there yet.
    public init(_ path: String) { self.path = path }

    /// Whole lines from a byte of the file on, and the byte behind them.
    ///
    /// - parameter limit: How much is read at most.
    public func lines(from start: Int, limit: Int = 4 << 20) -> (lines: [Line], next: Int) {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return ([], start) }
        defer { close(number) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let more = bytes.withUnsafeMutableBytes {
                pread(number, $0.baseAddress.map { $0 + count }, limit - count, start + count)
            }
            if more <= 0 { break }
            count += more
        }
        guard let last = bytes[..<count].lastIndex(of: 0x0a) else { return ([], start) }
        let lines = bytes[..<last].split(separator: 0x0a, omittingEmptySubsequences: false).compactMap(Line.init)
        return (lines, start + last + 1)
    }

    /// Where the last whole line ends.
    public var end: Int {
        var start = 0
        while true {
            let next = lines(from: start).next
            if next == start { return start }
            start = next
        }
    }

    /// All lines.
    public func all() -> [Line] {
        var (all, start): ([Line], Int) = ([], 0)
        while true {
            let (lines, next) = lines(from: start)
            if next == start { return all }
            all += lines
            start = next
        }
    }
}

extension WorkloadLog.Line {
    init?(_ bytes: ArraySlice<UInt8>) {
        let parts = bytes.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let time = Moment(iso: String(decoding: parts[0], as: UTF8.self)) else { return nil }
        self.init(
            time: time, stream: String(decoding: parts[1], as: UTF8.self),
            text: String(decoding: parts[3], as: UTF8.self))
    }
}

/// Takes a program's bytes apart into lines, and adds those to the log.
struct LineWriter {
    private let stream: String
    private let descriptor: Int32
    private var rest: [UInt8] = []
    /// The longest line that is kept in one piece.
    private static let longest = 16 << 10

    init(_ stream: String, to descriptor: Int32) {
        self.stream = stream
        self.descriptor = descriptor
    }

    /// - parameter isLast: Whether nothing comes any more: what has no end is a line too.
    mutating func write(_ bytes: some Collection<UInt8>, isLast: Bool = false) {
        rest += bytes
        var out: [UInt8] = []
        let head = Array("\(Moment.now.iso) \(stream) ".utf8)
        while let end = rest.firstIndex(of: 0x0a) {
            out += head + [UInt8(ascii: "F"), 0x20] + rest[..<end] + [0x0a]
            rest.removeFirst(end + 1)
        }
        while rest.count > Self.longest {
            out += head + [UInt8(ascii: "P"), 0x20] + rest.prefix(Self.longest) + [0x0a]
            rest.removeFirst(Self.longest)
        }
        if isLast, !rest.isEmpty {
            out += head + [UInt8(ascii: "F"), 0x20] + rest + [0x0a]
            rest = []
        }
        var left = out[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            left = left.dropFirst(count)
        }
    }
}
