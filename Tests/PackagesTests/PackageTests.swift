import Glibc
import Packages
import Storage
import Support
import Tar
import Testing

@Suite struct PackageTests {
    private let program = PackageManifest.Program(version: "0.1.0", hash: String(repeating: "ab", count: 32))

    @Test func theSameFilesHaveTheSameHashAndOthersAnother() async throws {
        let folder = try Scratch()
        try folder.write("shop/sluice.yaml", "project: shop")
        try folder.write("shop/sql/a.sql", "SELECT 1")
        try folder.write("shop/.env", "SECRET=1")
        let first = try await build(folder, "a")
        try folder.write("shop/sql/a.sql", "SELECT 1")
        let second = try await build(folder, "b")
        #expect(first.hash == second.hash && first.archiveHash == second.archiveHash)
        #expect(first.manifest.files.map(\.path) == ["sluice.yaml", "sql/a.sql"])
        try folder.write("shop/sql/a.sql", "SELECT 2")
        #expect(try await build(folder, "c").hash != first.hash)
        #expect(try await Package(reading: folder.path("a.tar.zst")).hash == first.hash)
    }

    @Test func whatIsSecretOrMadeOfTheProjectIsLeftOut() throws {
        let folder = try Scratch()
        for name in [
            "a.txt", ".env", ".env.prod", ".env.example", "prod.env", "x.key", "id_rsa", ".sluice/runs.sqlite",
            ".git/config",
            ".ssh/config", "shop.tar.zst", "image/oci-layout", "image/blobs/x", "packages/shop/releases.json",
            "data/b.csv", ".c.txt.1.partial",
        ] { try folder.write(name, "x") }
        try folder.write("own.pem", "-----BEGIN PRIVATE KEY-----")
        try folder.write("ca.pem", "-----BEGIN CERTIFICATE-----")
        let files = try ProjectFiles(in: folder.root, excluding: [PathPattern("data/*")])
        #expect(files.files.map(\.path) == [".env.example", "a.txt", "ca.pem"])
        #expect(files.omissions.count == 14)
        #expect(files.omissions.first { $0.path == ".sluice/" }?.reason == "history and state of this machine")
    }

    @Test func linksAreRefused() throws {
        let folder = try Scratch()
        symlink("/etc/passwd", folder.path("innocent.txt"))
        let error = #expect(throws: SluiceError.self) { try ProjectFiles(in: folder.root) }
        #expect(error?.message.contains("symbolic link") == true)
    }

    @Test func publishedPackagesStayAndCanBeGoneBackTo() async throws {
        let folder = try Scratch()
        let store = try PackageStore(FolderStore(folder.path("store")), name: "shop")
        await #expect(throws: SluiceError.self) { try await store.current() }
        await #expect(throws: SluiceError.self) { try await store.rollback() }
        var hashes: [String] = []
        for number in 0..<3 {
            try folder.write("shop/a.txt", "\(number)")
            let package = try await build(folder, "p\(number)")
            hashes.append(package.hash)
            #expect(try await store.publish(package) == (true, true))
            #expect(try await store.publish(package) == (false, false))
        }
        #expect(try await store.current().hash == hashes[2])
        #expect(try await store.rollback().hash == hashes[1])
        #expect(try await store.rollback().hash == hashes[0])
        await #expect(throws: SluiceError.self) { try await store.rollback() }
        #expect(try await store.rollback(to: String(hashes[2].prefix(10))).hash == hashes[2])
        let releases = try await store.releases()
        #expect(releases.map(\.hash) == hashes + [hashes[1], hashes[0], hashes[2]])
        #expect(releases.map(\.isRollback) == [false, false, false, true, true, true])
        // Published again, it was there already.
        let again = try await store.publish(Package(reading: folder.path("p0.tar.zst")))
        #expect(again == (false, true))
        for (number, hash) in hashes.enumerated() {
            _ = try await store.unpack(hash, into: folder.path("out\(number)"))
            #expect(folder.read("out\(number)/a.txt") == "\(number)")
        }
    }

    @Test(arguments: [
        "az://shopdeploy/packages", "abfss://packages@shopdeploy.dfs.core.windows.net/a/b", "/srv/packages", "packages",
    ])
    func aReferenceIsReadAsItIsWritten(_ place: String) throws {
        let hash = String(repeating: "0af", count: 21) + "1"
        let reference = PackageReference(place: place + "/", name: "shop.orders", hash: hash)
        #expect(reference.description == "\(place)/shop.orders@\(hash)")
        let read = try PackageReference(reference.description)
        #expect(read == reference && read.place == place && read.name == "shop.orders" && read.hash == hash)
        #expect(read.short == "shop.orders@0af0af0af0af")
    }

