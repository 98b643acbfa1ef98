# shellcheck shell=sh
# arl for POSIX shells: eval "$(arl init sh)". The function alone: such shells have no hook that could clear
# an expired role.

# A memory that came through the environment is somebody else's text.
case $(\export -p) in
    *__arl_re*) \unset __arl_restore __arl_refresh ;;
esac

arl() {
    __arl_trace=$-
    # Neither -x nor -v may show what is evaluated.
    { \set +xv; } 2>/dev/null
    if __arl_main "$@"; then
        \set -- 0
    else
        \set -- "$?"
    fi
    \unset __arl_verb __arl_apply __arl_back __arl_skip __arl_word __arl_out
    case $__arl_trace in *v*) \set -v ;; esac
    case $__arl_trace in
        *x*) \unset __arl_trace && \set -x ;;
        *) \unset __arl_trace ;;
    esac
    \return "$1"
}

# Finds the verb, whether its output is for this shell, and whether it starts from what was here before a role.
__arl_main() {
    __arl_verb='' __arl_apply=x __arl_back=x __arl_skip=''
    for __arl_word in "$@"; do
        case $__arl_skip in
            x)
                __arl_skip=''
                \continue
                ;;
        esac
        case $__arl_word in
            --) \break ;;
            --color) case $__arl_verb in '') __arl_skip=x ;; esac ;;
            --chain) __arl_back='' ;;
            -h | -[vq]*h* | --help | --json | --format | --format=* | --show | --shell | --shell=*) __arl_apply='' ;;
            -*) ;;
            *) case $__arl_verb in '') __arl_verb=$__arl_word ;; esac ;;
        esac
    done
    case $__arl_verb in
        assume | exec | write | explain | console) ;;
        *) __arl_back='' ;;
    esac
    case $__arl_verb:$__arl_apply in
        assume:x | clear:x) __arl_is_read && __arl_apply='' ;;
    esac
    case $__arl_verb:$__arl_apply in
        assume:x | clear:x)
            __arl_out=$(__arl_before && ARL_SHELL=posix \command arl "$@") || \return
            __arl_before
            \eval "$__arl_out"
            ;;
        *)
            case $__arl_back in
                # mksh would execute the function again.
                x) (__arl_before && \unset -f arl && \exec arl "$@") ;;
                *) \command arl "$@" ;;
            esac
            ;;
    esac
}

# Whether somebody reads what arl prints, as in eval "$(arl assume ROLE)": in a subshell, into a pipe. A change
# of the subshell would be lost then.
__arl_is_read() {
    \test -p /dev/stdout || \return
    # In ksh a substitution need not be a process; elsewhere /proc tells, where there is one.
    case ${KSH_VERSION-} in
        *93*) \eval '\test "${.sh.subshell}" -gt 0' && \return ;;
    esac
    { \read -r __arl_word __arl_skip </proc/self/stat; } 2>/dev/null && \test "$__arl_word" != "$$"
}

# Puts back what was here before a role, unless another source was chosen since. In a subshell, so that arl
# starts there; in the shell itself only once arl has succeeded.
__arl_before() {
    case $__arl_back:${__arl_restore:+x}:${AWS_PROFILE-}${AWS_DEFAULT_PROFILE-}${AWS_WEB_IDENTITY_TOKEN_FILE-}${AWS_CONTAINER_CREDENTIALS_FULL_URI-}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI-}:${AWS_ACCESS_KEY_ID-} in
        x:x:: | x:x::"${ARL_KEY_ID-}") \eval "$__arl_restore" ;;
    esac
}
