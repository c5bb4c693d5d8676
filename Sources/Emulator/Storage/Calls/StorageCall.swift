import HTTPServer
import Support

/// A request to Blob or DFS, with what both dialects want to know of it.
struct StorageCall: Sendable {
    private(set) var server: ServerRequest
    let account: String
    /// `http://127.0.0.1:10000/account`: what URLs in answers begin with.
    let baseURL: String
    /// The container or filesystem; empty when the call is about the account.
    let container: String
    /// The blob or path; empty when the call is about the container.
    let name: String
    /// Whether the signature that came with it says what headers an answer has.
    let isSigned: Bool
    let now: Moment
    /// What the answer has in `x-ms-request-id`.
    let id: String

    /// - parameter path: The path as it was sent, without the account.
    init(
        _ server: ServerRequest, account: String, path: String, baseURL: String, now: Moment,
        id: String
    ) throws(StorageFault) {
        self.id = id
        self.server = server
        self.account = account
        self.baseURL = baseURL
        self.now = now
        isSigned = server.query.contains { $0.name == "sig" }
        let rest = path.hasPrefix("/") ? path.dropFirst() : path[...]
        let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/"))
        let first = slash.map { rest[..<$0] } ?? rest
        let behind = slash.map { rest[rest.utf8.index(after: $0)...] } ?? ""
        guard let container = String(first).percentDecoded(), let name = String(behind).percentDecoded() else {
            throw StorageFault(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
        }
        self.container = container
        self.name = name
        try Self.check(name: name)
    }

    private static func check(name: String) throws(StorageFault) {
        if name.utf16.count > 1024 { throw .name("The specified resource name is longer than 1,024 characters.") }
        let isForbidden = name.unicodeScalars.contains { $0.value == 0 || $0.value == 0xfffe || $0.value == 0xffff }
        if isForbidden { throw .name("The specified resource name contains invalid characters.") }
    }

    /// The same call with other headers.
    func with(_ server: ServerRequest) -> StorageCall {
        var call = self
        call.server = server
        return call
    }

    var method: String { server.method }
    var containerPath: ContainerPath { ContainerPath(account: account, container: container) }
    var blobPath: BlobPath { BlobPath(account: account, container: container, name: BlobName(name)) }

    /// A parameter of the query; nil when it is empty.
    func query(_ name: String) -> String? {
        let value = server.query.first { $0.name.lowercased() == name.lowercased() }?.value
        return value?.isEmpty == false ? value : nil
    }

    /// Whether the query has a parameter, with a value or without.
    func hasQuery(_ name: String) -> Bool { server.query.contains { $0.name.lowercased() == name.lowercased() } }

    /// A header; nil when it is empty.
    func header(_ name: String) -> String? {
        let value = server.headers[name]
        return value?.isEmpty == false ? value : nil
    }

    /// A whole number of the query.
    func number(query name: String) throws(StorageFault) -> Int? {
        guard let text = query(name) else { return nil }
        guard let value = Int(text), value >= 0 else { throw .invalidQuery(name, text) }
        return value
    }

    /// A whole number of a header.
    func number(header name: String) throws(StorageFault) -> Int? {
        guard let text = header(name) else { return nil }
        guard let value = Int(text) else { throw .invalidHeader(name, text) }
        return value
    }

    /// `true` or `false` of the query.
    func flag(query name: String) throws(StorageFault) -> Bool? {
        guard let text = query(name) else { return nil }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw .invalidQuery(name, text)
        }
    }

    /// How many results a page has.
    func pageSize(_ name: String) throws(StorageFault) -> Int {
        guard let given = try number(query: name) else { return 5000 }
        if given == 0 {
            throw StorageFault(
                400, "OutOfRangeQueryParameterValue",
                "One of the query parameters specified in the request URI is outside the permissible range.",
                details: [
                    .init(name: "QueryParameterName", value: name), .init(name: "QueryParameterValue", value: "0"),
                ])
        }
        return min(given, 5000)
    }

