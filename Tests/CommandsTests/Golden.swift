import Glibc
import Testing

/// Texts that users see, kept as files beside the tests: `SLUICE_RECORD=1 swift test` writes them anew.
enum Golden {
    private static func path(_ name: String, _ testFile: String) -> String {
        testFile.prefix(upTo: testFile.lastIndex(of: "/") ?? testFile.startIndex) + "/Golden/" + name
    }

    /// Holds `text` against the file `name`; a difference is shown line by line.
    static func check(
        _ text: String, _ name: String, file: String = #filePath, location: SourceLocation = #_sourceLocation
    ) {
        let path = path(name, file)
        if getenv("SLUICE_RECORD") != nil {
            guard let handle = fopen(path, "w") else {
                Issue.record("\(path) cannot be written", sourceLocation: location)
                return
            }
            fputs(text, handle)
            fclose(handle)
            return
        }
        guard let expected = contents(of: path) else {
            Issue.record("\(path) is missing; record it with SLUICE_RECORD=1", sourceLocation: location)
            return
        }
        if text != expected {
            Issue.record(
                "\(name) differs (- recorded, + now); record it anew with SLUICE_RECORD=1\n\(difference(expected, text))",
                sourceLocation: location)
        }
    }

    static func contents(of path: String) -> String? {
        guard let handle = fopen(path, "r") else { return nil }
        defer { fclose(handle) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&buffer, 1, buffer.count, handle), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func difference(_ old: String, _ new: String) -> String {
        let before = old.split(separator: "\n", omittingEmptySubsequences: false)
        let after = new.split(separator: "\n", omittingEmptySubsequences: false)
        return after.difference(from: before).map { change in
            switch change {
            case .remove(let line, let text, _): "-\(line + 1): \(text)"
            case .insert(let line, let text, _): "+\(line + 1): \(text)"
            }
        }.joined(separator: "\n")
    }
}
