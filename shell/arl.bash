# shellcheck shell=bash
# arl for bash 3.2 and later: eval "$(arl init bash)" in ~/.bashrc.
#
# Every variable here is named __arl_…, so that none of the user's is in the way, and every `local` has a way out: where
# one fails, as it does for a readonly variable, bash goes on with the next command. No `local` assigns, since under
# `set -k` the assignment would be no argument of it.

# The flags that give a local variable no attributes. Under `shopt -s localvar_inherit`, which bash 5.0 brought, it has
# those of a variable of that name, which would change what is assigned to it.
case ${BASH_VERSION-} in
    [1-4].*) __arl_plain=+x ;;
    *) __arl_plain=+xilun ;;
esac

# Unsets the variables whose text arl evaluates if they are exported: arl never exports them, so the text came from
# the environment. A tool such as direnv may export one after this script ran, so each use checks again.
__arl_drop_inherited() {
    \builtin local "$__arl_plain" __arl_name __arl_flags || \builtin return
    for __arl_name in __arl_restore __arl_refresh __arl_region; do
        [[ -n ${!__arl_name-} ]] || \builtin continue
        __arl_flags=$(\builtin declare -p "$__arl_name" 2>/dev/null)
        __arl_flags=${__arl_flags#declare }
        [[ ${__arl_flags%% *} != *x* ]] || \builtin unset -v "$__arl_name" || \builtin return
    done
}
__arl_drop_inherited

# The word before the name keeps an alias of that name from being expanded here.
function arl {
    \builtin local "$__arl_plain" __arl_mode __arl_back __arl_name __arl_flags __arl_shell_options __arl_status __arl_verb \
        __arl_eval_output __arl_skip __arl_word __arl_out __arl_code __arl_stdout_is_pipe __arl_pid __arl_rest __arl_fd \
        __arl_line || {
        __arl_refuse "$@"
        \builtin return
    }
    __arl_untraced __arl_choose_mode "$@" || {
        __arl_refuse "$@"
        \builtin return
    }
    # The command comes last, so that a signal which ends it means to bash what it means without this function.
    case $__arl_mode in
        eval) __arl_untraced __arl_eval "$@" ;;
        original) (__arl_untraced __arl_before && \builtin exec arl "$@") ;;
        *) \command arl "$@" ;;
    esac
}

# Fails where a variable of arl's own cannot be used. In eval "$(arl assume ROLE)" an empty text would succeed.
__arl_refuse() {
    \builtin printf 'arl: a variable whose name begins with __arl_ is readonly, so nothing was done\n' >&2
    case ${1-} in
        assume | clear | -*)
            if ((BASH_SUBSHELL > 0)) && [[ -p /dev/stdout ]]; then
                \builtin printf '(exit 1);\n'
            fi
            ;;
    esac
    \builtin return 1
}

# Runs a command without -x, -v, and the DEBUG trap that functions inherit, so that none shows what is evaluated, and
# without -k, under which a word like NAME=value is no argument.
__arl_untraced() {
    \builtin local "$__arl_plain" __arl_shell_options __arl_status || \builtin return
    __arl_shell_options=$- __arl_status=0
    { \builtin set +xvTk; } 2>/dev/null
    "$@" || __arl_status=$?
    case $__arl_shell_options in *k*) \builtin set -k ;; esac
    case $__arl_shell_options in *T*) \builtin set -T ;; esac
    case $__arl_shell_options in *v*) \builtin set -v ;; esac
    case $__arl_shell_options in *x*) \builtin set -x ;; esac
    \builtin return "$__arl_status"
}

# Sets the caller's __arl_mode: `eval` if the output is for this shell, `original` if arl starts from what was here before
# a role, else `plain`. Clears its __arl_back unless arl starts from there.
__arl_choose_mode() {
    __arl_verb='' __arl_eval_output=x __arl_back=x __arl_skip=''
    __arl_drop_inherited || \builtin return
    for __arl_word in "$@"; do
        if [[ -n $__arl_skip ]]; then
            __arl_skip=''
            \builtin continue
        fi
        case $__arl_word in
            --) \builtin break ;;
            --color) [[ -n $__arl_verb ]] || __arl_skip=x ;;
            --chain) __arl_back='' ;;
            -h* | -[vq]*h* | --help | --json | --format | --format=* | --show | --shell | --shell=*) __arl_eval_output='' ;;
            -*) ;;
            *) __arl_verb=${__arl_verb:-$__arl_word} ;;
        esac
    done
    case $__arl_verb in
        assume | exec | each | write | explain | console) ;;
        *) __arl_back='' ;;
    esac
    case $__arl_verb:$__arl_eval_output in
        assume:x | clear:x) __arl_mode='eval' ;;
        *) [[ -n $__arl_back && -n ${__arl_restore-} ]] && __arl_mode=original || __arl_mode=plain ;;
    esac
}

