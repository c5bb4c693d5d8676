import Support

/// How a registry wants to be told who asks: `Bearer realm="…",service="…",scope="…"`.
struct RegistryChallenge: Equatable, Sendable {
    /// `basic` or `bearer`.
    let scheme: String
    /// Its parameters, under names in lower case.
    let parameters: [String: String]

    /// The challenges in a `WWW-Authenticate` field; what does not parse is left out.
    static func parse(_ text: String) -> [RegistryChallenge] {
        var found: [RegistryChallenge] = []
        var rest = Array(text.utf8.prefix(8192))[...]
        func word() -> String {
            let bytes = rest.prefix { isToken($0) }
            rest = rest.dropFirst(bytes.count)
            return String(decoding: bytes, as: UTF8.self)
        }
        func skip() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ",") } }
        var scheme = ""
        var parameters: [String: String] = [:]
        func end() {
            if !scheme.isEmpty { found.append(RegistryChallenge(scheme: scheme, parameters: parameters)) }
            (scheme, parameters) = ("", [:])
        }
        while true {
            skip()
            let name = word()
            if name.isEmpty { break }
            if rest.first == UInt8(ascii: "=") {
                rest = rest.dropFirst()
                if rest.first == UInt8(ascii: "\"") {
                    rest = rest.dropFirst()
                    var value: [UInt8] = []
                    while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
                        if byte == UInt8(ascii: "\\"), let next = rest.popFirst() {
                            value.append(next)
                        } else {
                            value.append(byte)
                        }
                    }
                    parameters[name.lowercased()] = String(decoding: value, as: UTF8.self)
                } else {
                    parameters[name.lowercased()] = word()
                }
            } else {
                end()
                scheme = name.lowercased()
            }
        }
        end()
        return found
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && !"\",=".utf8.contains(byte)
    }
}
