import Azure
import Glibc
import Storage
import Support

/// Brings a long object into a file in pieces, many side by side, in any order.
///
/// The pieces go into a hidden file beside the target, and a journal says which of them are there and what their checksums
/// are. A copy that was broken off, or killed, goes on with them; the file gets its name when it is whole.
struct FileDownload {
    private let object: any StoredObject
    private let store: FolderStore
    private let path: String
    private let condition: WriteCondition
    private let monitor: StoreCopy.Monitor
    let partial: String
    let journal: String
    private let ranges: [Range<Int>]

    private static let width = 4

    init(
        _ object: any StoredObject, _ store: FolderStore, _ path: String, _ condition: WriteCondition,
        _ monitor: StoreCopy.Monitor, pieceSize: Int
    ) throws(SluiceError) {
        self.object = object
        self.store = store
        self.path = path
        self.condition = condition
        self.monitor = monitor
        // Of another version nothing is used.
        let identity = "\(object.name) \(object.facts.tag ?? "") \(object.size) \(pieceSize)"
        let key = try Digest.of(identity.utf8, .sha256).prefix(8).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
        let target = store.url(path)
        partial = StoreRoot.unfinished(beside: target, key)
        journal = StoreRoot.unfinished(beside: target, "\(key).journal")
        ranges = stride(from: 0, to: object.size, by: pieceSize).map {
            $0..<min($0 + pieceSize, object.size)
        }
    }

    func run() async throws(SluiceError) {
        try Storage.makeFolders(folder)
        let file = try PartialFile(partial, name: store.url(path))
        guard try file.lock() else {
            throw SluiceError(
                .conflict, "another process copies it just now", place: .init(file: store.url(path)),
                hint: "Wait for it to end.", isTransient: true)
        }
        let log = try PartialFile(journal, name: store.url(path))
        let done = try await finished(file, try log.text())
        try await fetch(into: file, log, except: done)
        try file.synchronize()
        do throws(SluiceError) {
            try file.place(at: path, in: store, condition)
        } catch {
            if error.code == .conflict {
                unlink(partial)
                unlink(journal)
            }
            throw error
        }
        unlink(journal)
        await removeOthers()
    }

    /// Removes the pieces of other versions, which no copy would ever use, unless somebody is at work on them.
    private func removeOthers() async {
        let tail = ".partial"
        let head = StoreRoot.unfinished(beside: path, "").dropLast(tail.count)
        let above = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        for name in (try? await store.unfinished(above)) ?? [] where name.hasPrefix(head) && name.hasSuffix(tail) {
            let key = name.dropFirst(head.count).dropLast(tail.count)
            guard key.utf8.count == 16, key.allSatisfy(\.isHexDigit) else { continue }
            guard let file = try? PartialFile(store.url(name), name: name), (try? file.lock()) == true else { continue }
            unlink(store.url(name))
            unlink(store.url("\(head)\(key).journal\(tail)"))
        }
    }

    private var folder: String {
        let target = store.url(path)
        guard let slash = target.lastIndex(of: "/") else { return "." }
        return slash == target.startIndex ? "/" : String(target[..<slash])
    }

    /// The pieces that are there: the journal says so, and their bytes have the checksum that it says.
    private func finished(_ file: PartialFile, _ text: String) async throws(SluiceError) -> Set<Int> {
        var done: Set<Int> = []
        // A line that was cut off by a crash has no end, and does not count.
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ")
            guard words.count == 2, let index = Int(words[0]), ranges.indices.contains(index), !done.contains(index),
                let wanted = UInt64(words[1], radix: 16)
            else { continue }
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: object.name)) }
            guard let bytes = try file.read(ranges[index]), CRC64.of(bytes).value == wanted else { continue }
            done.insert(index)
            monitor.add(bytes: ranges[index].count)
        }
        return done
    }

    private func fetch(into file: PartialFile, _ log: PartialFile, except done: Set<Int>) async throws(SluiceError) {
        let missing = ranges.indices.filter { !done.contains($0) }
        var failure: SluiceError?
        let slots = Slots<Buffer>()
        await withTaskGroup(of: Int.self) { group in
            var next = 0
            func begin() {
                guard next < missing.count else { return }
                let index = missing[next]
                next += 1
                group.addTask {
                    await slots.fill(index) { () async throws(SluiceError) in try await object.read(ranges[index]) }
                }
            }
            for _ in 0..<FileDownload.width { begin() }
            while let index = await group.next() {
                guard let result = slots.take(index) else { continue }
                do throws(SluiceError) {
                    let bytes = try result.get()
                    if failure == nil, !Task.isCancelled { begin() }
                    try file.write(bytes, at: ranges[index].lowerBound)
                    try log.append("\(index) \(String(CRC64.of(bytes).value, radix: 16))\n")
                    monitor.add(bytes: bytes.count)
                } catch {
                    if failure == nil || failure?.code == .cancelled { failure = error }
                    group.cancelAll()
                }
            }
        }
        if let failure { throw failure }
        if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: object.name)) }
    }
}
