import Columns
import Connectors
import Settings
import Storage
import Support
import Warehouse

/// What a run has staged, written beside the parts when all of them are there: with it the run can be loaded without
/// reading the source again.
struct Manifest: Sendable {
    /// The run.
    var run: String
    /// The pipeline that it is a run of.
    var pipeline: String
    /// The table that the rows are for.
    var table: String
    /// When the source was read.
    var createdAt: Int64
    /// The columns that all parts together have, `_ingested_at` among them.
    var schema: Schema
    /// The parts, in the order in which they are loaded.
    var parts: [StagedFile]
    /// The source files that they were read from.
    var sourceFiles: [SourceFile]
    /// How far the source had been read before.
    var cursorFrom: String?
    /// How far it has been read with these parts.
    var watermark: Watermark?
    /// The columns by which the source tells rows apart.
    var sourceKey: [String]
    /// Whether the table is emptied first.
    var isFullRefresh: Bool
    /// Whether rows that are in the table are left out.
    var isOverlapping: Bool
    /// How many rows came from the source, those that were rejected among them.
    var rowsRead: Int
    /// How many rows were rejected while reading.
    var rowsRejected: Int
    /// How many bytes came from the source.
    var bytesRead: Int
    /// How many source files were left out, because they are loaded already. Not written: it belongs to the reading.
    var knownFiles = 0

    /// Where a run's manifest lies.
    static func path(folder: String, run: String) -> String { "\(folder)/_\(SafeName.make(run)).manifest.json" }

    /// The manifest as JSON.
    var json: JSONText {
        [
            "version": .number(1), "run": .string(run), "pipeline": .string(pipeline), "table": .string(table),
            "createdAt": .string(Moment(microseconds: createdAt).iso), "createdMicroseconds": .number(Int(createdAt)),
            "fullRefresh": .bool(isFullRefresh), "overlapping": .bool(isOverlapping),
            "rowsRead": .number(rowsRead), "rowsRejected": .number(rowsRejected), "bytesRead": .number(bytesRead),
            "cursorFrom": cursorFrom.map { .string($0) } ?? .null,
            "watermark": watermark.map {
                ["column": .string($0.column), "type": .string($0.type), "value": .string($0.value)]
            } ?? .null,
            "sourceKey": .array(sourceKey.map { .string($0) }),
            "schema": .array(
                schema.fields.map {
                    [
                        "name": .string($0.name), "type": .string("\($0.type)"), "nullable": .bool($0.isNullable),
                    ]
                }),
            "parts": .array(
                parts.map {
                    [
                        "path": .string($0.path), "size": .number($0.size), "sha256": .string($0.hash),
                        "rows": .number($0.rows), "source": .string($0.source),
                    ]
                }),
            "sourceFiles": .array(
                sourceFiles.map {
                    [
                        "path": .string($0.path), "size": .number($0.size), "modified": .number(Int($0.modified)),
                        "sha256": .string($0.hash), "rows": .number($0.rows),
                    ]
                }),
        ]
    }

    /// Reads what `json` wrote.
    ///
    /// - throws: `SluiceError` naming `file` when it is something else.
    init(parsing text: String, file: String) throws(SluiceError) {
        let damaged = SluiceError(
            .invalidData, "is not a manifest that this release can read", place: .init(file: file),
            hint: "run the job without --resume; the source is read again then")
        guard let root = parseDocument(text, file: file).node.map({ Section($0) }), root.integer("version") == 1,
            let run = root.text("run"), let pipeline = root.text("pipeline"), let table = root.text("table"),
            let created = root.integer("createdMicroseconds"), let schema = root.node["schema"]?.items,
            let parts = root.node["parts"]?.items, let files = root.node["sourceFiles"]?.items
        else { throw damaged }
        self.run = run
        self.pipeline = pipeline
        self.table = table
        createdAt = Int64(created)
        var fields: [Field] = []
        for item in schema.map({ Section($0) }) {
            guard let name = item.text("name"), let type = item.text("type") else { throw damaged }
            fields.append(Field(name, try DataType(parsing: type), nullable: item.boolean("nullable") ?? true))
        }
        self.schema = Schema(fields)
        self.parts = []
        for part in parts.map({ Section($0) }) {
            guard let path = part.text("path"), let size = part.integer("size"), let hash = part.text("sha256"),
                let rows = part.integer("rows"), let source = part.text("source")
            else { throw damaged }
            self.parts.append(StagedFile(path: path, size: size, hash: hash, rows: rows, source: source))
        }
        sourceFiles = []
        for part in files.map({ Section($0) }) {
            guard let path = part.text("path"), let size = part.integer("size"), let hash = part.text("sha256"),
                let rows = part.integer("rows")
            else { throw damaged }
            sourceFiles.append(
                SourceFile(
                    path: path, size: size, modified: Int64(part.integer("modified") ?? 0), hash: hash, rows: rows))
        }
        if let mark = root.section("watermark"), let column = mark.text("column"), let type = mark.text("type") {
            // A value that looks like no value is one all the same.
            watermark = Watermark(
                column: column, type: type, value: mark.node["value"]?.scalar?.literal ?? "")
        }
        cursorFrom = root.text("cursorFrom")
        sourceKey = root.texts("sourceKey") ?? []
        isFullRefresh = root.boolean("fullRefresh") ?? false
        isOverlapping = root.boolean("overlapping") ?? false
        rowsRead = root.integer("rowsRead") ?? 0
        rowsRejected = root.integer("rowsRejected") ?? 0
        bytesRead = root.integer("bytesRead") ?? 0
    }

    /// What a run has staged.
    init(
        run: String, pipeline: String, table: String, createdAt: Int64, schema: Schema, parts: [StagedFile] = [],
        sourceFiles: [SourceFile] = [], cursorFrom: String? = nil, watermark: Watermark? = nil,
        sourceKey: [String] = [], isFullRefresh: Bool = false, isOverlapping: Bool = false, rowsRead: Int = 0,
        rowsRejected: Int = 0, bytesRead: Int = 0
    ) {
        self.run = run
        self.pipeline = pipeline
        self.table = table
        self.createdAt = createdAt
        self.schema = schema
        self.parts = parts
        self.sourceFiles = sourceFiles
        self.cursorFrom = cursorFrom
        self.watermark = watermark
        self.sourceKey = sourceKey
        self.isFullRefresh = isFullRefresh
        self.isOverlapping = isOverlapping
        self.rowsRead = rowsRead
        self.rowsRejected = rowsRejected
        self.bytesRead = bytesRead
    }
}
