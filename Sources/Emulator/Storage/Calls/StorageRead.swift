import Azure
import Glibc
import HTTPServer
import Support

/// What a reader asks for of a blob's bytes.
struct ByteRangeRequest: Sendable, Equatable {
    let first: Int
    /// Nil for everything behind `first`.
    let last: Int?

    /// The range that the headers ask for; nil when they ask for everything, or for what the service takes for that.
    init?(_ call: StorageCall) {
        guard let text = call.header("x-ms-range") ?? call.header("Range"), text.hasPrefix("bytes=") else { return nil }
        let parts = text.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let first = Int(parts[0]), first >= 0 else { return nil }
        let last = Int(parts[1])
        guard parts[1].isEmpty || last != nil else { return nil }
        if let last, last < first { return nil }
        self.first = first
        self.last = last
    }

    /// The bytes that are meant, of so many.
    func resolved(size: Int) throws(StorageFault) -> Range<Int> {
        guard first < size else { throw .invalidRange }
        return first..<min(size, (last ?? size - 1) + 1)
    }
}

extension StorageEngine {
    /// The bytes of `range` as a body: by descriptor where they lie in one file, else one run after the other.
    func body(_ found: Found, _ range: Range<Int>) throws(StorageFault) -> ServerBody {
        let extents = found.entry.extents.slice(range)
        guard let first = extents.first else { return .none }
        if extents.count == 1 {
            // The descriptor keeps the file's bytes, whatever becomes of its name.
            let descriptor = try content.open(first.file)
            guard isWhole(descriptor, first) else {
                close(descriptor)
                throw .disk("A content file is shorter than it was.")
            }
            return .file(descriptor: descriptor, range: first.offset..<first.offset + first.length)
        }
        return .stream(ContentReader(extents, pin: found.pin, in: content), size: range.count)
    }

    private func isWhole(_ descriptor: Int32, _ extent: Extent) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && Int(status.st_size) >= extent.offset + extent.length
    }

    /// The checksums of the bytes of `range`, read for that a little at a time: what is sent goes by descriptor all the same.
    func checksums(
        _ found: Found, _ range: Range<Int>, wantsMD5: Bool, wantsCRC64: Bool
    ) async throws(StorageFault) -> Checksums {
        let reader = ContentReader(found.entry.extents.slice(range), pin: found.pin, in: content, blockSize: 64 << 10)
        do {
            let md5 = wantsMD5 ? try Digest(.md5) : nil
            var crc = CRC64()
            while let next = try await reader.next() {
                md5?.update(next)
                if wantsCRC64 { crc.update(next) }
            }
            return Checksums(
                md5: md5.map { Base64.encode($0.finish()) }, crc64: wantsCRC64 ? Base64.encode(crc.bytes) : nil)
        } catch {
            throw .disk(error.message)
        }
    }
}

extension StorageCall {
    /// Answers a reader with content: whole, or the range that was asked for.
    func read(_ engine: StorageEngine, _ found: StorageEngine.Found, headers: HTTPHeaders) async throws(StorageFault)
        -> ServerResponse
    {
        var headers = headers
        let entry = found.entry
        let size = entry.size
        let wantsMD5 = header("x-ms-range-get-content-md5")?.lowercased() == "true"
        let wantsCRC64 = header("x-ms-range-get-content-crc64")?.lowercased() == "true"
        headers["Accept-Ranges"] = "bytes"
        guard let asked = ByteRangeRequest(self) else {
            if wantsMD5 || wantsCRC64 {
                throw .missingHeader("Range")
            }
            if let md5 = entry.headers.md5 { headers["Content-MD5"] = md5 }
            return ServerResponse(200, headers: headers, body: try engine.body(found, 0..<size))
        }
        let range = try asked.resolved(size: size)
        headers["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
        if let md5 = entry.headers.md5 { headers["x-ms-blob-content-md5"] = md5 }
        if wantsMD5 || wantsCRC64 {
            if range.count > 4 << 20 {
                throw StorageFault(
                    400, "OutOfRangeInput",
                    "One of the request inputs is out of range: checksums are told of ranges of up to 4 MiB.")
            }
            let sums = try await engine.checksums(found, range, wantsMD5: wantsMD5, wantsCRC64: wantsCRC64)
            if let md5 = sums.md5 { headers["Content-MD5"] = md5 }
            if let crc64 = sums.crc64 { headers["x-ms-content-crc64"] = crc64 }
        }
        return ServerResponse(206, headers: headers, body: try engine.body(found, range))
    }
}
