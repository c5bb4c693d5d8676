// A program for the tests of platforms: it stands in for `sluice`, watches as that does, and does what its words say.
//
//     Specimen print TEXT exit N · sleep SECONDS · stubborn · fill BYTES · litter FILES · fails FILE TIMES · variable NAME · which-run

import Glibc
import Platforms

// Whoever reads along sees each line at once.
func say(_ text: String) {
    print(text)
    fflush(nil)
}
var words = Array(CommandLine.arguments.dropFirst())
if words.first == LocalPlatform.watchWord {
    var environment: [String: String] = [:]
    var next = environ
    while let line = next.pointee {
        let parts = String(cString: line).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { environment[String(parts[0])] = String(parts[1]) }
        next += 1
    }
    _ = try? LocalPlatform(folder: "").watcher(Array(words.dropFirst()), environment: environment)?.watch()
    exit(0)
}
while !words.isEmpty {
    let word = words.removeFirst()
    func argument() -> String { words.isEmpty ? "" : words.removeFirst() }
    switch word {
    case "print": say(argument())
    case "which-run": say(getenv(RunRequest.idVariable).map { String(cString: $0) } ?? "none")
    case "variable": say(getenv(argument()).map { String(cString: $0) } ?? "none")
    case "fails":
        // FILE TIMES: fails so often, counting in a file.
        let (path, times) = (argument(), Int(argument()) ?? 0)
        if let file = fopen(path, "a+") {
            fputs("x", file)
            let count = ftell(file)
            fclose(file)
            if count <= times { exit(1) }
        }
    case "sleep": usleep(UInt32((Double(argument()) ?? 0) * 1e6))
    case "stubborn": signal(SIGINT, SIG_IGN)
    case "litter":
        let folder = (getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp") + "/litter"
        mkdir(folder, 0o700)
        for number in 0..<(Int(argument()) ?? 0) { close(creat("\(folder)/\(number)", 0o600)) }
    case "fill":
        let count = Int(argument()) ?? 0
        memset(malloc(count), 1, count)
    case "die":
        kill(getpid(), SIGKILL)
        // The first process of a container cannot kill itself; this is what is told of one that was killed.
        exit(137)
    case "exit": exit(Int32(argument()) ?? 1)
    default: exit(64)
    }
}
