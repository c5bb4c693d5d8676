import Glibc
public import Storage
public import Support

/// What of a project's folder goes into an archive, and what is left out with the reason why.
public struct ProjectFiles: Sendable {
    /// A file that goes in.
    public struct File: Sendable, Equatable {
        /// Where it lies below the folder, with `/` between the parts.
        public let path: String
        /// Where it lies on this machine.
        public let source: String
        /// How many bytes it has.
        public let size: Int
        /// Whether it may be executed.
        public let isExecutable: Bool
    }

    /// Something that stays where it is.
    public struct Omission: Sendable, Equatable {
        /// Where it lies below the folder; a folder's ends with a slash.
        public let path: String
        /// Why.
        public let reason: String
    }

    /// The files, in the order of their paths' bytes, which is the same on every machine.
    public let files: [File]
    /// What is left out.
    public let omissions: [Omission]

    /// How many bytes the files have.
    public var size: Int { files.reduce(0) { $0 + $1.size } }

    /// More files than a project has; a home folder given by mistake has them.
    public static let mostFiles = 50_000

    /// Looks through `folder`.
    ///
    /// - parameter excluding: Patterns of paths below it that are left out as well.
    /// - throws: `SluiceError` for a symbolic link, a device, or a name that other machines would misread.
    public init(in folder: String, excluding patterns: [PathPattern] = []) throws(SluiceError) {
        var walk = Walk(root: folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder, patterns)
        try walk.go("", depth: 0)
        files = walk.files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        omissions = walk.omissions.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// Why a file or folder of this name is left out; nil when it is not.
    static func reason(name: String, isFolder: Bool) -> String? {
        let lower = name.lowercased()
        if isFolder {
            switch lower {
            case ".sluice": return "history and state of this machine"
            case ".git", ".hg", ".svn": return "version control"
            case ".aws", ".azure", ".ssh", ".gnupg": return "may hold secrets"
            default: return nil
            }
        }
        if lower == ".env" || lower.hasPrefix(".env.") {
            return [".env.example", ".env.sample", ".env.template"].contains(lower) ? nil : "holds secrets"
        }
        if lower.hasSuffix(".env") { return "may hold secrets" }
        if [".key", ".pfx", ".p12", ".jks", ".kdbx"].contains(where: lower.hasSuffix) {
            return "may hold a private key"
        }
        if lower.hasPrefix("id_"), ["id_rsa", "id_ecdsa", "id_ed25519", "id_dsa"].contains(lower) {
            return "may hold a private key"
        }
        if [".pgpass", ".netrc", ".git-credentials"].contains(lower) { return "holds passwords" }
        if lower == ".ds_store" { return "of no use elsewhere" }
        return AtomicFile.isUnfinished(name) ? "not finished" : nil
    }
}

/// The way through a folder.
private struct Walk {
    let root: String
    let patterns: [PathPattern]
    var files: [ProjectFiles.File] = []
    var omissions: [ProjectFiles.Omission] = []

    init(root: String, _ patterns: [PathPattern]) {
        self.root = root
        self.patterns = patterns
    }

    mutating func go(_ folder: String, depth: Int) throws(SluiceError) {
        let path = folder.isEmpty ? root : "\(root)/\(folder)"
        guard depth < 64 else { throw SluiceError(.limitExceeded, "lies 64 folders deep", place: .init(file: path)) }
        guard let opened = opendir(path) else {
            let code: SluiceError.Code = errno == ENOENT || errno == ENOTDIR ? .notFound : .permission
            throw SluiceError(
                code, "this folder cannot be listed: \(String(cString: strerror(errno)))", place: .init(file: path),
                hint: "name the project's folder")
        }
        defer { closedir(opened) }
        while let entry = readdir(opened) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if bytes == [0x2e] || bytes == [0x2e, 0x2e] { continue }
            guard let name = String(validating: bytes, as: UTF8.self),
                !bytes.contains(where: { $0 < 0x20 || $0 == 0x5c })
            else {
                throw SluiceError(
                    .unsupported,
                    "holds a file whose name is not plain text: \(String(decoding: bytes, as: UTF8.self))",
                    place: .init(file: path), hint: "rename it, or leave it out with --exclude")
            }
            try take(folder.isEmpty ? name : "\(folder)/\(name)", name: name, depth: depth)
        }
    }

    private mutating func take(_ path: String, name: String, depth: Int) throws(SluiceError) {
        let source = "\(root)/\(path)"
        var facts = stat()
        guard lstat(source, &facts) == 0 else {
            throw SluiceError(
                .inputOutput, "cannot be examined: \(String(cString: strerror(errno)))", place: .init(file: source))
        }
        let kind = facts.st_mode & S_IFMT
        let isFolder = kind == S_IFDIR
        let shown = isFolder ? path + "/" : path
        if let reason = ProjectFiles.reason(name: name, isFolder: isFolder) {
            return omissions.append(.init(path: shown, reason: reason))
        }
        if patterns.contains(where: { $0.fits(path) || (!$0.text.contains("/") && $0.fits(name)) }) {
            return omissions.append(.init(path: shown, reason: "excluded"))
        }
        // What was made of the project lies in its folder often, and would make another package of the same files.
        if let made = isFolder ? Walk.product(inFolder: source) : Walk.product(source, lower: name.lowercased()) {
            return omissions.append(.init(path: shown, reason: made))
        }
        if isFolder { return try go(path, depth: depth + 1) }
        guard kind == S_IFREG else {
            throw SluiceError(
                .unsupported, kind == S_IFLNK ? "is a symbolic link, which may lead anywhere" : "is no regular file",
                place: .init(file: source), hint: "put the file itself there, or leave it out with --exclude '\(path)'")
        }
        if name.lowercased().hasSuffix(".pem"), Walk.holdsPrivateKey(source) {
            return omissions.append(.init(path: shown, reason: "holds a private key"))
        }
        files.append(
            .init(
                path: path, source: source, size: Int(facts.st_size), isExecutable: facts.st_mode & 0o111 != 0))
        if files.count > ProjectFiles.mostFiles {
            throw SluiceError(
                .limitExceeded, "holds more than \(ProjectFiles.mostFiles) files", place: .init(file: root),
                hint: "name the project's own folder, or leave data out with --exclude")
        }
    }

    private static func product(inFolder path: String) -> String? {
        if access("\(path)/oci-layout", F_OK) == 0 { return "a container image" }
        return access("\(path)/releases.json", F_OK) == 0 ? "published packages" : nil
    }

    private static func product(_ path: String, lower name: String) -> String? {
        if name.hasSuffix(".tar.zst") { return "a package" }
        guard name.hasSuffix(".tar") else { return nil }
        let start = beginning(of: path, count: 512)
        return start.starts(with: "blobs/\0".utf8) ? "a container image" : nil
    }

    private static func beginning(of path: String, count: Int) -> [UInt8] {
        guard let file = fopen(path, "re") else { return [] }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: count)
        let found = fread(&bytes, 1, bytes.count, file)
        return Array(bytes[..<found])
    }

    private static func holdsPrivateKey(_ path: String) -> Bool {
        String(decoding: beginning(of: path, count: 1 << 20), as: UTF8.self).contains("PRIVATE KEY-----")
    }
}
