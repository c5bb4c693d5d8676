import Columns
import Support
import TestData
import Testing

@Suite struct BitmapTests {
    /// What the builder should hold, kept in the simplest way.
    private func bits(of buffer: Buffer, count: Int) -> [Bool] { (0..<count).map { Bitmap.isSet(buffer, at: $0) } }

    @Test(arguments: 0..<60) func anyMixOfAppendsHoldsWhatAListOfBoolsHolds(seed: Int) {
        var random = Randomness(UInt64(seed))
        let source = Buffer((0..<64).map { _ in random.integer(UInt8.self) })
        let builder = BitmapBuilder()
        var model: [Bool] = []
        for _ in 0..<40 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let bit = random.chance(0.5)
                builder.append(bit)
                model.append(bit)
            case 1:
                let bit = random.chance(0.5)
                let count = Int.random(in: 0...100, using: &random)
                builder.append(repeating: bit, count: count)
                model += [Bool](repeating: bit, count: count)
            default:
                let start = Int.random(in: 0..<512, using: &random)
                let count = Int.random(in: 0...(512 - start), using: &random)
                builder.append(source, from: start, count: count)
                model += (start..<start + count).map { Bitmap.isSet(source, at: $0) }
            }
        }
        #expect(builder.count == model.count)
        #expect(builder.zeroCount == model.count { !$0 })
        let frozen = builder.freeze()
        #expect(bits(of: frozen, count: model.count) == model)
        #expect(frozen.count == (model.count + 7) / 8)
        for _ in 0..<20 {
            let start = Int.random(in: 0...model.count, using: &random)
            let count = Int.random(in: 0...(model.count - start), using: &random)
            #expect(Bitmap.countSet(frozen, from: start, count: count) == model[start..<start + count].count { $0 })
            #expect(
                bits(of: Bitmap.copy(frozen, from: start, count: count), count: count)
                    == Array(model[start...].prefix(count)))
        }
        #expect(builder.count == 0)
    }
}
