import Glibc
import Storage
import Support
import Testing

/// A folder that lives as long as the body of a test.
func withFolder<R>(_ body: (String) async throws -> R) async throws -> R {
    let path = "/tmp/sluice-tests-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    try #require(mkdir(path, 0o700) == 0)
    defer { removeFolder(path) }
    return try await body(path)
}

private func removeFolder(_ path: String) {
    for name in names(in: path) {
        let inner = path + "/" + name
        if unlink(inner) != 0 { removeFolder(inner) }
    }
    rmdir(path)
}

/// All names in a folder, hidden ones too, sorted.
func names(in path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Writes a small file without any of the code under test.
func put(_ bytes: [UInt8], at path: String) throws {
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
}

func put(_ text: String, at path: String) throws { try put(Array(text.utf8), at: path) }

func contents(of path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var all: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&block, 1, block.count, file)
        if count == 0 { return all }
        all += block[..<count]
    }
}

func text(of path: String) throws -> String { String(decoding: try contents(of: path), as: UTF8.self) }

/// Everything that a stream has.
func drain(_ stream: any ByteStream) async throws(SluiceError) -> [UInt8] {
    var all: [UInt8] = []
    while let bytes = try await stream.next() { all += bytes.bytes }
    return all
}

/// Bytes that are the same in every run and do not compress too well.
func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 42
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 60)
    }
}

/// A stream over memory that cannot be had twice, in pieces of a chosen size.
func stream(_ bytes: [UInt8], pieces: Int) -> MemoryStream { MemoryStream(Buffer(bytes), chunkSize: pieces) }
