import Autoscale
import CommandLine
import Support

/// `sluice autoscale`: what a formula would do with a load, on paper.
struct AutoscaleCommand: Command {
    let file = Parameter.optionalArgument(
        "FORMULA", .path, help: "The file of a formula; without it the one that pools have as a rule")
    let load = Parameter.repeated(
        "load", .text.named("TASKSxTIME[@AFTER]"),
        help: "Tasks that come at once, how long each takes, and when: 200x5m, 50x90s@1h")
    let nodes = Parameter.option(
        "nodes", .text.named("MIN..MAX"), default: "0..10", help: "The bounds of the formula of the rule")
    let spot = Parameter.flag("spot", help: "Spot nodes, in the formula of the rule")
    let slots = Parameter.option(
        "slots", .integer(in: 1...256), default: "1", help: "How many tasks a node runs at a time")
    let interval = Parameter.option("interval", .duration, default: "5m", help: "How often the formula is asked")
    let start = Parameter.option("node-start", .duration, default: "3m", help: "How long a node takes to be there")
    let show = Parameter.flag("show", help: "Only show the formula")

    var model: CommandModel {
        CommandModel(
            "autoscale", "Show what an autoscale formula of Batch would do with a load",
            [
                .arguments(file), ParameterGroup("The load", [load]),
                .options(nodes, spot, slots, interval, start, show),
            ],
            discussion: """
                The formula is asked as Batch asks it, with samples of the tasks that wait and run, taken every 30 \
                seconds and known a minute late; nodes come and go as it says. Nothing is sent anywhere. The last \
                line says when the load was done, and how many hours of nodes were paid for.
                """,
            examples: [
                .init("sluice autoscale --load 200x5m", "200 tasks of five minutes, at once"),
                .init(
                    "sluice autoscale --load 20x5m --load 100x1m@1h --nodes 1..20 --slots 4", "and 100 an hour later"),
                .init("sluice autoscale pool.formula --load 200x5m --json", "a formula of your own, for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let formula = try formula(arguments, context)
        if arguments[show] {
            if context.options.isJSON {
                context.answer(["formula": .string(formula.text)])
            } else {
                context.output.print(formula.text)
            }
            return .succeeded
        }
        guard !arguments[load].isEmpty else {
            throw SluiceError(
                .usage, "there is no load", hint: "say how many tasks come, and how long each takes: --load 200x5m")
        }
        var simulation = AutoscaleSimulation(formula)
        simulation.interval = arguments[interval].seconds
        simulation.slotsPerNode = arguments[slots]
        simulation.startSeconds = arguments[start].seconds
        let rows = try simulation.run(try arguments[load].map { text throws(SluiceError) in try parse(text) })
        if context.options.isJSON {
            context.answer(["formula": .string(formula.text), "rows": .array(rows.map(json))])
        } else {
            tell(rows, context)
        }
        return rows.contains { $0.problem != nil } ? .failed : .succeeded
    }

    private func formula(_ arguments: Arguments, _ context: Context) throws(SluiceError) -> AutoscaleFormula {
        if let path = arguments[file] {
            guard let bytes = try SmallFile.read(context.resolve(path), named: path, limit: 1 << 20) else {
                throw SluiceError(.notFound, "there is no such file", place: .init(file: path))
            }
            do throws(SluiceError) {
                return try AutoscaleFormula(String(decoding: bytes, as: UTF8.self))
            } catch {
                throw error.at(.init(file: path))
            }
        }
        let text = arguments[nodes]
        let bounds = text.split(separator: ".", omittingEmptySubsequences: true).map { Int($0) }
        guard text.contains(".."), bounds.count == 2, let least = bounds[0], let most = bounds[1], 0 <= least,
            least <= most
        else {
            throw SluiceError(.usage, "--nodes is '\(text)', two numbers were expected", hint: "Write 0..10.")
        }
        return try .standard(nodes: least...most, slotsPerNode: arguments[slots], isSpot: arguments[spot])
    }

    /// `200x5m@1h`
    private func parse(_ text: String) throws(SluiceError) -> AutoscaleLoad {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let parts = halves[0].split(separator: "x", maxSplits: 1).map(String.init)
        guard parts.count == 2, let tasks = Int(parts[0]), tasks > 0, let time = Quantities.duration(parts[1]) else {
            throw SluiceError(
                .usage, "--load is '\(text)', tasks and their time were expected",
                hint: "Write 200x5m for 200 tasks of five minutes, 200x5m@1h for those that come an hour later.")
        }
        var after = 0.0
        if halves.count == 2 {
            guard let found = Quantities.duration(halves[1]) else {
                throw SluiceError(
                    .usage, "--load is '\(text)', and '\(halves[1])' is no time", hint: "Write 200x5m@1h.")
            }
            after = found.seconds
        }
        return AutoscaleLoad(after: after, tasks: tasks, seconds: time.seconds)
    }

    private func tell(_ rows: [AutoscaleSimulation.Row], _ context: Context) {
        let titles = ["time", "waiting", "running", "ended", "nodes", "wanted", "spot wanted"]
        let cells = rows.map { row in
            [
                clock(row.seconds), "\(row.active)", "\(row.running)", "\(row.ended)", "\(row.nodes)",
                "\(row.targetDedicated)", "\(row.targetLowPriority)",
            ].map { TableRenderer.Cell.plain($0) }
        }
        let renderer = TableRenderer(titles.map { .init(title: $0, isNumber: true) }, in: context)
        let (lines, hidden) = renderer.render(cells)
        for line in lines + TableRenderer.note(hidden, in: context) { context.output.print(line) }
        for row in rows { if let problem = row.problem { context.messages.print("\(clock(row.seconds)): \(problem)") } }
        guard let last = rows.last else { return }
        let done = rows.first { $0.active == 0 && $0.running == 0 && $0.ended == last.ended } ?? last
        let hours = (last.nodeSeconds / 36).rounded() / 100
        context.say(
            "\(ProgressView.counted(last.ended, "task")) done by \(clock(done.seconds)), \(hours) hours of nodes")
    }

    private func clock(_ seconds: Double) -> String {
        let minutes = Int(seconds / 60)
        let rest = Int(seconds) % 60
        return "\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60):\(rest < 10 ? "0" : "")\(rest)"
    }

    private func json(_ row: AutoscaleSimulation.Row) -> JSONText {
        [
            "seconds": .real(row.seconds), "waiting": .number(row.active), "running": .number(row.running),
            "ended": .number(row.ended), "nodes": .number(row.nodes), "wanted": .number(row.targetDedicated),
            "spotWanted": .number(row.targetLowPriority), "nodeSeconds": .real(row.nodeSeconds),
            "problem": row.problem.map { .string($0) } ?? .null,
        ]
    }
}
