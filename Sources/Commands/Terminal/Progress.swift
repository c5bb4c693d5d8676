import Support

/// How far some work has come.
struct ProgressMeasure: Sendable {
    /// How many rows are done.
    var rows = 0
    /// How many bytes are done.
    var bytes = 0
    /// How many bytes there are, when that is known.
    var totalBytes: Int?
    /// What is being done just now.
    var stage: String?
    /// Whether the work is done by rows.
    var countsRows = true
}

/// What is shown of some work, and when: on a terminal a line that is drawn over, from 400 ms on; elsewhere a line at
/// most every 10 s. Has no clock and writes nothing.
struct ProgressView {
    /// How the line is shown.
    enum Style: Sendable {
        /// Drawn over, in so many columns.
        case bar(Int)
        /// One below the other.
        case lines
    }

    private let title: String
    private let style: Style
    private let start: Duration
    private var next: Duration

    /// A view of work called `title`, which began at `start`.
    init(_ title: String, style: Style, start: Duration) {
        self.title = Display.safe(title)
        self.style = style
        self.start = start
        switch style {
        case .bar: next = start + .milliseconds(400)
        case .lines: next = start + .seconds(10)
        }
    }

    /// The line to show at the time `now`; nil when it is too early.
    mutating func frame(_ measure: ProgressMeasure, at now: Duration) -> String? {
        if now < next { return nil }
        let elapsed = (now - start).seconds
        switch style {
        case .bar(let width):
            next = now + .milliseconds(100)
            return bar(measure, elapsed, width)
        case .lines:
            next = now + .seconds(10)
            return ([title] + parts(measure, elapsed)).joined(separator: "  ")
        }
    }

    /// What there is to say, the most important first.
    private func parts(_ measure: ProgressMeasure, _ elapsed: Double) -> [String] {
        var parts: [String] = []
        let rate = elapsed > 0 ? Double(measure.bytes) / elapsed : 0
        let total = measure.totalBytes ?? 0
        if let stage = measure.stage { parts.append(Display.safe(stage)) }
        if let share = share(measure) { parts.append("\(Int(share * 100))%") }
        if measure.countsRows { parts.append("\(ProgressView.count(measure.rows)) rows") }
        let bytes = Quantities.describe(bytes: measure.bytes)
        if total > 0 || measure.bytes > 0 {
            parts.append(total > 0 ? "\(bytes) of \(Quantities.describe(bytes: total))" : bytes)
        }
        if rate >= 1, rate < 1e18 { parts.append("\(Quantities.describe(bytes: Int(rate)))/s") }
        if total > measure.bytes, rate >= 1, elapsed > 1 {
            let left = Double(total - measure.bytes) / rate
            if left < 1e9 { parts.append("\(Quantities.describe(.seconds(left.rounded()))) left") }
        }
        return parts
    }

    private func share(_ measure: ProgressMeasure) -> Double? {
        guard let total = measure.totalBytes, total > 0 else { return nil }
        return min(1, max(0, Double(measure.bytes) / Double(total)))
    }

    private func bar(_ measure: ProgressMeasure, _ elapsed: Double, _ width: Int) -> String {
        var line = Display.cut(title, to: max(0, min(30, width / 3)))
        var parts = parts(measure, elapsed)[...]
        if let share = share(measure), width >= 60 {
            let room = 16
            let full = Int(share * Double(room))
            line += "  " + String(repeating: "━", count: full) + String(repeating: "─", count: room - full)
        }
        while let part = parts.popFirst(), Display.width(line) + 2 + Display.width(part) < width { line += "  " + part }
        return Display.cut(line, to: max(0, width - 1))
    }

    /// So many of something: `1 file`, `2,000 files`.
    static func counted(_ number: Int, _ noun: String) -> String { "\(count(number)) \(noun)\(number == 1 ? "" : "s")" }

    /// A number with its thousands apart.
    static func count(_ number: Int) -> String {
        var digits = String(number.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }
}

extension Duration {
    /// The time in seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension Context {
    /// Runs `work`, and meanwhile shows on standard error how far `measure` says it has come.
    ///
    /// Nothing is shown when quiet is asked for, and nothing that is shown can make the work fail.
    func withProgress<Result>(
        _ title: String, _ measure: @escaping @Sendable () -> ProgressMeasure, _ work: () async throws -> Result
    ) async rethrows -> Result {
        if options.isQuiet { return try await work() }
        let width = terminal.width ?? 0
        let isBar = terminal.messagesAreTerminal && width > 0
        let ticker = Task { [messages, now] in
            var view = ProgressView(title, style: isBar ? .bar(width) : .lines, start: now())
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(100))
                if Task.isCancelled { return }
                guard let line = view.frame(measure(), at: now()) else { continue }
                if isBar { messages.show(passing: line) } else { messages.print(line) }
            }
        }
        func end() async {
            ticker.cancel()
            // Its last line must be gone before anything else is said.
            await ticker.value
            messages.show(passing: nil)
        }
        do {
            let result = try await work()
            await end()
            return result
        } catch {
            await end()
            throw error
        }
    }
}
