import Glibc

extension Storage {
    /// Takes away a file, or a folder that this process made with all that is in it. Links are removed, and not followed; what
    /// cannot be removed stays.
    public static func removeTree(_ path: String) { removeTree(path, depth: 0) }

    private static func removeTree(_ path: String, depth: Int) {
        // Deeper than any program writes; the depth of a path is whoever made it's to choose.
        guard unlink(path) != 0, depth < 200, let folder = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(folder)
        for name in names { removeTree("\(path)/\(name)", depth: depth + 1) }
        rmdir(path)
    }
}
