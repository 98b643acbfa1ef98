# shellcheck shell=sh
# arl for POSIX shells: eval "$(arl init sh)". The function alone: such shells have no hook that could clear
# an expired role.

# A memory that came through the environment is somebody else's text.
case $(\export -p) in
    *__arl_re*) \unset __arl_restore __arl_refresh ;;
esac

arl() {
    __arl_trace=$-
    { \set +x; } 2>/dev/null
    if __arl_main "$@"; then
        \set -- 0
    else
        \set -- "$?"
    fi
    \unset __arl_verb __arl_apply __arl_back __arl_skip __arl_word __arl_out
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
        assume | exec) ;;
        *) __arl_back='' ;;
    esac
    case $__arl_verb:$__arl_apply in
        assume:x | clear:x)
            __arl_out=$(__arl_before && \command arl "$@" --shell posix) || \return
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

# Puts back what was here before a role, unless keys were loaded since. In a subshell, so that arl starts
# there; in the shell itself only once arl has succeeded.
__arl_before() {
    case ${__arl_back}:${__arl_restore:+x}:${AWS_ACCESS_KEY_ID-} in
        x:x: | x:x:"${ARL_KEY_ID-}") \eval "$__arl_restore" ;;
    esac
}