    /// What the request demands of what it works on.
    func demand() throws(StorageFault) -> Guard {
        Guard(conditions: try conditions(prefix: ""), lease: header("x-ms-lease-id"))
    }

    /// What it demands of what it copies or renames.
    func sourceDemand() throws(StorageFault) -> Guard {
        Guard(conditions: try conditions(prefix: "x-ms-source-"), lease: header("x-ms-source-lease-id"))
    }

    /// The conditions in its headers.
    func conditions(prefix: String) throws(StorageFault) -> Conditions {
        var found = Conditions()
        found.matches = etags(prefix + "if-match")
        found.noneMatches = etags(prefix + "if-none-match")
        found.modifiedSince = try date(prefix + "if-modified-since")
        found.unmodifiedSince = try date(prefix + "if-unmodified-since")
        return found
    }

    private func etags(_ name: String) -> [String] {
        guard let text = header(name) else { return [] }
        return text.split(separator: ",").map { item in
            var item = item.drop { $0 == " " }
            while item.last == " " { item.removeLast() }
            if item.hasPrefix("W/") { item = item.dropFirst(2) }
            if item.count >= 2, item.first == "\"", item.last == "\"" { item = item.dropFirst().dropLast() }
            return String(item)
        }
    }

    private func date(_ name: String) throws(StorageFault) -> Int? {
        guard let text = header(name) else { return nil }
        guard let moment = Moment(httpDate: text) else { throw .invalidHeader(name, text) }
        return moment.seconds
    }

    /// The metadata in its headers.
    func metadata() throws(StorageFault) -> [Pair] {
        var found: [Pair] = []
        var size = 0
        for (name, value) in server.headers where name.lowercased().hasPrefix("x-ms-meta-") {
            let key = String(name.dropFirst("x-ms-meta-".count))
            if key.isEmpty {
                throw StorageFault(400, "EmptyMetadataKey", "The key for one of the metadata key-value pairs is empty.")
            }
            try Self.check(metadata: key)
            size += key.utf8.count + value.utf8.count
            found.append(Pair(name: key, value: value))
        }
        if size > 8192 {
            throw StorageFault(
                400, "MetadataTooLarge", "The size of the specified metadata exceeds the maximum size permitted.")
        }
        return found
    }

    /// Names of metadata are words as C# has them.
    static func check(metadata name: String) throws(StorageFault) {
        let isWord = name.unicodeScalars.enumerated().allSatisfy { index, scalar in
            scalar == "_" || scalar.properties.isAlphabetic || (index > 0 && scalar.properties.numericType != nil)
        }
        if !isWord || name.isEmpty {
            throw StorageFault(
                400, "InvalidMetadata",
                "The metadata specified is invalid. It has characters that are not permitted.",
                details: [.init(name: "HeaderName", value: "x-ms-meta-\(name)")])
        }
    }

    /// The size of the body, which has to be said beforehand.
    func bodySize(atMost limit: Int) throws(StorageFault) -> Int {
        guard let size = server.contentLength else { throw .missingLength }
        if size > limit {
            throw StorageFault(
                413, "RequestBodyTooLarge",
                "The request body is too large and exceeds the maximum permissible limit.",
                details: [.init(name: "MaxLimit", value: String(limit))])
        }
        return size
    }

    /// A small body.
    func smallBody(atMost limit: Int) async throws(StorageFault) -> Buffer {
        do { return try await server.collect(limit: limit) } catch {
            throw error.code == .limitExceeded ? .tooLarge : .incomplete
        }
    }

    /// A small body that has to be XML.
    func xmlBody(atMost limit: Int = 16 << 20) async throws(StorageFault) -> XMLNode {
        let bytes = try await smallBody(atMost: limit)
        do { return try XMLNode.parse(bytes) } catch {
            throw StorageFault(400, "InvalidXmlDocument", "XML specified is not syntactically valid.")
        }
    }
}
