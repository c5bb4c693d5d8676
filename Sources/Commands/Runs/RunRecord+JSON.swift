import Runs
import Support

extension RunRecord {
    /// The run for machines; what is not known is null, so that every run has the same keys.
    var json: JSONText {
        .object(
            [
                ("id", .string(id)), ("project", .string(project)), ("job", .string(job)), ("kind", .string(kind)),
                ("environment", .text(environment)), ("platform", .string(platform)),
                ("reference", .text(reference)),
                ("parameters", parametersJSON), ("package", .string(package)), ("who", .string(who)),
                ("process", process.map { .number(Int($0.id)) } ?? .null), ("state", .string(state.rawValue)),
                ("startedAt", .moment(startedAt)), ("finishedAt", .moment(finishedAt)),
                ("seconds", .real(duration().seconds)),
            ] + counts.json + [
                ("error", .text(error)), ("exitCode", exitCode.map { .number($0) } ?? .null), ("log", .text(log)),
                ("cursorFrom", .text(cursorFrom)), ("cursorTo", .text(cursorTo)),
                ("attempts", .array(attempts.map(\.json))), ("steps", .array(steps.map(\.json))),
            ])
    }

    /// Written by this program as JSON; anything else is shown as the text that it is.
    private var parametersJSON: JSONText {
        parameters.hasPrefix("{") && parameters.hasSuffix("}") ? .raw(parameters) : .string(parameters)
    }
}

extension StepRecord {
    /// The step for machines.
    var json: JSONText {
        [
            "number": .number(number), "name": .string(name), "kind": .string(kind), "region": .text(region),
            "state": .string(state.rawValue), "startedAt": .moment(startedAt), "finishedAt": .moment(finishedAt),
            "message": .string(message),
        ]
    }
}

extension AttemptRecord {
    /// The attempt for machines.
    var json: JSONText {
        .object(
            [
                ("number", .number(number)), ("state", .string(state.rawValue)), ("startedAt", .moment(startedAt)),
                ("finishedAt", .moment(finishedAt)),
            ] + counts.json + [("error", .text(error))])
    }
}

extension RunCounts {
    /// The numbers for machines.
    fileprivate var json: [(key: String, value: JSONText)] {
        [
            ("rowsRead", .number(rowsRead)), ("rowsStaged", .number(rowsStaged)), ("rowsLoaded", .number(rowsLoaded)),
            ("rowsRejected", .number(rowsRejected)), ("bytesRead", .number(bytesRead)),
            ("bytesStaged", .number(bytesStaged)), ("files", .number(files)),
        ]
    }
}

extension JSONText {
    /// Text, or null.
    fileprivate static func text(_ text: String?) -> JSONText { text.map { .string($0) } ?? .null }

    /// A moment as text, or null.
    fileprivate static func moment(_ microseconds: Int64?) -> JSONText {
        microseconds.map { .string(Moment(microseconds: $0).iso) } ?? .null
    }
}
