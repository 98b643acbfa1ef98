# shellcheck shell=bash
# arl for bash 3.2 and later: eval "$(arl init bash)" in ~/.bashrc.
#
# The names of all variables start with __arl_, so that a readonly variable of the user's cannot get in the
# way. Every `local` handles its failure, because bash would go on with the next command. No `local` assigns a
# value, because under `set -k` an assignment is not an argument.

# The flags that remove all attributes from a local variable. Under `shopt -s localvar_inherit` (bash 5.0) a
# local variable inherits the attributes of a variable with the same name, and those can change an assigned
# value.
case ${BASH_VERSION-} in
    [1-4].*) __arl_no_attributes=+x ;;
    *) __arl_no_attributes=+xilun ;;
esac

# arl evaluates the text of some variables, and never exports them, so an exported one came from the
# environment: this unsets it. Tools such as direnv can export one at any time, so arl checks again before
# each use.
__arl_drop_inherited() {
    \builtin local "$__arl_no_attributes" __arl_name __arl_flags || \builtin return
    for __arl_name in __arl_restore __arl_refresh __arl_region __arl_last __arl_previous; do
        [[ -n ${!__arl_name-} ]] || \builtin continue
        __arl_flags=$(\builtin declare -p "$__arl_name" 2>/dev/null)
        __arl_flags=${__arl_flags#declare }
        [[ ${__arl_flags%% *} != *x* ]] || \builtin unset -v "$__arl_name" || \builtin return
    done
}
__arl_drop_inherited

# The `function` keyword keeps bash from expanding an alias named arl here.
function arl {
    \builtin local "$__arl_no_attributes" __arl_mode __arl_from_original __arl_name __arl_flags __arl_shell_options __arl_status __arl_verb \
        __arl_eval_output __arl_skip __arl_word __arl_out __arl_code __arl_stdout_is_pipe __arl_pid __arl_rest __arl_fd \
        __arl_line __arl_subshell __arl_back || {
        __arl_refuse "$@"
        \builtin return
    }
    __arl_untraced __arl_choose_mode "$@" || {
        __arl_refuse "$@"
        \builtin return
    }
    # `arl assume -`: replaces `-` with the arguments of the previous role or, if the shell has no role now,
    # of the most recent role.
    if [[ -n $__arl_back ]]; then
        __arl_line=${__arl_last-}
        [[ -z ${ARL_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} != "$ARL_KEY_ID" ]] || __arl_line=${__arl_previous-}
        # Without them arl itself reports that there is no role to go back to.
        if [[ -n $__arl_line ]]; then
            for __arl_word in "$@"; do
                \builtin shift
                case $__arl_back:$__arl_word in
                    x:assume) __arl_back=assume ;;
                    assume:-) __arl_back=found ;;
                    *) \builtin set -- "$@" "$__arl_word" ;;
                esac
            done
            \builtin eval "\\builtin set -- $__arl_line \"\$@\""
        fi
    fi
    # arl is the last command, so that bash handles a signal that kills arl as if there were no function.
    # After `arl exec ROLE -- COMMAND &`, `kill $!` kills only the subshell. ARL_SUBSHELL is the process ID of
    # the subshell, so that arl ends when the subshell ends.
    case $__arl_mode:${__arl_subshell:+x} in
        eval:*) __arl_untraced __arl_eval "$@" ;;
        original:) (__arl_untraced __arl_use_original_env && \builtin exec arl "$@") ;;
        original:x) (__arl_untraced __arl_use_original_env && ARL_SUBSHELL=$__arl_subshell \builtin exec arl "$@") ;;
        status:*) ARL_HOOK=$__arl_code \command arl "$@" ;;
        *:) \command arl "$@" ;;
        *:x) ARL_SUBSHELL=$__arl_subshell \command arl "$@" ;;
    esac
}

# Reports that a variable of arl cannot be used. In eval "$(arl assume ROLE)" it also prints a failing
# statement, because evaluating an empty text succeeds.
__arl_refuse() {
    \builtin printf 'arl: a variable whose name begins with __arl_ is readonly, so arl did nothing; start a new shell, or run: command arl exec ROLE -- COMMAND\n' >&2
    case ${1-} in
        assume | clear | -*)
            if ((BASH_SUBSHELL > 0)) && [[ -p /dev/stdout ]]; then
                \builtin printf '(exit 1)\n'
            fi
            ;;
    esac
    \builtin return 1
}