    @Test(arguments: [
        "", "shop", "shop@12", "/shop@", "packages/shop@current", "packages/.shop@\(String(repeating: "a", count: 64))",
        "packages/shop@\(String(repeating: "A", count: 64))", "packages/sh op@\(String(repeating: "a", count: 64))",
    ])
    func whatNamesNoPackageIsRefused(_ text: String) {
        let error = #expect(throws: SluiceError.self) { try PackageReference(text) }
        #expect(error?.hint?.contains("STORE/NAME@HASH") == true)
    }

    @Test func aShelfFindsWhatWasPublished() async throws {
        let folder = try Scratch()
        let shelf = try PackageShelf("az://x/packages", FolderStore(folder.path("store")), name: "shop")
        await #expect(throws: SluiceError.self) { try await shelf.find("current") }
        await #expect(throws: SluiceError.self) { try await shelf.find("00") }
        try folder.write("shop/a.txt", "1")
        let first = try await build(folder, "a")
        _ = try await shelf.packages.publish(first)
        try folder.write("shop/a.txt", "2")
        let second = try await build(folder, "b")
        _ = try await shelf.packages.publish(second)
        #expect(try await shelf.find("current") == shelf.reference(to: second.hash))
        #expect(try await shelf.find(String(first.hash.prefix(9))).description == "az://x/packages/shop@\(first.hash)")
        let error = await #expect(throws: SluiceError.self) { try await shelf.find("") }
        #expect(error?.message.contains("2 packages") == true)
    }

    /// Who tells versions of a file by its time takes the same contents for the same, and others for others.
    @Test func aFilesTimeFollowsFromItsContents() async throws {
        let folder = try Scratch()
        func time(_ text: String, _ name: String) async throws -> Int64? {
            try folder.write("shop/a.txt", text)
            let package = try await build(folder, name)
            _ = try await PackageReader(LocalFile(package.file)).unpack(into: folder.path("out-\(name)"))
            return FileFacts(path: folder.path("out-\(name)/a.txt"))?.modified
        }
        let first = try #require(try await time("1", "a"))
        #expect(try await time("2", "b") != first)
        #expect(try await time("1", "c") == first)
        #expect((946_684_800_000_000_000..<1_577_836_800_000_000_000).contains(first))
    }

    /// Whoever dies between the archive and the list has changed nothing.
    @Test func aPublicationThatWasBrokenOffIsNothing() async throws {
        let folder = try Scratch()
        try folder.write("shop/a.txt", "x")
        let package = try await build(folder, "p")
        try folder.write("store/shop/\(package.hash).tar.zst", "half of it")
        let store = try PackageStore(FolderStore(folder.path("store")), name: "shop")
        #expect(try await store.releases().isEmpty)
        #expect(try await store.publish(package) == (true, true))
        #expect(try await store.unpack(package.hash, into: folder.path("out")) == package.manifest)
    }

