import Storage
public import Support

extension SalesPartial {
    private static let magic = Array("sluice sales partial 1\n".utf8)

    /// Writes all of it, to be merged later or elsewhere. Does not finish the sink.
    public func write(to sink: any ByteSink) async throws(SluiceError) {
        let hash = try SHA256()
        let encoder = PartialEncoder()
        rules.encode(to: encoder)
        encoder.list(inputs) { $0.encode(to: encoder) }
        tally.encode(to: encoder)
        encoder.int(tally.ids.count)
        let head = encoder.bytes.freeze()
        let start = PartialEncoder()
        start.bytes.append(SalesPartial.magic)
        start.int(head.count)
        for bytes in [start.bytes.freeze(), head] {
            hash.update(bytes)
            try await sink.write(bytes)
        }
        // Ids may not fit in memory: they follow bucket by bucket, in runs, and a run of no length ends them.
        for bucket in 0..<IDStore.buckets {
            var runs: [Buffer] = []
            try tally.ids.runs(bucket) { run throws(SluiceError) in
                if run.count > 0 { runs.append(Buffer(copying: run)) }
            }
            for run in runs {
                let length = PartialEncoder()
                length.int(run.count)
                let lengthBytes = length.bytes.freeze()
                hash.update(lengthBytes)
                hash.update(run)
                try await sink.write(lengthBytes)
                try await sink.write(run)
            }
        }
        let end = PartialEncoder()
        end.int(0)
        let endBytes = end.bytes.freeze()
        hash.update(endBytes)
        try await sink.write(endBytes)
        try await sink.write(Buffer(Array(hash.finish().utf8)))
    }

    /// Reads a partial report that was written.
    ///
    /// - throws: `SluiceError` when it is none, or damaged.
    public static func read(_ source: any StreamSource) async throws(SluiceError) -> SalesPartial {
        let cursor = try await PartialCursor(source)
        guard try await cursor.take(magic.count, orLess: true).bytes == magic else {
            throw SluiceError(
                .invalidData, "this is no partial report of sales", place: .init(file: source.name),
                hint: "partial reports are made with: sluice report … --partial FILE")
        }
        let head = try await cursor.takeRun()
        let partial = try head.withUnsafeBytes { raw throws(SluiceError) in
            var decoder = PartialDecoder(raw, name: source.name)
            return try SalesPartial(from: &decoder)
        }
        while true {
            let run = try await cursor.takeRun()
            if run.count == 0 { break }
            run.withUnsafeBytes { run in IDStore.ids(run) { id, _ in partial.tally.ids.add(id) } }
        }
        let hash = try cursor.finishHash()
        guard try await cursor.take(64).bytes == Array(hash.utf8), try await cursor.take(1, orLess: true).count == 0
        else {
            throw cursor.damaged("its checksum does not fit")
        }
        guard partial.tally.ids.count == partial.expectedIDs else { throw cursor.damaged("ids are missing") }
        return partial
    }

    private convenience init(from decoder: inout PartialDecoder) throws(SluiceError) {
        let rules = try SalesRules(from: &decoder)
        let inputs = try decoder.list { decoder throws(SluiceError) in try PartialInput(from: &decoder) }
        let tally = Tally(rules)
        try tally.decode(from: &decoder)
        self.init(rules: rules, tally: tally, inputs: inputs)
        expectedIDs = try decoder.int()
        guard decoder.isAtEnd else { throw decoder.damaged("something follows its counts") }
    }
}

/// Takes runs of bytes off a stream, so that a partial report with many ids need not be in memory as a whole.
private final class PartialCursor {
    private let stream: any ByteStream
    private let name: String
    private let hash: SHA256
    private var block = Buffer.empty
    private var position = 0

    init(_ source: any StreamSource) async throws(SluiceError) {
        stream = try await source.stream()
        name = source.name
        hash = try SHA256()
    }

    func damaged(_ what: String) -> SluiceError {
        SluiceError(
            .invalidData, "the partial report is damaged: \(what)", place: .init(file: name, offset: position),
            hint: "make it again")
    }

    /// The next bytes; with `orLess`, as many as there are.
    func take(_ count: Int, orLess: Bool = false) async throws(SluiceError) -> Buffer {
        let bytes = MutableBuffer()
        while bytes.count < count {
            if block.count == 0 {
                guard let next = try await stream.next() else {
                    if orLess { break }
                    throw damaged("it ends too early")
                }
                block = next
            }
            let step = min(block.count, count - bytes.count)
            bytes.append(block[0..<step])
            block = block[step..<block.count]
        }
        position += bytes.count
        let taken = bytes.freeze()
        if !isFinished { hash.update(taken) }
        return taken
    }

    /// A length, and so many bytes. A length that lies takes no memory: only bytes that are there do.
    func takeRun() async throws(SluiceError) -> Buffer {
        let length = try await take(8)
        let count = length.withUnsafeBytes { Int(Int64(littleEndian: $0.loadUnaligned(as: Int64.self))) }
        guard count >= 0 else { throw damaged("a length is out of range") }
        return try await take(count)
    }

    private var isFinished = false

    /// The hash of all that was taken.
    func finishHash() throws(SluiceError) -> String {
        isFinished = true
        return hash.finish()
    }
}

extension PartialInput {
    func encode(to encoder: PartialEncoder) {
        encoder.text(file)
        encoder.int(part.index)
        encoder.int(part.of)
        switch batch {
        case nil: encoder.int(0)
        case .text(let text):
            encoder.int(1)
            encoder.text(text)
        case .number(let literal):
            encoder.int(2)
            encoder.text(literal)
        }
        encoder.int(records)
        encoder.int(invalid)
        encoder.list(errors) { error in
            encoder.int(error.index)
            encoder.optional(error.transaction) { encoder.text($0) }
            encoder.list(error.reasons) { encoder.text($0) }
        }
    }

    init(from decoder: inout PartialDecoder) throws(SluiceError) {
        let file = try decoder.text()
        guard let part = SalesPart(index: try decoder.int(), of: try decoder.int()) else {
            throw decoder.damaged("it is part of something else")
        }
        self.init(file: file, part: part)
        switch try decoder.int() {
        case 0: break
        case 1: batch = .text(try decoder.text())
        default: batch = .number(try decoder.text())
        }
        records = try decoder.tally()
        invalid = try decoder.tally()
        errors = try decoder.list { decoder throws(SluiceError) in
            SalesReport.Rejection(
                file: file, index: try decoder.tally(),
                transaction: try decoder.optional { decoder throws(SluiceError) in try decoder.text() },
                reasons: try decoder.texts())
        }
    }
}
