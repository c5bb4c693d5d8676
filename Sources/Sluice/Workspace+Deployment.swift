import Images
public import Packages
public import Platforms
public import Support

extension Workspace {
    /// The job called `name` as `platform` is to have it: with its image pinned to what it is now, so that it stays what was
    /// deployed, whatever its tag names tomorrow.
    ///
    /// - parameter package: What its runs are to take the project from, where they take packages.
    /// - throws: `SluiceError` when the image is not there, or something would be left in a package's folder.
    public func deployment(
        of name: String, on platform: any Platform, package: PackageReference? = nil
    ) async throws(SluiceError) -> JobDeployment {
        var job = try startable(name, on: platform)
        if let package {
            try await refuseRemains(of: name)
            job.package = package
        }
        guard platform.abilities.deploys, let text = image(of: job, on: platform.name) else { return job }
        let reference = try ImageReference(text)
        let found = try await ImageRegistry(reference, azure: try azure.client()).find(
            reference, platform: ImagePlatform(architecture: "amd64"))
        job.image = reference.pinned(to: found.descriptor.digest).description
        return job
    }

    /// The job called `name`, without a look at its image: all that is needed to start it, find it and remove it.
    ///
    /// Where a run does not see the history of this machine, it does not ask whether the jobs before it have succeeded:
    /// `obstacle(to:)` does, before it is started from here.
    public func startable(_ name: String, on platform: any Platform) throws(SluiceError) -> JobDeployment {
        var deployment = try named(deployment(of: name))
        if !platform.abilities.keepsHistory, try !earlier(than: name).isEmpty {
            deployment.arguments.append(Workspace.ignoresAfterWord)
        }
        return deployment
    }

    /// The jobs that the job called `name` is to run after.
    public func earlier(than name: String) throws(SluiceError) -> [String] {
        try job(name).settings.texts("after") ?? []
    }

    /// What tells a run not to ask for the jobs before it.
    public static let ignoresAfterWord = "--ignore-after"

    /// The image that a job runs from, as it is written.
    private func image(of job: JobDeployment, on platform: String) -> String? {
        job.needs.image ?? project.platforms[platform]?.text("image")
    }

    /// An init job's purpose is a key of its own, and part of its name.
    private func named(_ deployment: JobDeployment) throws(SluiceError) -> JobDeployment {
        var deployment = deployment
        if deployment.needs.purpose == nil {
            deployment.needs.purpose = try job(deployment.job).settings.text("purpose")
        }
        return deployment
    }
}
