public import Support

/// A program that is to be run: as a container of an image, or without one in a folder of this machine.
///
///     let image = try await workloads.images.image("shop.azurecr.io/jobs/orders:1.4")
///     var workload = Workload(image.words(command: nil, arguments: ["run"]), folder: "run-1", image: image)
///     let run = try workloads.start(workload)
///     let end = await run.end()
public struct Workload: Sendable {
    /// The program and its arguments.
    public var words: [String]
    /// A folder of its own, which is made, and stays until somebody removes it.
    public var folder: String
    /// The image that it runs in; nil to run on this machine as it is.
    public var image: UnpackedImage?
    /// Its environment, beside the image's own.
    public var environment: [String: String] = [:]
    /// The folder that it begins in: in the image, or on this machine; the image's own, or `folder`, when nil.
    public var workingFolder: String?
    /// Folders of this machine that it finds in the container.
    public var mounts: [(source: String, target: String)] = []
    /// Where it writes to.
    public var output: Output
    /// How much memory it may have, with all that it starts.
    public var memory: Int?
    /// How long it may take.
    public var time: Duration?
    /// How long it is given to end by itself when it is stopped, or out of time.
    public var grace: Duration = .seconds(30)

    /// Where a program's output goes.
    public enum Output: Sendable {
        /// Into one file, each line with its time and stream: see `WorkloadLog`.
        case lines(String)
        /// Into two files, as it comes.
        case files(output: String, errors: String)
    }

    /// A program whose output goes to the file `log` in its folder, unless `output` says otherwise.
    public init(_ words: [String], folder: String, image: UnpackedImage? = nil, output: Output? = nil) {
        self.words = words
        self.folder = folder
        self.image = image
        self.output = output ?? .lines("\(folder)/log")
    }
}

/// How a program ended.
public struct WorkloadEnd: Sendable, Equatable {
    /// Its exit code; 128 and the signal's number when one ended it.
    public let code: Int
    /// Why it ended.
    public let reason: Reason
    /// When it ended.
    public let ended: Moment

    /// Why a program ended.
    public enum Reason: Sendable, Equatable {
        /// By itself.
        case exited
        /// Because it was stopped.
        case stopped
        /// Because its time was over.
        case timedOut
        /// Because it took more memory than it may.
        case outOfMemory
    }
}
