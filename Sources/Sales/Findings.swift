/// A suspicious item or record.
struct Finding: Sendable {
    /// What it is ranked by: a quantity, or how far off something is.
    var rank: Int128
    var time: Int64
    var transaction: String
    var line: Int?
    var product: String?
    var expected: Int128 = 0
    var found: Int128 = 0
}

/// How many suspicious things of a kind there are, and the most telling ones.
struct Findings: Sendable {
    var count = 0
    private(set) var list: TopList<Finding>
    /// What a full list's last has; nothing below it needs to be offered.
    private var lowest = Int128.min

    init(_ limit: Int) {
        list = TopList(limit) { left, right in
            if left.rank != right.rank { return left.rank > right.rank }
            if left.time != right.time { return left.time < right.time }
            if left.transaction != right.transaction {
                return left.transaction.utf8.lexicographicallyPrecedes(right.transaction.utf8)
            }
            if left.line != right.line { return (left.line ?? -1) < (right.line ?? -1) }
            if left.product != right.product {
                return (left.product ?? "").utf8.lexicographicallyPrecedes((right.product ?? "").utf8)
            }
            if left.expected != right.expected { return left.expected < right.expected }
            return left.found < right.found
        }
    }

    @inline(__always) func isBelow(_ rank: Int128) -> Bool { rank < lowest }

    mutating func offer(_ finding: Finding) {
        list.offer(finding)
        if list.isFull, let last = list.elements.last { lowest = last.rank }
    }

    mutating func merge(_ other: Findings) {
        count += other.count
        for finding in other.list.elements { offer(finding) }
    }
}
