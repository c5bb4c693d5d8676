import CommandLine
import Platforms
import Sluice
import Support

/// `sluice undeploy`: removes a job from its platform.
struct Undeploy: Command {
    let job = Parameter.argument("JOB", .job, help: "The job to remove")
    let project = ProjectParameters()
    let place = Parameter.optional("on", .platformName, help: "The platform, instead of the one that the project names")
    let yes = Parameter.flag("yes", short: "y", help: "Do not ask")

    var model: CommandModel {
        CommandModel(
            "undeploy", "Remove a job from its platform, and its runs there",
            [.arguments(job), project.group, .options(place, yes)],
            discussion: "What runs is ended by it. What a job has loaded stays. Without a terminal --yes is needed.",
            examples: [.init("sluice undeploy orders -e dev", "from where the environment has it")])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let (declared, variables) = try context.loadProjectAndVariables(project, arguments)
        let workspace = Workspace(declared, environmentVariables: variables)
        let name = arguments[job]
        let platform =
            try arguments[place].map { name in try workspace.platform(name) } ?? workspace.platform(ofJob: name)
        let deployment = try workspace.startable(name, on: platform)
        guard let there = try await platform.deployed(deployment) else {
            if context.options.isJSON { context.answer(["job": .string(name), "removed": false]) }
            context.say("\(Display.safe(name)) is not deployed to \(Display.safe(platform.name))")
            return .succeeded
        }
        if !arguments[yes] {
            guard context.canAsk else {
                throw SluiceError(
                    .usage, "\(there.name) was not removed from \(platform.name), since there is nobody to ask",
                    hint: "give --yes to remove it")
            }
            let question = "Remove \(Display.safe(there.name)) and its runs from \(Display.safe(platform.name))?"
            guard try await context.confirms(question) else {
                context.say("nothing was removed")
                return .succeeded
            }
        }
        let isRemoved = try await platform.delete(deployment)
        if context.options.isJSON {
            context.answer(["job": .string(name), "name": .string(there.name), "removed": .bool(isRemoved)])
        } else {
            context.output.print(
                "\(Display.safe(name)): \(Display.safe(there.name)) is removed from \(Display.safe(platform.name))")
        }
        return .succeeded
    }
}
