public import Columns
import Support

/// Bounds that a wanted row's column lies in; a row without a value there is not wanted unless nulls are.
public struct ColumnBounds: Sendable, Hashable {
    /// The dotted path of the leaf.
    public var column: String
    /// No wanted value is below; nil for no bound.
    public var lower: Value?
    /// No wanted value is above; nil for no bound.
    public var upper: Value?
    /// Whether `lower` itself is wanted.
    public var includesLower: Bool
    /// Whether `upper` itself is wanted.
    public var includesUpper: Bool
    /// Whether rows without a value are wanted too.
    public var includesNull: Bool

    /// Bounds on `column`; with neither, every row that has a value is wanted.
    public init(
        _ column: String, lower: Value? = nil, upper: Value? = nil, includesLower: Bool = true,
        includesUpper: Bool = true, includesNull: Bool = false
    ) {
        self.column = column
        self.lower = lower
        self.upper = upper
        self.includesLower = includesLower
        self.includesUpper = includesUpper
        self.includesNull = includesNull
    }
}

/// Decides by statistics which row groups can hold a wanted row.
struct Pruning {
    private let file: ParquetFile
    private var bounds: [(Leaf, ColumnBounds)] = []

    init(_ predicate: [ColumnBounds], _ file: ParquetFile) throws(SluiceError) {
        self.file = file
        for bound in predicate {
            guard let leaf = file.leaf(bound.column) else {
                throw SluiceError(
                    .notFound, "there is no column \"\(bound.column)\" to look for rows by",
                    place: .init(file: file.source.name))
            }
            bounds.append((leaf, bound))
        }
    }

    /// Whether the group may hold a wanted row; yes whenever it cannot be told.
    func mayHold(_ group: RowGroup) -> Bool {
        bounds.allSatisfy { leaf, bound in mayHold(group.columns[leaf.index].metadata, leaf, bound) }
    }

    private func mayHold(_ chunk: ColumnMetadata, _ leaf: Leaf, _ bound: ColumnBounds) -> Bool {
        guard let statistics = chunk.statistics else { return true }
        let nulls = statistics.nullCount
        if bound.includesNull, nulls != 0 { return true }
        if let nulls, nulls == chunk.valueCount, leaf.maxRepetition == 0 { return false }
        let (minimum, maximum) = file.bounds(of: statistics, leaf)
        if let lower = bound.lower, let maximum {
            switch ValueOrder.compare(maximum, lower) {
            case .less: return false
            case .equal: if !bound.includesLower { return false }
            case .greater, nil: break
            }
        }
        if let upper = bound.upper, let minimum {
            switch ValueOrder.compare(minimum, upper) {
            case .greater: return false
            case .equal: if !bound.includesUpper { return false }
            case .less, nil: break
            }
        }
        return true
    }
}

/// The order of values of one kind.
enum ValueOrder {
    case less
    case equal
    case greater

    /// How two values compare; nil when they are of different kinds or have no order.
    static func compare(_ left: Value, _ right: Value) -> ValueOrder? {
        switch (left, right) {
        case (.bool(let a), .bool(let b)): order(a ? 1 : 0, b ? 1 : 0)
        case (.int(let a), .int(let b)), (.ticks(let a), .ticks(let b)): order(a, b)
        case (.float(let a), .float(let b)): a.isNaN || b.isNaN ? nil : order(a, b)
        // By bytes, as statistics are: Swift's own order of strings is another.
        case (.text(let a), .text(let b)): order(Array(a.utf8), Array(b.utf8))
        case (.bytes(let a), .bytes(let b)): order(a, b)
        default: nil
        }
    }

    private static func order<T: Comparable>(_ a: T, _ b: T) -> ValueOrder {
        a < b ? .less : a == b ? .equal : .greater
    }

    private static func order(_ a: [UInt8], _ b: [UInt8]) -> ValueOrder {
        a == b ? .equal : a.lexicographicallyPrecedes(b) ? .less : .greater
    }
}
