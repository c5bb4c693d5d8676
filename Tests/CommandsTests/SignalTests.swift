import CommandLine
import Glibc
import Testing

@testable import Commands

/// What happens to the process as a whole, tried in processes of their own.
@Suite struct SignalTests {
    @Test func terminationCancelsAndSaysSoByTheExitCode() async {
        await #expect(processExitsWith: .exitCode(143)) {
            exit(await interrupt(SIGTERM, endsWhenCancelled: true))
        }
    }

    @Test func interruptionCancelsAndSaysSoByTheExitCode() async {
        await #expect(processExitsWith: .exitCode(130)) {
            exit(await interrupt(SIGINT, endsWhenCancelled: true))
        }
    }

    @Test func theSecondInterruptionEndsTheProcessAtOnce() async {
        await #expect(processExitsWith: .exitCode(130)) {
            exit(await interrupt(SIGINT, endsWhenCancelled: false))
        }
    }

    @Test func aSignalThatTheCallerIgnoresStaysIgnored() async {
        await #expect(processExitsWith: .exitCode(7)) {
            signal(SIGINT, SIG_IGN)
            Signals.watch { _ in _exit(1) }
            kill(getpid(), SIGINT)
            usleep(50_000)
            exit(7)
        }
    }

    @Test func theProgramTellsItsVersion() async throws {
        let result = try await #require(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
            exit(await Program.main(["sluice", "--version"]))
        }
        #expect(String(decoding: result.standardOutputContent, as: UTF8.self).contains("sluice \(Version.number) ("))
    }
}

/// Sends this process a signal, again and again, while it does what a command does that waits.
private func interrupt(_ number: Int32, endsWhenCancelled: Bool) async -> Int32 {
    let cancellation = Cancellation()
    let task = Task {
        while !Task.isCancelled || !endsWhenCancelled {
            // Once cancelled it does not sleep any more, and goes round as a call into C would.
            try? await Task.sleep(for: .milliseconds(5))
            await Task.yield()
        }
        return cancellation.cause?.exitCode.number ?? 1
    }
    Signals.watch { cause in
        guard cancellation.request(cause) else { _exit(cause.exitCode.number) }
        task.cancel()
    }
    let sender = Task {
        for _ in 0..<(endsWhenCancelled ? 1 : 100) {
            kill(getpid(), number)
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
    defer { sender.cancel() }
    return await task.value
}
