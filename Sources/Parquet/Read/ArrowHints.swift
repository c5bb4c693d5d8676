import Columns

extension SchemaNode {
    /// This node with what an Arrow schema knows and Parquet does not: zones, names of items, metadata, and types that
    /// lie alike. Where the two do not agree, Parquet is believed.
    func hinted(by arrow: Field) -> SchemaNode {
        var node = self
        node.field.metadata.merge(arrow.metadata) { own, _ in own }
        switch (shape, arrow.type) {
        case (.leaf, let type):
            if let better = SchemaNode.better(field.type, type) { node.field.type = better }
        case (.structure(let children), .structure(let fields)) where children.count == fields.count:
            let hinted = zip(children, fields).map { child, field in
                child.field.name == field.name ? child.hinted(by: field) : child
            }
            node.shape = .structure(hinted)
            node.field.type = .structure(hinted.map(\.field))
        case (.list(let item, let definition, let repetition), .list(let field)):
            var hinted = item.hinted(by: field)
            hinted.field.name = field.name
            node.shape = .list(hinted, definition: definition, repetition: repetition)
            node.field.type = .list(hinted.field)
        case (.map(var entries, let definition, let repetition), .map(let key, let value)):
            guard case .structure(let pair) = entries.shape, pair.count == 2 else { break }
            var hinted = [pair[0].hinted(by: key), pair[1].hinted(by: value)]
            hinted[0].field.name = key.name
            hinted[1].field.name = value.name
            entries.shape = .structure(hinted)
            entries.field = DataType.entries(key: hinted[0].field, value: hinted[1].field)
            node.shape = .map(entries: entries, definition: definition, repetition: repetition)
            node.field.type = .map(key: hinted[0].field, value: hinted[1].field)
        default: break
        }
        return node
    }

    /// The type that says more than the one in the file, and lies in memory as it does.
    private static func better(_ own: DataType, _ arrow: DataType) -> DataType? {
        switch (own, arrow) {
        case (.timestamp(let unit, zone: .some), .timestamp(_, let zone?)): .timestamp(unit, zone: zone)
        case (.fixedBinary(16), .uuid): .uuid
        case (.utf8, .json): .json
        default: nil
        }
    }
}
