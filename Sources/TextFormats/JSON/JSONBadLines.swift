import CScan
import CSimdjson
import Columns
import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension JSONOptions {
    /// Whether each line is a record by itself, and malformed ones are left out.
    var collectsLines: Bool { layout == .lines && badRows != .fail }
}

extension JSONChunk {
    /// Whether no value goes over a line end, for text that has been parsed. Between two tokens of one value stands one of
    /// these at least, or is one of them, and between two records never.
    fileprivate var hasWholeLines: Bool {
        var position = 0
        while position < count, let found = memchr(start + position, 10, count - position) {
            let newline = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - start
            var before = newline - 1
            while before >= 0, start[before] <= 0x20 { before -= 1 }
            var after = newline + 1
            while after < count, start[after] <= 0x20 { after += 1 }
            if before >= 0, ",:[{".utf8.contains(start[before]) { return false }
            if after < count, ",:]}".utf8.contains(start[after]) { return false }
            position = max(newline + 1, after)
        }
        return true
    }

    /// A record of its own, with what the parser reads behind it.
    fileprivate func line(_ range: Range<Int>) -> JSONChunk {
        JSONChunk(
            copy(range), offset: offset + range.lowerBound, hasCommas: false, isFirst: false, end: .whole, firstLine: 1)
    }

    fileprivate func copy(_ range: Range<Int>) -> MutableBuffer {
        let padding = Int(sluice_json_padding())
        let copy = MutableBuffer(capacity: range.count + padding)
        copy.append(UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count))
        copy.append(repeating: 0, count: padding)
        copy.count = range.count
        return copy
    }
}

extension JSONWorker {
    /// What the records of a chunk are, without malformed lines where those are left out.
    func inferSound(_ chunk: JSONChunk) throws(JSONFailure) -> (JSONTree, Int) {
        guard options.collectsLines, chunk.end != .oversized else { return try infer(chunk) }
        var failure: JSONFailure?
        do throws(JSONFailure) {
            let found = try infer(chunk)
            if JSONWorker.areObjects(found.0), chunk.hasWholeLines { return found }
        } catch { failure = error }
        let (sound, bad) = isolate(chunk, from: 0)
        if let failure, bad.isEmpty { throw failure }
        return try infer(sound)
    }

    /// A chunk's records as columns, and its malformed lines; `chunk` is without them afterwards.
    func projectSound(
        _ chunk: inout JSONChunk, from first: Int
    ) throws(JSONFailure) -> (batch: RecordBatch, next: Int?, bad: [BadRow]) {
        var failure: JSONFailure?
        do throws(JSONFailure) {
            let (batch, next) = try project(chunk, from: first)
            // A later part of a chunk has been looked at together with the first.
            if !options.collectsLines || first > 0 || (chunk.hasWholeLines && plan?.isWrapped != true) {
                return (batch, next, [])
            }
        } catch {
            guard options.collectsLines, chunk.end != .oversized else { throw error }
            failure = error
        }
        let (sound, bad) = isolate(chunk, from: first)
        if let failure, bad.isEmpty { throw failure }
        chunk = sound
        let (batch, next) = try project(sound, from: first)
        return (batch, next, bad)
    }

    /// The chunk with blanks in the place of malformed lines, so that all others stay where they are.
    private func isolate(_ chunk: JSONChunk, from first: Int) -> (JSONChunk, [BadRow]) {
        let text = chunk.copy(0..<chunk.count)
        var bad: [BadRow] = []
        var line = chunk.firstLine + sluice_count_byte(chunk.start, first, 10)
        var position = first
        while position < chunk.count {
            let newline = memchr(chunk.start + position, 10, chunk.count - position)
            var end = newline.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) - chunk.start } ?? chunk.count
            let next = end + 1
            while end > position, [0x20, 0x09, 0x0d].contains(chunk.start[end - 1]) { end -= 1 }
            if end > position, let reason = fault(chunk.line(position..<end)) {
                bad.append(
                    BadRow(
                        line: line, offset: chunk.offset + position, reason: reason,
                        bytes: UnsafeRawBufferPointer(start: chunk.start + position, count: end - position),
                        limit: options.badRows.rawLimit ?? 0))
                memset(text.base + position, 0x20, end - position)
            }
            position = next
            line += 1
        }
        let sound = JSONChunk(
            text, offset: chunk.offset, hasCommas: false, isFirst: chunk.isFirst, end: chunk.end,
            firstLine: chunk.firstLine)
        return (sound, bad)
    }

    /// What is wrong with a line; nil when nothing is, apart from types.
    private func fault(_ line: JSONChunk) -> String? {
        let tree = JSONTree()
        var how = JSONWorker.inference(options)
        var layout = layout(line)
        let seen = sluice_json_infer(parser, tree.raw, line.start, line.count, &layout, &how)
        if seen.code == 0, !JSONWorker.areObjects(tree) { return "the line is not an object" }
        let isFaulty = JSONWorker.faults.contains(Int(seen.code))
        // Escapes and doubled keys are not looked at in columns that keep values as they are written.
        let mayPass = JSONWorker.passable.contains(Int(seen.code))
        if plan == nil || (isFaulty && !mayPass) { return isFaulty ? reason(seen, line) : nil }
        let status = sluice_json_project(parser, nodes, line.start, line.count, &layout)
        sluice_json_plan_clear(nodes)
        if JSONWorker.faults.contains(Int(status.code)) { return reason(status, line) }
        return mayPass && status.code != 0 && Int(status.code) != SLUICE_JSON_PARTIAL ? reason(seen, line) : nil
    }

    private func reason(_ status: sluice_json_status, _ line: JSONChunk) -> String {
        failure(status, line).error(file: "", recordsBefore: 0, options: options).message
    }

    private static func areObjects(_ tree: JSONTree) -> Bool {
        let others =
            SLUICE_JSON_SAW_BOOL | SLUICE_JSON_SAW_INT | SLUICE_JSON_SAW_UINT | SLUICE_JSON_SAW_BIG_INT
            | SLUICE_JSON_SAW_FLOAT | SLUICE_JSON_SAW_STRING | SLUICE_JSON_SAW_ARRAY
        return tree.withRoot { sluice_json_tree_seen($0).saw & UInt32(others) == 0 }
    }

    private static let passable = [SLUICE_JSON_ESCAPE, SLUICE_JSON_SURROGATE, SLUICE_JSON_DUPLICATE]
    /// What makes a line malformed, whatever types its values have.
    private static let faults =
        passable + [
            SLUICE_JSON_UTF8, SLUICE_JSON_UNCLOSED_STRING, SLUICE_JSON_CONTROL, SLUICE_JSON_TRUNCATED,
            SLUICE_JSON_UNEXPECTED, SLUICE_JSON_NUMBER, SLUICE_JSON_DEPTH,
        ]
}
