import Glibc

/// Finds out who has locked a database, from what the kernel tells of locks.
///
/// The database's files are not opened for that: closing them again would give up this process's own locks.
enum LockHolders {
    /// The processes that hold locks on the file or on the index of its log: `process 4711 (python3)`.
    static func of(_ path: String) -> [String] {
        let files = ["", "-shm", "-wal"].compactMap { identity(path + $0) }
        guard !files.isEmpty, let table = read("/proc/locks") else { return [] }
        var holders: [Int32] = []
        for line in table.split(separator: "\n") {
            // 1: POSIX  ADVISORY  WRITE 4711 08:01:1234567 120 120
            let parts = line.split(separator: " ", omittingEmptySubsequences: true)
            guard let place = parts.firstIndex(where: { $0.contains(":") && $0.split(separator: ":").count == 3 }),
                place > 0, files.contains(String(parts[place])), let process = Int32(parts[place - 1]), process > 0,
                !holders.contains(process)
            else { continue }
            holders.append(process)
        }
        return holders.map { process in
            if process == getpid() { return "this process" }
            let name = read("/proc/\(process)/comm").map { String($0.prefix { $0 != "\n" }) } ?? ""
            return name.isEmpty ? "process \(process)" : "process \(process) (\(name))"
        }
    }

    /// A file as the kernel's table names it: device and inode.
    private static func identity(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        func hex(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return text.count < 2 ? "0" + text : text
        }
        // The numbers of a device as Linux packs them.
        let device = UInt64(status.st_dev)
        let major = (device >> 8) & 0xfff | (device >> 32) & ~0xfff
        let minor = device & 0xff | (device >> 12) & 0xffff_ff00
        return "\(hex(major)):\(hex(minor)):\(status.st_ino)"
    }

    private static func read(_ path: String) -> String? {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { Glibc.close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < 1 << 20 {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count <= 0 { break }
            bytes += chunk[0..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
