import Support

/// Reads what Blob answers to a listing.
enum BlobListing {
    /// The part of a listing that `body` is.
    static func page(_ body: Buffer) throws(SluiceError) -> StoragePage {
        let root = try XMLNode.parse(body)
        guard root.name == "EnumerationResults", let blobs = root["Blobs"] else {
            throw SluiceError(.invalidData, "this is not a listing of blobs: it is a <\(root.name)>")
        }
        var items: [StorageItem] = []
        items.reserveCapacity(blobs.children.count)
        for node in blobs.children {
            guard let nameNode = node["Name"] else { continue }
            let name = try name(nameNode)
            switch node.name {
            case "BlobPrefix": items.append(StorageItem(name: name.withoutEndSlashes, isFolder: true))
            case "Blob": items.append(item(name, node))
            default: continue
            }
        }
        let next = root["NextMarker"]?.text ?? ""
        return StoragePage(items: items, next: next.isEmpty ? nil : next)
    }

    /// Names that XML cannot hold come percent-encoded, and say so.
    private static func name(_ node: XMLNode) throws(SluiceError) -> String {
        guard node.attributes["Encoded"]?.lowercased() == "true" else { return node.text }
        guard let name = node.text.percentDecoded() else {
            throw SluiceError(.invalidData, "a listing holds a name that does not decode: \"\(node.text)\"")
        }
        return name
    }

    private static func item(_ name: String, _ node: XMLNode) -> StorageItem {
        let properties = node["Properties"]
        var item = StorageItem(name: name)
        item.size = properties?["Content-Length"].flatMap { Int($0.text) } ?? 0
        item.etag = properties?["Etag"].map { StorageItem.quoted($0.text) }
        item.modified = properties?["Last-Modified"].flatMap { Moment(httpDate: $0.text) }
        item.contentMD5 = properties?["Content-MD5"].flatMap { $0.text.isEmpty ? nil : $0.text }
        for entry in node["Metadata"]?.children ?? [] { item.metadata[entry.name.lowercased()] = entry.text }
        // Accounts with real folders list them as blobs without bytes; on others, some tools make such blobs.
        item.isFolder =
            properties?["ResourceType"]?.text.lowercased() == "directory"
            || item.metadata["hdi_isfolder"]?.lowercased() == "true" || name.hasSuffix("/") && item.size == 0
        if item.isFolder { item.name = name.withoutEndSlashes }
        return item
    }
}

extension StorageItem {
    /// A version as headers write it: listings leave the quotes away.
    static func quoted(_ etag: String) -> String { etag.hasPrefix("\"") || etag.hasPrefix("W/") ? etag : "\"\(etag)\"" }
}

extension String {
    /// The name without slashes at its end.
    fileprivate var withoutEndSlashes: String {
        var name = self[...]
        while name.hasSuffix("/") { name = name.dropLast() }
        return String(name)
    }
}
