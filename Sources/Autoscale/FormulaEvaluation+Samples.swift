import Support

extension FormulaEvaluation {
    /// A method of a metric.
    mutating func sampled(
        _ metric: String, _ name: String, _ arguments: [FormulaValue], _ place: FormulaPlace
    ) throws(SluiceError) -> FormulaValue {
        let samples = conditions.history.visible(metric, at: conditions.now)
        switch name {
        case "Count": return .number(Double(samples.count))
        case "GetSamplePeriod": return .interval(conditions.history.period)
        case "HistoryBeginTime":
            guard let first = samples.first else { throw place.failure("\(metric) has no samples yet") }
            return .time(Double(first.time.microseconds) / 1_000_000)
        case "GetSamplePercent":
            guard (1...2).contains(arguments.count) else {
                throw place.failure("it is called GetSamplePercent(start) or GetSamplePercent(start, end)")
            }
            return .number(try percent(of: samples, try frame(arguments, place)))
        case "GetSample":
            return .vector(try values(samples, metric, arguments, place))
        default:
            let known = ["GetSample", "GetSamplePercent", "GetSamplePeriod", "Count", "HistoryBeginTime"]
            throw place.failure(
                "a metric has no method \(name)",
                hint: nearestWord(to: name, among: known).map { "Did you mean \($0)?" }
                    ?? "It has \(known.joined(separator: ", ")).")
        }
    }

    private mutating func values(
        _ samples: ArraySlice<AutoscaleHistory.Sample>, _ metric: String, _ arguments: [FormulaValue],
        _ place: FormulaPlace
    ) throws(SluiceError) -> [Double] {
        if arguments.count == 1, case .number(let count) = arguments[0] {
            guard count >= 0, count <= Double(Self.longestVector) else {
                throw place.failure("GetSample asks for \(FormulaValue.describe(count)) samples")
            }
            try spend(Int(count), place)
            return samples.suffix(Int(count)).map(\.value)
        }
        var frames = arguments
        var wanted: Double?
        if frames.count > 1, case .number(let percent)? = frames.last {
            wanted = percent
            frames.removeLast()
        }
        guard (1...2).contains(frames.count) else {
            throw place.failure(
                "it is called GetSample(count), GetSample(start) or GetSample(start, end), and a percentage")
        }
        let frame = try frame(frames, place)
        if let wanted {
            let percent = try percent(of: samples, frame)
            guard percent >= wanted else {
                throw place.failure(
                    "of the samples of \(metric) \(FormulaValue.describe(percent.rounded())) % are there, and \(FormulaValue.describe(wanted)) % are asked for",
                    hint: "Ask GetSamplePercent first.")
            }
        }
        let inside = samples.filter { frame.holds($0) }
        try spend(samples.count, place)
        guard inside.count <= Self.longestVector else { throw place.failure("GetSample gives too many samples") }
        return inside.map(\.value)
    }

    /// A span of time, in seconds since 1970.
    private struct Frame {
        let from: Double
        let to: Double
        func holds(_ sample: AutoscaleHistory.Sample) -> Bool {
            let time = Double(sample.time.microseconds) / 1_000_000
            return time > from && time <= to
        }
    }

    /// The span from the first argument to the second, or to now; an interval looks back from now. Either may come first.
    private func frame(_ arguments: [FormulaValue], _ place: FormulaPlace) throws(SluiceError) -> Frame {
        let now = Double(conditions.now.microseconds) / 1_000_000
        var ends: [Double] = []
        for argument in arguments {
            switch argument {
            case .interval(let back): ends.append(now - back)
            case .time(let time): ends.append(time)
            default:
                throw place.failure(
                    "\(argument.kind) is given where a timeinterval or timestamp was expected",
                    hint: "Write TimeInterval_Minute * 5, for example.")
            }
        }
        let other = ends.count > 1 ? ends[1] : now
        return Frame(from: min(ends[0], other), to: max(ends[0], other))
    }

    /// How many of the samples that a span could have are there, in percent.
    private func percent(of samples: ArraySlice<AutoscaleHistory.Sample>, _ frame: Frame) throws(SluiceError) -> Double
    {
        let possible = ((frame.to - frame.from) / conditions.history.period).rounded(.down)
        guard possible >= 1 else { return 100 }
        return min(100, Double(samples.filter { frame.holds($0) }.count) / possible * 100)
    }
}
