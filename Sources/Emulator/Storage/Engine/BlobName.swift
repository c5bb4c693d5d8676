/// A blob's or a path's name, which is the bytes that the client sent.
///
/// Swift takes texts for equal that Unicode does (`é` in one character or in two), and orders them by that; a store does
/// not, so names compare and hash by their bytes.
struct BlobName: Hashable, Comparable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: BlobName, right: BlobName) -> Bool { order(left, right) == 0 }
    static func < (left: BlobName, right: BlobName) -> Bool { order(left, right) < 0 }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    private static func order(_ left: BlobName, _ right: BlobName) -> Int {
        var (a, b) = (left.text, right.text)
        return a.withUTF8 { a in
            b.withUTF8 { b in
                let common = min(a.count, b.count)
                if common > 0, let first = a.baseAddress, let second = b.baseAddress {
                    for index in 0..<common where first[index] != second[index] {
                        return first[index] < second[index] ? -1 : 1
                    }
                }
                return a.count - b.count
            }
        }
    }

    /// Whether the name begins with the bytes of `prefix`.
    func hasPrefix(_ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) }

    /// The folders above, the outermost first: `a`, `a/b` for `a/b/c`.
    var parents: [BlobName] {
        var found: [BlobName] = []
        for index in text.utf8.indices where text.utf8[index] == UInt8(ascii: "/") {
            found.append(BlobName(String(text[..<index])))
        }
        return found
    }

    /// What stands behind the last slash.
    var lastPart: Substring {
        text[(text.utf8.lastIndex(of: UInt8(ascii: "/")).map(text.utf8.index(after:)) ?? text.startIndex)...]
    }

    /// Everything up to the last slash; nil in the uppermost folder.
    var parent: BlobName? {
        text.utf8.lastIndex(of: UInt8(ascii: "/")).map { BlobName(String(text[..<$0])) }
    }
}
