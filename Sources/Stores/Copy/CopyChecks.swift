import Azure
import Storage
import Support

/// Whether two objects hold the same bytes, found out as cheaply as their stores allow.
///
/// 1. Objects of different sizes differ.
/// 2. Where one has a checksum, the other's is compared: stores say theirs, files of this machine are read.
/// 3. Where neither store says one that the other has too, the target is taken to be the same when it is newer.
enum CopyChecks {
    static func isIdentical(
        _ object: any StoredObject, _ source: any ObjectStore, _ target: any ObjectStore, _ path: String
    ) async throws(SluiceError) -> Bool {
        guard let there = try await target.facts(path), !there.isFolder, there.size == object.size else { return false }
        if object.size == 0 { return true }
        let found = try await target.open(path)
        // It may have been replaced since.
        guard found.size == object.size else { return false }
        let (left, right) = (sums(of: object), sums(of: found))
        if left.isFile || right.isFile {
            if left.crc != nil || right.crc != nil || left.isFile && right.isFile {
                return try await crc(of: object, left) == crc(of: found, right)
            }
            if left.md5 != nil || right.md5 != nil {
                return try await md5(of: object, left) == md5(of: found, right)
            }
        }
        if let crc = left.crc, let other = right.crc { return crc == other }
        if let md5 = left.md5, let other = right.md5 { return md5 == other }
        guard let written = object.facts.modified, let copied = found.facts.modified else { return false }
        // Stores tell whole seconds: what was written within the second of the copy may have been written after it.
        let isWhole = written.microseconds % 1_000_000 == 0
        return copied.microseconds >= written.microseconds + (isWhole ? 1_000_000 : 0)
    }

    private struct Sums {
        var crc: [UInt8]?
        var md5: [UInt8]?
        var isFile: Bool
    }

    private static func sums(of object: any StoredObject) -> Sums {
        guard let remote = object as? AzureObject else { return Sums(crc: nil, md5: object.facts.md5, isFile: true) }
        return Sums(crc: remote.crc, md5: remote.facts.md5, isFile: false)
    }

    private static func crc(of object: any StoredObject, _ known: Sums) async throws(SluiceError) -> [UInt8] {
        if let crc = known.crc { return crc }
        var crc = CRC64()
        let stream = try await object.stream()
        while let bytes = try await stream.next() {
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: object.name)) }
            crc.update(bytes)
        }
        return crc.bytes
    }

    private static func md5(of object: any StoredObject, _ known: Sums) async throws(SluiceError) -> [UInt8] {
        if let md5 = known.md5 { return md5 }
        let digest = try Digest(.md5)
        let stream = try await object.stream()
        while let bytes = try await stream.next() {
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: object.name)) }
            digest.update(bytes)
        }
        return digest.finish()
    }
}