    @Test func twoWhoPublishAtOnceBothArrive() async throws {
        let folder = try Scratch()
        var packages: [Package] = []
        for number in 0..<6 {
            try folder.write("shop/a.txt", "\(number)")
            packages.append(try await build(folder, "p\(number)"))
        }
        let path = folder.path("store")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for package in packages {
                group.addTask { _ = try await PackageStore(FolderStore(path), name: "shop").publish(package) }
            }
            try await group.waitForAll()
        }
        let releases = try await PackageStore(FolderStore(path), name: "shop").releases()
        #expect(Set(releases.map(\.hash)) == Set(packages.map(\.hash)) && releases.count == 6)
    }

    /// Archives of somebody who means harm.
    @Test(arguments: [
        [TarEntry(path: "files/../../evil", size: 1)], [TarEntry(path: "/etc/evil", size: 1)],
        [TarEntry(path: "files/a.txt", kind: .symbolicLink("/etc/passwd"))],
        [TarEntry(path: "files/a.txt", kind: .hardLink("/etc/passwd"))], [TarEntry(path: "files/a.txt", kind: .folder)],
        [TarEntry(path: "files/a.txt", size: 2)], [TarEntry(path: "files/b.txt", size: 1)], [],
        [TarEntry(path: "files/a.txt", size: 1), TarEntry(path: "files/more", size: 1)],
        [TarEntry(path: "files/a.txt", size: 1), TarEntry(path: "files/a.txt", size: 1)],
    ])
    func hostileArchivesAreRefused(_ entries: [TarEntry]) async throws {
        let folder = try Scratch()
        try folder.write("shop/a.txt", "x")
        let manifest = try await build(folder, "p").manifest
        let archive = try await pack(manifest.json.text() + "\n", entries)
        await #expect(throws: SluiceError.self) {
            try await PackageReader(archive).unpack(into: folder.path("out/inner"))
        }
        #expect(FileFacts(path: folder.path("out/inner")) == nil && FileFacts(path: folder.path("evil")) == nil)
        #expect(folder.list("out").isEmpty)
    }

    @Test(arguments: [
        #"{"format":"sluice-package/2"}"#, "{}", "[]", "",
        #"{"format":"sluice-package/1","name":"../x","program":{"version":"1","sha256":"HASH"},"files":[]}"#,
        #"{"format":"sluice-package/1","name":"x","program":{"version":"1","sha256":"HASH"},"files":[{"path":"../evil","size":1,"sha256":"HASH"}]}"#,
        #"{"format":"sluice-package/1","name":"x","program":{"version":"1","sha256":"HASH"},"files":[{"path":"/evil","size":1,"sha256":"HASH"}]}"#,
        #"{"format":"sluice-package/1","name":"x","program":{"version":"1","sha256":"HASH"},"files":[{"path":"a//b","size":1,"sha256":"HASH"}]}"#,
        #"{"format":"sluice-package/1","name":"x","program":{"version":"1","sha256":"HASH"},"files":[{"path":"a\\b","size":1,"sha256":"HASH"}]}"#,
        #"{"format":"sluice-package/1","name":"x","program":{"version":"1","sha256":"HASH"},"files":[{"path":"a","size":-1,"sha256":"HASH"}]}"#,
        #"{"format":"sluice-package/1","name":"x","program":{"version":"1","sha256":"HASH"},"files":[{"path":"a","size":9000000000000000,"sha256":"HASH"}]}"#,
        #"{"format":"sluice-package/1","name":"x","program":{"version":"1","sha256":"HASH"},"files":[{"path":"b","size":1,"sha256":"HASH"},{"path":"a","size":1,"sha256":"HASH"}]}"#,
        #"{"format":"sluice-package/1","name":"x","program":{"version":"1","sha256":"HASH"},"files":[{"path":"a","size":1,"sha256":"HASH"},{"path":"a/b","size":1,"sha256":"HASH"}]}"#,
    ])
    func hostileManifestsAreRefused(_ text: String) async throws {
        let folder = try Scratch()
        let manifest = text.replacing("HASH", with: String(repeating: "0", count: 64)) + "\n"
        let archive = try await pack(manifest, [])
        await #expect(throws: SluiceError.self) { try await PackageReader(archive).unpack(into: folder.path("out")) }
        #expect(FileFacts(path: folder.path("out")) == nil)
    }

    /// Zeros that unpack to far more than they say end at the limit, and not in a full disk.
    @Test func aBombIsDefused() async throws {
        let folder = try Scratch()
        try folder.write("shop/a.txt", "x")
        let manifest = try await build(folder, "p").manifest
        let target = MemorySink()
        let packed = try CompressingSink(target, .zstd)
        let writer = TarWriter(packed)
        try await writer.add(TarEntry(path: "package.json"), Buffer(Array((manifest.json.text() + "\n").utf8)))
        try await packed.write(Buffer(try TarFormat.header(TarEntry(path: "files/a.txt", size: 1 << 40))))
        let zeros = Buffer([UInt8](repeating: 0, count: 1 << 20))
        for _ in 0..<64 { try await packed.write(zeros) }
        try await packed.finish()
        let archive = PackedMemory(try #require(target.contents))
        await #expect(throws: SluiceError.self) { try await PackageReader(archive).unpack(into: folder.path("out")) }
        #expect(folder.list(".").sorted() == ["p.tar.zst", "shop"])
    }

    private func build(_ folder: Scratch, _ name: String) async throws -> Package {
        try await Package.build(
            ProjectFiles(in: folder.path("shop")), name: "shop", program: program, to: folder.path("\(name).tar.zst"))
    }

    private func pack(_ manifest: String, _ entries: [TarEntry]) async throws -> PackedMemory {
        let target = MemorySink()
        let packed = try CompressingSink(target, .zstd)
        let writer = TarWriter(packed)
        try await writer.add(TarEntry(path: "package.json"), Buffer(Array(manifest.utf8)))
        for entry in entries { try await writer.add(entry, Buffer([UInt8](repeating: 0x78, count: entry.size))) }
        try await writer.end()
        try await packed.finish()
        return PackedMemory(try #require(target.contents))
    }
}

/// Bytes in memory as a file.
struct PackedMemory: InputFile {
    let source: MemorySource

    init(_ bytes: Buffer) { source = MemorySource(bytes) }

    var name: String { source.name }
    var identity: FileIdentity? { nil }
    var streamSize: Int? { source.streamSize }
    func stream() async throws(SluiceError) -> any ByteStream { try await source.stream() }
    func randomAccess() async throws(SluiceError) -> any RandomAccess { source }
}

/// A folder that goes with its owner.
final class Scratch: Sendable {
    let root: String

    init() throws {
        root = "/tmp/sluice-packages-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        try Storage.makeFolders(root)
    }

    deinit { remove(root) }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    func write(_ name: String, _ text: String) throws {
        let path = path(name)
        try Storage.makeFolders(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
    }

    func read(_ name: String) -> String? {
        guard let file = fopen(path(name), "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    func list(_ name: String) -> [String] { names(path(name)) }

    private func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private func remove(_ path: String) {
        for name in names(path) where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
