import CommandLine
import Storage
import Stores
import Support

/// `sluice lake stat`: what is known of an object.
struct LakeStat: Command {
    let urls = Parameter.arguments("URL", .place, help: "Files or folders")

    var model: CommandModel {
        CommandModel(
            "stat", "Tell what is known of files", [.arguments(urls)],
            discussion: """
                The tag changes whenever the file does. The MD5 is what the writer, or the store, says of the bytes; \
                they are not read.
                """,
            examples: [.init("sluice lake stat az://A/C/in/orders.csv", "size, time, tag, MD5")])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let stores = try context.openStores(for: arguments[urls])
        var answers: [JSONText] = []
        var failures: [SluiceError] = []
        for (number, url) in arguments[urls].enumerated() {
            do {
                let place = try stores.place(url)
                guard let facts = try await place.store.facts(place.path) else {
                    throw StoreSelection.missing(place)
                }
                answers.append(facts.json(in: place.store))
                guard !context.options.isJSON else { continue }
                if number > 0 { context.output.print("") }
                context.output.print(lines(facts, place).joined(separator: "\n"))
            } catch let error as SluiceError {
                if arguments[urls].count == 1 || error.code == .cancelled { throw error }
                let report = ErrorReport(error, command: ["lake", "stat"])
                report.tell(context)
                answers.append(["url": .string(url), "error": report.json])
                failures.append(error)
            }
        }
        if context.options.isJSON { context.answer(["entries": .array(answers)]) }
        return failures.isEmpty ? .succeeded : .failed
    }

    private func lines(_ facts: ObjectEntry, _ place: StorePlace) -> [String] {
        var lines = [Display.safe(place.store.url(facts.path))]
        func tell(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { lines.append("  \(name.padded(to: 9))\(Display.safe(value))") }
        }
        tell("kind", facts.isFolder ? "folder" : "file")
        if !facts.isFolder {
            let exact = "\(ProgressView.count(facts.size)) B"
            let about = Quantities.describe(bytes: facts.size)
            tell("size", facts.size < 1000 ? exact : "\(exact) (\(about))")
        }
        tell("modified", LakeText.moment(facts.modified))
        tell("tag", facts.tag)
        tell("md5", facts.md5.map { Base64.encode($0) })
        return lines
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
