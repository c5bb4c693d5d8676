import Azure
import Glibc
import Storage
import Support

/// Brings a long object into a file in pieces, many side by side, in any order.
///
/// The pieces go into a hidden file beside the target, and a journal says which of them are there and what their checksums
/// are. A copy that was broken off, or killed, goes on with them; the file gets its name when it is whole.
struct FileDownload {
    private let object: AzureObject
    private let store: FolderStore
    private let path: String
    private let condition: WriteCondition
    private let monitor: StoreCopy.Monitor
    let partial: String
    let journal: String
    private let ranges: [Range<Int>]

    private static let width = 4

    init(
        _ object: AzureObject, _ store: FolderStore, _ path: String, _ condition: WriteCondition,
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
        let crc = try await fetch(into: file, log, after: try await finished(file, try log.text()))
        if let wanted = object.crc, CRC64.bytes(of: crc) != wanted {
            unlink(partial)
            unlink(journal)
            throw ReadAhead.damaged("CRC64", object.name)
        }
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

    /// The pieces that are there, with their checksums: the journal says so, and their bytes have the one that it says.
    private func finished(_ file: PartialFile, _ text: String) async throws(SluiceError) -> [Int: UInt64] {
        var done: [Int: UInt64] = [:]
        // A line that was cut off by a crash has no end, and does not count.
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ")
            guard words.count == 2, let index = Int(words[0]), ranges.indices.contains(index), done[index] == nil,
                let wanted = UInt64(words[1], radix: 16)
            else { continue }
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: object.name)) }
            guard let bytes = try file.read(ranges[index]), CRC64.of(bytes).value == wanted else { continue }
            done[index] = wanted
            monitor.add(bytes: ranges[index].count)
        }
        return done
    }

    /// Fetches the pieces that are not there.
    ///
    /// - returns: The checksum of all.
    private func fetch(
        into file: PartialFile, _ log: PartialFile, after done: [Int: UInt64]
    ) async throws(SluiceError) -> UInt64 {
        var checksums = done
        // Where the whole has a checksum, the pieces need none from a service that would take its time for it.
        let isChecked = object.crc == nil
        let missing = ranges.indices.filter { done[$0] == nil }
        try await sideBySide(missing, width: FileDownload.width) { index throws(SluiceError) in
            let crc = try await object.read(ranges[index], isChecked: isChecked, into: file)
            file.beginWriteBack(ranges[index])
            return crc
        } take: { index, crc throws(SluiceError) in
            try log.append("\(index) \(String(crc, radix: 16))\n")
            checksums[index] = crc
            monitor.add(bytes: ranges[index].count)
        }
        return ranges.indices.reduce(0) {
            CRC64.combined($0, checksums[$1] ?? 0, secondCount: ranges[$1].count)
        }
    }
}
