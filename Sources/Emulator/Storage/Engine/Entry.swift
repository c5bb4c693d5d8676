/// A name and a value that a client gave, in the order in which it gave them.
struct Pair: Sendable, Hashable {
    var name: String
    var value: String
}

/// What a blob or path is.
enum EntryKind: UInt8, Sendable {
    case block, append, directory
}

/// Which dialect wrote a file's content. The service lets neither add to what the other wrote.
enum ContentOrigin: UInt8, Sendable {
    case nobody, blob, dfs
}

/// The headers that a client stores with the content and gets back with it.
struct ContentHeaders: Sendable, Equatable {
    var type = "application/octet-stream"
    var encoding: String?
    var language: String?
    var disposition: String?
    var cacheControl: String?
    /// Base64.
    var md5: String?
}

/// A block of a block blob's list.
struct Block: Sendable, Equatable {
    var id: String
    var length: Int
}

/// Where a copy came from.
struct CopyFacts: Sendable, Equatable {
    var id: String
    var source: String
    /// Ticks, as versions are.
    var completed: Int64
}

/// A blob, a file or a directory: everything about it but its name.
struct Entry: Sendable, Equatable {
    var kind: EntryKind
    /// The version: ETag and Last-Modified are made of it.
    var version: Int64
    var created: Int64
    var extents: [Extent] = []
    var headers = ContentHeaders()
    var metadata: [Pair] = []
    /// The committed block list; empty when the content was not put in blocks.
    var blocks: [Block] = []
    /// How many blocks were appended to an append blob.
    var appends = 0
    var isSealed = false
    var origin = ContentOrigin.nobody
    var tier: String?
    var lease = Lease()
    var access: AccessControl?
    var copy: CopyFacts?

    var size: Int { extents.size }
    var etag: String { Version.etag(version) }

    /// Whether clients take it for a folder: a directory, or on a flat account the blob that stands for one.
    var isFolder: Bool {
        kind == .directory
            || metadata.contains { $0.name.lowercased() == "hdi_isfolder" && $0.value.lowercased() == "true" }
    }

    func write(to record: borrowing RecordWriter) {
        record.write(Int(kind.rawValue))
        record.write(version)
        record.write(created)
        record.write(extents) { $0.write($1) }
        record.write(headers.type)
        for header in [
            headers.encoding, headers.language, headers.disposition, headers.cacheControl, headers.md5, tier,
        ] {
            record.write(header)
        }
        record.write(metadata) { record, pair in pair.write(to: record) }
        record.write(blocks) { record, block in
            record.write(block.id)
            record.write(block.length)
        }
        record.write(appends)
        record.write(isSealed)
        record.write(Int(origin.rawValue))
        lease.write(to: record)
        record.write(access != nil)
        if let access {
            record.write(access.owner)
            record.write(access.group)
            record.write(access.acl)
        }
        record.write(copy != nil)
        if let copy {
            record.write(copy.id)
            record.write(copy.source)
            record.write(copy.completed)
        }
    }

    init(kind: EntryKind, version: Int64) {
        self.kind = kind
        self.version = version
        created = version
    }

    init(from record: inout RecordReader) throws(RecordReader.Damaged) {
        guard let kind = EntryKind(rawValue: UInt8(truncatingIfNeeded: try record.int())) else {
            throw RecordReader.Damaged()
        }
        self.kind = kind
        version = try record.integer()
        created = try record.integer()
        extents = try record.list { (record: inout RecordReader) throws(RecordReader.Damaged) in try record.extent() }
        headers.type = try record.text()
        headers.encoding = try record.optionalText()
        headers.language = try record.optionalText()
        headers.disposition = try record.optionalText()
        headers.cacheControl = try record.optionalText()
        headers.md5 = try record.optionalText()
        tier = try record.optionalText()
        metadata = try record.list { (record: inout RecordReader) throws(RecordReader.Damaged) in
            try Pair(from: &record)
        }
        blocks = try record.list { (record: inout RecordReader) throws(RecordReader.Damaged) in
            Block(id: try record.text(), length: try record.int())
        }
        appends = try record.int()
        isSealed = try record.bool()
        origin = ContentOrigin(rawValue: UInt8(truncatingIfNeeded: try record.int())) ?? .nobody
        lease = try Lease(from: &record)
        if try record.bool() {
            access = AccessControl(owner: try record.text(), group: try record.text(), acl: try record.text())
        }
        if try record.bool() {
            copy = CopyFacts(id: try record.text(), source: try record.text(), completed: try record.integer())
        }
    }
}

extension Pair {
    func write(to record: borrowing RecordWriter) {
        record.write(name)
        record.write(value)
    }

    init(from record: inout RecordReader) throws(RecordReader.Damaged) {
        name = try record.text()
        value = try record.text()
    }
}

extension Lease {
    func write(to record: borrowing RecordWriter) {
        record.write(id)
        record.write(seconds)
        record.write(end)
        record.write(breakAt)
    }

    init(from record: inout RecordReader) throws(RecordReader.Damaged) {
        id = try record.text()
        seconds = try record.int()
        end = try record.optionalInteger()
        breakAt = try record.optionalInteger()
    }
}
