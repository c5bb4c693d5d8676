public import Columns
import Support
import Synchronization
import TextFormats

/// Several tables as one: the rows of the first, then those of the second, under a schema that holds all of them.
///
/// A column that one table lacks is null there. The types of text files are those that one file with all of the rows
/// would have: whole numbers in one and fractions in another are floats together, where every number is exact as one.
/// When a member finds, late, that its types must be wider, all members behind it are looked through at once, so that
/// starting again happens once and not once for each of them.
public final class UnionSource: TableSource {
    private let members: [any TableSource]
    private let knowledge: Mutex<Knowledge>

    /// What passes have found out.
    private struct Knowledge: Sendable {
        /// The schemas of members that turned out to be wider than they first showed.
        var settled: [Schema?]
        /// Columns in which whole numbers of one member and fractions of another do not go together as floats.
        var inexact: Set<String> = []
    }

    /// The tables `members`, of which there is at least one.
    public init(_ members: [any TableSource]) {
        precondition(!members.isEmpty, "a union needs a member")
        self.members = members
        knowledge = Mutex(Knowledge(settled: Array(repeating: nil, count: members.count)))
    }

    /// What to call this in a message.
    public var name: String { members.count == 1 ? members[0].name : "\(members.count) files" }
    /// Whether a member finds out types from values.
    public var infersTypes: Bool { members.contains { $0.infersTypes } }

    /// Begins to read. What earlier passes found out is remembered here, so `schema` may as well be nil.
    public func open(under schema: Schema?, columns: [String]?) async throws -> any BatchReader {
        if members.count == 1 { return try await members[0].open(under: schema, columns: columns) }
        var known = try await schemas(columns)
        var (union, floats) = union(of: known)
        for index in members.indices where members[index].infersTypes {
            // Numbers that become text are read as text: "1.50" parsed and written again would be "1.5".
            let asText = known[index].fields.map { field in
                field.type != .utf8 && field.type != .null && union.type(of: field.name) == .utf8
            }
            guard asText.contains(true) else { continue }
            var settled = try await settle(index)
            for (place, isText) in asText.enumerated() where isText && place < settled.fields.count {
                settled.fields[place].type = .utf8
            }
            knowledge.withLock { [settled] in $0.settled[index] = settled }
            known[index] = settled
        }
        (union, floats) = self.union(of: known)
        return UnionReader(self, schema: union, floats: floats, columns: columns, count: members.count)
    }

    /// A reader of one member under what is known of it.
    fileprivate func open(_ index: Int, _ columns: [String]?) async throws -> any BatchReader {
        try await members[index].open(under: knowledge.withLock { $0.settled[index] }, columns: columns)
    }

    /// Looks through the rest of the data after the member at `index` turned out to be wider.
    fileprivate func widen(_ index: Int, to schema: Schema, _ columns: [String]?) async throws -> Schema {
        knowledge.withLock { $0.settled[index] = schema }
        for other in (index + 1)..<members.count where members[other].infersTypes { _ = try await settle(other) }
        return union(of: try await schemas(columns)).schema
    }

    /// Gives up reading `columns` as floats.
    fileprivate func giveUpFloats(_ names: Set<String>, _ columns: [String]?) async throws -> Schema {
        knowledge.withLock { $0.inexact.formUnion(names) }
        return union(of: try await schemas(columns)).schema
    }

    /// The members' schemas, with `null` for what has shown no value yet.
    private func schemas(_ columns: [String]?) async throws -> [Schema] {
        var schemas: [Schema] = []
        for index in members.indices {
            try Task.checkCancellation()
            // Opened for its schema only: hundreds of files must not be open at the same time.
            let reader = try await open(index, columns)
            var schema = reader.schema
            if let unknown = (reader as? any InferringReader)?.columnsWithoutValues, !unknown.isEmpty {
                for place in schema.fields.indices where unknown.contains(schema.fields[place].name) {
                    schema.fields[place].type = .null
                }
            }
            schemas.append(schema)
        }
        return schemas
    }

