/// A value of a document that outlives its record, and what reports are made of.
indirect enum PythonValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    /// An integer that no machine word holds, by its digits.
    case bigInteger([UInt8])
    case real(Double)
    /// UTF-8 in which surrogates may stand alone, as they may in Python's strings.
    case string([UInt8])
    case list([PythonValue])
    /// Members in order; a name may stand twice, as names of different types may look the same in JSON.
    case object([(name: [UInt8], value: PythonValue)])

    /// A string.
    static func text(_ text: String) -> PythonValue { .string(Array(text.utf8)) }

    /// An object of these members.
    static func members(_ members: KeyValuePairs<String, PythonValue>) -> PythonValue {
        .object(members.map { (Array($0.key.utf8), $0.value) })
    }
}

extension Tape {
    /// A copy of the value at `place`.
    func value(_ place: Int) -> PythonValue {
        let node = self[place]
        switch node.kind {
        case .null: return .null
        case .no: return .bool(false)
        case .yes: return .bool(true)
        case .integer: return .integer(node.start)
        case .bigInteger: return .bigInteger(Array(bytes(node)))
        case .real: return .real(Double(bitPattern: UInt64(bitPattern: Int64(node.start))))
        case .string, .key: return .string(Array(bytes(node)))
        case .array:
            var items: [PythonValue] = []
            items.reserveCapacity(node.start)
            var at = place + 1
            while at < node.count {
                items.append(value(at))
                at = next(at)
            }
            return .list(items)
        case .object: return .object(members(place))
        }
    }

    /// Copies of the members of the object at `place`: of several of a name the last, where the first one stood.
    private func members(_ place: Int) -> [(name: [UInt8], value: PythonValue)] {
        var members: [(name: [UInt8], value: PythonValue)] = []
        var places: [[UInt8]: Int] = [:]
        let end = self[place].count
        var at = place + 1
        while at < end {
            let name = Array(bytes(self[at]))
            let value = value(at + 1)
            if let known = places[name] {
                members[known].value = value
            } else {
                places[name] = members.count
                members.append((name, value))
            }
            at = next(at + 1)
        }
        return members
    }
}
