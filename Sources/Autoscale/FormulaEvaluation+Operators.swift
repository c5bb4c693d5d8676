import Support

extension FormulaEvaluation {
    /// A sign before a value.
    mutating func apply(_ sign: String, _ value: FormulaValue, _ place: FormulaPlace) throws(SluiceError)
        -> FormulaValue
    {
        switch (sign, try plain(value, place)) {
        case ("-", .number(let value)): return .number(-value)
        case ("-", .interval(let value)): return .interval(-value)
        case ("-", .vector(let values)):
            try spend(values.count, place)
            return .vector(values.map { -$0 })
        case ("!", .number(let value)): return .number(value == 0 ? 1 : 0)
        default: throw place.failure("'\(sign)' cannot stand before \(value.kind)")
        }
    }

    /// An operator between two values.
    mutating func apply(
        _ sign: String, _ left: FormulaValue, _ right: FormulaValue, _ place: FormulaPlace
    ) throws(SluiceError) -> FormulaValue {
        if ["<", "<=", "==", ">=", ">", "!="].contains(sign) {
            return .number(try compare(sign, left, right, place) ? 1 : 0)
        }
        switch (left, right) {
        case (.number(let a), .number(let b)): return .number(Self.compute(sign, a, b))
        case (.vector(let a), .number(let b)):
            try spend(a.count, place)
            return .vector(a.map { Self.compute(sign, $0, b) })
        case (.number(let a), .vector(let b)):
            try spend(b.count, place)
            return .vector(b.map { Self.compute(sign, a, $0) })
        case (.vector(let a), .vector(let b)):
            guard a.count == b.count else {
                throw place.failure(
                    "'\(sign)' stands between vectors of \(a.count) and \(b.count) values; as many were expected")
            }
            try spend(a.count, place)
            return .vector(zip(a, b).map { Self.compute(sign, $0, $1) })
        default: return try ofTime(sign, left, right, place)
        }
    }

    private func ofTime(
        _ sign: String, _ left: FormulaValue, _ right: FormulaValue, _ place: FormulaPlace
    ) throws(SluiceError) -> FormulaValue {
        switch (left, sign, right) {
        case (.number(let a), "*", .interval(let b)): return .interval(a * b)
        case (.interval(let a), "*", .number(let b)): return .interval(a * b)
        case (.interval(let a), "/", .number(let b)): return .interval(a / b)
        case (.interval(let a), "+", .interval(let b)): return .interval(a + b)
        case (.interval(let a), "-", .interval(let b)): return .interval(a - b)
        case (.interval(let a), "+", .time(let b)): return .time(a + b)
        case (.time(let a), "+", .interval(let b)): return .time(a + b)
        case (.time(let a), "-", .interval(let b)): return .time(a - b)
        case (.time(let a), "-", .time(let b)): return .interval(a - b)
        default: throw place.failure("'\(sign)' cannot stand between \(left.kind) and \(right.kind)")
        }
    }

    private static func compute(_ sign: String, _ a: Double, _ b: Double) -> Double {
        switch sign {
        case "+": a + b
        case "-": a - b
        case "*": a * b
        default: a / b
        }
    }

    private func compare(
        _ sign: String, _ left: FormulaValue, _ right: FormulaValue, _ place: FormulaPlace
    ) throws(SluiceError) -> Bool {
        func holds<T: Comparable>(_ a: T, _ b: T) -> Bool {
            switch sign {
            case "<": a < b
            case "<=": a <= b
            case ">=": a >= b
            case ">": a > b
            case "==": a == b
            default: a != b
            }
        }
        switch (left, right) {
        case (.text(let a), .text(let b)): return holds(a, b)
        case (.time(let a), .time(let b)), (.interval(let a), .interval(let b)): return holds(a, b)
        case (.number, .number), (.vector, .number), (.number, .vector):
            let what = "what is compared by '\(sign)'"
            return holds(try number(left, place, what), try number(right, place, what))
        default: throw place.failure("'\(sign)' cannot compare \(left.kind) with \(right.kind)")
        }
    }
}
