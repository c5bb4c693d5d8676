import Glibc
import Support

extension FormulaEvaluation {
    /// The functions, with how they are called.
    static let functions: [String: String] = [
        "avg": "avg(doubleVecList)", "ceil": "ceil(double or doubleVec)", "floor": "floor(double or doubleVec)",
        "len": "len(doubleVecList)", "lg": "lg(double or doubleVec)", "ln": "ln(double or doubleVec)",
        "log": "log(double or doubleVec)", "max": "max(doubleVecList)", "min": "min(doubleVecList)",
        "norm": "norm(doubleVecList)", "percentile": "percentile(doubleVec, double)", "rand": "rand()",
        "range": "range(doubleVecList)", "round": "round(double or doubleVec)", "std": "std(doubleVecList)",
        "stop": "stop()", "sum": "sum(doubleVecList)", "time": "time() or time(string)",
        "val": "val(doubleVec, double)", "vec": "vec(doubleVecList)",
    ]

    mutating func function(
        _ name: String, _ arguments: [FormulaValue], _ place: FormulaPlace
    ) throws(SluiceError) -> FormulaValue {
        guard let form = Self.functions[name] else {
            throw place.failure(
                "there is no function \(name)",
                hint: nearestWord(to: name, among: Self.functions.keys).map { "Did you mean \($0)?" })
        }
        switch name {
        case "rand":
            guard arguments.isEmpty else { throw wrong(form, place) }
            return .number(nextRandom())
        case "time": return try time(arguments, form, place)
        case "val", "percentile":
            guard arguments.count == 2 else { throw wrong(form, place) }
            let values = try list([arguments[0]], form, place)
            let which = try number(arguments[1], place, "the second argument of \(name)")
            return .number(name == "val" ? try element(values, which, place) : try share(values, which, place))
        case "ceil", "floor", "lg", "ln", "log", "round":
            if arguments.count == 1, case .number(let value) = arguments[0] { return .number(Self.mapped(name, value)) }
            let values = try list(arguments, form, place)
            return .vector(values.map { Self.mapped(name, $0) })
        case "vec": return .vector(try list(arguments, form, place))
        case "stop": throw wrong(form, place)
        default: return .number(try folded(name, try list(arguments, form, place), place))
        }
    }

    private func wrong(_ form: String, _ place: FormulaPlace) -> SluiceError {
        place.failure("the function is called \(form)")
    }

    /// Doubles and vectors as one vector.
    private mutating func list(
        _ arguments: [FormulaValue], _ form: String, _ place: FormulaPlace
    ) throws(SluiceError) -> [Double] {
        var all: [Double] = []
        for argument in arguments {
            switch argument {
            case .number(let value): all.append(value)
            case .vector(let values): all += values
            default: throw place.failure("\(argument.kind) is given where the function is called \(form)")
            }
            if all.count > Self.longestVector {
                throw place.failure("a vector would have more than \(Self.longestVector) values")
            }
        }
        try spend(all.count, place)
        return all
    }

    private static func mapped(_ name: String, _ value: Double) -> Double {
        switch name {
        case "ceil": value.rounded(.up)
        case "floor": value.rounded(.down)
        case "lg": log2(value)
        case "ln": Glibc.log(value)
        case "log": log10(value)
        default: value.rounded()
        }
    }

    private func folded(_ name: String, _ values: [Double], _ place: FormulaPlace) throws(SluiceError) -> Double {
        let sum = values.reduce(0, +)
        switch name {
        case "len": return Double(values.count)
        case "sum": return sum
        case "norm": return values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        default: break
        }
        guard let least = values.min(), let most = values.max() else {
            throw place.failure(
                "\(name) is asked of no values",
                hint: "There are no samples yet; ask GetSamplePercent first, or give another value: max(0, …)")
        }
        switch name {
        case "avg": return sum / Double(values.count)
        case "min": return least
        case "max": return most
        case "range": return most - least
        default:
            if values.count == 1 { return 0 }
            let average = sum / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - average) * ($1 - average) }
            return (squares / Double(values.count - 1)).squareRoot()
        }
    }

    private func element(_ values: [Double], _ which: Double, _ place: FormulaPlace) throws(SluiceError) -> Double {
        guard let index = Int(exactly: which.rounded(.towardZero)), values.indices.contains(index) else {
            throw place.failure(
                "val asks for element \(FormulaValue.describe(which)) of \(values.count), which are counted from 0")
        }
        return values[index]
    }

    private func share(_ values: [Double], _ percent: Double, _ place: FormulaPlace) throws(SluiceError) -> Double {
        guard (0...100).contains(percent) else {
            throw place.failure("percentile asks for \(FormulaValue.describe(percent)); 0 to 100 was expected")
        }
        // Comparing numbers that are none would put them anywhere.
        let sorted = values.filter { !$0.isNaN }.sorted()
        guard let last = sorted.last else { throw place.failure("percentile is asked of no values") }
        let position = percent / 100 * Double(sorted.count - 1)
        let below = Int(position)
        guard below + 1 < sorted.count else { return last }
        return sorted[below] + (sorted[below + 1] - sorted[below]) * (position - Double(below))
    }

    // MARK: Time

    private func time(
        _ arguments: [FormulaValue], _ form: String, _ place: FormulaPlace
    ) throws(SluiceError) -> FormulaValue {
        if arguments.isEmpty { return .time(Double(conditions.now.microseconds) / 1_000_000) }
        guard arguments.count == 1, case .text(let text) = arguments[0] else { throw wrong(form, place) }
        if text.isEmpty { return .time(Double(conditions.now.microseconds) / 1_000_000) }
        guard let moment = Moment(iso: text) ?? Moment(httpDate: text) else {
            throw place.failure(
                "\"\(text)\" is no date and time",
                hint: "Write it as 2026-11-21T05:32:56Z, or as Sat, 21 Nov 2026 05:32:56 GMT.")
        }
        return .time(Double(moment.microseconds) / 1_000_000)
    }

    func member(_ value: FormulaValue, _ name: String, _ place: FormulaPlace) throws(SluiceError) -> FormulaValue {
        guard case .time(let seconds) = value else {
            throw place.failure("\(value.kind) has no member \(name)", hint: "Only timestamps have: time().weekday")
        }
        guard let moment = FormulaValue.moment(seconds) else { throw place.failure("the timestamp is in no calendar") }
        let date = moment.day.split(separator: "-").compactMap { Int($0) }
        let day = Int((Double(moment.seconds) / 86_400).rounded(.down))
        let second = moment.seconds - day * 86_400
        guard date.count == 3 else { throw place.failure("the timestamp is in no calendar") }
        switch name {
        case "year": return .number(Double(date[0]))
        case "month": return .number(Double(date[1]))
        case "day": return .number(Double(date[2]))
        // 1970 began on a Thursday; Sunday is 0.
        case "weekday": return .number(Double(((day + 4) % 7 + 7) % 7))
        case "hour": return .number(Double(second / 3600))
        case "minute": return .number(Double(second / 60 % 60))
        case "second": return .number(Double(second % 60))
        default:
            throw place.failure(
                "a timestamp has no member \(name)", hint: "It has year, month, day, weekday, hour, minute and second.")
        }
    }
}
