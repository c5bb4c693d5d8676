import Glibc
import Support
import Synchronization
import Testing

@testable import Init

@Suite struct ChildProcessTests {
    private final class Lines: Sendable {
        private let kept = Mutex<[String]>([])
        func add(_ line: String, _ isError: Bool) { kept.withLock { $0.append((isError ? "! " : "") + line) } }
        var all: [String] { kept.withLock { $0 } }
    }

    private func child(_ words: [String], _ lines: Lines = Lines(), folder: String = "/") -> ChildProcess {
        ChildProcess(
            words: words, environment: ["PATH": "/usr/bin:/bin", "X": "y"], folder: folder, stopWait: .seconds(1)
        ) {
            lines.add($0, $1)
        }
    }

    @Test func linesAndExitCodesAreHandedOn() async throws {
        let lines = Lines()
        let code = try await child(["sh", "-c", "pwd; echo \"$X\" >&2; printf 'last\\r\\nopen'; exit 7"], lines).run()
        #expect(code == 7)
        #expect(lines.all.filter { !$0.hasPrefix("!") } == ["/", "last", "open"] && lines.all.contains("! y"))
        #expect(try await child(["sh", "-c", "kill -9 $$"]).run() == 137)
    }

    @Test func longLinesAreCut() async throws {
        let lines = Lines()
        _ = try await child(["sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end"], lines).run()
        #expect(lines.all.map(\.utf8.count) == [ChildProcess.lineLimit + 3, 3])
    }

    @Test func aProgramThatIsNotThereSaysSo() async {
        let error = await #expect(throws: SluiceError.self) { try await child(["no-such-program"]).run() }
        #expect(error?.code == .notFound)
        let other = await #expect(throws: SluiceError.self) { try await child(["true"], folder: "/no/such").run() }
        #expect(other?.message == "there is no folder /no/such to run true in")
    }

    /// The whole group ends, with what it has started in the background, and what will not be asked.
    @Test func cancellingEndsTheWholeGroup() async throws {
        let lines = Lines()
        let child = child(
            [
                "sh", "-c",
                "trap '' TERM; sleep 300 & echo $!; sh -c 'trap \"\" TERM; echo $$; sleep 300' & wait; sleep 300",
            ], lines)
        let task = Task { try await child.run() }
        while lines.all.count < 2 { try await Task.sleep(for: .milliseconds(10)) }
        task.cancel()
        await #expect(throws: SluiceError.self) { try await task.value }
        for line in lines.all {
            let id = try #require(pid_t(line))
            for _ in 0..<100 where kill(id, 0) == 0 && !isZombie(id) { usleep(10_000) }
            #expect(kill(id, 0) != 0 || isZombie(id), "process \(id) is still there")
        }
    }

    private func isZombie(_ id: pid_t) -> Bool {
        guard let file = fopen("/proc/\(id)/stat", "r") else { return true }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count], as: UTF8.self).contains(") Z")
    }

    /// What is left in the background with the streams open does not hold the command up.
    @Test func whatIsLeftBehindIsNotWaitedFor() async throws {
        let (start, lines) = (ContinuousClock.now, Lines())
        #expect(try await child(["sh", "-c", "sleep 600 & echo $!; exit 0"], lines).run() == 0)
        // How soon this goes on is for all the tests to say that run at the same time.
        #expect(ContinuousClock.now - start < .seconds(300))
        kill(try #require(lines.all.first.flatMap { pid_t($0) }), SIGKILL)
    }
}
