import Foundation
import Support
import Tar
import Testing

@testable import Emulator

@Suite struct WorkloadTests {
    private func plain(_ rig: WorkloadRig, _ script: String, _ change: (inout Workload) -> Void = { _ in }) throws
        -> Workload
    {
        var workload = Workload(["/bin/sh", "-c", script], folder: "\(rig.folder)/w\(UInt32.random(in: 0 ... .max))")
        workload.environment = ["PATH": "/usr/bin:/bin"]
        workload.grace = .milliseconds(300)
        change(&workload)
        return workload
    }

    @Test func linesHaveTimesAndStreams() async throws {
        try await WorkloadRig.with { rig in
            let workload = try plain(rig, "echo one; echo two >&2; printf three; exit 7")
            let before = Moment.now
            let run = try rig.workloads.start(workload)
            let end = await run.end()
            #expect(end.code == 7 && end.reason == .exited)
            let lines = WorkloadLog("\(workload.folder)/log").all()
            #expect(Set(lines.map { "\($0.stream) \($0.text)" }) == ["stdout one", "stderr two", "stdout three"])
            #expect(lines.allSatisfy { $0.time >= before && $0.time <= end.ended })
        }
    }

    @Test func longLinesComeInPieces() async throws {
        try await WorkloadRig.with { rig in
            let workload = try plain(rig, "head -c 40000 /dev/zero | tr '\\0' x; echo; echo end")
            _ = try await rig.workloads.start(workload).end()
            let lines = WorkloadLog("\(workload.folder)/log").all()
            #expect(lines.dropLast().map(\.text.utf8.count).reduce(0, +) == 40_000 && lines.last?.text == "end")
        }
    }

    @Test func aStopIsAskedForAndThenForced() async throws {
        try await WorkloadRig.with { rig in
            let willing = try rig.workloads.start(
                plain(rig, "trap 'echo bye; exit 3' TERM; echo on; while :; do sleep 0.02; done"))
            let deaf = try rig.workloads.start(plain(rig, "trap '' TERM; sleep 60 & wait; sleep 60"))
            try await Task.sleep(for: .milliseconds(300))
            willing.stop()
            deaf.stop()
            let (first, second) = (await willing.end(), await deaf.end())
            #expect(first.code == 3 && first.reason == .stopped)
            #expect(second.code == 137 && second.reason == .stopped)
        }
    }

    @Test func timeAndMemoryAreLimited() async throws {
        try await WorkloadRig.with { rig in
            let late = try rig.workloads.start(plain(rig, "sleep 60") { $0.time = .milliseconds(200) })
            let greedy = try rig.workloads.start(
                plain(rig, "x=$(head -c 60000000 /dev/zero | tr '\\0' x); sleep 60") { $0.memory = 30 << 20 })
            #expect(await late.end().reason == .timedOut)
            #expect(await greedy.end().reason == .outOfMemory)
        }
    }

    @Test func whatItLeavesBehindEndsWithIt() async throws {
        try await WorkloadRig.with { rig in
            let workload = try plain(rig, "sleep 60 & echo $!")
            _ = try await rig.workloads.start(workload).end()
            let child = try #require(pid_t(WorkloadLog("\(workload.folder)/log").all().first?.text ?? ""))
            try await Task.sleep(for: .milliseconds(100))
            #expect(kill(child, 0) != 0 || ProcessFacts(child)?.parent == 1)
        }
    }

