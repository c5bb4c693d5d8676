import Support

/// What in an exchange lets whoever sees it in.
enum Secrecy {
    /// Whether a header field of this name proves who is asking.
    static func isSecret(header name: String) -> Bool {
        let name = name.lowercased()
        return headers.contains(name) || Redactor.isSecret(key: name)
    }

    /// Whether a value holds a URL with a shared access signature, or a connection string.
    static func holdsSignature(_ value: String) -> Bool { marks.contains { value.contains($0) } }

    /// The text with signatures and keys in it masked, wherever they stand.
    static func masked(_ text: String) -> String {
        guard holdsSignature(text) else { return text }
        var result = text
        for mark in marks {
            var start = result.startIndex
            while let found = result[start...].firstRange(of: mark) {
                let end = result[found.upperBound...].firstIndex { "&;,\"' \n".contains($0) } ?? result.endIndex
                let from = result.distance(from: result.startIndex, to: found.upperBound) + Redactor.mask.count
                result.replaceSubrange(found.upperBound..<end, with: Redactor.mask)
                start = result.index(result.startIndex, offsetBy: from)
            }
        }
        return result
    }

    private static let marks = ["sig=", "Signature=", "SharedAccessKey=", "AccountKey=", "access_token="]

    private static let headers: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "set-cookie", "www-authenticate-token", "x-identity-header",
        "x-ms-copy-source-authorization", "x-ms-encryption-key", "aeg-sas-key", "aeg-sas-token", "api-key", "x-api-key",
        "x-functions-key", "ocp-apim-subscription-key", "x-signature", "secret", "x-amz-security-token",
    ]
}