# Runs arl and evaluates the statements that it prints.
__arl_eval() {
    __arl_stdout_is_pipe=''
    if ((BASH_SUBSHELL > 0)) && [[ -p /dev/stdout ]]; then
        __arl_stdout_is_pipe=x
    fi
    __arl_word=$(__arl_prefix) || {
        \builtin printf 'arl: %s before the command ends with it, and with it what arl sets; export it first, or use --profile\n' \
            "$__arl_word" >&2
        \builtin return 2
    }
    __arl_out=$(__arl_before && ARL_SHELL=bash \command arl "$@") || {
        __arl_code=$?
        [[ -z $__arl_stdout_is_pipe ]] || \builtin printf '%s\n' "$__arl_out"
        \builtin return "$__arl_code"
    }
    # A subshell evaluates the statements first. If that fails, for example because a variable is readonly, the shell
    # keeps its current role.
    (__arl_before && \builtin eval "$__arl_out") || {
        __arl_code=$?
        [[ -z $__arl_stdout_is_pipe ]] || \builtin printf '(exit %s);\n' "$__arl_code"
        \builtin return "$__arl_code"
    }
    __arl_before
    \builtin eval "$__arl_out"
    [[ -n $__arl_stdout_is_pipe ]] || \builtin return 0
    # In eval "$(arl assume ROLE)" a change of the subshell is lost, and the shell reads what is printed.
    __arl_code=0
    (\builtin set +f && __arl_is_read) || __arl_code=$?
    case $__arl_code in
        0) \builtin printf '%s\n' "$__arl_out" ;;
        1) ;;
        *)
            \builtin printf '(exit 1);\n'
            \builtin printf 'arl: this subshell does not tell who reads the pipe; use arl exec\n' >&2
            \builtin return 1
            ;;
    esac
}

# In a subshell: fails with the name of a variable that stands before the command (AWS_PROFILE=x arl assume ROLE) and hides
# the shell's own, which would come back beside the role. One that hides nothing does no harm.
__arl_prefix() {
    for __arl_name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; do
        [[ -n ${!__arl_name+x} ]] || \builtin continue
        \builtin unset -v "$__arl_name" 2>/dev/null || \builtin continue
        [[ -z ${!__arl_name+x} ]] || {
            \builtin printf '%s' "$__arl_name"
            \builtin return 1
        }
    done
}

# Whether one of the shells that this subshell comes from reads the pipe that stdout is. In { arl assume ROLE; … } | tee
# it is another program, which must not get to see a secret. 2 if that cannot be told. Runs in a subshell.
__arl_is_read() {
    # Without /proc nothing tells, and the shell is taken for the reader.
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
                # The last digit of its flags is 0 for reading only.
                [[ $__arl_line != flags:*0 ]] || \builtin return 0
            done <"/proc/$__arl_pid/fdinfo/${__arl_fd##*/}"
        done
    done
    \builtin return 1
}

# Puts back what was here before a role, unless another source was chosen since. In a subshell, so that arl
# starts there; in the shell itself only once arl has succeeded.
__arl_before() {
    if [[ -n $__arl_back && -n ${__arl_restore-} ]] &&
        [[ -z ${AWS_PROFILE-}${AWS_DEFAULT_PROFILE-}${AWS_WEB_IDENTITY_TOKEN_FILE-}${AWS_CONTAINER_CREDENTIALS_FULL_URI-}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI-} ]] &&
        [[ -z ${AWS_ACCESS_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} == "${ARL_KEY_ID-}" ]]; then
        \builtin eval "$__arl_restore"
    fi
}

# At the prompt: clears a role that has expired. Forks nothing, keeps $?, which a parameter holds: unlike a variable it is
# always this function's own.
__arl_hook() {
    \builtin set -- "$?"
    # bash gives the prompt its $? by itself; what follows in PROMPT_COMMAND gets it from here. Under errexit
    # that would end the shell.
    [[ $- != *e* ]] || \builtin set -- 0
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return "$1" ;; esac
    \builtin local "$__arl_plain" __arl_now || \builtin return "$1"
    __arl_clock
    if [ "$__arl_now" -ge "$ARL_EXPIRES_AT" ]; then
        __arl_untraced __arl_expired || \builtin :
    fi
    \builtin return "$1"
}

