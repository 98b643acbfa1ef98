# Completion of arl for fish.

function __arl_complete
    set --local before (commandline --current-process --tokenize --cut-at-cursor)
    # The word as arl would get it. A quote may still be open.
    set --local token (commandline --current-token --cut-at-cursor)
    set --local word $token
    for quote in '' \' \"
        set word (string unescape -- "$token$quote")
        and break
    end
    set --local lines (command arl completions fish --index (count $before) -- $before "$word" 2>/dev/null)
    if test "$lines" = \tfiles
        # Complete as fish does for an unknown command.
        complete --do-complete "'' $token"
    else
        printf '%s\n' $lines
    end
end

# After `--` it is a command of its own.
function __arl_is_command
    contains -- -- (commandline --current-process --tokenize --cut-at-cursor)
end

function __arl_complete_command
    set --local before (commandline --current-process --tokenize --cut-at-cursor)
    set --erase before[1..(contains --index -- -- $before)]
    set --local line (string escape -- $before) (commandline --current-token --cut-at-cursor)
    complete --do-complete (string join -- ' ' $line)
end

complete --command arl --no-files --keep-order --condition 'not __arl_is_command' --arguments '(__arl_complete)'
complete --command arl --no-files --condition __arl_is_command --arguments '(__arl_complete_command)'
