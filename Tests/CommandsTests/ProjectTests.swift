import Glibc
import Support
import Testing

@testable import Commands

@Suite struct ProjectCommandTests {
    private static let shop = """
        project: shop
        variables: { where: here }
        connections:
          db: { protocol: postgres, host: "${env.SHOP_HOST}", database: "${var.where}" }
        jobs:
          orders: { kind: ingest, from: db, table: orders }
        environments:
          prod: { variables: { where: there } }

        """

    @Test func aProjectIsFoundFromAFolderBelow() async {
        let folder = Folder()
        folder.write("project: p\n", to: "sluice.yaml")
        folder.write("", to: "a/b/c.txt")
        let run = await Run.line("validate", in: folder.path + "/a/b")
        #expect(run.output == "../../sluice.yaml is valid: 0 connections, 0 jobs, 0 environments\n")
        #expect(run.code == .succeeded)
    }

    @Test(arguments: ["sluice.yml", "sluice.json"])
    func otherNamesAreFoundToo(name: String) async {
        let folder = Folder()
        folder.write("{\"project\": \"p\"}", to: name)
        #expect(await Run.line("validate", in: folder.path).output.hasPrefix("\(name) is valid"))
        folder.write("project: p\n", to: "sluice.yaml")
        let both = await Run.line("validate", in: folder.path)
        #expect(both.output.hasPrefix("sluice.yaml is valid"))
        #expect(both.messages.hasPrefix("\(name):1:1: warning: \"\(name)\" is not read"))
    }

    @Test func withoutAProjectTheRemedyIsNamed() async {
        let folder = Folder()
        let run = await Run.line("validate --json", in: folder.path)
        #expect(run.code == .invalidConfiguration)
        #expect(run.messages.contains("no sluice.yaml is here, or in any folder above"))
        #expect(run.messages.contains("hint: Run 'sluice init'"))
        #expect(run.output.contains("\"exitCode\": 4"))
    }

    @Test func everyProblemIsShownAtOnceWithItsLine() async {
        let folder = Folder()
        folder.write(
            """
            project: shop
            lakee: ./x
            connections:
              db: { protocol: postgers, host: x, password: hunter2 }
              other: { protocol: postgres, prot: 1, port: 99999 }
            jobs:
              orders: { kind: ingest, from: dbb, mode: upsert }
              late: { kind: ingest, from: other, table: t, retry_wait: soon, after: [orders, nobody] }
              both: { kind: ingest, from: other, table: t, query: q }
            environments:
              prod: { lake: [1] }

            """, to: "sluice.yaml")
        folder.write("A=1\nnonsense secret\n", to: ".env")
        let run = await Run.line("validate", in: folder.path)
        Golden.check(run.transcript, "validate-problems.txt")
        #expect(!run.messages.contains("hunter2"))
        #expect(!run.messages.contains("nonsense"))
        Golden.check(await Run.line("validate --json", in: folder.path).output, "validate-problems.json")
    }

    @Test func theEnvironmentWinsOverDotEnv() async {
        let folder = Folder()
        folder.write(Self.shop, to: "sluice.yaml")
        let missing = await Run.line("validate -e prod", in: folder.path)
        #expect(missing.code == .invalidConfiguration)
        #expect(missing.messages.contains("4:35: error: the environment variable SHOP_HOST is not set"))
        folder.write("SHOP_HOST=a\n", to: ".env")
        #expect(await Run.line("validate -e prod", in: folder.path).code == .succeeded)
        #expect(
            await Run.line("validate", in: folder.path, environment: ["SLUICE_ENVIRONMENT": "prdo"]).messages.contains(
                "no environment is called \"prdo\""))
    }

    /// An environment may name what is only set where it is used.
    @Test func whatIsSetElsewhereIsAWarningWhenAllAreChecked() async {
        let folder = Folder()
        folder.write(Self.shop, to: "sluice.yaml")
        let run = await Run.line("validate", in: folder.path)
        #expect(run.code == .succeeded)
        #expect(run.output == "sluice.yaml is valid: 1 connection, 1 job, 1 environment\n")
        #expect(run.messages.contains("4:35: warning: the environment variable SHOP_HOST is not set"))
    }

    @Test func aProblemOfOneEnvironmentNamesIt() async {
        let folder = Folder()
        folder.write(Self.shop + "  test: { connections: { db: { protocol: sqlite } } }\n", to: "sluice.yaml")
        let run = await Run.line("validate", in: folder.path, environment: ["SHOP_HOST": "x"])
        #expect(run.code == .invalidConfiguration)
        #expect(run.messages.contains("error: in the environment test, \"host\" is not known in connection"))
    }

    @Test func aVariableThatNothingAsksForIsAWarning() async {
        let folder = Folder()
        folder.write(Self.shop, to: "sluice.yaml")
        let run = await Run.line(
            "validate --var where=x --var wher=y", in: folder.path, environment: ["SHOP_HOST": "x"])
        #expect(run.messages.contains("warning: --var wher=… changes nothing"))
        #expect(!run.messages.contains("--var where="))
        #expect(await Run.line("validate --var x", in: folder.path).code == .usage)
    }

    @Test func aFileThatIsNoTextIsRefused() async {
        let folder = Folder()
        _ = system("printf 'project: \\377\\n' > '\(folder.path)/sluice.yaml'")
        let run = await Run.line("validate", in: folder.path)
        #expect(run.code == .invalidConfiguration)
        #expect(run.messages.hasPrefix("error: sluice.yaml: the text is not UTF-8"))
    }
}

