import Glibc
import Support

/// What is written about an execution: the platform's own events, and by each container its lines.
///
///     HOME/facts.json                whose execution it is, and which workspace its logs go to
///     HOME/system.log                events, one JSON object a line
///     HOME/REPLICA/CONTAINER/log     lines
struct ExecutionLog: Sendable {
    let home: String

    /// An event of the platform.
    struct Event: Sendable {
        let time: Moment
        let reason: String
        let type: String
        let replica: String
        let text: String
    }

    func facts() -> JSONText? {
        (try? EmulatorFolder.read(home, "facts.json")).flatMap { $0 }.flatMap { try? JSONText.parse($0) }
    }

    func write(facts: JSONText) throws(SluiceError) { try EmulatorFolder(home).write(facts.text(), to: "facts.json") }

    /// Adds an event.
    func add(_ reason: String, _ text: String, isWarning: Bool = false, replica: String = "") {
        let line: JSONText = [
            "time": .number(Int(Moment.now.microseconds)), "reason": .string(reason),
            "type": .string(isWarning ? "Warning" : "Normal"), "replica": .string(replica), "log": .string(text),
        ]
        let number = open("\(home)/system.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard number >= 0 else { return }
        defer { close(number) }
        let bytes = Array((line.text() + "\n").utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
    }

    /// All events.
    func events() -> [Event] {
        guard let text = (try? EmulatorFolder.read(home, "system.log")).flatMap({ $0 }) else { return [] }
        return text.split(separator: "\n").compactMap { line in
            guard let json = try? JSONText.parse(String(line)), let time = json["time"]?.integer else { return nil }
            return Event(
                time: Moment(microseconds: Int64(time)), reason: json["reason"]?.text ?? "",
                type: json["type"]?.text ?? "", replica: json["replica"]?.text ?? "", text: json["log"]?.text ?? "")
        }
    }

    /// The logs of all containers, with the names of replica and container.
    func containers() -> [(replica: String, container: String, log: WorkloadLog)] {
        RootFolder.names(home).sorted().filter { RootFolder.isFolder("\(home)/\($0)") }.flatMap { replica in
            RootFolder.names("\(home)/\(replica)").sorted().map { container in
                (replica, container, WorkloadLog("\(home)/\(replica)/\(container)/log"))
            }
        }
    }
}
