import Support

@testable import Classic

/// A time of day that is the same every time.
let noon = LocalTime(microseconds: 1_737_115_200_000_000)

/// The outcome for a document, at noon.
func outcome(_ text: String, task: ClassicTask? = nil) -> ClassicOutcome {
    outcome(Array(text.utf8), task: task)
}

func outcome(_ bytes: [UInt8], task: ClassicTask? = nil) -> ClassicOutcome {
    bytes.withUnsafeBytes { ClassicBatch.report(on: $0, task: task) { noon } }
}

/// The report on a document, as text.
func report(_ text: String, task: ClassicTask? = nil) -> String {
    outcome(text, task: task).report.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
}

/// What a document's failure says.
func failure(_ text: String) -> String { outcome(text).failure?.text ?? "none" }

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
