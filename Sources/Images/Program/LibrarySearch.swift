import Glibc
import Storage
import Support

/// Finds libraries as the system's loader does: where a program says, then in the folders that the system is set up for.
struct LibrarySearch {
    private let machine: Int
    private let folders: [String]

    /// A search for libraries of the processor that `program` is for.
    init(for program: ElfFile, configuration: String = "/etc/ld.so.conf") {
        machine = program.machine
        let triple = program.machine == 183 ? "aarch64-linux-gnu" : "x86_64-linux-gnu"
        let usual = ["/lib/\(triple)", "/usr/lib/\(triple)", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]
        var seen = Set<String>()
        folders = (LibrarySearch.configured(configuration, depth: 0) + usual).filter { seen.insert($0).inserted }
    }

    /// The file of the library `name`, which `user` (at `path`) needs, and what it says of itself; nil when there is none.
    func find(_ name: String, for user: ElfFile, at path: String, program: (ElfFile, String)) async throws(SluiceError)
        -> (path: String, elf: ElfFile)?
    {
        if name.contains("/") { return try await candidate(name) }
        var places = LibrarySearch.folders(user, path)
        if program.0.isInherited, user.runPath == nil { places += LibrarySearch.folders(program.0, program.1) }
        for folder in places + folders {
            if let found = try await candidate("\(folder)/\(name)") { return found }
        }
        return nil
    }

    /// The file at `path`, when it is a library for this processor: others are passed over, as the loader does.
    private func candidate(_ path: String) async throws(SluiceError) -> (path: String, elf: ElfFile)? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        let real = String(cString: resolved)
        guard FileFacts(path: real)?.isRegular == true, let elf = try await ElfFile(try LocalFile(real)),
            elf.machine == machine
        else { return nil }
        return (real, elf)
    }

    /// Where a file looks first, in folders of this machine.
    private static func folders(_ user: ElfFile, _ path: String) -> [String] {
        guard let text = user.runPath else { return [] }
        let origin = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        return text.split(separator: ":").map {
            String($0).replacing("${ORIGIN}", with: origin).replacing("$ORIGIN", with: origin)
        }
    }

    /// The folders that `ld.so.conf` and what it includes name.
    private static func configured(_ path: String, depth: Int) -> [String] {
        guard depth < 8, let file = fopen(path, "re") else { return [] }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        let count = fread(&bytes, 1, bytes.count, file)
        var folders: [String] = []
        for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" || $0 == "," || $0 == ":" }
            guard let first = words.first else { continue }
            guard first == "include" else {
                folders += words.filter { $0.hasPrefix("/") }.map(String.init)
                continue
            }
            for pattern in words.dropFirst() {
                var found = glob_t()
                defer { globfree(&found) }
                let whole = pattern.hasPrefix("/") ? String(pattern) : "/etc/\(pattern)"
                guard glob(whole, 0, nil, &found) == 0 else { continue }
                for index in 0..<Int(found.gl_pathc) {
                    if let name = found.gl_pathv[index] {
                        folders += configured(String(cString: name), depth: depth + 1)
                    }
                }
            }
        }
        return folders
    }
}
