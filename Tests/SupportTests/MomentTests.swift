import Support
import Testing

@Suite struct MomentTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z", "19700101T000000000000Z"),
            (1_795_239_176_123_456, "2026-11-21T05:32:56.123456Z", "20261121T053256123456Z"),
            (-1, "1969-12-31T23:59:59.999999Z", "19691231T235959999999Z"),
            (951_782_400_000_007, "2000-02-29T00:00:00.000007Z", "20000229T000000000007Z"),
        ] as [(Int64, String, String)])
    func isWrittenInUTC(_ microseconds: Int64, _ iso: String, _ compact: String) {
        let moment = Moment(microseconds: microseconds)
        #expect(moment.iso == iso)
        #expect(moment.compact == compact)
        #expect(moment.day == String(iso.prefix(10)))
    }
}
