import Glibc
import Runs
import Support
import Synchronization
import Testing

private func lines(_ path: String) -> [String] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
}

@Suite struct RunLogTests {
    @Test func everyLineIsAnObjectOfItsOwn() {
        let folder = Folder()
        let path = folder.path + "/a/b/run.ndjson"
        let log = RunLog(path: path, run: "r1", job: "orders") { _ in Issue.record("the log failed") }
        log.write(.info, "staged", "1,000 rows\nin \"1\" file", ["rows": .number(1000), "none": nil])
        log.write(.error, "failed", "no")
        let found = lines(path)
        #expect(found.count == 2)
        #expect(
            found[0].hasSuffix(
                #""level":"info","run":"r1","job":"orders","event":"staged","message":"1,000 rows\nin \"1\" file","rows":1000}"#
            ))
        #expect(found[0].prefixMatch(of: /\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",/) != nil)
    }

    @Test func aSecondProcessGoesOnBehindTheFirst() {
        let folder = Folder()
        let path = folder.path + "/run.ndjson"
        for _ in 0..<2 { RunLog(path: path, run: "r", job: "j") { _ in }.write(.info, "a", "b") }
        #expect(lines(path).count == 2)
    }

    @Test func linesOfManyTasksDoNotMix() async {
        let folder = Folder()
        let path = folder.path + "/run.ndjson"
        let log = RunLog(path: path, run: "r", job: "j") { _ in }
        let text = String(repeating: "x", count: 10_000)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<20 { log.write(.debug, "a", text) } }
            }
        }
        let found = lines(path)
        #expect(found.count == 160)
        #expect(found.allSatisfy { $0.hasPrefix("{\"time\"") && $0.hasSuffix("x\"}") })
    }

    @Test(arguments: ["/proc/nothing/run.ndjson", "/dev/full"])
    func aLogThatCannotBeWrittenIsToldOnce(path: String) {
        let told = Mutex<[String]>([])
        let log = RunLog(path: path, run: "r", job: "j") { error in told.withLock { $0.append("\(error)") } }
        for _ in 0..<3 { log.write(.info, "a", "b") }
        #expect(told.withLock { $0.count } == 1)
        #expect(told.withLock { $0.first }?.hasPrefix("\(path): the run's log cannot be written: ") == true)
    }

    @Test func secretsDoNotGetIntoIt() {
        let folder = Folder()
        let path = folder.path + "/run.ndjson"
        let heard = Mutex<[RunLog.Entry]>([])
        let log = RunLog(
            path: path, run: "r", job: "j", listener: { entry in heard.withLock { $0.append(entry) } }, failed: { _ in }
        )
        Redactor.shared.protect("s3cr\"et")
        log.write(.info, "a", "it is s3cr\"et", ["password": "x", "url": "db://me:s3cr\"et@host"])
        let line = lines(path).first ?? ""
        #expect(!line.contains("s3cr"))
        #expect(line.hasSuffix(#""message":"it is ***","password":"***","url":"db://me:***@host"}"#))
        #expect(heard.withLock { $0.first?.message } == "it is ***")
    }

    @Test func levelsHaveAnOrder() {
        #expect(RunLog.Level.allCases == RunLog.Level.allCases.sorted())
        #expect(RunLog.Level.debug < .info && RunLog.Level.warning < .error)
    }
}
