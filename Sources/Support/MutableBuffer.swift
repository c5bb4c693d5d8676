#if canImport(Glibc)
    public import Glibc
#elseif canImport(Musl)
    public import Musl
#endif

/// Bytes under construction: grows by doubling, and freezes into a `Buffer` without a copy.
///
/// Hot loops reserve once, write through `base`, and set `count`. Contents beyond `count` are not initialised.
public final class MutableBuffer {
    // Every access is a plain load or store that nothing can interleave with, so the run-time check for overlapping
    // accesses, a call for each, is left out: it would be most of the time of a byte's append. The compiler leaves it
    // out of inlined code only, hence stored properties behind inlinable ones.
    @exclusivity(unchecked) @usableFromInline var start: UnsafeMutableRawPointer
    @exclusivity(unchecked) @usableFromInline var used: Int
    @exclusivity(unchecked) @usableFromInline var room: Int

    /// The first byte; changes when the buffer grows.
    @inlinable @inline(__always) public var base: UnsafeMutableRawPointer { start }
    /// How many bytes hold something.
    @inlinable public var count: Int {
        @inline(__always) get { used }
        @inline(__always) set { used = newValue }
    }
    /// How many bytes there is room for.
    @inlinable @inline(__always) public var capacity: Int { room }

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int = 0) {
        room = max(capacity, 64)
        start = MutableBuffer.allocate(room)
        used = 0
    }

    /// A buffer of `count` zero bytes.
    public convenience init(zeroed count: Int) {
        self.init(capacity: count)
        memset(base, 0, count)
        self.count = count
    }

    deinit { free(start) }

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        guard let memory = malloc(size) else { fatalError("out of memory: \(size) bytes") }
        return memory
    }

    /// Makes room for `additional` more bytes.
    @inlinable @inline(__always) public func reserve(_ additional: Int) {
        if count &+ additional > capacity { grow(to: count + additional) }
    }

    @inline(never) @usableFromInline func grow(to needed: Int) {
        let size = max(needed, capacity * 2)
        guard let memory = realloc(base, size) else { fatalError("out of memory: \(size) bytes") }
        start = memory
        room = size
    }

    /// Appends one value's bytes in the machine's order.
    @inlinable @inline(__always) public func append<T: BitwiseCopyable>(_ value: T) {
        reserve(MemoryLayout<T>.size)
        base.storeBytes(of: value, toByteOffset: count, as: T.self)
        count &+= MemoryLayout<T>.size
    }

    /// Appends a copy of `bytes`.
    @inlinable @inline(__always) public func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        memcpy(base + count, source, bytes.count)
        count &+= bytes.count
    }

    /// Appends a copy of `bytes`.
    public func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    /// Appends a copy of a buffer's bytes.
    public func append(_ buffer: Buffer) { buffer.withUnsafeBytes { append($0) } }

    /// Appends the UTF-8 bytes of `text`.
    public func append(utf8 text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends `count` copies of a byte.
    @inlinable public func append(repeating byte: UInt8, count extra: Int) {
        reserve(extra)
        memset(base + count, Int32(byte), extra)
        count += extra
    }

    /// Forgets the contents and keeps the room.
    public func removeAll() { count = 0 }

    /// Calls `body` with the bytes written so far.
    @inlinable @inline(__always) public func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// The bytes as a buffer, without a copy; this one is empty afterwards.
    public func freeze() -> Buffer {
        // Room that doubling left over goes back, or a batch would hold up to twice its data.
        if capacity - count > max(4096, count / 4), let smaller = realloc(base, max(count, 64)) { start = smaller }
        let buffer = Buffer(owner: BufferOwner(mallocated: base), start: UnsafeRawPointer(base), count: count)
        start = MutableBuffer.allocate(64)
        room = 64
        used = 0
        return buffer
    }
}

extension BufferOwner {
    /// Memory that came from `malloc`.
    convenience init(mallocated base: UnsafeMutableRawPointer) {
        // The address travels as an integer, because a pointer cannot be captured by a `@Sendable` closure.
        let address = UInt(bitPattern: base)
        self.init(base: base, release: { free(UnsafeMutableRawPointer(bitPattern: address)) })
    }
}
