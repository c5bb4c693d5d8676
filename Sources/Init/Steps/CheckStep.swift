import Connectors
import Settings
import Support

/// Something has to be so, before what comes behind it is begun.
public struct CheckStep: Sendable {
    /// A host and port that have to be reached.
    public var address: (host: String, port: Int)?
    /// Whether what is reached has to be encrypted.
    public var wantsTLS: Bool
    /// Secrets that have to be there.
    public var secrets: [String]
    /// Roles that the database has to have.
    public var roles: [String]
    /// Extensions that the database has to have.
    public var extensions: [String]
    /// The least version of the database.
    public var version: String?
    /// Whether the database is named, and so has to be reached whatever is asked of it.
    public var namesDatabase: Bool

    init(_ section: Section) {
        if let host = section.text("host"), let port = section.integer("port") { address = (host, port) }
        wantsTLS = section.boolean("tls") ?? false
        secrets = section.texts("secrets") ?? []
        roles = section.texts("roles") ?? []
        extensions = section.texts("extensions") ?? []
        version = section.text("version")
        namesDatabase = section.has("on")
    }

    /// Whether the database is asked something.
    var asksDatabase: Bool {
        namesDatabase || !roles.isEmpty || !extensions.isEmpty || version != nil || (wantsTLS && address == nil)
    }
}

/// Looks at everything, and tells all that is wrong at once, each with its remedy.
struct CheckWork: StepWork {
    let step: CheckStep

    var isAct: Bool { false }
    var isVerifiable: Bool { false }

    func act(_ scene: Scene) async throws(SluiceError) -> String { "" }

    func inspect(_ scene: Scene) async throws(SluiceError) -> Finding {
        var found: [String] = []
        var wrong: [(problem: SluiceError, remedy: String?)] = []
        func ask(_ body: () async throws(SluiceError) -> String) async {
            do throws(SluiceError) {
                found.append(try await body())
            } catch {
                wrong.append((error, error.hint))
            }
        }
        if let (host, port) = step.address {
            await ask { () async throws(SluiceError) in
                try await Reach(host: host, port: port, wantsTLS: step.wantsTLS).check()
            }
        }
        for name in step.secrets {
            await ask { () async throws(SluiceError) in try await secret(name, scene) }
        }
        if step.asksDatabase {
            do throws(SluiceError) {
                let answers = try await scene.withDatabase { (session) throws(SluiceError) in
                    try await DatabaseCheck(step, session).answers()
                }
                for answer in answers {
                    await ask { () async throws(SluiceError) in try answer.get() }
                }
            } catch {
                wrong.append((error, error.hint))
            }
        }
        guard let first = wrong.first else { return .done(found.joined(separator: "; ")) }
        if Task.isCancelled { throw SluiceError(.cancelled, "stopped") }
        if wrong.count == 1 { throw first.problem }
        throw SluiceError(
            first.problem.code, "\(wrong.count) things are not as they have to be",
            details: wrong.map { "\($0.problem)" + ($0.remedy.map { " (\($0))" } ?? "") }, hint: first.remedy,
            isTransient: wrong.allSatisfy(\.problem.isTransient))
    }

    private func secret(_ name: String, _ scene: Scene) async throws(SluiceError) -> String {
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let reference =
            parts.count == 2 ? SecretReference(vault: parts[0], name: parts[1]) : SecretReference(name: name)
        Redactor.shared.protect(try await scene.sites.secrets.value(of: reference))
        return "the secret \(Display.safe(name)) is there"
    }
}
