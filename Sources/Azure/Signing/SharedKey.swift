public import Support

/// How a request to Blob, Queue or DFS storage is signed with the account's key.
///
/// Both sides use it: the client, which signs, and the emulator, which checks.
public enum SharedKey {
    /// The text that is signed.
    ///
    /// - parameters:
    ///   - account: The account's name, without `-secondary`.
    ///   - path: The URL's path as it is sent, percent-encoded. An emulator's begins with the account once more, and the text has
    ///     it twice.
    ///   - query: The URL's query as it is sent, without `?`.
    ///   - contentLength: The length of the body; what `Content-Length` says when it is nil.
    public static func stringToSign(
        method: String, account: String, path: String, query: String?, headers: HTTPHeaders, contentLength: Int? = nil
    ) -> String {
        // Since version 2015-02-21 a length of 0 is signed as nothing.
        let length = contentLength.map(String.init) ?? headers["Content-Length"] ?? ""
        // A date in x-ms-date stands among the canonical headers instead.
        let date = headers["x-ms-date"] == nil ? headers["Date"] ?? "" : ""
        var lines = [
            method.uppercased(), headers["Content-Encoding"] ?? "", headers["Content-Language"] ?? "",
            length == "0" ? "" : length, headers["Content-MD5"] ?? "", headers["Content-Type"] ?? "", date,
        ]
        lines += ["If-Modified-Since", "If-Match", "If-None-Match", "If-Unmodified-Since", "Range"].map {
            headers[$0] ?? ""
        }
        return lines.joined(separator: "\n") + "\n" + canonicalHeaders(headers)
            + canonicalResource(account: account, path: path, query: query)
    }

    /// The value of `Authorization`.
    public static func authorization(
        _ key: StorageAccountKey, method: String, path: String, query: String?, headers: HTTPHeaders,
        contentLength: Int?
    ) throws(SluiceError) -> String {
        let text = stringToSign(
            method: method, account: key.account, path: path, query: query, headers: headers,
            contentLength: contentLength)
        return "SharedKey \(key.account):\(try key.sign(text))"
    }

    /// The account and signature in an `Authorization` header; nil when it is not a shared key's.
    public static func parse(authorization: String) -> (account: String, signature: String)? {
        guard authorization.hasPrefix("SharedKey ") else { return nil }
        let parts = authorization.dropFirst("SharedKey ".count).split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    /// `name:value` and a line's end for every `x-ms-` header, in the service's order.
    ///
    /// Blanks around a value do not count. Those within it do, as the official clients have it, though the documentation says
    /// that they are folded.
    static func canonicalHeaders(_ headers: HTTPHeaders) -> String {
        var values: [String: [String]] = [:]
        for (name, value) in headers {
            let name = name.lowercased()
            if name.hasPrefix("x-ms-") { values[name, default: []].append(trimmed(value)) }
        }
        return values.sorted { comesBefore($0.key, $1.key) }
            .map { "\($0.key):\($0.value.joined(separator: ","))\n" }.joined()
    }

    private static func trimmed(_ value: String) -> String {
        let isBlank = { (byte: UInt8) in byte == 32 || byte == 9 || byte == 10 || byte == 13 }
        let bytes = Array(value.utf8)
        guard let first = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return first == 0 && last == bytes.count - 1 ? value : String(decoding: bytes[first...last], as: UTF8.self)
    }

    /// `/account/path`, and a line for each name of the query with its decoded values.
    static func canonicalResource(account: String, path: String, query: String?) -> String {
        var values: [String: [String]] = [:]
        for item in (query ?? "").split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = (parts[0].percentDecoded() ?? parts[0]).lowercased()
            let value = parts.count > 1 ? parts[1].percentDecoded() ?? parts[1] : ""
            values[name, default: []].append(value)
        }
        let lines = values.sorted { $0.key < $1.key }.map { name, values in
            "\n\(name):\(values.sorted().joined(separator: ","))"
        }
        return "/\(account)\(path.isEmpty ? "/" : path)\(lines.joined())"
    }
}
