import Glibc

/// What `/proc` tells of a process.
struct ProcessFacts {
    let parent: pid_t
    /// When it was started, in ticks since the machine was: tells it from a later one with the same number.
    let started: Int
    /// How much memory it has, in pages.
    let pages: Int

    init?(_ process: pid_t) {
        guard let text = try? EmulatorFolder.read("/proc/\(process)", "stat", limit: 4096),
            // The name, in brackets, may hold anything.
            let bracket = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: bracket)...].split(separator: " ")
        guard fields.count > 21, let parent = pid_t(fields[1]), let started = Int(fields[19]),
            let pages = Int(fields[21])
        else { return nil }
        self.parent = parent
        self.started = started
        self.pages = pages
    }

    /// How much memory a process has with all that it started, in bytes.
    static func memory(of process: pid_t) -> Int {
        var all: [pid_t: ProcessFacts] = [:]
        for name in RootFolder.names("/proc") {
            if let number = pid_t(name), let facts = ProcessFacts(number) { all[number] = facts }
        }
        var pages = 0
        for (number, facts) in all {
            var above = number
            // A circle cannot be, but what is read one after the other may look like one.
            for _ in 0..<64 {
                if above == process {
                    pages += facts.pages
                    break
                }
                guard let parent = all[above]?.parent, parent > 1 else { break }
                above = parent
            }
        }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