# Runs a command without -x, -v, and an inherited DEBUG trap, which would show the evaluated statements, and
# without -k, under which NAME=value is not an argument.
__arl_untraced() {
    \builtin local "$__arl_no_attributes" __arl_shell_options __arl_status || \builtin return
    __arl_shell_options=$- __arl_status=0
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
        # bash restores the options when this function ends, after Ctrl-C as well.
        \builtin local -
        { \builtin set +xvTk; } 2>/dev/null
        "$@"
        \builtin return
    fi
    # After Ctrl-C the hook restores the options.
    __arl_options_to_restore=$-
    { \builtin set +xvTk; } 2>/dev/null
    "$@" || __arl_status=$?
    __arl_restore_options "$__arl_shell_options"
    \builtin return "$__arl_status"
}

# Turns on again the options that __arl_untraced turned off. The argument has the form of $-.
__arl_restore_options() {
    \builtin unset -v __arl_options_to_restore
    case $1 in *k*) \builtin set -k ;; esac
    case $1 in *T*) \builtin set -T ;; esac
    case $1 in *v*) \builtin set -v ;; esac
    case $1 in *x*) \builtin set -x ;; esac
}

# Sets the caller's __arl_mode: `eval` if the shell evaluates the output, `original` if arl starts from the
# environment before the role, `status` for `arl status`, else `plain`. Clears __arl_from_original unless the
# verb starts from there. Sets __arl_back for `arl assume -`.
__arl_choose_mode() {
    __arl_verb='' __arl_eval_output=x __arl_from_original=x __arl_skip='' __arl_subshell='' __arl_back=''
    [[ ${BASHPID-$$} == "$$" ]] || __arl_subshell=$BASHPID
    __arl_drop_inherited || \builtin return
    for __arl_word in "$@"; do
        if [[ -n $__arl_skip ]]; then
            __arl_skip=''
            \builtin continue
        fi
        case $__arl_word in
            --) \builtin break ;;
            --color) [[ -n $__arl_verb ]] || __arl_skip=x ;;
            --chain) __arl_from_original='' ;;
            -h* | -[vq]*h* | --help | --json | --format | --format=* | --show | --shell | --shell=*) __arl_eval_output='' ;;
            -) [[ $__arl_verb != assume ]] || __arl_back=x ;;
            -*) ;;
            *) __arl_verb=${__arl_verb:-$__arl_word} ;;
        esac
    done
    case $__arl_verb in
        assume | exec | each | write | explain | console) ;;
        *) __arl_from_original='' ;;
    esac
    # Without a ROLE, `console` is for the role that the shell has.
    if [[ $__arl_verb == console && -n $__arl_from_original && -n ${__arl_restore-} ]]; then
        \command arl "$@" --names-role >/dev/null 2>&1 || __arl_from_original=''
    fi
    case $__arl_verb:$__arl_eval_output in
        assume:x | clear:x) __arl_mode='eval' ;;
        status:*)
            # Tells arl whether the hook is in place.
            __arl_mode=status __arl_code=none
            [[ ${PROMPT_COMMAND[*]-} != *__arl_hook* ]] || __arl_code=prompt
            [[ $- == *i* ]] || __arl_code=script
            ;;
        *) [[ -n $__arl_from_original && -n ${__arl_restore-} ]] && __arl_mode=original || __arl_mode=plain ;;
    esac
}

