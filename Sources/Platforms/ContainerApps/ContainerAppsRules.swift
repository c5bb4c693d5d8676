import Support

/// What Container Apps takes, held against a declaration before anything is sent.
enum ContainerAppsRules {
    /// How long a run may take when nothing is declared.
    static let timeout = Duration.seconds(1800)

    /// The processors and memory of a job, which have to be one of the pairs that there are.
    static func resources(_ job: JobDeployment, profile: String?) throws(SluiceError) -> RunResources {
        let wanted = job.needs.resources ?? .small
        if let profile, profile.lowercased() != "consumption" { return wanted }
        if isPair(wanted) { return wanted }
        // The least pair that has enough of both.
        let steps = max((wanted.millicores + 249) / 250, (wanted.memory + (1 << 29) - 1) >> 29, 1)
        let fitting = RunResources(millicores: steps * 250, memory: steps << 29)
        throw SluiceError(
            .invalidConfiguration,
            "the job \(job.job) wants \(text(wanted)), and Container Apps has only certain pairs",
            details: ["there are 0.25 to 4 processors in steps of 0.25, each with twice as many GiB of memory"],
            hint: steps <= 16
                ? "write cpu: \(cpu(fitting.millicores)), memory: \(ContainerJob.gibibytes(fitting.memory))B"
                : "name a workload_profile whose machines are that large")
    }

    private static func isPair(_ resources: RunResources) -> Bool {
        let steps = resources.millicores / 250
        return resources.millicores % 250 == 0 && 1...16 ~= steps && resources.memory == steps << 29
    }

    private static func cpu(_ millicores: Int) -> String {
        millicores % 1000 == 0 ? "\(millicores / 1000)" : "\(Double(millicores) / 1000)"
    }

    private static func text(_ resources: RunResources) -> String {
        "\(cpu(resources.millicores)) processors and \(ContainerJob.gibibytes(resources.memory))B of memory"
    }

    /// What will work, and may not be meant.
    static func warnings(_ job: JobDeployment, image: String) -> [String] {
        var warnings: [String] = []
        if !image.contains("@sha256:") {
            warnings.append("the image \(image) is not pinned to its digest: tomorrow it may be another")
        }
        for name in job.needs.environment.keys.sorted() where Redactor.isSecret(key: name) {
            warnings.append("env.\(name) sounds like a secret, and whoever may read the job can read it: use secrets")
        }
        if job.needs.retries > 0 {
            warnings.append(
                "a run in part (exit code 3) is a failure to Container Apps, and will be tried again \(job.needs.retries == 1 ? "once" : "\(job.needs.retries) times")"
            )
        }
        if job.needs.parallelism > job.needs.completions {
            warnings.append("more copies run at the same time than have to succeed")
        }
        return warnings
    }

    /// Holds tags against what Azure takes.
    static func check(tags: [String: String]) throws(SluiceError) {
        guard tags.count <= 50 else {
            throw SluiceError(.invalidConfiguration, "there are \(tags.count) tags, and Azure takes 50")
        }
        for (name, value) in tags {
            let isFine =
                1...512 ~= name.utf16.count && value.utf16.count <= 256 && !name.contains { "<>%&\\?/".contains($0) }
            guard isFine else {
                throw SluiceError(
                    .invalidConfiguration,
                    "Azure does not take the tag \"\(name)\" with a value of \(value.count) characters",
                    hint: "a name has up to 512 characters without <>%&\\?/, a value up to 256")
            }
        }
    }
}
