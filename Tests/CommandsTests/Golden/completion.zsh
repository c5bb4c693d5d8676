#compdef sluice
# zsh completion for sluice. Load it with:  source <(sluice completion zsh)
# or for good, as a file called _sluice in a folder of $fpath.

_sluice() {
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
    (( ${#described} )) && _describe -V 'sluice' described
    if [[ $kind == :files || $kind == :folders ]]; then
        [[ $PREFIX == --*=* ]] && compset -P '*='
        if [[ $kind == :files ]]; then _files; else _files -/; fi
    fi
}

if [[ $funcstack[1] == _sluice ]]; then
    _sluice "$@"
else
    compdef _sluice sluice
fi
