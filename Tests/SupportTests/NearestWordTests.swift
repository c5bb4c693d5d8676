import Support
import Testing

@Suite struct NearestWordTests {
    @Test(arguments: [
        ("itn64", "int64"), ("int46", "int64"), ("INT64", "int64"), ("strig", "string"), ("boolean", nil), ("xyz", nil),
        ("", nil),
    ])
    func aSlipIsRecognisedAndAnotherWordIsNot(word: String, expected: String?) {
        #expect(nearestWord(to: word, among: ["int64", "int32", "string", "bool"]) == expected)
    }

    @Test func theNearestOfSeveralWins() {
        #expect(nearestWord(to: "colunms", among: ["column", "columns", "volumes"]) == "columns")
    }
}
