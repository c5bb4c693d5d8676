public import Columns
public import Support

/// Reads delimited text as batches of typed columns.
///
/// The types are inferred from all of the data, in one pass in the usual case: the first chunk decides, the others are
/// parsed on all cores under that decision, and a value that does not fit makes the reader look at the rest of the data
/// and throw `SchemaWidened`. Opened again with that schema, the reader hands out all rows.
///
///     let reader = try await CSVReader.open(source)
///     while let batch = try await reader.next() { … }
///
/// How types are found is told at `TypeInference`. A column of nulls only is text. Every column is nullable. Empty
/// lines are left out, except in a file of one column, where they are nulls. What follows a closing quote up to the
/// next delimiter is kept as it is; a quote inside an unquoted field is a character like any other.
public final class CSVReader: BatchReader, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `BatchReader` demands; tasks get values.

    /// The schema of every batch.
    public let schema: Schema
    /// The columns that have shown nothing but nulls so far; none when the schema was given.
    public let columnsWithoutValues: Set<String>
    private let chunker: CSVChunker
    private let plan: CSVPlan
    private let parallelism: Int
    /// What all chunks handed out so far say about the types.
    private var found: [TypeInference]
    private var firstChunk: CSVChunk?
    private var isAtEnd = false
    private var pending: [Task<Result<CSVParsed, SluiceError>, Never>] = []
    private var failure: (any Error)?
    private var bad: [BadRow] = []

    private init(
        plan: CSVPlan, chunker: CSVChunker, firstChunk: CSVChunk?, found: [TypeInference], parallelism: Int
    ) {
        schema = plan.schema
        columnsWithoutValues = Set(
            zip(plan.schema.fields, plan.origins).filter { $0.1 == .unknown }.map(\.0.name))
        self.plan = plan
        self.chunker = chunker
        self.firstChunk = firstChunk
        self.found = found
        self.parallelism = parallelism
    }

    deinit {
        for task in pending { task.cancel() }
    }

    /// Opens a source, finds out what it is like, and infers the types from its first chunk unless `schema` says them.
    ///
    /// - parameter schema: the columns' types; by name when there is a header, by position when not.
    /// - throws: `SluiceError` when the first records cannot be read or `schema` does not name the columns.
    public static func open(
        _ source: any StreamSource, options: CSVOptions = .init(), schema: Schema? = nil
    ) async throws(SluiceError) -> CSVReader {
        try check(options)
        let opening = try await CSVOpening(source, options)
        return try await open(opening, options: options, schema: schema)
    }

    private static func open(
        _ opening: CSVOpening, options: CSVOptions, schema: Schema?
    ) async throws(SluiceError) -> CSVReader {
        let chunker = opening.chunker
        let first = try await opening.firstChunk()
        let names = try opening.columnNames(first)
        var plan = CSVPlan(
            name: opening.name, schema: Schema([]), origins: [], dialect: opening.dialect,
            nullTexts: options.nullTexts, ragged: options.ragged, badRows: options.badRows)
        plan.schema = Schema(names.map { Field($0, .utf8) })
        plan.origins = names.map { _ in options.inference ? .unknown : .given }
        var found = names.map { _ in TypeInference() }
        if let schema, first == nil {
            plan.schema = schema
            plan.origins = schema.fields.map { _ in .given }
        } else if let schema {
            plan.schema = try ordered(
                schema, like: names, byName: opening.hasHeader || options.columnNames != nil, plan.name)
            plan.origins = names.map { _ in .given }
        } else if options.inference, let first {
            found = try plan.infer(first, settled: names.map { _ in false }).found
            plan.adopt(found)
        }
        found += (found.count..<max(found.count, plan.width)).map { _ in TypeInference() }
        return CSVReader(
            plan: plan, chunker: chunker, firstChunk: first, found: found,
            parallelism: max(1, options.parallelism ?? processorCount()))
    }

    private static func check(_ options: CSVOptions) throws(SluiceError) {
        func require(_ condition: Bool, _ message: String) throws(SluiceError) {
            if !condition { throw SluiceError(.invalidConfiguration, message) }
        }
        let special = [options.delimiter, options.quote, options.escape, options.comment].compactMap { $0 }
        try require(
            special.allSatisfy { $0 != 10 && $0 != 13 && $0 < 0x80 },
            "delimiter, quote, escape and comment are ASCII characters other than line ends")
        let distinct = [options.delimiter, options.quote, options.comment].compactMap { $0 }
        try require(Set(distinct).count == distinct.count, "delimiter, quote and comment differ from each other")
        try require(
            options.escape == nil || (options.escape != options.delimiter && options.escape != options.comment),
            "the escape differs from delimiter and comment")
        try require(
            (1...(1 << 30)).contains(options.maxRecordBytes), "the limit on record length lies between 1 byte and 1 GiB"
        )
        try require((1...(1 << 29)).contains(options.chunkBytes), "chunks have between 1 byte and 512 MiB")
        try require(options.skipLines >= 0, "the number of lines to skip is not negative")
    }

    /// The schema's fields in the file's order.
    private static func ordered(
        _ schema: Schema, like names: [String], byName: Bool, _ file: String
    ) throws(SluiceError) -> Schema {
        for field in schema.fields where field.type.isNested {
            throw SluiceError(
                .unsupported, "CSV has no values of type \(field.type)", place: .init(file: file, column: field.name),
                hint: "read the column as json")
        }
        guard byName else {
            guard schema.fields.count == names.count else {
                throw SluiceError(
                    .invalidConfiguration, "the schema has \(schema.fields.count) columns, the file \(names.count)",
                    place: .init(file: file))
            }
            return schema
        }
        for field in schema.fields where !names.contains(field.name) {
            throw SluiceError(
                .invalidConfiguration, "the file has no column \"\(field.name)\", which the schema names",
                place: .init(file: file),
                hint: nearestWord(to: field.name, among: names).map { "did you mean \"\($0)\"?" })
        }
        var fields: [Field] = []
        for name in names {
            guard let index = schema.index(of: name) else {
                throw SluiceError(
                    .invalidConfiguration, "the schema does not name the column \"\(name)\"", place: .init(file: file),
                    hint: "a schema names every column of the file; inspect shows them")
            }
            fields.append(schema.fields[index])
        }
        return Schema(fields, metadata: schema.metadata)
    }

    // MARK: Rows

    /// The next rows; nil at the end.
    ///
    /// - throws: `SchemaWidened` when a value shows that an inferred type is too narrow; `SluiceError` on bad data.
    public func next() async throws -> RecordBatch? {
        if let failure { throw failure }
        do {
            while true {
                try await topUp { [plan] chunk in plan.attempt(chunk) }
                guard let parsed = try await pop() else { return nil }
                if let batch = try await accept(parsed) { return batch }
            }
        } catch {
            failure = error
            for task in pending { task.cancel() }
            pending = []
            throw error
        }
    }

    /// The malformed records that were left out since this was last asked.
    public func takeBadRows() -> [BadRow] {
        defer { bad = [] }
        return bad
    }

    /// Starts work on chunks until as many are under way as may be.
    private func topUp(
        _ work: @escaping @Sendable (CSVChunk) -> Result<CSVParsed, SluiceError>
    ) async throws(SluiceError) {
        while !isAtEnd, pending.count <= parallelism {
            var chunk = firstChunk
            firstChunk = nil
            if chunk == nil { chunk = try await chunker.next() }
            guard let chunk else {
                isAtEnd = true
                return
            }
            pending.append(Task { work(chunk) })
        }
    }

    private func pop() async throws(SluiceError) -> CSVParsed? {
        if pending.isEmpty { return nil }
        return try await pending.removeFirst().value.get()
    }

    /// A chunk's batch, or nil when it has no rows, malformed ones included.
    private func accept(_ parsed: CSVParsed) async throws -> RecordBatch? {
        var columns: [Column] = []
        var missing = false
        for index in found.indices where plan.origins[index] != .given {
            found[index].merge(parsed.found[index])
            if (found[index].type ?? .utf8) != schema.fields[index].type {
                throw try await widened(after: parsed)
            }
        }
        for column in parsed.columns {
            if let column { columns.append(column) } else { missing = true }
        }
        if missing {
            // The type is right all the same: chunks before had settled it while this one was at work.
            var settled = plan
            settled.origins = plan.origins.map { _ in .given }
            columns = try settled.parse(parsed.chunk).columns.compactMap { $0 }
        }
        chunker.recycle(parsed.chunk)
        bad += parsed.bad
        return parsed.rows == 0 && parsed.bad.isEmpty
            ? nil : RecordBatch(schema: schema, columns: columns, rowCount: parsed.rows)
    }

    /// Looks at all of the rest of the data for what its types are.
    private func widened(after parsed: CSVParsed) async throws -> SchemaWidened {
        func merge(_ more: CSVParsed) {
            for index in found.indices where plan.origins[index] != .given { found[index].merge(more.found[index]) }
        }
        merge(parsed)
        while true {
            let settled = found.map(\.isSettled)
            if settled.allSatisfy({ $0 }) { break }
            try await topUp { [plan] chunk in
                Result { () throws(SluiceError) in try plan.infer(chunk, settled: settled) }
            }
            guard let more = try await pop() else { break }
            merge(more)
            chunker.recycle(more.chunk)
        }
        var wider = plan
        wider.adopt(found)
        return SchemaWidened(wider.schema, at: parsed.misfit ?? .init(file: plan.name))
    }
}

extension CSVPlan {
    /// Parses a chunk, unless nobody wants it any more.
    func attempt(_ chunk: CSVChunk) -> Result<CSVParsed, SluiceError> {
        if Task.isCancelled { return .failure(SluiceError(.cancelled, "reading was cancelled")) }
        return Result { () throws(SluiceError) in try parse(chunk) }
    }

    /// Takes the types from what was found.
    mutating func adopt(_ found: [TypeInference]) {
        for index in found.indices where origins[index] != .given {
            origins[index] = found[index].type == nil ? .unknown : found[index].type == .utf8 ? .given : .inferred
            schema.fields[index].type = found[index].type ?? .utf8
        }
    }
}
