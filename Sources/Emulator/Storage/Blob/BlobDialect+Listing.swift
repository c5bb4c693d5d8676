import HTTPServer
import Support

extension BlobDialect {
    func list(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let includes = Self.includes(call)
        var query = ListQuery()
        query.prefix = call.query("prefix") ?? ""
        query.delimiter = call.query("delimiter")
        query.start = try Marker.name(call.query("marker"), "marker")
        query.limit = try call.pageSize("maxresults")
        query.showsUncommitted = includes.contains("uncommittedblobs")
        let isHierarchical = engine.isHierarchical(call.account)
        let (items, next) = try engine.list(call.containerPath, query)
        var xml = XMLText()
        xml.open("EnumerationResults", ["ServiceEndpoint": call.baseURL + "/", "ContainerName": call.container])
        xml.leaf("Prefix", ifAny: call.query("prefix"))
        xml.leaf("Marker", ifAny: call.query("marker"))
        xml.leaf("MaxResults", ifAny: call.query("maxresults"))
        xml.leaf("Delimiter", ifAny: query.delimiter)
        xml.open("Blobs")
        for item in items {
            switch item {
            case .entry(let name, let entry):
                xml.open("Blob")
                xml.name(name.text)
                xml.properties(entry, isHierarchical: isHierarchical, at: call.now.microseconds)
                if includes.contains("metadata") { xml.metadata(entry.shownMetadata) }
                xml.leaf("OrMetadata", "")
                xml.close("Blob")
            case .uncommitted(let name, let since):
                xml.open("Blob")
                xml.name(name.text)
                xml.open("Properties")
                xml.leaf("Creation-Time", Version.moment(since).httpDate)
                xml.leaf("Last-Modified", Version.moment(since).httpDate)
                xml.leaf("Etag", Version.etag(since))
                xml.leaf("Content-Length", "0")
                xml.leaf("BlobType", "BlockBlob")
                xml.close("Properties")
                xml.close("Blob")
            case .prefix(let prefix):
                xml.open("BlobPrefix")
                xml.name(prefix)
                xml.close("BlobPrefix")
            }
        }
        xml.close("Blobs")
        xml.leaf("NextMarker", next.map(Marker.text) ?? "")
        xml.close("EnumerationResults")
        return xml.response()
    }
}

extension Entry {
    /// The metadata that clients see: a directory has a mark by which they tell it from an empty blob.
    var shownMetadata: [Pair] {
        guard kind == .directory else { return metadata }
        return metadata.filter { $0.name.lowercased() != "hdi_isfolder" } + [Pair(name: "hdi_isfolder", value: "true")]
    }

    /// What the Blob dialect calls it. A directory is a block blob without bytes.
    var blobType: String { kind == .append ? "AppendBlob" : "BlockBlob" }
}

extension XMLText {
    fileprivate mutating func properties(_ entry: Entry, isHierarchical: Bool, at now: Int64) {
        open("Properties")
        leaf("Creation-Time", Version.moment(entry.created).httpDate)
        leaf("Last-Modified", Version.moment(entry.version).httpDate)
        leaf("Etag", entry.etag)
        if isHierarchical { leaf("ResourceType", entry.kind == .directory ? "directory" : "file") }
        leaf("Content-Length", String(entry.size))
        leaf("Content-Type", entry.kind == .directory ? "" : entry.headers.type)
        leaf("Content-Encoding", entry.headers.encoding ?? "")
        leaf("Content-Language", entry.headers.language ?? "")
        leaf("Content-CRC64", "")
        leaf("Content-MD5", entry.headers.md5 ?? "")
        leaf("Cache-Control", entry.headers.cacheControl ?? "")
        leaf("Content-Disposition", entry.headers.disposition ?? "")
        leaf("BlobType", entry.blobType)
        if entry.kind == .block {
            leaf("AccessTier", entry.tier ?? "Hot")
            if entry.tier == nil { leaf("AccessTierInferred", "true") }
        }
        lease(entry.lease, at: now)
        leaf("ServerEncrypted", "true")
        if entry.isSealed { leaf("Sealed", "true") }
        if let copy = entry.copy {
            leaf("CopyId", copy.id)
            leaf("CopyStatus", "success")
            leaf("CopySource", copy.source)
            leaf("CopyProgress", "\(entry.size)/\(entry.size)")
            leaf("CopyCompletionTime", Version.moment(copy.completed).httpDate)
        }
        close("Properties")
    }
}
