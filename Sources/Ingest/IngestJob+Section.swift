import Columns
import Connectors
public import Parquet
public import Settings
public import Support
import Warehouse

extension IngestJob {
    /// The job that `section` of a project describes; it has passed its shape's check and `IngestKeys.check`.
    ///
    /// - parameter name: The job's name in the project.
    /// - parameter project: The project's name.
    /// - parameter source: What the source's connection is called.
    public init(
        _ section: Section, name: String, project: String, source: String
    ) throws(SluiceError) {
        let reader = Reader(section: section, job: name)
        self.init(
            pipeline: "\(project).\(name)", source: source, selection: try reader.selection(),
            table: try reader.table(section.text("into") ?? name))
        columns = section.texts("columns")
        filter = section.text("where")
        mode = section.text("mode").flatMap(Mode.init(rawValue:)) ?? .append
        key = section.texts("key") ?? []
        deletion = section.text("delete").map(DeletionMarker.init(parsing:))
        contract = section.text("contract").flatMap(ContractMode.init(rawValue:)) ?? .evolve
        if let column = section.text("cursor") {
            var cursor = Cursor(column)
            cursor.tieBreaker = section.texts("tie_breaker") ?? []
            cursor.late = section.text("late")
            cursor.nulls = section.text("cursor_nulls").flatMap(NullCursor.init(rawValue:)) ?? .load
            self.cursor = cursor
        }
        types = try reader.types()
        format = section.text("format")
        delimiter = section.text("delimiter")
        if let text = section.text("max_rejects") {
            guard let limit = RejectLimit(parsing: text) else { throw reader.wrong("max_rejects", text, "100 or 1%") }
            rejectLimit = limit
        }
        if let size = section.size("part_size") { partBytes = max(size, 1 << 20) }
        if let text = section.text("compression") {
            guard let (codec, level) = IngestJob.compression(text) else {
                throw reader.wrong("compression", text, "zstd, zstd:9, snappy, lz4, gzip, brotli or none")
            }
            self.codec = codec
            compressionLevel = level
        }
        parallelism = section.integer("parallel") ?? 1
        retries = section.integer("retries") ?? 3
        retryWait = section.duration("retry_wait") ?? .seconds(1)
        lockWait = section.duration("lock_wait") ?? .zero
        timeout = section.duration("timeout")
    }

    /// A codec and its level from `zstd:9`; nil when it is none.
    public static func compression(_ text: String) -> (Codec, Int?)? {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard let word = parts.first else { return nil }
        let codec: Codec
        switch word {
        case "zstd": codec = .zstd
        case "snappy": codec = .snappy
        case "lz4": codec = .lz4Raw
        case "gzip": codec = .gzip
        case "brotli": codec = .brotli
        case "none": codec = .uncompressed
        default: return nil
        }
        if parts.count == 1 { return (codec, nil) }
        guard codec != .snappy, codec != .lz4Raw, codec != .uncompressed, let level = Int(parts[1]) else { return nil }
        return (codec, level)
    }

    private struct Reader {
        let section: Section
        let job: String

        func selection() throws(SluiceError) -> ReadRequest.Selection {
            if let table = section.text("table") { return .table(table) }
            if let query = section.text("query") {
                return .query(query, parameters: section.section("parameters")?.textsByName ?? [:])
            }
            if let files = section.texts("files") { return .files(files) }
            throw SluiceError(
                .invalidConfiguration, "job \"\(job)\" does not say what to read", place: place(section.node.mark),
                hint: "add one of table, query and files")
        }

        func table(_ text: String) throws(SluiceError) -> TableName {
            if let table = TableName(parsing: text) { return table }
            throw wrong("into", text, "a table or schema.table")
        }

        func types() throws(SluiceError) -> Schema? {
            guard let types = section.section("types") else { return nil }
            var fields: [Field] = []
            for entry in types.node.entries {
                fields.append(Field(entry.key, try DataType(parsing: entry.value.scalar?.literal ?? "")))
            }
            return fields.isEmpty ? nil : Schema(fields)
        }

        func wrong(_ key: String, _ value: String, _ expected: String) -> SluiceError {
            SluiceError(
                .invalidConfiguration, "\"\(key)\" of job \"\(job)\" is \"\(value)\", \(expected) was expected",
                place: place(section.mark(key)))
        }

        private func place(_ mark: Diagnostic.Mark) -> SluiceError.Place {
            SluiceError.Place(file: mark.file, line: mark.line)
        }
    }
}

extension DeletionMarker {
    /// Reads `column` or `column=value`.
    init(parsing text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        self.init(column: parts[0], value: parts.count > 1 ? parts[1] : nil)
    }
}
