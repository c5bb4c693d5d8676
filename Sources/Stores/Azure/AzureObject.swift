import Azure
public import Storage
public import Support
import Transport

/// An object of Azure's storage that is open for reading: always the version that was opened.
public struct AzureObject: StoredObject {
    /// What the service said of it.
    public let facts: ObjectEntry
    /// Its URL, without a signature.
    public let name: String
    private let reader: RangeReader
    private let check: WholeCheck
    private let memory: Int

    init(name: String, facts: ObjectEntry, check: WholeCheck, memory: Int, reader: RangeReader) {
        self.name = name
        self.facts = facts
        self.check = check
        self.memory = memory
        self.reader = reader
    }

    /// The CRC64 that its writer left with it, its low byte first.
    var crc: [UInt8]? { if case .crc64(let crc) = check { crc } else { nil } }

    /// The number of bytes.
    public var size: Int { facts.size }
    /// The number of bytes of a whole stream.
    public var streamSize: Int? { size }
    /// Nothing: it has no place in a file system of this machine.
    public var identity: FileIdentity? { nil }

    /// The bytes in `range`; a long one in pieces side by side.
    public func read(_ range: Range<Int>) async throws(SluiceError) -> Buffer {
        guard range.lowerBound >= 0, range.upperBound <= size else {
            throw SluiceError(
                .invalidData, "bytes \(range.lowerBound)–\(range.upperBound) were asked for, the file has \(size)",
                place: .init(file: name, offset: range.lowerBound))
        }
        do throws(SluiceError) {
            return try await reader.whole(range)
        } catch {
            throw error.at(.init(file: name))
        }
    }

    /// Reads the bytes in `range`, however many, of which few are in memory at a time.
    ///
    /// - parameters:
    ///   - isChecked: Whether they are checked on the way where the service takes its time for that; those of a Blob always are.
    ///   - receiver: Takes them with their place, in order, except that a part which broke off or was damaged comes again.
    /// - returns: Their CRC64.
    func read(
        _ range: Range<Int>, isChecked: Bool, into receiver: any BodyReceiver
    ) async throws(SluiceError) -> UInt64 {
        var crc: UInt64 = 0
        do throws(SluiceError) {
            for start in stride(from: range.lowerBound, to: range.upperBound, by: reader.size) {
                let part = start..<min(start + reader.size, range.upperBound)
                let next = try await reader.read(part, isChecked: isChecked, into: receiver)
                crc = CRC64.combined(crc, next, secondCount: part.count)
            }
        } catch {
            throw error.at(.init(file: name))
        }
        return crc
    }

    /// A stream from the first byte, which reads ahead and checks the bytes of the whole where their writer left a checksum.
    public func stream() async throws(SluiceError) -> any ByteStream {
        try ReadAhead(name: name, size: size, reader: reader, check: check, memory: memory)
    }

    /// This object.
    public func randomAccess() async throws(SluiceError) -> any RandomAccess { self }
}

extension StorageProperties {
    /// What a store says of the object `path`.
    func entry(_ path: String) -> ObjectEntry {
        ObjectEntry(
            path: path, size: isFolder ? 0 : size, modified: modified, tag: isFolder ? nil : etag, isFolder: isFolder,
            md5: contentMD5.flatMap { Base64.decode($0) })
    }
}

extension StorageItem {
    /// What a store says of it, under its `path` in the store.
    func entry(_ path: String) -> ObjectEntry {
        ObjectEntry(
            path: path, size: isFolder ? 0 : size, modified: modified, tag: isFolder ? nil : etag, isFolder: isFolder,
            md5: contentMD5.flatMap { Base64.decode($0) })
    }
}

extension WriteCondition {
    /// The condition in the service's words.
    var storage: StorageCondition {
        switch self {
        case .always: .always
        case .ifAbsent: .ifAbsent
        case .ifUnchanged(let tag): .ifMatch(tag)
        }
    }
}

extension SluiceError {
    /// The condition of a write did not hold.
    static func conflict(_ condition: WriteCondition, _ name: String) -> SluiceError {
        SluiceError(
            .conflict, condition == .ifAbsent ? "is there already" : "was changed by somebody else meanwhile",
            place: .init(file: name), hint: "nothing was written; look at it, and try again")
    }
}
