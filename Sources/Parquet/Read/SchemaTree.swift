import Columns
import Support

/// A leaf of the schema: where values are.
struct Leaf: Sendable {
    /// Its number among the leaves, which is its place in every row group.
    let index: Int
    /// The names from the top, as the file has them.
    let path: [String]
    let physical: PhysicalType
    /// The length of fixed-length values; 0 for others.
    let typeLength: Int
    /// What its values become.
    let type: DataType
    let conversion: Conversion
    let maxDefinition: Int
    let maxRepetition: Int
    /// The definition level from which on there is a place for a value: that of the innermost repeated ancestor.
    let slotDefinition: Int

    var dottedPath: String { path.joined(separator: ".") }
}

/// A node of the schema as columns see it: repeated groups and their wrappers have become lists and maps.
struct SchemaNode: Sendable {
    indirect enum Shape: Sendable {
        case leaf(Leaf)
        case structure([SchemaNode])
        /// One child a list has; `definition` and `repetition` are the levels of its repeated node.
        case list(SchemaNode, definition: Int, repetition: Int)
        /// As a list of pairs.
        case map(entries: SchemaNode, definition: Int, repetition: Int)
    }

    var field: Field
    /// The definition level from which on the node itself is there.
    let definition: Int
    /// The definition and repetition levels of the innermost repeated ancestor, which decide whether there is a place
    /// for the node.
    let slotDefinition: Int
    let slotRepetition: Int
    var shape: Shape

    /// The leaves below, in the file's order.
    var leaves: [Leaf] {
        switch shape {
        case .leaf(let leaf): [leaf]
        case .structure(let children): children.flatMap(\.leaves)
        case .list(let item, _, _): item.leaves
        case .map(let entries, _, _): entries.leaves
        }
    }
}

/// Makes the tree out of the footer's flat list, which may lie.
struct SchemaTreeBuilder {
    private let elements: [SchemaElement]
    private let limits: ParquetLimits
    private let int96Unit: TimeUnit
    private var next = 0
    private var leafCount = 0

    /// The footer's list as a tree, still with repeated groups and wrappers.
    private struct RawNode {
        let element: SchemaElement
        let children: [RawNode]
        var leaf: Int?
    }

    /// What surrounds a node.
    private struct Levels {
        var definition = 0
        var repetition = 0
        var slotDefinition = 0
        var slotRepetition = 0
        var path: [String] = []

        func optional(_ isOptional: Bool) -> Levels {
            var levels = self
            if isOptional { levels.definition += 1 }
            return levels
        }

        var repeated: Levels {
            var levels = self
            levels.definition += 1
            levels.repetition += 1
            levels.slotDefinition = levels.definition
            levels.slotRepetition = levels.repetition
            return levels
        }

        func below(_ name: String) -> Levels {
            var levels = self
            levels.path.append(name)
            return levels
        }
    }

    private init(_ elements: [SchemaElement], limits: ParquetLimits, int96Unit: TimeUnit) {
        self.elements = elements
        self.limits = limits
        self.int96Unit = int96Unit
    }

    /// The columns of a file.
    static func build(
        _ elements: [SchemaElement], limits: ParquetLimits, int96Unit: TimeUnit
    ) throws(SluiceError) -> [SchemaNode] {
        var builder = SchemaTreeBuilder(elements, limits: limits, int96Unit: int96Unit)
        guard let root = elements.first else { throw SluiceError(.invalidData, "the footer's schema is empty") }
        builder.next = 1
        let children = try builder.children(of: root, depth: 1)
        guard builder.next == elements.count else {
            throw SluiceError(
                .invalidData,
                "the footer's schema has \(elements.count) nodes, of which \(builder.next) are in its tree")
        }
        var nodes: [SchemaNode] = []
        nodes.reserveCapacity(children.count)
        for child in children { nodes.append(try builder.convert(child, Levels())) }
        return nodes
    }

    private mutating func children(of parent: SchemaElement, depth: Int) throws(SluiceError) -> [RawNode] {
        let count = Int(parent.childCount ?? 0)
        guard depth <= limits.maxSchemaDepth else {
            throw SluiceError(
                .limitExceeded, "the schema is nested more than \(limits.maxSchemaDepth) levels deep",
                place: .init(column: parent.name))
        }
        guard count >= 0, count <= elements.count - next else {
            throw SluiceError(
                .invalidData, "a group declares \(count) children, \(elements.count - next) nodes are left",
                place: .init(column: parent.name))
        }
        var nodes: [RawNode] = []
        nodes.reserveCapacity(count)
        for _ in 0..<count {
            guard next < elements.count else {
                throw SluiceError(.invalidData, "the schema ends inside a group", place: .init(column: parent.name))
            }
            let element = elements[next]
            next += 1
            if element.type != nil, element.childCount ?? 0 == 0 {
                guard leafCount < limits.maxColumns else {
                    throw SluiceError(.limitExceeded, "the schema has more than \(limits.maxColumns) leaves")
                }
                nodes.append(RawNode(element: element, children: [], leaf: leafCount))
                leafCount += 1
            } else {
                let inside = try children(of: element, depth: depth + 1)
                guard !inside.isEmpty, element.type == nil else {
                    throw SluiceError(
                        .invalidData, "a node of the schema is neither a group nor a leaf",
                        place: .init(column: element.name))
                }
                nodes.append(RawNode(element: element, children: inside))
            }
        }
        return nodes
    }

