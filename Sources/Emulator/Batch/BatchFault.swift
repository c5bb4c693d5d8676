import HTTPServer
import Support

/// An answer of Batch that says no.
struct BatchFault: Error {
    let status: Int
    let code: String
    let message: String
    var values: [(key: String, value: String)] = []

    init(_ status: Int, _ code: String, _ message: String, _ values: KeyValuePairs<String, String> = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.values = values.map { ($0.key, $0.value) }
    }

    /// The error as it stands in answers, and in those of collections.
    func json(_ request: EmulatedRequest) -> JSONText {
        .members([
            "code": .string(code),
            "message": [
                "lang": "en-US", "value": .string("\(message)\nRequestId:\(request.id)\nTime:\(request.now.iso)"),
            ],
            "values": values.isEmpty
                ? nil : .array(values.map { ["key": .string($0.key), "value": .string($0.value)] }),
        ])
    }

    func response(_ request: EmulatedRequest) -> ServerResponse {
        let head: [(key: String, value: JSONText)] = [
            (
                "odata.metadata",
                .string(
                    "\(request.baseURL)/$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element")
            )
        ]
        return .json(
            .object(head + (json(request).members ?? [])), status: status, headers: ["Content-Type": BatchFault.type])
    }

    /// What JSON of Batch is called.
    static let type = "application/json; odata=minimalmetadata"

    // MARK: What is said often

    static let poolNotFound = BatchFault(404, "PoolNotFound", "The specified pool does not exist.")
    static let jobNotFound = BatchFault(404, "JobNotFound", "The specified job does not exist.")
    static let taskNotFound = BatchFault(404, "TaskNotFound", "The specified task does not exist.")
    static let nodeNotFound = BatchFault(404, "NodeNotFound", "The specified node does not exist.")
    static let fileNotFound = BatchFault(404, "FileNotFound", "The specified file does not exist.")
    static let poolBeingDeleted = BatchFault(409, "PoolBeingDeleted", "The specified pool is being deleted.")

    static func invalid(_ name: String, _ value: String, _ reason: String) -> BatchFault {
        BatchFault(
            400, "InvalidPropertyValue",
            "The value provided for one of the properties in the request body is invalid.",
            ["PropertyName": name, "PropertyValue": value, "Reason": reason])
    }

    static func missing(_ name: String) -> BatchFault {
        BatchFault(
            400, "MissingRequiredProperty",
            "A required property was not specified in the request body.", ["PropertyName": name])
    }

    static func notPlayed(_ what: String) -> BatchFault {
        BatchFault(
            400, "InvalidRequestBody", "The emulator does not play \(what).",
            ["Reason": "the emulator does not play \(what)"])
    }

    /// The emulator itself failed.
    static func broken(_ error: SluiceError) -> BatchFault { BatchFault(500, "InternalError", error.description) }
}
