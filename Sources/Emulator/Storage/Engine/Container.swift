/// A container, or filesystem: everything about it but what is in it.
struct ContainerFacts: Sendable, Equatable {
    var account: String
    var name: String
    var version: Int64
    var metadata: [Pair] = []
    /// `container` or `blob`; nil when only those who sign may read.
    var publicAccess: String?
    var policies: [StoredPolicy] = []
    var lease = Lease()
    /// Of the root directory.
    var access: AccessControl?

    var etag: String { Version.etag(version) }

    init(account: String, name: String, version: Int64) {
        self.account = account
        self.name = name
        self.version = version
    }

    func write(to record: borrowing RecordWriter) {
        record.write(account)
        record.write(name)
        record.write(version)
        record.write(metadata) { record, pair in pair.write(to: record) }
        record.write(publicAccess)
        record.write(policies) { record, policy in
            record.write(policy.id)
            record.write(policy.start)
            record.write(policy.expiry)
            record.write(policy.permission)
        }
        lease.write(to: record)
        record.write(access != nil)
        if let access {
            record.write(access.owner)
            record.write(access.group)
            record.write(access.acl)
        }
    }

    init(from record: inout RecordReader) throws(RecordReader.Damaged) {
        account = try record.text()
        name = try record.text()
        version = try record.integer()
        metadata = try record.list { (record: inout RecordReader) throws(RecordReader.Damaged) in
            try Pair(from: &record)
        }
        publicAccess = try record.optionalText()
        policies = try record.list { (record: inout RecordReader) throws(RecordReader.Damaged) in
            StoredPolicy(
                id: try record.text(), start: try record.optionalText(), expiry: try record.optionalText(),
                permission: try record.optionalText())
        }
        lease = try Lease(from: &record)
        if try record.bool() {
            access = AccessControl(owner: try record.text(), group: try record.text(), acl: try record.text())
        }
    }
}

/// A piece of content that was uploaded and not committed.
struct StagedPiece: Sendable, Equatable {
    /// The block's id; empty for what the DFS dialect appended.
    var id: String
    /// Where in the file it goes, for what was appended.
    var position: Int
    var extent: Extent
}

/// What was uploaded to a blob and not committed.
struct Staged: Sendable, Equatable {
    /// When the first piece came.
    var since: Int64
    /// In the order of their coming.
    var pieces: [StagedPiece] = []
    /// Where in `pieces` a block is.
    private var places: [String: Int] = [:]

    init(since: Int64) { self.since = since }

    func block(_ id: String) -> StagedPiece? { places["#" + id].map { pieces[$0] } }

    /// Adds a piece; answers the one whose place it takes.
    mutating func add(_ piece: StagedPiece) -> StagedPiece? {
        let key = piece.id.isEmpty ? "@\(piece.position)" : "#" + piece.id
        if let place = places[key] {
            let before = pieces[place]
            pieces[place] = piece
            return before
        }
        places[key] = pieces.count
        pieces.append(piece)
        return nil
    }
}

/// A container with what is in it.
struct ContainerState: Sendable {
    var facts: ContainerFacts
    var entries = SortedNames<Entry>()
    var staged = SortedNames<Staged>()
    /// The content file that blocks of a blob are being written into, so that a thousand blocks are not a thousand files.
    var stagingFiles: [BlobName: UInt64] = [:]
}
