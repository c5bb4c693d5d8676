import Support

/// What a run has written, put together from pieces: the last lines of each replica while it is there, and what Log
/// Analytics has of it, late but whole.
///
/// It only ever grows at its end, so that a position in it means the same for as long as somebody reads. With one replica,
/// which is the rule, it means the same to everybody.
struct LogTranscript {
    /// A line, and when it was written as far as that was told.
    struct Line: Equatable {
        var text: String
        var time: String?

        /// Whether both may be the same line; times of different sources are not compared.
        func matches(_ other: Line) -> Bool {
            text == other.text && (time == nil || other.time == nil || time == other.time)
        }
    }

    /// What is known.
    private(set) var bytes: [UInt8] = []
    private var replicas: [String: Known] = [:]
    /// Whether all that was shown of the end of a run is in it.
    var isWhole = false
    /// When it was last asked for from Log Analytics, and found to be as long as before.
    var stable = 0

    private struct Known {
        /// How many lines there are.
        var count = 0
        /// The last of them.
        var last: [Line] = []
    }

    /// How many lines a live log shows at most.
    static let window = 300
    /// The most that is kept.
    static let most = 256 << 20

    /// How many lines of a replica are known.
    func count(of replica: String) -> Int { replicas[replica]?.count ?? 0 }

    /// Takes the last lines of a replica, as its live log shows them.
    ///
    /// - returns: Whether nothing is missing between what was known and these.
    mutating func take(tail: [Line], of replica: String) throws(SluiceError) -> Bool {
        let known = replicas[replica] ?? Known()
        if tail.count < Self.window {
            // The log from its beginning.
            if tail.count > known.count { try add(tail[known.count...], to: replica) }
            return true
        }
        var overlap = min(known.last.count, tail.count)
        while overlap > 0 {
            if zip(known.last.suffix(overlap), tail.prefix(overlap)).allSatisfy({ $0.matches($1) }) { break }
            overlap -= 1
        }
        guard overlap > 0 else { return false }
        try add(tail[overlap...], to: replica)
        return true
    }

    /// Takes all lines of a replica that Log Analytics has.
    mutating func take(all lines: [Line], of replica: String) throws(SluiceError) {
        let known = count(of: replica)
        if lines.count > known { try add(lines[known...], to: replica) }
    }

    private mutating func add(_ lines: ArraySlice<Line>, to replica: String) throws(SluiceError) {
        var known = replicas[replica] ?? Known()
        for line in lines {
            guard bytes.count + line.text.utf8.count < Self.most else {
                throw SluiceError(
                    .limitExceeded, "the run has written more than \(Quantities.describe(bytes: Self.most))",
                    hint: "read it in Log Analytics")
            }
            bytes += line.text.utf8
            bytes.append(UInt8(ascii: "\n"))
        }
        known.count += lines.count
        known.last = Array((known.last + lines).suffix(Self.window))
        replicas[replica] = known
    }
}
