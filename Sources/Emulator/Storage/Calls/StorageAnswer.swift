import HTTPServer
import Support

/// Texts that several answers have.
enum StorageAnswer {
    /// ETag and Last-Modified of a version.
    static func stamp(_ version: Int64) -> HTTPHeaders {
        [
            "ETag": "\"\(Version.etag(version))\"", "Last-Modified": Version.moment(version).httpDate,
        ]
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
