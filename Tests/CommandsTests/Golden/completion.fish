# fish completion for sluice. Load it with:  sluice completion fish | source
# or for good:  sluice completion fish > ~/.config/fish/completions/sluice.fish

function __sluice_complete
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

complete -c sluice -f -a '(__sluice_complete)'
