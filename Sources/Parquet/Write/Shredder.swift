import Columns
import Support

/// The levels of one leaf for a run of rows, and where its values lie.
struct ShreddedLeaf {
    /// Which slots of a leaf hold a value.
    enum Definition {
        /// All of them.
        case full
        /// Where the bit is 1: a leaf that is nullable itself and nothing above it.
        case bitmap(Buffer, from: Int)
        /// A level a slot.
        case levels(UnsafePointer<UInt8>)
    }

    /// The leaf's column.
    let source: Column
    /// How many slots there are: values, nulls, empty lists.
    let slotCount: Int
    /// How many of them hold a value.
    let valueCount: Int
    let definition: Definition
    /// A level a slot, where anything repeats.
    let repetition: UnsafePointer<UInt8>?
    /// The first value's row in `source`.
    let firstValue: Int
    /// Each value's row in `source`; nil when they follow one another from `firstValue` on.
    let indices: UnsafePointer<Int32>?
}

/// Cuts a column into the levels and values of one leaf, as the Dremel paper describes.
///
/// A leaf that is not nested needs no levels but its validity bitmap. Others are walked level by level: the slots of one
/// level become those of the next, and a slot that ends early (a null, an empty list) is carried along as it is.
final class Shredder {
    private let leaf: LeafPlan
    private var slots = Slots()
    private var next = Slots()
    private let indices = MutableBuffer()

    /// The slots of one level.
    private struct Slots {
        let definition = MutableBuffer()
        let repetition = MutableBuffer()
        /// Each slot's row in the column of this level; −1 when it ended.
        let rows = MutableBuffer()
        var count = 0

        mutating func reset(to count: Int) {
            self.count = count
            definition.count = 0
            repetition.count = 0
            rows.count = 0
            definition.reserve(count)
            repetition.reserve(count)
            rows.reserve(count * 4)
        }

        var definitions: UnsafeMutablePointer<UInt8> { definition.base.assumingMemoryBound(to: UInt8.self) }
        var repetitions: UnsafeMutablePointer<UInt8> { repetition.base.assumingMemoryBound(to: UInt8.self) }
        var indices: UnsafeMutablePointer<Int32> { rows.base.assumingMemoryBound(to: Int32.self) }
    }

    init(_ leaf: LeafPlan) { self.leaf = leaf }

    /// The leaf's levels and values in `column`; valid until the next call.
    ///
    /// - throws: `SluiceError` when a field that may not be null is.
    func shred(_ column: Column) throws(SluiceError) -> ShreddedLeaf {
        if leaf.steps.count == 1 { return try flat(column) }
        slots.reset(to: column.count)
        for row in 0..<column.count {
            slots.definitions[row] = 0
            slots.repetitions[row] = 0
            slots.indices[row] = Int32(truncatingIfNeeded: row)
        }
        var current = column
        for step in leaf.steps {
            switch step {
            case .nulls: markNulls(of: current)
            case .required: try refuseNulls(of: current)
            case .field(let index): current = current.children[index]
            case .items(let level):
                expand(current, level: level)
                current = current.children[0]
            }
        }
        return collect(current)
    }

    private func flat(_ column: Column) throws(SluiceError) -> ShreddedLeaf {
        if leaf.maxDefinition == 0, column.nullCount > 0 { throw unexpectedNull() }
        guard column.nullCount > 0 else {
            return ShreddedLeaf(
                source: column, slotCount: column.count, valueCount: column.count, definition: .full, repetition: nil,
                firstValue: 0, indices: nil)
        }
        guard let validity = column.validity else {
            // No bitmap and nulls: a column without any value.
            let none = Buffer([UInt8](repeating: 0, count: (column.count + 7) / 8))
            return ShreddedLeaf(
                source: column, slotCount: column.count, valueCount: 0, definition: .bitmap(none, from: 0),
                repetition: nil, firstValue: 0, indices: nil)
        }
        indices.count = 0
        indices.reserve((column.count + 64) * 4)
        let out = indices.base.assumingMemoryBound(to: Int32.self)
        let found = validity.withUnsafeBytes { bits in
            BitBuffer.forEachWord(bits, from: column.offset, count: column.count, into: 0) { found, word, size, row in
                var word = word
                if word == UInt64.max >> UInt64(64 &- size) {
                    for k in 0..<size { out[found &+ k] = Int32(truncatingIfNeeded: row &+ k) }
                    found &+= size
                } else {
                    while word != 0 {
                        out[found] = Int32(truncatingIfNeeded: row &+ word.trailingZeroBitCount)
                        found &+= 1
                        word &= word &- 1
                    }
                }
            }
        }
        return ShreddedLeaf(
            source: column, slotCount: column.count, valueCount: found,
            definition: .bitmap(validity, from: column.offset), repetition: nil, firstValue: 0,
            indices: UnsafePointer(out))
    }

