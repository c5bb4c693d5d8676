public import Support

/// Writes an archive into a sink, entry by entry. The same entries give the same bytes.
public struct TarWriter {
    private let sink: any ByteSink

    /// A writer into `sink`, which is left to its owner to finish.
    public init(_ sink: any ByteSink) { self.sink = sink }

    /// Adds an entry whose contents are in memory.
    public func add(_ entry: TarEntry, _ contents: Buffer = .empty) async throws(SluiceError) {
        var entry = entry
        entry.size = contents.count
        try await sink.write(Buffer(try TarFormat.header(entry)))
        try await write(contents)
        try await pad(entry.size)
    }

    /// Adds a file whose bytes `stream` has.
    ///
    /// - throws: `SluiceError` when it has more or fewer than `entry` says: it was changed meanwhile.
    public func add(_ entry: TarEntry, streaming stream: any ByteStream) async throws(SluiceError) {
        try await sink.write(Buffer(try TarFormat.header(entry)))
        var count = 0
        while let bytes = try await stream.next() {
            count += bytes.count
            if count > entry.size { break }
            try await write(bytes)
        }
        guard count == entry.size else {
            throw SluiceError(
                .conflict, "has other than its \(entry.size) bytes now: it was changed while it was read",
                place: .init(file: stream.name), hint: "wait until nobody writes it, and try again")
        }
        try await pad(entry.size)
    }

    /// Ends the archive.
    public func end() async throws(SluiceError) { try await sink.write(Buffer(TarFormat.end)) }

    private func write(_ bytes: Buffer) async throws(SluiceError) {
        if bytes.count > 0 { try await sink.write(bytes) }
    }

    private func pad(_ size: Int) async throws(SluiceError) {
        let count = TarFormat.padding(size)
        if count > 0 { try await sink.write(Buffer([UInt8](repeating: 0, count: count))) }
    }
}
