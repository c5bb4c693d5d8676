internal import CMicrohttpd
import Support

/// A request's body, pulled from its connection.
final class RequestBody: ByteStream {
    let name = "request body"
    private let exchange: Exchange

    init(_ exchange: Exchange) { self.exchange = exchange }

    func next() async throws(SluiceError) -> Buffer? { try await exchange.nextOfBody() }
}

/// The headers of a request as the library has them, and what is checked of the request line.
struct RequestHeaders {
    private(set) var headers = HTTPHeaders()
    /// How many bytes they take.
    private(set) var size = 0

    init(_ connection: UnsafeMutableRawPointer) {
        withUnsafeMutablePointer(to: &self) { target in
            sluice_http_headers(connection, target) { context, name, nameSize, value, valueSize in
                guard let found = context?.assumingMemoryBound(to: RequestHeaders.self) else { return }
                found.pointee.headers.add(RequestHeaders.text(name, nameSize), RequestHeaders.text(value, valueSize))
                found.pointee.size += nameSize + valueSize
            }
        }
    }

    private static func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// The path and query of a target, which may be a whole URL, as proxies are sent; nil when it is neither.
    static func relative(_ target: String) -> String? {
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return nil }
        if target.hasPrefix("/") || target == "*" { return target }
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let rest = target.dropFirst(scheme.count)
            guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
            return rest[slash] == "/" ? String(rest[slash...]) : "/" + rest[slash...]
        }
        return nil
    }

    /// Whether this is a word that can be a method.
    static func isMethod(_ method: String) -> Bool {
        !method.isEmpty && method.utf8.count <= 32
            && method.utf8.allSatisfy { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 }
    }
}
