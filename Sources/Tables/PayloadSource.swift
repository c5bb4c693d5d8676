import Support

/// A JSON document in which records that are not objects stand in one: `[{"a": 1}, 5]` reads `[{"a": 1}, {"payload":5}]`,
/// and the document `5` reads `{"payload":5}`. Objects and nulls stay as they are.
///
/// Only structure is looked at, byte by byte; what is malformed stays so, and is told by whoever parses.
struct PayloadSource: StreamSource {
    private let base: any StreamSource
    private let key: String

    init(_ base: any StreamSource, key: String) {
        self.base = base
        self.key = key
    }

    var name: String { base.name }
    // What is put in comes on top.
    var streamSize: Int? { nil }

    func stream() async throws(SluiceError) -> any ByteStream { PayloadStream(try await base.stream(), key: key) }
}

private final class PayloadStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.

    let name: String
    private let base: any ByteStream
    private let opening: [UInt8]
    private var depth = 0
    /// The depth at which records stand: 1 in an array, 0 outside.
    private var recordDepth = 0
    private var isInString = false
    private var isEscaped = false
    /// Whether the record under way is wrapped, and whether it is a bare word or number, which ends where something else
    /// begins.
    private var isWrapped = false
    private var isBare = false
    private var hasEnded = false

    init(_ base: any ByteStream, key: String) {
        name = base.name
        self.base = base
        var text = "{"
        JSONText.quote(key, to: &text)
        opening = Array((text + ":").utf8)
    }

    func next() async throws(SluiceError) -> Buffer? {
        guard let bytes = try await base.next() else {
            // A number ends with its document.
            guard !hasEnded, isWrapped, isBare else { return nil }
            hasEnded = true
            return Buffer([UInt8(ascii: "}")])
        }
        let out = MutableBuffer(capacity: bytes.count + 64)
        bytes.withUnsafeBytes { rewrite($0, into: out) }
        return out.freeze()
    }

    private func rewrite(_ bytes: UnsafeRawBufferPointer, into out: MutableBuffer) {
        var copied = 0
        func copy(upTo end: Int) {
            if end > copied { out.append(UnsafeRawBufferPointer(rebasing: bytes[copied..<end])) }
            copied = end
        }
        for index in bytes.indices {
            let byte = bytes[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                    if depth == recordDepth { close(at: index + 1, copy, out) }
                }
                continue
            }
            let isBlank = byte == 0x20 || (0x09...0x0d).contains(byte)
            if isBare, isBlank || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") {
                close(at: index, copy, out)
            }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if depth == 0, byte == UInt8(ascii: "[") {
                    recordDepth = 1
                } else if depth == recordDepth, byte == UInt8(ascii: "[") {
                    open(at: index, isBare: false, copy, out)
                }
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0, recordDepth == 1 { recordDepth = 0 }
                if depth == recordDepth, isWrapped { close(at: index + 1, copy, out) }
            case UInt8(ascii: "\""):
                if depth == recordDepth { open(at: index, isBare: false, copy, out) }
                isInString = true
            case UInt8(ascii: ","), UInt8(ascii: ":"): break
            default:
                // A null stays one; everything else that is bare is a number, `true` or `false`.
                if !isBlank, depth == recordDepth, !isBare, byte != UInt8(ascii: "n"), !isRestOfNull(byte) {
                    open(at: index, isBare: true, copy, out)
                }
            }
        }
        copy(upTo: bytes.count)
    }

    /// The letters behind the first of `null`; no other bare value begins with one of them.
    private func isRestOfNull(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "u") || byte == UInt8(ascii: "l") }

    private func open(at index: Int, isBare bare: Bool, _ copy: (Int) -> Void, _ out: MutableBuffer) {
        if isWrapped { return }
        copy(index)
        out.append(opening)
        isWrapped = true
        isBare = bare
    }

    private func close(at index: Int, _ copy: (Int) -> Void, _ out: MutableBuffer) {
        guard isWrapped else { return }
        copy(index)
        out.append([UInt8(ascii: "}")])
        isWrapped = false
        isBare = false
    }
}
