import CommandLine
import Init
import Sluice
import Support

/// `sluice plan`: what running jobs would do.
struct PlanCommand: Command {
    let jobs = Parameter.arguments("JOB", .job, required: false, help: "The jobs; all of them when none is named")
    let project = ProjectParameters()
    let all = Parameter.flag("all", help: "All jobs, and the order in which they would run")
    let detailed = Parameter.flag(
        "detailed-exit-code", help: "End with 2 when a table would be changed, or an input reported on")

    var model: CommandModel {
        CommandModel(
            "plan", "Show what running jobs would do, and do nothing",
            [.arguments(jobs), project.group, .options(all, detailed)],
            discussion: """
                Sources and warehouse are looked at and left as they are. The types of text files are those that their \
                beginning shows; reading all of them may widen some.
                """,
            examples: [
                .init("sluice plan", "all jobs"),
                .init("sluice plan orders -e prod --detailed-exit-code", "for a pipeline that asks before it runs"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let (declared, variables) = try context.loadProjectAndVariables(project, arguments)
        let workspace = Workspace(declared, environmentVariables: variables)
        if arguments[all], let name = arguments[jobs].first {
            throw SluiceError(
                .usage, "--all plans every job, and \(name) is named besides", hint: "leave one of both out")
        }
        let names = arguments[jobs].isEmpty ? declared.jobs.map(\.name) : arguments[jobs]
        let order = arguments[all] ? try workspace.order(of: names) : nil
        let code = try await PlanReport.show(
            order?.names ?? names, workspace, IngestOptions(), turns: order?.turns, in: context)
        return arguments[detailed] ? code : .succeeded
    }
}

/// What jobs would do, in words: a line for each thing, and a summary.
enum PlanReport {
    /// Shows it.
    ///
    /// - returns: Whether a table would be changed.
    static func show(
        _ names: [String], _ workspace: Workspace, _ options: IngestOptions, turns: [[String]]? = nil,
        in context: Context
    ) async throws -> ExitCode {
        var documents: [JSONText] = []
        var steps: Int?
        var failure: SluiceError?
        var changes = 0
        var reads: Int?
        var maps: Int?
        for name in names {
            if try workspace.job(name).kind == ReportKeys.kind {
                let plan = try await workspace.planReport(name, options: options)
                reads = (reads ?? 0) + plan.new.count
                documents.append(document(name, plan))
                if !context.options.isJSON {
                    for line in lines(name, plan) { context.output.print(Display.safe(line)) }
                }
                continue
            }
            if try workspace.job(name).kind == MapKeys.kind {
                let result = try await workspace.planMap(name, options: try MapOptions(options))
                maps = (maps ?? 0) + result.plan.pending.count
                documents.append(.object([("job", .string(name)), ("map", result.json)]))
                if !context.options.isJSON {
                    context.output.print(Display.safe("\(name): map \(result.lake) for \(result.dialect.rawValue)"))
                    MapLines(result).showTable(in: context)
                    MapLines(result).tell(name, in: context)
                }
                continue
            }
            if try workspace.job(name).kind == InitKeys.kind {
                let result = try await workspace.planSetup(name, options: options)
                steps = (steps ?? 0) + result.planned
                failure = failure ?? result.failure
                documents.append(.object([("job", .string(name)), ("setup", result.json)]))
                if !context.options.isJSON {
                    for line in SetupLines.lines(name, result) { context.output.print(line) }
                }
                continue
            }
            let (job, plan) = try await workspace.plan(name, options: options)
            changes += plan.changes.count
            documents.append(document(name, job, plan))
            if !context.options.isJSON {
                for line in lines(name, job, plan) { context.output.print(Display.safe(line)) }
            }
        }
        if context.options.isJSON {
            context.answer(
                .members([
                    "jobs": .array(documents), "changes": .number(changes),
                    "order": turns.map { .array($0.map { .array($0.map { .string($0) }) }) },
                ]))
        } else {
            if (reads ?? maps ?? steps).map({ _ in changes > 0 || documents.count > 1 }) ?? true {
                context.output.print(changes == 1 ? "Plan: 1 change to tables" : "Plan: \(changes) changes to tables")
            }
            if let reads {
                context.output.print(reads == 1 ? "Plan: 1 input to report on" : "Plan: \(reads) inputs to report on")
            }
            if let maps {
                context.output.print(maps == 1 ? "Plan: 1 change to names" : "Plan: \(maps) changes to names")
            }
            if let steps {
                context.output.print(steps == 1 ? "Plan: 1 step to do" : "Plan: \(steps) steps to do")
            }
            for (number, turn) in (turns ?? []).enumerated() {
                context.output.print(
                    Display.safe("\(number == 0 ? "Order: first" : "       then") \(turn.joined(separator: ", "))"))
            }
        }
        if let failure { throw failure }
        return changes > 0 || reads ?? 0 > 0 || maps ?? 0 > 0 || steps ?? 0 > 0 ? .changesPending : .succeeded
    }

    private static func lines(_ name: String, _ job: IngestJob, _ plan: IngestPlan) -> [String] {
        var lines = ["\(name): \(job.mode.rawValue) into \(job.table)"]
        for unit in plan.units.prefix(20) {
            lines.append("  read \(unit.name)\(unit.bytes.map { ", \(Quantities.describe(bytes: $0))" } ?? "")")
        }
        if plan.units.count > 20 { lines.append("  read \(plan.units.count - 20) more files") }
        if plan.knownUnits > 0 { lines.append("  leave \(plan.knownUnits) files that are loaded") }
        if plan.units.isEmpty { lines.append("  nothing new to read") }
        if let cursor = plan.cursor {
            let from = cursor.from.map { " from \($0)" } ?? ""
            let to = cursor.to.map { " to \($0)" } ?? ""
            lines.append("  where \(cursor.column) goes\(from)\(to)")
        }
        if plan.clears { lines.append("  replace the rows that are in \(job.table)") }
        for change in plan.changes {
            lines.append("  \(change.sentence(job.table))")
            if change == .create { lines += plan.schema.fields.map { "    \($0)" } }
        }
        if let method = plan.loadMethod { lines.append("  \(method)") }
        if !plan.discarded.isEmpty { lines.append("  leave out \(plan.discarded.joined(separator: ", "))") }
        return lines
    }

    private static func lines(_ name: String, _ plan: ReportPlan) -> [String] {
        var lines = ["\(name): report into \(plan.output)"]
        for input in plan.new.prefix(20) {
            lines.append("  read \(input.name)\(input.bytes.map { ", \(Quantities.describe(bytes: $0))" } ?? "")")
        }
        if plan.new.count > 20 { lines.append("  read \(plan.new.count - 20) more files") }
        let known = plan.inputs.count - plan.new.count
        if known > 0 { lines.append("  leave \(known) \(known == 1 ? "file that is" : "files that are") reported on") }
        if plan.isCombined, !plan.new.isEmpty { lines.append("  combine \(plan.inputs.count) inputs") }
        return lines
    }

    private static func document(_ name: String, _ plan: ReportPlan) -> JSONText {
        [
            "job": .string(name), "output": .string(plan.output), "combined": .bool(plan.isCombined),
            "inputs": .array(
                plan.inputs.map { input in
                    [
                        "name": .string(input.name), "bytes": input.bytes.map { .number($0) } ?? .null,
                        "report": input.report.map { .string($0) } ?? .null, "new": .bool(input.report == nil),
                    ]
                }),
            "new": .number(plan.new.count),
        ]
    }

    private static func document(_ name: String, _ job: IngestJob, _ plan: IngestPlan) -> JSONText {
        [
            "job": .string(name), "table": .string("\(job.table)"), "mode": .string(job.mode.rawValue),
            "units": .array(
                plan.units.map { ["name": .string($0.name), "bytes": $0.bytes.map { .number($0) } ?? .null] }),
            "knownUnits": .number(plan.knownUnits),
            "cursor": plan.cursor.map {
                [
                    "column": .string($0.column), "from": $0.from.map { .string($0) } ?? .null,
                    "to": $0.to.map { .string($0) } ?? .null,
                ]
            } ?? .null,
            "columns": .array(plan.schema.fields.map { .string("\($0)") }), "mayWiden": .bool(plan.mayWiden),
            "clears": .bool(plan.clears),
            "changes": .array(plan.changes.map { .string($0.sentence(job.table)) }),
            "discarded": .array(plan.discarded.map { .string($0) }),
            "loadMethod": plan.loadMethod.map { .string($0) } ?? .null,
        ]
    }
}
