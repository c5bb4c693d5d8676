/// One thing that a listing names.
enum Listed: Sendable {
    case entry(BlobName, Entry)
    /// A blob of which only blocks are there.
    case uncommitted(BlobName, since: Int64)
    /// What names have in common up to the delimiter, and it: `a/b/`.
    case prefix(String)
}

/// What is listed, and from where.
struct ListQuery: Sendable {
    var prefix = ""
    /// Groups names that have it behind the prefix.
    var delimiter: String?
    /// The name to begin at.
    var start = ""
    var limit = 5000
    var showsUncommitted = false
    /// Whether directories are hidden where their names stand, because a delimiter shows them as prefixes.
    var foldsDirectories: Bool { delimiter == "/" }
}

extension StorageEngine {
    /// A page of what is in a container, in the order of names; `next` is where to go on.
    func list(_ path: ContainerPath, _ query: ListQuery) throws(StorageFault) -> (items: [Listed], next: String?) {
        try look { (state) throws(StorageFault) in
            let id = try state.number(of: path)
            guard let container = state.containers[id] else { throw .containerNotFound }
            var items: [Listed] = []
            var start = BlobName(query.start).text
            if BlobName(start) < BlobName(query.prefix) { start = query.prefix }
            while true {
                // Each walk ends at the page's end, at the listing's end, or in front of names that share a prefix.
                var jump: String?
                var next: String?
                container.walkAll(from: BlobName(start), staged: query.showsUncommitted) { name, entry, since in
                    guard name.hasPrefix(query.prefix) else { return false }
                    if items.count >= query.limit {
                        next = name.text
                        return false
                    }
                    if let group = name.group(behind: query.prefix, delimiter: query.delimiter) {
                        items.append(.prefix(group))
                        jump = group
                        return false
                    }
                    if let entry {
                        if entry.kind == .directory, query.foldsDirectories {
                            // What is below shows it; only an empty one has to be shown here.
                            if !state.hasBelow(name, in: id) { items.append(.prefix(name.text + "/")) }
                        } else {
                            items.append(.entry(name, entry))
                        }
                    } else {
                        items.append(.uncommitted(name, since: since))
                    }
                    return true
                }
                if let next { return (items, next) }
                guard let jump, let behind = jump.behindAllWithThisPrefix else { return (items, nil) }
                start = behind
            }
        }
    }
}

extension ContainerState {
    /// Goes over entries, and over what is only staged, in order; `entry` is nil for the latter.
    fileprivate func walkAll(
        from start: BlobName, staged showsStaged: Bool, _ body: (BlobName, Entry?, Int64) -> Bool
    ) {
        guard showsStaged, !staged.isEmpty else {
            return entries.walk(from: start) { body($0, $1, 0) }
        }
        var waiting: [(BlobName, Int64)] = []
        staged.walk(from: start) { name, value in
            if entries[name] == nil, !value.pieces.isEmpty { waiting.append((name, value.since)) }
            return true
        }
        var index = 0
        var goesOn = true
        entries.walk(from: start) { name, entry in
            while goesOn, index < waiting.count, waiting[index].0 < name {
                goesOn = body(waiting[index].0, nil, waiting[index].1)
                index += 1
            }
            if goesOn { goesOn = body(name, entry, 0) }
            return goesOn
        }
        while goesOn, index < waiting.count {
            goesOn = body(waiting[index].0, nil, waiting[index].1)
            index += 1
        }
    }
}

extension BlobName {
    /// The name up to the first delimiter behind the prefix, and it; nil when there is none.
    fileprivate func group(behind prefix: String, delimiter: String?) -> String? {
        guard let delimiter, !delimiter.isEmpty else { return nil }
        let mark = Array(delimiter.utf8)
        let name = Array(text.utf8)
        var place = prefix.utf8.count
        while place + mark.count <= name.count {
            if name[place] == mark[0], name[place..<place + mark.count].elementsEqual(mark) {
                return String(decoding: name[..<(place + mark.count)], as: UTF8.self)
            }
            place += 1
        }
        return nil
    }
}

extension String {
    /// The least text that is behind every text with this prefix: its last character, one further. Bytes of UTF-8 are
    /// ordered as characters are.
    var behindAllWithThisPrefix: String? {
        var scalars = unicodeScalars
        while let last = scalars.popLast() {
            let next = last.value == 0xd7ff ? 0xe000 : last.value + 1
            if let scalar = Unicode.Scalar(next) {
                scalars.append(scalar)
                return String(scalars)
            }
        }
        return nil
    }
}
