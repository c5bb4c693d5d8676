/// Reads `.env`: `NAME=value` lines, as shells and the neighbouring tools write them.
///
/// `export` before a name is allowed; `#` begins a comment; double quotes keep `\n`, `\t`, `\"` and `\\`; single quotes
/// keep everything as it is; an unquoted value ends at ` #` and is trimmed. Lines that are none of these are reported.
///
/// - returns: The variables, and the numbers of the lines that could not be read.
public func parseDotEnv(_ text: String) -> (variables: [String: String], badLines: [Int]) {
    var variables: [String: String] = [:]
    var badLines: [Int] = []
    for (number, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        var line = raw.trimmed
        if line.isEmpty || line.hasPrefix("#") { continue }
        if line.hasPrefix("export ") { line = line.dropFirst(7).trimmed }
        guard let equals = line.firstIndex(of: "=") else {
            badLines.append(number + 1)
            continue
        }
        let name = line[..<equals].trimmed
        let isName = !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        guard isName, let value = dotEnvValue(line[line.index(after: equals)...].trimmed) else {
            badLines.append(number + 1)
            continue
        }
        variables[String(name)] = value
    }
    return (variables, badLines)
}

private func dotEnvValue(_ text: Substring) -> String? {
    guard let quote = text.first, quote == "\"" || quote == "'" else {
        return String((text.firstRange(of: " #").map { text[..<$0.lowerBound] } ?? text).trimmed)
    }
    var value = ""
    var rest = text.dropFirst()
    while let character = rest.popFirst() {
        if character == quote {
            let trailing = rest.trimmed
            return trailing.isEmpty || trailing.hasPrefix("#") ? value : nil
        }
        guard quote == "\"", character == "\\" else {
            value.append(character)
            continue
        }
        switch rest.popFirst() {
        case "n": value.append("\n")
        case "t": value.append("\t")
        case "r": value.append("\r")
        case let other?: value.append(other)
        case nil: return nil
        }
    }
    return nil
}

extension Substring {
    /// Without white space at either end.
    fileprivate var trimmed: Substring {
        var text = self
        while text.first?.isWhitespace ?? false { text.removeFirst() }
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return text
    }
}
