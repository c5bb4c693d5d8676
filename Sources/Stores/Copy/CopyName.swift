import Glibc
import Storage
import Support

/// Names that somebody else has given to objects, as names of files here: none may lead out of the folder that the user
/// named, whatever it holds.
enum CopyName {
    /// - throws: `SluiceError` for a name that is none for a file of `target`.
    static func check(_ path: String, for target: any ObjectStore) throws(SluiceError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        func refuse(_ what: String) -> SluiceError {
            SluiceError(
                .invalidData, "the name \"\(path)\" \(what), and is not written below \(target.name)",
                hint: "Copy it by itself, and say what it shall be called.")
        }
        if path.hasPrefix("/") { throw refuse("is absolute") }
        if parts.contains("..") || parts.contains(".") { throw refuse("has \".\" or \"..\" in it") }
        if parts.contains("") { throw refuse("has an empty part") }
        if path.utf8.contains(0) { throw refuse("holds a zero byte") }
        guard target is FolderStore else { return }
        if path.contains("\\") { throw refuse("holds a backslash") }
        let bytes = Array(path.utf8.prefix(2))
        if bytes.count == 2, bytes[1] == UInt8(ascii: ":"), UInt8(ascii: "a")...UInt8(ascii: "z") ~= bytes[0] | 0x20 {
            throw refuse("begins like a drive")
        }
        if path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) { throw refuse("holds a control character") }
    }

    /// Links in a folder may lead out of it: what they lead to is not written.
    ///
    /// - throws: `SluiceError` when a link on the way to `path`, or at it, leads out of the folder.
    static func checkLinks(_ path: String, in target: any ObjectStore) throws(SluiceError) {
        guard let folder = target as? FolderStore, let root = resolved(folder.name) else { return }
        var inner = ""
        for part in path.split(separator: "/") {
            inner += (inner.isEmpty ? "" : "/") + part
            let place = folder.url(inner)
            var found = stat()
            guard lstat(place, &found) == 0 else { return }
            guard found.st_mode & S_IFMT == S_IFLNK else { continue }
            guard let real = resolved(place), real == root || real.hasPrefix(root == "/" ? "/" : root + "/") else {
                throw SluiceError(
                    .permission, "is a link that leads out of \(folder.name), and is not followed",
                    place: .init(file: place), hint: "Remove the link, or copy to where it leads.")
            }
        }
    }

    private static func resolved(_ path: String) -> String? {
        guard let found = realpath(path.isEmpty ? "." : path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}
