import CommandLine
import Emulator
import Project
import Settings
import Support

/// A project for which an Azure is played: what it stands on there, and how it is led there.
struct EmulatedProject {
    private let name: String
    private let ground: ProjectGround
    private let variables: [String: String]

    /// What it stands on, and whether that was there.
    private var rows: [(thing: EmulatedGround, outcome: EmulatedGround.Outcome)] = []
    /// What could not be found out or made, and why.
    private(set) var notes: [String]

    /// The accounts that are lakes.
    var hierarchical: [String] { ground.hierarchical }
    private var hasPools: Bool { ground.things.contains { $0.kind == .batchAccount } }

    /// The project that the command line means, as the chosen environment sees it or as all do.
    init(_ parameters: ProjectParameters, _ arguments: Arguments, in context: Context) async throws {
        let file = try ProjectFile.find(in: context, variables: arguments[parameters.variablesFile])
        let chosen = arguments[parameters.environment]
        // A file that asks which environment is chosen is never used without one.
        let isOpen = file.text.contains("${environment}") && !file.environments.isEmpty
        var views = (isOpen ? [] : [nil]) + file.environments
        if let chosen, !views.contains(chosen) { views.append(chosen) }
        var all: [Project] = []
        var wanted: [Project] = []
        for view in views {
            let isChosen = chosen != nil && view == chosen
            let (project, problems) = file.parse(
                environment: view, variables: parameters.values(arguments), unsetVariables: isChosen ? .error : .warning
            )
            guard let project else {
                // What is wrong with an environment that is not asked for can wait.
                if chosen != nil, !isChosen { continue }
                throw InvalidProject(file: file.name, report: DiagnosticReport(problems, sources: file.sources))
            }
            all.append(project)
            if chosen == nil || isChosen { wanted.append(project) }
        }
        name = wanted.first?.name ?? ""
        variables = file.environmentVariables
        ground = try await ProjectGround(wanted, among: all, variables: variables)
        notes = ground.notes
    }

    /// Makes what is not there. What cannot be made becomes a note, and keeps nothing else from being made.
    ///
    /// - parameter isAlone: Whether nobody but this machine reaches the emulator, which shows secrets to whoever asks.
    mutating func provide(by emulator: EmulatorServer, isAlone: Bool) async throws(SluiceError) {
        for thing in ground.things {
            if thing.kind == .secret, !isAlone {
                notes.append("the secret \(thing) is not made: others can reach this emulator, and read it")
                continue
            }
            do throws(SluiceError) {
                rows.append((thing, try await emulator.provide(thing)))
            } catch {
                if error.code == .cancelled { throw error }
                notes.append(error.message)
            }
        }
        // Nobody who tries something waits until a pool finds in five minutes that it has tasks.
        if hasPools { try await emulator.set("batch", ["autoscaleInterval": 1000, "samplePeriod": 500]) }
    }

    /// The lines of `.env` by which the project is led to the emulator at `address`, those that it has left out.
    private func missing(_ address: String) -> [String] {
        let wanted = [
            ("SLUICE_AZURE_EMULATOR", Optional(address)), (ProjectGround.subscriptionVariable, ground.subscription),
        ]
        return wanted.compactMap { name, value in
            value.flatMap { variables[name] == $0 ? nil : "\(name)=\($0)" }
        }
    }

    /// What is told to people.
    func lines(at address: String) -> [String] {
        let width = rows.map(\.thing.kind.rawValue.count).max() ?? 0
        let missing = missing(address)
        return ["", rows.isEmpty ? "The project \(name) needs nothing here." : "For the project \(name):"]
            + rows.map { row in
                let outcome = row.outcome == .there ? "was there" : row.outcome.rawValue
                return
                    "  \(Display.pad(row.thing.kind.rawValue, to: width))  \(Display.safe(row.thing.description)), \(outcome)"
            }
            + (hasPools ? ["Pools look for work every second."] : [])
            + (missing.isEmpty
                ? ["Its .env leads here already."]
                : ["Its .env leads here with:"] + missing.map { "  \($0)" })
    }

    /// The same for machines.
    func json(at address: String) -> JSONText {
        [
            "name": .string(name),
            "ground": .array(
                rows.map { row in
                    [
                        "kind": .string(row.thing.kind.rawValue), "name": .string(row.thing.description),
                        "outcome": .string(row.outcome.rawValue),
                    ]
                }),
            "env": .array(missing(address).map { .string($0) }), "notes": .array(notes.map { .string($0) }),
        ]
    }
}
