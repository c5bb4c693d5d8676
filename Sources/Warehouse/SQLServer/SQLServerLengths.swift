import Columns
import Support

/// Columns that do not take every text, `NVARCHAR(20)` and `VARCHAR(MAX)`, and the texts that they do not take.
///
/// Nothing is known of texts when a load is planned. So a column is widened when the first text comes that it does not
/// take, and only then: a table's own limits stay as they are as long as the rows keep to them.
struct SQLServerLengths: Sendable {
    /// A column that does not take every text.
    struct Limit: Sendable, Hashable {
        /// Its place among the columns that are written.
        var place: Int
        /// Its name.
        var name: String
        /// Its type in the database's words.
        var sqlType: String
        /// How many units of UTF-16, or bytes, it takes; nil for any number.
        var length: Int?
        /// In which characters a narrow text is kept; nil for one that holds all.
        var codePage: Int?
        /// What it becomes for a text that it does not take; nil when it stays as it is.
        var wider: String?
    }

    /// The columns that have a limit.
    private(set) var limits: [Limit] = []
    /// The types that columns get, by their place, because a text has come that they do not take.
    private(set) var widened: [Int: String] = [:]

    init(_ load: Load, _ table: SQLServerTable) {
        var keys: [String] = []
        if case .merge(let names, _, _) = load.mode { keys = names }
        for (place, target) in load.plan.targets.enumerated() where target.type == .utf8 {
            let known = table.column(target.name)
            let type = SQLServerType(target.sqlType)
            guard type.isText else { continue }
            let length = type.name.hasSuffix("TEXT") ? nil : type.first
            let isNarrow = !type.isWide
            guard length != nil || isNarrow else { continue }
            // A char is filled up to its length, which a longer text is not, so that its values would no longer be the
            // same; a key's column has an index, with which it cannot change.
            let isFree =
                load.plan.request.contract == .evolve && known?.column.isAlterable != false && !type.isPadded
                && known?.column.isInPrimaryKey != true && !keys.contains(target.name)
            limits.append(
                Limit(
                    place: place, name: target.name, sqlType: target.sqlType, length: length,
                    codePage: isNarrow ? known?.codePage ?? 0 : nil, wider: isFree ? "NVARCHAR(MAX)" : nil))
        }
    }

    /// The first text of `batch` that its column does not take, and why.
    func excess(in batch: RecordBatch) -> (limit: Limit, row: Int, reason: String)? {
        for limit in limits {
            let column = batch.columns[limit.place]
            guard column.nullCount < column.count else { continue }
            let found: (Int, String)? = column.withBytes { offsets, bytes in
                for row in 0..<column.count {
                    let text = bytes[Int(offsets[row])..<Int(offsets[row &+ 1])]
                    // A text is never more units than bytes, and most are of ASCII.
                    let isASCII = text.allSatisfy { $0 < 0x80 }
                    if isASCII, limit.length.map({ text.count <= $0 }) ?? true { continue }
                    if column.isNull(at: row) { continue }
                    if let reason = limit.refusal(of: String(decoding: text, as: UTF8.self)) { return (row, reason) }
                }
                return nil
            }
            if let (row, reason) = found { return (limit, row, reason) }
        }
        return nil
    }

    /// Lets a column take every text when the rows are brought into the table.
    mutating func widen(_ limit: Limit) {
        limits.removeAll { $0.place == limit.place }
        widened[limit.place] = limit.wider
    }
}

extension SQLServerLengths.Limit {
    /// Why the column does not take `text`; nil when it does.
    fileprivate func refusal(of text: String) -> String? {
        var size = text.utf16.count
        if let codePage {
            switch codePage {
            case 65001: size = text.utf8.count
            case 1252:
                if let other = text.unicodeScalars.first(where: { !$0.isInCodePage1252 }) { return lack(of: other) }
                size = text.unicodeScalars.count
            default:
                // What other pages hold is not known here, except for what they have in common.
                if let other = text.unicodeScalars.first(where: { !$0.isASCII }) { return lack(of: other) }
            }
        }
        guard let length, size > length else { return nil }
        return "a text has \(size) characters, the column is \(sqlType)"
    }

    private func lack(of scalar: Unicode.Scalar) -> String {
        "a text has the character U+\(String(scalar.value, radix: 16, uppercase: true)), which the column, \(sqlType), may "
            + "not be able to keep"
    }
}

extension Unicode.Scalar {
    /// Whether Windows' western characters have this one.
    fileprivate var isInCodePage1252: Bool {
        switch value {
        case 0..<0x80, 0xA0...0xFF: true
        case 0x20AC, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x017D,
            0x2018,
            0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x017E, 0x0178:
            true
        default: false
        }
    }
}
