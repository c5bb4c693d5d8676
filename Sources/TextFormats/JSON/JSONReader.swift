import CSimdjson
public import Columns
public import Support

/// Reads records out of JSON: an array of them, or one after the other (NDJSON), or a single one.
///
/// The schema comes out of the data. The first chunks give a schema that the rest is read with; should a later record
/// not fit (a new key, a wider number, another kind of value), all of the data is looked at and `SchemaWidened` is
/// thrown with the schema that fits it. The schema never depends on how the data is cut:
///
/// - Keys are columns in the order in which they first appear, however late that is; a missing key is null.
/// - Numbers, dates and times are typed as `TypeInference` says, so that none changes its value; numbers that no such
///   type holds are `utf8` with the literal as it is written.
/// - Objects are structures, arrays are lists. Values of several kinds in one place, and objects without any keys, are
///   `json`, each value as it is written. Where there is nothing but null, the type is `utf8`.
///
/// With a schema, a value that does not fit it is an error that tells the record, the byte, the path and the value.
public final class JSONReader: BatchReader, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `BatchReader` demands.

    /// The schema of every batch.
    public let schema: Schema
    /// The columns that have shown nothing but nulls so far; none when the schema was given.
    public let columnsWithoutValues: Set<String>
    private let source: any StreamSource
    private let options: JSONOptions
    private let workers: JSONWorkers
    private let chunker: JSONChunker
    private var ready: ArraySlice<JSONChunk>
    private var atWork: [Task<Result<Work, JSONFailure>, Never>] = []
    private var recordsBefore = 0
    private var bad: [BadRow] = []
    private var isFinished = false

    /// What a task has made of a chunk, and where in it the next one has to begin when that was not all.
    private struct Work: Sendable {
        var batch: RecordBatch
        var chunk: JSONChunk
        var next: Int?
        var bad: [BadRow]
    }

    /// In the metadata of a widened schema: the records are values of one column, rather than objects.
    private static let wrappedKey = "json.records"

    private init(
        _ source: any StreamSource, _ options: JSONOptions, _ plan: JSONPlan, _ chunker: JSONChunker,
        ready: ArraySlice<JSONChunk>
    ) {
        self.source = source
        self.options = options
        self.chunker = chunker
        self.ready = ready
        schema = plan.schema
        columnsWithoutValues =
            plan.isStrict ? Set(plan.fields.filter { $0.kind == SLUICE_JSON_NULL }.map(\.name)) : []
        workers = JSONWorkers(plan, options: options)
    }

    deinit { for task in atWork { task.cancel() } }

    /// A reader of `source`, with a schema or one that is inferred.
    ///
    /// - throws: `SluiceError` when the text is not JSON.
    public static func open(
        _ source: any StreamSource, options: JSONOptions = .init(), schema: Schema? = nil
    ) async throws -> JSONReader {
        var options = options
        options.parallelism = max(1, options.parallelism)
        options.chunkBytes = max(1, min(options.chunkBytes, 256 << 20))
        options.limits.maxRecordBytes = max(1, min(options.limits.maxRecordBytes, 1 << 30))
        let chunker = JSONChunker(try await source.stream(), options: options)
        var ready: [JSONChunk] = []
        if let schema {
            if let first = try await chunker.next() { ready.append(first) }
            var metadata = schema.metadata
            let isWrapped =
                metadata.removeValue(forKey: wrappedKey) != nil
                || (!options.collectsLines && wraps(schema, ready.first))
            let plan = JSONPlan(
                schema.fields.map { JSONShape($0) }, isWrapped: isWrapped, isStrict: false, metadata: metadata)
            return JSONReader(source, options, plan, chunker, ready: ready[...])
        }
        while ready.count < 2, let chunk = try await chunker.next() { ready.append(chunk) }
        let tree = JSONTree()
        var before = 0
        try await infer(ready, into: tree, JSONWorkers(nil, options: options), source.name, options, &before)
        let (fields, isWrapped) = JSONShape.resolve(tree)
        let plan = JSONPlan(fields, isWrapped: isWrapped, isStrict: true)
        return JSONReader(source, options, plan, chunker, ready: ready[...])
    }

    /// Whether a given schema is meant for records that are not objects.
    private static func wraps(_ schema: Schema, _ chunk: JSONChunk?) -> Bool {
        guard schema.fields.count == 1, schema.fields[0].name == "value", let chunk else { return false }
        for index in 0..<chunk.count {
            let byte = chunk.start[index]
            if byte != 0x20, byte != 0x0a, byte != 0x0d, byte != 0x09 { return byte != UInt8(ascii: "{") }
        }
        return false
    }

    /// The next rows; nil at the end.
    ///
    /// - throws: `SchemaWidened` when the inferred schema turns out too narrow, `SluiceError` when the text is not JSON
    ///   or does not fit a schema that was given.
    public func next() async throws -> RecordBatch? {
        while !isFinished {
            try await fill()
            guard !atWork.isEmpty else {
                isFinished = true
                return nil
            }
            switch await atWork.removeFirst().value {
            case .success(let work):
                if let next = work.next { atWork.insert(task(work.chunk, from: next), at: 0) }
                recordsBefore += work.batch.rowCount
                bad += work.bad
                if work.batch.rowCount > 0 || !work.bad.isEmpty { return work.batch }
            case .failure(let failure):
                isFinished = true
                for task in atWork { task.cancel() }
                atWork = []
                let error = failure.error(file: source.name, recordsBefore: recordsBefore, options: options)
                if failure.isWidening { throw try await widened(at: error.place) }
                throw error
            }
        }
        return nil
    }

    /// The malformed lines that were left out since this was last asked.
    public func takeBadRows() -> [BadRow] {
        defer { bad = [] }
        return bad
    }

    /// Keeps as many chunks at work as may be.
    private func fill() async throws {
        while atWork.count <= options.parallelism {
            guard let chunk = if let first = ready.popFirst() { first } else { try await chunker.next() } else {
                return
            }
            atWork.append(task(chunk, from: 0))
        }
    }

    private func task(_ chunk: JSONChunk, from first: Int) -> Task<Result<Work, JSONFailure>, Never> {
        let workers = workers
        return Task {
            if Task.isCancelled { return .failure(.cancelled) }
            do throws(JSONFailure) {
                return .success(
                    try workers.with { worker throws(JSONFailure) in
                        var chunk = chunk
                        let (batch, next, bad) = try worker.projectSound(&chunk, from: first)
                        return Work(batch: batch, chunk: chunk, next: next, bad: bad)
                    })
            } catch { return .failure(error) }
        }
    }

    /// Looks at all of the data, from the start: what was read so far may have hidden how its numbers were written.
    private func widened(at place: SluiceError.Place) async throws -> SchemaWidened {
        let chunker = JSONChunker(try await source.stream(), options: options)
        let workers = JSONWorkers(nil, options: options)
        let tree = JSONTree()
        var before = 0
        while true {
            var chunks: [JSONChunk] = []
            while chunks.count < options.parallelism, let chunk = try await chunker.next() { chunks.append(chunk) }
            if chunks.isEmpty { break }
            try await JSONReader.infer(chunks, into: tree, workers, source.name, options, &before)
        }
        let (fields, isWrapped) = JSONShape.resolve(tree)
        let metadata = isWrapped ? [JSONReader.wrappedKey: "values"] : [:]
        return SchemaWidened(Schema(fields.map(\.field), metadata: metadata), at: place)
    }

    /// Adds what the records of `chunks` are to `tree`, in order.
    private static func infer(
        _ chunks: [JSONChunk], into tree: JSONTree, _ workers: JSONWorkers, _ name: String, _ options: JSONOptions,
        _ before: inout Int
    ) async throws {
        let found = try await withThrowingTaskGroup(of: (Int, Result<(JSONTree, Int), JSONFailure>).self) { group in
            for (index, chunk) in chunks.enumerated() {
                group.addTask {
                    do throws(JSONFailure) {
                        return (
                            index,
                            .success(try workers.with { worker throws(JSONFailure) in try worker.inferSound(chunk) })
                        )
                    } catch { return (index, .failure(error)) }
                }
            }
            var all = [Result<(JSONTree, Int), JSONFailure>?](repeating: nil, count: chunks.count)
            for try await (index, result) in group { all[index] = result }
            return all.compactMap(\.self)
        }
        var limits = JSONWorker.inference(options)
        for result in found {
            switch result {
            case .success(let (later, records)):
                let code = tree.merge(later, &limits)
                if code != 0 {
                    throw JSONFailure(
                        code: code, record: 0, offset: 0, path: [], value: "", type: nil, isWidening: false
                    )
                    .error(file: name, recordsBefore: before, options: options)
                }
                before += records
            case .failure(let failure):
                throw failure.error(file: name, recordsBefore: before, options: options)
            }
        }
    }
}

extension JSONFailure {
    /// Nobody waits for the result any more.
    fileprivate static let cancelled = JSONFailure(
        code: 0, record: 0, offset: 0, path: [], value: "", type: nil, isWidening: false)
}
