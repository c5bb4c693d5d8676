import Columns
import Support

extension FileDescription {
    var json: JSONText {
        .members([
            "file": .string(path),
            "format": .string(format),
            "bytes": .number(bytes),
            "rows": .number(rows),
            "schema": .schema(schema),
            "columns": .array(columns.map(\.json)),
            "rowGroups": rowGroups.map { groups in
                .array(
                    groups.map { group in
                        [
                            "rows": .number(group.rows),
                            "bytes": .number(group.bytes),
                            "compressedBytes": .number(group.compressedBytes),
                            "columns": .array(group.columns.map(\.json)),
                        ]
                    })
            },
            "createdBy": rowGroups == nil ? nil : createdBy.map { .string($0) } ?? .null,
            "metadata": .object(
                schema.metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: .string($0.value)) }),
        ])
    }
}

extension FileDescription.Column {
    var json: JSONText {
        .members([
            "name": .string(path),
            "type": .string("\(type)"),
            "nullable": .bool(isNullable),
            "nulls": .number(nulls),
            "distinct": .number(distinct),
            "min": .value(minimum, type),
            "max": .value(maximum, type),
            "exactBounds": .bool(hasExactBounds),
            "physicalType": stored.map { .string($0.physicalType) },
            "encodings": stored.map { .array($0.encodings.map { .string($0) }) },
            "codecs": stored.map { .array($0.codecs.map { .string($0) }) },
            "bytes": stored.map { .number($0.bytes) },
            "compressedBytes": stored.map { .number($0.compressedBytes) },
        ])
    }
}

extension JSONText {
    static func schema(_ schema: Schema) -> JSONText {
        .array(
            schema.fields.map { field in
                ["name": .string(field.name), "type": .string("\(field.type)"), "nullable": .bool(field.isNullable)]
            })
    }

    static func number(_ value: Int?) -> JSONText { value.map { .number($0) } ?? .null }

    static func value(_ value: Columns.Value?, _ type: DataType) -> JSONText {
        value.flatMap { $0.written(as: type, style: .json) }.map { .raw($0) } ?? .null
    }
}
