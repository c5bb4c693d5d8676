import Glibc
import Packages
import Storage
import Support

/// The file that says which package the runs of a job take on this machine.
struct LocalDeployment {
    let path: String
    private let folder: String

    /// That of `job`, below the folder of runs.
    init(_ job: JobDeployment, in folder: String) throws(SluiceError) {
        let name = job.job + (job.environment.map { "@\($0)" } ?? "")
        guard !name.hasPrefix("."), !name.isEmpty, !name.utf8.contains(where: { $0 == 0x2f || $0 < 0x20 }) else {
            throw SluiceError(.usage, "\"\(Display.safe(name))\" is no name of a job")
        }
        self.folder = "\(folder)/deployed"
        path = "\(self.folder)/\(name)"
    }

    /// The package; nil when there is none.
    var package: PackageReference? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 8 << 10)
        let count = fread(&buffer, 1, buffer.count, file)
        let line = String(decoding: buffer[..<count].prefix { $0 != 0x0a }, as: UTF8.self)
        return try? PackageReference(line)
    }

    /// Writes down another one.
    func note(_ package: PackageReference) async throws(SluiceError) {
        try LocalRun.makeFolder(folder)
        let file = try AtomicFile(path)
        try await file.write(Buffer(Array("\(package)\n".utf8)))
        try await file.finish()
    }

    /// Removes it; whether it was there.
    func forget() throws(SluiceError) -> Bool {
        if unlink(path) == 0 { return true }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw SluiceError(
            .inputOutput, "cannot be removed: \(String(cString: strerror(errno)))", place: .init(file: path))
    }
}
