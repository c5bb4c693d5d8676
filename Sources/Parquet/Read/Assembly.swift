import Columns
import Support

/// Puts nested columns together out of their leaves' values and levels.
///
/// Every leaf below a list or structure tells the same story of where lists and structures begin; the first leaf is
/// believed, and the others are held against it by their counts.
enum Assembly {
    /// The column of `node`; `leaves` holds the rows of every leaf of the file that was read.
    static func column(_ node: SchemaNode, _ leaves: [Int: LeafRows]) throws(SluiceError) -> Column {
        switch node.shape {
        case .leaf(let leaf):
            guard let rows = leaves[leaf.index] else { throw SluiceError(.invalidData, "a leaf was not read") }
            // The type as the file's Arrow schema has it, of which the leaf knows nothing.
            return rows.column.type == node.field.type
                ? rows.column : rows.column.reinterpreted(as: node.field.type)
        case .structure(let children):
            var columns: [Column] = []
            columns.reserveCapacity(children.count)
            for child in children { columns.append(try column(child, leaves)) }
            guard let first = node.firstLeaf, let rows = leaves[first.index] else {
                throw SluiceError(.invalidData, "a structure has no leaf")
            }
            let (count, validity, nulls) = places(node, first, rows)
            for (child, column) in zip(children, columns) where column.count != count {
                throw mismatch(child.field.name, column.count, count)
            }
            return Column(
                type: node.field.type, count: count, nullCount: nulls, validity: validity, children: columns)
        case .list(let item, let definition, let repetition):
            return try list(node, item, definition, repetition, leaves)
        case .map(let entries, let definition, let repetition):
            let column = try list(node, entries, definition, repetition, leaves)
            if let keys = column.children.first?.children.first, keys.nullCount > 0 {
                throw SluiceError(.invalidData, "a map has a key that is null", place: .init(column: node.field.name))
            }
            return column
        }
    }

    private static func mismatch(_ name: String, _ found: Int, _ expected: Int) -> SluiceError {
        SluiceError(
            .invalidData, "the columns of a nested value do not agree: one has \(found) values, another \(expected)",
            place: .init(column: name))
    }

    private static func list(
        _ node: SchemaNode, _ item: SchemaNode, _ definition: Int, _ repetition: Int, _ leaves: [Int: LeafRows]
    ) throws(SluiceError) -> Column {
        let items = try column(item, leaves)
        guard let leaf = node.firstLeaf, let rows = leaves[leaf.index] else {
            throw SluiceError(.invalidData, "a list has no leaf")
        }
        let entries = rows.definitions.count
        guard entries <= Int(Int32.max) else { throw SluiceError(.limitExceeded, "a list has too many items") }
        let offsets = MutableBuffer(capacity: (entries + 1) * 4)
        let validity = MutableBuffer(capacity: entries / 8 + 8)
        var count = 0
        var nulls = 0
        var total: Int32 = 0
        rows.definitions.withUnsafeBytes { definitions in
            rows.repetitions.withUnsafeBytes { repetitions in
                guard let levels = definitions.assumingMemoryBound(to: UInt8.self).baseAddress,
                    let repeats = repetitions.assumingMemoryBound(to: UInt8.self).baseAddress
                else { return }
                let begins = offsets.base.assumingMemoryBound(to: Int32.self)
                let bits = validity.base.assumingMemoryBound(to: UInt8.self)
                let slot = UInt8(node.slotDefinition)
                let present = UInt8(node.definition)
                let itemDefinition = UInt8(definition)
                let itemRepetition = UInt8(repetition)
                for index in 0..<entries {
                    let repeated = repeats[index]
                    if repeated > itemRepetition { continue }
                    let level = levels[index]
                    if repeated < itemRepetition {
                        if level < slot { continue }
                        begins[count] = total
                        let place = count &>> 3
                        let shift = UInt8(truncatingIfNeeded: count & 7)
                        let one: UInt8 = level >= present ? 1 : 0
                        bits[place] = shift == 0 ? one : bits[place] | (one &<< shift)
                        nulls &+= Int(1 &- one)
                        count &+= 1
                    }
                    if level >= itemDefinition { total &+= 1 }
                }
                begins[count] = total
            }
        }
        if entries == 0 { offsets.base.storeBytes(of: 0, as: Int32.self) }
        guard items.count == Int(total) else { throw mismatch(node.field.name, items.count, Int(total)) }
        offsets.count = (count + 1) * 4
        validity.count = (count + 7) / 8
        return Column(
            type: node.field.type, count: count, nullCount: nulls, validity: nulls > 0 ? validity.freeze() : nil,
            offsets: offsets.freeze(), children: [items])
    }

    /// Where a structure has a place, and whether it is there.
    private static func places(_ node: SchemaNode, _ leaf: Leaf, _ rows: LeafRows) -> (Int, Buffer?, Int) {
        let entries = rows.definitions.count
        let validity = MutableBuffer(capacity: entries / 8 + 8)
        var count = 0
        var nulls = 0
        rows.definitions.withUnsafeBytes { definitions in
            rows.repetitions.withUnsafeBytes { repetitions in
                guard let levels = definitions.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
                let repeats =
                    repetitions.isEmpty ? nil : repetitions.assumingMemoryBound(to: UInt8.self).baseAddress
                let bits = validity.base.assumingMemoryBound(to: UInt8.self)
                let slot = UInt8(node.slotDefinition)
                let present = UInt8(node.definition)
                let innermost = UInt8(node.slotRepetition)
                for index in 0..<entries {
                    if let repeats, repeats[index] > innermost { continue }
                    let level = levels[index]
                    if level < slot { continue }
                    let place = count &>> 3
                    let shift = UInt8(truncatingIfNeeded: count & 7)
                    let one: UInt8 = level >= present ? 1 : 0
                    bits[place] = shift == 0 ? one : bits[place] | (one &<< shift)
                    nulls &+= Int(1 &- one)
                    count &+= 1
                }
            }
        }
        validity.count = (count + 7) / 8
        return (count, nulls > 0 ? validity.freeze() : nil, nulls)
    }
}

extension SchemaNode {
    /// The first leaf below.
    var firstLeaf: Leaf? {
        switch shape {
        case .leaf(let leaf): leaf
        case .structure(let children): children.first?.firstLeaf
        case .list(let item, _, _): item.firstLeaf
        case .map(let entries, _, _): entries.firstLeaf
        }
    }
}
