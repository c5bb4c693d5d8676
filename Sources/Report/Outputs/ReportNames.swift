import Storage
import Support

/// The names of what is written for an input. They follow from what is in it, so that the same work done twice ends in
/// the same files, and different work never does.
struct ReportNames: Sendable, Hashable {
    /// All of them begin so: `processed_sales_0a1b2c3d4e5f`.
    let stem: String

    var report: String { stem + ".json" }
    var page: String { stem + ".html" }
    var rejects: String { stem + ".rejects.ndjson" }
    /// The folder of tables.
    var tables: String { stem + ".tables" }

    init(stem: String) { self.stem = stem }

    /// The names for the input called `name` with this content, by these rules.
    init(of name: String, content: String, rules: String, format: ReportFormat) throws(SluiceError) {
        let key = try ReportNames.digest([name, content, rules, format.rawValue])
        stem = "processed_\(ReportNames.stem(of: name))_\(key.prefix(12))"
    }

    /// The names for a report over several inputs.
    init(combining inputs: [(name: String, content: String)], rules: String) throws(SluiceError) {
        stem = "combined_\(try ReportNames.contents(of: inputs, rules: rules).prefix(12))"
    }

    /// What tells several inputs from others, whatever their order.
    static func contents(of inputs: [(name: String, content: String)], rules: String) throws(SluiceError) -> String {
        let sorted = inputs.sorted { ($0.name, $0.content) < ($1.name, $1.content) }
        return try digest([rules] + sorted.flatMap { [$0.name, $0.content] })
    }

    /// The SHA-256 of texts, none of which can run over into another.
    static func digest(_ texts: [String]) throws(SluiceError) -> String {
        let hash = try SHA256()
        for text in texts { hash.update(Buffer(Array("\(text.utf8.count):\(text)".utf8))) }
        return hash.finish()
    }

    /// The last part of a name without the endings of packing and format, as far as it is good for a file's name:
    /// `a/b.c.json.gz` has the stem `b.c`.
    static func stem(of name: String) -> String {
        let last = name.split(separator: "/").last.map(String.init) ?? name
        let bare = FileCompression.split(last).name
        var stem = bare[...]
        if let point = bare.lastIndex(of: "."), point != bare.startIndex { stem = bare[..<point] }
        return safe(String(stem))
    }

    /// `name` as far as it is good for a part of a file's name.
    static func safe(_ name: String) -> String {
        var safe = ""
        for scalar in name.unicodeScalars {
            // 96 bytes leave room for what is put around it in a name of 255.
            let isBad = scalar.value < 0x20 || scalar.value == 0x7f || scalar == "\\" || scalar == "/"
            let next: Unicode.Scalar = isBad ? "_" : scalar
            if safe.utf8.count + UTF8.width(next) > 96 { break }
            safe.unicodeScalars.append(next)
        }
        return safe.isEmpty || safe == "." || safe == ".." ? "input" : safe
    }
}
