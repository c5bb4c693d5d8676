public import HTTPServer
import Support

/// Errors as Azure's services word them.
public enum ServiceErrors {
    /// Storage's own: XML.
    ///
    /// - parameter details: Further elements, with their names.
    public static func storage(
        _ status: Int, _ code: String, _ message: String, details: KeyValuePairs<String, String> = [:],
        for request: EmulatedRequest
    ) -> ServerResponse {
        let headers: HTTPHeaders = ["x-ms-error-code": code]
        if request.server.method == "HEAD" { return ServerResponse(status, headers: headers) }
        let children =
            [XMLNode("Code", text: code), XMLNode("Message", text: text(message, request))]
            + details.map { XMLNode($0.key, text: $0.value) }
        return .xml(XMLNode("Error", children: children), status: status, headers: headers)
    }

    /// Data Lake's: JSON, with the code in a header as well.
    public static func dataLake(
        _ status: Int, _ code: String, _ message: String, for request: EmulatedRequest
    ) -> ServerResponse {
        let headers: HTTPHeaders = ["x-ms-error-code": code]
        if request.server.method == "HEAD" { return ServerResponse(status, headers: headers) }
        let body: JSONText = ["error": ["code": .string(code), "message": .string(text(message, request))]]
        return .json(body, status: status, headers: headers)
    }

    /// What Key Vault, ARM and most newer services answer: JSON with an inner error where there is one.
    public static func json(
        _ status: Int, _ code: String, _ message: String, inner: String? = nil
    ) -> ServerResponse {
        let error = JSONText.members([
            "code": .string(code), "message": .string(message),
            "innererror": inner.map { ["code": .string($0)] },
        ])
        return .json(["error": error], status: status)
    }

    private static func text(_ message: String, _ request: EmulatedRequest) -> String {
        "\(message)\nRequestId:\(request.id)\nTime:\(request.now.iso)"
    }

    /// A request's id, as Azure makes them.
    public static func newID() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = Array("0123456789abcdef")
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return text
    }
}
