import CArrow
import Support

/// An array taken over from another library; releases it when nothing needs it any more.
final class ArrowOwner: @unchecked Sendable {
    // `@unchecked Sendable` because the structure does not change after `init`, and only `deinit` releases it.

    /// The structure, moved here; the place it came from is marked as released.
    let array: UnsafeMutablePointer<ArrowArray>

    init(taking other: UnsafeMutablePointer<ArrowArray>) throws(SluiceError) {
        if other.pointee.release == nil { throw SluiceError(.invalidData, "the Arrow array was released already") }
        array = .allocate(capacity: 1)
        array.initialize(to: other.pointee)
        other.pointee.release = nil
    }

    deinit {
        if let release = array.pointee.release { release(array) }
        array.deallocate()
    }
}

/// Makes columns of a foreign array, over its own memory where its layout is ours.
///
/// Lengths and offsets are checked against each other; that the buffers are as long as they must be is the one thing
/// that the interface gives no way to check.
struct ArrowImport {
    let owner: ArrowOwner

    func column(_ pointer: UnsafePointer<ArrowArray>, _ type: ArrowType) throws(SluiceError) -> Column {
        let array = pointer.pointee
        // Within 32 bits no product of a length and a width can overflow.
        guard array.length >= 0, array.offset >= 0, array.length <= Int64(Int32.max), array.offset <= Int64(Int32.max),
            array.length + array.offset <= Int64(Int32.max)
        else { throw broken("has a length of \(array.length) and an offset of \(array.offset)") }
        if case .dictionary(let index) = type.form { return try dictionary(array, type, index) }
        guard array.n_children == type.children.count, array.n_children == 0 || array.children != nil else {
            throw broken("has \(array.n_children) children, the schema \(type.children.count)")
        }
        let part = Part(array: array, offset: Int(array.offset), count: Int(array.length))
        switch type.form {
        case .null: return Column(type: .null, count: part.count, nullCount: part.count)
        case .bits:
            try expectBuffers(array, 2)
            return finish(part, type.type, values: try bytes(part, 1, count: (part.end + 7) / 8))
        case .fixed(let width):
            try expectBuffers(array, 2)
            return finish(
                part, type.type, values: try aligned(try bytes(part, 1, count: part.end * width), width, type))
        case .narrowDecimal(let width):
            try expectBuffers(array, 2)
            let values = try bytes(part, 1, count: part.end * width)
            let integers = finish(part, width == 4 ? .int32 : .int64, values: try aligned(values, width, type))
            guard case .decimal(let precision, let scale) = type.type else { throw broken("is no decimal") }
            // As digits first, so that the cast does not scale them.
            return try integers.cast(to: .decimal(precision: precision, scale: 0), mode: .strict)
                .reinterpreted(as: .decimal(precision: precision, scale: scale))
        case .millisecondDays:
            try expectBuffers(array, 2)
            let values = try aligned(try bytes(part, 1, count: part.end * 8), 8, type)
            return try finish(part, .timestamp(.millisecond, zone: nil), values: values).cast(to: .date)
        case .bytes(let isLarge):
            try expectBuffers(array, 3)
            if isLarge {
                let (offsets, range) = try narrowed(part)
                let bytes = try bytes(part, 2, count: range.upperBound)
                return finish(part, type.type, values: bytes[range], offsets: offsets, isCut: true)
            }
            let (offsets, end) = try offsets(part)
            return finish(part, type.type, values: try bytes(part, 2, count: end), offsets: offsets)
        case .views: return try views(part, type.type)
        case .list(let isLarge):
            try expectBuffers(array, 2)
            let items = try child(array, 0, type)
            if isLarge {
                let (offsets, range) = try narrowed(part)
                guard range.upperBound <= items.count else { throw broken("points beyond its items") }
                return finish(part, type.type, offsets: offsets, children: [items.slice(range)], isCut: true)
            }
            let (offsets, end) = try offsets(part)
            guard end <= items.count else { throw broken("points beyond its items") }
            return finish(part, type.type, offsets: offsets, children: [items])
        case .fixedList(let length):
            let items = try child(array, 0, type)
            let (end, overflow) = part.end.multipliedReportingOverflow(by: length)
            guard !overflow, end <= items.count, end <= Int(Int32.max) else { throw broken("points beyond its items") }
            let offsets = MutableBuffer(capacity: (part.count + 1) * 4)
            for row in 0...part.count { offsets.append(Int32((part.offset + row) * length)) }
            return finish(part, type.type, offsets: offsets.freeze(), children: [items], isCut: true)
        case .structure:
            try expectBuffers(array, 1)
            var children: [Column] = []
            for index in type.children.indices {
                let whole = try child(array, index, type)
                guard whole.count >= part.end else { throw broken("is longer than its child \(index)") }
                children.append(whole.slice(part.offset..<part.end))
            }
            return finish(part, type.type, children: children)
        case .dictionary: throw broken("is a dictionary of a dictionary")
        }
    }