# Runs arl and evaluates the statements that it prints.
__arl_eval() {
    __arl_stdout_is_pipe=''
    if ((BASH_SUBSHELL > 0)); then
        if [[ -p /dev/stdout ]]; then
            __arl_stdout_is_pipe=x
        elif [[ -f /dev/stdout ]] && __arl_stdout_is_redirected; then
            \builtin printf '(exit 1)\n'
            # shellcheck disable=SC2016 # the user types it like that
            \builtin printf 'arl: the output goes to a file, and this subshell would lose the role when it ends; use eval "$(arl assume ROLE)", or arl exec ROLE -- COMMAND\n' >&2
            \builtin return 1
        fi
    fi
    __arl_word=$(__arl_prefix_assignment) || {
        [[ -z $__arl_stdout_is_pipe ]] || \builtin printf '(exit 2)\n'
        __arl_flags=--profile
        [[ $__arl_word != *REGION ]] || __arl_flags=--region
        \builtin printf 'arl: %s is set only for this command, so the shell would undo the changes of arl when the command ends; use %s, or export the variable first\n' \
            "$__arl_word" "$__arl_flags" >&2
        \builtin return 2
    }
    __arl_out=$(__arl_use_original_env && ARL_SHELL=bash \command arl "$@") || {
        __arl_code=$?
        [[ -z $__arl_stdout_is_pipe ]] || \builtin printf '%s\n' "$__arl_out"
        \builtin return "$__arl_code"
    }
    # A subshell evaluates the statements first. If that fails, for example because a variable is readonly,
    # the shell keeps its current role.
    (__arl_use_original_env && \builtin eval "$__arl_out") || {
        __arl_code=$?
        [[ -z $__arl_stdout_is_pipe ]] || \builtin printf '(exit %s)\n' "$__arl_code"
        \builtin return "$__arl_code"
    }
    __arl_use_original_env
    \builtin eval "$__arl_out"
    ((BASH_SUBSHELL > 0)) || __arl_install_hook
    [[ -n $__arl_stdout_is_pipe ]] || \builtin return 0
    # In eval "$(arl assume ROLE)" the changes to the subshell are lost, and the shell evaluates the printed
    # statements.
    __arl_code=0
    (\builtin set +f && __arl_shell_reads_stdout) || __arl_code=$?
    case $__arl_code in
        0) \builtin printf '%s\n' "$__arl_out" ;;
        1) [[ /proc/$$/fd/1 -ef /dev/fd/1 ]] || \builtin printf 'arl: this changed only a subshell, not the shell itself; run arl without the pipe\n' >&2 ;;
        *)
            \builtin printf '(exit 1)\n'
            \builtin printf 'arl: arl cannot tell which program would read the credentials from this pipe; use arl exec ROLE -- COMMAND\n' >&2
            \builtin return 1
            ;;
    esac
}

# Returns 0 if this call itself has a redirection, as in (arl assume ROLE >FILE). bash then keeps the stdout
# of the subshell at a descriptor above 9, which the shell above does not have.
__arl_stdout_is_redirected() {
    # Without /proc it cannot tell.
    [[ -e /proc/$$/fd/1 ]] || \builtin return 0
    [[ ! /proc/$$/fd/1 -ef /dev/fd/1 ]] || \builtin return 1
    for __arl_fd in 10 11 12 13 14 15 16 17 18 19; do
        [[ -e /dev/fd/$__arl_fd && ! -e /proc/$$/fd/$__arl_fd ]] || \builtin continue
        [[ ! -p /dev/fd/$__arl_fd && ! /dev/fd/$__arl_fd -ef /proc/$$/fd/1 ]] || \builtin return 0
    done
    \builtin return 1
}

# If an identity variable is set for this command only (AWS_PROFILE=x arl assume ROLE) or is local to a
# function, prints its name and fails. When that scope ends, the variable would get its old value although
# the role is set, and `arl clear` would put back a value that the shell itself never had. Runs in a subshell.
__arl_prefix_assignment() {
    for __arl_name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN \
        AWS_REGION AWS_DEFAULT_REGION; do
        [[ -n ${!__arl_name+x} ]] || \builtin continue
        # This changes the global variable. If the value stays the same, a variable of another scope hides it.
        # Attributes such as -u and -i do not change a number. Needs bash 4.2.
        if \builtin declare -g "$__arl_name=$$" 2>/dev/null && [[ ${!__arl_name} != "$$" ]]; then
            \builtin printf '%s' "$__arl_name"
            \builtin return 1
        fi
        # In older versions, unsetting a variable makes one that it hides visible.
        \builtin unset -v "$__arl_name" 2>/dev/null || \builtin continue
        [[ -z ${!__arl_name+x} ]] || {
            \builtin printf '%s' "$__arl_name"
            \builtin return 1
        }
    done
}

