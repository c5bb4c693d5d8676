import CSimdjson
import Support

/// What is around the transactions: finds where their array begins, and reads what is beside it.
///
/// It looks at the keys of the objects on the way to the array, before and behind it, and at nothing else.
struct Envelope {
    /// What the text turns out to be.
    enum Shape {
        /// An object, in which the array begins behind so many bytes.
        case document(Int)
        /// An array alone, which begins behind so many bytes.
        case array(Int)
        /// Records one after the other, from so many bytes on.
        case lines(Int)
    }

    private let layout: SalesLayout
    private let name: String
    private(set) var batch: SalesReport.BatchID?
    private var hasBatch = false
    /// Where something malformed was stepped over.
    private var fault: Int?
    /// The keys of the objects that are open.
    private var path: [String] = []

    /// More bytes are needed to go on.
    struct Unfinished: Error {}

    init(_ layout: SalesLayout, name: String) {
        self.layout = layout
        self.name = name
    }

    /// Looks at the beginning of a text; nil when more of it is needed. `isWhole` tells that there is no more.
    mutating func begin(_ bytes: UnsafeRawBufferPointer, isWhole: Bool) throws(SluiceError) -> Shape? {
        batch = nil
        (hasBatch, fault) = (false, nil)
        path = []
        var scanner = JSONScanner(bytes, isWhole: isWhole)
        do {
            if bytes.starts(with: [0xef, 0xbb, 0xbf]) { scanner.at = 3 }
            if isNamedLines { return .lines(scanner.at) }
            try scanner.space()
            guard let first = scanner.peek else {
                if isWhole { throw problem("the input is empty", 0, "a batch document or records were expected") }
                return nil
            }
            if first == UInt8(ascii: "[") { return .array(scanner.at + 1) }
            let start = scanner.at
            guard first == UInt8(ascii: "{") else {
                throw problem(
                    "the input is no batch document", start,
                    "it should begin with an object, an array, or one of many records")
            }
            scanner.at += 1
            if let position = try members(&scanner, isFirst: true) {
                if let fault { throw malformed(fault) }
                return .document(position)
            }
            // An object without the array: a record, if it is followed by others or looks like one.
            try scanner.space()
            if try !isRecord(bytes, start) { throw missing() }
            return .lines(start)
        } catch let error as SluiceError {
            throw error
        } catch is Unfinished {
            if !isWhole { return nil }
            throw problem(
                "the document ends before it has \(wanted)", bytes.count,
                "the file is cut short, or is no batch document")
        } catch {
            return nil
        }
    }

    /// Whether the name says that the input is NDJSON.
    private var isNamedLines: Bool {
        var name = name[...]
        for ending in [".gz", ".zst"] where name.hasSuffix(ending) { name = name.dropLast(ending.count) }
        return name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl")
    }

    private func malformed(_ offset: Int) -> SluiceError {
        problem("the document is malformed beside its transactions", offset, "check the file")
    }

    /// Reads what follows the array, whose bracket is left of `bytes`.
    mutating func end(_ bytes: UnsafeRawBufferPointer, offset: Int, isArray: Bool) throws(SluiceError) {
        var scanner = JSONScanner(bytes, isWhole: true)
        fault = nil
        do {
            if !isArray {
                var depth = path.count
                path.removeLast()
                while depth > 0 {
                    try scanner.space()
                    if scanner.take(",") {
                        if try members(&scanner, isFirst: false) != nil {
                            throw problem(
                                "the document has \(wanted) twice", offset + scanner.at, "only one array can be read")
                        }
                    } else if scanner.take("}") {
                    } else {
                        throw Unfinished()
                    }
                    depth -= 1
                    if !path.isEmpty { path.removeLast() }
                }
            }
            if let fault { throw malformed(offset + fault) }
            try scanner.space()
            if scanner.at < bytes.count {
                throw problem("text follows the end of the document", offset + scanner.at, "a file holds one document")
            }
        } catch let error as SluiceError {
            throw error
        } catch {
            throw problem("the document is malformed behind its transactions", offset + scanner.at, "check the file")
        }
    }

    private var wanted: String { "\"\(layout.transactions.joined(separator: "."))\"" }

    private func problem(_ message: String, _ offset: Int, _ hint: String) -> SluiceError {
        SluiceError(.invalidData, message, place: .init(file: name, offset: offset), hint: hint)
    }

    private func missing() -> SluiceError {
        SluiceError(
            .invalidData, "the document has no \(wanted)", place: .init(file: name),
            hint: "if its transactions are elsewhere, set rules.transactions to the key, such as data.orders")
    }

    /// Whether the object at `start` has the key of a record's id, so that it is one of several records.
    private func isRecord(_ bytes: UnsafeRawBufferPointer, _ start: Int) throws -> Bool {
        var scanner = JSONScanner(bytes, isWhole: true)
        scanner.at = start + 1
        let keys = SalesField.alwaysRequired.filter { !$0.isInItem }.compactMap { layout.paths[$0]?.first?.first }
        while true {
            try scanner.space()
            if scanner.take("}") { return false }
            if scanner.take(",") { continue }
            let key = try scanner.string()
            if keys.contains(key) { return true }
            try scanner.space()
            guard scanner.take(":") else { throw Unfinished() }
            try scanner.skip()
        }
    }

