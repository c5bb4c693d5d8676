import Glibc

/// Takes away a folder that this process made, with all that is in it.
enum FolderRemoval {
    static func remove(_ path: String, depth: Int = 0) {
        guard depth < 16, let folder = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(folder)
        for name in names where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)", depth: depth + 1) }
        rmdir(path)
    }
}
