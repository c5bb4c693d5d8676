import Storage
import Support
import Testing

@testable import Images

@Suite struct ImageDocumentTests {
    private let manifest =
        #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":7},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","size":9}]}"#

    @Test func aManifestIsReadAndWrittenTheSame() throws {
        let found = try ImageManifest(Buffer(Array(manifest.utf8)))
        #expect(found.size == 16)
        #expect(found.json.text() == manifest)
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"config":{},"layers":[]}"#, #"{"config":null,"layers":null}"#, #"{"fsLayers":[]}"#,
        #"{"config":{"mediaType":"x","digest":"sha512:00","size":1},"layers":[]}"#,
        #"{"config":{"mediaType":"x","digest":"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","size":1},"layers":[]}"#,
    ])
    func whatIsNoManifestIsRefused(_ text: String) {
        #expect(throws: SluiceError.self) { try ImageManifest(Buffer(Array(text.utf8))) }
    }

    @Test func changedManifestsAreReadOrRefused() {
        var generator = Chance(state: 3)
        for _ in 0..<3000 {
            var bytes = Array(manifest.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                    in: 0x20...0x7e, using: &generator)
            }
            guard let found = try? ImageManifest(Buffer(bytes)) else { continue }
            #expect(found.size >= 0 && found.layers.allSatisfy { $0.digest.digits.utf8.count == 64 })
        }
    }

    @Test func aPlatformIsChosenOrThoseThatAreThereAreNamed() throws {
        func item(_ platform: String, _ letter: String) throws -> BlobDescriptor {
            BlobDescriptor(
                mediaType: MediaType.manifest,
                digest: try ContentDigest("sha256:" + String(repeating: letter, count: 64)),
                size: 1, platform: try ImagePlatform(platform))
        }
        let index = ImageIndex([try item("linux/amd64", "a"), try item("linux/arm64/v8", "b")])
        #expect(try index.manifest(for: ImagePlatform("linux/arm64")).digest.short == "bbbbbbbbbbbb")
        let error = #expect(throws: SluiceError.self) { try index.manifest(for: ImagePlatform("linux/s390x")) }
        #expect(error?.hint == "it has linux/amd64, linux/arm64/v8")
    }

    /// This very test program is one, with a loader and libraries.
    @Test func programsAreReadAsTheyAre() async throws {
        let program = try await ProgramFiles()
        #expect(program.platform.system == "linux" && program.elf.interpreter?.contains("ld-linux") == true)
        #expect(program.libraries.contains { $0.name == "libc.so.6" })
        #expect(!program.libraries.contains { $0.name.hasPrefix("ld-linux") })
    }

    /// Programs with any byte of their headers changed are read or refused.
    @Test func damagedProgramsAreReadOrRefused() async throws {
        let file = try LocalFile("/lib64/ld-linux-x86-64.so.2")
        let whole = try await file.read(0..<file.size)
        var generator = Chance(state: 11)
        for _ in 0..<400 {
            var bytes = whole.bytes
            for _ in 0..<3 {
                let place = Int.random(in: 4..<1024, using: &generator)
                bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
            }
            let cut = Bool.random(using: &generator) ? bytes.count : Int.random(in: 0...bytes.count, using: &generator)
            do {
                _ = try await ElfFile(MemorySource(Buffer(Array(bytes.prefix(cut)))))
            } catch {
                #expect(error.code == .invalidData)
            }
        }
    }
}
