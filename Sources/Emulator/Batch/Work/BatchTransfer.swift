import Glibc
import HTTPServer
import Support

/// Moves files between a task's folder and the emulated storage.
struct BatchTransfer: Sendable {
    private let house: BatchHouse

    init(_ house: BatchHouse) { self.house = house }

    // MARK: Input

    /// Fetches what one entry of `resourceFiles` names.
    func fetch(_ file: JSONText, into folder: String) async throws(BatchFailure) {
        if let url = file["httpUrl"]?.text {
            let name = file["filePath"]?.text ?? ""
            try await fetch(url, file["identityReference"], to: name, in: folder, mode: file["fileMode"]?.text)
        } else if let container = file["storageContainerUrl"]?.text {
            let prefix = file["blobPrefix"]?.text ?? ""
            let under = file["filePath"]?.text ?? ""
            for name in try await list(container, prefix, file["identityReference"]) {
                try await fetch(
                    Self.join(container, name), file["identityReference"],
                    to: under.isEmpty ? name : "\(under)/\(name)",
                    in: folder, mode: file["fileMode"]?.text)
            }
        } else {
            throw BatchFailure(
                code: "ResourceFileCreateFailed",
                message: "A resource file has neither httpUrl nor storageContainerUrl, which is what the emulator plays"
            )
        }
    }

    private func fetch(
        _ url: String, _ identity: JSONText?, to name: String, in folder: String, mode: String?
    ) async throws(BatchFailure) {
        let answer = try await ask("GET", url, identity)
        guard answer.status == 200 else {
            discard(answer)
            throw BatchFailure(
                code: answer.status == 404 ? "BlobNotFound" : "BlobAccessDenied",
                message: answer.status == 404
                    ? "One of the specified Azure Blob(s) is not found"
                    : "Access for one of the specified Azure Blob(s) is denied",
                details: Self.details(url, name, answer))
        }
        guard let path = Self.place(name, in: folder) else {
            discard(answer)
            throw BatchFailure(
                code: "ResourceFileCreateFailed", message: "The resource file cannot be put there",
                details: [("FilePath", name)])
        }
        let isWritten = await Self.write(answer.body, to: path)
        guard isWritten else {
            throw BatchFailure(
                isUsers: false, code: "ResourceFileWriteFailed", message: "The resource file cannot be written",
                details: [("FilePath", name)])
        }
        if let mode, let bits = UInt32(mode, radix: 8) { chmod(path, bits & 0o777) }
    }

    /// The names of the blobs of a container that begin with `prefix`.
    private func list(_ container: String, _ prefix: String, _ identity: JSONText?) async throws(BatchFailure)
        -> [String]
    {
        var names: [String] = []
        var marker = ""
        repeat {
            let query =
                "restype=container&comp=list&prefix=\(prefix.percentEncoded)"
                + (marker.isEmpty ? "" : "&marker=\(marker.percentEncoded)")
            let answer = try await ask("GET", container + (container.contains("?") ? "&" : "?") + query, identity)
            guard answer.status == 200, case .bytes(let bytes) = answer.body, let node = try? XMLNode.parse(bytes)
            else {
                discard(answer)
                throw BatchFailure(
                    code: answer.status == 404 ? "ResourceContainerNotFound" : "ResourceContainerAccessDenied",
                    message: "The container of resource files cannot be listed",
                    details: Self.details(container, "", answer))
            }
            names += (node["Blobs"]?.all("Blob") ?? []).compactMap { $0["Name"]?.text }
            marker = node["NextMarker"]?.text ?? ""
        } while !marker.isEmpty && names.count < 100_000
        return names
    }

    // MARK: Output

    /// Sends what one entry of `outputFiles` names.
    func upload(_ file: JSONText, taskFolder: String, isRequired: Bool) async throws(BatchFailure) {
        let pattern = file["filePattern"]?.text ?? ""
        guard let container = file["destination"]?["container"], let url = container["containerUrl"]?.text else {
            return
        }
        let path = container["path"]?.text ?? ""
        let hasWildcard = pattern.contains { "*?[".contains($0) }
        let found = Self.files(taskFolder).filter { BatchPattern.matches(pattern, $0) }
        if found.isEmpty, !hasWildcard, isRequired {
            throw BatchFailure(
                code: "FileUploadMiscError", message: "An output file was not there to be uploaded",
                details: [("FilePattern", pattern)])
        }
        for name in found {
            let plain = name.hasPrefix("../") ? String(name.dropFirst(3)) : name
            let target = hasWildcard ? (path.isEmpty ? plain : "\(path)/\(plain)") : (path.isEmpty ? plain : path)
            let source = name.hasPrefix("../") ? "\(taskFolder)/\(plain)" : "\(taskFolder)/wd/\(name)"
            guard let body = BatchFileStream(source) else { continue }
            let answer = try await ask(
                "PUT", Self.join(url, target), container["identityReference"], body: body, size: body.size)
            discard(answer)
            guard answer.status == 201 else {
                throw BatchFailure(
                    code: answer.status == 404 ? "FileUploadContainerNotFound" : "FileUploadAccessDenied",
                    message: "An output file could not be uploaded", details: Self.details(url, target, answer))
            }
        }
    }

