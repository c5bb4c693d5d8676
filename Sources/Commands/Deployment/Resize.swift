import CommandLine
import Platforms
import Sluice
import Support

/// `sluice resize`: sets by hand how many nodes a platform keeps, or has its formula decide again.
struct Resize: Command {
    let platform = Parameter.argument("PLATFORM", .platformName, help: "The platform")
    let nodes = Parameter.argument(
        "NODES", .text, help: "How many nodes there are to be; auto for what the formula says")
    let project = ProjectParameters()
    let spot = Parameter.optional(
        "spot", .integer(in: 0...1000), help: "How many of them are spot nodes, instead of all or none as declared")
    let plan = Parameter.flag("plan", help: "Show what would change, and change nothing")
    let yes = Parameter.flag("yes", short: "y", help: "Do not ask")
    let wait = Parameter.flag("wait", help: "Wait until there are so many")

    var model: CommandModel {
        CommandModel(
            "resize", "Set how many nodes a platform keeps, or have its formula decide",
            [.arguments(platform, nodes), project.group, .options(spot, plan, yes, wait)],
            discussion: """
                For a pool of Azure Batch. What changes is shown first; without a terminal --yes is needed. Nodes that \
                have tasks stay until these have ended. A size that was set by hand stays, whether something runs or \
                not, until another is set; auto, and the next deployment of a job, have the formula decide again. A \
                resize that is going on is stopped first.
                """,
            examples: [
                .init("sluice resize cloud 4 -e prod --wait", "four nodes, before the day begins"),
                .init("sluice resize cloud 10 --spot 8 --plan", "what it would be with eight spot nodes among ten"),
                .init("sluice resize cloud auto --yes", "as many as the formula says"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let (declared, variables) = try context.loadProjectAndVariables(project, arguments)
        let workspace = Workspace(declared, environmentVariables: variables)
        let platform = try workspace.platform(arguments[platform])
        guard let size = try await platform.size() else {
            throw SluiceError(
                .notFound, "there are no nodes on \(platform.name) yet", hint: "'sluice deploy JOB' makes their pool")
        }
        let aim = try aim(arguments, size)
        try size.check(aim)
        let isSame = size.aim == aim && (aim == .formula || size.problem == nil)
        if !context.options.isJSON { context.output.print(lines(platform.name, size, aim, isSame)) }
        let isApplied = try await decide(isSame, size, aim, arguments, context)
        if isApplied { try await platform.resize(size, to: aim) }
        var after: PoolSize?
        if arguments[wait], !arguments[plan], isApplied || isSame {
            context.say("waiting for the nodes of \(Display.safe(size.name)); Ctrl-C stops the waiting, not the nodes")
            after = try await platform.wait(forSize: aim)
        } else if isApplied {
            after = try await platform.size()
        }
        if context.options.isJSON {
            answer(after ?? size, aim, isApplied, context)
        } else if let after {
            let (name, pool) = (Display.safe(platform.name), Display.safe(after.name))
            let has = after.isReached && aim != .formula
            context.output.print("\(name): \(pool) \(has ? "has" : aim == .formula ? "is" : "is to have") \(aim.words)")
        }
        return .succeeded
    }

    private func aim(_ arguments: Arguments, _ size: PoolSize) throws(SluiceError) -> PoolSize.Aim {
        let word = arguments[nodes]
        if word == "auto" {
            guard arguments[spot] == nil else {
                throw SluiceError(
                    .usage, "--spot goes with a number of nodes", hint: "the formula decides of auto; leave it out")
            }
            return .formula
        }
        guard let count = Int(word), 0...1_000_000 ~= count else {
            throw SluiceError(.usage, "NODES is \"\(word)\"; a number, or auto, was expected")
        }
        let spots = arguments[spot] ?? (size.usesSpot ? count : 0)
        guard spots <= count else {
            throw SluiceError(
                .usage, "\(spots) of \(count) nodes cannot be spot nodes", hint: "NODES counts all of them, spot or not"
            )
        }
        return .fixed(nodes: count - spots, spot: spots)
    }

    private func lines(_ platform: String, _ size: PoolSize, _ aim: PoolSize.Aim, _ isSame: Bool) -> String {
        let now = PoolSize.Aim.fixed(nodes: size.nodes, spot: size.spot).words
        let moves = size.isChanging ? ", being resized" : ""
        let head = "\(platform), \(size.name): \(now) now\(moves)"
        var lines = [isSame ? "\(head), \(aim.words)" : "\(head)", "  ~ size  \(size.aim.words) → \(aim.words)"]
        if isSame { lines.removeLast() }
        if let problem = size.problem { lines.append("  warning: the last resize failed: \(problem)") }
        if case .fixed(let nodes, let spot) = aim, !isSame {
            if nodes < size.nodes || spot < size.spot {
                lines.append("  nodes that have tasks stay until these have ended")
            }
            if nodes + spot > 0 {
                lines.append("  cost: \(aim.words) of \(size.machine), whether something runs there or not")
            }
        }
        return lines.map { Display.safe($0) }.joined(separator: "\n")
    }

    private func answer(_ size: PoolSize, _ aim: PoolSize.Aim, _ isApplied: Bool, _ context: Context) {
        var wanted = size
        wanted.aim = aim
        context.answer([
            "size": size.json, "decides": wanted.json["decides"] ?? .null, "wanted": wanted.json["wanted"] ?? .null,
            "applied": .bool(isApplied),
        ])
    }

    private func decide(
        _ isSame: Bool, _ size: PoolSize, _ aim: PoolSize.Aim, _ arguments: Arguments, _ context: Context
    ) async throws -> Bool {
        if arguments[plan] || isSame { return false }
        if arguments[yes] { return true }
        guard context.canAsk else {
            if context.options.isJSON { answer(size, aim, false, context) }
            throw SluiceError(
                .usage, "\(size.name) was not resized, since there is nobody to ask",
                hint: "give --yes to do what is shown, or --plan to only see it")
        }
        if try await context.confirms("Resize this?") { return true }
        context.say("nothing was resized")
        return false
    }
}
