import Glibc
import Support

extension SluiceError {
    /// What the operating system said when it refused something about `path`, and what to do about it.
    static func system(_ number: Int32, _ what: String, path: String, offset: Int? = nil) -> SluiceError {
        let place = Place(file: path, offset: offset)
        let reason = String(cString: strerror(number)).lowercasedFirst
        switch number {
        case ENOENT, ENOTDIR:
            let (folder, name) = splitPath(path)
            guard let names = listFolder(folder) else {
                return SluiceError(
                    .notFound, "the folder '\(folder)' does not exist", place: place,
                    hint: "Create it first, or check the path.")
            }
            let nearest = nearestWord(to: name, among: names.sorted())
            return SluiceError(
                .notFound, "no such file", place: place,
                hint: nearest.map { "Did you mean '\(path.dropLast(name.utf8.count))\($0)'?" }
                    ?? "Check the path; there is nothing of a similar name in '\(folder)'.")
        case EACCES, EPERM, EROFS:
            return SluiceError(
                .permission, "\(what): \(reason)", place: place,
                hint: "Check the permissions with: ls -ld '\(path)' '\(splitPath(path).folder)'")
        case ENOSPC, EDQUOT:
            return SluiceError(
                .inputOutput, "\(what): \(reason)", place: place,
                hint: "Free some space there, or write to another disk. Nothing was left behind.")
        case EFBIG:
            return SluiceError(
                .inputOutput, "\(what): \(reason)", place: place,
                hint: "The file system or `ulimit -f` allows no larger file. Nothing was left behind.")
        case EMFILE, ENFILE:
            return SluiceError(
                .limitExceeded, "\(what): \(reason)", place: place,
                hint: "Raise the limit with `ulimit -n`, or name fewer files at once.", isTransient: true)
        case EPIPE:
            return SluiceError(
                .cancelled, "\(what): whoever reads it has stopped", place: place)
        default:
            return SluiceError(.inputOutput, "\(what): \(reason)", place: place)
        }
    }
}

extension String {
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}

/// The folder and the name in it; the folder of a bare name is `.`.
func splitPath(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = String(path[..<slash])
    return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
}

/// The names in a folder without `.` and `..`; nil when it cannot be listed.
func listFolder(_ path: String) -> [String]? {
    guard let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
            tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
