import Columns
import LakeTables
import Parquet
import Storage
import Support

/// The files in which the rows of lookups lie in the lake: `{folder}/{job}/{table}/{table}.parquet`.
///
/// The same rows are the same bytes. A file is written when its bytes differ from those that are there, in one step, and
/// bears in its footer whose it is: what somebody else has put there is left alone.
struct LookupFiles {
    let lake: any ObjectStore
    /// By which a job's files are known.
    let pipeline: String

    /// What was done about a file, or is to be.
    enum State: String, Sendable {
        case written
        case unchanged
        case failed
    }

    private static let mark = "sluice.lookup"

    /// The folder of all of a job's files within the folder of a lookup, a slash behind it.
    static func home(_ folder: String, of pipeline: String) -> String { "\(folder)/\(plain(pipeline))/" }

    /// Where the file of a table lies.
    func path(of table: String, in folder: String) -> String {
        let name = LookupFiles.plain(table)
        return LookupFiles.home(folder, of: pipeline) + "\(name)/\(name).parquet"
    }

    /// `text` as a name of a file that no store and no engine has trouble with; two texts never become one.
    static func plain(_ text: String) -> String {
        let isPlain: (Unicode.Scalar) -> Bool = { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".": true
            default: false
            }
        }
        let isVisible = text.unicodeScalars.first.map { $0 != "_" && $0 != "." } ?? false
        if isVisible, text.utf8.count <= 100, text.unicodeScalars.allSatisfy(isPlain) { return text }
        let clean = String(
            String.UnicodeScalarView(text.unicodeScalars.prefix(80).map { isPlain($0) && $0 != "." ? $0 : "-" }))
        return "x-\(clean)-\(MapFingerprint.of(text))"
    }

    /// The bytes of a table's file.
    func contents(of table: LookupRows.Table) async throws(SluiceError) -> Buffer {
        let schema = Schema(table.columns.map { Field($0, .utf8) })
        let columns = table.columns.indices.map { place -> Column in
            let builder = BytesBuilder(.utf8)
            for row in table.rows {
                if let value = row[place] { builder.append(value) } else { builder.appendNull() }
            }
            return builder.finish()
        }
        // Snappy is what every engine reads.
        let options = ParquetWriterOptions(
            compression: .snappy, keyValueMetadata: [LookupFiles.mark: pipeline], parallelism: 1)
        let sink = MemorySink(name: table.name)
        do {
            let writer = try await ParquetWriter(sink, schema: schema, options: options)
            try await writer.write(RecordBatch(schema: schema, columns: columns, rowCount: table.rows.count))
            try await writer.finish()
        } catch let error as SluiceError {
            throw error
        } catch {
            throw SluiceError(.inputOutput, "\(error)")
        }
        guard let contents = sink.contents else { throw SluiceError(.inputOutput, "the file of a lookup has no end") }
        return contents
    }

    /// Puts `contents` at `path`, unless they are there; or finds out whether they are.
    ///
    /// - returns: What was done, and what the store says of the file; of one that is to be written, what it is going to be.
    func put(
        _ contents: Buffer, at path: String, isPreview: Bool
    ) async throws(SluiceError) -> (State, ObjectEntry) {
        let known = try await object(path)
        if let known {
            if known.size == contents.count, try await known.read(0..<known.size) == contents {
                return (.unchanged, known.facts)
            }
            guard isOurs(try await footer(of: known)) else {
                throw SluiceError(
                    .conflict, "there is a file at its place that Sluice did not make for this job",
                    place: .init(file: lake.url(path)), hint: "remove that file, or give the lookup another folder")
            }
        }
        let planned = ObjectEntry(path: path, size: contents.count, tag: "new")
        if isPreview { return (.written, planned) }
        let condition: WriteCondition =
            known == nil ? .ifAbsent : known?.facts.tag.map { .ifUnchanged(tag: $0) } ?? .always
        guard try await lake.put(path, contents, condition) else {
            throw SluiceError(
                .conflict, "somebody else has written the file meanwhile", place: .init(file: lake.url(path)),
                hint: "run one mapping of a lake at a time")
        }
        return (.written, try await lake.facts(path) ?? planned)
    }

    /// What our file at `path` says and what the store says of it; nil where there is none of ours.
    func known(at path: String) async throws(SluiceError) -> (KnownFooter, ObjectEntry)? {
        guard let object = try await object(path), let file = try await footer(of: object), isOurs(file) else {
            return nil
        }
        let schema = Schema(file.schema.fields.map { Field($0.name, $0.type) })
        var entry = object.facts
        entry.path = path
        return (KnownFooter(rows: Int(file.metadata.rowCount), schema: schema), entry)
    }

    /// Removes the files at `paths` that are ours.
    func remove(_ paths: [String]) async throws(SluiceError) -> Int {
        var count = 0
        for path in paths where try await isOurs(path) {
            try await lake.remove(path)
            count += 1
        }
        return count
    }

    private func isOurs(_ path: String) async throws(SluiceError) -> Bool {
        guard let object = try await object(path) else { return false }
        return isOurs(try await footer(of: object))
    }

    private func isOurs(_ file: ParquetFile?) -> Bool {
        file?.metadata.keyValues.contains { $0.key == LookupFiles.mark && $0.value == pipeline } ?? false
    }

    private func object(_ path: String) async throws(SluiceError) -> (any StoredObject)? {
        do throws(SluiceError) {
            return try await lake.open(path)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    /// The footer of `object`; nil when it is none of Parquet.
    private func footer(of object: any StoredObject) async throws(SluiceError) -> ParquetFile? {
        do throws(SluiceError) {
            return try await ParquetFile.open(object)
        } catch {
            if [.invalidData, .unsupported, .limitExceeded].contains(error.code) { return nil }
            throw error
        }
    }
}
