import Platforms
import Runs
import Support

/// What the latest run of a job tells of what is wrong with it, and what to do about that.
struct RunDiagnosis {
    /// The run; nil when the job has never run.
    let run: RunRecord?
    /// How its platform says that it stands, when that was asked.
    let status: PlatformStatus?
    /// The last of what it wrote.
    let log: String

    /// The row.
    func row(_ job: String) -> PlatformCheck {
        let subject = "last run"
        guard let run else {
            return PlatformCheck(subject, .notAsked, "it has not run yet, as far as is known here")
        }
        let state = status.map(\.state) ?? run.state
        let name = "run \(RunID.short(run.id))"
        let reason = status?.reason ?? run.error
        func failed(_ words: String, _ remedy: String) -> PlatformCheck {
            PlatformCheck(
                subject, .failed, "\(name) \(words)\(reason.map { ": \($0)" } ?? "")",
                remedy: remedyByText(reason) ?? remedy)
        }
        switch state {
        case .queued, .starting, .running: return PlatformCheck(subject, .passed, "\(name) is \(state.rawValue)")
        case .succeeded where run.kind == "ingest" && run.counts == RunCounts():
            return PlatformCheck(
                subject, .passed, "\(name) succeeded, and there was nothing to do: no row was new",
                remedy: "if there should have been some: 'sluice logs \(job)' tells what it looked at, "
                    + "'sluice run \(job) --full-refresh' reads everything again")
        case .succeeded: return PlatformCheck(subject, .passed, "\(name) succeeded")
        case .partial:
            return PlatformCheck(
                subject, .failed, "\(name) left out \(run.counts.rowsRejected) rows",
                remedy: "'sluice logs \(job)' tells which and why")
        case .cancelled:
            return PlatformCheck(subject, .passed, "\(name) was cancelled", remedy: "start it again: sluice run \(job)")
        case .timedOut:
            return failed(
                "took too long",
                "give it more time (deploy.timeout, or --time) or a larger size (deploy.size), "
                    + "and see by 'sluice logs \(job)' where it waited")
        case .failed: return failed("failed", "'sluice logs \(job)' tells more")
        }
    }

    /// What to do about what the run says, where it says something that is known; its reason counts before its log.
    private func remedyByText(_ reason: String?) -> String? {
        if let code = status?.exitCode ?? run?.exitCode, code == 137 { return RunDiagnosis.memory }
        for text in [reason ?? "", log] {
            let text = text.lowercased()
            let known = RunDiagnosis.remedies.first { pair in pair.signs.contains { text.contains($0) } }
            if let known { return known.remedy }
        }
        return nil
    }

    private static let memory =
        "it was killed, most likely for want of memory: a larger size (deploy.size, deploy.memory, or --memory)"

    private static let remedies: [(signs: [String], remedy: String)] = [
        (["out of memory", "oomkilled", "were allowed", "cannot allocate memory"], memory),
        (
            ["poolnotfound", "the specified pool does not exist"],
            "the pool is not there: 'sluice deploy' makes it"
        ),
        (
            ["manifest unknown", "failed to pull", "imagepull", "pull access denied", "manifest_unknown"],
            "the image is not in the registry, or the identity may not pull it (AcrPull): 'sluice image push', then 'sluice deploy'"
        ),
        (
            ["can't open file", "no such file or directory", "is not there"],
            "what it was to open is not in the image or on the machine: 'sluice image inspect' lists what is"
        ),
        (
            ["authorizationpermissionmismatch", "authorizationfailure", "authorizationfailed", "forbiddenbyrbac"],
            "the identity lacks a right: its name and the role that it needs are in 'sluice check --identity' and 'sluice logs'"
        ),
        (
            ["password authentication failed", "login failed for user", "access denied for user"],
            "the database refuses the name or the secret: look at the secret, and at the role ('sluice check' says whose)"
        ),
        (
            ["permission denied"],
            "it lacks a right there: an init job with 'grant-roles' gives rights in databases"
        ),
        (
            ["name or service not known", "could not translate host", "no such host", "cannot be found: nothing"],
            "the host's name leads nowhere from there: private endpoints need the network's own DNS"
        ),
        (
            ["connection refused", "timed out", "no answer within", "network is unreachable"],
            "the other side cannot be reached from there: firewall, private endpoint, or the network of the platform's environment"
        ),
        (
            ["certificate"],
            "the certificate of the other side is not trusted there: SLUICE_CA_FILE names one that is"
        ),
    ]
}