    // MARK: - Parts

    private struct Part {
        let array: ArrowArray
        let offset: Int
        let count: Int
        var end: Int { offset + count }
    }

    private func broken(_ what: String) -> SluiceError { SluiceError(.invalidData, "an Arrow array \(what)") }

    private func expectBuffers(_ array: ArrowArray, _ count: Int64) throws(SluiceError) {
        guard array.n_buffers == count, array.buffers != nil else {
            throw broken("has \(array.n_buffers) buffers where its type has \(count)")
        }
    }

    /// Buffer `index`, of which `count` bytes are needed, kept alive by the owner.
    private func bytes(_ part: Part, _ index: Int, count: Int) throws(SluiceError) -> Buffer {
        // Without rows nothing is read, and the column begins at its first row.
        if count == 0 || part.count == 0 { return .empty }
        guard let start = part.array.buffers[index] else { throw broken("lacks its buffer \(index)") }
        let owner = owner
        return Buffer(foreign: start, count: count) { withExtendedLifetime(owner) {} }
    }

    /// The buffer, or a copy of it where its values do not begin at addresses that they may be loaded from.
    private func aligned(_ buffer: Buffer, _ width: Int, _ type: ArrowType) throws(SluiceError) -> Buffer {
        let needed =
            switch type.type {
            case .fixedBinary, .uuid: 1
            default: width
            }
        if Int(bitPattern: buffer.unsafeStart) % max(1, needed) == 0 { return buffer }
        return buffer.withUnsafeBytes { Buffer(copying: $0) }
    }

    private func child(_ array: ArrowArray, _ index: Int, _ type: ArrowType) throws(SluiceError) -> Column {
        guard let child = array.children[index] else { throw broken("lacks its child \(index)") }
        return try column(child, type.children[index])
    }

    /// The column, with its nulls counted. `isCut` says that values and offsets begin at the first row already.
    private func finish(
        _ part: Part, _ type: DataType, values: Buffer? = nil, offsets: Buffer? = nil, children: [Column] = [],
        isCut: Bool = false
    ) -> Column {
        var validity: Buffer?
        if part.array.n_buffers > 0, part.array.buffers != nil, part.count > 0, let start = part.array.buffers[0] {
            let owner = owner
            validity = Buffer(foreign: start, count: (part.end + 7) / 8) { withExtendedLifetime(owner) {} }
        }
        let nulls = validity.map { part.count - Bitmap.countSet($0, from: part.offset, count: part.count) } ?? 0
        if isCut, part.offset > 0, let bits = validity {
            validity = Bitmap.copy(bits, from: part.offset, count: part.count)
        }
        // An array without rows begins at its first, so that nothing has to lie before it.
        let offset = isCut || part.count == 0 ? 0 : part.offset
        return Column(
            type: type, count: part.count, nullCount: nulls, offset: offset, validity: validity, values: values,
            offsets: part.count == 0 && offsets != nil ? Buffer(values: [0 as Int32]) : offsets, children: children)
    }

    // MARK: - Offsets

    /// The 32-bit offsets and the last of them, once they are known to rise.
    private func offsets(_ part: Part) throws(SluiceError) -> (Buffer, Int) {
        if part.count == 0 { return (Buffer(values: [0 as Int32]), 0) }
        let buffer = try bytes(part, 1, count: (part.end + 1) * 4)
        let last = try buffer.withUnsafeBytes { (bytes) throws(SluiceError) -> Int32 in
            var last: Int32 = 0
            for row in part.offset...part.end {
                let next = bytes.loadUnaligned(fromByteOffset: row &* 4, as: Int32.self)
                if next < last { throw broken("has offsets that do not rise, at row \(max(1, row - part.offset))") }
                last = next
            }
            return last
        }
        if Int(bitPattern: buffer.unsafeStart) % 4 == 0 { return (buffer, Int(last)) }
        return (buffer.withUnsafeBytes { Buffer(copying: $0) }, Int(last))
    }