    // MARK: - Lists and maps of every age

    /// A node where it stands; one that is repeated without a list around it is a list itself.
    private func convert(_ node: RawNode, _ outer: Levels) throws(SluiceError) -> SchemaNode {
        let levels = outer.below(node.element.name)
        guard node.element.repetition == .repeated else {
            return try convertOnce(node, levels, isOptional: node.element.repetition == .optional)
        }
        let inside = levels.repeated
        let item = try convertOnce(node, inside, isOptional: false)
        return SchemaNode(
            field: Field(node.element.name, .list(item.field), nullable: false, metadata: node.element.fieldMetadata),
            definition: levels.definition, slotDefinition: levels.slotDefinition,
            slotRepetition: levels.slotRepetition,
            shape: .list(item, definition: inside.definition, repetition: inside.repetition))
    }

    /// A node without regard to its being repeated.
    private func convertOnce(_ node: RawNode, _ outer: Levels, isOptional: Bool) throws(SluiceError) -> SchemaNode {
        let levels = outer.optional(isOptional)
        func make(_ type: DataType, _ shape: SchemaNode.Shape) -> SchemaNode {
            SchemaNode(
                field: Field(
                    node.element.name, type, nullable: isOptional, metadata: node.element.fieldMetadata),
                definition: levels.definition, slotDefinition: levels.slotDefinition,
                slotRepetition: levels.slotRepetition, shape: shape)
        }

        if let index = node.leaf {
            let leaf = try makeLeaf(node.element, index, levels)
            return make(leaf.type, .leaf(leaf))
        }
        if let repeated = node.children.first, node.children.count == 1, repeated.element.repetition == .repeated {
            let inside = levels.below(repeated.element.name).repeated
            if node.element.isMap, repeated.children.count == 2, repeated.children[0].element.repetition != .repeated {
                var key = try convert(repeated.children[0], inside)
                key.field.isNullable = false
                let value = try convert(repeated.children[1], inside)
                // A null key has no place in a map; what a writer calls optional keys are never null in fact, and
                // reading checks it.
                let type = DataType.map(key: key.field, value: value.field)
                let entries = SchemaNode(
                    field: DataType.entries(key: key.field, value: value.field), definition: inside.definition,
                    slotDefinition: inside.slotDefinition, slotRepetition: inside.slotRepetition,
                    shape: .structure([key, value]))
                return make(
                    type, .map(entries: entries, definition: inside.definition, repetition: inside.repetition))
            }
            if node.element.isList || node.element.isMap {
                let item: SchemaNode
                if repeated.children.count == 1, !isItem(repeated, of: node) {
                    item = try convert(repeated.children[0], inside)
                } else {
                    item = try convertOnce(repeated, inside, isOptional: false)
                }
                return make(
                    .list(item.field), .list(item, definition: inside.definition, repetition: inside.repetition))
            }
        }
        var children: [SchemaNode] = []
        children.reserveCapacity(node.children.count)
        for child in node.children { children.append(try convert(child, levels)) }
        return make(.structure(children.map(\.field)), .structure(children))
    }

    /// Whether a repeated group of one field is the item of its list, and not a wrapper around the item: the rules for
    /// what was written before there was one form.
    private func isItem(_ repeated: RawNode, of list: RawNode) -> Bool {
        repeated.children[0].element.repetition == .repeated
            || repeated.element.isList || repeated.element.isMap
            || repeated.element.name == "array" || repeated.element.name == list.element.name + "_tuple"
    }

    private func makeLeaf(_ element: SchemaElement, _ index: Int, _ levels: Levels) throws(SluiceError) -> Leaf {
        let physical = element.type ?? .boolean
        var length = 0
        if physical == .fixedLengthByteArray {
            length = Int(element.typeLength ?? 0)
            guard length > 0, length <= limits.maxPageBytes else {
                throw SluiceError(
                    .invalidData, "values of fixed length are declared to be \(length) bytes long",
                    place: .init(column: levels.path.joined(separator: ".")))
            }
        }
        let (type, conversion) = element.meaning(physical, length, int96Unit: int96Unit)
        return Leaf(
            index: index, path: levels.path, physical: physical, typeLength: length, type: type,
            conversion: conversion, maxDefinition: levels.definition, maxRepetition: levels.repetition,
            slotDefinition: levels.slotDefinition)
    }
}

extension SchemaElement {
    fileprivate var isList: Bool { logicalType == .list || (logicalType == nil && convertedType == .list) }
    fileprivate var isMap: Bool {
        logicalType == .map || (logicalType == nil && (convertedType == .map || convertedType == .mapKeyValue))
    }
    /// The field's number, under the name that other Arrow libraries give it.
    fileprivate var fieldMetadata: [String: String] { fieldID.map { ["PARQUET:field_id": String($0)] } ?? [:] }
}