# Returns 0 if one of the shells above this subshell reads the pipe on stdout, 1 if none does, and 2 if it
# cannot tell. In { arl assume ROLE; … } | tee, another program reads the pipe, and it must not receive
# secrets. Runs in a subshell.
__arl_shell_reads_stdout() {
    # Without /proc it cannot tell, and assumes that the shell reads the pipe.
    [[ -e /proc/self/fd/1 ]] || \builtin return 0
    # IFS may be readonly.
    (IFS=' ') 2>/dev/null || \builtin return 2
    IFS=' ' \builtin read -r __arl_pid __arl_rest </proc/self/stat || \builtin return 2
    while [[ $__arl_pid != "$$" && $__arl_pid -gt 1 ]]; do
        IFS=' ' \builtin read -r __arl_rest <"/proc/$__arl_pid/stat" || \builtin return 0
        __arl_rest=${__arl_rest##*) ? }
        __arl_pid=${__arl_rest%% *}
        for __arl_fd in "/proc/$__arl_pid/fd/"*; do
            [[ $__arl_fd -ef /dev/fd/1 ]] || \builtin continue
            while IFS=' ' \builtin read -r __arl_line; do
                # The last digit of the flags is 0 if the pipe is open for reading only.
                [[ $__arl_line != flags:*0 ]] || \builtin return 0
            done <"/proc/$__arl_pid/fdinfo/${__arl_fd##*/}"
        done
    done
    \builtin return 1
}

# Restores the environment from before the role, unless the user has chosen another source since. A subshell
# calls this before it runs arl, so that arl starts from there. The shell itself calls it only after arl has
# succeeded.
__arl_use_original_env() {
    if [[ -n $__arl_from_original && -n ${__arl_restore-} ]] &&
        [[ -z ${AWS_PROFILE-}${AWS_DEFAULT_PROFILE-}${AWS_WEB_IDENTITY_TOKEN_FILE-}${AWS_CONTAINER_CREDENTIALS_FULL_URI-}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI-} ]] &&
        [[ -z ${AWS_ACCESS_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} == "${ARL_KEY_ID-}" ]]; then
        \builtin eval "$__arl_restore"
    fi
}

# Runs at each prompt and clears an expired role. It forks nothing and keeps $? in a positional parameter,
# which cannot be readonly.
__arl_hook() {
    \builtin set -- "$?"
    # bash restores $? for the prompt itself, but the rest of PROMPT_COMMAND gets it from here. Under errexit
    # a nonzero status would end the shell.
    [[ $- != *e* ]] || \builtin set -- 0
    [[ -z ${__arl_options_to_restore-} ]] || __arl_restore_options "$__arl_options_to_restore"
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return "$1" ;; esac
    \builtin local "$__arl_no_attributes" __arl_now || \builtin return "$1"
    __arl_clock
    if [ "$__arl_now" -ge "$ARL_EXPIRES_AT" ]; then
        __arl_untraced __arl_expired || \builtin :
        [[ -n ${ARL_EXPIRES_AT-} ]] || __arl_redraw "$1" || \builtin :
    fi
    \builtin return "$1"
}

