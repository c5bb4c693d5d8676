import Glibc
import Support

/// A folder that becomes the root of a container, filled from layers of strangers.
///
/// No entry gets out of it: links in it are followed as they will mean inside, and never by the kernel outside. Nobody else
/// writes in it meanwhile.
final class RootFolder {
    let path: String
    /// Folders that were walked to before: what an entry's parent was found to be.
    private var known: [String: String] = [:]
    private static let mostLinks = 40

    init(_ path: String) { self.path = path }

    private func refused(_ name: String, _ why: String) -> SluiceError {
        SluiceError(.invalidData, "the entry \"\(name)\" of a layer \(why)", place: .init(file: path))
    }

    private func failed(_ what: String, _ place: String) -> SluiceError {
        SluiceError(.inputOutput, "\(what): \(String(cString: strerror(errno)))", place: .init(file: place))
    }

    /// The parts of an entry's path; none for the root itself.
    static func parts(_ name: String) -> [String]? {
        let parts = name.split(separator: "/").map(String.init).filter { $0 != "." }
        return parts.contains("..") || name.utf8.contains(0) || parts.contains { $0.utf8.count > 255 } ? nil : parts
    }

    /// Where on this machine the folder lies that `parts` mean inside; made when it is not there.
    func folder(_ parts: some Sequence<String>, of name: String) throws(SluiceError) -> String {
        let key = parts.joined(separator: "/")
        if let found = known[key] { return found }
        var todo = Array(parts.reversed())
        var sofar: [String] = []
        var links = 0
        while let part = todo.popLast() {
            if part == ".." {
                _ = sofar.popLast()
                continue
            }
            let place = ([path] + sofar + [part]).joined(separator: "/")
            var facts = stat()
            if lstat(place, &facts) != 0 {
                guard errno == ENOENT else { throw failed("cannot be looked at", place) }
                if mkdir(place, 0o755) != 0 { throw failed("cannot be made", place) }
                sofar.append(part)
                continue
            }
            switch facts.st_mode & S_IFMT {
            case S_IFDIR: sofar.append(part)
            case S_IFLNK:
                links += 1
                guard links <= RootFolder.mostLinks, let target = RootFolder.target(of: place) else {
                    throw refused(name, "goes through too many links")
                }
                if target.hasPrefix("/") { sofar = [] }
                todo += target.split(separator: "/").map(String.init).filter { $0 != "." }.reversed()
            default: throw refused(name, "lies in what is no folder")
            }
        }
        let found = ([path] + sofar).joined(separator: "/")
        known[key] = found
        return found
    }

    static func target(of link: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 4097)
        let count = readlink(link, &bytes, 4096)
        guard count > 0 else { return nil }
        return String(validating: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Where an entry lies, its parent made; what is there now is taken away unless it is a folder and `keepsFolder`.
    func place(_ name: String, keepsFolder: Bool) throws(SluiceError) -> String {
        guard let parts = RootFolder.parts(name), let last = parts.last else { throw refused(name, "leaves the image") }
        let place = try folder(parts.dropLast(), of: name) + "/" + last
        var facts = stat()
        guard lstat(place, &facts) == 0 else { return place }
        let isFolder = facts.st_mode & S_IFMT == S_IFDIR
        if isFolder, keepsFolder { return place }
        try clear(place, isFolder: isFolder)
        return place
    }

    private func clear(_ place: String, isFolder: Bool) throws(SluiceError) {
        if isFolder {
            known = [:]
            try RootFolder.remove(place)
        } else {
            // A link that is gone leads no more where it led.
            known = [:]
            if unlink(place) != 0 { throw failed("cannot be removed", place) }
        }
    }

    /// Takes away what a layer says is gone: `.wh.NAME`, or all of a folder that came from layers below.
    func whiteout(_ parts: [String], of name: String, isOpaque: Bool, keeping: Set<String>) throws(SluiceError) {
        guard let last = parts.last else { return }
        let above = try folder(parts.dropLast(), of: name)
        if isOpaque {
            for child in RootFolder.names(above) where !keeping.contains("\(above)/\(child)") {
                try clear("\(above)/\(child)", isFolder: RootFolder.isFolder("\(above)/\(child)"))
            }
            return
        }
        let gone = "\(above)/\(last.dropFirst(".wh.".count))"
        var facts = stat()
        guard last != ".wh..", last != ".wh...", lstat(gone, &facts) == 0 else { return }
        try clear(gone, isFolder: facts.st_mode & S_IFMT == S_IFDIR)
    }

    /// Where a file lies that another name is made for.
    func existing(_ target: String, of name: String) throws(SluiceError) -> String {
        guard let parts = RootFolder.parts(target), let last = parts.last else {
            throw refused(name, "is another name of what lies outside the image")
        }
        let place = try folder(parts.dropLast(), of: name) + "/" + last
        var facts = stat()
        guard lstat(place, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG || facts.st_mode & S_IFMT == S_IFLNK else {
            throw refused(name, "is another name of \"\(target)\", which is not there")
        }
        return place
    }

    static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder, hidden ones too.
    static func names(_ path: String) -> [String] {
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

    /// Removes a file or folder with all that is in it, and follows no link.
    static func remove(_ path: String) throws(SluiceError) {
        if isFolder(path) {
            // Folders that nobody may write in are an image's right, and in our way.
            chmod(path, 0o700)
            for name in names(path) { try remove("\(path)/\(name)") }
            if rmdir(path) == 0 { return }
        } else if unlink(path) == 0 || errno == ENOENT {
            return
        }
        throw SluiceError(
            .inputOutput, "cannot be removed: \(String(cString: strerror(errno)))", place: .init(file: path))
    }
}
