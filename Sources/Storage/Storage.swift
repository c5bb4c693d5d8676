// Storage: where bytes lie, and how they get there and back.
//
// Reading begins with `Storage.open`, which hands out an `InputFile`: a local file (`LocalFile`), or standard input, a
// pipe or a device (`Spool`, which keeps what went by so that it can be read again). `Decompressed` puts gzip or
// Zstandard in front of either. Writing begins with `Storage.create`, which hands out a `ByteSink`: a file that appears
// whole or not at all (`AtomicFile`), or a descriptor such as standard output (`DescriptorSink`); `CompressingSink`
// packs what goes through it. `Glob` turns patterns into names.
//
// Local files are read and written right on the threads that run Swift's tasks: a read from a disk or the page cache
// ends by itself in bounded time, the kernel is told beforehand what comes next (`posix_fadvise`), and a hop to another
// thread for each block costs more than it hides. What may wait for somebody else – a pipe, a terminal – waits on a
// thread of its own (`BlockingQueue`).

import Glibc
public import Support

/// Opens and creates files by the names that users give.
public enum Storage {
    /// The name that stands for standard input or output.
    public static let standardName = "-"

    /// Opens `path` for reading; `-` is standard input.
    ///
    /// - parameter keepsForRereading: Whether a pipe's bytes are kept so that they can be streamed a second time.
    /// - throws: `SluiceError` when there is no such file, it is a folder, or it may not be read.
    public static func open(_ path: String, keepsForRereading: Bool = true) throws(SluiceError) -> any InputFile {
        let descriptor: Descriptor
        let name: String
        if path == standardName {
            descriptor = .standardInput
            name = "standard input"
        } else {
            descriptor = try Descriptor.open(path)
            name = path
        }
        let status = try descriptor.status(name: name)
        if status.isFolder {
            throw SluiceError(
                .notFound, "is a folder, not a file", place: .init(file: name),
                hint: "Name the files in it, for example '\(path)/*.csv'.")
        }
        if status.isRegular, status.size > 0 || descriptor.isEmpty {
            return LocalFile(descriptor, name: name, status: status)
        }
        return Spool(DescriptorStream(descriptor, name: name), keepsForRereading: keepsForRereading)
    }

    /// Begins writing `path`; `-` is standard output. A regular file appears, or replaces the one there, on `finish`.
    ///
    /// - throws: `SluiceError` when the folder does not exist, is not writable, or `path` is a folder.
    public static func create(_ path: String) throws(SluiceError) -> any ByteSink {
        if path == standardName { return DescriptorSink(.standardOutput, name: "standard output") }
        if let status = FileStatus(path: path) {
            if status.isFolder {
                throw SluiceError(
                    .invalidConfiguration, "is a folder; the output must be a file", place: .init(file: path),
                    hint: "Name a file in it, for example '\(path)/out.parquet'.")
            }
            if !status.isRegular {
                return DescriptorSink(try Descriptor.open(path, forWriting: true), name: path)
            }
        }
        return try AtomicFile(path)
    }

    /// Makes `folder` and the folders above it that are missing.
    ///
    /// - throws: `SluiceError` when one cannot be made, or is a file.
    public static func makeFolders(_ folder: String) throws(SluiceError) {
        if let status = FileStatus(path: folder) {
            if status.isFolder { return }
            throw SluiceError(
                .invalidConfiguration, "is a file, and a folder is needed there", place: .init(file: folder),
                hint: "Name a folder, or a path where one can be made.")
        }
        let above = splitPath(folder).folder
        if above != folder { try makeFolders(above) }
        // Somebody else may have made it in between.
        if mkdir(folder, 0o777) != 0, errno != EEXIST { throw .system(errno, "cannot be made", path: folder) }
    }
}

/// A file as it is stored, before anybody asks what is in it.
public protocol InputFile: StreamSource {
    /// What tells this file from every other, when it has a place in the file system.
    var identity: FileIdentity? { get }
    /// The file for reading at any position; a pipe is read to its end first.
    func randomAccess() async throws(SluiceError) -> any RandomAccess
}
