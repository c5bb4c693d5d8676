/// A run of bytes in a content file: what blobs are made of.
struct Extent: Sendable, Hashable {
    var file: UInt64
    var offset: Int
    var length: Int
}

extension [Extent] {
    /// How many bytes there are.
    var size: Int { reduce(0) { $0 + $1.length } }

    /// Adds a run, as a part of the last one where it lies right behind it.
    mutating func join(_ next: Extent) {
        if next.length == 0 { return }
        if let last, last.file == next.file, last.offset + last.length == next.offset {
            self[count - 1].length += next.length
        } else {
            append(next)
        }
    }

    /// The runs that hold `range` of the content.
    func slice(_ range: Range<Int>) -> [Extent] {
        var found: [Extent] = []
        var start = 0
        for extent in self {
            let low = Swift.max(range.lowerBound, start)
            let high = Swift.min(range.upperBound, start + extent.length)
            if low < high {
                found.join(Extent(file: extent.file, offset: extent.offset + low - start, length: high - low))
            }
            start += extent.length
            if start >= range.upperBound { break }
        }
        return found
    }
}
