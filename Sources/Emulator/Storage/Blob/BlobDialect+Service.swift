import HTTPServer
import Support

extension BlobDialect {
    func service(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        switch (call.method, call.query("restype"), call.query("comp")) {
        case ("GET", nil, "list"): return try listContainers(call)
        case ("GET", "service", "properties"):
            let xml = try engine.properties(account: call.account) ?? Self.standardProperties
            return ServerResponse(
                200, headers: ["Content-Type": "application/xml"], body: .bytes(Buffer(Array(xml.utf8))))
        case ("PUT", "service", "properties"):
            let given = try await call.xmlBody(atMost: 1 << 16)
            guard given.name == "StorageServiceProperties" else {
                throw StorageFault(400, "InvalidXmlDocument", "XML specified is not syntactically valid.")
            }
            try engine.setProperties(account: call.account, xml: given.write())
            return ServerResponse(202)
        case ("GET", "service", "stats"): throw .absent("Statistics of replication")
        case ("GET", nil, "blobs"): throw .absent("Tags of blobs")
        case (_, _, nil):
            throw StorageFault(
                400, "InvalidQueryParameterValue",
                "The request names neither a container nor an operation on the account.")
        default: throw .invalidQuery("comp", call.query("comp") ?? "")
        }
    }

    private static let standardProperties = """
        <?xml version="1.0" encoding="utf-8"?><StorageServiceProperties><Logging><Version>1.0</Version>\
        <Delete>false</Delete><Read>false</Read><Write>false</Write><RetentionPolicy><Enabled>false</Enabled>\
        </RetentionPolicy></Logging><HourMetrics><Version>1.0</Version><Enabled>false</Enabled><RetentionPolicy>\
        <Enabled>false</Enabled></RetentionPolicy></HourMetrics><MinuteMetrics><Version>1.0</Version>\
        <Enabled>false</Enabled><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></MinuteMetrics><Cors />\
        <DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy><StaticWebsite><Enabled>false</Enabled>\
        </StaticWebsite></StorageServiceProperties>
        """

    private func listContainers(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let prefix = call.query("prefix") ?? ""
        let limit = try call.pageSize("maxresults")
        let page = try engine.listContainers(
            account: call.account, prefix: prefix, from: try Marker.name(call.query("marker"), "marker"), limit: limit)
        let showsMetadata = Self.includes(call).contains("metadata")
        var xml = XMLText()
        xml.open("EnumerationResults", ["ServiceEndpoint": call.baseURL + "/"])
        xml.leaf("Prefix", ifAny: call.query("prefix"))
        xml.leaf("Marker", ifAny: call.query("marker"))
        xml.leaf("MaxResults", ifAny: call.query("maxresults"))
        xml.open("Containers")
        for facts in page.containers {
            xml.open("Container")
            xml.leaf("Name", facts.name)
            xml.open("Properties")
            xml.leaf("Last-Modified", Version.moment(facts.version).httpDate)
            xml.leaf("Etag", "\"\(facts.etag)\"")
            xml.lease(facts.lease, at: call.now.microseconds)
            xml.leaf("PublicAccess", ifAny: facts.publicAccess)
            xml.leaf("HasImmutabilityPolicy", "false")
            xml.leaf("HasLegalHold", "false")
            xml.close("Properties")
            if showsMetadata { xml.metadata(facts.metadata) }
            xml.close("Container")
        }
        xml.close("Containers")
        xml.leaf("NextMarker", page.next.map(Marker.text) ?? "")
        xml.close("EnumerationResults")
        return xml.response()
    }

    /// What a listing is asked to show besides.
    static func includes(_ call: StorageCall) -> Set<String> {
        Set(
            call.server.query.filter { $0.name.lowercased() == "include" }
                .flatMap { $0.value.lowercased().split(separator: ",").map(String.init) })
    }
}

/// Where a listing goes on, as clients hand it back: a name that they need not understand.
enum Marker {
    static func text(_ name: String) -> String { "2!" + Base64.encodeURL(Array(name.utf8)) }

    /// The name that a marker stands for; empty when there is none.
    static func name(_ text: String?, _ parameter: String) throws(StorageFault) -> String {
        guard let text else { return "" }
        guard text.hasPrefix("2!"), let bytes = Base64.decodeURL(String(text.dropFirst(2))),
            let name = String(validating: bytes, as: UTF8.self)
        else { throw .invalidQuery(parameter, text) }
        return name
    }
}

extension XMLText {
    mutating func lease(_ lease: Lease, at now: Int64) {
        leaf("LeaseStatus", lease.isActive(at: now) ? "locked" : "unlocked")
        let state = lease.state(at: now)
        leaf("LeaseState", state.rawValue)
        if state == .leased { leaf("LeaseDuration", lease.seconds < 0 ? "infinite" : "fixed") }
    }

    mutating func metadata(_ pairs: [Pair]) {
        open("Metadata")
        for pair in pairs { leaf(pair.name, pair.value) }
        close("Metadata")
    }
}
