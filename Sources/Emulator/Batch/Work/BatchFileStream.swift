import Glibc
import Support

/// A file as a body.
final class BatchFileStream: ByteStream, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`, as `ByteStream` demands.
    let name: String
    let size: Int
    private let descriptor: Int32
    private var position = 0

    init?(_ path: String) {
        name = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        var facts = stat()
        guard descriptor >= 0, fstat(descriptor, &facts) == 0 else {
            if descriptor >= 0 { close(descriptor) }
            return nil
        }
        size = Int(facts.st_size)
    }

    deinit { close(descriptor) }

    func next() async throws(SluiceError) -> Buffer? {
        // Not more than was promised, should it have grown.
        let room = min(1 << 18, size - position)
        guard room > 0 else { return nil }
        var block = [UInt8](repeating: 0, count: room)
        let count = pread(descriptor, &block, room, off_t(position))
        guard count > 0 else {
            throw SluiceError(.inputOutput, "the file became shorter while it was read", place: .init(file: name))
        }
        position += count
        return Buffer(count == room ? block : Array(block[..<count]))
    }
}

/// Patterns of output files: `*` and `?` within a name, `**` across folders.
enum BatchPattern {
    static func matches(_ pattern: String, _ path: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let path = Array(path.utf8)
        // Whether the rest of the pattern fits from each position on, worked out from its end, so that no pattern is slow.
        var fits = [Bool](repeating: false, count: path.count + 1)
        fits[path.count] = true
        var index = pattern.count
        while index > 0 {
            index -= 1
            var next = [Bool](repeating: false, count: path.count + 1)
            let byte = pattern[index]
            if byte == UInt8(ascii: "*") {
                let isDeep = index > 0 && pattern[index - 1] == UInt8(ascii: "*")
                if isDeep { index -= 1 }
                next[path.count] = fits[path.count]
                for position in stride(from: path.count - 1, through: 0, by: -1) {
                    let mayCross = isDeep || path[position] != UInt8(ascii: "/")
                    next[position] = fits[position] || mayCross && next[position + 1]
                }
                // `**/` also stands for no folder at all.
                if isDeep, index + 2 < pattern.count, pattern[index + 2] == UInt8(ascii: "/") {
                    let rest = String(decoding: pattern[(index + 3)...], as: UTF8.self)
                    for position in path.indices where !next[position] {
                        let tail = String(decoding: path[position...], as: UTF8.self)
                        next[position] = !rest.contains("**") && matches(rest, tail)
                    }
                }
            } else {
                for position in path.indices {
                    let isSame =
                        path[position] == byte || byte == UInt8(ascii: "?") && path[position] != UInt8(ascii: "/")
                    next[position] = isSame && fits[position + 1]
                }
            }
            fits = next
        }
        return fits[0]
    }
}
