import Glibc

/// What a server allows its clients, so that no client can use up the machine.
public struct ServerLimits: Sendable {
    /// How many bytes of headers a request may have.
    public var headerBytes = 64 << 10
    /// How many connections there may be at once; further ones wait until others close.
    public var connections = 1000
    /// How long a connection may say nothing.
    public var idleSeconds = 120
    /// How long a request's headers may take to arrive.
    public var headerSeconds = 30
    /// How many bytes a second of a body have to arrive, on average over a while, when somebody waits for them.
    public var bodyBytesPerSecond = 64
    /// How many bytes of a body are held for a handler that reads more slowly than the client sends.
    public var heldBytes = 4 << 20
    /// How much of a body that no handler reads is taken, so that the client gets to see its answer.
    public var discardedBytes = 256 << 20
    /// How many threads wait for sockets.
    public var threads = min(4, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    /// The usual limits.
    public init() {}
}
