import Glibc
public import Storage
import Stores
public import Support

/// What a command may touch: streams, terminal, environment, clock and folder, all of which tests replace.
public struct Context: Sendable {
    /// Where answers go.
    public var output: TextOutput
    /// Where everything for people goes: messages, progress, errors.
    public var messages: TextOutput
    /// Opens standard input.
    public var input: @Sendable () throws(SluiceError) -> any InputFile
    /// Opens standard output for bytes that are no text.
    public var binaryOutput: @Sendable () throws(SluiceError) -> any ByteSink
    /// What the terminal can do.
    public var terminal: Terminal
    /// The environment variables.
    public var environment: [String: String]
    /// How much time has passed since some moment; never goes back.
    public var now: @Sendable () -> Duration
    /// The folder that relative paths start from; nil for the process's own.
    public var folder: String?
    /// Whether entering a folder moves the whole process, as opposed to `folder` only.
    var changesProcessFolder = false
    /// Opens the stores that URLs name.
    public var stores: any StoreOpener
    /// Who wants the program to end, if anybody.
    public let cancellation = Cancellation()
    /// What was asked for with the options that every command has.
    public var options = GlobalOptions()

    /// A context of these parts.
    public init(
        output: TextOutput, messages: TextOutput, input: @escaping @Sendable () throws(SluiceError) -> any InputFile,
        binaryOutput: @escaping @Sendable () throws(SluiceError) -> any ByteSink,
        terminal: Terminal = Terminal(), environment: [String: String] = [:],
        now: @escaping @Sendable () -> Duration = { .zero }, folder: String? = nil
    ) {
        self.output = output
        self.messages = messages
        self.input = input
        self.binaryOutput = binaryOutput
        self.terminal = terminal
        self.environment = environment
        self.now = now
        self.folder = folder
        stores = StoresOnDemand { () throws(SluiceError) in try Stores(environment: environment) }
    }

    /// `path` as the operating system must see it: relative paths start from `folder`.
    public func resolve(_ path: String) -> String {
        guard let folder, !path.hasPrefix("/") else { return path }
        return folder.hasSuffix("/") ? folder + path : folder + "/" + path
    }

    /// Where what `path` names lies: a file, from `folder` on, or an object of a store.
    func place(_ path: String) throws(SluiceError) -> FilePlace {
        let place = try stores.place(of: path)
        if case .local(let path) = place { return .local(resolve(path)) }
        return place
    }

    /// The places of the files that `name`, which may be a pattern, stands for.
    ///
    /// - throws: `SluiceError` when there is none: an empty result would look like empty data.
    func places(_ name: String) async throws(SluiceError) -> [FilePlace] {
        switch try place(name) {
        case .local(let path): return try Glob.expand(path).map { .local($0) }
        case .stored(let store, let path):
            guard Glob.isPattern(path) else { return [.stored(store, path)] }
            let found = try await store.matches(of: [path])
            if found.isEmpty {
                throw SluiceError(.notFound, "no object matches the pattern", place: .init(file: store.url(path)))
            }
            return found.map { .stored(store, $0.path) }
        }
    }

    /// The folder or container that `path` names.
    func store(at path: String) throws(SluiceError) -> any ObjectStore {
        guard case .local = try stores.place(of: path) else { return try stores.store(at: path) }
        // The folder's name stands before every name that is told.
        var local = path
        while local.hasPrefix("./"), local.count > 2 { local.removeFirst(2) }
        guard case .local(let folder) = try place(local) else { return try stores.store(at: path) }
        return FolderStore(folder)
    }

    /// Opens what `path` names for reading; `-` is standard input.
    public func open(_ path: String) async throws(SluiceError) -> any InputFile {
        path == Storage.standardName ? try input() : try await place(path).open()
    }

    /// Begins writing what `path` names; `-` is standard output.
    public func create(_ path: String) async throws(SluiceError) -> any ByteSink {
        path == Storage.standardName ? try binaryOutput() : try await place(path).create()
    }

    /// Goes on as if the program had been started in `path`.
    mutating func enter(_ path: String) throws(SluiceError) {
        let target = resolve(path)
        var status = stat()
        guard stat(target, &status) == 0 else {
            throw SluiceError(.notFound, "there is no such folder", place: .init(file: path))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw SluiceError(.usage, "is not a folder", place: .init(file: path))
        }
        if !changesProcessFolder {
            folder = target
        } else if chdir(target) != 0 {
            throw SluiceError(.permission, "cannot be entered: \(errorText())", place: .init(file: path))
        }
    }

    /// Tells people something, unless they asked for quiet.
    public func say(_ message: String) {
        if !options.isQuiet { messages.print(message) }
    }

    /// Tells people something that only those want who look closely.
    public func detail(_ message: @autoclosure () -> String) {
        if options.isVerbose { messages.print(message()) }
    }

    /// Answers with a JSON document: the only thing that a command with `--json` writes to standard output.
    public func answer(_ document: JSONText) {
        output.print(document.text(pretty: true))
    }
}

/// What the terminal can do, found out once.
public struct Terminal: Sendable {
    /// Whether somebody types at standard input.
    public var inputIsTerminal: Bool
    /// Whether somebody reads standard output.
    public var outputIsTerminal: Bool
    /// Whether somebody reads standard error.
    public var messagesAreTerminal: Bool
    /// The number of columns; nil when nobody knows.
    public var width: Int?
    /// Whether colour is wanted: `NO_COLOR` is not set, and the terminal is not a dumb one.
    public var wantsColor: Bool

    /// A terminal that can do this; by default, none.
    public init(
        inputIsTerminal: Bool = false, outputIsTerminal: Bool = false, messagesAreTerminal: Bool = false,
        width: Int? = nil, wantsColor: Bool = false
    ) {
        self.inputIsTerminal = inputIsTerminal
        self.outputIsTerminal = outputIsTerminal
        self.messagesAreTerminal = messagesAreTerminal
        self.width = width
        self.wantsColor = wantsColor
    }

    /// Whether messages may be coloured.
    var colorsMessages: Bool { wantsColor && messagesAreTerminal }
    /// Whether answers may be coloured.
    var colorsOutput: Bool { wantsColor && outputIsTerminal }
}