    /// The files of a task as patterns see them: from the working folder, `../` for those above it.
    private static func files(_ taskFolder: String) -> [String] {
        var found: [String] = []
        func walk(_ folder: String, _ prefix: String, _ depth: Int) {
            guard depth < 64, found.count < 100_000 else { return }
            for name in BatchFiles.names(in: folder) {
                guard let facts = BatchFiles.facts("\(folder)/\(name)") else { continue }
                if BatchFiles.isFile(facts) {
                    found.append(prefix + name)
                } else if BatchFiles.isFolder(facts), !(prefix == "../" && name == "wd") {
                    walk("\(folder)/\(name)", "\(prefix)\(name)/", depth + 1)
                }
            }
        }
        walk("\(taskFolder)/wd", "", 0)
        walk(taskFolder, "../", 0)
        return found
    }

    // MARK: Requests

    private func ask(
        _ method: String, _ url: String, _ identity: JSONText?, body: BatchFileStream? = nil, size: Int = 0
    ) async throws(BatchFailure) -> ServerResponse {
        let scheme = url.lowercased().hasPrefix("https://") ? 8 : url.lowercased().hasPrefix("http://") ? 7 : 0
        guard scheme > 0 else {
            throw BatchFailure(
                code: "BlobDownloadMiscError", message: "The URL of a file is none", details: [("Url", Self.bare(url))])
        }
        let rest = url.dropFirst(scheme)
        let host = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest.dropFirst(host.count)
        var headers: HTTPHeaders = [
            "Host": String(host), "x-ms-version": "2023-11-03", "x-ms-date": Moment.now.httpDate,
            "Content-Length": String(size),
        ]
        if body != nil { headers["x-ms-blob-type"] = "BlockBlob" }
        if let identity, identity.members != nil {
            guard let token = house.identities.storageToken(identity) else {
                throw BatchFailure(
                    code: "BlobAccessDenied", message: "The identity of a file is none of the pool's",
                    details: [("Identity", identity["resourceId"]?.text ?? "")])
            }
            headers["Authorization"] = "Bearer \(token)"
        }
        let stream: any ByteStream = body ?? MemoryStream(.empty)
        return await house.ask(
            ServerRequest(
                method: method, target: target.hasPrefix("/") ? String(target) : "/\(target)", headers: headers,
                body: stream,
                contentLength: size, isSecure: scheme == 8, remoteAddress: "127.0.0.1",
                localAddress: "127.0.0.1"))
    }

    private func discard(_ answer: ServerResponse) {
        if case .file(let descriptor, _) = answer.body { close(descriptor) }
    }

    private static func details(_ url: String, _ name: String, _ answer: ServerResponse) -> [(
        name: String, value: String
    )] {
        [
            ("BlobSource", bare(url)), ("FilePath", name), ("HttpStatusCode", String(answer.status)),
            ("StorageError", answer.headers["x-ms-error-code"] ?? ""),
        ]
    }

    /// A URL without its signature.
    private static func bare(_ url: String) -> String { String(url.prefix { $0 != "?" }) }

    private static func join(_ container: String, _ name: String) -> String {
        let base = container.prefix { $0 != "?" }
        let query = container.dropFirst(base.count)
        return "\(base.hasSuffix("/") ? base.dropLast() : base)/\(name.percentEncodedPath)\(query)"
    }

    private static func place(_ name: String, in folder: String) -> String? {
        var parts = name.split(separator: "/").map(String.init)
        guard let last = parts.popLast(), !parts.contains(".."), last != "..", last != ".", !name.utf8.contains(0)
        else {
            return nil
        }
        let above = parts.reduce(folder) { "\($0)/\($1)" }
        return BatchFiles.make(above) ? "\(above)/\(last)" : nil
    }

    private static func write(_ body: ServerBody, to path: String) async -> Bool {
        let target = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o700)
        if case .file(let descriptor, _) = body, target < 0 { close(descriptor) }
        guard target >= 0 else { return false }
        defer { close(target) }
        switch body {
        case .none: return true
        case .bytes(let buffer): return put(buffer, target)
        case .file(let descriptor, let range):
            defer { close(descriptor) }
            var block = [UInt8](repeating: 0, count: 1 << 18)
            var position = range.lowerBound
            while position < range.upperBound {
                let count = pread(descriptor, &block, min(block.count, range.upperBound - position), off_t(position))
                guard count > 0, put(Buffer(Array(block[..<count])), target) else { return false }
                position += count
            }
            return true
        case .stream(let stream, _):
            while true {
                do throws(SluiceError) {
                    guard let next = try await stream.next() else { return true }
                    guard put(next, target) else { return false }
                } catch { return false }
            }
        }
    }

    private static func put(_ buffer: Buffer, _ descriptor: Int32) -> Bool {
        buffer.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                guard count > 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }
}