    /// Remembers where what was stepped over is no JSON.
    private mutating func check(_ scanner: JSONScanner, from start: Int) {
        if fault == nil, !scanner.isJSON(start..<scanner.at) { fault = start }
    }

    /// Goes through an object's members. Returns where the array begins when it comes to it; nil at the object's end.
    private mutating func members(_ scanner: inout JSONScanner, isFirst: Bool) throws -> Int? {
        var isFirst = isFirst
        while true {
            try scanner.space()
            if isFirst, scanner.take("}") { return nil }
            isFirst = false
            let start = scanner.at
            path.append(try scanner.string())
            check(scanner, from: start)
            try scanner.space()
            guard scanner.take(":") else { throw Unfinished() }
            try scanner.space()
            if path == layout.transactions {
                guard scanner.take("[") else {
                    throw problem(
                        "\(wanted) is no array", scanner.at, "it should hold the transactions, one object each")
                }
                return scanner.at
            }
            let value = scanner.at
            if path == layout.batchID {
                if hasBatch {
                    throw problem(
                        "the document has \"\(layout.batchID.joined(separator: "."))\" twice", scanner.at,
                        "check the file")
                }
                hasBatch = true
                batch = try scanner.scalar()
                check(scanner, from: value)
            } else if layout.transactions.starts(with: path) || layout.batchID.starts(with: path), scanner.take("{") {
                if let found = try members(&scanner, isFirst: true) { return found }
            } else {
                try scanner.skip()
                check(scanner, from: value)
            }
            path.removeLast()
            try scanner.space()
            if scanner.take(",") { continue }
            guard scanner.take("}") else { throw Unfinished() }
            return nil
        }
    }
}

/// Steps over JSON in memory, as far as an envelope needs it.
struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private let isWhole: Bool
    var at = 0

    init(_ bytes: UnsafeRawBufferPointer, isWhole: Bool) {
        self.bytes = bytes
        self.isWhole = isWhole
    }

    var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    mutating func space() throws {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0a || bytes[at] == 0x0d || bytes[at] == 0x09 {
            at += 1
        }
        if at == bytes.count, !isWhole { throw Envelope.Unfinished() }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    /// A string's text, with its escapes written out.
    mutating func string() throws -> String {
        let range = try rawString()
        guard bytes[range].contains(UInt8(ascii: "\\")) else { return String(decoding: bytes[range], as: UTF8.self) }
        return JSONScanner.unescaped(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }

    private mutating func rawString() throws -> Range<Int> {
        guard take("\"") else { throw Envelope.Unfinished() }
        let start = at
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "\\") {
                at += 2
            } else if bytes[at] == UInt8(ascii: "\"") {
                at += 1
                return start..<at - 1
            } else {
                at += 1
            }
        }
        throw Envelope.Unfinished()
    }

    /// A string or number; nil for anything else, which is stepped over.
    mutating func scalar() throws -> SalesReport.BatchID? {
        if peek == UInt8(ascii: "\"") { return .text(try string()) }
        let start = at
        try skip()
        guard let first = bytes[start..<at].first, first == UInt8(ascii: "-") || (first >= 0x30 && first <= 0x39) else {
            return nil
        }
        return .number(String(decoding: bytes[start..<at], as: UTF8.self))
    }

    /// Steps over a value.
    mutating func skip() throws {
        try space()
        var depth = 0
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                _ = try rawString()
                if depth == 0 { return }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                at += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { throw Envelope.Unfinished() }
                depth -= 1
                at += 1
                if depth == 0 { return }
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0a, 0x0d:
                if depth == 0 { throw Envelope.Unfinished() }
                at += 1
            default:
                while at < bytes.count, !",:]}\" \t\r\n".utf8.contains(bytes[at]) { at += 1 }
                if depth == 0 {
                    if at == bytes.count, !isWhole { throw Envelope.Unfinished() }
                    return
                }
            }
        }
        throw Envelope.Unfinished()
    }

    /// Whether a value that was stepped over is JSON.
    func isJSON(_ range: Range<Int>) -> Bool {
        let copy = MutableBuffer(capacity: range.count + 64)
        copy.append(UnsafeRawBufferPointer(rebasing: bytes[range]))
        copy.append(repeating: 0, count: SalesPlan.padding)
        guard let parser = sluice_json_parser_create() else { return false }
        defer { sluice_json_parser_free(parser) }
        guard let plan = sluice_json_plan_create(0, 1) else { return false }
        defer { sluice_json_plan_free(plan) }
        var layout = SalesPlan.layout(commas: true, keepsBad: false)
        layout.duplicates = 1
        let start = copy.base.assumingMemoryBound(to: UInt8.self)
        return sluice_json_project(parser, plan, start, range.count, &layout).code == 0
            && sluice_json_peek(plan, 0).count == 1
    }

    private static func unescaped(_ raw: UnsafeRawBufferPointer) -> String {
        var text = [UInt8](repeating: 0, count: raw.count)
        let count = text.withUnsafeMutableBufferPointer { target -> Int in
            guard let start = raw.baseAddress?.assumingMemoryBound(to: UInt8.self), let base = target.baseAddress else {
                return 0
            }
            return Int(sluice_json_unescape(start, raw.count, base))
        }
        return count < 0 ? String(decoding: raw, as: UTF8.self) : String(decoding: text[..<count], as: UTF8.self)
    }
}