    /// 64-bit offsets as 32-bit ones from the first row on, and the range that they point into.
    private func narrowed(_ part: Part) throws(SluiceError) -> (Buffer, Range<Int>) {
        if part.count == 0 { return (Buffer(values: [0 as Int32]), 0..<0) }
        let buffer = try bytes(part, 1, count: (part.end + 1) * 8)
        return try buffer.withUnsafeBytes { (bytes) throws(SluiceError) -> (Buffer, Range<Int>) in
            let first = bytes.loadUnaligned(fromByteOffset: part.offset * 8, as: Int64.self)
            guard first >= 0 else { throw broken("has an offset of \(first)") }
            let narrow = MutableBuffer(capacity: (part.count + 1) * 4)
            var last = first
            for row in part.offset...part.end {
                let next = bytes.loadUnaligned(fromByteOffset: row &* 8, as: Int64.self)
                if next < last { throw broken("has offsets that do not rise, at row \(max(1, row - part.offset))") }
                if next &- first > Int64(Int32.max) {
                    throw SluiceError(
                        .limitExceeded, "an Arrow array holds more than the 2 GiB that a column holds",
                        hint: "Hand it over in smaller batches")
                }
                narrow.append(Int32(truncatingIfNeeded: next &- first))
                last = next
            }
            return (narrow.freeze(), Int(first)..<Int(last))
        }
    }

    // MARK: - Other layouts

    /// Copies text or bytes out of views: short ones lie in the view itself, long ones in one of several buffers.
    private func views(_ part: Part, _ type: DataType) throws(SluiceError) -> Column {
        let array = part.array
        guard array.n_buffers >= 3, array.n_buffers <= 1 << 30, array.buffers != nil else {
            throw broken("of views has \(array.n_buffers) buffers")
        }
        let dataCount = Int(array.n_buffers) - 3
        let out = MutableBuffer()
        let ends = MutableBuffer(capacity: (part.count + 1) * 4)
        ends.append(0 as Int32)
        let shell = finish(part, type, offsets: .empty)
        let views = try bytes(part, 1, count: part.end * 16)
        try views.withUnsafeBytes { (views) throws(SluiceError) in
            for row in 0..<part.count {
                if !shell.isNull(at: row) {
                    let start = (part.offset + row) * 16
                    let length = Int(views.loadUnaligned(fromByteOffset: start, as: Int32.self))
                    guard length >= 0 else { throw broken("of views has a length of \(length)") }
                    if length <= 12 {
                        out.append(UnsafeRawBufferPointer(rebasing: views[start + 4..<start + 4 + length]))
                    } else {
                        let index = Int(views.loadUnaligned(fromByteOffset: start + 8, as: Int32.self))
                        let from = Int(views.loadUnaligned(fromByteOffset: start + 12, as: Int32.self))
                        guard index >= 0, index < dataCount, from >= 0, let data = array.buffers[2 + index],
                            let sizes = array.buffers[2 + dataCount],
                            from + length <= sizes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)
                        else { throw broken("of views points outside of its buffers, at row \(row + 1)") }
                        out.append(UnsafeRawBufferPointer(start: data + from, count: length))
                    }
                    if out.count > Int(Int32.max) {
                        throw SluiceError(
                            .limitExceeded, "an Arrow array holds more than the 2 GiB that a column holds")
                    }
                }
                ends.append(Int32(truncatingIfNeeded: out.count))
            }
        }
        return finish(part, type, values: out.freeze(), offsets: ends.freeze(), isCut: true)
    }

    /// Looks every index up.
    private func dictionary(
        _ array: ArrowArray, _ type: ArrowType, _ index: DataType
    ) throws(SluiceError) -> Column {
        guard let pointer = array.dictionary else { throw broken("lacks its dictionary") }
        let values = try column(pointer, type.children[0])
        guard case .fixed(let width) = index.layout else { throw broken("has no indices") }
        try expectBuffers(array, 2)
        let part = Part(array: array, offset: Int(array.offset), count: Int(array.length))
        let stored = finish(
            part, index,
            values: try aligned(try bytes(part, 1, count: part.end * width), width, ArrowType(form: .null, type: index))
        )
        // What lies under a null is anything: the cast reports a real index that is out of range, and nothing else.
        let indices = try stored.cast(to: .int32)
        if indices.nullCount == indices.count { return .nulls(type.type, count: indices.count) }
        var rows = [Int32](repeating: 0, count: indices.count)
        let validity = ValidityBuilder()
        try indices.withValues(as: Int32.self) { (places) throws(SluiceError) in
            for row in 0..<rows.count {
                if indices.isNull(at: row) {
                    validity.appendNull()
                    continue
                }
                guard places[row] >= 0, Int(places[row]) < values.count else {
                    throw broken("points outside of its dictionary, at row \(row + 1)")
                }
                rows[row] = places[row]
                if values.isNull(at: Int(places[row])) { validity.appendNull() } else { validity.appendValid() }
            }
        }
        let taken = try values.take(rows)
        let (bits, nulls) = validity.finish()
        return Column(
            type: taken.type, count: taken.count, nullCount: nulls, offset: taken.offset, validity: bits,
            values: taken.values, offsets: taken.offsets, children: taken.children)
    }
}
