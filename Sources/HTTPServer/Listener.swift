import Glibc
import Support

/// The socket that a server listens on.
struct Listener {
    let descriptor: Int32
    let port: Int

    static func open(address: String, port: Int) throws(SluiceError) -> Listener {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard (0...65_535).contains(port) else {
            throw SluiceError(.usage, "port \(port) is not a port; ports are 0 to 65535")
        }
        let status = getaddrinfo(address, String(port), &hints, &found)
        guard status == 0, let first = found else {
            throw SluiceError(
                .invalidConfiguration,
                "'\(address)' is no address to listen on: \(String(cString: gai_strerror(status)))",
                hint: "Use 127.0.0.1 for this machine only, or 0.0.0.0 for every network that it is in.")
        }
        defer { freeaddrinfo(found) }
        let info = first.pointee
        let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), info.ai_protocol)
        guard descriptor >= 0 else { throw failure(errno, address, port) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, listen(descriptor, 511) == 0 else {
            let number = errno
            close(descriptor)
            throw failure(number, address, port)
        }
        return Listener(descriptor: descriptor, port: SocketAddress.local(of: descriptor)?.port ?? port)
    }

    private static func failure(_ number: Int32, _ address: String, _ port: Int) -> SluiceError {
        switch number {
        case EADDRINUSE:
            SluiceError(
                .inputOutput, "port \(port) of \(address) is in use by another program",
                hint: "Choose another port, or find who has it with: ss -ltnp 'sport = :\(port)'")
        case EACCES, EPERM:
            SluiceError(
                .permission, "port \(port) of \(address) may not be used by you",
                hint: "Ports below 1024 are the administrator's; choose a higher one.")
        case EADDRNOTAVAIL:
            SluiceError(
                .invalidConfiguration, "\(address) is not an address of this machine",
                hint: "Use 127.0.0.1 for this machine only, or 0.0.0.0 for every network that it is in.")
        default:
            SluiceError(.inputOutput, "cannot listen on \(address):\(port): \(String(cString: strerror(number)))")
        }
    }
}

/// An address and port, as text and number.
struct SocketAddress {
    let host: String
    let port: Int

    /// Where a socket is bound.
    static func local(of descriptor: Int32) -> SocketAddress? { read { getsockname(descriptor, $0, $1) } }

    /// Who is at the other end.
    static func peer(of descriptor: Int32) -> SocketAddress? { read { getpeername(descriptor, $0, $1) } }

    private static func read(
        _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> SocketAddress? in
                guard ask(address, &size) == 0 else { return nil }
                return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { host in
                    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16) { service in
                        guard let host = host.baseAddress, let service = service.baseAddress,
                            getnameinfo(address, size, host, 64, service, 16, NI_NUMERICHOST | NI_NUMERICSERV) == 0
                        else { return nil }
                        return SocketAddress(host: String(cString: host), port: Int(String(cString: service)) ?? 0)
                    }
                }
            }
        }
    }
}
