public import Support

/// One file of a plan, made block by block. It follows from the plan and its own number alone, so that files can be made
/// side by side and in any order.
///
///     let batch = SalesBatch(plan, file: 0)
///     while let block = batch.next() { … }
public final class SalesBatch {
    /// How many transactions were made.
    public private(set) var made = 0
    /// How many of those were exaggerated.
    public private(set) var anomalies = 0
    /// How many of those were broken, in each way.
    public private(set) var faults: [SaleFault: Int] = [:]

    private let plan: SalesPlan
    private let file: Int
    private let isCompact: Bool
    private let source: SaleSource
    private let writer: SaleWriter
    private let invalidChances: UInt64
    private var random: Randomness
    /// What is broken is drawn apart, so that it does not change what is not.
    private var faultRandom: Randomness
    private var sale = Sale()
    private var isDone = false
    private var told = 0

    /// From this size on a block is handed out: what is smaller, files gather before they write it.
    private static let blockSize = 1 << 18

    /// File `file` of `plan`, from 0.
    public init(_ plan: SalesPlan, file: Int) {
        self.plan = plan
        self.file = file
        isCompact = plan.isCompact || plan.layout == .ndjson
        source = SaleSource(plan)
        writer = SaleWriter(isCompact: isCompact)
        invalidChances = plan.chances(plan.invalidRate)
        random = Randomness(seed: plan.seed, stream: UInt64(file) * 2)
        faultRandom = Randomness(seed: plan.seed, stream: UInt64(file) * 2 + 1)
    }

    /// The next bytes; nil behind the last.
    public func next() -> Buffer? {
        if isDone { return nil }
        let block = MutableBuffer(capacity: SalesBatch.blockSize + 2 * SaleWriter.mostBytes)
        if made == 0 { block.append(utf8: opening) }
        while made < plan.count, block.count < SalesBatch.blockSize { add(to: block) }
        if made == plan.count {
            block.append(utf8: closing)
            isDone = true
        }
        return block.freeze()
    }

    /// The id that the document has.
    var batchID: String { plan.batchID(file) }

    /// How many transactions were made since this was last asked.
    func takeNew() -> Int {
        defer { told = made }
        return made - told
    }

    private func add(to block: MutableBuffer) {
        if plan.layout == .document {
            if made > 0 { block.append(UInt8(ascii: ",")) }
            if !isCompact { block.append(utf8: "\n    ") }
        }
        source.draw(&sale, from: &random)
        if invalidChances > 0, faultRandom.happens(invalidChances) {
            breakSale(block)
        } else {
            block.reserve(SaleWriter.mostBytes)
            let start = (block.base + block.count).assumingMemoryBound(to: UInt8.self)
            block.count += writer.write(sale, to: start) - start
            if sale.isAnomaly { anomalies += 1 }
        }
        if plan.layout == .ndjson { block.append(UInt8(ascii: "\n")) }
        made += 1
    }

    private func breakSale(_ block: MutableBuffer) {
        let fault = SaleFault.allCases[faultRandom.below(SaleFault.allCases.count)]
        faults[fault, default: 0] += 1
        let text = fault.broken(sale, &faultRandom).text(pretty: !isCompact)
        // A line end in a string is escaped, so that all that are there are those of the layout.
        block.append(utf8: isCompact ? text : text.replacing("\n", with: "\n    "))
    }

    // MARK: - Around the transactions

    private var opening: String {
        if plan.layout == .ndjson { return "" }
        let range: JSONText = [
            "start": .string(Timestamp(second: plan.firstSecond).text),
            "end": .string(Timestamp(second: plan.endSecond).text),
        ]
        let head: JSONText = [
            "batch_id": .string(plan.batchID(file)), "generated_at": .string(plan.generated(file).text),
            "transaction_count": .number(plan.count), "date_range": range, "transactions": [],
        ]
        // Up to the bracket that opens the array.
        let text = head.text(pretty: !isCompact)
        return String(text.prefix(upTo: text.lastIndex(of: "]") ?? text.endIndex))
    }

    private var closing: String {
        if plan.layout == .ndjson { return "" }
        if isCompact { return "]}\n" }
        return plan.count == 0 ? "]\n}\n" : "\n  ]\n}\n"
    }
}
