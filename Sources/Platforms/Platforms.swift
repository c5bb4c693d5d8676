// Platforms: where runs happen, and one contract for all of them.
//
//     Platform ──check──▶ PlatformCheck…    what was looked at, and what to do about it
//              ──package▶ PackageReference  the project's files, where its runs take them from; nothing that runs changes
//              ──plan───▶ DeploymentPlan ──apply──▶ the job stands there; exactly what the plan showed, or a conflict
//              ──start──▶ RunHandle ──┬──status──▶ PlatformStatus: the state, the platform's own word, the exit code
//                                     ├──log─────▶ LogPage: bytes from a position on, and whether more will come
//                                     └──cancel
//              ──find───▶ RunHandle   by the run's id alone, from any process
//
// A run is `sluice run JOB`, given its id by the environment, wherever it happens: the record, the log and the exit code
// are the program's own, and a platform adds what only it knows, such as that the program was never begun, or died without
// a word. What belongs to one platform only stays in its folder here; nobody outside asks which platform it is.

public import Packages
public import Support

/// A place where runs happen.
public protocol Platform: Sendable {
    /// The word by which the project finds it: `local`, or what stands under `platforms:`.
    var name: String { get }
    /// What it can do.
    var abilities: PlatformAbilities { get }
    /// Where its runs take the project's files from; nil where those of their image are taken, or of the project's folder.
    var shelf: PackageShelf? { get }

    /// Looks whether runs can happen there: sign-in, rights, what it stands on, and what is there of `job`.
    ///
    /// Does not throw: what goes wrong is a row.
    func check(_ job: JobDeployment?) async -> [PlatformCheck]
    /// Publishes a project's files where its runs take them from. What is deployed stays what it is: a job takes the package
    /// when it is deployed with it.
    ///
    /// - throws: `unsupported` where runs take no packages.
    func package(_ package: Package) async throws(SluiceError) -> PackageReference
    /// What has to change there so that `job` stands as it is declared. Nothing is changed.
    ///
    /// - throws: Whatever is wrong with the declaration, before anything is sent, and whatever keeps it from being known.
    func plan(_ job: JobDeployment) async throws(SluiceError) -> DeploymentPlan
    /// Does what the plan shows, and nothing else.
    ///
    /// - throws: `conflict` when what is there has changed since it was planned.
    func apply(_ plan: DeploymentPlan) async throws(SluiceError)
    /// What is there of `job`; nil when nothing is.
    func deployed(_ job: JobDeployment) async throws(SluiceError) -> DeployedJob?
    /// Removes what is there of `job`, its runs too. No error when nothing is.
    ///
    /// - returns: Whether there was something.
    func delete(_ job: JobDeployment) async throws(SluiceError) -> Bool
    /// How many machines it keeps for runs, and who decides it; nil when there are none to speak of yet.
    ///
    /// - throws: `unsupported` when it keeps none (`resizes`).
    func size() async throws(SluiceError) -> PoolSize?
    /// Sets by hand how many machines it keeps, or has the formula decide again. Those that have tasks stay until these have
    /// ended; there may not be as many as wanted when this returns.
    ///
    /// - parameter seen: How many there were when it was decided; `conflict` when another has set it since.
    func resize(_ seen: PoolSize, to aim: PoolSize.Aim) async throws(SluiceError)
    /// How people start `job` by hand there; nil where there is nothing but Sluice.
    func ways(of job: JobDeployment) throws(SluiceError) -> PlatformWays?

    /// Starts a run, which goes on when this process has ended.
    ///
    /// - returns: The run. It is an older one when a start of the same work broke off there, and this one has gone on with it.
    /// - throws: When it is certain that nothing was started, an error; when it is not certain, one that is transient.
    func start(_ request: RunRequest) async throws(SluiceError) -> RunHandle
    /// The run with this id, whoever has started it; nil when the platform does not know it.
    func find(_ run: String) async throws(SluiceError) -> RunHandle?
    /// How a run stands.
    ///
    /// - throws: Whatever keeps it from being known. What cannot be asked is an error and never a state.
    func status(_ handle: RunHandle) async throws(SluiceError) -> PlatformStatus
    /// How each task of a run stands, in their order; none for a run that is not divided.
    func tasks(_ handle: RunHandle) async throws(SluiceError) -> [TaskStatus]
    /// What a run's program has written, from `position` on.
    func log(_ handle: RunHandle, from position: Int) async throws(SluiceError) -> LogPage
    /// Asks a run to end. It has not ended when this returns.
    ///
    /// - parameter byForce: Without letting it put things in order.
    func cancel(_ handle: RunHandle, byForce: Bool) async throws(SluiceError)
}

