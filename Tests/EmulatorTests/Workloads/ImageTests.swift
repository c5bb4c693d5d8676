import Foundation
import HTTPServer
import Storage
import Support
import Tar
import Testing

@testable import Emulator

/// A registry with images of the tests' own, and a place to run them.
struct WorkloadRig {
    let folder: String
    let registry: RegistryStore
    let workloads: Workloads

    static func with(_ body: (WorkloadRig) async throws -> Void) async throws {
        let folder = "/tmp/sluice-workloads-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? RootFolder.remove(folder) }
        let files = try EmulatorFolder(folder)
        let registry = RegistryStore(try files.folder("registry"))
        let rig = WorkloadRig(folder: folder, registry: registry, workloads: try Workloads(files, registry))
        do { try await body(rig) } catch {
            await rig.workloads.close()
            throw error
        }
        await rig.workloads.close()
    }

    static func tar(_ entries: [(TarEntry, String)]) async throws -> [UInt8] {
        let sink = MemorySink()
        let writer = TarWriter(sink)
        for (entry, text) in entries { try await writer.add(entry, Buffer(Array(text.utf8))) }
        try await writer.end()
        return sink.bytes
    }

    private func blob(_ bytes: [UInt8], _ name: String) throws -> JSONText {
        let path = registry.blob("shop", "temporary")
        try registry.write(bytes, to: path)
        let hex = registry.hash(path) ?? ""
        rename(path, registry.blob("shop", hex))
        return ["digest": .string("sha256:\(hex)"), "size": .number(bytes.count)]
    }

    /// Puts an image into the registry as if somebody had pushed it.
    func push(_ name: String, _ layers: [[UInt8]], config: JSONText = [:]) throws {
        let config = try blob(Array(JSONText.object([("config", config)]).text().utf8), name)
        let manifest: JSONText = ["config": config, "layers": .array(try layers.map { try blob($0, name) })]
        let digest = try blob(Array(manifest.text().utf8), name)["digest"]?.text ?? ""
        let repository = registry.folder("shop", name)
        try registry.write([:], to: "\(repository)/manifests/\(digest.dropFirst(7))")
        try registry.write(["digest": .string(digest)], to: "\(repository)/tags/1")
    }

    func image(_ name: String) async throws -> UnpackedImage {
        try await workloads.images.image("shop.azurecr.io/\(name):1")
    }

    func read(_ image: UnpackedImage, _ path: String) -> String? {
        try? EmulatorFolder.read(image.root, path)
    }
}

/// Bytes that were written.
final class MemorySink: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one test writes, and reads afterwards.
    let name = "memory"
    private(set) var bytes: [UInt8] = []
    func write(_ piece: Buffer) async throws(SluiceError) { bytes += piece.bytes }
    func finish() async throws(SluiceError) {}
    func abandon() async {}
}

@Suite struct ImageTests {
    @Test func layersLieOnTopOfEachOther() async throws {
        try await WorkloadRig.with { rig in
            let below = try await WorkloadRig.tar([
                (TarEntry(path: "usr/bin/tool", mode: 0o4755), "old"),
                (TarEntry(path: "bin", kind: .symbolicLink("usr/bin")), ""),
                (TarEntry(path: "etc/keep"), "keep"), (TarEntry(path: "etc/gone"), "gone"),
                (TarEntry(path: "var/cache/a"), "a"), (TarEntry(path: "var/cache/b/c"), "c"),
                (TarEntry(path: "was/a/folder"), "x"), (TarEntry(path: "hard", kind: .hardLink("bin/tool")), ""),
            ])
            let above = try await WorkloadRig.tar([
                (TarEntry(path: "./bin/tool"), "new"), (TarEntry(path: "etc/.wh.gone"), ""),
                (TarEntry(path: "var/cache/own"), "own"), (TarEntry(path: "var/cache/.wh..wh..opq"), ""),
                (TarEntry(path: "was/a"), "file now"), (TarEntry(path: "dev", kind: .symbolicLink("/tmp")), ""),
            ])
            try rig.push("app", [below, above], config: ["WorkingDir": "/srv/app", "Env": ["A=b=c"], "Cmd": ["x"]])
            let image = try await rig.image("app")
            #expect(rig.read(image, "usr/bin/tool") == "new" && rig.read(image, "hard") == "old")
            #expect(rig.read(image, "etc/keep") == "keep" && rig.read(image, "etc/gone") == nil)
            #expect(RootFolder.names("\(image.root)/var/cache") == ["own"])
            #expect(rig.read(image, "was/a") == "file now")
            #expect(RootFolder.isFolder("\(image.root)/srv/app") && RootFolder.isFolder("\(image.root)/dev"))
            #expect(image.environment.first?.value == "b=c")
            var facts = stat()
            lstat("\(image.root)/hard", &facts)
            #expect(facts.st_mode & 0o7777 == 0o755, "no file of an image makes its user somebody else")
        }
    }

