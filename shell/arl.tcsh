# arl for tcsh: arl init tcsh > ~/.arl.tcsh, and in ~/.tcshrc: source ~/.arl.tcsh
# The verb comes first: `arl assume ROLE -v`. Here the hook asks arl at each prompt while a role is held: this
# shell has no clock that it could ask.
#
# tcsh expands a whole command before it looks at a condition in it, so whatever may be unset is put off by
# eval, and what the alias does stands in texts.

# `$?__arl_restore` and `$__arl_restore` fall back to the environment, whose text is not arl's and must not be evaluated.
# arl sets a shell variable, so the environment variable goes, here and before each use.
unsetenv __arl_restore

set __arl_get_key = 'set __arl_key = "$AWS_ACCESS_KEY_ID:q"'
set __arl_get_own = 'set __arl_own = "$ARL_KEY_ID:q"'
set __arl_get_back = 'set __arl_back = "$__arl_restore:q"'

# Whether what was here before the role may be put back: not if another source was chosen since.
set __arl_look = 'set __arl_key = ""; set __arl_own = "?"; set __arl_back = ":"; if ( $?AWS_ACCESS_KEY_ID ) eval "$__arl_get_key:q"; if ( $?ARL_KEY_ID ) eval "$__arl_get_own:q"; if ( $?__arl_restore && ( "$__arl_key:q" == "" || "$__arl_key:q" == "$__arl_own:q" ) && "$__arl_args" !~ *--chain* && ! $?AWS_PROFILE && ! $?AWS_DEFAULT_PROFILE && ! $?AWS_WEB_IDENTITY_TOKEN_FILE && ! $?AWS_CONTAINER_CREDENTIALS_FULL_URI && ! $?AWS_CONTAINER_CREDENTIALS_RELATIVE_URI && ( "$__arl_verb:q" == assume || "$__arl_verb:q" == exec || "$__arl_verb:q" == each || "$__arl_verb:q" == write || "$__arl_verb:q" == explain || "$__arl_verb:q" == console ) ) eval "$__arl_get_back:q"'

# Output for this shell: what was here before is put back once arl has succeeded, then the text is carried out.
# A text of its own: between double quotes the words would be expanded too early.
set __arl_ask = '\arl $__arl_args:q --shell tcsh'
set __arl_apply = 'set __arl_text = "`eval $__arl_back:q; $__arl_ask`"; set __arl_status = $status; if ( $__arl_status == 0 ) eval "$__arl_back:q"; if ( $__arl_status == 0 ) eval "$__arl_text:q"; ( exit $__arl_status )'

# Everything else, started with what was here before.
set __arl_pass = '( eval "$__arl_back:q"; \arl $__arl_args:q )'

set __arl_run = 'unsetenv __arl_restore; eval "$__arl_look:q"; set __arl_do = "$__arl_pass:q"; if ( ( "$__arl_verb:q" == assume || "$__arl_verb:q" == clear ) && "$__arl_args" !~ *--json* && "$__arl_args" !~ *--format* && "$__arl_args" !~ *--help* && "$__arl_args" !~ *--show* && "$__arl_args" !~ *--shell* && "$__arl_words[$#__arl_args]:q" != -h ) set __arl_do = "$__arl_apply:q"; eval "$__arl_do:q"'

alias arl 'set __arl_args = ( \!* ); set __arl_words = ( \!* "" ); set __arl_verb = "$__arl_words[1]:q"; eval "$__arl_run:q"'

# At the prompt: clears a role that has expired. What was there before stays available to `arl clear`.
# Without arl nobody can tell the time: then the keys stay, and fail loudly when they are over.
set __arl_check = 'unsetenv __arl_restore; set __arl_text = "`\arl clear --expired --shell tcsh`"; set __arl_status = $status; if ( $__arl_status == 0 ) eval "$__arl_text:q"; if ( $__arl_status != 0 ) unsetenv ARL_EXPIRES_AT'
set __arl_hook = 'set __arl_kept = $status; if ( $?ARL_EXPIRES_AT ) eval "$__arl_check:q"; ( exit $__arl_kept )'
if ( $?prompt ) then
    set __arl_precmd = "`alias precmd`"
    if ( "$__arl_precmd:q" !~ *__arl_hook* ) alias precmd "$__arl_precmd:q"';eval "$__arl_hook:q"'
endif
