public import Support

/// What was measured of a pool: a value of each metric for every period.
public struct AutoscaleHistory: Sendable {
    /// One measurement.
    public struct Sample: Sendable {
        /// When it was taken.
        public let time: Moment
        /// What was measured.
        public let value: Double
    }

    /// How far samples lie apart, in seconds.
    public let period: Double
    /// How long it takes until a formula sees a sample, in seconds.
    public let delay: Double
    private var samples: [String: [Sample]] = [:]
    private let most: Int

    /// The metrics that Batch measures, in the order of its documents.
    public static let metrics = [
        "$CPUPercent", "$WallClockSeconds", "$MemoryBytes", "$DiskBytes", "$DiskReadBytes", "$DiskWriteBytes",
        "$DiskReadOps", "$DiskWriteOps", "$NetworkInBytes", "$NetworkOutBytes", "$SampleNodeCount", "$ActiveTasks",
        "$RunningTasks", "$PendingTasks", "$SucceededTasks", "$FailedTasks", "$CurrentDedicatedNodes",
        "$CurrentLowPriorityNodes", "$PreemptedNodeCount", "$UsableNodeCount", "$TargetDedicatedNodes",
        "$TargetLowPriorityNodes",
    ]

    /// A history without samples yet.
    ///
    /// - parameter most: How many samples of a metric are kept.
    public init(period: Double = 30, delay: Double = 0, keeping most: Int = 20_000) {
        self.period = max(0.001, period)
        self.delay = delay
        self.most = max(1, most)
    }

    /// Adds a sample; later ones come later.
    public mutating func add(_ metric: String, _ value: Double, at time: Moment) {
        samples[metric, default: []].append(Sample(time: time, value: value))
        // Cut seldom, so that adding stays cheap.
        if let count = samples[metric]?.count, count > most + most / 4 { samples[metric]?.removeFirst(count - most) }
    }

    /// The samples of a metric that can be seen by now, oldest first.
    func visible(_ metric: String, at now: Moment) -> ArraySlice<Sample> {
        let all = samples[metric] ?? []
        let edge = now.microseconds - Int64(delay * 1_000_000)
        var end = all.count
        while end > 0, all[end - 1].time.microseconds > edge { end -= 1 }
        return all[..<end]
    }
}
