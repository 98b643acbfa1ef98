# shellcheck shell=ksh
# The hook for mksh and ksh93. `arl init ksh` prints it after the function in arl.sh. The prompt runs it in
# the shell itself, and it forks nothing.

# Clears an expired role. It preserves $? in mksh; ksh93 preserves it across a discipline function.
__arl_hook() {
    # Positional parameters hold the values, because they cannot be readonly.
    \set -- "$?"
    case ${__arl_options_to_restore:+x} in x) __arl_restore_options ;; esac
    case ${ARL_EXPIRES_AT-} in
        '' | *[!0-9]* | ????????????????*) ;;
        *)
            case ${KSH_VERSION-} in
                *MIRBSD* | *LEGACY*) \set -- "$1" "${EPOCHREALTIME%.*}" ;;
                *) \set -- "$1" "$(\printf '%(%s)T' now)" ;;
            esac
            __arl_is_before "$2" "$ARL_EXPIRES_AT" || __arl_untraced __arl_expired "$2"
            ;;
    esac
    # mksh needs the status. In ksh93 a `return` of 256 + SIGINT would interrupt the shell at every prompt.
    case ${KSH_VERSION-} in *MIRBSD* | *LEGACY*) \return "$1" ;; esac
}

# Whether a number is less than another one. It compares digits, because mksh calculates with 32 bits.
__arl_is_before() {
    while :; do
        case $1,$2 in
            0?*,*) \set -- "${1#0}" "$2" ;;
            *,0?*) \set -- "$1" "${2#0}" ;;
            *) \break ;;
        esac
    done
    [ "${#1}" -lt "${#2}" ] || [[ ${#1} -eq ${#2} && $1 < $2 ]]
}

# Clears, restores, or renews an expired role. The argument is the current time.
__arl_expired() {
    # As in `arl`, a subshell checks first whether a variable is readonly. Even then the credentials are
    # cleared.
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
            __arl_forget_role
            \return
            ;;
    esac
    case ${ARL_ON_EXPIRY-}:${__arl_refresh:+x} in
        refresh:x)
            __arl_from_original=x
            # Unset it first, so that neither a failure nor Ctrl-C makes every prompt try again.
            \set -- "$1" "$__arl_refresh"
            \unset __arl_refresh
            __arl_out=$(\eval "\\set -- $2" && __arl_use_original_env && ARL_SHELL=posix \command arl "$@" --quiet --within 5s) &&
                (__arl_use_original_env && \eval "$__arl_out") && __arl_use_original_env && \eval "$__arl_out" && __arl_unset_scratch && \return
            __arl_unset_scratch
            \unset __arl_refresh
            ;;
    esac
    __arl_told='its credentials were cleared'
    case ${ARL_ON_EXPIRY-}:${__arl_restore:+x} in
        restore:x) __arl_told='your previous credentials are back' ;;
    esac
    case ${ARL_ROLE_ARN-} in
        *[![:graph:]]* | '') __arl_name='a role' ;;
        *)
            __arl_name=${ARL_ROLE_ARN#*:*:*:*:}
            __arl_ago=${__arl_name%%:*}/${ARL_ROLE_ARN##*/}
            __arl_name="role/${ARL_ROLE_ARN##*/} in ${__arl_name%%:*}"
            ;;
    esac
    # Also show ARL_ROLE, unless it is only the account and the name of the role.
    case ${ARL_ROLE-} in
        *[![:graph:]\ ]* | '' | "${__arl_ago-}") ;;
        *) case $__arl_name in 'a role') __arl_name=$ARL_ROLE ;; *) __arl_name="$ARL_ROLE ($__arl_name)" ;; esac ;;
    esac
    __arl_ago=$((($1 - 10#$ARL_EXPIRES_AT) / 60))
    case $__arl_ago in 0) __arl_ago='just expired' ;; *) __arl_ago="expired ${__arl_ago}m ago" ;; esac
    \printf 'arl: %s %s; %s\n' "$__arl_name" "$__arl_ago" "$__arl_told" >&2
    case ${ARL_ON_EXPIRY-}:${__arl_restore:+x} in
        restore:x) \eval "$__arl_restore" && \unset __arl_restore __arl_refresh __arl_region ;;
        *) __arl_unset ;;
    esac
    \unset __arl_told __arl_name __arl_ago
}

# Unsets the variables that `assume` sets. AWS_PROFILE is not one: its value is a later choice.
__arl_unset() {
    __arl_region_back
    \unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID \
        ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION
}

# If the region is still the one that arl set, restores the earlier one. A child shell does not know the
# earlier region and only unsets the one that arl set.
__arl_region_back() {
    case ${__arl_region:+x} in
        x) \eval "$__arl_region" ;;
        *)
            case ${AWS_REGION-} in "${ARL_REGION:-?}") \unset AWS_REGION ;; esac
            case ${AWS_DEFAULT_REGION-} in "${ARL_REGION:-?}") \unset AWS_DEFAULT_REGION ;; esac
            ;;
    esac
    \unset __arl_region
}

# The user loaded other keys, which arl does not touch. `arl clear --expired` removes the rest of the role.
__arl_forget_role() {
    __arl_region_back
    __arl_out=$(ARL_SHELL=posix \command arl clear --expired --quiet 2>/dev/null) && \eval "$__arl_out"
    \unset ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION __arl_refresh __arl_out
    case ${AWS_ACCESS_KEY_ID-} in ?*) \unset __arl_restore ;; esac
}

case ${KSH_VERSION-} in
    '' | *MIRBSD* | *LEGACY*) ;;
    *)
        \unset __arl_prompt
        __arl_prompt=''
        # ksh93 calls this function when it expands the variable in the prompt, and the rest of the prompt
        # still sees the previous $?. `${ __arl_hook;}` would have to return that status.
        \eval 'function __arl_prompt.get { __arl_hook; .sh.value=""; }'
        ;;
esac
# Puts the hook into the prompt unless it is there. `arl assume` calls this too, because PS1 may have changed
# since.
__arl_install_hook() {
    case $-:${PS1-} in
        *i*:*__arl_hook* | *i*:*__arl_prompt*) \return ;;
        *i*:*) ;;
        *) \return ;;
    esac
    (\unset PS1) 2>/dev/null || {
        case ${__arl_hook_refused-} in x) \return ;; esac
        __arl_hook_refused=x
        \printf 'arl: PS1 is readonly, so the prompt hook cannot clear a role that has expired; use arl clear\n' >&2
        \return
    }
    # shellcheck disable=SC2016 # the shell expands it at each prompt
    case ${KSH_VERSION-} in
        *MIRBSD* | *LEGACY*) PS1='${|__arl_hook;}'${PS1-} ;;
        *) PS1='${__arl_prompt}'${PS1-} ;;
    esac
    # Do not export PS1: another shell would not understand it.
    \typeset +x PS1
}
\unset __arl_hook_refused
__arl_install_hook
