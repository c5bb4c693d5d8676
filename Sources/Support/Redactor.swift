import Synchronization

/// Keeps secrets out of everything that is shown or stored: whoever learns a secret protects it here, and every sink –
/// errors, logs, JSON – passes its text through.
///
///     Redactor.shared.protect(password)
///     Redactor.shared.redact("wrong password hunter22")  // wrong password ***
public final class Redactor: Sendable {
    /// The one that all sinks use.
    public static let shared = Redactor()
    /// What stands in a secret's place.
    public static let mask = "***"
    /// Shorter values are not replaced: they would be found in every other word.
    public static let minimumLength = 4

    private struct State: Sendable {
        /// The longest first, so that a secret within a secret does not leave the rest of it standing.
        var values: [String] = []
        var known: Set<String> = []
    }

    private let state = Mutex(State())
    /// Whether there is anything to look for: most texts are passed through by a program that knows no secret.
    private let isArmed = Atomic(false)

    /// One that protects nothing yet.
    public init() {}

    /// Replaces `value` from now on, its percent-encoded form too, and each line of a key that has several.
    public func protect(_ value: String) {
        let lines = value.split(whereSeparator: \.isNewline).map(String.init)
        let forms = [value, value.percentEncoded] + (lines.count > 1 ? lines.filter { $0.utf8.count >= 8 } : [])
        state.withLock { state in
            for form in forms where form.utf8.count >= Redactor.minimumLength && state.known.insert(form).inserted {
                state.values.append(form)
            }
            state.values.sort { $0.utf8.count > $1.utf8.count }
        }
        isArmed.store(true, ordering: .releasing)
    }

    /// `text` without any protected value.
    public func redact(_ text: String) -> String {
        guard isArmed.load(ordering: .acquiring) else { return text }
        let values = state.withLock { $0.values }
        var result = text
        for value in values where result.contains(value) { result = result.replacing(value, with: Redactor.mask) }
        return result
    }

    /// Whether a setting called `key` holds a secret: `password`, `db_password`, `clientSecret`, `account-key`.
    public static func isSecret(key: String) -> Bool {
        let letters = key.lowercased().filter { $0.isLetter || $0.isNumber }
        if ["authorization", "credential", "credentials", "pwd", "sas", "cookie"].contains(letters) { return true }
        return secretEndings.contains { letters.hasSuffix($0) }
    }

    private static let secretEndings = [
        "password", "passwd", "passphrase", "token", "secret", "apikey", "connectionstring", "accountkey",
        "privatekey", "accesskey", "secretkey", "sharedkey", "sastoken",
    ]
}

extension JSONText {
    /// This value without secrets: members whose names say that they hold one, and protected values wherever they stand.
    public func redacted(_ redactor: Redactor = .shared) -> JSONText {
        switch self {
        case .null, .bool, .number, .real: self
        case .raw(let text): .raw(redactor.redact(text))
        case .string(let text): .string(redactor.redact(text))
        case .array(let items): .array(items.map { $0.redacted(redactor) })
        case .object(let members):
            .object(
                members.map { key, value in
                    if Redactor.isSecret(key: key), value != .null { return (key, .string(Redactor.mask)) }
                    return (key, value.redacted(redactor))
                })
        }
    }
}

extension SluiceError {
    /// The same error without protected values in its words.
    public var redacted: SluiceError {
        var error = self
        error.message = Redactor.shared.redact(message)
        error.details = details.map(Redactor.shared.redact)
        error.hint = hint.map(Redactor.shared.redact)
        error.place.file = place.file.map(Redactor.shared.redact)
        return error
    }
}
