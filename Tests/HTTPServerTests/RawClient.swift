import Glibc
import Support

/// A connection over which tests say exactly what they mean to say.
final class RawClient: @unchecked Sendable {
    // `@unchecked Sendable` because one test at a time uses it.

    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(UInt32(0x7f00_0001).bigEndian)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            throw SluiceError(.inputOutput, "cannot connect to \(port): \(String(cString: strerror(errno)))")
        }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Sends all of `bytes`, or says that nobody takes them.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Sends what is taken at once of `bytes` from `start` on; 0 or less when nothing is.
    func sendSome(_ bytes: [UInt8], from start: Int) -> Int {
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            return Glibc.send(descriptor, base + start, bytes.count - start, Int32(MSG_NOSIGNAL))
        }
    }

    func setSendTimeout(milliseconds: Int) {
        var limit = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The next bytes; nil when the server closed the connection.
    func receive(_ room: Int = 65_536) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: room)
        let count = recv(descriptor, &bytes, room, 0)
        return count > 0 ? Array(bytes[..<count]) : nil
    }

    /// Everything until the server closes the connection.
    func receiveAll() -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = receive() { all += bytes }
        return all
    }

    /// One answer with its `Content-Length`; what belongs to the next stays unread only if it was not sent yet.
    func answer() -> Answer? {
        var all: [UInt8] = []
        while true {
            if let answer = Answer(all), all.count >= answer.end { return answer }
            guard let bytes = receive() else { return Answer(all) }
            all += bytes
        }
    }

    /// Sends a request and waits for its answer.
    func request(_ text: String) -> Answer? {
        send(text)
        return answer()
    }

    func hangUp() { shutdown(descriptor, Int32(SHUT_RDWR)) }
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }
}

/// What a server answered.
struct Answer {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]
    /// Where the answer ends, as far as its headers say so.
    let end: Int
    var text: String { String(decoding: body, as: UTF8.self) }

    init?(_ bytes: [UInt8]) {
        guard let split = Answer.find([13, 10, 13, 10], in: bytes) else { return nil }
        let lines = String(decoding: bytes[..<split], as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, let status = Int(first.split(separator: " ").dropFirst().first ?? "") else {
            return nil
        }
        self.status = status
        var headers = HTTPHeaders()
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers.add(String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        self.headers = headers
        let length = headers["Content-Length"].flatMap { Int($0) } ?? 0
        end = split + 4 + length
        body = Array(bytes[(split + 4)..<min(end, bytes.count)])
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        return (0...(bytes.count - pattern.count)).first { bytes[$0..<$0 + pattern.count].elementsEqual(pattern) }
    }
}
