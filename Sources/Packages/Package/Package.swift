import Storage
public import Support
import Tar

/// A package that was made: an archive of a project's files behind their manifest.
///
///     let package = try await Package.build(
///         try ProjectFiles(in: "shop"), name: "shop", program: .running(), to: "shop.tar.zst")
///     package.hash
public struct Package: Sendable {
    /// The archive's file.
    public let file: String
    /// What is in it.
    public let manifest: PackageManifest
    /// By which it is called.
    public let hash: String
    /// How many bytes the archive has.
    public let size: Int
    /// The SHA-256 of the archive, which another release of the compression may make another.
    public let archiveHash: String

    /// What the manifest is called in the archive.
    static let manifestPath = "package.json"
    /// Where the files are in it.
    static let filesPath = "files/"

    /// Packs `files` into the file `target`, which appears when it is whole.
    ///
    /// - throws: `SluiceError` when a file changes meanwhile, or cannot be read.
    public static func build(
        _ files: ProjectFiles, name: String, program: PackageManifest.Program, to target: String
    ) async throws(SluiceError) -> Package {
        guard PackageName.isValid(name) else {
            throw SluiceError(
                .usage, "\"\(Display.safe(name))\" is no name for a package",
                hint: "a name has letters, digits, '.', '_' and '-', and begins with a letter or digit")
        }
        var listed: [PackageManifest.File] = []
        for file in files.files {
            try PackageName.check(path: file.path)
            let source = try LocalFile(file.source)
            listed.append(
                .init(
                    path: file.path, size: source.size, hash: try await SHA256.hash(of: source),
                    isExecutable: file.isExecutable))
        }
        let manifest = PackageManifest(name: name, program: program, files: listed)
        let sink = try HashingSink(try AtomicFile(target))
        do throws(SluiceError) {
            let packed = try CompressingSink(sink, .zstd)
            let writer = TarWriter(packed)
            try await writer.add(TarEntry(path: manifestPath), manifest.bytes)
            for (file, item) in zip(files.files, listed) {
                let entry = TarEntry(
                    path: filesPath + item.path, size: item.size, mode: item.isExecutable ? 0o755 : 0o644)
                let check = try HashingStream(try await LocalFile(file.source).stream())
                try await writer.add(entry, streaming: check)
                guard check.finish() == item.hash else {
                    throw SluiceError(
                        .conflict, "was changed while it was packed", place: .init(file: file.source),
                        hint: "wait until nobody writes it, and try again")
                }
            }
            try await writer.end()
            try await packed.finish()
        } catch {
            await sink.abandon()
            throw error
        }
        return Package(
            file: target, manifest: manifest, hash: try manifest.hash(), size: sink.count, archiveHash: sink.hash())
    }

    /// The package in the file `path`, which was made before. Everything in it is held against its manifest.
    public init(reading path: String) async throws(SluiceError) {
        let file = try LocalFile(path)
        manifest = try await PackageReader(file).check()
        self.file = path
        hash = try manifest.hash()
        size = file.size
        archiveHash = try await SHA256.hash(of: file)
    }

    private init(file: String, manifest: PackageManifest, hash: String, size: Int, archiveHash: String) {
        self.file = file
        self.manifest = manifest
        self.hash = hash
        self.size = size
        self.archiveHash = archiveHash
    }
}

/// Hands bytes on, and knows their hash.
final class HashingStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`.

    private let base: any ByteStream
    private let digest: SHA256

    init(_ base: any ByteStream) throws(SluiceError) {
        self.base = base
        digest = try SHA256()
    }

    var name: String { base.name }

    func next() async throws(SluiceError) -> Buffer? {
        guard let bytes = try await base.next() else { return nil }
        digest.update(bytes)
        return bytes
    }

    /// Asked once.
    func finish() -> String { digest.finish() }
}
