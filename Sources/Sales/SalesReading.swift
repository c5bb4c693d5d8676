import CSimdjson
public import Support
import Synchronization

/// Reads inputs of sales into partial reports.
///
/// An input is read once: pieces of it are parsed and counted side by side, each worker has a tally of its own, and the
/// tallies are merged in the end. What comes out does not depend on how the work was divided.
public struct SalesReading: Sendable {
    private let rules: SalesRules
    private let threads: Int
    private let latest: Int64?

    /// Reading by `rules` with so many workers. `now` (microseconds since 1970) is what the future is told from.
    public init(rules: SalesRules, threads: Int, now: Int64) {
        self.rules = rules
        self.threads = max(1, threads)
        switch rules.notAfter {
        case .any: latest = nil
        case .moment(let moment): latest = moment
        case .afterNow(let distance):
            let (sum, overflow) = now.addingReportingOverflow(distance)
            latest = overflow ? nil : sum
        }
    }

    /// Reads an input called `name`, or a part of it.
    ///
    /// Rejected records go to `rejects`, a line of JSON each, in the order of the input.
    /// - throws: `SluiceError` when the input as a whole cannot be read.
    public func read(
        _ source: any StreamSource, name: String, part: SalesPart? = nil, rejects: (any ByteSink)? = nil
    ) async throws(SluiceError) -> SalesPartial {
        let pass = ReadingPass(rules: rules, latest: latest, threads: threads, name: name, rejects: rejects)
        do throws(SluiceError) {
            return try await pass.read(source, part ?? .whole, isExact: false)
        } catch {
            guard pass.guessedWrong else { throw error }
            return try await pass.read(source, part ?? .whole, isExact: true)
        }
    }
}

/// One input being read; at most twice, when the feed guessed wrong the first time.
final class ReadingPass: @unchecked Sendable {
    // `@unchecked Sendable` because only the worker whose turn it is touches what changes.

    private let rules: SalesRules
    private let latest: Int64?
    private let threads: Int
    private let name: String
    private let rejects: (any ByteSink)?
    private let turns = Turns()
    /// Whether the last reading failed only because the feed had guessed wrong.
    private(set) var guessedWrong = false
    /// How many rejected records were written, by a reading that failed later.
    private var written = 0
    private var input: PartialInput
    private var failure: SluiceError?
    /// Pieces that are done before one that comes earlier.
    private var waiting: [Int: Done] = [:]
    private var handed = 0
    private var taken = 0
    private var seen = 0

    init(rules: SalesRules, latest: Int64?, threads: Int, name: String, rejects: (any ByteSink)?) {
        self.rules = rules
        self.latest = latest
        self.threads = threads
        self.name = name
        self.rejects = rejects
        input = PartialInput(file: name, part: .whole)
    }

    /// What a worker made of a piece.
    private struct Done: Sendable {
        var number: Int
        /// Where in the input the piece begins.
        var offset: Int
        var result: Result<Sorter.Outcome, Failure>
    }

    /// Why a piece could not be read.
    private enum Failure: Error {
        case fault(Sorter.Fault)
        case other(SluiceError)
    }

    /// Where pieces come from: one after the other, or block by block.
    private struct Pieces {
        let feed: Feed
        let blocks: BlockFeed?
        let isExact: Bool
    }

    func read(_ source: any StreamSource, _ part: SalesPart, isExact: Bool) async throws(SluiceError) -> SalesPartial {
        (guessedWrong, failure) = (false, nil)
        (handed, taken, seen) = (0, 0, 0)
        waiting = [:]
        input = PartialInput(file: name, part: part)
        let feed = Feed(source, layout: rules.layout, isExact: isExact)
        if part != .whole { try await feed.confine(to: part) }
        let blocks = part == .whole ? try await feed.blocks() : nil
        let pieces = Pieces(feed: feed, blocks: blocks, isExact: isExact)
        let sorters = (0..<threads).map { _ in Sorter(rules, latest: latest) }
        if sorters.count == 1 {
            await serve(pieces, sorters[0])
        } else {
            await withTaskGroup(of: Void.self) { group in
                for sorter in sorters { group.addTask { await self.serve(pieces, sorter) } }
            }
        }
        if let failure { throw failure }
        input.batch = feed.envelope.batch
        if sorters.count > 1 { await sorters[0].tally.merge(sorters.dropFirst().map(\.tally)) }
        return SalesPartial(rules: rules, tally: sorters[0].tally, inputs: [input])
    }

    /// What a worker does: it reads what it parses, so that the bytes are near.
    private func serve(_ pieces: Pieces, _ sorter: Sorter) async {
        var done: Done?
        var piece = pieces.blocks?.makePiece()
        while true {
            await turns.enter()
            let next = await turn(done, &piece, pieces)
            turns.leave()
            guard let number = next, let piece else { return }
            done = work(number, piece, pieces, sorter)
            // Others need a thread now and then: whoever shows progress, or wants to stop this.
            await Task.yield()
        }
    }