    /// What a layer must not do, and where it would have been done.
    @Test(arguments: [
        [(TarEntry(path: "../evil"), "x")], [(TarEntry(path: "a/../../evil"), "x")],
        [(TarEntry(path: "l", kind: .hardLink("../../evil")), "")],
        [(TarEntry(path: "l", kind: .hardLink("/etc/passwd")), "")],
        [
            (TarEntry(path: "a", kind: .symbolicLink("b")), ""), (TarEntry(path: "b", kind: .symbolicLink("a")), ""),
            (TarEntry(path: "a/x"), "x"),
        ],
        [(TarEntry(path: "a"), "file"), (TarEntry(path: "a/b"), "x")],
        [(TarEntry(path: "d", kind: .folder), ""), (TarEntry(path: "h", kind: .hardLink("d")), "")],
        [(TarEntry(path: "../.wh.evil"), "")],
    ])
    func hostileLayersAreRefused(entries: [(TarEntry, String)]) async throws {
        try await WorkloadRig.with { rig in
            try rig.push("evil", [try await WorkloadRig.tar(entries)])
            await #expect(throws: ImageProblem.self) { try await rig.image("evil") }
            #expect(RootFolder.names("\(rig.folder)/workloads/images").isEmpty, "nothing is left of it")
        }
    }

    /// Links that lead out of the image lead to its own root.
    @Test func linksStayInside() async throws {
        try await WorkloadRig.with { rig in
            let outside = "\(rig.folder)/outside"
            mkdir(outside, 0o700)
            let entries = [
                (TarEntry(path: "abs", kind: .symbolicLink(outside)), ""), (TarEntry(path: "abs/file"), "in"),
                (TarEntry(path: "rel", kind: .symbolicLink("../../../../../../../../../..\(outside)")), ""),
                (TarEntry(path: "rel/file2"), "in"), (TarEntry(path: "abs/.wh.other"), ""),
                (TarEntry(path: "over", kind: .symbolicLink("\(outside)/kept")), ""), (TarEntry(path: "over"), "mine"),
            ]
            _ = try EmulatorFolder(outside).write("kept", to: "kept")
            _ = try EmulatorFolder(outside).write("other", to: "other")
            try rig.push("links", [try await WorkloadRig.tar(entries)])
            let image = try await rig.image("links")
            #expect(RootFolder.names(outside).sorted() == ["kept", "other"])
            #expect(rig.read(image, "\(outside)/file") == "in" && rig.read(image, "\(outside)/file2") == "in")
            #expect(rig.read(image, "over") == "mine" && (try? EmulatorFolder.read(outside, "kept")) == "kept")
        }
    }

    @Test func damagedLayersAreErrors() async throws {
        let whole = try await WorkloadRig.tar([(TarEntry(path: "a"), String(repeating: "x", count: 2000))])
        for layer in [
            Array(whole.prefix(900)), [0x1f, 0x8b, 8, 0, 1, 2, 3], [0x28, 0xb5, 0x2f, 0xfd, 1], [1, 2, 3], [],
        ] {
            try await WorkloadRig.with { rig in
                try rig.push("damaged", [layer])
                await #expect(throws: ImageProblem.self) { try await rig.image("damaged") }
            }
        }
    }

    @Test(
        arguments: [
            ("shop.azurecr.io/jobs/orders:1.4", "shop", "jobs/orders", "1.4"),
            ("SHOP.azurecr.io/a", "shop", "a", "latest"),
            ("localhost:10000/a/b:x", "devregistry", "a/b", "x"), ("docker.io/debian:12", nil, "debian", "12"),
            ("shop.azurecr.io/a:1@sha256:ab", "shop", "a", "sha256:ab"),
        ] as [(String, String?, String, String)])
    func readsNames(text: String, registry: String?, name: String, version: String) throws {
        let reference = try #require(ImageShelf.Reference(text))
        #expect(reference.registry == registry && reference.name == name && reference.version == version)
    }

    @Test(arguments: [
        "", "debian", "debian:12", "shop.azurecr.io/", "shop.azurecr.io/../x", "shop.azurecr.io/A:1", "a/b",
    ])
    func refusesNames(text: String) { #expect(ImageShelf.Reference(text) == nil) }
}
