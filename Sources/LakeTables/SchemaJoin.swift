import Columns
import Support

/// Joins the schemas of a table's files into one: columns are matched by name whatever its case, as most engines do; the
/// newest file decides how a name is written and in which order columns stand; types are widened until all values fit.
struct SchemaJoin {
    private(set) var columns: [LakeColumn] = []
    private(set) var conflicts: [String] = []

    /// Joins `generations`, the oldest first.
    init(_ generations: [(schema: Schema, files: Int)], partitions: Set<String>) {
        var places: [String: Int] = [:]
        var told: Set<String> = []
        var joined: [LakeColumn] = []
        func tell(_ conflict: String) {
            if told.insert(conflict).inserted { conflicts.append(conflict) }
        }
        let total = generations.reduce(0) { $0 + $1.files }
        var present: [Int] = []
        var ambiguous: Set<String> = []
        // From the newest to the oldest, so that the first to name a column is the one to follow.
        for (schema, files) in generations.reversed() {
            var seen: [String: String] = [:]
            for field in schema.fields {
                let key = field.name.lowercased()
                if field.name.isEmpty || field.name.utf8.contains(0) {
                    tell("a column without a usable name is left out")
                    continue
                }
                if let other = seen[key] {
                    ambiguous.insert(key)
                    tell(
                        "the columns \(SchemaJoin.quoted(other)) and \(SchemaJoin.quoted(field.name)) of one file "
                            + "have one name to SQL; the second is left out")
                    continue
                }
                seen[key] = field.name
                if partitions.contains(key) {
                    tell(
                        "the column \(SchemaJoin.quoted(field.name)) is in the files and in their paths; "
                            + "the path's is taken")
                    continue
                }
                guard let place = places[key] else {
                    places[key] = joined.count
                    joined.append(
                        LakeColumn(field: field, types: [field.type], names: [field.name], isConflict: false))
                    present.append(files)
                    continue
                }
                present[place] += files
                joined[place].names.insert(field.name)
                joined[place].types.insert(field.type)
                joined[place].field.isNullable = joined[place].field.isNullable || field.isNullable
                let old = joined[place].field.type
                let union = DataType.union(old, field.type)
                if !SchemaJoin.isLossless(old, union) || !SchemaJoin.isLossless(field.type, union) {
                    joined[place].isConflict = true
                }
                joined[place].field.type = union
            }
        }
        for place in joined.indices where present[place] < total { joined[place].field.isNullable = true }
        for key in ambiguous { if let place = places[key] { joined[place].isAmbiguous = true } }
        for column in joined where column.isConflict {
            let types = column.types.map { "\($0)" }.sorted().joined(separator: ", ")
            tell(
                "the column \(SchemaJoin.quoted(column.field.name)) has types that nothing but "
                    + "\(column.field.type) has in common: \(types)")
        }
        columns = joined
    }

    /// Whether values of `type` are still what they were as values of `union`: numbers are numbers, and not text.
    static func isLossless(_ type: DataType, _ union: DataType) -> Bool {
        switch (type, union) {
        case _ where type == union: true
        case (.null, _): true
        case (.json, .utf8): true
        case (_, .utf8), (_, .json): false
        case (.uuid, .binary): false
        case (.list(let item), .list(let other)): isLossless(item.type, other.type)
        case (.structure(let fields), .structure(let others)):
            fields.allSatisfy { field in
                others.first { $0.name == field.name }.map { isLossless(field.type, $0.type) } ?? true
            }
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            isLossless(key.type, otherKey.type) && isLossless(value.type, otherValue.type)
        default: true
        }
    }

    static func quoted(_ name: String) -> String { "\"" + Display.safe(name) + "\"" }
}

/// What partition columns are, found out from all of their values.
enum PartitionTypes {
    /// What engines write in a path where there is no value.
    static let null = "__HIVE_DEFAULT_PARTITION__"

    /// The type of the column `name` with `values`.
    static func type(of name: String, _ values: some Sequence<String?>) -> DataType {
        var isInteger = true
        var isDate = true
        var isEmpty = true
        let isDatePart = TablePattern.dateNames.contains(name.lowercased())
        for case let value? in values {
            isEmpty = false
            if isDate, !LakeLayout.isDate(value) || !isDay(value) { isDate = false }
            if isInteger, !isWhole(value, leadingZeros: isDatePart) { isInteger = false }
            if !isInteger, !isDate { break }
        }
        if isEmpty { return .utf8 }
        return isInteger ? .int32 : isDate ? .date : .utf8
    }

    /// Whether a text is a number of up to nine digits that is written as numbers are. `007` is one as a month only.
    private static func isWhole(_ text: String, leadingZeros: Bool) -> Bool {
        var digits = Array(text.utf8)
        if digits.first == UInt8(ascii: "-") { digits.removeFirst() }
        guard !digits.isEmpty, digits.count <= 9, digits.allSatisfy({ (48...57).contains($0) }) else { return false }
        return leadingZeros || digits.count == 1 || digits[0] != UInt8(ascii: "0")
    }

    /// Whether `text`, which is written like a day, is one.
    private static func isDay(_ text: String) -> Bool {
        let numbers = text.split(separator: "-").compactMap { Int($0) }
        guard numbers.count == 3, numbers[0] >= 1, (1...12).contains(numbers[1]) else { return false }
        let isLeap = numbers[0] % 4 == 0 && (numbers[0] % 100 != 0 || numbers[0] % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[numbers[1] - 1]).contains(numbers[2])
    }
}
