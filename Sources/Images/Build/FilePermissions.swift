import Glibc

/// What may be done with a file of this machine.
enum FilePermissions {
    static func isExecutable(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & 0o111 != 0
    }
}
