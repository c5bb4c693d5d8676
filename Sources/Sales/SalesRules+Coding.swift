import Storage
import Support

extension SalesRules {
    /// Which rules these are: equal rules have equal fingerprints, on every machine.
    ///
    /// - throws: `SluiceError` when the system's library offers no SHA-256.
    public var fingerprint: String {
        get throws(SluiceError) {
            let encoder = PartialEncoder()
            encode(to: encoder)
            let hash = try SHA256()
            encoder.bytes.withUnsafeBytes { hash.update($0) }
            return String(hash.finish().prefix(16))
        }
    }

    func encode(to encoder: PartialEncoder) {
        for amount in [maxUnitPrice, maxQuantity, maxTotal, anomalyThreshold, highQuantity, percentile, tolerance] {
            encoder.wide(amount.raw)
        }
        for number in [frequentAbove, Int(window), windowCount, decimals] { encoder.int(number) }
        encoder.optional(taxRate) { encoder.wide($0.raw) }
        encoder.optional(maxInvalidRate) { encoder.wide($0.raw) }
        encoder.list(revenueStatuses) { encoder.text($0) }
        encoder.text(currency)
        encoder.optional(notBefore) { encoder.int(Int($0)) }
        switch notAfter {
        case .any: encoder.list([0, 0]) { encoder.int($0) }
        case .moment(let moment): encoder.list([1, Int(moment)]) { encoder.int($0) }
        case .afterNow(let distance): encoder.list([2, Int(distance)]) { encoder.int($0) }
        }
        encoder.list(required.map(\.rawValue).sorted()) { encoder.text($0) }
        for number in [caps.errors, caps.top, caps.anomalies, caps.details] { encoder.int(number) }
        encoder.list(layout.transactions) { encoder.text($0) }
        encoder.list(layout.batchID) { encoder.text($0) }
        encoder.list(SalesField.allCases.filter { layout.paths[$0] != nil }) { field in
            encoder.text(field.rawValue)
            encoder.list(layout.paths[field] ?? []) { path in encoder.list(path) { encoder.text($0) } }
        }
        encoder.list(checks) { $0.encode(to: encoder) }
    }

    init(from decoder: inout PartialDecoder) throws(SluiceError) {
        self.init()
        maxUnitPrice = Amount(raw: try decoder.wide())
        maxQuantity = Amount(raw: try decoder.wide())
        maxTotal = Amount(raw: try decoder.wide())
        anomalyThreshold = Amount(raw: try decoder.wide())
        highQuantity = Amount(raw: try decoder.wide())
        percentile = Amount(raw: try decoder.wide())
        tolerance = Amount(raw: try decoder.wide())
        frequentAbove = try decoder.int()
        window = Int64(try decoder.int())
        windowCount = try decoder.int()
        decimals = try decoder.int()
        taxRate = try decoder.optional { decoder throws(SluiceError) in Amount(raw: try decoder.wide()) }
        maxInvalidRate = try decoder.optional { decoder throws(SluiceError) in Amount(raw: try decoder.wide()) }
        revenueStatuses = try decoder.texts()
        currency = try decoder.text()
        notBefore = try decoder.optional { decoder throws(SluiceError) in Int64(try decoder.int()) }
        let latest = try decoder.list { decoder throws(SluiceError) in try decoder.int() }
        guard latest.count == 2 else { throw decoder.damaged("its rules are incomplete") }
        notAfter = latest[0] == 0 ? .any : latest[0] == 1 ? .moment(Int64(latest[1])) : .afterNow(Int64(latest[1]))
        required = Set(try decoder.texts().compactMap { SalesField(rawValue: $0) })
        caps.errors = try decoder.int()
        caps.top = try decoder.int()
        caps.anomalies = try decoder.int()
        caps.details = try decoder.int()
        layout.transactions = try decoder.texts()
        layout.batchID = try decoder.texts()
        layout.paths = [:]
        for _ in 0..<(try decoder.count()) {
            let name = try decoder.text()
            let paths = try decoder.list { decoder throws(SluiceError) in try decoder.texts() }
            guard let field = SalesField(rawValue: name) else { throw decoder.damaged("it has a field \"\(name)\"") }
            layout.paths[field] = paths
        }
        checks = try decoder.list { decoder throws(SluiceError) in try SalesCheck(from: &decoder) }
    }
}

extension SalesCheck {
    fileprivate func encode(to encoder: PartialEncoder) {
        encoder.list(path) { encoder.text($0) }
        encoder.int(isInItems ? 1 : 0)
        switch kind {
        case .required: encoder.int(0)
        case .range(let least, let most):
            encoder.int(1)
            encoder.optional(least) { encoder.wide($0.raw) }
            encoder.optional(most) { encoder.wide($0.raw) }
        case .oneOf(let values):
            encoder.int(2)
            encoder.list(values) { encoder.text($0) }
        case .pattern(let pattern):
            encoder.int(3)
            encoder.text(pattern)
        case .equals(let sum, let tolerance):
            encoder.int(4)
            encoder.list(sum) { path in encoder.list(path) { encoder.text($0) } }
            encoder.wide(tolerance.raw)
        }
    }

    fileprivate init(from decoder: inout PartialDecoder) throws(SluiceError) {
        path = try decoder.texts()
        isInItems = try decoder.int() == 1
        switch try decoder.int() {
        case 0: kind = .required
        case 1:
            let least = try decoder.optional { decoder throws(SluiceError) in Amount(raw: try decoder.wide()) }
            let most = try decoder.optional { decoder throws(SluiceError) in Amount(raw: try decoder.wide()) }
            kind = .range(min: least, max: most)
        case 2: kind = .oneOf(try decoder.texts())
        case 3: kind = .pattern(try decoder.text())
        case 4:
            let sum = try decoder.list { decoder throws(SluiceError) in try decoder.texts() }
            kind = .equals(sum: sum, tolerance: Amount(raw: try decoder.wide()))
        default: throw decoder.damaged("it has a check of an unknown kind")
        }
    }
}

extension PartialDecoder {
    /// Texts, one after the other.
    mutating func texts() throws(SluiceError) -> [String] {
        try list { decoder throws(SluiceError) in try decoder.text() }
    }
}
