public import Support

/// A pattern against which paths are held that somebody else has listed: those of a store.
///
///     let pattern = try PathPattern("2026/**/*.csv")
///     pattern.fits("2026/11/21/orders.csv")  // true
public struct PathPattern: Sendable {
    /// The pattern as it was written.
    public let text: String
    /// Without braces, divided at the slashes.
    private let variants: [[[UInt8]]]

    /// The pattern `text`, with the wildcards of `Glob`.
    ///
    /// - throws: `SluiceError` when its braces stand for too many names.
    public init(_ text: String) throws(SluiceError) {
        self.text = text
        variants = try Glob.alternatives(of: text).map { $0.split(separator: "/").map { Array($0.utf8) } }
    }

    /// The folders that every path that fits lies in: what has to be listed.
    public var folder: String {
        let parts = text.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        var folder: [String] = []
        for part in parts.dropLast() {
            if Glob.isPattern(part) { break }
            folder.append(part.filter { $0 != "\\" })
        }
        return folder.joined(separator: "/")
    }

    /// Whether paths at more than one depth below `folder` can fit.
    public var reachesDeeper: Bool {
        text.split(separator: "/").count > folder.split(separator: "/").count + 1 || text.contains("**")
    }

    /// Whether `path` fits. A name that begins with a dot has to be asked for with a dot.
    public func fits(_ path: String) -> Bool {
        let parts = path.split(separator: "/").map { Array($0.utf8) }
        return variants.contains { PathPattern.fits(parts[...], $0[...]) }
    }

    /// Whether the parts of a path fit those of a pattern.
    static func fits(_ path: ArraySlice<[UInt8]>, _ pattern: ArraySlice<[UInt8]>) -> Bool {
        // How much of the pattern fits the path up to here, for every part of the pattern: `**` may take any number of
        // folders, and tried one after the other they would be too many.
        let pattern = Array(pattern)
        let deep = Array("**".utf8)
        func closed(_ states: Set<Int>) -> Set<Int> {
            var states = states
            for state in states.sorted() {
                var next = state
                while next < pattern.count, pattern[next] == deep {
                    next += 1
                    states.insert(next)
                }
            }
            return states
        }
        var states = closed([0])
        for part in path {
            var next: Set<Int> = []
            for state in states where state < pattern.count {
                let isHidden = part.first == UInt8(ascii: ".")
                if pattern[state] == deep {
                    if !isHidden { next.insert(state) }
                } else if !(isHidden && pattern[state].first != UInt8(ascii: ".")), Glob.matches(part, pattern[state]) {
                    next.insert(state + 1)
                }
            }
            states = closed(next)
            if states.isEmpty { return false }
        }
        return states.contains(pattern.count)
    }
}
