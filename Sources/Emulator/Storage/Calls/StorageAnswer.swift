import HTTPServer
import Support

/// Texts that several answers have.
enum StorageAnswer {
    static let latestVersion = "2026-02-06"

    /// ETag and Last-Modified of a version.
    static func stamp(_ version: Int64) -> HTTPHeaders {
        [
            "ETag": "\"\(Version.etag(version))\"", "Last-Modified": Version.moment(version).httpDate,
        ]
    }

    /// Adds what every answer has.
    static func complete(_ response: ServerResponse, _ headers: HTTPHeaders, requestID: String) -> ServerResponse {
        var response = response
        response.headers["Server"] = "Sluice-Emulator"
        response.headers["x-ms-request-id"] = requestID
        response.headers["x-ms-version"] = headers["x-ms-version"] ?? latestVersion
        if let client = headers["x-ms-client-request-id"], client.utf8.count <= 1024 {
            response.headers["x-ms-client-request-id"] = client
        }
        return response
    }

    /// A request's id, as the service makes them.
    static func newID() -> String {
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

    /// The headers of a lease.
    static func lease(_ lease: Lease, at now: Int64) -> HTTPHeaders {
        let state = lease.state(at: now)
        var headers: HTTPHeaders = [
            "x-ms-lease-status": lease.isActive(at: now) ? "locked" : "unlocked", "x-ms-lease-state": state.rawValue,
        ]
        if state == .leased { headers["x-ms-lease-duration"] = lease.seconds < 0 ? "infinite" : "fixed" }
        return headers
    }
}

extension HTTPHeaders {
    /// Takes the fields of others in.
    mutating func merge(_ others: HTTPHeaders) { for (name, value) in others { self[name] = value } }
}

/// Writes XML as it goes, which for a page of a listing is far quicker than a tree.
struct XMLText {
    private(set) var text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>"

    mutating func open(_ name: String, _ attributes: KeyValuePairs<String, String> = [:]) {
        text += "<\(name)"
        for (key, value) in attributes {
            text += " \(key)=\""
            escape(value)
            text += "\""
        }
        text += ">"
    }

    mutating func close(_ name: String) { text += "</\(name)>" }

    mutating func leaf(_ name: String, _ value: String, _ attributes: KeyValuePairs<String, String> = [:]) {
        open(name, attributes)
        escape(value)
        close(name)
    }

    mutating func leaf(_ name: String, ifAny value: String?) { if let value { leaf(name, value) } }

    /// A blob's name: encoded where XML has no way to write it.
    mutating func name(_ value: String) {
        if value.unicodeScalars.contains(where: { $0.value < 32 && $0 != "\t" && $0 != "\n" }) {
            leaf("Name", value.percentEncoded, ["Encoded": "true"])
        } else {
            leaf("Name", value)
        }
    }

    private mutating func escape(_ value: String) {
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "\r": text += "&#13;"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    func response(_ status: Int = 200, headers: HTTPHeaders = [:]) -> ServerResponse {
        var headers = headers
        headers["Content-Type"] = "application/xml"
        return ServerResponse(status, headers: headers, body: .bytes(Buffer(Array(text.utf8))))
    }
}
