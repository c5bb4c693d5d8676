import CommandLine
import Platforms
import Project
import Sluice
import Support

/// `sluice deploy`: makes jobs stand on their platform as they are declared.
struct Deploy: Command {
    let jobs = Parameter.arguments(
        "JOB", .job, required: false, help: "The jobs to deploy; all that run on a platform which jobs are deployed to")
    let project = ProjectParameters()
    let place = Parameter.optional("on", .platformName, help: "The platform, instead of the one that the project names")
    let package = Parameter.optional(
        "package", .text.named("HASH"),
        help: "The package that runs take: the beginning of its hash, or current; made of this project if not given")
    let rollback = Parameter.flag("rollback", help: "Go back to the package that was current before")
    let plan = Parameter.flag("plan", help: "Show what would change, and change nothing")
    let yes = Parameter.flag("yes", short: "y", help: "Do not ask")

    var model: CommandModel {
        CommandModel(
            "deploy", "Make jobs stand on their platform as they are declared",
            [.arguments(jobs), project.group, .options(place, package, rollback, plan, yes)],
            discussion: """
                What has to change is shown first, and exactly that is done: when something has changed meanwhile, \
                nothing is. Without a terminal --yes is needed. The image is pinned to what its tag names now, and where runs \
                take packages, the project is packed and published as it stands.
                """,
            examples: [
                .init("sluice deploy --plan", "what would change, of all jobs"),
                .init("sluice deploy orders -e prod --yes", "one job, in a pipeline"),
                .init("sluice deploy --rollback", "go back to the files that were deployed before"),
                .init("sluice deploy --package 4f2a91", "or to some that were published once"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let (declared, variables) = try context.loadProjectAndVariables(project, arguments)
        let workspace = Workspace(declared, environmentVariables: variables)
        if arguments[rollback], let word = arguments[package] {
            throw SluiceError(
                .usage, "--rollback chooses the package, and \(word) is named besides", hint: "leave one of both out")
        }
        let word = arguments[rollback] ? "previous" : arguments[package]
        let packages = DeployedPackages(word, of: declared.folder, in: context)
        var planned: [(platform: any Platform, plan: DeploymentPlan)] = []
        // Everything that is wrong is told before anything is changed.
        for (name, platform) in try chosen(workspace, arguments) {
            let reference = try await packages.reference(for: platform)
            let job = try await workspace.deployment(of: name, on: platform, package: reference)
            var plan = try await platform.plan(job)
            let earlier = try workspace.earlier(than: name)
            if !earlier.isEmpty, !platform.abilities.keepsHistory {
                plan.warnings.append(
                    "that \(earlier.joined(separator: ", ")) has succeeded is seen to by 'sluice start', and by nobody when something else starts it"
                )
            }
            if !platform.abilities.keepsHistory {
                for one in try await workspace.remains(of: name) {
                    plan.warnings.append(
                        "a run leaves \(one.what) on its own machine (\(one.path)), where it is lost: name a store or a server"
                    )
                }
            }
            planned.append((platform, plan))
        }
        let plans = planned.map(\.plan)
        if !context.options.isJSON {
            for plan in plans { context.output.print(DeploymentText.lines(plan, in: context).joined(separator: "\n")) }
            context.output.print(DeploymentText.summary(plans))
        }
        let isApplied = try await decide(plans, arguments, context)
        if isApplied {
            var touched: Set<String> = []
            for (platform, plan) in planned where !plan.isEmpty {
                context.say("deploying \(Display.safe(plan.name)) to \(Display.safe(plan.platform))")
                try await packages.publish(plan.job.package, for: platform)
                let isShared = touched.contains("\(plan.platform)/\(plan.name)")
                try await platform.apply(isShared ? try await rest(of: plan, on: platform) : plan)
                touched.insert("\(plan.platform)/\(plan.name)")
                if !context.options.isJSON {
                    context.output.print("\(Display.safe(plan.job.job)): deployed as \(Display.safe(plan.name))")
                }
            }
        }
        if context.options.isJSON {
            context.answer(["plans": .array(plans.map(\.json)), "applied": .bool(isApplied)])
        }
        return .succeeded
    }

    /// What is left of a plan, when the deployment of another job has changed what both of them share.
    private func rest(of plan: DeploymentPlan, on platform: any Platform) async throws -> DeploymentPlan {
        let now = try await platform.plan(plan.job)
        let shown = Set(plan.changes.map(\.path))
        guard let other = now.changes.first(where: { $0.action != .keep && !shown.contains($0.path) }) else {
            return now
        }
        throw SluiceError(
            .conflict, "\(plan.job.job) would be deployed otherwise than was shown: \(other.path) has changed since",
            hint: "look at a new plan")
    }

    /// The jobs that are meant, each with its platform.
    private func chosen(_ workspace: Workspace, _ arguments: Arguments) throws -> [(String, any Platform)] {
        let names = arguments[jobs]
        let on = try arguments[place].map { name in try workspace.platform(name) }
        var chosen: [(String, any Platform)] = []
        for name in names.isEmpty ? workspace.project.jobs.map(\.name) : names {
            let platform = try on ?? workspace.platform(ofJob: name)
            if platform.abilities.deploys {
                chosen.append((name, platform))
            } else if !names.isEmpty {
                throw SluiceError(
                    .usage, "the job \(name) runs on \(platform.name), where nothing has to be deployed",
                    hint: "name another platform with --on, or choose an environment with --environment")
            }
        }
        if chosen.isEmpty {
            throw SluiceError(
                .usage, "no job runs on a platform that jobs are deployed to",
                hint: "name one with --on, or write platform: NAME in the project or under an environment")
        }
        return chosen
    }

    private func decide(_ plans: [DeploymentPlan], _ arguments: Arguments, _ context: Context) async throws -> Bool {
        if arguments[plan] || plans.allSatisfy(\.isEmpty) { return false }
        if arguments[yes] { return true }
        guard context.canAsk else {
            if context.options.isJSON {
                context.answer(["plans": .array(plans.map(\.json)), "applied": false])
            }
            throw SluiceError(
                .usage, "nothing was deployed, since there is nobody to ask",
                hint: "give --yes to do what is shown, or --plan to only see it")
        }
        if try await context.confirms("Deploy this?") { return true }
        context.say("nothing was deployed")
        return false
    }
}
