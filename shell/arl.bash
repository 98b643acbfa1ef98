# shellcheck shell=bash
# arl for bash 3.2 and later: eval "$(arl init bash)" in ~/.bashrc.

# Unsets the variables whose text arl evaluates if they are exported: arl never exports them, so the text came from
# the environment. A tool such as direnv may export one after this script ran, so each use checks again.
__arl_drop_inherited() {
    \builtin local name flags
    for name in __arl_restore __arl_refresh __arl_region; do
        [[ -n ${!name-} ]] || \builtin continue
        flags=$(\builtin declare -p "$name" 2>/dev/null)
        flags=${flags#declare }
        [[ ${flags%% *} != *x* ]] || \builtin unset -v "$name" || \builtin return
    done
}
__arl_drop_inherited

# The word before the name keeps an alias of that name from being expanded here.
function arl {
    \builtin local mode __arl_back=x piped=''
    __arl_untraced __arl_choose_mode "$@" || \builtin return
    # The command comes last, so that a signal which ends it means to bash what it means without this function.
    case $mode in
        eval) __arl_untraced __arl_eval "$@" ;;
        original) (__arl_untraced __arl_before && \builtin exec arl "$@") ;;
        *) \command arl "$@" ;;
    esac
}

# Neither -x, nor -v, nor a DEBUG trap that functions inherit may show what is evaluated.
__arl_untraced() {
    \builtin local options="$-" status=0
    { \builtin set +xvT; } 2>/dev/null
    "$@" || status=$?
    case $options in *T*) \builtin set -T ;; esac
    case $options in *v*) \builtin set -v ;; esac
    case $options in *x*) \builtin set -x ;; esac
    \builtin return "$status"
}

# Sets the caller's mode: `eval` if the output is for this shell, `original` if arl starts from what was here before a
# role, else `plain`. Clears its __arl_back unless arl starts from there.
__arl_choose_mode() {
    \builtin local verb='' apply=x skip='' word
    __arl_drop_inherited || \builtin return
    for word in "$@"; do
        if [[ -n $skip ]]; then
            skip=''
            \builtin continue
        fi
        case $word in
            --) \builtin break ;;
            --color) [[ -n $verb ]] || skip=x ;;
            --chain) __arl_back='' ;;
            -h* | -[vq]*h* | --help | --json | --format | --format=* | --show | --shell | --shell=*) apply='' ;;
            -*) ;;
            *) verb=${verb:-$word} ;;
        esac
    done
    case $verb in
        assume | exec | each | write | explain | console) ;;
        *) __arl_back='' ;;
    esac
    case $verb:$apply in
        assume:x | clear:x) mode='eval' ;;
        *) [[ -n $__arl_back && -n ${__arl_restore-} ]] && mode=original || mode=plain ;;
    esac
}

# Runs arl and evaluates the statements that it prints.
__arl_eval() {
    \builtin local word out code
    if ((BASH_SUBSHELL > 0)) && [[ -p /dev/stdout ]]; then
        piped=x
    fi
    word=$(__arl_prefix) || {
        \builtin printf 'arl: %s before the command ends with it, and with it what arl sets; export it first, or use --profile\n' "$word" >&2
        \builtin return 2
    }
    out=$(__arl_before && ARL_SHELL=bash \command arl "$@") || {
        code=$?
        [[ -z $piped ]] || \builtin printf '%s\n' "$out"
        \builtin return "$code"
    }
    # A subshell evaluates the statements first. If that fails, for example because a variable is readonly, the shell
    # keeps its current role.
    (__arl_before && \builtin eval "$out") || {
        code=$?
        [[ -z $piped ]] || \builtin printf '(exit %s);\n' "$code"
        \builtin return "$code"
    }
    __arl_before
    \builtin eval "$out"
    # In eval "$(arl assume ROLE)" a change of the subshell is lost, and the shell reads what is printed.
    if [[ -n $piped ]] && (\builtin set +f && __arl_is_read); then
        \builtin printf '%s\n' "$out"
    fi
}

# In a subshell: fails with the name of a variable that stands before the command (AWS_PROFILE=x arl assume ROLE) and hides
# the shell's own, which would come back beside the role. One that hides nothing does no harm.
__arl_prefix() {
    \builtin local name
    for name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; do
        [[ -n ${!name+x} ]] || \builtin continue
        \builtin unset -v "$name" 2>/dev/null || \builtin continue
        [[ -z ${!name+x} ]] || {
            \builtin printf '%s' "$name"
            \builtin return 1
        }
    done
}

