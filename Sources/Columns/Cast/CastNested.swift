import Support

extension Cast {
    /// Lists and maps item by item, structures field by field; nil when the kinds differ.
    func toNested() throws(SluiceError) -> Column? {
        switch (source.type, target) {
        case (.list, .list(let item)): return try castItems(item)
        case (.map(let key, let value), .map(let newKey, let newValue)):
            // The names of the two parts are a matter of taste; their places are not.
            let entries = DataType.structure([
                Field(newKey.name, key.type, nullable: false),
                Field(newValue.name, value.type, nullable: value.isNullable),
            ])
            let named = Column(
                type: source.type, count: source.count, nullCount: source.nullCount, offset: source.offset,
                validity: source.validity, offsets: source.offsets,
                children: [source.children[0].reinterpreted(as: entries)])
            return try Cast(source: named, target: target, mode: mode)
                .castItems(DataType.entries(key: newKey, value: newValue))
        case (.structure(let fields), .structure(let newFields)): return try castFields(fields, newFields)
        default: return nil
        }
    }

    private func castItems(_ item: Field) throws(SluiceError) -> Column {
        let range = source.contentRange
        let items: Column
        do throws(SluiceError) {
            items = try source.children[0].slice(range).cast(to: item.type, mode: mode)
        } catch {
            throw atOwnRow(error, from: range.lowerBound)
        }
        let rebased = MutableBuffer(capacity: (source.count + 1) * 4)
        source.withOffsets { offsets in
            for offset in offsets { rebased.append(offset &- Int32(range.lowerBound)) }
        }
        let (bits, nulls) = CastFailures(self).validity()
        return Column(
            type: target, count: source.count, nullCount: nulls, validity: bits, offsets: rebased.freeze(),
            children: [items])
    }

    /// The error of an item as one of the row that holds it.
    private func atOwnRow(_ error: SluiceError, from first: Int) -> SluiceError {
        var error = error
        if let item = error.place.row {
            error.place.row = source.withOffsets { offsets in
                (0..<source.count).first { Int(offsets[$0 + 1]) - first >= item }.map { $0 + 1 }
            }
        }
        return error
    }

    private func castFields(_ fields: [Field], _ newFields: [Field]) throws(SluiceError) -> Column {
        if let lost = fields.first(where: { field in !newFields.contains { $0.name == field.name } }) {
            throw SluiceError(.conversion, "the field '\(lost.name)' of \(source.type) has no place in \(target)")
        }
        var children: [Column] = []
        for field in newFields {
            guard let index = fields.firstIndex(where: { $0.name == field.name }) else {
                children.append(.nulls(field.type, count: source.count))
                continue
            }
            do throws(SluiceError) {
                children.append(try source.children[index].cast(to: field.type, mode: mode))
            } catch {
                var error = error
                error.place.column = error.place.column.map { field.name + "." + $0 } ?? field.name
                throw error
            }
        }
        let (bits, nulls) = CastFailures(self).validity()
        return Column(type: target, count: source.count, nullCount: nulls, validity: bits, children: children)
    }

    // MARK: - Bytes

    /// Among bytes of any length, of one length, and UUIDs; nil for other targets.
    func betweenBytes() throws(SluiceError) -> Column? {
        switch (source.type.layout, target) {
        case (.fixed(let width), .binary):
            let (bits, nulls) = CastFailures(self).validity()
            let start = source.offset * width
            let bytes = source.values?[start..<start + source.count * width] ?? .empty
            if bytes.count > Int(Int32.max) {
                throw SluiceError(.limitExceeded, "\(bytes.count) bytes are more than the 2 GiB that a column holds")
            }
            let offsets = MutableBuffer(capacity: (source.count + 1) * 4)
            for row in 0...source.count { offsets.append(Int32(row * width)) }
            return Column(
                type: .binary, count: source.count, nullCount: nulls, validity: bits, values: bytes,
                offsets: offsets.freeze())
        case (.fixed, .uuid), (.fixed, .fixedBinary):
            return source.type.layout == target.layout ? source.reinterpreted(as: target) : nil
        case (.bytes, .uuid), (.bytes, .fixedBinary):
            guard case .fixed(let width) = target.layout else { return nil }
            var failures = CastFailures(self)
            let out = MutableBuffer(capacity: source.count * width)
            try source.withBytes { (offsets, bytes) throws(SluiceError) in
                for row in 0..<source.count {
                    let range = Int(offsets[row])..<Int(offsets[row + 1])
                    if range.count == width {
                        out.append(UnsafeRawBufferPointer(rebasing: bytes[range]))
                    } else {
                        out.append(repeating: 0, count: width)
                        try failures.add(row)
                    }
                }
            }
            return failures.column(values: out.freeze())
        default: return nil
        }
    }
}
