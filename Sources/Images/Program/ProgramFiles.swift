import Glibc
import Storage
public import Support

/// A program with the C libraries that it needs and its loader, made so that it runs wherever its folder lies at `home`,
/// whatever libraries are beside it: on an empty image, on Alpine's, on another Debian's.
///
/// Two places of the copy are changed for that, both without moving a byte: the loader's name becomes that of the loader in
/// `home`, and the program's own folder is searched for all that its libraries need too.
public struct ProgramFiles: Sendable {
    /// A library that goes along.
    public struct Library: Sendable {
        /// What it is asked for by.
        public let name: String
        /// Where it lies on this machine.
        public let path: String
    }

    /// Where it all lies in an image.
    public static let home = "/opt/sluice"

    /// The program's file.
    public let program: String
    /// What it says of itself.
    public let elf: ElfFile
    /// The libraries by name, without the loader.
    public let libraries: [Library]
    /// The loader.
    public let loader: String
    /// Libraries that are loaded when they are first used, and are not on this machine.
    public let missing: [String]

    static let loaderName = "ld.so"

    /// What is loaded when it is first used, and what cannot be done without it.
    private static let loadedLater: [(name: String, use: String)] = [
        ("libcurl.so.4", "HTTP and all of Azure"), ("libpq.so.5", "PostgreSQL"), ("libodbc.so.2", "ODBC"),
        ("libmicrohttpd.so.12", "the emulator"),
    ]

    /// Finds what the program at `path` needs.
    ///
    /// - throws: `SluiceError` when it is no program for Linux, or one of its libraries is not there.
    public init(_ path: String = "/proc/self/exe") async throws(SluiceError) {
        guard let resolved = realpath(path, nil) else {
            throw SluiceError(.notFound, "there is no such program", place: .init(file: path))
        }
        program = String(cString: resolved)
        free(resolved)
        guard let elf = try await ElfFile(try LocalFile(program)), let interpreter = elf.interpreter,
            elf.architecture != nil
        else {
            throw SluiceError(
                .unsupported, "is no program for Linux that loads libraries, on x86-64 or AArch64",
                place: .init(file: program), hint: "name a release build of sluice with --program")
        }
        self.elf = elf
        let search = LibrarySearch(for: elf)
        let main = (elf, program)
        var found: [String: String] = [:]
        var queue: [(name: String, user: ElfFile, at: String)] = []
        for name in elf.needed { queue.append((name, elf, program)) }
        var missing: [String] = []
        for (name, use) in ProgramFiles.loadedLater {
            if try await search.find(name, for: elf, at: program, program: main) == nil {
                missing.append("\(name) (\(use))")
            } else {
                queue.append((name, elf, program))
            }
        }
        let loaderNames = [interpreter.split(separator: "/").last.map(String.init) ?? "", "ld-linux-x86-64.so.2"]
        while let (name, user, place) = queue.popLast() {
            // The loader answers to its usual name itself.
            if found[name] != nil || loaderNames.contains(name) || name == "ld-linux-aarch64.so.1" { continue }
            guard let library = try await search.find(name, for: user, at: place, program: main) else {
                throw SluiceError(
                    .notFound, "the library \(name) is not on this machine, and \(place) needs it",
                    hint: "install it: apt-file search \(name) tells the package")
            }
            found[name] = library.path
            queue += library.elf.needed.map { ($0, library.elf, library.path) }
        }
        libraries = found.sorted { $0.key < $1.key }.map { Library(name: $0.key, path: $0.value) }
        loader = try ProgramFiles.realPath(interpreter)
        self.missing = missing
    }

    private static func realPath(_ path: String) throws(SluiceError) -> String {
        guard let resolved = realpath(path, nil) else {
            throw SluiceError(.notFound, "the program's loader is not on this machine", place: .init(file: path))
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// For which machines it is.
    public var platform: ImagePlatform { ImagePlatform(architecture: elf.architecture ?? "") }

    /// Whether the copy finds its libraries by itself; otherwise the image's environment has to say where they are.
    var findsLibraries: Bool {
        elf.runPath?.split(separator: ":").contains("$ORIGIN") ?? false && elf.runPathTag != nil
    }

    /// The program as it goes into an image.
    func patched() async throws(SluiceError) -> any ByteStream {
        let file = try LocalFile(program)
        var changes: [(place: Int, bytes: [UInt8])] = []
        let name = Array("\(ProgramFiles.home)/lib/\(ProgramFiles.loaderName)".utf8)
        guard let range = elf.interpreterRange, range.count > name.count else {
            throw SluiceError(
                .unsupported, "has no room for the name of its loader", place: .init(file: program),
                hint: "name a release build of sluice with --program")
        }
        changes.append((range.lowerBound, name + [UInt8](repeating: 0, count: range.count - name.count)))
        // DT_RUNPATH becomes DT_RPATH, which what the libraries need is looked for by too.
        if findsLibraries, let tag = elf.runPathTag { changes.append((tag, [15, 0, 0, 0, 0, 0, 0, 0])) }
        return PatchedStream(try await file.stream(), changes.sorted { $0.place < $1.place })
    }
}

/// A stream with some of its bytes replaced.
private final class PatchedStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`.

    let name: String
    private let base: any ByteStream
    private let changes: [(place: Int, bytes: [UInt8])]
    private var position = 0

    init(_ base: any ByteStream, _ changes: [(place: Int, bytes: [UInt8])]) {
        name = base.name
        self.base = base
        self.changes = changes
    }

    func next() async throws(SluiceError) -> Buffer? {
        guard let piece = try await base.next() else { return nil }
        defer { position += piece.count }
        let touched = changes.filter { $0.place < position + piece.count && $0.place + $0.bytes.count > position }
        if touched.isEmpty { return piece }
        var bytes = piece.bytes
        for change in touched {
            for (offset, byte) in change.bytes.enumerated()
            where bytes.indices.contains(change.place + offset - position) {
                bytes[change.place + offset - position] = byte
            }
        }
        return Buffer(bytes)
    }
}