    /// An image of this machine's own shell and its libraries.
    private static func shell(_ rig: WorkloadRig, user: String) async throws -> UnpackedImage {
        let listed = Process()
        listed.executableURL = URL(fileURLWithPath: "/usr/bin/ldd")
        listed.arguments = ["/bin/sh", "/bin/cat", "/bin/id", "/bin/sleep"]
        let pipe = Pipe()
        listed.standardOutput = pipe
        try listed.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let paths = Set(
            text.split(whereSeparator: { " \n\t()".contains($0) }).filter { $0.hasPrefix("/") && !$0.hasSuffix(":") }
                .map(String.init))
        let files = paths.union(["/bin/sh", "/bin/cat", "/bin/id", "/bin/sleep"])
        var entries: [(TarEntry, [UInt8])] = [
            (TarEntry(path: "home/me", kind: .folder, user: 65_532, group: 65_532), [])
        ]
        for path in files {
            entries.append((TarEntry(path: path, mode: 0o755), Array(try Data(contentsOf: URL(fileURLWithPath: path)))))
        }
        let sink = MemorySink()
        let writer = TarWriter(sink)
        for (entry, bytes) in entries { try await writer.add(entry, Buffer(bytes)) }
        try await writer.end()
        try rig.push(
            "shell", [sink.bytes],
            config: [
                "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo none"], "WorkingDir": "/home/me", "User": .string(user),
                "Env": ["FROM=image", "BOTH=image"],
            ])
        return try await rig.image("shell")
    }

    private func contained(_ rig: WorkloadRig, _ image: UnpackedImage, _ script: String) async throws -> (
        WorkloadEnd, [String]
    ) {
        var workload = Workload(
            image.words(command: nil, arguments: [script]), folder: "\(rig.folder)/c\(UInt32.random(in: 0 ... .max))",
            image: image)
        workload.environment = ["BOTH": "job"]
        workload.grace = .milliseconds(300)
        let end = try await rig.workloads.start(workload).end()
        return (end, WorkloadLog("\(workload.folder)/log").all().map(\.text))
    }

    @Test func aContainerHasARootOfItsOwn() async throws {
        try await WorkloadRig.with { rig in
            let image = try await Self.shell(rig, user: "65532:65532")
            let (end, lines) = try await contained(
                rig, image,
                "echo $FROM $BOTH $PWD $$; id -u; echo x > own; cat own; echo n > /dev/null; cat /proc/1/comm; echo /*; exit 5"
            )
            #expect(end.code == 5, "\(lines)")
            #expect(lines.first == "image job /home/me 1")
            if geteuid() == 0 { #expect(lines.dropFirst().first == "65532") }
            #expect(
                lines.contains("x") && lines.last?.contains("/proc") == true && lines.last?.contains("/work") == false)
            #expect(!RootFolder.names("\(image.root)/home/me").contains("own"), "the image stays as it is")
            let (again, others) = try await contained(rig, image, "cat own")
            #expect(again.code != 0, "\(others)")
        }
    }

    @Test func foldersAreMounted() async throws {
        try await WorkloadRig.with { rig in
            let image = try await Self.shell(rig, user: "65532")
            let shared = try EmulatorFolder("\(rig.folder)/shared")
            try shared.write("there", to: "file")
            chmod(shared.path, 0o777)
            chmod("\(shared.path)/file", 0o644)
            var workload = Workload(
                ["/bin/sh", "-c", "cat /mnt/in/file; echo back > /mnt/in/out"], folder: "\(rig.folder)/m", image: image)
            workload.mounts = [(shared.path, "/mnt/in")]
            let end = try await rig.workloads.start(workload).end()
            #expect(end.code == 0 && WorkloadLog("\(rig.folder)/m/log").all().map(\.text) == ["there"])
            #expect(try shared.read("out") == "back\n")
        }
    }

    @Test(arguments: ["/../../evil", "evil", "/a/../../b", ""])
    func mountsStayInside(target: String) async throws {
        try await WorkloadRig.with { rig in
            let image = try await Self.shell(rig, user: "")
            var workload = Workload(["/bin/id"], folder: "\(rig.folder)/a/b/m", image: image)
            workload.mounts = [("/tmp", target)]
            let hostile = workload
            #expect(throws: SluiceError.self) { try rig.workloads.start(hostile) }
            #expect(!RootFolder.isFolder("\(rig.folder)/a/evil") && !RootFolder.isFolder("\(rig.folder)/a/b/m/upper"))
        }
    }

    /// More programs than all queues together have threads.
    @Test func othersWorkWhileManyRun() async throws {
        try await WorkloadRig.with { rig in
            let runs = try (0..<120).map { _ in try rig.workloads.start(plain(rig, "exec sleep 100")) }
            let database = try await ResourceStore.open("\(rig.folder)/free.sqlite")
            #expect(runs.allSatisfy { $0.ended == nil })
            await database.close()
            for run in runs { run.stop() }
            for run in runs { #expect(await run.end().reason == .stopped) }
        }
    }

    @Test func whatCannotBeStartedSaysSo() async throws {
        try await WorkloadRig.with { rig in
            let image = try await Self.shell(rig, user: "")
            var workload = Workload(["/no/such"], folder: "\(rig.folder)/none", image: image)
            workload.grace = .zero
            let end = try await rig.workloads.start(workload).end()
            #expect(end.code == 127)
            #expect(WorkloadLog("\(workload.folder)/log").all().contains { $0.text.contains("/no/such") })
        }
    }

    @Test func aLaterEmulatorEndsWhatAKilledOneLeft() async throws {
        try await WorkloadRig.with { rig in
            let home = try rig.workloads.home("jobs")
            var workload = Workload(["/bin/sleep", "60"], folder: "\(home)/left")
            workload.environment = ["PATH": "/bin"]
            let run = try rig.workloads.start(workload)
            _ = try Workloads(EmulatorFolder(rig.folder), rig.registry)
            #expect(await run.end().code == 137)
        }
    }
}
