import Azure
import Glibc
import Support

/// What registries hold, as files: bytes under their hash, and for each repository which of them it has.
///
///     ACCOUNT/blobs/HEX                      the bytes of blobs and manifests
///     ACCOUNT/repositories/NAME/blobs/HEX    the repository has this blob
///     …/manifests/HEX                        it has this manifest, of this type, since then (JSON)
///     …/tags/TAG                             the tag names this manifest (JSON)
///     …/uploads/ID                           what has arrived of an upload
///     …/repository                           attributes (JSON)
///
/// Each file appears whole, so that nothing has to be put in order after a crash.
struct RegistryStore: Sendable {
    let root: String

    init(_ root: String) { self.root = root }

    /// A repository's folder; no name has a percent sign.
    func folder(_ account: String, _ name: String) -> String {
        "\(root)/\(account)/repositories/\(name.replacing("/", with: "%"))"
    }

    func blob(_ account: String, _ hex: String) -> String { "\(root)/\(account)/blobs/\(hex)" }

    func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    func size(_ path: String) -> Int? {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int(facts.st_size) : nil
    }

    /// Names in a folder, sorted; none when it is not there.
    func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix("."), !name.hasSuffix(".partial") { names.append(name) }
        }
        return names.sorted()
    }

    func repositories(_ account: String) -> [String] {
        names("\(root)/\(account)/repositories").map { $0.replacing("%", with: "/") }.filter { name in
            !names("\(folder(account, name))/manifests").isEmpty
        }
    }

    func json(_ path: String) -> JSONText? {
        guard let bytes = read(path) else { return nil }
        return try? JSONText.parse(Buffer(bytes))
    }

    func read(_ path: String, limit: Int = 16 << 20) -> [UInt8]? {
        guard let size = size(path), size <= limit, let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = fread(&bytes, 1, size, file)
        return count == size ? bytes : nil
    }

    /// Puts a file in place, whole or not at all.
    func write(_ bytes: [UInt8], to path: String) throws(RegistryFault) {
        try makeFolder(above: path)
        let temporary = "\(path).\(UInt64.random(in: .min ... .max)).partial"
        let number = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw RegistryStore.failure() }
        let isWritten = RegistryStore.write(bytes, number) && fsync(number) == 0
        close(number)
        guard isWritten, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw RegistryStore.failure()
        }
    }

    func write(_ json: JSONText, to path: String) throws(RegistryFault) { try write(Array(json.text().utf8), to: path) }

    /// Adds to an upload.
    func append(_ bytes: Buffer, _ number: Int32) throws(RegistryFault) {
        let isWritten = bytes.withUnsafeBytes { RegistryStore.write($0, number) }
        guard isWritten else { throw RegistryStore.failure() }
    }

    private static func write(_ bytes: some ContiguousBytesLike, _ number: Int32) -> Bool {
        bytes.withBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(number, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return false }
                done += count
            }
            return true
        }
    }

    func makeFolder(above path: String) throws(RegistryFault) {
        let parts = path.dropFirst(root.count).split(separator: "/").dropLast()
        var sofar = root
        for part in parts {
            sofar += "/\(part)"
            if mkdir(sofar, 0o700) != 0, errno != EEXIST { throw RegistryStore.failure() }
        }
    }

    /// The SHA-256 of a file.
    func hash(_ path: String) -> String? {
        guard let digest = try? Digest(.sha256) else { return nil }
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        defer { close(number) }
        var block = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(number, &block, block.count)
            if count < 0 { return nil }
            if count == 0 { break }
            block.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        return RegistryStore.hex(digest.finish())
    }

    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    func remove(_ path: String) { unlink(path) }

    /// Takes a repository away; its bytes stay, since others may have them too.
    func removeFolder(_ path: String) {
        for name in names(path) where unlink("\(path)/\(name)") != 0 { removeFolder("\(path)/\(name)") }
        rmdir(path)
    }

    static func failure() -> RegistryFault {
        RegistryFault(500, "UNKNOWN", "the emulator's disk: \(String(cString: strerror(errno)))")
    }
}

/// Bytes that can be looked at in one piece.
protocol ContiguousBytesLike {
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R
}

extension [UInt8]: ContiguousBytesLike {
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { withUnsafeBytes(body) }
}

extension UnsafeRawBufferPointer: ContiguousBytesLike {
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { body(self) }
}
