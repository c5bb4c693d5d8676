public import Support

/// Where staged files lie: a folder, or a store's container. Paths are relative to it, with `/` between their parts.
public protocol Lake: Sendable {
    /// What to call it in a message: a path or URL without secrets.
    var name: String { get }
    /// Begins the file `path`, which appears whole on `finish`, with the folders that it needs.
    func create(_ path: String) async throws(SluiceError) -> any ByteSink
    /// The file `path`, for reading.
    func open(_ path: String) async throws(SluiceError) -> any RandomAccess
    /// Makes the small file `path` with `contents`, unless it is there.
    ///
    /// - returns: Whether it was made: of several who claim a path, one gets it.
    func claim(_ path: String, _ contents: Buffer) async throws(SluiceError) -> Bool
    /// The paths of all files below `folder`, sorted; none when there is no such folder.
    func list(_ folder: String) async throws(SluiceError) -> [String]
    /// Removes the file `path`; no error when it is not there.
    func remove(_ path: String) async throws(SluiceError)
}

extension Lake {
    /// What a message or ledger calls the file `path`: the lake's name before it.
    public func url(_ path: String) -> String { name.hasSuffix("/") ? name + path : name + "/" + path }

    /// Writes a small file that appears whole.
    public func write(_ text: String, to path: String) async throws(SluiceError) {
        let sink = try await create(path)
        do throws(SluiceError) {
            try await sink.write(Buffer(Array(text.utf8)))
            try await sink.finish()
        } catch {
            await sink.abandon()
            throw error
        }
    }

    /// The text of a small file.
    public func text(of path: String, limit: Int = 64 << 20) async throws(SluiceError) -> String {
        let file = try await open(path)
        guard file.size <= limit else {
            throw SluiceError(
                .limitExceeded, "has \(file.size) bytes, the limit is \(limit)", place: .init(file: url(path)))
        }
        return String(decoding: try await file.read(0..<file.size).bytes, as: UTF8.self)
    }
}
