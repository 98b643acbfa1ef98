# arl for fish 3.5 and later: arl init fish | source, in ~/.config/fish/config.fish.

# Returns 0 if arl set this variable: it is global, not exported and not empty. An exported one came
# from the environment, perhaps through a tool such as direnv after this script ran.
function __arl_is_own
    set --local name $argv[1]
    set --query --global $name
    and not set --query --export $name
    and test -n "$$name"
end

function arl --description 'Assume AWS IAM roles'
    # A trace must not show the evaluated statements.
    set --local fish_trace
    set --local verb ''
    set --local eval_output yes
    set --local from_original yes
    set --local skip ''
    set --local back ''
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
                set from_original ''
            case '-h*' '-v*h*' '-q*h*' --help --json --format '--format=*' --show --shell '--shell=*'
                set eval_output ''
            case -
                test "$verb" = assume; and set back yes
            case '-*'
            case '*'
                test -n "$verb"; or set verb $word
        end
    end
    # `arl assume -`: replaces `-` with the arguments of the previous role or, if the shell has no role now,
    # of the most recent role.
    if test -n "$back"
        set --local memory __arl_last
        test -n "$ARL_KEY_ID" -a "$AWS_ACCESS_KEY_ID" = "$ARL_KEY_ID"; and set memory __arl_previous
        # Without them arl itself reports that there is no role to go back to.
        if __arl_is_own $memory
            set --local rest
            for word in $argv
                switch $back:$word
                    case yes:assume
                        set back assume
                    case assume:-
                        set back found
                    case '*'
                        set --append rest $word
                end
            end
            set argv $$memory $rest
        end
    end
    switch "$verb"
        case assume exec each write explain console
        case '*'
            set from_original ''
    end
    # Without a ROLE, `console` is for the role that the shell has.
    if test "$verb" = console; and __arl_has_memory "$from_original"
        command arl $argv --names-role >/dev/null 2>&1
        or set from_original ''
    end
    if test -n "$eval_output"; and contains -- "$verb" assume clear
        # A variable that is assigned before the command, or is local to a function that calls this one, would
        # hide what arl sets. `arl clear` would put back a value that the shell itself never had.
        for name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION
            set --show $name | string match --quiet '*: set in local scope*'
            or continue
            set --local flag --profile
            string match --quiet '*REGION' $name
            and set flag --region
            echo "arl: $name is set only for this command, so the shell would undo the changes of arl when the command ends; use $flag, or export the variable first" >&2
            return 2
        end
        # A list of lines, because `string collect` would hide the status.
        set --local lines (__arl_call "$from_original" $argv)
        or return
        # The text starts with a check for universal variables. Evaluate it alone first, so that the shell
        # keeps its role if the check fails.
        if test "$verb" = assume; and set --local question (contains --index -- end $lines)
            string join -- \n $lines[1..$question] | source
            or return
        end
        __arl_use_original_env "$from_original" -g
        string join -- \n $lines | source
    else if test "$verb" = status
        # Tells arl whether the hook is in place.
        set --local --export ARL_HOOK none
        functions --query __arl_hook
        and set ARL_HOOK prompt
        status is-interactive
        or set ARL_HOOK script
        command arl $argv
    else
        __arl_call "$from_original" $argv
    end
end

# Runs arl in the environment from before the role. A substitution in fish is not a subshell, so this sets the
# original values in variables of the function.
function __arl_call
    set --function from_original $argv[1]
    set --erase argv[1]
    if __arl_has_memory "$from_original"
        set --function __arl_scope -f
        eval $__arl_restore
    end
    set --function --export ARL_SHELL fish
    command arl $argv
end

# Restores the environment from before the role.
function __arl_use_original_env
    if __arl_has_memory $argv[1]
        set --function __arl_scope $argv[2]
        eval $__arl_restore
    end
    # Erasing a variable that does not exist is not a failure.
    true
end

# Returns 0 if the original environment may be restored: the user has not chosen another source since.
function __arl_has_memory
    test -n "$argv[1]"
    and __arl_is_own __arl_restore
    and test -z "$AWS_PROFILE$AWS_DEFAULT_PROFILE$AWS_WEB_IDENTITY_TOKEN_FILE"
    and test -z "$AWS_CONTAINER_CREDENTIALS_FULL_URI$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    and test -z "$AWS_ACCESS_KEY_ID" -o "$AWS_ACCESS_KEY_ID" = "$ARL_KEY_ID"
end

# Runs at each prompt and clears an expired role. It forks nothing, and fish keeps $status.
function __arl_hook --on-event fish_prompt
    string match --quiet --regex -- '^[0-9]{1,15}$' "$ARL_EXPIRES_AT"
    or return
    # A trace must not show the evaluated statements. A function that is called from here must not set this
    # again, because fish would trace once that function returns.
    set --local fish_trace
    # fish has no clock variable. The time of a file plus its age is the current time. Each substitution costs
    # 50 µs.
    set --local times (path mtime /; path mtime --relative /)
    set --local now (math $times[1] + $times[2])
    test $now -lt $ARL_EXPIRES_AT
    or __arl_expired $now