# Before a command (bash 5.3): the terminal that sat idle. Nothing is cleared here, or the command that is
# already typed would run as somebody else.
__arl_preexec() {
    \builtin set -- "$?"
    [[ $- != *e* ]] || \builtin set -- 0
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return "$1" ;; esac
    \builtin local "$__arl_plain" __arl_now || \builtin return "$1"
    __arl_clock
    if [ "$__arl_now" -ge "$ARL_EXPIRES_AT" ] && [[ -n ${ARL_KEY_ID-} && ${AWS_ACCESS_KEY_ID-} == "$ARL_KEY_ID" ]]; then
        if ! __arl_untraced __arl_renew && [[ ${__arl_warned-} != "$ARL_EXPIRES_AT" ]]; then
            __arl_warned=$ARL_EXPIRES_AT
            if [[ ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
                __arl_say 'the next prompt puts back what was here before'
            else
                __arl_say 'the next prompt clears its credentials'
            fi
        fi
    fi
    \builtin return "$1"
}

# Sets the caller's __arl_now.
__arl_clock() {
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then
        \builtin printf -v __arl_now '%(%s)T' -1
    else
        __arl_now=$((__arl_epoch + SECONDS - __arl_seconds))
    fi
}

# Gives up a role that has expired. With `quietly` it neither renews nor restores it, and says nothing.
__arl_expired() {
    \builtin local "$__arl_plain" __arl_left || \builtin return
    __arl_drop_inherited || \builtin return
    # shellcheck disable=SC2119 # the "$@" of __arl_renew are those of a substitution
    if [[ -z ${ARL_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} != "$ARL_KEY_ID" ]]; then
        # Other keys were loaded since: those are not arl's to clear. arl knows what else a role has left.
        __arl_left=$(ARL_SHELL=bash \command arl clear --expired --quiet 2>/dev/null) && \builtin eval "$__arl_left"
        \builtin eval "${__arl_region-}"
        \builtin unset -v ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE __arl_refresh __arl_region
        [[ -z ${AWS_ACCESS_KEY_ID-} ]] || \builtin unset -v __arl_restore
    elif [[ -z ${1-} ]] && __arl_renew; then
        \builtin :
    elif [[ -z ${1-} && ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
        __arl_say 'what was here before is back'
        \builtin eval "$__arl_restore"
        \builtin unset -v __arl_restore __arl_refresh __arl_region
    else
        [[ -n ${1-} ]] || __arl_say 'its credentials were cleared'
        # What `assume` has set. A profile chosen since is the person's.
        \builtin unset -v AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION \
            AWS_ACCOUNT_ID ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE
        \builtin eval "${__arl_region-}"
        \builtin unset -v __arl_region
    fi
}

# Assumes the same role again, if that is wished for. Tried once: a failure is not repeated at every prompt.
# shellcheck disable=SC2120
__arl_renew() {
    \builtin local "$__arl_plain" __arl_out __arl_back || \builtin return
    __arl_drop_inherited || \builtin return
    [[ ${ARL_ON_EXPIRY-} == refresh && -n ${__arl_refresh-} ]] || \builtin return
    __arl_back=x
    # Unset first: neither a failure nor Ctrl-C may be repeated at every prompt.
    \builtin set -- "$__arl_refresh"
    \builtin unset -v __arl_refresh
    if __arl_out=$(\builtin eval "\\builtin set -- $1" && __arl_before && ARL_SHELL=bash \command arl "$@" --quiet --within 5s) &&
        (__arl_before && \builtin eval "$__arl_out"); then
        __arl_before
        \builtin eval "$__arl_out"
    else
        \builtin unset -v __arl_refresh
    fi
    [[ -n ${__arl_refresh-} ]]
}

__arl_say() {
    \builtin local "$__arl_plain" __arl_name __arl_rest || \builtin return
    __arl_name='a role' __arl_rest=${ARL_ROLE_ARN-}
    if [[ -n $__arl_rest && $__arl_rest != *[![:graph:]]* ]]; then
        __arl_rest=${__arl_rest#*:*:*:*:}
        __arl_name="role/${__arl_rest##*/} in ${__arl_rest%%:*}"
    fi
    \builtin printf 'arl: %s expired %sm ago; %s\n' "$__arl_name" "$(((__arl_now - ARL_EXPIRES_AT) / 60))" "$1" >&2
}

# A role that was over before this shell began is no news, and nothing may be printed at start.
__arl_at_start() {
    \builtin local "$__arl_plain" __arl_now || \builtin return
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return ;; esac
    __arl_clock
    [ "$__arl_now" -lt "$ARL_EXPIRES_AT" ] || __arl_untraced __arl_expired quietly
}

if [[ $- == *i* ]]; then
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 402)); then
        # This bash has no clock but the age of the shell.
        __arl_epoch=$(\command date +%s) __arl_seconds=$SECONDS
    fi
    # Appended, so that PIPESTATUS is whole for the hooks before; joined by a line end, so that it does not
    # matter how the text before ends.
    if [[ "$(\builtin declare -p PROMPT_COMMAND 2>/dev/null)" == 'declare -a'* ]] &&
        ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
        [[ " ${PROMPT_COMMAND[*]-} " == *' __arl_hook '* ]] || PROMPT_COMMAND+=(__arl_hook)
    elif [[ ${PROMPT_COMMAND-} != *__arl_hook* ]]; then
        # shellcheck disable=SC2128,SC2178 # the first element, where it is an array in bash 5.0 or older
        PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__arl_hook"
    fi
    # A child shell would look for a function that it does not have.
    \builtin export -n PROMPT_COMMAND
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 503)) && [[ ${PS0-} != *__arl_preexec* ]]; then
        # shellcheck disable=SC2016 # expanded before each command, not here
        PS0='${ __arl_preexec; }'${PS0-}
    fi
    __arl_at_start
fi
