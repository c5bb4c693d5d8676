package import Storage
package import Support

/// Stores `test://NAME` in folders that go with the test: objects that are reached by nothing but the protocol.
package struct TestStores: StoreOpener {
    private let folder: Folder

    package init() throws { folder = try Folder() }

    package func place(of text: String) throws(SluiceError) -> FilePlace {
        guard text.hasPrefix("test://") else { return try LocalStores().place(of: text) }
        let parts = text.dropFirst(7).split(separator: "/", maxSplits: 1).map(String.init)
        guard let name = parts.first else { throw SluiceError(.invalidConfiguration, "which store?") }
        return .stored(
            TestStore(base: FolderStore("\(folder.path)/\(name)"), name: "test://\(name)"),
            parts.dropFirst().first ?? "")
    }

    package func store(at text: String) throws(SluiceError) -> any ObjectStore {
        guard text.hasPrefix("test://") else { return try LocalStores().store(at: text) }
        return TestStore(base: FolderStore("\(folder.path)/\(text.dropFirst(7))"), name: text)
    }
}

/// A folder that does not look like one.
private struct TestStore: ObjectStore {
    let base: FolderStore
    let name: String

    func entries(_ folder: String, recursive: Bool) async throws(SluiceError) -> any ObjectListing {
        try await base.entries(folder, recursive: recursive)
    }
    func facts(_ path: String) async throws(SluiceError) -> ObjectEntry? { try await base.facts(path) }
    func open(_ path: String) async throws(SluiceError) -> any StoredObject {
        TestObject(base: try await base.open(path), name: url(path))
    }
    func create(_ path: String, _ condition: WriteCondition) async throws(SluiceError) -> any ByteSink {
        try await base.create(path, condition)
    }
    func put(_ path: String, _ contents: Buffer, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        try await base.put(path, contents, condition)
    }
    func unfinished(_ folder: String) async throws(SluiceError) -> [String] { try await base.unfinished(folder) }
    func remove(_ path: String) async throws(SluiceError) { try await base.remove(path) }
    func move(_ from: String, to target: String, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        try await base.move(from, to: target, condition)
    }
    func lease(_ path: String, seconds: Int) async throws(SluiceError) -> (any ObjectLease)? {
        try await base.lease(path, seconds: seconds)
    }
}

private struct TestObject: StoredObject {
    let base: any StoredObject
    let name: String
    var facts: ObjectEntry { base.facts }
    var size: Int { base.size }
    var identity: FileIdentity? { nil }
    var streamSize: Int? { base.streamSize }
    func read(_ range: Range<Int>) async throws(SluiceError) -> Buffer { try await base.read(range) }
    func stream() async throws(SluiceError) -> any ByteStream { try await base.stream() }
    func randomAccess() async throws(SluiceError) -> any RandomAccess { self }
}
