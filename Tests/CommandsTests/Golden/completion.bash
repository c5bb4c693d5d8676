# bash completion for sluice. Load it with:  source <(sluice completion bash)
# or for good:  sluice completion bash > ~/.local/share/bash-completion/completions/sluice

_sluice() {
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

complete -o default -F _sluice sluice