@Suite struct InitTests {
    @Test func whatItWritesIsValid() async {
        let folder = Folder()
        let run = await Run.line("init My.Shop", in: folder.path)
        #expect(run.code == .succeeded)
        #expect(
            run.output == """
                wrote My.Shop/sluice.yaml
                wrote My.Shop/data/orders-1.csv
                wrote My.Shop/data/customers.ndjson
                wrote My.Shop/.gitignore
                wrote My.Shop/.sluice/schema.json

                """)
        #expect(run.messages.contains("  cd My.Shop\n  sluice validate\n  sluice run orders customers\n"))
        #expect(folder.read("My.Shop/sluice.yaml")?.contains("\nproject: my-shop\n") == true)
        #expect(await Run.line("validate -C My.Shop", in: folder.path).messages.isEmpty)
        #expect(folder.read("My.Shop/.sluice/schema.json") == (await Run.line("schema").output))
    }

    @Test func nothingThatIsThereIsTouched() async {
        let folder = Folder()
        folder.write("mine", to: "data/orders-1.csv")
        let run = await Run.line("init", in: folder.path)
        #expect(run.code == .invalidConfiguration)
        #expect(run.messages.hasPrefix("error: data/orders-1.csv: is there already; nothing was written\n"))
        #expect(folder.read("data/orders-1.csv") == "mine")
        #expect(folder.read("sluice.yaml") == nil)
    }

    @Test func aGitignoreThatIsThereStays() async {
        let folder = Folder()
        folder.write("build/\n.env\n", to: ".gitignore")
        let run = await Run.line("init --json", in: folder.path)
        #expect(run.code == .succeeded)
        #expect(folder.read(".gitignore") == "build/\n.env\n")
        #expect(run.messages.contains("add to it: lake/ .sluice/ *.db"))
        #expect(!run.output.contains(".gitignore"))
    }

    @Test(arguments: [
        ("/tmp/shop", "shop"), ("/tmp/My Shop (2)/", "my-shop-2"), ("/tmp/2026", "project-2026"),
        ("/", "shop"), ("/tmp/李", "shop"), ("/tmp/On", "project-on"),
    ])
    func aProjectIsCalledAsItsFolder(folder: String, name: String) {
        #expect(Scaffold.projectName(folder) == name)
    }
}

@Suite struct SourceMaskTests {
    @Test(arguments: [
        ("db: { password: hunter2, port: 1 }", "db: { password: *******, port: 1 }"),
        ("  password: 'two words'", "  password: '*** *****'"),
        ("\"client_secret\": \"x\"", "\"client_secret\": \"*\""),
        ("password: \"${secret.db}\"", "password: \"${secret.db}\""),
        ("key: [id]", "key: [id]"), ("account_key: abc", "account_key: ***"), ("account_key:", "account_key:"),
        ("db: postgres://me:p@ss@host/db", "db: postgres://me:****@host/db"),
        ("db: postgres://host/db", "db: postgres://host/db"), ("x: \"", "x: \""), ("://", "://"), ("", ""),
    ])
    func secretsThatWereWrittenOutAreNotShown(line: String, shown: String) {
        #expect(SourceMask.hidingSecrets(in: line) == shown)
    }
}
