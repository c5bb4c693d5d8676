import Glibc
import Storage
public import Support

/// What is in a package: each file with its hash, and the program that it was made for. The hash of this document is what the
/// package is called, so that the same contents have the same name, whenever and wherever they were packed.
public struct PackageManifest: Sendable, Equatable {
    /// The program that runs what is in a package.
    public struct Program: Sendable, Equatable {
        /// Its release.
        public var version: String
        /// The SHA-256 of its file.
        public var hash: String

        /// A program of this release and hash.
        public init(version: String, hash: String) {
            self.version = version
            self.hash = hash
        }

        /// The one that is running.
        public static func running() async throws(SluiceError) -> Program {
            Program(version: Release.number, hash: try await SHA256.hash(ofFile: "/proc/self/exe"))
        }
    }

    /// A file.
    public struct File: Sendable, Equatable {
        /// Where it lies in the project's folder.
        public var path: String
        /// How many bytes it has.
        public var size: Int
        /// Their SHA-256.
        public var hash: String
        /// Whether it may be executed.
        public var isExecutable: Bool

        /// When it was changed, for those who tell versions of a file by that: wherever it is unpacked the same, and another
        /// for other contents. It is in this century, and means nothing else.
        var time: timespec {
            let digits = hash.utf8.prefix(16).map { $0 > 0x39 ? UInt64($0 - 0x57) : UInt64($0 - 0x30) }
            let number = digits.reduce(0) { $0 << 4 | $1 }
            return timespec(
                tv_sec: 946_684_800 + Int(number >> 32) % 631_152_000,
                tv_nsec: Int(number & 0xffff_ffff) % 1_000_000_000)
        }
    }

    /// The project's name.
    public let name: String
    /// The program that it was made for.
    public let program: Program
    /// The files, in the order of their paths' bytes.
    public let files: [File]

    /// How this form of the document is called.
    public static let format = "sluice-package/1"
    /// No project has a larger one.
    static let largest = 16 << 20

    init(name: String, program: Program, files: [File]) {
        self.name = name
        self.program = program
        self.files = files
    }

    /// How many bytes the files have.
    public var size: Int { files.reduce(0) { $0 + $1.size } }

    /// The document, always written the same way.
    var bytes: Buffer { Buffer(Array((json.text() + "\n").utf8)) }

    /// The document.
    public var json: JSONText {
        [
            "format": .string(PackageManifest.format), "name": .string(name),
            "program": ["version": .string(program.version), "sha256": .string(program.hash)],
            "files": .array(
                files.map { file in
                    .members([
                        "path": .string(file.path), "size": .number(file.size), "sha256": .string(file.hash),
                        "executable": file.isExecutable ? true : nil,
                    ])
                }),
        ]
    }

    /// The hash by which the package is called.
    public func hash() throws(SluiceError) -> String {
        let hash = try SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    /// Reads a manifest that anybody may have written.
    ///
    /// - throws: `SluiceError` for another form, for paths that lead elsewhere, and for files that stand there twice.
    public init(_ bytes: Buffer) throws(SluiceError) {
        func wrong(_ what: String) -> SluiceError {
            SluiceError(.invalidData, "this is no manifest of a package: \(what)")
        }
        let json = try JSONText.parse(bytes, depthLimit: 10)
        guard let format = json["format"]?.text else { throw wrong("it does not say its format") }
        guard format == PackageManifest.format else {
            throw SluiceError(
                .unsupported, "a package of the form \"\(Display.safe(format))\" is not understood",
                hint: "this program reads \(PackageManifest.format); a newer one may read it")
        }
        guard let name = json["name"]?.text, PackageName.isValid(name),
            let version = json["program"]?["version"]?.text, let program = json["program"]?["sha256"]?.text,
            PackageName.isHash(program), let items = json["files"]?.items
        else { throw wrong("its name, program or files are missing") }
        guard items.count <= ProjectFiles.mostFiles else { throw wrong("it names \(items.count) files") }
        var files: [File] = []
        var last: String?
        var total = 0
        for item in items {
            guard let path = item["path"]?.text, let size = item["size"]?.integer, let hash = item["sha256"]?.text,
                (0..<1 << 50).contains(size), PackageName.isHash(hash)
            else { throw wrong("a file lacks its path, size or hash") }
            try PackageName.check(path: path)
            // The order makes equal paths neighbours.
            if let last, !last.utf8.lexicographicallyPrecedes(path.utf8) {
                throw wrong("\"\(Display.safe(path))\" is out of order, or there twice")
            }
            if let last, path.hasPrefix("\(last)/") { throw wrong("\"\(Display.safe(last))\" is a file and a folder") }
            last = path
            total += size
            guard total < 1 << 50 else { throw wrong("its files are too large") }
            files.append(File(path: path, size: size, hash: hash, isExecutable: item["executable"]?.flag ?? false))
        }
        self.init(name: name, program: Program(version: version, hash: program), files: files)
        guard bytes == self.bytes else { throw wrong("it is not written as its writer writes") }
    }
}

/// What names, paths and hashes of packages may look like.
enum PackageName {
    static func isValid(_ name: String) -> Bool {
        (1...128).contains(name.utf8.count) && !name.hasPrefix(".") && !name.hasPrefix("-")
            && name.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// Refuses a path that leads out of the folder that it is unpacked into, or means something else on another system.
    static func check(path: String) throws(SluiceError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain =
            path.utf8.count <= 1024 && parts.count <= 64
            && !path.utf8.contains { $0 < 0x20 || $0 == 0x7f || $0 == 0x5c }
            && parts.allSatisfy { !["", ".", ".."].contains($0) && $0.utf8.count <= 255 }
        guard isPlain else {
            throw SluiceError(
                .invalidData, "the path \"\(Display.cut(Display.safe(path), to: 200))\" is refused",
                hint: "paths of a package lead down from its folder, without '..' and links")
        }
    }
}
