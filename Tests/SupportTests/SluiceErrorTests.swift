import Support
import Testing

@Suite struct SluiceErrorTests {
    @Test func aDescriptionNamesEveryKnownPlaceFirst() {
        let error = SluiceError(
            .invalidData, "no such page", place: .init(file: "a.parquet", column: "x.y", offset: 12))
        #expect(error.description == "a.parquet: column \"x.y\", byte 12: no such page")
        #expect(SluiceError(.usage, "what").description == "what")
    }

    @Test func aFloorAboveAddsWhatIsMissingAndKeepsWhatIsThere() {
        let error = SluiceError(.conversion, "too big", place: .init(row: 3)).at(.init(file: "b.csv", row: 9))
        #expect(error.description == "b.csv: row 3: too big")
    }
}
