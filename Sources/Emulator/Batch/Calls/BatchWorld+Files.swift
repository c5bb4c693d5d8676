import Glibc
import HTTPServer
import Support

extension BatchWorld {
    /// Files below `root`: a list, or one of them, whole or in part.
    func fileAnswer(_ call: BatchCall, root: String, _ name: String, _ url: String) throws(BatchFault) -> ServerResponse
    {
        if name.isEmpty {
            guard call.method == "GET" else { throw notPlayed(call) }
            let isDeep = call.request.server[query: "recursive"]?.lowercased() == "true"
            let files = list(root, "", isDeep: isDeep, url, 0)
            return try call.list(files.enumerated().map { (sequence: $0, json: $1) }, "files")
        }
        guard let path = BatchFiles.path(name, below: root), let facts = BatchFiles.facts(path),
            BatchFiles.isFile(facts) || BatchFiles.isFolder(facts)
        else { throw .fileNotFound }
        if call.method == "DELETE" {
            BatchFiles.remove(path)
            return call.done(200)
        }
        guard call.method == "GET" || call.method == "HEAD" else { throw notPlayed(call) }
        var response = call.done(200, Self.modified(facts))
        response.headers["ETag"] = nil
        response.headers["ocp-creation-time"] = Self.modified(facts).httpDate
        response.headers["ocp-batch-file-isdirectory"] = BatchFiles.isFolder(facts) ? "true" : "false"
        response.headers["ocp-batch-file-url"] = "\(url)/\(name.percentEncoded)"
        response.headers["ocp-batch-file-mode"] = "0o" + String(facts.st_mode, radix: 8)
        response.headers["Content-Type"] = "application/octet-stream"
        let size = BatchFiles.isFile(facts) ? Int(facts.st_size) : 0
        if call.method == "HEAD" {
            response.headers["Content-Length"] = String(size)
            return response
        }
        guard BatchFiles.isFile(facts) else {
            throw BatchFault(409, "OperationInvalidForCurrentState", "A folder cannot be downloaded.")
        }
        let range = try Self.range(call.request.server.headers["ocp-range"], size)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .fileNotFound }
        response.body = .file(descriptor: descriptor, range: range)
        return response
    }

    private static func modified(_ facts: stat) -> Moment {
        Moment(microseconds: Int64(facts.st_mtim.tv_sec) * 1_000_000 + Int64(facts.st_mtim.tv_nsec) / 1000)
    }

    /// The part of a file that `bytes=a-b` means.
    private static func range(_ text: String?, _ size: Int) throws(BatchFault) -> Range<Int> {
        guard let text, !text.isEmpty else { return 0..<size }
        let invalid = BatchFault(
            416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
        guard text.hasPrefix("bytes=") else { throw invalid }
        let parts = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw invalid }
        if parts[0].isEmpty {
            guard let count = Int(parts[1]), count > 0, size > 0 else { throw invalid }
            return max(0, size - count)..<size
        }
        guard let from = Int(parts[0]), from >= 0, from < size else { throw invalid }
        if parts[1].isEmpty { return from..<size }
        guard let to = Int(parts[1]), to >= from else { throw invalid }
        return from..<(min(to, size - 1) + 1)
    }

    private func list(_ folder: String, _ prefix: String, isDeep: Bool, _ url: String, _ depth: Int) -> [JSONText] {
        guard depth < 64 else { return [] }
        var found: [JSONText] = []
        for name in BatchFiles.names(in: folder) {
            let path = "\(folder)/\(name)"
            guard let facts = BatchFiles.facts(path) else { continue }
            let full = prefix + name
            if BatchFiles.isFolder(facts) {
                found.append([
                    "name": .string(full), "url": .string("\(url)/\(full.percentEncoded)"), "isDirectory": true,
                ])
                if isDeep { found += list(path, "\(full)/", isDeep: true, url, depth + 1) }
            } else if BatchFiles.isFile(facts) {
                found.append([
                    "name": .string(full), "url": .string("\(url)/\(full.percentEncoded)"), "isDirectory": false,
                    "properties": [
                        "creationTime": .string(Self.modified(facts).iso),
                        "lastModified": .string(Self.modified(facts).iso), "contentLength": .number(Int(facts.st_size)),
                        "contentType": "application/octet-stream",
                        "fileMode": .string("0o" + String(facts.st_mode, radix: 8)),
                    ],
                ])
            }
            if found.count > 100_000 { break }
        }
        return found
    }
}