    /// Hands in what is done, and takes the next piece, or the number of one that is still to be read; nil when there is
    /// none.
    private func turn(_ done: Done?, _ piece: inout Piece?, _ pieces: Pieces) async -> Int? {
        do throws(SluiceError) {
            if let done { waiting[done.number] = done }
            if failure != nil { return nil }
            while let next = waiting.removeValue(forKey: taken) {
                try await take(next)
                taken += 1
            }
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: name)) }
            if let blocks = pieces.blocks {
                if handed == blocks.count { return nil }
            } else {
                if let piece { pieces.feed.reuse(piece) }
                piece = try await pieces.feed.next()
                if piece == nil { return nil }
            }
            defer { handed += 1 }
            return handed
        } catch {
            if failure == nil {
                failure = error
                // A feed that goes by guesses can also stumble over what comes of a wrong guess.
                if !pieces.isExact, error.code == .invalidData, handed > 0 { guessedWrong = true }
            }
            return nil
        }
    }

    /// Reads the records of a piece.
    private func work(_ number: Int, _ piece: Piece, _ pieces: Pieces, _ sorter: Sorter) -> Done {
        var done = Done(number: number, offset: piece.offset, result: .success(Sorter.Outcome()))
        do throws(SluiceError) {
            if let blocks = pieces.blocks, try !blocks.read(number, into: piece) { return done }
            done.offset = piece.offset
            done.result = ReadingPass.parse(
                piece, sorter, commas: pieces.feed.hasCommas, pieces.isExact, rejects != nil
            ).mapError { .fault($0) }
        } catch {
            done.result = .failure(.other(error))
        }
        return done
    }

    /// Takes the results of a piece, in the order of the input.
    private func take(_ done: Done) async throws(SluiceError) {
        switch done.result {
        case .failure(.other(let error)): throw error
        case .failure(.fault(let fault)):
            let status = fault.status
            let place = SluiceError.Place(file: name, offset: done.offset + Int(status.offset))
            if status.code == SLUICE_JSON_UTF8 {
                throw SluiceError(
                    .invalidData, "the input is not UTF-8", place: place,
                    hint: "convert it first: iconv -f WINDOWS-1252 -t UTF-8")
            }
            if status.code == SLUICE_JSON_MEMORY {
                throw SluiceError(.inputOutput, "out of memory", place: place, hint: "give it fewer threads")
            }
            // Only a piece that was cut by a guess comes to this, and is read again.
            throw SluiceError(
                .invalidData, "the array of transactions is malformed", place: place, hint: "check the file")
        case .success(let outcome):
            for record in outcome.rejected {
                let index = input.records + record.record
                if input.errors.count < PartialInput.errorsKept(rules) {
                    input.errors.append(
                        SalesReport.Rejection(
                            file: name, index: index, transaction: record.id, reasons: record.reasons))
                }
                if seen >= written, let rejects {
                    try await rejects.write(line(index, record))
                    written += 1
                }
                seen += 1
            }
            input.records += outcome.records
            input.invalid += outcome.rejected.count
        }
    }

    private func line(_ index: Int, _ record: Sorter.Rejected) -> Buffer {
        let isJSON = !record.reasons.contains { $0.hasPrefix("record: is not valid JSON") }
        let line = JSONText.object([
            ("file", .string(name)), ("index", .number(index)),
            ("transaction_id", record.id.map { .string($0) } ?? .null),
            ("errors", .array(record.reasons.map { .string($0) })),
            // On one line; white space outside of strings is all that a line break can be in JSON.
            ("record", isJSON ? .raw(record.text.filter { !$0.isNewline }) : .string(record.text)),
        ])
        return Buffer(Array((line.text() + "\n").utf8))
    }

    // MARK: A piece

    private static func parse(
        _ piece: Piece, _ sorter: Sorter, commas: Bool, _ isExact: Bool, _ keepsText: Bool
    ) -> Result<Sorter.Outcome, Sorter.Fault> {
        let text = piece.text
        let bytes = UnsafeRawBufferPointer(start: text.start, count: text.count)
        let isNothing = piece.hasComma && bytes.allSatisfy { $0 <= 0x20 }
        let result = sorter.read(text, commas: commas, keepsText: keepsText, isOne: isNothing)
        guard case .failure(let fault) = result, isExact || !commas, fault.status.code != SLUICE_JSON_UTF8,
            fault.status.code != SLUICE_JSON_MEMORY
        else { return result }
        if String(validating: bytes, as: UTF8.self) == nil {
            let status = sluice_json_status(code: Int32(SLUICE_JSON_UTF8), node: -1, record: 0, offset: 0)
            return .failure(Sorter.Fault(status: status))
        }
        return .success(oneByOne(text, sorter, commas: commas, keepsText))
    }

    /// Reads a piece record by record, when something in it keeps the parser from reading them together.
    private static func oneByOne(
        _ text: Bytes, _ sorter: Sorter, commas: Bool, _ keepsText: Bool
    ) -> Sorter.Outcome {
        let bytes = UnsafeRawBufferPointer(start: text.start, count: text.count)
        var outcome = Sorter.Outcome()
        let copy = MutableBuffer(capacity: 4096)
        var start = 0
        while start <= text.count {
            let end = commas ? elementEnd(bytes, start) : bytes[start...].firstIndex(of: 0x0a) ?? text.count
            let own = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            start = end + 1
            if !commas, own.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { continue }
            copy.removeAll()
            copy.append(own)
            copy.append(repeating: 0, count: SalesPlan.padding)
            let record = Bytes(UnsafePointer(copy.base.assumingMemoryBound(to: UInt8.self)), own.count)
            switch sorter.read(record, commas: true, keepsText: keepsText, isOne: true) {
            case .success(let one):
                outcome.rejected += one.rejected.map {
                    var record = $0
                    record.record += outcome.records
                    return record
                }
            case .failure(let fault):
                outcome.rejected.append(
                    Sorter.Rejected(
                        record: outcome.records, id: nil, reasons: [sorter.malformed(fault.status)],
                        text: keepsText ? record.text : ""))
            }
            outcome.records += 1
        }
        return outcome
    }

    /// Where the element that begins at `start` ends, going by quotes and brackets alone.
    private static func elementEnd(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var depth = 0
        var at = start
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                at += 1
                while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
                    at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ","): if depth == 0 { return at }
            default: break
            }
            at += 1
        }
        return bytes.count
    }
}
