import Glibc
import Support

/// Whether a host answers at a port, and with a certificate of its own if that is asked for.
struct Reach: Sendable {
    var host: String
    var port: Int
    var wantsTLS: Bool
    var patience = Duration.seconds(10)

    private var name: String { "\(Display.safe(host)):\(port)" }

    /// - returns: What was found, as a sentence.
    /// - throws: `SluiceError` that says which step failed: the name, the connection, or the certificate.
    func check() async throws(SluiceError) -> String {
        let outcome: Result<String, SluiceError> = await BlockingQueue("sluice.reach").run {
            do throws(SluiceError) { return .success(try work()) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    private func work() throws(SluiceError) -> String {
        let socket = try connected()
        defer { close(socket) }
        guard wantsTLS else { return "\(name) answers" }
        let version = try TLSHandshake.load().greet(socket, host: host, name: name)
        return "\(name) answers with a certificate of its name, \(version)"
    }

    /// A socket that is connected, which waits no longer than `patience`.
    private func connected() throws(SluiceError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw SluiceError(
                .notFound, "the host \"\(Display.safe(host))\" is not known: \(String(cString: gai_strerror(code)))",
                hint: "check the name, and that this machine is in the network (and DNS zone) that knows it",
                isTransient: code == EAI_AGAIN)
        }
        defer { freeaddrinfo(list) }
        var reason = ECONNREFUSED
        var next = list
        while let info = next?.pointee {
            next = info.ai_next
            let socket = Glibc.socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), info.ai_protocol)
            if socket < 0 { continue }
            if let failure = connect(socket, info) {
                reason = failure
                close(socket)
            } else {
                return socket
            }
        }
        let hint =
            reason == ECONNREFUSED
            ? "nothing listens there: check the port, and that the server is running"
            : "check the network, firewall and private endpoint between here and there"
        throw SluiceError(
            .inputOutput, "\(name) cannot be reached: \(String(cString: strerror(reason)))", hint: hint,
            isTransient: true)
    }

    /// - returns: Why there is no connection; nil when there is.
    private func connect(_ socket: Int32, _ info: addrinfo) -> Int32? {
        let flags = fcntl(socket, F_GETFL)
        _ = fcntl(socket, F_SETFL, flags | O_NONBLOCK)
        if Glibc.connect(socket, info.ai_addr, info.ai_addrlen) != 0 {
            guard errno == EINPROGRESS else { return errno }
            var poll = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
            let milliseconds = Int32(clamping: patience.components.seconds * 1000)
            guard Glibc.poll(&poll, 1, milliseconds) > 0 else { return ETIMEDOUT }
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length)
            if code != 0 { return code }
        }
        _ = fcntl(socket, F_SETFL, flags & ~O_NONBLOCK)
        var limit = timeval(tv_sec: Int(patience.components.seconds), tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        return nil
    }
}

/// The few functions of OpenSSL that greet a server, loaded when they are first wanted: a program that checks no
/// certificates does not pay for them.
private struct TLSHandshake: @unchecked Sendable {
    // `@unchecked Sendable` because functions of a library that stays loaded are the same from every thread.
    private typealias Pointer = UnsafeMutableRawPointer
    private let library: Pointer

    static func load() throws(SluiceError) -> TLSHandshake {
        guard let library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL) else {
            throw SluiceError(
                .unsupported, "certificates cannot be checked: libssl.so.3 cannot be loaded",
                hint: "install OpenSSL 3: apt install libssl3")
        }
        return TLSHandshake(library: library)
    }

    private func function<F>(_ name: String, _ type: F.Type) throws(SluiceError) -> F {
        guard let symbol = dlsym(library, name) else {
            throw SluiceError(.unsupported, "libssl.so.3 lacks \(name)", hint: "install OpenSSL 3: apt install libssl3")
        }
        return unsafeBitCast(symbol, to: type)
    }

    /// Shakes hands over `socket`, by the certificates that this machine trusts.
    ///
    /// - returns: The protocol's version.
    func greet(_ socket: Int32, host: String, name: String) throws(SluiceError) -> String {
        typealias Make = @convention(c) (Pointer?) -> Pointer?
        typealias Free = @convention(c) (Pointer?) -> Void
        typealias Ask = @convention(c) (Pointer?) -> CLong
        typealias Number = @convention(c) (Pointer?) -> Int32
        typealias Verify = @convention(c) (Pointer?, Int32, Pointer?) -> Void
        typealias Socket = @convention(c) (Pointer?, Int32) -> Int32
        typealias Text = @convention(c) (Pointer?, UnsafePointer<CChar>) -> Int32
        typealias Control = @convention(c) (Pointer?, Int32, CLong, Pointer?) -> CLong
        typealias Name = @convention(c) (Pointer?) -> UnsafePointer<CChar>?
        typealias Words = @convention(c) (CLong) -> UnsafePointer<CChar>?
        let method = try function("TLS_client_method", (@convention(c) () -> Pointer?).self)()
        let context = try function("SSL_CTX_new", Make.self)(method)
        let freeContext = try function("SSL_CTX_free", Free.self)
        defer { freeContext(context) }
        _ = try function("SSL_CTX_set_default_verify_paths", Number.self)(context)
        try function("SSL_CTX_set_verify", Verify.self)(context, 1, nil)
        let session = try function("SSL_new", Make.self)(context)
        let freeSession = try function("SSL_free", Free.self)
        defer { freeSession(session) }
        _ = try function("SSL_set1_host", Text.self)(session, host)
        let control = try function("SSL_ctrl", Control.self)
        // SSL_CTRL_SET_TLSEXT_HOSTNAME: servers with several certificates choose by it.
        _ = host.withCString { control(session, 55, 0, Pointer(mutating: $0)) }
        _ = try function("SSL_set_fd", Socket.self)(session, socket)
        guard try function("SSL_connect", Number.self)(session) == 1 else {
            let code = try function("SSL_get_verify_result", Ask.self)(session)
            // X509_V_OK: there was no certificate to find fault with.
            if code == 0 {
                throw SluiceError(
                    .inputOutput, "\(name) does not speak TLS", hint: "check the port; leave tls out for one without")
            }
            // The function is libcrypto's, on which libssl stands.
            let words = try function("X509_verify_cert_error_string", Words.self)(code).map { String(cString: $0) }
            throw SluiceError(
                .permission, "the certificate of \(name) is not to be trusted: \(words ?? "error \(code)")",
                hint: "have it issued for that name, or add its authority to those of this machine (SSL_CERT_FILE)")
        }
        return try function("SSL_get_version", Name.self)(session).map { String(cString: $0) } ?? "TLS"
    }
}
