import Glibc

extension Scanner {
    static let unterminated = "Unterminated string starting at"

    /// Parses the string that begins here.
    @inline(__always) mutating func string() throws(PythonFailure) -> Node {
        let begin = at
        var next = at &+ 1
        while true {
            if next &+ 8 <= end {
                let found = Scanner.special(UnsafeRawPointer(base + next).loadUnaligned(as: UInt64.self))
                if found == 0 {
                    next &+= 8
                    continue
                }
                next &+= found.trailingZeroBitCount >> 3
            }
            guard next < end else { throw .syntax(Scanner.unterminated, at: begin) }
            let byte = base[next]
            if byte == UInt8(ascii: "\"") {
                at = next &+ 1
                return Node(kind: .string, start: begin &+ 1, count: next &- begin &- 1)
            }
            if byte == UInt8(ascii: "\\") { return try decode(from: begin, firstEscape: next) }
            if byte < 0x20 { throw .syntax("Invalid control character at", at: next) }
            next &+= 1
        }
    }

    /// A bit in the first byte of `word` that is a quote, a backslash or a control character; 0 when none is.
    @inline(__always) private static func special(_ word: UInt64) -> UInt64 {
        let quote = word ^ 0x2222_2222_2222_2222
        let slash = word ^ 0x5c5c_5c5c_5c5c_5c5c
        return
            (((quote &- 0x0101_0101_0101_0101) & ~quote) | ((slash &- 0x0101_0101_0101_0101) & ~slash)
            | ((word &- 0x2020_2020_2020_2020) & ~word)) & 0x8080_8080_8080_8080
    }

    /// Parses a string with escapes into the arena.
    @inline(never) private mutating func decode(from begin: Int, firstEscape: Int) throws(PythonFailure) -> Node {
        // A name of a member is decoded even if nothing is kept, because it may be one that matters.
        if !isRecording { arenaCount = 0 }
        let start = arenaCount
        var next = begin + 1
        var run = next
        while true {
            guard next < end else { throw .syntax(Scanner.unterminated, at: begin) }
            let byte = base[next]
            if byte == UInt8(ascii: "\"") { break }
            if byte < 0x20 { throw .syntax("Invalid control character at", at: next) }
            if byte != UInt8(ascii: "\\") {
                next += 1
                continue
            }
            store(run..<next)
            next += 1
            guard next < end else { throw .syntax(Scanner.unterminated, at: begin) }
            if base[next] == UInt8(ascii: "u") {
                store(scalar: try unicodeEscape(&next))
            } else {
                guard let escaped = Scanner.escaped(base[next]) else {
                    throw .syntax("Invalid \\escape", at: next - 1)
                }
                store(scalar: UInt32(escaped))
                next += 1
            }
            run = next
        }
        store(run..<next)
        at = next + 1
        return Node(kind: .string, isDecoded: true, start: start, count: arenaCount - start)
    }

    private static func escaped(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "b"): 8
        case UInt8(ascii: "f"): 12
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "r"): 13
        case UInt8(ascii: "t"): 9
        default: nil
        }
    }

    /// Reads the escape whose `u` stands at `next`, with the second half of a pair, and goes behind it.
    private mutating func unicodeEscape(_ next: inout Int) throws(PythonFailure) -> UInt32 {
        // Something has to stand behind the digits, or Python does not take them for whole.
        guard next + 5 < end, let high = hex(next + 1) else { throw .syntax("Invalid \\uXXXX escape", at: next) }
        next += 5
        guard high & 0xfc00 == 0xd800, next + 6 < end, base[next] == UInt8(ascii: "\\"),
            base[next + 1] == UInt8(ascii: "u")
        else { return high }
        guard let low = hex(next + 2) else { throw .syntax("Invalid \\uXXXX escape", at: next + 1) }
        guard low & 0xfc00 == 0xdc00 else { return high }
        next += 6
        return 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff))
    }

    private func hex(_ place: Int) -> UInt32? {
        var number: UInt32 = 0
        for index in place..<place + 4 {
            let byte = base[index]
            switch byte {
            case 0x30...0x39: number = number << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: number = number << 4 | UInt32(byte - 0x41 + 10)
            case 0x61...0x66: number = number << 4 | UInt32(byte - 0x61 + 10)
            default: return nil
            }
        }
        return number
    }

    private mutating func store(_ range: Range<Int>) {
        reserve(range.count)
        if !range.isEmpty { memcpy(arena + arenaCount, base + range.lowerBound, range.count) }
        arenaCount += range.count
    }

    /// Stores a code point; surrogates too, by the pattern of UTF-8.
    private mutating func store(scalar: UInt32) {
        reserve(4)
        switch scalar {
        case ..<0x80:
            arena[arenaCount] = UInt8(scalar)
            arenaCount += 1
        case ..<0x800:
            arena[arenaCount] = UInt8(0xc0 | scalar >> 6)
            arena[arenaCount + 1] = UInt8(0x80 | scalar & 0x3f)
            arenaCount += 2
        case ..<0x10000:
            arena[arenaCount] = UInt8(0xe0 | scalar >> 12)
            arena[arenaCount + 1] = UInt8(0x80 | scalar >> 6 & 0x3f)
            arena[arenaCount + 2] = UInt8(0x80 | scalar & 0x3f)
            arenaCount += 3
        default:
            arena[arenaCount] = UInt8(0xf0 | scalar >> 18)
            arena[arenaCount + 1] = UInt8(0x80 | scalar >> 12 & 0x3f)
            arena[arenaCount + 2] = UInt8(0x80 | scalar >> 6 & 0x3f)
            arena[arenaCount + 3] = UInt8(0x80 | scalar & 0x3f)
            arenaCount += 4
        }
    }

    private mutating func reserve(_ count: Int) {
        if arenaCount + count <= arenaRoom { return }
        let room = max(arenaRoom * 2, arenaCount + count)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
        memcpy(larger, arena, arenaCount)
        arena.deallocate()
        arena = larger
        arenaRoom = room
    }
}
