import Glibc
public import Platforms
import Project
public import Support

extension Workspace {
    /// The names of the platforms where jobs may run: this machine, and what the project declares.
    public var platformNames: [String] {
        let declared = project.platforms.keys.sorted()
        return declared.contains(Project.thisMachine) ? declared : [Project.thisMachine] + declared
    }

    /// The platform called `name`. What is done to jobs there is told to the listeners of `events`.
    public func platform(_ name: String) throws(SluiceError) -> any Platform {
        guard platformNames.contains(name) else {
            throw SluiceError(
                .invalidConfiguration, "there is no platform \"\(name)\"",
                hint: nearestWord(to: name, among: platformNames).map { "did you mean \"\($0)\"?" }
                    ?? "declared: \(platformNames.joined(separator: ", "))")
        }
        let site = PlatformSite(
            name: name, section: project.platforms[name], project: project.name, environment: project.environment,
            folder: absolute(project.folder), stateFolder: absolute(stateFolder), variables: environmentVariables,
            azure: azure, stores: stores)
        return ObservedPlatform(try PlatformRegistry.standard.make(site), events: events)
    }

    /// The platform that the job called `name` runs on.
    public func platform(ofJob name: String) throws(SluiceError) -> any Platform {
        try platform(project.platform(of: try job(name)))
    }

    /// The job called `name` as platforms see it.
    ///
    /// - parameter arguments: Further words for its program: `["--full-refresh"]`.
    public func deployment(of name: String, arguments: [String] = []) throws(SluiceError) -> JobDeployment {
        let job = try job(name)
        let environment = project.environment.map { ["--environment", $0] } ?? []
        return JobDeployment(
            project: project.name, job: name, kind: job.kind, environment: project.environment,
            description: job.settings.text("description"), arguments: ["run", name] + environment + arguments,
            needs: try DeploymentNeeds(job.settings.section("deploy")), release: Release.number)
    }

    /// A path that holds wherever a program is started.
    private func absolute(_ path: String) -> String {
        guard let real = realpath(path, nil) else {
            // What is not there yet is beside what is.
            if path.hasPrefix("/") { return path }
            guard let here = realpath(".", nil) else { return path }
            defer { free(here) }
            return "\(String(cString: here))/\(path)"
        }
        defer { free(real) }
        return String(cString: real)
    }
}
