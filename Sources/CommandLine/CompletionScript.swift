/// A shell that completes command lines.
public enum Shell: String, Sendable, CaseIterable {
    /// GNU bash, 4.4 or later.
    case bash
    /// zsh, 5 or later.
    case zsh
    /// fish, 3 or later.
    case fish

    /// The script that makes this shell complete `program`: it asks the program itself (`program __complete -- WORD…`),
    /// so that what is offered always fits the version that is called.
    public func completionScript(for program: String) -> String {
        let template =
            switch self {
            case .bash: bashTemplate
            case .zsh: zshTemplate
            case .fish: fishTemplate
            }
        var script = ""
        for (index, piece) in template.split(separator: "PROGRAM", omittingEmptySubsequences: false).enumerated() {
            script += (index == 0 ? "" : program) + piece
        }
        return script + "\n"
    }
}

private let bashTemplate = #"""
    # bash completion for PROGRAM. Load it with:  source <(PROGRAM completion bash)
    # or for good:  PROGRAM completion bash > ~/.local/share/bash-completion/completions/PROGRAM

    _PROGRAM() {
        local i word line kind rest=${COMP_LINE:0:COMP_POINT} words=()
        # bash cuts words at "=" and ":"; what no space divides is one word for us.
        rest=${rest#*"${COMP_WORDS[0]}"}
        for ((i = 1; i <= COMP_CWORD; i++)); do
            local divided=
            [[ $i -eq 1 || $rest == [[:space:]]* ]] && divided=1
            rest=${rest#"${rest%%[![:space:]]*}"}
            word=${COMP_WORDS[i]}
            [[ $i -eq COMP_CWORD ]] && word=$rest
            rest=${rest#"$word"}
            if [[ $divided ]]; then words+=("$word"); else words[${#words[@]} - 1]+=$word; fi
        done

        local whole=${words[${#words[@]} - 1]}
        local typed=${whole%"$2"}
        COMPREPLY=()
        while IFS= read -r line; do
            if [[ $line == :* ]]; then
                kind=$line
            else
                line=${line%%$'\t'*}
                COMPREPLY+=("${line#"$typed"}")
            fi
        done < <("${COMP_WORDS[0]}" __complete -- "${words[@]}" 2>/dev/null)

        # Files and folders are left to readline, which knows how to quote them.
        case $kind in
            :files) compopt -o default ;;
            :folders) compopt +o default -o dirnames ;;
            *) compopt +o default ;;
        esac
    }

    complete -o default -F _PROGRAM PROGRAM
    """#

private let zshTemplate = #"""
    #compdef PROGRAM
    # zsh completion for PROGRAM. Load it with:  source <(PROGRAM completion zsh)
    # or for good, as a file called _PROGRAM in a folder of $fpath.

    _PROGRAM() {
        local line kind word help
        local -a lines described
        lines=("${(@f)$("${(Q)words[1]}" __complete -- "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
        for line in "${lines[@]}"; do
            if [[ $line == :* ]]; then
                kind=$line
            elif [[ -n $line ]]; then
                word=${line%%$'\t'*}
                help=${line#"$word"}
                described+=("${word//:/\\:}${help:+:${help#$'\t'}}")
            fi
        done
        (( ${#described} )) && _describe -V 'PROGRAM' described
        if [[ $kind == :files || $kind == :folders ]]; then
            [[ $PREFIX == --*=* ]] && compset -P '*='
            if [[ $kind == :files ]]; then _files; else _files -/; fi
        fi
    }

    if [[ $funcstack[1] == _PROGRAM ]]; then
        _PROGRAM "$@"
    else
        compdef _PROGRAM PROGRAM
    fi
    """#

private let fishTemplate = #"""
    # fish completion for PROGRAM. Load it with:  PROGRAM completion fish | source
    # or for good:  PROGRAM completion fish > ~/.config/fish/completions/PROGRAM.fish

    function __PROGRAM_complete
        set -l words (commandline -opc)
        set -l program $words[1]
        set -e words[1]
        set -l current (commandline -ct)
        set -l kind ''
        for line in ($program __complete -- $words "$current" 2>/dev/null)
            if string match -q ':*' -- $line
                set kind $line
            else
                echo $line
            end
        end
        set -l option (string match -r -- '^--[^=]*=' "$current")
        set -l typed (string replace -r -- '^--[^=]*=' '' "$current")
        if test "$kind" = ':files'
            for path in (__fish_complete_path "$typed")
                echo "$option$path"
            end
        else if test "$kind" = ':folders'
            for path in (__fish_complete_directories "$typed")
                echo "$option$path"
            end
        end
    end

    complete -c PROGRAM -f -a '(__PROGRAM_complete)'
    """#
