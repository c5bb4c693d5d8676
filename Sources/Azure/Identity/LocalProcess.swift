import Glibc
import Support

/// A program on this machine that is run for what it prints.
enum LocalProcess {
    struct Outcome: Sendable {
        /// The exit code; 128 and the signal's number when one ended it.
        var status: Int
        var output: [UInt8]
        var errors: [UInt8]
    }

    /// Runs a program to its end, in `folder`. Blocks its thread.
    ///
    /// - throws: `SluiceError` when it cannot be started, prints too much, or takes too long: it is killed then.
    static func run(
        _ path: String, _ arguments: [String], environment: [String: String], folder: String,
        within time: Duration,
        limit: Int
    ) throws(SluiceError) -> Outcome {
        let output = try ProcessPipe()
        defer { close(output.reading) }
        let errors: ProcessPipe
        do throws(SluiceError) { errors = try ProcessPipe() } catch {
            close(output.writing)
            throw error
        }
        defer { close(errors.reading) }
        let process: pid_t
        do throws(SluiceError) {
            process = try ProcessStart(
                [path] + arguments, environment: environment, folder: folder, output: .descriptor(output.writing),
                errors: .descriptor(errors.writing)
            ).start()
        } catch {
            close(output.writing)
            close(errors.writing)
            throw error
        }
        close(output.writing)
        close(errors.writing)
        do throws(SluiceError) {
            let texts = try collect([output.reading, errors.reading], path, within: time, limit: limit)
            return Outcome(status: try ProcessEnd.wait(for: process).code, output: texts[0], errors: texts[1])
        } catch {
            // Its children too: `az` is a script that starts others.
            kill(-process, SIGKILL)
            _ = try? ProcessEnd.wait(for: process)
            throw error
        }
    }

    /// What comes out of both ends until they are closed.
    private static func collect(
        _ ends: [Int32], _ path: String, within time: Duration, limit: Int
    ) throws(SluiceError) -> [[UInt8]] {
        var texts: [[UInt8]] = [[], []]
        var open = [true, true]
        let clock = ContinuousClock()
        let deadline = clock.now + time
        var block = [UInt8](repeating: 0, count: 1 << 14)
        while open[0] || open[1] {
            let left = deadline - clock.now
            let milliseconds =
                left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else {
                throw SluiceError(
                    .timedOut, "\(path) did not end within \(time.components.seconds) s",
                    hint: "try it yourself: az account show")
            }
            var polls = (0..<2).map {
                pollfd(fd: open[$0] ? ends[$0] : -1, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&polls, 2, Int32(clamping: milliseconds)) >= 0 || errno == EINTR else {
                throw failed(path, errno)
            }
            for place in 0..<2 where polls[place].revents != 0 {
                let count = read(ends[place], &block, block.count)
                if count > 0 {
                    texts[place] += block[..<count]
                } else if count == 0 || errno != EINTR {
                    open[place] = false
                }
            }
            if texts.contains(where: { $0.count > limit }) {
                throw SluiceError(.limitExceeded, "\(path) printed more than \(limit >> 10) KiB")
            }
        }
        return texts
    }

    private static func failed(_ path: String, _ reason: Int32) -> SluiceError {
        SluiceError(
            .inputOutput, "\(path) cannot be run: \(String(cString: strerror(reason)).lowercased())")
    }
}
