import CSimdjson
import Columns
import Support
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What inference knows about records; only ever learns.
final class JSONTree: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time holds a tree.

    private let tree: OpaquePointer?

    init() { tree = sluice_json_tree_create() }
    deinit { sluice_json_tree_free(tree) }

    func withRoot<R>(_ body: (UnsafeRawPointer?) -> R) -> R {
        defer { withExtendedLifetime(self) {} }
        return body(sluice_json_tree_root(tree))
    }

    /// Adds what `later` knows.
    func merge(_ later: JSONTree, _ limits: inout sluice_json_inference) -> Int {
        defer { withExtendedLifetime(later) {} }
        return Int(sluice_json_tree_merge(tree, later.tree, &limits))
    }

    var raw: OpaquePointer? { tree }
}

/// How records become columns, for one file: what all workers share.
struct JSONPlan: Sendable {
    /// The columns.
    let fields: [JSONShape]
    /// Whether records are the values of one column, rather than objects.
    let isWrapped: Bool
    /// Whether the plan was inferred from some of the data, so that what it would hide has to be told.
    let isStrict: Bool
    /// The columns' schema.
    let schema: Schema

    init(_ fields: [JSONShape], isWrapped: Bool, isStrict: Bool, metadata: [String: String] = [:]) {
        self.fields = fields
        self.isWrapped = isWrapped
        self.isStrict = isStrict
        schema = Schema(fields.map(\.field), metadata: metadata)
    }
}

