import Columns
import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension ParquetFile {
    /// The number of processors that there are for decoding.
    public static var availableProcessors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// The nodes that `names` ask for, in the order in which each column is named first.
    func project(_ names: [String]) throws(SluiceError) -> [SchemaNode] {
        var order: [Int] = []
        var wanted: [Int: [[String]]] = [:]
        for name in names {
            guard let (index, rest) = find(name) else {
                let near = nearestWord(to: name, among: nodes.map(\.field.name))
                throw SluiceError(
                    .notFound, "there is no column \"\(name)\"", place: .init(file: source.name),
                    hint: near.map { "did you mean \"\($0)\"?" })
            }
            if wanted[index] == nil { order.append(index) }
            wanted[index, default: []].append(rest)
        }
        var projected: [SchemaNode] = []
        for index in order { if let node = nodes[index].projected(wanted[index] ?? [[]]) { projected.append(node) } }
        return projected
    }

    /// The column that a name or dotted path begins with, and the rest of the path. Names may have dots themselves.
    private func find(_ name: String) -> (Int, [String])? {
        if let index = schema.index(of: name) { return (index, []) }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        for count in (1..<max(parts.count, 1)).reversed() {
            let first = parts[..<count].joined(separator: ".")
            guard let index = schema.index(of: first) else { continue }
            let rest = Array(parts[count...])
            if nodes[index].projected([rest]) != nil { return (index, rest) }
        }
        return nil
    }
}

extension SchemaNode {
    /// This node with only what `paths` ask for inside; an empty path asks for all. Nil when one of them is not there.
    func projected(_ paths: [[String]]) -> SchemaNode? {
        if paths.contains([]) { return self }
        switch shape {
        case .leaf: return nil
        case .structure(let children):
            var kept: [SchemaNode] = []
            var found = 0
            for child in children {
                let rests = paths.filter { $0.first == child.field.name }.map { Array($0.dropFirst()) }
                if rests.isEmpty { continue }
                guard let node = child.projected(rests) else { return nil }
                kept.append(node)
                found += rests.count
            }
            guard found == paths.count else { return nil }
            var node = self
            node.field.type = .structure(kept.map(\.field))
            node.shape = .structure(kept)
            return node
        case .list(let item, let definition, let repetition):
            // The item may be named, or left out.
            let rests = paths.map { $0.first == item.field.name ? Array($0.dropFirst()) : $0 }
            guard let inside = item.projected(rests) else { return nil }
            var node = self
            node.field.type = .list(inside.field)
            node.shape = .list(inside, definition: definition, repetition: repetition)
            return node
        case .map(var entries, let definition, let repetition):
            guard case .structure(let pair) = entries.shape, pair.count == 2, case .map(let key, _) = field.type else {
                return nil
            }
            // A map needs its keys, so that only its values can be narrowed.
            let wanted = paths.filter { $0.first != pair[0].field.name }
            var value = pair[1]
            if wanted.count < paths.count, paths.contains(where: { $0.count > 1 && $0.first == pair[0].field.name }) {
                return nil
            }
            if !wanted.isEmpty {
                let rests = wanted.map { $0.first == value.field.name ? Array($0.dropFirst()) : $0 }
                guard let inside = value.projected(rests) else { return nil }
                value = inside
            }
            entries.shape = .structure([pair[0], value])
            entries.field = DataType.entries(key: key, value: value.field)
            var node = self
            node.field.type = .map(key: key, value: value.field)
            node.shape = .map(entries: entries, definition: definition, repetition: repetition)
            return node
        }
    }
}
