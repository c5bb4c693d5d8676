import Azure
public import Support
import Synchronization

/// What was read of a run's output so far.
struct BatchTranscript: Sendable {
    var bytes: [UInt8] = []
    /// How far each file was read.
    var read: [String: Int] = [:]
    /// The tasks whose output is in it.
    var tasks: Set<String> = []
}

extension BatchPlatform {
    private static var pageBytes: Int { 1 << 20 }

    /// What a run's program has written. Its two outputs are two files there, and stand here in the order in which they are seen.
    ///
    /// Of a run that is divided, it is what the tasks wrote that failed, and those that came after others.
    public func log(_ handle: RunHandle, from position: Int) async throws(SluiceError) -> LogPage {
        let id = try Self.place(handle)
        // What it wrote last is read after it was seen to have ended.
        let isFinal = try await status(handle).state.isFinal
        var transcript = memory.transcripts.withLock { $0[id] } ?? BatchTranscript()
        let before = transcript.bytes.count
        if try await batch().get("jobs/\(id)/tasks/\(Self.onlyTask)") != nil {
            for file in ["stderr.txt", "stdout.txt"] { try await take(file, id, &transcript) }
        } else {
            try await takeTasks(id, &transcript)
        }
        let result = transcript
        memory.transcripts.withLock { transcripts in
            // Another who asked at the same time may know more.
            if transcripts[id]?.bytes.count ?? 0 <= before { transcripts[id] = result }
            if transcripts.count > 64 { transcripts = [id: transcripts[id] ?? result] }
        }
        let all = memory.transcripts.withLock { $0[id]?.bytes } ?? result.bytes
        let start = min(max(0, position), all.count)
        let end = min(all.count, start + Self.pageBytes)
        return LogPage(
            bytes: Array(all[start..<end]), next: max(position, end), isLast: isFinal && end == all.count)
    }

    private func take(_ file: String, _ id: String, _ transcript: inout BatchTranscript) async throws(SluiceError) {
        while true {
            let at = transcript.read[file] ?? 0
            do throws(SluiceError) {
                guard let more = try await batch().file(file, job: id, task: Self.onlyTask, from: at), !more.isEmpty
                else {
                    return
                }
                transcript.bytes += more
                transcript.read[file] = at + more.count
            } catch {
                guard error.code == .conflict else { throw error }
                // The task is tried again, and writes from the beginning.
                transcript.read[file] = 0
            }
        }
    }

    private func takeTasks(_ id: String, _ transcript: inout BatchTranscript) async throws(SluiceError) {
        let tasks = try await batch().list(
            "jobs/\(id)/tasks",
            query: [("$filter", "state eq 'completed'"), ("$select", "id,dependsOn,executionInfo")])
        let telling = tasks.filter { task in
            task["executionInfo"]?["result"]?.text?.lowercased() == "failure"
                || task["dependsOn"]?["taskIds"]?.items?.isEmpty == false
        }
        let sorted = telling.sorted {
            ($0["executionInfo"]?["endTime"]?.text ?? "") < ($1["executionInfo"]?["endTime"]?.text ?? "")
        }
        for task in sorted.prefix(100) {
            guard let name = task["id"]?.text, transcript.tasks.insert(name).inserted else { continue }
            let code = task["executionInfo"]?["exitCode"]?.integer.map { ", exit code \($0)" } ?? ""
            transcript.bytes += Array("task \(name)\(code)\n".utf8)
            for file in ["stderr.txt", "stdout.txt"] {
                let text = try await batch().file(file, job: id, task: name, from: 0, limit: 256 << 10) ?? []
                transcript.bytes += text
                if let last = text.last, last != 0x0a { transcript.bytes.append(0x0a) }
            }
        }
    }
}
