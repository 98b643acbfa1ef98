# shellcheck shell=ksh
# The hook for mksh and ksh93; `arl init ksh` prints it after the function of arl.sh. It runs inside the
# prompt, in the shell itself, and forks nothing.

# Clears a role that has expired. Keeps $? in mksh; ksh93 keeps it by itself around a discipline function.
__arl_hook() {
    # Parameters hold what is needed here: unlike a variable they are always this function's own.
    \set -- "$?"
    case ${ARL_EXPIRES_AT-} in
        '' | *[!0-9]* | ????????????????*) ;;
        *)
            case ${KSH_VERSION-} in
                *MIRBSD* | *LEGACY*) \set -- "$1" "${EPOCHREALTIME%.*}" "$-" ;;
                *) \set -- "$1" "$(\printf '%(%s)T' now)" "$-" ;;
            esac
            [ "$2" -lt "$ARL_EXPIRES_AT" ] || {
                { \set +xv; } 2>/dev/null
                __arl_expired "$2"
                case $3 in *v*) \set -v ;; esac
                case $3 in *x*) \set -x ;; esac
            }
            ;;
    esac
    # mksh needs the status; in ksh93 a `return` of 256 + SIGINT would interrupt the shell at every prompt.
    case ${KSH_VERSION-} in *MIRBSD* | *LEGACY*) \return "$1" ;; esac
}

# Gives up a role that has expired. The argument is the time now.
__arl_expired() {
    # As in `arl`: a readonly variable must not keep the credentials here.
    (__arl_unset_scratch && \unset __arl_told __arl_name __arl_ago) 2>/dev/null || {
        \printf 'arl: the credentials expired and were cleared; a variable whose name begins with __arl_ is readonly\n' >&2
        __arl_unset
        \return
    }
    __arl_drop_inherited || \return
    __arl_unset_scratch
    \unset __arl_told __arl_name __arl_ago
    case ${AWS_ACCESS_KEY_ID-} in
        "${ARL_KEY_ID:-?}") ;;
        *)
            __arl_gone
            \return
            ;;
    esac
    case ${ARL_ON_EXPIRY-}:${__arl_refresh:+x} in
        refresh:x)
            __arl_back=x
            # Unset first: neither a failure nor Ctrl-C may be repeated at every prompt.
            \set -- "$1" "$__arl_refresh"
            \unset __arl_refresh
            __arl_out=$(\eval "\\set -- $2" && __arl_before && ARL_SHELL=posix \command arl "$@" --quiet --within 5s) &&
                (__arl_before && \eval "$__arl_out") && __arl_before && \eval "$__arl_out" && __arl_unset_scratch && \return
            __arl_unset_scratch
            \unset __arl_refresh
            ;;
    esac
    __arl_told='its credentials were cleared'
    case ${ARL_ON_EXPIRY-}:${__arl_restore:+x} in
        restore:x) __arl_told='what was here before is back' ;;
    esac
    case ${ARL_ROLE_ARN-} in
        *[![:graph:]]* | '') __arl_name='a role' ;;
        *)
            __arl_name=${ARL_ROLE_ARN#*:*:*:*:}
            __arl_name="role/${ARL_ROLE_ARN##*/} in ${__arl_name%%:*}"
            ;;
    esac
    __arl_ago=$((($1 - ARL_EXPIRES_AT) / 60))
    \printf 'arl: %s expired %sm ago; %s\n' "$__arl_name" "$__arl_ago" "$__arl_told" >&2
    case $__arl_told in
        what*) \eval "$__arl_restore" && \unset __arl_restore __arl_refresh __arl_region ;;
        *) __arl_unset ;;
    esac
    \unset __arl_told __arl_name __arl_ago
}

# What `assume` has set. A profile chosen since is the person's.
__arl_unset() {
    \unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID \
        ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE
    \eval "${__arl_region-}"
    \unset __arl_region
}

# Other keys were loaded since: those are not arl's to clear. arl knows what else a role has left.
__arl_gone() {
    __arl_out=$(ARL_SHELL=posix \command arl clear --expired --quiet 2>/dev/null) && \eval "$__arl_out"
    \eval "${__arl_region-}"
    \unset ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE __arl_refresh __arl_region __arl_out
    case ${AWS_ACCESS_KEY_ID-} in ?*) \unset __arl_restore ;; esac
}

case ${KSH_VERSION-} in
    '' | *MIRBSD* | *LEGACY*) ;;
    *)
        \unset __arl_prompt
        __arl_prompt=''
        # ksh93 calls this function when the prompt reads the variable, and the rest of the prompt sees the $? of before.
        # `${ __arl_hook;}` would need a `return` of that status.
        \eval 'function __arl_prompt.get { __arl_hook; .sh.value=""; }'
        ;;
esac
case $- in
    *i*)
        case ${PS1-} in
            *__arl_hook* | *__arl_prompt*) ;;
            *)
                # shellcheck disable=SC2016 # expanded at each prompt, not here
                case ${KSH_VERSION-} in
                    *MIRBSD* | *LEGACY*) PS1='${|__arl_hook;}'${PS1-} ;;
                    *) PS1='${__arl_prompt}'${PS1-} ;;
                esac
                # Another shell would not understand it.
                \typeset +x PS1
                ;;
        esac
        ;;
esac