# Whether one of the shells that this subshell comes from reads the pipe that stdout is. In { arl assume ROLE; … } | tee
# it is another program, which must not get to see a secret.
__arl_is_read() {
    \builtin local IFS=' ' pid rest fd line
    # Where nothing tells, it is read.
    [[ -e /proc/self/fd/1 ]] && \builtin read -r pid rest </proc/self/stat || \builtin return 0
    while [[ $pid != "$$" && $pid -gt 1 ]]; do
        \builtin read -r rest <"/proc/$pid/stat" || \builtin return 0
        rest=${rest##*) ? }
        pid=${rest%% *}
        for fd in "/proc/$pid/fd/"*; do
            [[ $fd -ef /dev/fd/1 ]] || \builtin continue
            while \builtin read -r line; do
                # The last digit of its flags is 0 for reading only.
                [[ $line != flags:*0 ]] || \builtin return 0
            done <"/proc/$pid/fdinfo/${fd##*/}"
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

# At the prompt: clears a role that has expired. Forks nothing, keeps $?.
__arl_hook() {
    \builtin local status="$?" now
    # bash gives the prompt its $? by itself; what follows in PROMPT_COMMAND gets it from here. Under errexit
    # that would end the shell.
    [[ $- != *e* ]] || status=0
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return "$status" ;; esac
    __arl_clock
    if [ "$now" -ge "$ARL_EXPIRES_AT" ]; then
        __arl_untraced __arl_expired || \builtin :
    fi
    \builtin return "$status"
}

# Before a command (bash 5.3): the terminal that sat idle. Nothing is cleared here, or the command that is
# already typed would run as somebody else.
__arl_preexec() {
    \builtin local status="$?" now
    [[ $- != *e* ]] || status=0
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return "$status" ;; esac
    __arl_clock
    if [ "$now" -ge "$ARL_EXPIRES_AT" ] && [[ -n ${ARL_KEY_ID-} && ${AWS_ACCESS_KEY_ID-} == "$ARL_KEY_ID" ]]; then
        if ! __arl_untraced __arl_renew && [[ ${__arl_warned-} != "$ARL_EXPIRES_AT" ]]; then
            __arl_warned=$ARL_EXPIRES_AT
            if [[ ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
                __arl_say 'the next prompt puts back what was here before'
            else
                __arl_say 'the next prompt clears its credentials'
            fi
        fi
    fi
    \builtin return "$status"
}

# Sets the caller's `now`.
__arl_clock() {
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then
        \builtin printf -v now '%(%s)T' -1
    else
        now=$((__arl_epoch + SECONDS - __arl_seconds))
    fi
}

# With an argument it says nothing.
__arl_expired() {
    \builtin local left
    __arl_drop_inherited || \builtin return
    # shellcheck disable=SC2119 # the "$@" of __arl_renew are those of a substitution
    if [[ -z ${ARL_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} != "$ARL_KEY_ID" ]]; then
        # Other keys were loaded since: those are not arl's to clear. arl knows what else a role has left.
        left=$(ARL_SHELL=bash \command arl clear --expired --quiet 2>/dev/null) && \builtin eval "$left"
        \builtin eval "${__arl_region-}"
        \builtin unset -v ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE __arl_refresh __arl_region
        [[ -z ${AWS_ACCESS_KEY_ID-} ]] || \builtin unset -v __arl_restore
    elif __arl_renew; then
        \builtin :
    elif [[ ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
        [[ -n ${1-} ]] || __arl_say 'what was here before is back'
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
    __arl_drop_inherited || \builtin return
    [[ ${ARL_ON_EXPIRY-} == refresh && -n ${__arl_refresh-} ]] || \builtin return
    \builtin local out __arl_back=x
    if out=$(\builtin eval "\\builtin set -- $__arl_refresh" && __arl_before && ARL_SHELL=bash \command arl "$@" --quiet --within 5s) &&
        (__arl_before && \builtin eval "$out"); then
        __arl_before
        \builtin eval "$out"
    else
        \builtin unset -v __arl_refresh
    fi
    [[ -n ${__arl_refresh-} ]]
}

__arl_say() {
    \builtin local name='a role' rest="${ARL_ROLE_ARN-}"
    if [[ -n $rest && $rest != *[![:graph:]]* ]]; then
        rest=${rest#*:*:*:*:}
        name="role/${rest##*/} in ${rest%%:*}"
    fi
    \builtin printf 'arl: %s expired %sm ago; %s\n' "$name" "$(((now - ARL_EXPIRES_AT) / 60))" "$1" >&2
}

# A role that was over before this shell began is no news, and nothing may be printed at start.
__arl_at_start() {
    \builtin local now ARL_ON_EXPIRY=clear
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return ;; esac
    __arl_clock
    [ "$now" -lt "$ARL_EXPIRES_AT" ] || __arl_untraced __arl_expired quietly
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
