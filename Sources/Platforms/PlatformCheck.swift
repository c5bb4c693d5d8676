import Packages
public import Runs
public import Support

/// One thing that was looked at before runs happen on a platform, and what to do about it.
public struct PlatformCheck: Sendable, Hashable {
    /// How it went.
    public enum Outcome: String, Sendable, Hashable {
        /// It is as it has to be.
        case passed = "ok"
        /// It is not.
        case failed
        /// It was not looked at, since something before it failed or it was not wanted.
        case notAsked = "not-asked"
    }

    /// What was looked at: `sign-in`, `environment`.
    public var subject: String
    /// How it went.
    public var outcome: Outcome
    /// What was found.
    public var finding: String
    /// What to do, when it failed.
    public var remedy: String?

    /// A row.
    public init(_ subject: String, _ outcome: Outcome, _ finding: String, remedy: String? = nil) {
        self.subject = subject
        self.outcome = outcome
        self.finding = finding
        self.remedy = remedy
    }

    /// A row of what `error` kept from being so.
    public init(_ subject: String, _ error: SluiceError) {
        self.init(subject, .failed, error.message, remedy: error.hint)
    }

    /// The row for machines.
    public var json: JSONText {
        [
            "subject": .string(subject), "outcome": .string(outcome.rawValue), "finding": .string(finding),
            "remedy": remedy.map { .string($0) } ?? .null,
        ]
    }
}

/// A walk from one check to the next, which stops asking where something is missing that the rest stands on.
struct CheckWalk {
    /// What was found so far.
    private(set) var rows: [PlatformCheck] = []
    private var isBlocked = false

    /// Looks at one thing.
    ///
    /// - parameter isGround: Whether the rest stands on it.
    mutating func look(
        _ subject: String, isGround: Bool = true, _ body: () async throws(SluiceError) -> String
    ) async {
        guard !isBlocked else {
            rows.append(PlatformCheck(subject, .notAsked, "what stands above it failed"))
            return
        }
        do throws(SluiceError) {
            rows.append(PlatformCheck(subject, .passed, try await body()))
        } catch {
            rows.append(PlatformCheck(subject, error))
            isBlocked = isGround
        }
    }
}

/// What a platform can do. Whoever has to know asks this, and never which platform it is.
public struct PlatformAbilities: Sendable, Hashable {
    /// Whether jobs have to be deployed before they are started.
    public var deploys = true
    /// Whether it starts jobs by itself, by clock or event.
    public var triggers = false
    /// Whether a run's limit of time can be given when it is started.
    public var limitsTime = false
    /// Whether a run's limit of memory can be given when it is started.
    public var limitsMemory = false
    /// Whether a program that does not listen can be ended by force at once.
    public var forces = false
    /// Whether it tells the program's exit code.
    public var tellsExitCode = false
    /// Whether the program writes its record into the history of this machine.
    public var keepsHistory = false
    /// Whether a run can be divided into tasks.
    public var spreads = false
    /// Whether it keeps machines for runs, whose number can be set by hand.
    public var resizes = false
    /// How often to ask at first how a run stands.
    public var interval = Duration.milliseconds(100)

    /// The least that a platform can do.
    public init() {}
}

extension CheckWalk {
    /// Looks at the place of packages, where runs take the project from there.
    mutating func look(_ shelf: PackageShelf?) async {
        guard let shelf else { return }
        await look("packages", isGround: false) { () throws(SluiceError) in
            guard let last = try await shelf.packages.releases().last else { return "\(shelf.place), empty so far" }
            return "\(shelf.place), \(shelf.reference(to: last.hash).short) is current"
        }
    }
}

/// How a platform's words for a run's state are those that all share.
public struct StateWords: Sendable {
    private let states: [String: RunState]
    private let platform: String

    /// The words of `platform`, whatever their case.
    public init(_ platform: String, _ states: [String: RunState]) {
        self.platform = platform
        self.states = Dictionary(states.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
    }

    /// The state that `word` means.
    ///
    /// - throws: A transient error for a word that says nothing of it; asked again, the platform may know.
    public func state(_ word: String) throws(SluiceError) -> RunState {
        if let state = states[word.lowercased()] { return state }
        throw SluiceError(
            .invalidData, "\(platform) says of the run that it is \"\(word)\", which tells nothing",
            hint: "ask again later", isTransient: true)
    }
}
