import Glibc

/// Parses JSON as Python's `json.loads` does: what it takes, what it refuses, and what it says then.
///
/// The text is UTF-8, and has been checked to be. Values are written to a tape when somebody wants them, and only
/// checked otherwise.
struct Scanner: ~Copyable {
    private(set) var base: UnsafePointer<UInt8>
    private(set) var end = 0
    /// The byte that is looked at.
    var at = 0
    /// Whether values are kept.
    var isRecording = false

    var nodes: UnsafeMutablePointer<Node>
    var nodeCount = 0
    var nodeRoom = 1024
    var arena: UnsafeMutablePointer<UInt8>
    var arenaCount = 0
    var arenaRoom = 4096
    private var depth = 0
    private var keptDepth = 0

    /// How many containers Python 3.11 goes into: a thousand calls, less those that lead to the decoder.
    static let maximumDepth = 993

    init() {
        nodes = .allocate(capacity: nodeRoom)
        arena = .allocate(capacity: arenaRoom)
        // No byte of a text without an address is ever looked at.
        base = UnsafePointer(arena)
    }

    deinit {
        nodes.deallocate()
        arena.deallocate()
    }

    /// What was kept of the value that was parsed last.
    var tape: Tape { Tape(nodes: nodes, text: base, arena: arena) }

    /// Forgets what was kept, and keeps what is parsed next if it is wanted.
    mutating func begin(recording: Bool) {
        nodeCount = 0
        arenaCount = 0
        isRecording = recording
    }

    /// Goes on with another text, in which what comes next begins at `place`.
    mutating func look(at text: UnsafeRawBufferPointer, from place: Int) {
        if let start = text.baseAddress { base = start.assumingMemoryBound(to: UInt8.self) }
        end = text.count
        at = place
        depth = keptDepth
    }

    /// Remembers how deep in containers this is, to begin there again.
    @inline(__always) mutating func keepDepth() { keptDepth = depth }

    // MARK: - Steps

    @inline(__always) mutating func skipSpace() {
        while at < end {
            let byte = base[at]
            if byte > 0x20 { return }
            guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            at &+= 1
            // Behind the end of a line stands its indentation.
            if byte == 0x0a { skipIndentation() }
        }
    }

    @inline(__always) private mutating func skipIndentation() {
        while at &+ 8 <= end {
            let word = UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self) ^ 0x2020_2020_2020_2020
            if word != 0 {
                at &+= word.trailingZeroBitCount >> 3
                return
            }
            at &+= 8
        }
    }

    /// Whether `byte` is next.
    @inline(__always) func sees(_ byte: UInt8) -> Bool { at < end && base[at] == byte }

    /// Goes into a container.
    @inline(__always) mutating func enter(_ kind: NodeKind) throws(PythonFailure) {
        depth &+= 1
        if depth > Scanner.maximumDepth {
            let name = kind == .array ? "array" : "object"
            throw .exception(
                "maximum recursion depth exceeded while decoding a JSON \(name) from a unicode string")
        }
    }

    /// Leaves a container.
    @inline(__always) mutating func leave() { depth &-= 1 }

    @inline(__always) mutating func keep(_ node: Node) {
        guard isRecording else { return }
        if nodeCount == nodeRoom { growNodes() }
        nodes[nodeCount] = node
        nodeCount &+= 1
    }

    @inline(never) private mutating func growNodes() {
        let larger = UnsafeMutablePointer<Node>.allocate(capacity: nodeRoom * 2)
        larger.moveInitialize(from: nodes, count: nodeCount)
        nodes.deallocate()
        nodes = larger
        nodeRoom *= 2
    }

    // MARK: - Values

    /// Parses the value that begins here.
    mutating func value() throws(PythonFailure) {
        guard at < end else { throw .syntax("Expecting value", at: at) }
        switch base[at] {
        case UInt8(ascii: "\""):
            let node = try string()
            keep(node)
        case UInt8(ascii: "{"): try object()
        case UInt8(ascii: "["): try array()
        case UInt8(ascii: "n") where follows("null"): keep(Node(kind: .null, start: 0))
        case UInt8(ascii: "t") where follows("true"): keep(Node(kind: .yes, start: 0))
        case UInt8(ascii: "f") where follows("false"): keep(Node(kind: .no, start: 0))
        case UInt8(ascii: "N") where follows("NaN"): keepReal(.nan)
        case UInt8(ascii: "I") where follows("Infinity"): keepReal(.infinity)
        case UInt8(ascii: "-") where follows("-Infinity"): keepReal(-.infinity)
        default: try number()
        }
    }

    /// Steps over `word` if it is next.
    @inline(__always) private mutating func follows(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard end &- at >= count, memcmp(base + at, word.utf8Start, count) == 0 else { return false }
        at &+= count
        return true
    }

    @inline(__always) mutating func keepReal(_ value: Double) {
        keep(Node(kind: .real, start: Int(Int64(bitPattern: value.bitPattern))))
    }

    private mutating func object() throws(PythonFailure) {
        try enter(.object)
        at &+= 1
        let place = nodeCount
        keep(Node(kind: .object, start: 0))
        var count = 0
        skipSpace()
        if !sees(UInt8(ascii: "}")) {
            while true {
                _ = try name()
                try value()
                count &+= 1
                if try endsContainer(with: UInt8(ascii: "}")) { break }
            }
        }
        at &+= 1
        close(place, count)
    }

    private mutating func array() throws(PythonFailure) {
        try enter(.array)
        at &+= 1
        let place = nodeCount
        keep(Node(kind: .array, start: 0))
        var count = 0
        skipSpace()
        if !sees(UInt8(ascii: "]")) {
            while true {
                try value()
                count &+= 1
                if try endsContainer(with: UInt8(ascii: "]")) { break }
            }
        }
        at &+= 1
        close(place, count)
    }

    /// Parses a member's name and what stands up to its value.
    @inline(__always) mutating func name() throws(PythonFailure) -> Field {
        guard sees(UInt8(ascii: "\"")) else {
            throw .syntax("Expecting property name enclosed in double quotes", at: at)
        }
        var node = try string()
        node.kind = .key
        node.field = Field((node.isDecoded ? UnsafePointer(arena) : base) + node.start, count: node.count)
        keep(node)
        skipSpace()
        guard sees(UInt8(ascii: ":")) else { throw .syntax("Expecting ':' delimiter", at: at) }
        at &+= 1
        skipSpace()
        return node.field
    }

    /// Whether the container ends here; goes on to what comes next if it does not.
    @inline(__always) mutating func endsContainer(with mark: UInt8) throws(PythonFailure) -> Bool {
        skipSpace()
        if sees(mark) { return true }
        guard sees(UInt8(ascii: ",")) else { throw .syntax("Expecting ',' delimiter", at: at) }
        at &+= 1
        skipSpace()
        return false
    }

    @inline(__always) private mutating func close(_ place: Int, _ count: Int) {
        depth &-= 1
        guard isRecording else { return }
        nodes[place].start = count
        nodes[place].count = nodeCount
    }
}
