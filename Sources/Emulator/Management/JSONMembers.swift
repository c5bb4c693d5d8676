import Support

/// Documents of Resource Manager: names of members compare without regard to case.
extension JSONText {
    /// The member along a path such as `properties.configuration.triggerType`; nil where there is none, or null.
    func at(_ path: String) -> JSONText? {
        var value = self
        for part in path.split(separator: ".") {
            let key = part.lowercased()
            guard let found = value.members?.last(where: { $0.key.lowercased() == key })?.value else { return nil }
            value = found
        }
        // Not `? nil : value`, in which `nil` would be JSON's null.
        if value == .null { return nil }
        return value
    }

    /// The same with another value along a path, whose objects are made where they are missing; nil takes it away.
    func setting(_ path: String, _ new: JSONText?) -> JSONText {
        setting(path.split(separator: ".").map(String.init)[...], new)
    }

    private func setting(_ path: ArraySlice<String>, _ new: JSONText?) -> JSONText {
        guard let key = path.first else { return new ?? .null }
        var members = self.members ?? []
        let place = members.lastIndex { $0.key.lowercased() == key.lowercased() }
        let isLast = path.count == 1
        if isLast, new == nil {
            if let place { members.remove(at: place) }
            return .object(members)
        }
        let value = (place.map { members[$0].value } ?? .object([])).setting(path.dropFirst(), new)
        if let place { members[place].value = value } else { members.append((key, value)) }
        return .object(members)
    }

    /// The same changed as a merge patch (RFC 7396) says: null takes away, objects are merged, all else is replaced.
    func merged(_ patch: JSONText) -> JSONText {
        guard let changes = patch.members else { return patch }
        var members = self.members ?? []
        for (key, value) in changes {
            let place = members.lastIndex { $0.key.lowercased() == key.lowercased() }
            switch (value, place) {
            case (.null, let place?): members.remove(at: place)
            case (.null, nil): break
            case (_, let place?): members[place].value = members[place].value.merged(value)
            case (_, nil): members.append((key, JSONText.object([]).merged(value)))
            }
        }
        return .object(members)
    }

    /// A number as JSON writes it, or as a text.
    var decimal: Double? {
        switch self {
        case .number(let value): Double(value)
        case .real(let value): value
        case .raw(let text), .string(let text): Double(text).flatMap { $0.isFinite ? $0 : nil }
        default: nil
        }
    }
}
