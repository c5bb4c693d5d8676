import Columns
import Support

/// Finding out what a file is like from its first bytes.
enum CSVDetection {
    /// How many bytes are looked at.
    static let sampleBytes = 64 << 10

    /// The encoding and the length of the byte order mark.
    static func encoding(of sample: Buffer, given: TextEncoding?) -> (TextEncoding, mark: Int) {
        let start = sample[0..<min(sample.count, 4096)].bytes
        if start.starts(with: [0xef, 0xbb, 0xbf]), given ?? .utf8 == .utf8 { return (.utf8, 3) }
        if start.starts(with: [0xff, 0xfe]), given ?? .utf16le == .utf16le { return (.utf16le, 2) }
        if start.starts(with: [0xfe, 0xff]), given ?? .utf16be == .utf16be { return (.utf16be, 2) }
        if let given { return (given, 0) }
        // Half of the bytes of common text are zero in UTF-16, and hardly any in UTF-8.
        let pairs = start.count / 2
        if pairs >= 2 {
            let high = (0..<pairs).count { start[$0 * 2] == 0 && start[$0 * 2 + 1] != 0 }
            let low = (0..<pairs).count { start[$0 * 2] != 0 && start[$0 * 2 + 1] == 0 }
            if low * 10 >= pairs * 7 { return (.utf16le, 0) }
            if high * 10 >= pairs * 7 { return (.utf16be, 0) }
        }
        return (.utf8, 0)
    }

    /// The dialect of a sample that begins at a record.
    static func dialect(of sample: Buffer, _ options: CSVOptions) -> CSVDialect {
        let bytes = sample.bytes
        let newline = bytes.contains(10) || !bytes.contains(13) ? UInt8(10) : 13
        var dialect = CSVDialect(
            delimiter: options.delimiter ?? UInt8(ascii: ","), newline: newline, quote: options.quote,
            escape: options.escape == options.quote ? nil : options.escape, comment: options.comment)
        if options.delimiter != nil { return dialect }
        var best = 0
        for delimiter in [",", ";", "\t", "|"] as [Unicode.Scalar] {
            var candidate = dialect
            candidate.delimiter = UInt8(ascii: delimiter)
            let score = score(bytes, candidate)
            if score > best {
                best = score
                dialect.delimiter = candidate.delimiter
            }
        }
        return dialect
    }

    /// How well a dialect explains the sample: the share of records as wide as most are comes first, then the width.
    private static func score(_ bytes: [UInt8], _ dialect: CSVDialect) -> Int {
        let chunk = CSVChunk(capacity: bytes.count)
        chunk.text.append(bytes)
        chunk.scan(dialect, size: bytes.count)
        if chunk.recordCount == 0 {
            chunk.text.append(dialect.newline)
            chunk.scan(dialect, size: bytes.count + 1)
        }
        var widths: [Int: Int] = [:]
        var first = 0
        for field in 0..<chunk.fieldCount where chunk.ends[field] & CSVChunk.recordEnd != 0 {
            let record = CSVRecord(chunk, fields: first..<field + 1, dialect)
            if !record.isEmpty, !record.isComment { widths[record.count, default: 0] += 1 }
            first = field + 1
        }
        let records = widths.values.reduce(0, +)
        guard let common = widths.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }), common.key > 1 else { return 0 }
        return common.value * 1000 / records * 100_000 + min(common.key, 99_999)
    }

    /// Whether the first record may name columns: its fields are texts, all different and none empty.
    static func isHeader(_ names: [String]) -> Bool {
        var types: [DataType?] = []
        for name in names {
            var found = TypeInference()
            Array(name.utf8).withUnsafeBytes { found.observe($0) }
            types.append(found.type)
        }
        if names.contains("") || Set(names).count < names.count { return false }
        if types.contains(where: { $0 != .utf8 }) { return false }
        return true
    }

    /// Names for columns: those given, with empty ones replaced and repeated ones numbered.
    static func names(_ given: [String]) -> [String] {
        var taken = Set(given)
        var seen = Set<String>()
        return given.enumerated().map { index, name in
            var base = name
            if base.isEmpty {
                base = "column_\(index + 1)"
                if !taken.contains(base) {
                    taken.insert(base)
                    seen.insert(base)
                    return base
                }
            } else if seen.insert(base).inserted {
                return base
            }
            var number = 2
            while taken.contains("\(base)_\(number)") { number += 1 }
            taken.insert("\(base)_\(number)")
            return "\(base)_\(number)"
        }
    }
}