    /// Ends the slots whose row is null; the others are defined one level further.
    private func markNulls(of column: Column) {
        let definitions = slots.definitions
        let rows = slots.indices
        guard column.nullCount > 0 else {
            for slot in 0..<slots.count { definitions[slot] &+= rows[slot] >= 0 ? 1 : 0 }
            return
        }
        guard let validity = column.validity else {
            for slot in 0..<slots.count { rows[slot] = -1 }
            return
        }
        validity.withUnsafeBytes { bits in
            for slot in 0..<slots.count where rows[slot] >= 0 {
                if Bitmap.isSet(bits, at: column.offset &+ Int(rows[slot])) {
                    definitions[slot] &+= 1
                } else {
                    rows[slot] = -1
                }
            }
        }
    }

    private func refuseNulls(of column: Column) throws(SluiceError) {
        guard column.nullCount > 0 else { return }
        let rows = slots.indices
        // A null under a parent that is null itself is no value of the field.
        for slot in 0..<slots.count where rows[slot] >= 0 {
            if column.isNull(at: Int(rows[slot])) { throw unexpectedNull() }
        }
    }

    private func unexpectedNull() -> SluiceError {
        SluiceError(
            .invalidData, "the column is declared not null, and has a null", place: .init(column: leaf.name))
    }

    /// Turns each slot that holds a list into a slot for each of its items.
    private func expand(_ column: Column, level: UInt8) {
        column.withOffsets { offsets in
            let rows = slots.indices
            var total = 0
            for slot in 0..<slots.count {
                let row = Int(rows[slot])
                total &+= row < 0 ? 1 : max(1, Int(offsets[row &+ 1] &- offsets[row]))
            }
            next.reset(to: total)
            let (definitions, repetitions) = (slots.definitions, slots.repetitions)
            let (newDefinitions, newRepetitions, newRows) = (next.definitions, next.repetitions, next.indices)
            var out = 0
            for slot in 0..<slots.count {
                let row = Int(rows[slot])
                let start = row < 0 ? 0 : offsets[row]
                let end = row < 0 ? 0 : offsets[row &+ 1]
                newRepetitions[out] = repetitions[slot]
                if start >= end {
                    newDefinitions[out] = definitions[slot]
                    newRows[out] = -1
                    out &+= 1
                    continue
                }
                let definition = definitions[slot] &+ 1
                newDefinitions[out] = definition
                newRows[out] = start
                out &+= 1
                var item = start &+ 1
                while item < end {
                    newDefinitions[out] = definition
                    newRepetitions[out] = level
                    newRows[out] = item
                    out &+= 1
                    item &+= 1
                }
            }
        }
        swap(&slots, &next)
    }

    private func collect(_ source: Column) -> ShreddedLeaf {
        indices.count = 0
        indices.reserve(slots.count * 4)
        let out = indices.base.assumingMemoryBound(to: Int32.self)
        let rows = slots.indices
        var found = 0
        for slot in 0..<slots.count {
            out[found] = rows[slot]
            found &+= rows[slot] >= 0 ? 1 : 0
        }
        // Rows only ever rise, so the first and the last tell whether any is missing.
        let isRun = found == 0 || Int(out[found - 1]) - Int(out[0]) + 1 == found
        return ShreddedLeaf(
            source: source, slotCount: slots.count, valueCount: found,
            definition: .levels(UnsafePointer(slots.definitions)),
            repetition: leaf.maxRepetition > 0 ? UnsafePointer(slots.repetitions) : nil,
            firstValue: found == 0 ? 0 : Int(out[0]), indices: isRun ? nil : UnsafePointer(out))
    }
}