# Runs before each command, for a terminal that sat idle. It does not clear an expired role, because the
# command that was already typed would then run as another identity. Needs bash 5.3.
__arl_preexec() {
    \builtin set -- "$?"
    [[ $- != *e* ]] || \builtin set -- 0
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return "$1" ;; esac
    \builtin local "$__arl_no_attributes" __arl_now || \builtin return "$1"
    __arl_clock
    if [ "$__arl_now" -ge "$ARL_EXPIRES_AT" ] && [[ -n ${ARL_KEY_ID-} && ${AWS_ACCESS_KEY_ID-} == "$ARL_KEY_ID" ]]; then
        if ! __arl_untraced __arl_renew && [[ ${__arl_warned-} != "$ARL_EXPIRES_AT" ]]; then
            __arl_warned=$ARL_EXPIRES_AT
            if [[ -n ${__arl_hook_refused-} ]]; then
                __arl_notice 'its credentials stay set until you run arl clear'
            elif [[ ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
                __arl_notice 'the next prompt puts back your previous credentials'
            else
                __arl_notice 'the next prompt clears its credentials'
            fi
        fi
    fi
    \builtin return "$1"
}

# Sets the caller's __arl_now to the current time.
__arl_clock() {
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then
        \builtin printf -v __arl_now '%(%s)T' -1
    else
        __arl_now=$((__arl_epoch + SECONDS - __arl_seconds))
    fi
}

# Clears, restores, or renews an expired role. With an argument it only clears it, without a message.
__arl_expired() {
    \builtin local "$__arl_no_attributes" __arl_left || \builtin return
    __arl_drop_inherited || \builtin return
    # shellcheck disable=SC2119 # __arl_renew sets its own parameters
    if [[ -z ${ARL_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} != "$ARL_KEY_ID" ]]; then
        # The user loaded other keys, which arl does not touch. `arl clear --expired` removes the rest of the
        # role.
        __arl_region_back
        __arl_left=$(ARL_SHELL=bash \command arl clear --expired --quiet 2>/dev/null) && \builtin eval "$__arl_left"
        \builtin unset -v ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION __arl_refresh
        [[ -z ${AWS_ACCESS_KEY_ID-} ]] || \builtin unset -v __arl_restore
    elif [[ -z ${1-} ]] && __arl_renew; then
        \builtin :
    elif [[ -z ${1-} && ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
        __arl_notice 'your previous credentials are back'
        \builtin eval "$__arl_restore"
        \builtin unset -v __arl_restore __arl_refresh __arl_region
    else
        [[ -n ${1-} ]] || __arl_notice 'its credentials were cleared'
        __arl_region_back
        # These are the variables that `assume` sets. AWS_PROFILE is not one: its value is a later choice.
        \builtin unset -v AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION \
            AWS_ACCOUNT_ID ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION
    fi
}

# If the region is still the one that arl set, restores the earlier one. A child shell does not know the
# earlier region and only unsets the one that arl set.
__arl_region_back() {
    if [[ -n ${__arl_region-} ]]; then
        \builtin eval "$__arl_region"
    elif [[ -n ${ARL_REGION-} ]]; then
        [[ ${AWS_REGION-} != "$ARL_REGION" ]] || \builtin unset -v AWS_REGION
        [[ ${AWS_DEFAULT_REGION-} != "$ARL_REGION" ]] || \builtin unset -v AWS_DEFAULT_REGION
    fi
    \builtin unset -v __arl_region
}

# Assumes the same role again if ARL_ON_EXPIRY asks for it. arl tries once and does not repeat a failure at
# every prompt.
# shellcheck disable=SC2120
__arl_renew() {
    \builtin local "$__arl_no_attributes" __arl_out __arl_from_original || \builtin return
    __arl_drop_inherited || \builtin return
    [[ ${ARL_ON_EXPIRY-} == refresh && -n ${__arl_refresh-} ]] || \builtin return
    __arl_from_original=x
    # Unset it first, so that neither a failure nor Ctrl-C makes every prompt try again.
    \builtin set -- "$__arl_refresh"
    \builtin unset -v __arl_refresh
    if __arl_out=$(\builtin eval "\\builtin set -- $1" && __arl_use_original_env && ARL_SHELL=bash \command arl "$@" --quiet --within 5s) &&
        (__arl_use_original_env && \builtin eval "$__arl_out"); then
        __arl_use_original_env
        \builtin eval "$__arl_out"
    else
        \builtin unset -v __arl_refresh
    fi
    [[ -n ${__arl_refresh-} ]]
}

__arl_notice() {
    \builtin local "$__arl_no_attributes" __arl_name __arl_rest || \builtin return
    __arl_name='a role' __arl_rest=${ARL_ROLE_ARN-}
    if [[ -n $__arl_rest && $__arl_rest != *[![:graph:]]* ]]; then
        __arl_rest=${__arl_rest#*:*:*:*:}
        __arl_name="role/${__arl_rest##*/} in ${__arl_rest%%:*}"
        __arl_rest="${__arl_rest%%:*}/${__arl_rest##*/}"
    fi
    # Also show ARL_ROLE, unless it is only the account and the name of the role.
    if [[ -n ${ARL_ROLE-} && $ARL_ROLE != "$__arl_rest" && $ARL_ROLE != *[![:graph:]\ ]* ]]; then
        [[ $__arl_name == 'a role' ]] && __arl_name=$ARL_ROLE || __arl_name="$ARL_ROLE ($__arl_name)"
    fi
    __arl_rest="expired $(((__arl_now - 10#$ARL_EXPIRES_AT) / 60))m ago"
    [[ $__arl_rest != 'expired 0m ago' ]] || __arl_rest='just expired'
    \builtin printf 'arl: %s %s; %s\n' "$__arl_name" "$__arl_rest" "$1" >&2
}

# Puts the hook into PROMPT_COMMAND unless it is there. `arl assume` calls this too, because another tool may
# have assigned PROMPT_COMMAND since.
__arl_install_hook() {
    [[ $- == *i* && -z ${__arl_hook_refused-} ]] || \builtin return 0
    \builtin local "$__arl_no_attributes" __arl_flags || \builtin return 0
    __arl_flags=$(\builtin declare -p PROMPT_COMMAND 2>/dev/null)
    __arl_flags=${__arl_flags#declare } __arl_flags=${__arl_flags%% *}
    if [[ $__arl_flags == *r* ]]; then
        [[ ${PROMPT_COMMAND[*]-} != *__arl_hook* ]] || \builtin return 0
        __arl_hook_refused=x
        \builtin printf 'arl: PROMPT_COMMAND is readonly, so the prompt hook cannot clear a role that has expired; use arl clear\n' >&2
    elif [[ $__arl_flags == *a* ]] && ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
        [[ ${PROMPT_COMMAND[*]-} == *__arl_hook* ]] || PROMPT_COMMAND+=(__arl_hook)
    elif [[ ${PROMPT_COMMAND-} != *__arl_hook* ]]; then
        # Append it, so that the commands before it see the whole PIPESTATUS. Join with a newline, so that the
        # end of the existing text does not matter. Version 5.0 and older run only the first element of an
        # array.
        # shellcheck disable=SC2128,SC2178
        PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__arl_hook"
    fi
}

# Runs the commands of PROMPT_COMMAND that come before the hook once more, because one of them may have built
# a prompt with the role that the hook has just cleared. The argument is the status that they see.
__arl_redraw() {
    \builtin local "$__arl_no_attributes" __arl_word __arl_rest || \builtin return
    for __arl_word in "${PROMPT_COMMAND[@]}"; do
        __arl_rest=${__arl_word%%__arl_hook*}
        # The text before the hook is a complete command only if it ends with a separator.
        if [[ $__arl_rest == "$__arl_word" || $__arl_rest == *[$';\n'] ]]; then
            __arl_return "$1"
            \builtin eval "$__arl_rest"
        fi
        [[ $__arl_rest == "$__arl_word" ]] || \builtin return
    done
}

__arl_return() { \builtin return "$1"; }

# At start, a role that expired earlier is cleared without a message, because a new shell may print nothing.
__arl_at_start() {
    \builtin local "$__arl_no_attributes" __arl_now || \builtin return
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return ;; esac
    __arl_clock
    [ "$__arl_now" -lt "$ARL_EXPIRES_AT" ] || __arl_untraced __arl_expired quietly
}

if [[ $- == *i* ]]; then
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 402)); then
        # This bash has no clock except the age of the shell.
        __arl_epoch=$(\command date +%s) __arl_seconds=$SECONDS
    fi
    \builtin unset -v __arl_hook_refused __arl_options_to_restore
    __arl_install_hook
    # Do not export PROMPT_COMMAND: a child shell does not have the function.
    [[ -n ${__arl_hook_refused-} ]] || \builtin export -n PROMPT_COMMAND
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 503)) && [[ ${PS0-} != *__arl_preexec* && ${PS0@a} != *r* ]]; then
        # shellcheck disable=SC2016 # bash expands it before each command
        PS0='${ __arl_preexec; }'${PS0-}
    fi
    __arl_at_start
fi
