# arl for tcsh: arl init tcsh > ~/.arl.tcsh, and in ~/.tcshrc: source ~/.arl.tcsh
# The verb comes first: `arl assume ROLE -v`. tcsh has no clock, so the hook runs arl at each prompt while the
# shell has a role.
#
# tcsh expands a whole command before it evaluates a condition in it. So `eval` delays every variable that may
# be unset, and the alias keeps its commands in strings.

# `$?__arl_restore` and `$__arl_restore` fall back to the environment, whose text is not arl's and must not be
# evaluated. arl uses a shell variable, so remove the environment variable here and before each use.
unsetenv __arl_restore; unsetenv __arl_region

set __arl_get_key = 'set __arl_key = "$AWS_ACCESS_KEY_ID:q"'
set __arl_get_own = 'set __arl_own = "$ARL_KEY_ID:q"'
set __arl_get_original = 'set __arl_from_original = "$__arl_restore:q"'

# Sets __arl_from_original to the text that restores the original environment, unless the user has chosen
# another source since.
set __arl_look = 'set __arl_key = ""; set __arl_own = "?"; set __arl_from_original = ":"; if ( $?AWS_ACCESS_KEY_ID ) eval "$__arl_get_key:q"; if ( $?ARL_KEY_ID ) eval "$__arl_get_own:q"; if ( $?__arl_restore && ( "$__arl_key:q" == "" || "$__arl_key:q" == "$__arl_own:q" ) && "$__arl_args" !~ *--chain* && ! $?AWS_PROFILE && ! $?AWS_DEFAULT_PROFILE && ! $?AWS_WEB_IDENTITY_TOKEN_FILE && ! $?AWS_CONTAINER_CREDENTIALS_FULL_URI && ! $?AWS_CONTAINER_CREDENTIALS_RELATIVE_URI && ( "$__arl_verb:q" == assume || "$__arl_verb:q" == exec || "$__arl_verb:q" == each || "$__arl_verb:q" == write || "$__arl_verb:q" == explain || "$__arl_verb:q" == console ) ) eval "$__arl_get_original:q"'

# For output that the shell evaluates: restore the original environment after arl has succeeded, then evaluate
# the output. __arl_ask is a string of its own, because between double quotes its words would be expanded too
# early.
set __arl_ask = '\arl $__arl_args:q --shell tcsh'
set __arl_eval_output = 'set __arl_text = "`eval $__arl_from_original:q; $__arl_ask`"; set __arl_status = $status; if ( $__arl_status == 0 ) eval "$__arl_from_original:q"; if ( $__arl_status == 0 ) eval "$__arl_text:q"; ( exit $__arl_status )'

# For all other output: run arl in the original environment.
set __arl_pass = '( eval "$__arl_from_original:q"; \arl $__arl_args:q )'

set __arl_run = 'unsetenv __arl_restore; unsetenv __arl_region; eval "$__arl_look:q"; set __arl_do = "$__arl_pass:q"; if ( ( "$__arl_verb:q" == assume || "$__arl_verb:q" == clear ) && "$__arl_args" !~ *--json* && "$__arl_args" !~ *--format* && "$__arl_args" !~ *--help* && "$__arl_args" !~ *--show* && "$__arl_args" !~ *--shell* && "$__arl_words[$#__arl_args]:q" != -h ) set __arl_do = "$__arl_eval_output:q"; eval "$__arl_do:q"'

alias arl 'set __arl_args = ( \!* ); set __arl_words = ( \!* "" ); set __arl_verb = "$__arl_words[1]:q"; eval "$__arl_run:q"'

# Runs at each prompt and clears an expired role. `arl clear` can still restore the original environment. If
# arl is missing, the hook cannot tell the time, so the keys stay, and AWS refuses them when they expire.
set __arl_check = 'unsetenv __arl_restore; unsetenv __arl_region; set __arl_text = "`\arl clear --expired --shell tcsh`"; set __arl_status = $status; if ( $__arl_status == 0 ) eval "$__arl_text:q"; if ( $__arl_status != 0 ) unsetenv ARL_EXPIRES_AT'
set __arl_hook = 'set __arl_kept = $status; if ( $?ARL_EXPIRES_AT ) eval "$__arl_check:q"; ( exit $__arl_kept )'
if ( $?prompt ) then
    set __arl_precmd = "`alias precmd`"
    if ( "$__arl_precmd:q" !~ *__arl_hook* ) alias precmd "$__arl_precmd:q"';eval "$__arl_hook:q"'
endif
