import Glibc
public import Support

/// The lock of a job: a locked file beside the database. The kernel unlocks it when its owner is gone, however it went.
///
/// The file stays when the lock is given up: removing it could take it from under somebody who has just opened it.
public final class JobLock: Sendable {
    /// The job whose lock this is.
    public let job: String
    private let file: Int32

    private init(job: String, file: Int32) {
        self.job = job
        self.file = file
    }

    deinit {
        // What it says would be wrong from now on.
        ftruncate(file, 0)
        Glibc.close(file)
    }

    /// Takes the lock of `job`, waiting for whoever holds it. Its file lies beside `database`, which need not be there.
    public static func take(
        _ job: String, beside database: String, as label: String, wait: Duration
    ) async throws(SluiceError) -> JobLock {
        let path = Self.path(job, beside: database)
        // Each lock has a descriptor of its own, which also keeps two sessions of one process apart.
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw failure("the lock file cannot be opened", path, errno) }
        do throws(SluiceError) {
            try await waitFor(file, job, path, wait)
        } catch {
            Glibc.close(file)
            throw error
        }
        let lock = JobLock(job: job, file: file)
        lock.sign(label)
        return lock
    }

    private static func waitFor(
        _ file: Int32, _ job: String, _ path: String, _ wait: Duration
    ) async throws(SluiceError) {
        let deadline = ContinuousClock.now + wait
        var pause = Duration.milliseconds(20)
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            guard code == EWOULDBLOCK || code == EINTR else {
                throw failure("the job cannot be locked", path, code)
            }
            guard ContinuousClock.now < deadline else { throw refusal(job, path, file) }
            do {
                try await Task.sleep(for: min(pause, ContinuousClock.now.duration(to: deadline)))
            } catch {
                throw SluiceError(.cancelled, "stopped while waiting for the lock of \(job)")
            }
            pause = min(pause * 2, .milliseconds(500))
        }
    }

    /// The lock file of a job: its name as far as it is safe in a path, and its hash, by which names do not collide.
    static func path(_ job: String, beside database: String) -> String {
        var real = database
        if let resolved = realpath(database, nil) {
            real = String(cString: resolved)
            free(resolved)
        }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in job.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        let safe = String(
            job.unicodeScalars.prefix(60).map { scalar -> Character in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                return isPlain || "._-".unicodeScalars.contains(scalar) ? Character(scalar) : "_"
            })
        return "\(real).\(safe)-\(String(repeating: "0", count: 16 - digits.count))\(digits).lock"
    }

    /// Says in the file who has it.
    private func sign(_ label: String) {
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let text = "process \(getpid()) on \(name), \"\(label)\", since \(Moment.now.iso)\n"
        ftruncate(file, 0)
        // What is missing here is missing in a message only.
        _ = Array(text.utf8).withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
    }

    private static func refusal(_ job: String, _ path: String, _ file: Int32) -> SluiceError {
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = pread(file, &bytes, bytes.count, 0)
        let text = String(decoding: bytes[0..<max(0, count)].prefix { $0 != 10 }, as: UTF8.self)
        return SluiceError(
            .inputOutput,
            "another run of \(job) is under way; its lock is held by \(text.isEmpty ? "somebody who is just taking it" : text)",
            place: .init(file: path), hint: "Wait for it to end, or stop it; the lock goes with its process",
            isTransient: true)
    }

    private static func failure(_ message: String, _ path: String, _ code: Int32) -> SluiceError {
        let isRefused = code == EACCES || code == EPERM || code == EROFS
        return SluiceError(
            isRefused ? .permission : .inputOutput, "\(message): \(String(cString: strerror(code)))",
            place: .init(file: path),
            hint: isRefused
                ? "Let this user write to the folder of the database" : "Keep the database on a disk of this machine")
    }
}
