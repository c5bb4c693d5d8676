import Storage
public import Support

extension SalesPartial {
    private static let magic = Array("sluice sales partial 1\n".utf8)

    /// Writes all of it, to be merged later or elsewhere. Does not finish the sink.
    public func write(to sink: any ByteSink) async throws(SluiceError) {
        let hash = try SHA256()
        let encoder = PartialEncoder()
        encoder.bytes.append(SalesPartial.magic)
        rules.encode(to: encoder)
        encoder.list(inputs) { $0.encode(to: encoder) }
        tally.encode(to: encoder)
        encoder.int(tally.ids.count)
        let head = encoder.bytes.freeze()
        hash.update(head)
        try await sink.write(head)
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
        let stream = try await source.stream()
        let all = MutableBuffer(capacity: 1 << 16)
        while let bytes = try await stream.next() { all.append(bytes) }
        let bytes = all.freeze()
        guard bytes.count >= magic.count, bytes[0..<magic.count].bytes == magic else {
            throw SluiceError(
                .invalidData, "this is no partial report of sales", place: .init(file: source.name),
                hint: "partial reports are made with: sluice report … --partial FILE")
        }
        let body = bytes.count - 64
        let hash = try SHA256()
        if body > 0 { hash.update(bytes[0..<body]) }
        guard body > magic.count, Array(hash.finish().utf8) == bytes[body..<bytes.count].bytes else {
            throw SluiceError(
                .invalidData, "the partial report is damaged: its checksum does not fit",
                place: .init(file: source.name),
                hint: "make it again")
        }
        return try bytes.withUnsafeBytes { raw throws(SluiceError) in
            var decoder = PartialDecoder(UnsafeRawBufferPointer(rebasing: raw[magic.count..<body]), name: source.name)
            return try SalesPartial(from: &decoder)
        }
    }

    private convenience init(from decoder: inout PartialDecoder) throws(SluiceError) {
        let rules = try SalesRules(from: &decoder)
        let inputs = try decoder.list { decoder throws(SluiceError) in try PartialInput(from: &decoder) }
        let tally = Tally(rules)
        try tally.decode(from: &decoder)
        let count = try decoder.int()
        while true {
            let run = try decoder.run()
            if run.count == 0 { break }
            IDStore.ids(run) { tally.ids.add($0) }
        }
        guard tally.ids.count == count, decoder.isAtEnd else { throw decoder.damaged("ids are missing") }
        self.init(rules: rules, tally: tally, inputs: inputs)
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
        records = try decoder.int()
        invalid = try decoder.int()
        errors = try decoder.list { decoder throws(SluiceError) in
            SalesReport.Rejection(
                file: file, index: try decoder.int(),
                transaction: try decoder.optional { decoder throws(SluiceError) in try decoder.text() },
                reasons: try decoder.texts())
        }
    }
}
