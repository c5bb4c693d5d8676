import Support
import Testing

@testable import Platforms

@Suite struct LogTranscriptTests {
    private func lines(_ range: Range<Int>, timed: Bool = true) -> [LogTranscript.Line] {
        range.map { .init(text: "line \($0)", time: timed ? "t\($0)" : nil) }
    }

    private func text(_ range: Range<Int>) -> [UInt8] {
        Array(range.map { "line \($0)\n" }.joined().utf8)
    }

    @Test func aShortLogGrowsAtItsEnd() throws {
        var log = LogTranscript()
        for count in [0, 3, 3, 10, 299] {
            #expect(try log.take(tail: lines(0..<count), of: "r"))
            #expect(log.bytes == text(0..<count))
        }
        // What is shown later and is less does not take anything back.
        #expect(try log.take(tail: lines(0..<5), of: "r"))
        #expect(log.bytes == text(0..<299))
    }

    @Test func aWindowThatMovesIsPutTogether() throws {
        var log = LogTranscript()
        _ = try log.take(tail: lines(0..<200), of: "r")
        #expect(try log.take(tail: lines(50..<350), of: "r"))
        #expect(try log.take(tail: lines(349..<649), of: "r"))
        #expect(try log.take(tail: lines(349..<649), of: "r"))
        #expect(log.bytes == text(0..<649))
    }

    @Test func aGapIsToldAndFilledFromWhatIsKept() throws {
        var log = LogTranscript()
        _ = try log.take(tail: lines(0..<100), of: "r")
        #expect(try !log.take(tail: lines(500..<800), of: "r"))
        #expect(log.bytes == text(0..<100))
        // What is kept has no times of the same kind.
        try log.take(all: lines(0..<600, timed: false), of: "r")
        #expect(try log.take(tail: lines(500..<800), of: "r"))
        #expect(log.bytes == text(0..<800))
    }

    @Test func aBeginningThatIsUnknownIsAGap() throws {
        var log = LogTranscript()
        #expect(try !log.take(tail: lines(10..<310), of: "r"))
        #expect(log.bytes.isEmpty)
    }

    @Test func linesThatAreAlikeAreToldApartByTheirTimes() throws {
        var log = LogTranscript()
        func same(_ range: Range<Int>) -> [LogTranscript.Line] { range.map { .init(text: "working", time: "t\($0)") } }
        _ = try log.take(tail: same(0..<299), of: "r")
        #expect(try log.take(tail: same(100..<400), of: "r"))
        #expect(log.bytes.count == 400 * 8)
    }

    @Test func replicasDoNotMix() throws {
        var log = LogTranscript()
        _ = try log.take(tail: lines(0..<2), of: "a")
        _ = try log.take(tail: lines(0..<1), of: "b")
        _ = try log.take(tail: lines(0..<3), of: "a")
        #expect(String(decoding: log.bytes, as: UTF8.self) == "line 0\nline 1\nline 0\nline 2\n")
        #expect(log.count(of: "a") == 3)
        #expect(log.count(of: "b") == 1)
    }
}
