# shellcheck shell=sh
# arl for POSIX shells: eval "$(arl init sh)". The function alone: such shells have no hook that could clear
# an expired role.

# Unsets the variables whose text arl evaluates if one is exported: arl never exports them, so the text came from the
# environment. A tool such as direnv may export one after this script ran, so each use checks again.
__arl_drop_inherited() {
    case ${__arl_restore:+x}${__arl_refresh:+x}${__arl_region:+x} in '') \return ;; esac
    case $(\export -p) in
        *' __arl_re'*) \unset __arl_restore __arl_refresh __arl_region ;;
    esac
}
__arl_drop_inherited

# An alias of that name would be expanded here.
\unalias arl 2>/dev/null || \:
arl() {
    __arl_trace=$-
    # Neither -x nor -v may show what is evaluated.
    { \set +xv; } 2>/dev/null
    if __arl_main "$@"; then
        \set -- 0
    else
        \set -- "$?"
    fi
    \unset __arl_verb __arl_apply __arl_back __arl_skip __arl_word __arl_out __arl_code __arl_fd __arl_key __arl_value
    case $__arl_trace in *v*) \set -v ;; esac
    case $__arl_trace in
        *x*) \unset __arl_trace && \set -x ;;
        *) \unset __arl_trace ;;
    esac
    \return "$1"
}

# Finds the verb, whether its output is for this shell, and whether it starts from what was here before a role.
__arl_main() {
    __arl_drop_inherited || \return
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
            -h* | -[vq]*h* | --help | --json | --format | --format=* | --show | --shell | --shell=*) __arl_apply='' ;;
            -*) ;;
            *) case $__arl_verb in '') __arl_verb=$__arl_word ;; esac ;;
        esac
    done
    case $__arl_verb in
        assume | exec | each | write | explain | console) ;;
        *) __arl_back='' ;;
    esac
    case $__arl_verb:$__arl_apply in
        assume:x | clear:x)
            __arl_out=$(__arl_before && ARL_SHELL=posix \command arl "$@") || {
                __arl_skip=$?
                # What fails holds no secret.
                ! \test -p /dev/stdout || \printf '%s\n' "$__arl_out"
                \return "$__arl_skip"
            }
            __arl_code=0
            __arl_is_read || __arl_code=$?
            case $__arl_code in
                2)
                    \printf '(exit 1);\n'
                    \printf 'arl: in such a subshell ksh93 does not tell who reads the pipe; use arl exec\n' >&2
                    \return 1
                    ;;
            esac
            # A variable that cannot be changed must not cost the shell the role that it has.
            (__arl_before && \eval "$__arl_out") || {
                __arl_skip=$?
                case $__arl_code in 0) \printf '(exit %s);\n' "$__arl_skip" ;; esac
                \return "$__arl_skip"
            }
            __arl_before
            \eval "$__arl_out"
            # In eval "$(arl assume ROLE)" a change of the subshell is lost, and the shell reads what is printed.
            case $__arl_code in 0) \printf '%s\n' "$__arl_out" ;; esac
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

# Whether one of the shells that this subshell comes from reads the pipe that stdout is. In { arl assume ROLE; … } | tee
# it is another program, which must not get to see a secret. 2 if that cannot be told.
__arl_is_read() {
    \test -p /dev/stdout || \return 1
    { IFS=' ' \read -r __arl_word __arl_skip </proc/self/stat; } 2>/dev/null || \return 1
    # A substitution of ksh93's is no process; deeper ones look the same as parentheses.
    case ${KSH_VERSION-} in
        *93*)
            __arl_key=''
            \eval '__arl_key=${.sh.subshell}'
            case $__arl_key:$__arl_word in
                0:*) \return 1 ;;
                *:$$) \return 0 ;;
                1:*) \return 1 ;;
                *) \return 2 ;;
            esac
            ;;
    esac
    # Whatever the shell has said of patterns and of IFS.
    (
        \set +f
        IFS=' '
        while \test "$__arl_word" != "$$" && \test "$__arl_word" -gt 1; do
            \read -r __arl_skip <"/proc/$__arl_word/stat" || \exit 1
            __arl_skip=${__arl_skip##*\) ? }
            __arl_word=${__arl_skip%% *}
            for __arl_fd in "/proc/$__arl_word/fd/"*; do
                \test "$__arl_fd" -ef /dev/fd/1 || \continue
                while \read -r __arl_value; do
                    # The last digit of its flags is 0 for reading only.
                    case $__arl_value in flags:*0) \exit 0 ;; esac
                done <"/proc/$__arl_word/fdinfo/${__arl_fd##*/}"
            done
        done
        \exit 1
    )
}

# Puts back what was here before a role, unless another source was chosen since. In a subshell, so that arl
# starts there; in the shell itself only once arl has succeeded.
__arl_before() {
    case $__arl_back:${__arl_restore:+x}:${AWS_PROFILE-}${AWS_DEFAULT_PROFILE-}${AWS_WEB_IDENTITY_TOKEN_FILE-}${AWS_CONTAINER_CREDENTIALS_FULL_URI-}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI-}:${AWS_ACCESS_KEY_ID-} in
        x:x:: | x:x::"${ARL_KEY_ID-}") \eval "$__arl_restore" ;;
    esac
}
