import Glibc
import Support

/// A value that a further check looks at.
struct CheckValue {
    let cell: Cell
    /// The value as it is written, without the quotes of a string.
    let literal: Bytes
    /// A string's text.
    let text: Bytes?
    /// A number; nil also when it is too large.
    let number: Int128?
}

/// Makes a further check of many values.
final class CheckRunner {
    let check: SalesCheck
    private var expression = regex_t()
    private let hasExpression: Bool

    init(_ check: SalesCheck) {
        self.check = check
        if case .pattern(let pattern) = check.kind {
            hasExpression = regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB) == 0
        } else {
            hasExpression = false
        }
    }

    deinit { if hasExpression { regfree(&expression) } }

    /// Why a pattern is none; nil when it is one.
    static func fault(_ pattern: String) -> String? {
        var expression = regex_t()
        let code = regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB)
        if code == 0 {
            regfree(&expression)
            return nil
        }
        var message = [CChar](repeating: 0, count: 200)
        regerror(code, &expression, &message, message.count)
        return message.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    }

    /// What is wrong, when something is. An absent value passes all checks but `required`.
    func problem(_ values: [CheckValue], names: [String]) -> String? {
        guard let value = values.first else { return nil }
        if case .required = check.kind {
            return value.cell.isMissing ? "is missing" : value.cell.tag == Tag.null ? "is null" : nil
        }
        if value.cell.isAbsent { return nil }
        switch check.kind {
        case .required: return nil
        case .range(let least, let most):
            guard value.cell.isNumber else { return "is \(Judge.word(value.cell.tag)), not a number" }
            let text = Judge.quoted(number: value.literal)
            guard let number = value.number else { return "\(text) is too large" }
            if let least, number < least.raw { return "\(text) is below \(least.plain)" }
            if let most, number > most.raw { return "\(text) is above \(most.plain)" }
            return nil
        case .oneOf(let allowed):
            let written = value.cell.isString ? value.text?.text : value.literal.text
            let isValue = value.cell.isString || value.cell.isNumber || value.cell.tag == Tag.bool
            if isValue, let written, allowed.contains(written) { return nil }
            return "\(shown(value)) is not one of \(allowed.joined(separator: ", "))"
        case .pattern(let pattern):
            guard value.cell.isString, let text = value.text else {
                return "is \(Judge.word(value.cell.tag)), not a string"
            }
            return matches(text) ? nil : "\(Judge.quoted(text)) does not match \(pattern)"
        case .equals(_, let tolerance):
            guard value.cell.isNumber else { return "is \(Judge.word(value.cell.tag)), not a number" }
            guard let number = value.number else { return "\(Judge.quoted(number: value.literal)) is too large" }
            var sum: Int128 = 0
            for (index, other) in values.enumerated().dropFirst() where !other.cell.isAbsent {
                guard let term = other.number else { return "\(names[index]) is not a number" }
                sum &+= term
            }
            let difference = number &- sum
            if difference <= tolerance.raw, difference >= 0 &- tolerance.raw { return nil }
            return "\(Judge.quoted(number: value.literal)) is not \(Amount(raw: sum).plain), the sum of "
                + names.dropFirst().joined(separator: " and ")
        }
    }

    private func shown(_ value: CheckValue) -> String {
        if let text = value.text { return Judge.quoted(text) }
        return value.cell.isNumber || value.cell.tag == Tag.bool
            ? Judge.quoted(number: value.literal) : Judge.word(value.cell.tag)
    }

    private func matches(_ text: Bytes) -> Bool {
        guard hasExpression else { return false }
        return text.text.withCString { regexec(&expression, $0, 0, nil, 0) == 0 }
    }
}
