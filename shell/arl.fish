# arl for fish 3.5 and later: arl init fish | source, in ~/.config/fish/config.fish.

# Tells whether the text in a variable is arl's: only a global variable that is not exported. An exported one came from
# the environment, perhaps after this script ran, by a tool such as direnv.
function __arl_is_own
    set --local name $argv[1]
    set --query --global $name
    and not set --query --export $name
    and test -n "$$name"
end

function arl --description 'Assume AWS IAM roles'
    # No trace may show what is evaluated.
    set --local fish_trace
    set --local verb ''
    set --local apply yes
    set --local back yes
    set --local skip ''
    for word in $argv
        if test -n "$skip"
            set skip ''
            continue
        end
        switch $word
            case --
                break
            case --color
                test -n "$verb"; or set skip yes
            case --chain
                set back ''
            case '-h*' '-v*h*' '-q*h*' --help --json --format '--format=*' --show --shell '--shell=*'
                set apply ''
            case '-*'
            case '*'
                test -n "$verb"; or set verb $word
        end
    end
    switch "$verb"
        case assume exec each write explain console
        case '*'
            set back ''
    end
    if test -n "$apply"; and contains -- "$verb" assume clear
        # The text in lines, since `string collect` would hide the status.
        set --local lines (__arl_call "$back" $argv)
        or return
        # What cannot be hidden must not cost the shell the role that it has: the text begins with that question.
        if test "$verb" = assume; and set --local question (contains --index -- end $lines)
            string join -- \n $lines[1..$question] | source
            or return
        end
        __arl_before "$back" -g
        string join -- \n $lines | source
    else
        __arl_call "$back" $argv
    end
end

# Calls arl as if the role of this shell were not there: a substitution is no subshell in fish, so what was
# here before is put into variables of this function.
function __arl_call
    set --function back $argv[1]
    set --erase argv[1]
    if __arl_has_memory "$back"
        set --function __arl_scope -f
        eval $__arl_restore
    end
    set --function --export ARL_SHELL fish
    command arl $argv
end

# Puts back what was here before a role.
function __arl_before
    if __arl_has_memory $argv[1]
        set --function __arl_scope $argv[2]
        eval $__arl_restore
    end
    # A variable that is not there any more is no failure.
    true
end

# Whether what was here before may be put back: not if another source was chosen since.
function __arl_has_memory
    test -n "$argv[1]"
    and __arl_is_own __arl_restore
    and test -z "$AWS_PROFILE$AWS_DEFAULT_PROFILE$AWS_WEB_IDENTITY_TOKEN_FILE"
    and test -z "$AWS_CONTAINER_CREDENTIALS_FULL_URI$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    and test -z "$AWS_ACCESS_KEY_ID" -o "$AWS_ACCESS_KEY_ID" = "$ARL_KEY_ID"
end

# At the prompt: clears a role that has expired. Forks nothing; fish keeps $status.
function __arl_hook --on-event fish_prompt
    string match --quiet --regex -- '^[0-9]{1,15}$' "$ARL_EXPIRES_AT"
    or return
    # fish has no clock variable; a file's time plus its age is the time now. Each substitution costs 50 µs.
    set --local times (path mtime /; path mtime --relative /)
    set --local now (math $times[1] + $times[2])
    test $now -lt $ARL_EXPIRES_AT
    or __arl_expired $now
end

# Before a command: the terminal that sat idle. Nothing is cleared here, or the command that is already typed
# would run as somebody else.
function __arl_preexec --on-event fish_preexec
    string match --quiet --regex -- '^[0-9]{1,15}$' "$ARL_EXPIRES_AT"
    or return
    set --local times (path mtime /; path mtime --relative /)
    set --local now (math $times[1] + $times[2])
    if test $now -ge $ARL_EXPIRES_AT; and test -n "$ARL_KEY_ID" -a "$AWS_ACCESS_KEY_ID" = "$ARL_KEY_ID"
        if not __arl_renew; and test "$__arl_warned" != "$ARL_EXPIRES_AT"
            set --global __arl_warned $ARL_EXPIRES_AT
            test "$ARL_ON_EXPIRY" = restore
            and __arl_is_own __arl_restore
            and __arl_say $now 'the next prompt puts back what was here before'
            or __arl_say $now 'the next prompt clears its credentials'
        end
    end
end

# Says nothing without the time.
function __arl_expired
    set --local fish_trace
    if test -z "$ARL_KEY_ID" -o "$AWS_ACCESS_KEY_ID" != "$ARL_KEY_ID"
        # Other keys were loaded since: those are not arl's to clear. arl knows what else a role has left.
        set --local lines (ARL_SHELL=fish command arl clear --expired --quiet 2>/dev/null)
        and string join -- \n $lines | source
        __arl_region_back
        for name in ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE __arl_refresh
            set --erase --global $name
        end
        test -z "$AWS_ACCESS_KEY_ID"
        or set --erase --global __arl_restore
    else if test -n "$argv[1]"; and __arl_renew
        return
    else if test "$ARL_ON_EXPIRY" = restore -a -n "$argv[1]"; and __arl_is_own __arl_restore
        __arl_say $argv[1] 'what was here before is back'
        set --local __arl_scope -g
        eval $__arl_restore
        set --erase --global __arl_restore
        set --erase --global __arl_refresh
        set --erase --global __arl_region
    else
        test -z "$argv[1]"
        or __arl_say $argv[1] 'its credentials were cleared'
        # What `assume` has set. A profile chosen since is the person's.
        for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID \
            ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE
            # Always --global: a bare `set --erase` would reach for a universal variable.
            set --erase --global $name
        end
        __arl_region_back
    end
end

# Puts back the region from before the role, if it is still the role's.
function __arl_region_back
    set --local __arl_scope -g
    __arl_is_own __arl_region
    and eval $__arl_region
    set --erase --global __arl_region
end

# Assumes the same role again, if that is wished for. Tried once: a failure is not repeated at every prompt.
function __arl_renew
    test "$ARL_ON_EXPIRY" = refresh
    and __arl_is_own __arl_refresh
    or return
    set --local fish_trace
    set --local lines (__arl_call yes $__arl_refresh --quiet --within 5s)
    and __arl_before yes -g
    and string join -- \n $lines | source
    or set --erase --global __arl_refresh
    test -n "$__arl_refresh"
end

function __arl_say
    set --local name 'a role'
    if string match --quiet --regex -- '^[[:graph:]]+$' "$ARL_ROLE_ARN"
        set --local parts (string split -- : $ARL_ROLE_ARN)
        set name "role/"(string split --right --max 1 -- / $ARL_ROLE_ARN)[-1]" in $parts[5]"
    end
    echo "arl: $name expired "(math --scale 0 "($argv[1] - $ARL_EXPIRES_AT) / 60")"m ago; $argv[2]" >&2
end

# A role that was over before this shell began is no news, and nothing may be printed at start.
if status is-interactive
    and string match --quiet --regex -- '^[0-9]{1,15}$' "$ARL_EXPIRES_AT"
    and test (math (path mtime /) + (path mtime --relative /)) -ge $ARL_EXPIRES_AT
    __arl_expired
end
