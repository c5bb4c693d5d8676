import Support
import Testing

@testable import Classic

@Suite struct TaskTests {
    private let task = ClassicTask(jobID: "j", taskID: "t-é", inputBlob: "a/b.c.json")

    @Test func theReportTellsOfItsTaskAtTheEnd() async throws {
        let metadata = """
              "task_metadata": {
                "job_id": "j",
                "task_id": "t-é",
                "input_blob": "a/b.c.json",
                "input_container": "batch-input",
                "output_container": "batch-output"
              }
            }
            """
        #expect(try await report("{}", task: task).hasSuffix(",\n" + metadata))
        #expect(try await report("", task: task).hasPrefix("{\n  \"error\": \"JSON parsing failed\","))
        #expect(try await report("", task: task).hasSuffix("\"processed_at\": \"2025-01-17T12:00:00Z\",\n" + metadata))
    }

    @Test(arguments: [
        ("a/b.c.json", "b.c"), ("x", "x"), (".json", ".json"), ("a.", "a."), ("a/", "a"), ("a/.", "a"), ("", ""),
        ("dir.d/file.json", "file"),
    ])
    func namesComeFromTheInput(input: String, stem: String) {
        let task = ClassicTask(inputBlob: input)
        #expect(task.outputName(at: noon) == "processed_\(stem)_20250117_120000.json")
    }

    @Test func logsAreASCII() {
        var counts = ClassicCounts()
        (counts.total, counts.valid, counts.invalid) = (3, 2, 1)
        let end = LocalTime(microseconds: noon.microseconds + 1_234_567)
        let log = task.log(output: "out.json", start: noon, end: end, counts: counts)
        #expect(
            String(decoding: log.bytes, as: UTF8.self) == """
                {
                  "job_id": "j",
                  "task_id": "t-\\u00e9",
                  "input_blob": "a/b.c.json",
                  "output_blob": "out.json",
                  "start_time": "2025-01-17T12:00:00Z",
                  "end_time": "2025-01-17T12:00:01.234567Z",
                  "execution_time_seconds": 1.23,
                  "status": "success",
                  "transactions_processed": 3,
                  "valid_transactions": 2,
                  "invalid_transactions": 1
                }
                """)
        #expect(task.logName(at: noon) == "logs/j/t-é_20250117_120000.json")
    }

    @Test func failuresHaveALogOfTheirOwn() {
        let log = task.failureLog(error: "no \u{1f600}", at: noon)
        #expect(
            String(decoding: log.bytes, as: UTF8.self) == """
                {
                  "job_id": "j",
                  "task_id": "t-\\u00e9",
                  "status": "failed",
                  "error": "no \\ud83d\\ude00",
                  "timestamp": "2025-01-17T12:00:00Z"
                }
                """)
        #expect(task.failureLogName == "logs/errors/j/t-é_error.json")
    }
}
