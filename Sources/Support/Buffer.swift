/// A run of bytes that never change, shared by reference: the memory under every column.
///
/// A slice shares the bytes of the buffer that it was cut from, and keeps them alive.
public struct Buffer: @unchecked Sendable {
    // `@unchecked Sendable` because the bytes under `start` never change and `owner` keeps them.

    /// Keeps the bytes alive; releases them with the last buffer that shares them.
    @usableFromInline let owner: BufferOwner
    @usableFromInline let start: UnsafeRawPointer
    /// The number of bytes.
    public let count: Int

    @inlinable init(owner: BufferOwner, start: UnsafeRawPointer, count: Int) {
        self.owner = owner
        self.start = start
        self.count = count
    }

    /// No bytes.
    public static let empty = Buffer(copying: UnsafeRawBufferPointer(start: nil, count: 0))

    /// A copy of `bytes`.
    public init(copying bytes: UnsafeRawBufferPointer) {
        let copy = MutableBuffer(capacity: bytes.count)
        copy.append(bytes)
        self = copy.freeze()
    }

    /// A copy of `bytes`.
    public init(_ bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { Buffer(copying: $0) }
    }

    /// A copy of the memory of `values`, in the machine's byte order.
    public init<T: BitwiseCopyable>(values: [T]) {
        self = values.withUnsafeBytes { Buffer(copying: $0) }
    }

    /// Memory that somebody else allocated; `release` is called once, when the last buffer over it goes.
    public init(foreign start: UnsafeRawPointer, count: Int, release: @escaping @Sendable () -> Void) {
        self.init(
            owner: BufferOwner(base: UnsafeMutableRawPointer(mutating: start), release: release), start: start,
            count: count)
    }

    /// Calls `body` with the bytes, which must not outlive the call.
    @inlinable public func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        defer { withExtendedLifetime(owner) {} }
        return try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// The byte at `index`.
    @inlinable public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "buffer index out of range")
        defer { withExtendedLifetime(owner) {} }
        return start.load(fromByteOffset: index, as: UInt8.self)
    }

    /// The bytes in `range`, shared, not copied.
    @inlinable public subscript(range: Range<Int>) -> Buffer {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "buffer range out of bounds")
        return Buffer(owner: owner, start: start + range.lowerBound, count: range.count)
    }

    /// A copy as an array.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// An address for handing to C together with something that keeps this buffer alive.
    public var unsafeStart: UnsafeRawPointer { start }
}

extension Buffer: Equatable {
    /// Whether the bytes are the same.
    public static func == (left: Buffer, right: Buffer) -> Bool {
        left.withUnsafeBytes { a in right.withUnsafeBytes { b in a.elementsEqual(b) } }
    }
}

/// The allocation behind buffers.
@usableFromInline final class BufferOwner: @unchecked Sendable {
    // `@unchecked Sendable` because the memory does not change once a buffer exists, and `release` is called in `deinit`.

    private let base: UnsafeMutableRawPointer
    private let release: (@Sendable () -> Void)?

    @usableFromInline init(base: UnsafeMutableRawPointer, release: (@Sendable () -> Void)? = nil) {
        self.base = base
        self.release = release
    }

    deinit {
        if let release { release() } else { base.deallocate() }
    }
}
