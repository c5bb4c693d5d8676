import Support

/// How an error is shown: lines for people on standard error, and with `--json` a document for machines as the answer.
///
///     error: orders.csv: column "price", line 12: "12,5" is not a number
///     hint: Name the decimal mark with --decimal-mark.
struct ErrorReport {
    private let error: SluiceError
    private let command: [String]

    /// A report of `error`, which the command that `command` calls ended with.
    init(_ error: SluiceError, command: [String]) {
        // Whoever made the error may not have known that something in it is a secret.
        self.error = error.redacted
        self.command = command
    }

    /// Tells people and, with `--json`, machines.
    func write(to context: Context) {
        tell(context)
        if context.options.isJSON { context.answer(["error": json]) }
    }

    /// Tells people.
    func tell(_ context: Context) {
        let red = context.terminal.colorsMessages
        context.messages.print((red ? "\u{1b}[1;31merror:\u{1b}[0m " : "error: ") + Display.safe(error.headline))
        for detail in error.details { context.messages.print("  " + Display.safe(detail)) }
        if let hint = error.hint { context.messages.print("hint: " + Display.safe(hint)) }
        if error.code == .usage {
            let words = ["sluice"] + command + ["--help"]
            context.messages.print("Run '\(words.joined(separator: " "))' for how it is used.")
        }
    }

    /// The error for machines; what is not known is null, so that every error has the same keys.
    var json: JSONText {
        [
            "code": .string(error.code.description),
            "message": .string(error.message),
            "details": .array(error.details.map { .string($0) }),
            "file": error.place.file.map { .string($0) } ?? nil,
            "column": error.place.column.map { .string($0) } ?? nil,
            "line": error.place.line.map { .number($0) } ?? nil,
            "row": error.place.row.map { .number($0) } ?? nil,
            "offset": error.place.offset.map { .number($0) } ?? nil,
            "hint": error.hint.map { .string($0) } ?? nil,
            "transient": .bool(error.isTransient),
            "exitCode": .number(Int(ExitCode(error).number)),
        ]
    }
}
