import Connectors
public import Settings
import Support
import Synchronization

/// A program has been run.
public struct CommandStep: Sendable {
    /// The program and its arguments.
    public var run: [String]
    /// Environment variables, which may be secrets.
    public var environment: [(name: String, value: Scalar)]
    /// Where it runs, from the project's folder on.
    public var folder: String
    /// The program that says whether there is something to do; empty when nobody knows.
    public var check: [String]
    /// How long it may take to end when asked to.
    public var stopWait: Duration
    let needs: [ProgramNeed]

    init(_ section: Section) throws(SluiceError) {
        run = section.texts("run") ?? []
        environment = (section.node["env"]?.entries ?? []).compactMap { entry in
            entry.value.scalar.map { (entry.key, $0) }
        }
        folder = section.text("folder") ?? ""
        check = section.texts("check") ?? []
        stopWait = section.duration("stop_wait") ?? .seconds(5)
        var needs: [ProgramNeed] = []
        for text in section.texts("needs") ?? [] { needs.append(try ProgramNeed(text)) }
        self.needs = needs
    }
}

struct CommandWork: StepWork {
    let step: CommandStep

    /// Without a program that tells, its exit code is all there is to know.
    var isVerifiable: Bool { !step.check.isEmpty }

    private var shown: String { Display.safe(step.run.joined(separator: " ")) }

    func inspect(_ scene: Scene) async throws(SluiceError) -> Finding {
        for need in step.needs { try await find(need, scene) }
        if step.check.isEmpty { return .pending(["run \(shown)"]) }
        let output = Tail()
        let code = try await run(step.check, scene, output, as: "check")
        return code == 0
            ? .done("\(Display.safe(step.check.joined(separator: " "))) says so") : .pending(["run \(shown)"])
    }

    func act(_ scene: Scene) async throws(SluiceError) -> String {
        let output = Tail()
        let code = try await run(step.run, scene, output, as: "output")
        guard code == 0 else {
            let reason = code > 128 ? "was ended by signal \(code - 128)" : "ended with exit code \(code)"
            throw SluiceError(
                .inputOutput, "\(Display.safe(step.run.first ?? "")) \(reason)", details: output.lines,
                hint: "all that it said is in the log: sluice logs \(scene.job.name)")
        }
        return "ran \(shown)"
    }

    /// The last lines of what a program said, for an error.
    private final class Tail: Sendable {
        private let kept = Mutex<[String]>([])

        func add(_ line: String) {
            kept.withLock { lines in
                lines.append(line)
                if lines.count > 5 { lines.removeFirst() }
            }
        }

        var lines: [String] { kept.withLock { $0 } }
    }

    private func run(
        _ words: [String], _ scene: Scene, _ output: Tail, as event: String
    ) async throws(SluiceError) -> Int32 {
        var variables = scene.sites.environment
        for (name, value) in step.environment {
            guard !name.isEmpty, !name.contains("="), !name.utf8.contains(0) else {
                throw SluiceError(
                    .invalidConfiguration, "\"\(Display.safe(name))\" cannot be the name of an environment variable")
            }
            let text = try await scene.sites.secrets.text(of: value)
            if Redactor.isSecret(key: name) { Redactor.shared.protect(text) }
            variables[name] = text
        }
        let child = ChildProcess(
            words: words, environment: variables, folder: scene.sites.anchored(step.folder), stopWait: step.stopWait
        ) { line, _ in
            let text = Display.safe(Redactor.shared.redact(line))
            output.add(text)
            scene.say(event, text)
        }
        return try await child.run()
    }

    /// Makes sure that a program is there, and as new as it has to be.
    private func find(_ need: ProgramNeed, _ scene: Scene) async throws(SluiceError) {
        // Most say it to the first; those that know words instead of options, to the second.
        for word in ["--version", "version"] {
            let said = Mutex("")
            let probe = ChildProcess(
                words: [need.program, word], environment: scene.sites.environment, folder: scene.sites.folder
            ) { line, _ in
                said.withLock { if $0.utf8.count < 4096 { $0 += line + "\n" } }
            }
            let code: Int32
            do throws(SluiceError) {
                code = try await probe.run()
            } catch  where error.code == .notFound {
                throw SluiceError(
                    .notFound, "the program \(need.program) is needed and is not there",
                    hint: "install it, or add its folder to PATH")
            }
            guard let least = need.version else { return }
            guard code == 0, let found = Version(in: said.withLock { $0 }) else { continue }
            if found >= least { return }
            throw SluiceError(
                .unsupported, "\(need.program) is of version \(found), at least \(least) is needed",
                hint: "update \(need.program)")
        }
        throw SluiceError(
            .unsupported, "\(need.program) is needed in a certain version, and does not say which it is",
            hint: "\(need.program) --version was asked; leave the version out, or make sure of it with check:")
    }
}
