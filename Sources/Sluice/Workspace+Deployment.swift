import Images
public import Platforms
public import Support

extension Workspace {
    /// The job called `name` as `platform` is to have it: with its image pinned to what it is now, so that it stays what was
    /// deployed, whatever its tag names tomorrow.
    ///
    /// - throws: `SluiceError` when the image is not there.
    public func deployment(of name: String, on platform: any Platform) async throws(SluiceError) -> JobDeployment {
        var job = try named(deployment(of: name))
        guard platform.abilities.deploys, let text = image(of: job, on: platform.name) else { return job }
        let reference = try ImageReference(text)
        let found = try await ImageRegistry(reference, azure: try azure.client()).find(
            reference, platform: ImagePlatform(architecture: "amd64"))
        job.image = reference.pinned(to: found.descriptor.digest).description
        return job
    }

    /// The job called `name`, without a look at its image: all that is needed to start it, find it and remove it.
    public func startable(_ name: String) throws(SluiceError) -> JobDeployment { try named(deployment(of: name)) }

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