end

# Runs before each command, for a terminal that sat idle. It does not clear an expired role, because the
# command that was already typed would then run as another identity.
function __arl_preexec --on-event fish_preexec
    string match --quiet --regex -- '^[0-9]{1,15}$' "$ARL_EXPIRES_AT"
    or return
    set --local fish_trace
    set --local times (path mtime /; path mtime --relative /)
    set --local now (math $times[1] + $times[2])
    if test $now -ge $ARL_EXPIRES_AT; and test -n "$ARL_KEY_ID" -a "$AWS_ACCESS_KEY_ID" = "$ARL_KEY_ID"
        if not __arl_renew; and test "$__arl_warned" != "$ARL_EXPIRES_AT"
            set --global __arl_warned $ARL_EXPIRES_AT
            test "$ARL_ON_EXPIRY" = restore
            and __arl_is_own __arl_restore
            and __arl_notice $now 'the next prompt puts back your previous credentials'
            or __arl_notice $now 'the next prompt clears its credentials'
        end
    end
end

# Clears, restores, or renews an expired role. The argument is the current time; without it the function only
# clears, without a message.
function __arl_expired
    if test -z "$ARL_KEY_ID" -o "$AWS_ACCESS_KEY_ID" != "$ARL_KEY_ID"
        # The user loaded other keys, which arl does not touch. `arl clear --expired` removes the rest of the
        # role.
        __arl_region_back
        set --local lines (ARL_SHELL=fish command arl clear --expired --quiet 2>/dev/null)
        and string join -- \n $lines | source
        for name in ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION __arl_refresh
            set --erase --global $name
        end
        test -z "$AWS_ACCESS_KEY_ID"
        or set --erase --global __arl_restore
    else if test -n "$argv[1]"; and __arl_renew
        return
    else if test "$ARL_ON_EXPIRY" = restore -a -n "$argv[1]"; and __arl_is_own __arl_restore
        __arl_notice $argv[1] 'your previous credentials are back'
        set --local __arl_scope -g
        eval $__arl_restore
        set --erase --global __arl_restore
        set --erase --global __arl_refresh
        set --erase --global __arl_region
    else
        test -z "$argv[1]"
        or __arl_notice $argv[1] 'its credentials were cleared'
        __arl_region_back
        # These are the variables that `assume` sets. AWS_PROFILE is not one: its value is a later choice.
        for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID \
            ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION
            # Use --global, because a bare `set --erase` can erase a universal variable.
            set --erase --global $name
        end
    end
end

# If the region is still the one that arl set, restores the earlier one. A child shell does not know the
# earlier region and only erases the one that arl set.
function __arl_region_back
    set --local __arl_scope -g
    if __arl_is_own __arl_region
        eval $__arl_region
    else if test -n "$ARL_REGION"
        test "$AWS_REGION" != "$ARL_REGION"
        or set --erase --global AWS_REGION
        test "$AWS_DEFAULT_REGION" != "$ARL_REGION"
        or set --erase --global AWS_DEFAULT_REGION
    end
    set --erase --global __arl_region
end

# Assumes the same role again if ARL_ON_EXPIRY asks for it. arl tries once and does not repeat a failure at
# every prompt.
function __arl_renew
    test "$ARL_ON_EXPIRY" = refresh
    and __arl_is_own __arl_refresh
    or return
    set --local lines (__arl_call yes $__arl_refresh --quiet --within 5s)
    and __arl_use_original_env yes -g
    and string join -- \n $lines | source
    or set --erase --global __arl_refresh
    test -n "$__arl_refresh"
end

function __arl_notice
    set --local name 'a role'
    if string match --quiet --regex -- '^[[:graph:]]+$' "$ARL_ROLE_ARN"
        set --local parts (string split -- : $ARL_ROLE_ARN)
        set --local role (string split --right --max 1 -- / $ARL_ROLE_ARN)[-1]
        set name "role/$role in $parts[5]"
        # Also show ARL_ROLE, unless it is only the account and the name of the role.
        if string match --quiet --regex -- '^[[:graph:] ]+$' "$ARL_ROLE"; and test "$ARL_ROLE" != "$parts[5]/$role"
            set name "$ARL_ROLE ($name)"
        end
    else if string match --quiet --regex -- '^[[:graph:] ]+$' "$ARL_ROLE"
        set name $ARL_ROLE
    end
    set --local ago "expired "(math --scale 0 "($argv[1] - $ARL_EXPIRES_AT) / 60")"m ago"
    test "$ago" != 'expired 0m ago'
    or set ago 'just expired'
    echo "arl: $name $ago; $argv[2]" >&2
end

# At start, a role that expired earlier is cleared without a message, because a new shell may print nothing.
if status is-interactive
    and string match --quiet --regex -- '^[0-9]{1,15}$' "$ARL_EXPIRES_AT"
    and test (math (path mtime /) + (path mtime --relative /)) -ge $ARL_EXPIRES_AT
    __arl_expired
end