/// A parser with its buffers: parses a chunk at a time.
final class JSONWorker: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time holds a worker.

    let parser = sluice_json_parser_create()
    let options: JSONOptions
    let plan: JSONPlan?
    let nodes: OpaquePointer?
    private var shapes: [JSONShape] = []
    private var paths: [[String]] = []

    /// A worker for `plan`; without one, it only infers.
    init(_ plan: JSONPlan?, options: JSONOptions) {
        self.plan = plan
        self.options = options
        nodes = sluice_json_plan_create(plan?.isWrapped == true ? 1 : 0, 0)
        shapes = [JSONShape(Field("", .structure(plan?.schema.fields ?? [])))]
        paths = [[]]
        for field in plan?.fields ?? [] { add(field, below: 0) }
    }

    deinit {
        sluice_json_parser_free(parser)
        sluice_json_plan_free(nodes)
    }

    // The C plan numbers its nodes in the order in which they are added, and so do `shapes` and `paths`.
    private func add(_ shape: JSONShape, below parent: Int32) {
        var node = sluice_json_node()
        node.kind = Int32(truncatingIfNeeded: shape.kind)
        if !shape.isNullable { node.flags |= Int32(SLUICE_JSON_NOT_NULL) }
        if JSONText.isText(shape.type) { node.flags |= Int32(SLUICE_JSON_STRINGS_ONLY) }
        switch shape.type {
        case .int8: (node.width, node.low, node.high) = (1, -128, 127)
        case .int16: (node.width, node.low, node.high) = (2, Int64(Int16.min), UInt64(Int16.max))
        case .int32: (node.width, node.low, node.high) = (4, Int64(Int32.min), UInt64(Int32.max))
        case .int64: (node.width, node.low, node.high) = (8, .min, UInt64(Int64.max))
        case .uint8: (node.width, node.high) = (1, 255)
        case .uint16: (node.width, node.high) = (2, 65_535)
        case .uint32: (node.width, node.high) = (4, UInt64(UInt32.max))
        case .uint64: (node.width, node.high) = (8, .max)
        case .float32: node.width = 4
        case .float16, .float64: node.width = 8
        case .decimal(let precision, let scale):
            node.precision = Int32(max(1, min(precision, 38)))
            node.scale = Int32(max(-38, min(scale, 38)))
        default: break
        }
        var name = shape.name
        let id = name.withUTF8 {
            $0.withMemoryRebound(to: CChar.self) {
                sluice_json_plan_add(nodes, parent, &node, $0.baseAddress, $0.count)
            }
        }
        shapes.append(shape)
        paths.append(paths[Int(parent)] + [shape.name])
        for child in shape.children { add(child, below: id) }
    }

    func layout(_ chunk: JSONChunk) -> sluice_json_layout {
        sluice_json_layout(
            commas: chunk.hasCommas ? 1 : 0, max_depth: Int32(max(1, min(options.limits.maxDepth, 1 << 20))),
            duplicates: options.duplicateKeys.rawValue, unknown_keys: options.unknownKeys == .error ? 1 : 0,
            strict: plan?.isStrict == true ? 1 : 0, max_filled: Int64(max(1, options.limits.maxMissingValues)),
            keep_bad: 0, whole_characters: 0)
    }

    // MARK: Inference

    /// How inference goes, as the parser wants it.
    static func inference(_ options: JSONOptions) -> sluice_json_inference {
        sluice_json_inference(
            max_type_depth: Int32(max(1, min(options.limits.maxTypeDepth, 256))),
            max_fields: Int32(max(1, min(options.limits.maxFields, 1 << 24))),
            max_record_fields: Int32(max(1, min(options.limits.maxColumns, 1 << 24))),
            keep_nested_raw: options.nested == .json ? 1 : 0,
            classify: options.recogniseTimes ? JSONStrings.classify : nil, settled: JSONStrings.settled)
    }

    /// What the records of a chunk are, and how many there are.
    func infer(_ chunk: JSONChunk) throws(JSONFailure) -> (JSONTree, Int) {
        let tree = JSONTree()
        var how = JSONWorker.inference(options)
        var layout = layout(chunk)
        let status = sluice_json_infer(parser, tree.raw, chunk.start, chunk.count, &layout, &how)
        if status.code != 0 { throw failure(status, chunk) }
        if status.record == 0 { try rejectNothing(chunk) }
        try rejectUnfinished(chunk, records: Int(status.record))
        return (tree, Int(status.record))
    }

    // MARK: Projection

    /// The records of a chunk from byte `first` on as columns, and where to go on when not all of them were read.
    func project(_ chunk: JSONChunk, from first: Int) throws(JSONFailure) -> (RecordBatch, next: Int?) {
        guard let plan else { return (RecordBatch(schema: Schema([]), columns: []), nil) }
        var layout = layout(chunk)
        var status = sluice_json_project(parser, nodes, chunk.start + first, chunk.count - first, &layout)
        status.offset += Int64(first)
        let isPartial = status.code == SLUICE_JSON_PARTIAL
        if status.code != 0, !isPartial {
            sluice_json_plan_clear(nodes)
            throw failure(status, chunk)
        }
        let root = sluice_json_take(nodes, 0)
        free(root.validity)
        let rows = Int(root.count)
        var next = 1
        var columns: [Column] = []
        do throws(JSONBadText) {
            for _ in plan.fields { columns.append(try column(&next)) }
        } catch {
            sluice_json_plan_clear(nodes)
            let offset = sluice_json_locate(
                parser, chunk.start + first, chunk.count - first, &layout, Int64(error.row))
            throw JSONFailure(
                code: SLUICE_JSON_MISMATCH, record: error.row, offset: chunk.offset + first + max(0, Int(offset)),
                path: error.path, value: "\"" + String(error.value.prefix(48)) + "\"", type: error.type,
                isWidening: plan.isStrict)
        }
        if !isPartial {
            if rows == 0 { try rejectNothing(chunk) }
            try rejectUnfinished(chunk, records: rows)
        }
        return (
            RecordBatch(schema: plan.schema, columns: columns, rowCount: rows), isPartial ? Int(status.offset) : nil
        )
    }

    /// The column of node `next`, and of those below it, which come right behind.
    private func column(_ next: inout Int) throws(JSONBadText) -> Column {
        let shape = shapes[next]
        let taken = sluice_json_take(nodes, Int32(truncatingIfNeeded: next))
        next += 1
        let rows = Int(taken.count)
        let nulls = Int(taken.null_count)
        let validity = taken.validity.map { Buffer(freeing: $0, count: (rows + 7) / 8) }
        let offsets =
            taken.offsets.map { Buffer(freeing: $0, count: (rows + 1) * 4) }
            ?? (rows == 0 ? Buffer(values: [Int32(0)]) : nil)
        switch shape.kind {
        case SLUICE_JSON_STRUCT:
            var children: [Column] = []
            for _ in shape.children {
                do throws(JSONBadText) { children.append(try column(&next)) } catch { throw error.below(shape.name) }
            }
            return Column(type: shape.type, count: rows, nullCount: nulls, validity: validity, children: children)
        case SLUICE_JSON_LIST, SLUICE_JSON_MAP:
            let items: Column
            do throws(JSONBadText) { items = try column(&next) } catch {
                var error = error.below(shape.name)
                error.row = row(of: error.row, offsets)
                throw error
            }
            return Column(
                type: shape.type, count: rows, nullCount: nulls, validity: validity, offsets: offsets,
                children: [items])
        case SLUICE_JSON_NULL:
            return Column.nulls(shape.type, count: rows)
        case SLUICE_JSON_TEXT, SLUICE_JSON_NUMBER_TEXT, SLUICE_JSON_RAW, SLUICE_JSON_EMPTY_OBJECT:
            let bytes = taken.bytes.map { Buffer(freeing: $0, count: taken.bytes_length) } ?? .empty
            let text = Column(
                type: .utf8, count: rows, nullCount: nulls, validity: validity, values: bytes, offsets: offsets)
            if shape.type == .utf8 { return text }
            do throws(JSONBadText) {
                return try JSONText.convert(text, to: shape.type, strict: plan?.isStrict == true)
            } catch { throw error.below(shape.name) }
        default:
            let values = taken.values.map { Buffer(freeing: $0, count: taken.values_length) } ?? .empty
            let column = Column(
                type: shape.type == .float16 ? .float64 : shape.type, count: rows, nullCount: nulls,
                validity: validity, values: values)
            return shape.type == .float16 ? try narrowed(column, shape.name) : column
        }
    }

    private func narrowed(_ column: Column, _ name: String) throws(JSONBadText) -> Column {
        let narrow = column.withValues(as: Double.self) { $0.map { Float16($0) } }
        for row in 0..<column.count where narrow[row].isInfinite {
            let value = column.fixed(at: row, as: Double.self)
            if value.isFinite { throw JSONBadText(row: row, path: [name], value: "\(value)", type: .float16) }
        }
        return Column(
            type: .float16, count: column.count, nullCount: column.nullCount, validity: column.validity,
            values: Buffer(values: narrow))
    }

    /// The row of a list to which an item belongs.
    private func row(of item: Int, _ offsets: Buffer?) -> Int {
        guard let offsets else { return 0 }
        return offsets.withUnsafeBytes { bytes in
            let all = bytes.bindMemory(to: Int32.self)
            var low = 0
            var high = all.count - 1
            while low + 1 < high {
                let middle = (low + high) / 2
                if Int(all[middle]) <= item { low = middle } else { high = middle }
            }
            return low
        }
    }

    // MARK: Failures

    func failure(_ status: sluice_json_status, _ chunk: JSONChunk) -> JSONFailure {
        var code = Int(status.code)
        let position = Int(status.offset)
        let node = Int(status.node)
        // A chunk that does not end the stream ends where a comma or bracket stands.
        let goesOn = chunk.end == .open || chunk.end == .whole && chunk.hasCommas
        if code == SLUICE_JSON_TRUNCATED, goesOn { code = SLUICE_JSON_UNEXPECTED }
        let isCut = code == SLUICE_JSON_TRUNCATED || code == SLUICE_JSON_UNCLOSED_STRING
        if chunk.end == .oversized, isCut { code = JSONFailure.oversized }
        let isMismatch = code == SLUICE_JSON_MISMATCH
        return JSONFailure(
            code: code, record: Int(status.record), offset: chunk.offset + position,
            path: node >= 0 && node < paths.count ? paths[node] : [], value: chunk.excerpt(at: position),
            type: node > 0 && node < shapes.count ? shapes[node].type : nil,
            isWidening: isMismatch && plan?.isStrict == true)
    }

    /// Between two commas, or a comma and a bracket, has to be a value.
    private func rejectNothing(_ chunk: JSONChunk) throws(JSONFailure) {
        guard chunk.hasCommas, !(chunk.isFirst && chunk.end == .whole), chunk.end != .unterminated else { return }
        throw JSONFailure(
            code: SLUICE_JSON_UNEXPECTED, record: 0, offset: chunk.offset + chunk.count, path: [],
            value: chunk.excerpt(at: chunk.count), type: nil, isWidening: false)
    }

    private func rejectUnfinished(_ chunk: JSONChunk, records: Int) throws(JSONFailure) {
        if options.layout == .object, records != 1 || chunk.end == .open {
            throw JSONFailure(
                code: JSONFailure.severalObjects, record: records, offset: chunk.offset, path: [], value: "", type: nil,
                isWidening: false)
        }
        if chunk.end == .open || chunk.end == .whole { return }
        throw JSONFailure(
            code: chunk.end == .oversized ? JSONFailure.oversized : SLUICE_JSON_TRUNCATED, record: records,
            offset: chunk.offset + chunk.count, path: [], value: "", type: nil, isWidening: false)
    }
}

extension JSONBadText {
    func below(_ name: String) -> JSONBadText {
        var error = self
        error.path.insert(name, at: 0)
        return error
    }
}

extension Buffer {
    /// Memory from `malloc` that is the buffer's from now on.
    fileprivate init(freeing start: UnsafeMutablePointer<some Any>, count: Int) {
        let address = UInt(bitPattern: start)
        self.init(foreign: UnsafeRawPointer(start), count: count) { free(UnsafeMutableRawPointer(bitPattern: address)) }
    }
}

/// Workers that are not at work, to be taken up again with all their buffers.
final class JSONWorkers: Sendable {
    private let plan: JSONPlan?
    private let options: JSONOptions
    private let idle = Mutex<[JSONWorker]>([])

    init(_ plan: JSONPlan?, options: JSONOptions) {
        self.plan = plan
        self.options = options
    }

    func with<R>(_ body: (JSONWorker) throws(JSONFailure) -> R) throws(JSONFailure) -> R {
        let worker = idle.withLock { $0.popLast() } ?? JSONWorker(plan, options: options)
        defer { idle.withLock { $0.append(worker) } }
        return try body(worker)
    }
}
