public import Support

/// How many machines a platform keeps for runs, and who decides it.
public struct PoolSize: Sendable, Hashable {
    /// Who decides how many there are.
    public enum Aim: Sendable, Hashable {
        /// The formula that is declared: as many as the tasks need.
        case formula
        /// Somebody, by hand: so many that nobody takes away, and so many spot ones beside them.
        case fixed(nodes: Int, spot: Int)

        /// `10 nodes, 6 of them spot`
        public var words: String {
            guard case .fixed(let nodes, let spot) = self else { return "as the formula says" }
            // Numbers that nobody can mean are told as well.
            let (sum, isTooMany) = nodes.addingReportingOverflow(spot)
            let all = isTooMany ? Int.max : sum
            if nodes > 0, spot > 0 { return "\(all) nodes, \(spot) of them spot" }
            return "\(all) \(spot > 0 ? "spot " : "")\(all == 1 ? "node" : "nodes")"
        }
    }

    /// What the platform calls those machines together.
    public var name: String
    /// Who decides.
    public var aim: Aim
    /// How many there are now, without spot ones, and how many of these.
    public var nodes: Int, spot: Int
    /// Whether some come or go.
    public var isChanging: Bool
    /// Why there are not as many as there should be.
    public var problem: String?
    /// What each of them is.
    public var machine: String
    /// Whether spot ones are declared.
    public var usesSpot: Bool
    /// How many may be set by hand at most, and where that is declared.
    public var most: Int, bound: String

    /// A size.
    public init(
        name: String, aim: Aim, nodes: Int, spot: Int, isChanging: Bool, problem: String? = nil, machine: String,
        usesSpot: Bool = false, most: Int, bound: String
    ) {
        self.name = name
        self.aim = aim
        self.nodes = nodes
        self.spot = spot
        self.isChanging = isChanging
        self.problem = problem
        self.machine = machine
        self.usesSpot = usesSpot
        self.most = most
        self.bound = bound
    }

    /// Whether there are as many as there should be; of what a formula decides, whether none come or go.
    public var isReached: Bool {
        if isChanging { return false }
        if case .fixed(let nodes, let spot) = aim { return self.nodes == nodes && self.spot == spot }
        return true
    }

    /// Refuses a size that nobody can have meant.
    public func check(_ aim: Aim) throws(SluiceError) {
        guard case .fixed(let nodes, let spot) = aim else { return }
        guard nodes >= 0, spot >= 0, nodes <= most, spot <= most - nodes else {
            throw SluiceError(
                .usage, "\(aim.words) are not to be had in \(name); 0 to \(most) were expected",
                hint: "\(bound) says how many there may be")
        }
    }

    /// The size for machines.
    public var json: JSONText {
        var wanted = JSONText.null
        if case .fixed(let nodes, let spot) = aim { wanted = ["nodes": .number(nodes), "spot": .number(spot)] }
        return [
            "name": .string(name), "decides": aim == .formula ? "formula" : "hand", "wanted": wanted,
            "nodes": .number(nodes), "spot": .number(spot), "isChanging": .bool(isChanging),
            "problem": problem.map { .string($0) } ?? .null, "machine": .string(machine),
        ]
    }
}

extension Platform {
    /// There is none: most platforms keep no machines.
    public func size() async throws(SluiceError) -> PoolSize? { throw keepsNothing }

    /// There is nothing to resize: most platforms keep no machines.
    public func resize(_ seen: PoolSize, to aim: PoolSize.Aim) async throws(SluiceError) { throw keepsNothing }

    private var keepsNothing: SluiceError {
        SluiceError(
            .unsupported, "the platform \"\(name)\" keeps no nodes whose number could be set",
            hint: "name a platform of type batch")
    }

    /// Waits until there are as many machines as there should be, at longer and longer intervals.
    ///
    /// - throws: Why there will not be so many, or that somebody wants another size by now.
    public func wait(forSize aim: PoolSize.Aim) async throws(SluiceError) -> PoolSize {
        var pause = abilities.interval
        var failures = 0
        while true {
            do throws(SluiceError) {
                guard let size = try await size() else {
                    throw SluiceError(
                        .notFound, "the nodes of \(name) are gone", hint: "somebody has removed their pool")
                }
                failures = 0
                if size.aim != aim {
                    throw SluiceError(
                        .conflict, "somebody has given \(size.name) another size: \(size.aim.words)",
                        hint: "'sluice resize \(name) NODES --plan' shows how it stands")
                }
                if size.isReached { return size }
                if !size.isChanging, let problem = size.problem {
                    throw SluiceError(
                        .inputOutput, "\(size.name) does not get \(aim.words): \(problem)",
                        hint: "'sluice doctor' looks at what it stands on")
                }
            } catch {
                failures += 1
                guard error.isTransient, failures < 10 else { throw error }
            }
            do { try await Task.sleep(for: pause * Double.random(in: 0.8...1.2)) } catch {
                throw SluiceError(
                    .cancelled, "stopped waiting for the nodes of \(name), which come and go all the same")
            }
            pause = min(pause * 1.5, .seconds(10))
        }
    }
}
