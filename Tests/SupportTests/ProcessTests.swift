import Glibc
import Support
import Testing

/// A program that is started, and how it ends.
@Suite(.timeLimit(.minutes(1))) struct ProcessTests {
    /// What a program writes into a pipe, and how it ends.
    private func run(_ words: [String], environment: [String: String] = [:], folder: String? = nil) throws
        -> (text: String, end: ProcessEnd)
    {
        let pipe = try ProcessPipe()
        defer { close(pipe.reading) }
        let child = try ProcessStart(
            words, environment: environment, folder: folder, output: .descriptor(pipe.writing)
        ).start()
        close(pipe.writing)
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(pipe.reading, &block, block.count)
            if count <= 0 { break }
            bytes += block[..<count]
        }
        return (String(decoding: bytes, as: UTF8.self), try ProcessEnd.wait(for: child))
    }

    @Test func aProgramHasTheFolderAndTheEnvironmentThatItIsGiven() throws {
        let (text, end) = try run(
            ["/bin/sh", "-c", "pwd; env | grep CITY; echo error >&2; exit 3"], environment: ["CITY": "Köln\n2"],
            folder: "/usr")
        #expect(text == "/usr\nCITY=Köln\nerror\n")
        #expect(end == ProcessEnd(status: 3 << 8))
        #expect(end.code == 3 && end.signal == nil)
    }

    @Test func aSignalIsToldAsShellsDo() throws {
        let (_, end) = try run(["/bin/sh", "-c", "kill -9 $$"])
        #expect(end.signal == 9)
        #expect(end.code == 137)
    }

    @Test func aProgramLeadsAGroupWithoutOurSignals() throws {
        // Blocked here, and so it would be there, if nobody undid that.
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        defer { pthread_sigmask(SIG_UNBLOCK, &set, nil) }
        let child = try ProcessStart(["/bin/sh", "-c", "sleep 60 & wait"], environment: ["PATH": "/bin"]).start()
        #expect(getpgid(child) == child)
        #expect(ProcessEnd.now(of: child) == nil)
        kill(-child, SIGTERM)
        #expect(try ProcessEnd.wait(for: child).signal == Int(SIGTERM))
    }

    @Test(
        arguments: [
            (["no-such-program-at-all"], nil, "the program no-such-program-at-all is not there"),
            (["/bin/sh"], "/no/such/folder", "no folder /no/such/folder"),
            (["/etc/passwd"], nil, "/etc/passwd cannot be started: Permission denied"),
            (["/bin/echo", "a\0b"], nil, "zero byte"),
            ([], nil, "no program"),
        ] as [([String], String?, String)])
    func whatCannotBeStartedIsSaid(_ words: [String], _ folder: String?, _ message: String) throws {
        let error = #expect(throws: SluiceError.self) {
            try ProcessStart(words, environment: [:], folder: folder).start()
        }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
}
