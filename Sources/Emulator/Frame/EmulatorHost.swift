public import HTTPServer
import Support

/// The emulator from within, for services whose programs or whose own requests have to reach it.
public struct EmulatorHost: Sendable {
    /// Where it listens: `http://127.0.0.1:10000`.
    public let endpoint: String
    /// Asks it as a client would: by the `Host` header, with a signature or token.
    public let ask: @Sendable (ServerRequest) async -> ServerResponse
}
