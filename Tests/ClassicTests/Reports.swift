import Support

@testable import Classic

/// A time of day that is the same every time.
let noon = LocalTime(microseconds: 1_737_115_200_000_000)

/// A document that arrives in pieces of some size.
struct Pieces: StreamSource {
    let bytes: [UInt8]
    var size = 1 << 20

    var name: String { "pieces" }
    var streamSize: Int? { bytes.count }

    func stream() async throws(SluiceError) -> any ByteStream { MemoryStream(Buffer(bytes), chunkSize: size) }
}

/// The outcome for a document, at noon.
func outcome(_ text: String, task: ClassicTask? = nil) async throws -> ClassicOutcome {
    try await outcome(Pieces(bytes: Array(text.utf8)), task: task)
}

func outcome(_ source: Pieces, task: ClassicTask? = nil) async throws -> ClassicOutcome {
    try await ClassicBatch.report(on: source, task: task) { noon }
}

/// The report on a document, as text.
func report(_ text: String, task: ClassicTask? = nil) async throws -> String {
    try await outcome(text, task: task).text
}

/// What a document's failure says.
func failure(_ text: String) async throws -> String { try await outcome(text).failure?.text ?? "none" }

extension ClassicOutcome {
    /// The report as text.
    var text: String { report.map { String(decoding: $0.bytes, as: UTF8.self) } ?? "" }
}

/// A batch of one transaction, which is valid unless a change makes it something else.
func batch(_ changes: KeyValuePairs<String, String> = [:]) -> String { "{\"transactions\": [\(sale(changes))]}" }

func sale(_ changes: KeyValuePairs<String, String> = [:]) -> String {
    var members = [
        "transaction_id": "\"t\"", "timestamp": "\"2025-01-15T14:23:45Z\"",
        "customer": "{\"customer_id\": \"c\", \"email\": \"e\"}",
        "line_items": "[{\"quantity\": 1, \"subtotal\": 2.5}]", "subtotal": "2.5", "tax": "0.5", "total": "3",
        "payment_method": "\"Card\"", "status": "\"completed\"",
    ]
    for (name, value) in changes { members[name] = value }
    return "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
}
