/// An answer that says no: what the service's clients know it by, and a sentence for people.
struct StorageFault: Error, Sendable, Equatable {
    let status: Int
    let code: String
    let message: String
    /// Further elements of a Blob answer's body, as the service names them.
    var details: [Detail] = []

    struct Detail: Sendable, Equatable {
        let name: String
        let value: String
    }

    init(_ status: Int, _ code: String, _ message: String, details: [Detail] = []) {
        self.status = status
        self.code = code
        self.message = message
        self.details = details
    }

    // What is not there, and what is there already.
    static let containerNotFound = StorageFault(404, "ContainerNotFound", "The specified container does not exist.")
    static let containerExists = StorageFault(
        409, "ContainerAlreadyExists", "The specified container already exists.")
    static let blobNotFound = StorageFault(404, "BlobNotFound", "The specified blob does not exist.")
    static let blobExists = StorageFault(409, "BlobAlreadyExists", "The specified blob already exists.")
    static let pathNotFound = StorageFault(404, "PathNotFound", "The specified path does not exist.")
    static let pathExists = StorageFault(409, "PathAlreadyExists", "The specified path already exists.")
    static let pathConflict = StorageFault(
        409, "PathConflict",
        "The specified path, or an element of the path, exists and its resource type is invalid for this operation.")
    static let sourceNotFound = StorageFault(
        404, "SourcePathNotFound", "The source path for a rename operation does not exist.")
    static let targetParentNotFound = StorageFault(
        404, "RenameDestinationParentPathNotFound",
        "The parent directory of the destination path does not exist.")
    static let renameIntoItself = StorageFault(
        409, "InvalidRenameSourcePath",
        "The source directory cannot be the same as the destination directory, nor can the destination be a subdirectory of the source directory."
    )
    static let kindsDiffer = StorageFault(
        409, "InvalidSourceOrDestinationResourceType", "The source and destination resource type must be identical.")
    static let destinationConflict = StorageFault(
        409, "InvalidDestinationPath",
        "The specified path, or an element of the path, exists and its resource type is invalid for this operation.")
    static let directoryNotEmpty = StorageFault(
        409, "DirectoryNotEmpty", "The recursive query parameter value must be true to delete a non-empty directory.")
    static let isDirectory = StorageFault(
        409, "ResourceTypeMismatch", "The specified resource type does not match the type of the existing resource.")

    // What does not fit together.
    static let wrongBlobType = StorageFault(409, "InvalidBlobType", "The blob type is invalid for this operation.")
    static let conditionNotMet = StorageFault(
        412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
    static let sourceConditionNotMet = StorageFault(
        412, "SourceConditionNotMet",
        "The source condition specified using HTTP conditional header(s) is not met.")
    static let notModified = StorageFault(
        304, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
    static let invalidRange = StorageFault(
        416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
    static let invalidBlockList = StorageFault(400, "InvalidBlockList", "The specified block list is invalid.")
    static let invalidBlock = StorageFault(
        400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")
    static let tooManyBlocks = StorageFault(
        409, "BlockCountExceedsLimit", "The committed block count cannot exceed the maximum limit of 50,000 blocks.")
    static let invalidFlushPosition = StorageFault(
        400, "InvalidFlushPosition",
        "The uploaded data is not contiguous or the position query parameter value is not equal to the length of the file after appending the uploaded data."
    )
    static let appendPosition = StorageFault(
        412, "AppendPositionConditionNotMet", "The append position condition specified was not met.")
    static let appendSize = StorageFault(
        412, "MaxBlobSizeConditionNotMet", "The max blob size condition specified was not met.")

    // What was not said, or said wrongly.
    static let invalidMD5 = StorageFault(
        400, "InvalidMd5", "The MD5 value specified in the request is invalid. MD5 must be 128 bits and base64 encoded."
    )
    static let missingLength = StorageFault(
        411, "MissingContentLengthHeader", "The Content-Length header was not specified.")
    static let incomplete = StorageFault(
        400, "InvalidInput", "The request body ended before the Content-Length that was announced.")
    static let tooLarge = StorageFault(
        413, "RequestBodyTooLarge",
        "The request body is too large and exceeds the maximum permissible limit.")

    static func invalidHeader(_ name: String, _ value: String) -> StorageFault {
        StorageFault(
            400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.",
            details: [Detail(name: "HeaderName", value: name), Detail(name: "HeaderValue", value: value)])
    }

    static func missingHeader(_ name: String) -> StorageFault {
        StorageFault(
            400, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified.",
            details: [Detail(name: "HeaderName", value: name)])
    }

    static func invalidQuery(_ name: String, _ value: String) -> StorageFault {
        StorageFault(
            400, "InvalidQueryParameterValue",
            "Value for one of the query parameters specified in the request URI is invalid.",
            details: [
                Detail(name: "QueryParameterName", value: name), Detail(name: "QueryParameterValue", value: value),
            ])
    }

    static func missingQuery(_ name: String) -> StorageFault {
        StorageFault(
            400, "MissingRequiredQueryParameter",
            "A query parameter that's mandatory for this request is not specified.",
            details: [Detail(name: "QueryParameterName", value: name)])
    }

    static func input(_ message: String) -> StorageFault { StorageFault(400, "InvalidInput", message) }

    static func name(_ message: String) -> StorageFault { StorageFault(400, "InvalidResourceName", message) }

    /// What the real service does and this one does not.
    static func absent(_ what: String) -> StorageFault {
        StorageFault(
            501, "NotImplemented",
            "\(what): the emulator does not have this. Use an account in Azure to try what depends on it.")
    }

    static func md5Mismatch(given: String, found: String) -> StorageFault {
        StorageFault(
            400, "Md5Mismatch",
            "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
            details: [
                Detail(name: "UserSpecifiedMd5", value: given), Detail(name: "ServerCalculatedMd5", value: found),
            ])
    }

    static func crc64Mismatch(given: String, found: String) -> StorageFault {
        StorageFault(
            400, "Crc64Mismatch",
            "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
            details: [
                Detail(name: "UserSpecifiedCrc64", value: given), Detail(name: "ServerCalculatedCrc64", value: found),
            ])
    }

    static func disk(_ message: String) -> StorageFault { StorageFault(500, "InternalError", message) }
}