extension Platform {
    /// Puts the package on the platform's shelf.
    public func package(_ package: Package) async throws(SluiceError) -> PackageReference {
        guard let shelf else {
            throw SluiceError(
                .unsupported, "runs on the platform \"\(name)\" take no packages",
                hint: "write packages: az://ACCOUNT/CONTAINER/PATH under platforms.\(name)")
        }
        _ = try await shelf.packages.publish(package)
        return shelf.reference(to: package.hash)
    }

    /// None: most platforms run one program a run.
    public func tasks(_ handle: RunHandle) async throws(SluiceError) -> [TaskStatus] { [] }
}

/// What is to run.
public struct RunRequest: Sendable {
    /// The run's id, made by whoever starts it, so that a start whose answer was lost can be found again.
    public var run: String
    /// The program's arguments: `["run", "orders"]`.
    public var arguments: [String]
    /// Variables of this one run, laid over what the job has there, or over this process's on this machine.
    public var environment: [String: String]
    /// What it may use.
    public var limits: RunLimits
    /// The job whose run it is. Platforms that jobs are deployed to refuse a request without it.
    public var job: JobDeployment?
    /// The tasks that the run is divided into, instead of one program with `arguments`; only for platforms whose abilities
    /// say so (`spreads`).
    public var tasks: [RunTask]

    /// A request.
    public init(
        run: String, arguments: [String], environment: [String: String] = [:], limits: RunLimits = RunLimits(),
        job: JobDeployment? = nil, tasks: [RunTask] = []
    ) {
        self.job = job
        self.tasks = tasks
        self.run = run
        self.arguments = arguments
        self.environment = environment
        self.limits = limits
    }

    /// The variable that tells the program which run it is.
    public static let idVariable = "SLUICE_RUN_ID"
    /// The variable that tells the program which package it takes the project from.
    public static let packageVariable = "SLUICE_PACKAGE"

    /// Refuses tasks, for a platform that runs one program a run.
    func refuseTasks(_ platform: String) throws(SluiceError) {
        guard !tasks.isEmpty else { return }
        throw SluiceError(
            .unsupported, "the platform \"\(platform)\" does not divide a run into tasks",
            hint: "start it without, or on a platform of type batch")
    }
}

/// What a run may use.
public struct RunLimits: Sendable, Hashable {
    /// How long it may take.
    public var time: Duration?
    /// How many bytes of memory it may have.
    public var memory: Int?

    /// Limits; nil for none.
    public init(time: Duration? = nil, memory: Int? = nil) {
        self.time = time
        self.memory = memory
    }
}

/// What a run is called where it happens. It can be kept, and used by another process or another machine.
public struct RunHandle: Sendable, Hashable {
    /// The run's id.
    public let run: String
    /// The platform.
    public let platform: String
    /// The platform's own name for it.
    public let reference: String
    /// The job that it is a run of, where the platform knows it.
    public let job: String?

    /// A handle.
    public init(run: String, platform: String, reference: String, job: String? = nil) {
        self.job = job
        self.run = run
        self.platform = platform
        self.reference = reference
    }
}

/// What a platform has written down of a program that runs.
public struct LogPage: Sendable {
    /// The bytes from the position on that was asked for.
    public var bytes: [UInt8]
    /// Where to ask for more.
    public var next: Int
    /// Whether the run has ended, so that no more will come behind `next`.
    public var isLast: Bool

    /// A page.
    public init(bytes: [UInt8], next: Int, isLast: Bool) {
        self.bytes = bytes
        self.next = next
        self.isLast = isLast
    }
}
