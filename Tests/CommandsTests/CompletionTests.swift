import CommandLine
import Glibc
import Testing

@testable import Commands

private let hasShell: @Sendable (Shell) -> Bool = { shell in
    ["/bin", "/usr/bin", "/usr/local/bin"].contains { access("\($0)/\(shell.rawValue)", X_OK) == 0 }
}

/// Runs a script in a shell beside a stand-in for `sluice` that answers as the real one would: it is handed every word
/// it was called with, and the test's files hold what it says.
private func answer(of shell: Shell, to script: String, after preparation: String = "") throws -> String {
    let folder = "/tmp/sluice-completion-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    try #require(mkdir(folder, 0o700) == 0)
    defer {
        for name in ["sluice", "script", "answer", "asked"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
    try write(
        """
        #!/bin/sh
        for word in "$@"; do printf '[%s]' "$word" >> "\(folder)/asked"; done
        for word in "$@"; do last=$word; done
        case "$last" in
            f*) printf ':files\\n' ;;
            d*) printf ':folders\\n' ;;
            --codec=*) printf -- '--codec=zstd\\n--codec=zip\\n:\\n' ;;
            *) printf 'convert\\tTurn files: into others\\ninspect\\tLook\\n:\\n' ;;
        esac

        """, to: "\(folder)/sluice", mode: 0o700)
    let path = shell == .fish ? "set -x PATH \(folder) $PATH" : "PATH=\(folder):$PATH"
    let session = [path, preparation, shell.completionScript(for: "sluice"), script, ""].joined(separator: "\n")
    try write(session, to: "\(folder)/script", mode: 0o600)
    let options = shell == .bash ? "--norc --noprofile" : shell == .zsh ? "-f" : "--no-config"
    #expect(system("\(shell.rawValue) \(options) \(folder)/script > \(folder)/answer 2>&1 < /dev/null") == 0)
    let asked = Golden.contents(of: "\(folder)/asked") ?? ""
    return (Golden.contents(of: "\(folder)/answer") ?? "") + "asked \(asked)\n"
}

private func write(_ text: String, to path: String, mode: mode_t) throws {
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
    chmod(path, mode)
}

@Suite struct CompletionTests {
    @Test(arguments: Shell.allCases)
    func theScriptIsPrinted(shell: Shell) async {
        let run = await Run.line("completion \(shell.rawValue)")
        #expect(run.code == .succeeded)
        Golden.check(run.output, "completion.\(shell.rawValue)")
    }

    @Test func theProgramAnswersTheScripts() async {
        #expect(await Run.words(["__complete", "--", "completion", ""]).output == "bash\nzsh\nfish\n:\n")
        #expect(await Run.words(["__complete", "--", "--vers"]).output == "--version\tWhich version this is\n:\n")
        #expect(await Run.words(["__complete", "--", "-C", ""]).output == ":folders\n")
        #expect(await Run.words(["__complete"]).code == .succeeded)
    }

    @Test(.enabled(if: hasShell(.bash), "skipped: no bash"))
    func bashCompletes() throws {
        let session = """
            compopt() { echo "compopt $*"; }
            complete_line() {
                COMP_LINE=$1 COMP_POINT=${#1}
                shift
                COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
                local cur=${COMP_WORDS[COMP_CWORD]}
                [[ $cur == = ]] && cur=
                _sluice sluice "$cur"
                printf '<%s>' "${COMPREPLY[@]}"; echo
            }
            complete_line 'sluice ' sluice ''
            complete_line 'sluice convert --codec=z' sluice convert --codec = z
            complete_line 'sluice convert --codec=' sluice convert --codec =
            complete_line 'sluice inspect az://f' sluice inspect az : //f
            complete_line 'sluice inspect d' sluice inspect d
            complete_line 'sluice inspect f' sluice inspect f
            complete -p sluice
            """
        #expect(
            try answer(of: .bash, to: session) == """
                compopt +o default
                <convert><inspect>
                compopt +o default
                <zstd><zip>
                compopt +o default
                <zstd><zip>
                compopt +o default
                <convert><inspect>
                compopt +o default -o dirnames
                <>
                compopt -o default
                <>
                complete -o default -F _sluice sluice
                asked [__complete][--][][__complete][--][convert][--codec=z][__complete][--][convert][--codec=]\
                [__complete][--][inspect][az://f][__complete][--][inspect][d][__complete][--][inspect][f]

                """)
    }

    @Test(.enabled(if: hasShell(.zsh), "skipped: no zsh"))
    func zshCompletes() throws {
        // The functions that zsh's own completion system would bring.
        let session = """
            _describe() { local name=${@[-1]}; print -rl -- describe "${(P@)name}"; }
            _files() { print -r -- "files $*"; }
            compset() { print -r -- "compset $*"; }
            complete_words() { words=("$@"); CURRENT=$#; PREFIX=${words[-1]}; _sluice; }
            complete_words sluice ''
            complete_words sluice convert --codec=z
            complete_words sluice inspect "d'x"
            complete_words sluice inspect f
            """
        #expect(
            try answer(of: .zsh, to: session, after: #"compdef() { print -r -- "compdef $*"; }"#) == """
                compdef _sluice sluice
                describe
                convert:Turn files: into others
                inspect:Look
                describe
                --codec=zstd
                --codec=zip
                files -/
                files\u{20}
                asked [__complete][--][][__complete][--][convert][--codec=z][__complete][--][inspect][d'x][__complete][--][inspect][f]

                """)
    }

    @Test(.enabled(if: hasShell(.fish), "skipped: no fish"))
    func fishCompletes() throws {
        let session = """
            complete -C 'sluice '
            complete -C 'sluice insp'
            complete -C 'sluice convert --codec=z'
            """
        #expect(
            try answer(of: .fish, to: session) == """
                convert\tTurn files: into others
                inspect\tLook
                inspect\tLook
                --codec=zip
                --codec=zstd
                asked [__complete][--][][__complete][--][insp][__complete][--][convert][--codec=z]

                """)
    }
}
