extension StorageCall {
    /// What is asked of a lease.
    func leaseAction(_ verb: String) throws(StorageFault) -> LeaseAction {
        switch verb.lowercased() {
        case "acquire":
            guard let seconds = try number(header: "x-ms-lease-duration") else {
                throw .missingHeader("x-ms-lease-duration")
            }
            guard seconds == -1 || (15...60).contains(seconds) else {
                throw .invalidHeader("x-ms-lease-duration", String(seconds))
            }
            return .acquire(id: try proposedID() ?? ServiceErrors.newID(), seconds: seconds)
        case "renew": return .renew(id: try leaseID())
        case "change":
            guard let proposed = try proposedID() else { throw .missingHeader("x-ms-proposed-lease-id") }
            return .change(id: try leaseID(), to: proposed)
        case "release": return .release(id: try leaseID())
        case "break":
            let period = try number(header: "x-ms-lease-break-period")
            if let period, !(0...60).contains(period) {
                throw .invalidHeader("x-ms-lease-break-period", String(period))
            }
            return .breakUp(period: period)
        default: throw .invalidHeader("x-ms-lease-action", verb)
        }
    }

    private func leaseID() throws(StorageFault) -> String {
        guard let id = header("x-ms-lease-id") else { throw .missingHeader("x-ms-lease-id") }
        return try Self.checked(id, "x-ms-lease-id")
    }

    private func proposedID() throws(StorageFault) -> String? {
        guard let id = header("x-ms-proposed-lease-id") else { return nil }
        return try Self.checked(id, "x-ms-proposed-lease-id")
    }

    /// A lease's id is a GUID, in any of its forms.
    private static func checked(_ id: String, _ name: String) throws(StorageFault) -> String {
        let digits = id.lowercased().filter { !"-{}()".contains($0) }
        let isHex = digits.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard digits.utf8.count == 32, isHex else { throw .invalidHeader(name, id) }
        let all = Array(digits)
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(all[$0]) }.joined(separator: "-")
    }
}

extension LeaseAction {
    /// The status of an answer that says it was done.
    var status: Int {
        switch self {
        case .acquire: 201
        case .renew, .change, .release: 200
        case .breakUp: 202
        }
    }
}
