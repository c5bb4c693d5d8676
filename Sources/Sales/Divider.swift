import CSimdjson
import Support

/// One of the parts into which an input is divided, so that several machines can share it.
public struct SalesPart: Sendable, Hashable {
    /// Which part, from 0.
    public var index: Int
    /// How many parts there are.
    public var of: Int

    /// Part `index` of `of`; nil when there is no such part.
    public init?(index: Int, of: Int) {
        guard of >= 1, of <= 100_000, index >= 0, index < of else { return nil }
        self.index = index
        self.of = of
    }

    /// The whole input.
    public static var whole: SalesPart { SalesPart() }

    private init() { (index, of) = (0, 1) }
}

/// Finds where records end for certain, by a look at every byte up to there.
struct Divider {
    private let source: any StreamSource
    private let direct: (any DirectAccess)?
    private let hasCommas: Bool
    private var cutter = sluice_json_cutter()
    /// What was read and not yet looked at, and where it begins.
    private var block = Buffer.empty
    private var position: Int
    private var stream: (any ByteStream)?
    /// Where the array ends.
    private var end: Int?
    /// The boundary that was found last.
    private var last: Boundary?

    /// A record's end, and where the next one begins.
    typealias Boundary = (end: Int, next: Int)

    init(_ source: any StreamSource, _ direct: (any DirectAccess)?, from position: Int, hasCommas: Bool) {
        self.source = source
        self.direct = direct
        self.position = position
        self.hasCommas = hasCommas
        cutter.depth = 1
        cutter.record_depth = 1
    }

    /// The first boundary that is found from `target` on; targets come in ascending order.
    mutating func boundary(from target: Int) async throws(SluiceError) -> Boundary {
        while true {
            // Everybody who looks for a target finds the same boundary, whatever else they looked for before.
            if let last, hasCommas ? last.end >= target : last.end > target { return last }
            if let end { return (end, end) }
            guard try await fill() else { return (position, position) }
            var step = position < target ? min(block.count, target - position) : min(block.count, 256)
            let before = cutter
            var found = look(at: block[0..<step])
            if found >= 0, position >= target, hasCommas {
                // Perhaps it is the last of several: the first is wanted.
                cutter = before
                step = 0
                repeat {
                    found = look(at: block[step..<step + 1])
                    step += 1
                } while found < 0
                found += step - 1
            } else if found >= 0, position >= target {
                step = found
            }
            let start = position
            position += step
            block = block[step..<block.count]
            if cutter.ended != 0, hasCommas {
                end = start + found
            } else if found >= 0, start >= target {
                last = hasCommas ? (start + found, start + found + 1) : (start + found, start + found)
            }
        }
    }

    private mutating func look(at bytes: Buffer) -> Int {
        bytes.withUnsafeBytes { raw -> Int in
            guard let start = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return -1 }
            if hasCommas { return Int(sluice_json_cut(&cutter, start, raw.count)) }
            return raw.firstIndex(of: 0x0a).map { $0 + 1 } ?? -1
        }
    }

    /// Reads on when nothing is left; false at the input's end.
    private mutating func fill() async throws(SluiceError) -> Bool {
        if block.count > 0 { return true }
        if let direct {
            let buffer = MutableBuffer(capacity: 1 << 20)
            buffer.count = try direct.read(
                into: UnsafeMutableRawBufferPointer(start: buffer.base, count: 1 << 20), at: position)
            block = buffer.freeze()
            return block.count > 0
        }
        let open: any ByteStream
        var skipped = position
        if let stream {
            open = stream
            skipped = 0
        } else {
            open = try await source.stream()
        }
        stream = open
        while true {
            guard let bytes = try await open.next() else { return false }
            if bytes.count > skipped {
                block = bytes[skipped..<bytes.count]
                return true
            }
            skipped -= bytes.count
        }
    }
}