    /// The schema that holds for all of a member's data, for which it is read once if need be.
    private func settle(_ index: Int) async throws -> Schema {
        if let schema = knowledge.withLock({ $0.settled[index] }) { return schema }
        let reader = try await open(index, nil)
        do {
            while try await reader.next() != nil { try Task.checkCancellation() }
            return reader.schema
        } catch let widened as SchemaWidened {
            knowledge.withLock { $0.settled[index] = widened.schema }
            return widened.schema
        }
    }

    /// The schema that all rows fit, and the columns that are floats only if all whole numbers in them are exact.
    private func union(of schemas: [Schema]) -> (schema: Schema, floats: Set<String>) {
        let inexact = knowledge.withLock { $0.inexact }
        var floats: Set<String> = []
        var promoted = schemas
        for index in members.indices where members[index].infersTypes {
            for (place, field) in schemas[index].fields.enumerated() where !inexact.contains(field.name) {
                for other in members.indices where other != index && members[other].infersTypes {
                    guard let type = schemas[other].type(of: field.name) else { continue }
                    let joined = promoted[index].fields[place].type.promoted(with: type)
                    if joined != promoted[index].fields[place].type { floats.insert(field.name) }
                    promoted[index].fields[place].type = joined
                }
            }
        }
        var union = Schema.union(promoted)
        // What has no value anywhere is text, as in a single file.
        for place in union.fields.indices where union.fields[place].type == .null && infersTypes {
            union.fields[place].type = .utf8
        }
        return (union, floats)
    }
}

extension Schema {
    fileprivate func type(of name: String) -> DataType? { index(of: name).map { fields[$0].type } }
}

extension DataType {
    /// This type with `float64` in place of `int64` wherever `other` has `float64`.
    fileprivate func promoted(with other: DataType) -> DataType {
        switch (self, other) {
        case (.int64, .float64): return .float64
        case (.list(var item), .list(let otherItem)):
            item.type = item.type.promoted(with: otherItem.type)
            return .list(item)
        case (.structure(var fields), .structure(let otherFields)):
            for place in fields.indices {
                guard let match = otherFields.first(where: { $0.name == fields[place].name }) else { continue }
                fields[place].type = fields[place].type.promoted(with: match.type)
            }
            return .structure(fields)
        default: return self
        }
    }
}

/// Reads the members of a union one after the other.
private final class UnionReader: BatchReader, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `BatchReader` demands.

    let schema: Schema
    private let source: UnionSource
    private let floats: Set<String>
    private let columns: [String]?
    private let count: Int
    private var index = 0
    private var reader: (any BatchReader)?

    init(_ source: UnionSource, schema: Schema, floats: Set<String>, columns: [String]?, count: Int) {
        self.source = source
        self.schema = schema
        self.floats = floats
        self.columns = columns
        self.count = count
    }

    func next() async throws -> RecordBatch? {
        while index < count {
            do {
                let reader: any BatchReader
                if let open = self.reader { reader = open } else { reader = try await source.open(index, columns) }
                self.reader = reader
                if let batch = try await reader.next() { return try await conform(batch) }
            } catch let widened as SchemaWidened {
                reader = nil
                throw SchemaWidened(try await source.widen(index, to: widened.schema, columns), at: widened.place)
            }
            reader = nil
            index += 1
        }
        return nil
    }

    private func conform(_ batch: RecordBatch) async throws -> RecordBatch {
        do throws(SluiceError) {
            return try batch.withoutUnknownTypes.conform(to: schema)
        } catch {
            guard error.code == .conversion, !floats.isEmpty else { throw error }
            reader = nil
            throw SchemaWidened(try await source.giveUpFloats(floats, columns), at: error.place)
        }
    }
}

extension RecordBatch {
    /// The same with type `null` for columns of nothing but nulls: they fit any type then.
    fileprivate var withoutUnknownTypes: RecordBatch {
        guard columns.contains(where: { $0.nullCount == rowCount && $0.type != .null }) else { return self }
        var schema = schema
        var columns = columns
        for place in columns.indices where columns[place].nullCount == rowCount {
            schema.fields[place].type = .null
            columns[place] = Column(type: .null, count: rowCount, nullCount: rowCount)
        }
        return RecordBatch(schema: schema, columns: columns, rowCount: rowCount)
    }
}
