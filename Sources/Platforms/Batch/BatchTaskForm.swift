import Support

/// The tasks of a run in Batch's form.
struct BatchTaskForm {
    let settings: BatchSettings
    let job: JobDeployment
    var request: RunRequest
    let image: String?
    /// The package that it was deployed with.
    let package: String?

    /// Each task; the one that is the whole run when it is not divided.
    func tasks() throws(SluiceError) -> [JSONText] {
        if request.tasks.isEmpty {
            let arguments = request.arguments.isEmpty ? job.arguments : request.arguments
            return [
                try task(
                    BatchPlatform.onlyTask, arguments, [:], after: [], retries: job.needs.retries,
                    time: request.limits.time ?? job.needs.timeout)
            ]
        }
        guard request.tasks.count <= 100_000 else {
            throw SluiceError(
                .limitExceeded, "the run has \(request.tasks.count) tasks, and a job of Batch's takes 100,000",
                hint: "give a task more than one file")
        }
        let known = Set(request.tasks.map { $0.id.lowercased() })
        guard known.count == request.tasks.count else {
            throw SluiceError(.invalidConfiguration, "two tasks of the run have the same id")
        }
        var tasks: [JSONText] = []
        for one in request.tasks {
            try BatchSettings.check(id: one.id, "the id of a task")
            guard one.id.lowercased() != BatchPlatform.onlyTask else {
                throw SluiceError(.invalidConfiguration, "no task of a divided run can be called \(one.id)")
            }
            for other in one.after where !known.contains(other.lowercased()) {
                throw SluiceError(
                    .invalidConfiguration, "the task \(one.id) comes after \(other), which is no task of the run")
            }
            tasks.append(try task(one))
        }
        return tasks
    }

    /// The different kinds of tasks there are: what they are without the run's id, and without what tells one from another.
    func kinds() throws(SluiceError) -> [String] {
        var form = self
        form.request.run = ""
        if request.tasks.isEmpty { return try form.tasks().map { $0.text() } }
        var kinds: Set<String> = []
        for var one in request.tasks {
            one.arguments = one.arguments.map { $0 == one.id ? "" : $0 }
            one.id = ""
            one.after = []
            kinds.insert(try form.task(one).text())
        }
        return kinds.sorted()
    }

    private func task(_ one: RunTask) throws(SluiceError) -> JSONText {
        try task(
            one.id, one.arguments, one.environment, after: one.after, retries: max(0, one.attempts - 1),
            time: one.time ?? request.limits.time ?? job.needs.timeout)
    }

    private func task(
        _ id: String, _ arguments: [String], _ own: [String: String], after: [String], retries: Int, time: Duration?
    ) throws(SluiceError) -> JSONText {
        var variables = job.needs.environment
        if let client = settings.clientID, variables["AZURE_CLIENT_ID"] == nil { variables["AZURE_CLIENT_ID"] = client }
        variables.merge(request.environment) { $1 }
        variables.merge(own) { $1 }
        variables[RunRequest.idVariable] = request.run
        variables[RunRequest.packageVariable] = package
        let words = (image == nil ? [settings.program ?? ""] : []) + arguments
        // A list of names that is too long is a fault of its own there.
        guard after.reduce(0, { $0 + $1.utf8.count }) <= 64_000 else {
            throw SluiceError(
                .limitExceeded, "the task \(id) comes after \(after.count) others, whose names are too long for Batch",
                hint: "give a task more than one file")
        }
        return .members([
            "id": .string(id), "commandLine": .string(words.map(Self.quoted).joined(separator: " ")),
            "containerSettings": image.map { image in
                [
                    "imageName": .string(image), "workingDirectory": "containerImageDefault",
                ]
            },
            "environmentSettings": .array(
                variables.sorted { $0.key < $1.key }.map { ["name": .string($0.key), "value": .string($0.value)] }),
            "constraints": .members([
                "maxTaskRetryCount": .number(retries),
                "maxWallClockTime": time.map { .string(BatchSettings.iso($0)) },
            ]),
            "dependsOn": after.isEmpty ? nil : ["taskIds": .array(after.map { .string($0) })],
            "userIdentity": ["autoUser": ["scope": "pool", "elevationLevel": "nonadmin"]],
        ])
    }

    /// A word of a command line, which no shell reads: in quotes when there is something in it that parts words.
    static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy {
                97...122 ~= $0 | 0x20 || 48...57 ~= $0 || "-_./:=@,+%".utf8.contains($0)
            }
        if isPlain { return word }
        var text = "\""
        for character in word {
            if character == "\"" || character == "\\" { text.append("\\") }
            text.append(character)
        }
        return text + "\""
    }
}
