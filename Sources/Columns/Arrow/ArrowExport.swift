import CArrow
import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Describes fields in the interface's structures. Everything that hangs on one lies in C memory that its `release` frees.
enum ArrowSchemaExport {
    static func write(_ field: Field, to out: UnsafeMutablePointer<ArrowSchema>) {
        var metadata = field.metadata
        if field.type == .uuid { metadata[ArrowExtension.name] = ArrowExtension.uuid }
        if field.type == .json { metadata[ArrowExtension.name] = ArrowExtension.json }
        if metadata[ArrowExtension.name] != nil, metadata[ArrowExtension.metadata] == nil {
            metadata[ArrowExtension.metadata] = ""
        }
        let fields = field.type.childFields
        var schema = ArrowSchema()
        schema.format = UnsafePointer(strdup(field.type.arrowFormat))
        schema.name = UnsafePointer(strdup(field.name))
        schema.metadata = metadata.isEmpty ? nil : encode(metadata)
        schema.flags = field.isNullable ? Int64(ARROW_FLAG_NULLABLE) : 0
        schema.n_children = Int64(fields.count)
        schema.children = .allocate(capacity: max(1, fields.count))
        for (index, child) in fields.enumerated() {
            let place = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
            write(child, to: place)
            schema.children[index] = place
        }
        schema.release = { schema in
            guard let schema else { return }
            free(UnsafeMutableRawPointer(mutating: schema.pointee.format))
            free(UnsafeMutableRawPointer(mutating: schema.pointee.name))
            free(UnsafeMutableRawPointer(mutating: schema.pointee.metadata))
            for index in 0..<Int(schema.pointee.n_children) {
                guard let child = schema.pointee.children[index] else { continue }
                // The consumer may have moved a child away; then it is no longer ours to release.
                if let release = child.pointee.release { release(child) }
                child.deallocate()
            }
            schema.pointee.children.deallocate()
            schema.pointee.release = nil
        }
        out.initialize(to: schema)
    }

    /// The number of pairs, then each key and value behind its length, in the machine's byte order.
    private static func encode(_ metadata: [String: String]) -> UnsafePointer<CChar>? {
        let bytes = MutableBuffer()
        bytes.append(Int32(metadata.count))
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            for text in [key, value] {
                bytes.append(Int32(text.utf8.count))
                bytes.append(utf8: text)
            }
        }
        guard let memory = malloc(bytes.count) else { return nil }
        memcpy(memory, bytes.base, bytes.count)
        return UnsafePointer(memory.assumingMemoryBound(to: CChar.self))
    }
}

/// Hands columns out. The column itself hangs on the structure and keeps the memory alive.
enum ArrowArrayExport {
    private final class Holder {
        let column: Column
        let validity: Buffer?
        init(_ column: Column, validity: Buffer?) {
            self.column = column
            self.validity = validity
        }
    }

    static func write(_ column: Column, to out: UnsafeMutablePointer<ArrowArray>) {
        let isStructure = column.type.layout == .structure
        // The offset of an Arrow structure holds for its children too, whereas ours begin at their own first row.
        let validity =
            isStructure && column.offset > 0
            ? column.validity.map { Bitmap.copy($0, from: column.offset, count: column.count) } : column.validity
        let content = (column.values ?? .empty).unsafeStart
        let buffers: [UnsafeRawPointer?] =
            switch column.type.layout {
            case .null: []
            case .structure: [validity?.unsafeStart]
            case .list: [validity?.unsafeStart, column.offsets?.unsafeStart]
            case .bits, .fixed: [validity?.unsafeStart, content]
            case .bytes: [validity?.unsafeStart, column.offsets?.unsafeStart, content]
            }
        var array = ArrowArray()
        array.length = Int64(column.count)
        array.null_count = Int64(column.nullCount)
        array.offset = isStructure || column.type == .null ? 0 : Int64(column.offset)
        array.n_buffers = Int64(buffers.count)
        array.buffers = .allocate(capacity: max(1, buffers.count))
        for (index, buffer) in buffers.enumerated() { array.buffers[index] = buffer }
        array.n_children = Int64(column.children.count)
        array.children = .allocate(capacity: max(1, column.children.count))
        for (index, child) in column.children.enumerated() {
            let place = UnsafeMutablePointer<ArrowArray>.allocate(capacity: 1)
            write(child, to: place)
            array.children[index] = place
        }
        array.private_data = Unmanaged.passRetained(Holder(column, validity: validity)).toOpaque()
        array.release = { array in
            guard let array else { return }
            for index in 0..<Int(array.pointee.n_children) {
                guard let child = array.pointee.children[index] else { continue }
                if let release = child.pointee.release { release(child) }
                child.deallocate()
            }
            array.pointee.children.deallocate()
            array.pointee.buffers.deallocate()
            if let data = array.pointee.private_data { Unmanaged<Holder>.fromOpaque(data).release() }
            array.pointee.release = nil
        }
        out.initialize(to: array)
    }
}
