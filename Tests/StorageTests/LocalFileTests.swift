import Glibc
import Storage
import Support
import Testing

@Suite struct LocalFileTests {
    @Test func readsRangesAndStreamsTwice() async throws {
        try await withFolder { folder in
            let bytes = noise(3_000_001)
            try put(bytes, at: folder + "/a")
            let file = try Storage.open(folder + "/a")
            #expect(file.streamSize == bytes.count)
            for _ in 0..<2 { #expect(try await drain(try await file.stream()) == bytes) }
            let access = try await file.randomAccess()
            #expect(access.size == bytes.count)
            #expect(try await access.read(1_000_000..<2_500_000).bytes == Array(bytes[1_000_000..<2_500_000]))
            #expect(try await access.read(bytes.count..<bytes.count).bytes == [])
        }
    }

    @Test func refusesRangesOutsideOfTheFile() async throws {
        try await withFolder { folder in
            try put("abc", at: folder + "/a")
            let file = try LocalFile(folder + "/a")
            let error = await #expect(throws: SluiceError.self) { try await file.read(1..<4) }
            #expect(error?.code == .invalidData)
        }
    }

    @Test func emptyFileStreamsNothing() async throws {
        try await withFolder { folder in
            try put("", at: folder + "/a")
            #expect(try await drain(try await Storage.open(folder + "/a").stream()) == [])
        }
    }

    @Test func fileOfUnknownSizeIsReadToItsEnd() async throws {
        // The kernel says that files in /proc have 0 bytes.
        let file = try Storage.open("/proc/self/status")
        for _ in 0..<2 {
            #expect(String(decoding: try await drain(try await file.stream()), as: UTF8.self).hasPrefix("Name:"))
        }
    }

    @Test func missingFileSuggestsTheNearestName() async throws {
        try await withFolder { folder in
            try put("", at: folder + "/orders.csv")
            let error = #expect(throws: SluiceError.self) { try Storage.open(folder + "/ordres.csv") }
            #expect(error?.code == .notFound)
            #expect(error?.hint == "Did you mean '\(folder)/orders.csv'?")
        }
    }

    @Test func missingFolderIsNamed() throws {
        let error = #expect(throws: SluiceError.self) { try Storage.open("/nowhere/at/all.csv") }
        #expect(error?.message == "the folder '/nowhere/at' does not exist")
    }

    @Test func folderIsRefused() async throws {
        try await withFolder { folder in
            let error = #expect(throws: SluiceError.self) { try Storage.open(folder) }
            #expect(error?.message == "is a folder, not a file")
        }
    }

    @Test func fileThatShrinksWhileBeingReadIsAnError() async throws {
        try await withFolder { folder in
            try put(noise(3_000_000), at: folder + "/a")
            let file = try Storage.open(folder + "/a")
            let stream = try await file.stream()
            _ = try await stream.next()
            truncate(folder + "/a", 1_500_000)
            let error = await #expect(throws: SluiceError.self) { try await drain(stream) }
            #expect(error?.place.offset == 1_500_000)
        }
    }

    @Test func replacedFileKeepsItsOldContents() async throws {
        try await withFolder { folder in
            try put("old", at: folder + "/a")
            let file = try Storage.open(folder + "/a")
            try put("new and longer", at: folder + "/b")
            rename(folder + "/b", folder + "/a")
            #expect(try await drain(try await file.stream()) == Array("old".utf8))
        }
    }

    @Test func identityIsThatOfTheFileNotOfItsName() async throws {
        try await withFolder { folder in
            try put("a", at: folder + "/a")
            symlink(folder + "/a", folder + "/link")
            #expect(try Storage.open(folder + "/link").identity == FileIdentity(path: folder + "/./a"))
            #expect(FileIdentity(path: folder + "/none") == nil)
        }
    }
}

@Suite struct SpoolTests {
    @Test func streamsAgainFromTheStart() async throws {
        let bytes = noise(2_500_000)
        let spool = Spool(stream(bytes, pieces: 70_000))
        #expect(spool.streamSize == nil)
        #expect(try await drain(try await spool.stream()) == bytes)
        #expect(spool.streamSize == bytes.count)
        #expect(try await drain(try await spool.stream()) == bytes)
    }

    @Test func secondStreamGoesOnWhereTheFirstLeftOff() async throws {
        let bytes = noise(300_000)
        let spool = Spool(stream(bytes, pieces: 70_000))
        let first = try await spool.stream()
        _ = try await first.next()
        _ = try await first.next()
        #expect(try await drain(try await spool.stream()) == bytes)
    }

    @Test func offersRandomAccess() async throws {
        let bytes = noise(300_000)
        let spool = Spool(stream(bytes, pieces: 70_000))
        _ = try await (try await spool.stream()).next()
        let access = try await spool.randomAccess()
        #expect(access.size == bytes.count)
        #expect(try await access.read(100_000..<200_000).bytes == Array(bytes[100_000..<200_000]))
    }

    @Test func emptySourceOffersRandomAccess() async throws {
        #expect(try await Spool(stream([], pieces: 1)).randomAccess().size == 0)
    }

    @Test func withoutKeepingOnlyOneStreamCanBeHad() async throws {
        let spool = Spool(stream([1, 2, 3], pieces: 2), keepsForRereading: false)
        #expect(try await drain(try await spool.stream()) == [1, 2, 3])
        await #expect(throws: SluiceError.self) { try await spool.stream() }
    }

    @Test func namedPipeIsReadLikeAFile() async throws {
        try await withFolder { folder in
            let pipe = folder + "/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            let bytes = noise(400_000)
            async let written: Void = {
                let sink = try Storage.create(pipe)
                try await sink.write(Buffer(bytes))
                try await sink.finish()
            }()
            let file = try Storage.open(pipe)
            #expect(try await drain(try await file.stream()) == bytes)
            #expect(try await drain(try await file.stream()) == bytes)
            try await written
        }
    }
}
