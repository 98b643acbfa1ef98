# arl for elvish: eval (arl init elvish | slurp), in rc.elv.

use re
use math
use str

# The variables that select or describe an AWS identity.
var __arl_identity = [
  AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID
  AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_SESSION_EXPIRATION AWS_CREDENTIALS_EXPIRATION
  AWS_CREDENTIAL_SCOPE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE
  AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
  AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_CREDENTIAL_FILE
  ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION ARL_ENDPOINT
]
# The variables that `assume` sets. It removes the other identity variables, so if one of those has a value
# later, the user has set it.
var __arl_set = [
  AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID
  ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION
]
# The variables that choose a source of credentials other than keys.
var __arl_sources = [
  AWS_PROFILE AWS_DEFAULT_PROFILE AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
]
var __arl_own = [ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION]
var __arl_regions = [AWS_REGION AWS_DEFAULT_REGION]
# The environment from before the role, in a variable of elvish, which child processes do not see.
var __arl_memory = $nil
# The arguments of this role and of the one before, for `arl assume -`.
var __arl_last = []
var __arl_previous = []

fn __arl_get {|name| if (has-env $name) { get-env $name } else { put $nil } }

fn __arl_put {|name value| if (eq $value $nil) { unset-env $name } else { set-env $name $value } }

fn __arl_owned {
  and (has-env ARL_KEY_ID) (has-env AWS_ACCESS_KEY_ID) (not-eq (__arl_get ARL_KEY_ID) '') ^
    (eq (__arl_get ARL_KEY_ID) (__arl_get AWS_ACCESS_KEY_ID))
}

# Restores the original environment. It changes region and source variables only if they are still as `assume`
# left them.
fn __arl_restore_original {
  if (and (not-eq $__arl_memory $nil) (or (__arl_owned) (not (has-env AWS_ACCESS_KEY_ID)))) {
    for name [$@__arl_identity $@__arl_regions] {
      if (has-value $__arl_regions $name) {
        if (eq (__arl_get $name) $__arl_memory[after][$name]) {
          __arl_put $name $__arl_memory[before][$name]
        }
      } elif (or (has-value $__arl_set $name) (not (has-env $name))) {
        __arl_put $name $__arl_memory[before][$name]
      }
    }
  }
}

# If the region is still the one that arl set, restores the earlier one. A child shell does not know the
# earlier region and only unsets the one that arl set.
fn __arl_region_back {
  for name $__arl_regions {
    if (not-eq $__arl_memory $nil) {
      if (eq (__arl_get $name) $__arl_memory[after][$name]) { __arl_put $name $__arl_memory[before][$name] }
    } elif (and (has-env ARL_REGION) (eq (__arl_get $name) (__arl_get ARL_REGION))) {
      unset-env $name
    }
  }
}

fn __arl_snapshot {
  var picture = [&]
  for name [$@__arl_identity $@__arl_regions] { set picture[$name] = (__arl_get $name) }
  put $picture
}

fn __arl_restore {|picture| for name [(keys $picture)] { __arl_put $name $picture[$name] } }

# Restores the original environment for a command, unless the user has chosen another source since.
fn __arl_use_original_env {
  for name $__arl_sources { if (not-eq (__arl_get $name) $nil) { return } }
  __arl_restore_original
}

# Runs code in the original environment. elvish has only one environment for the process, so this restores the
# role afterwards.
fn __arl_run_from_original {|code|
  var held = (__arl_snapshot)
  __arl_use_original_env
  try { $code } finally { __arl_restore $held }
}

# Whether an earlier `arl init` installed this hook.
fn __arl_is_hook {|hook| try { has-value $hook[opt-names] arl-memory } catch e { put $false } }

fn __arl_has_hook {
  var has = $false
  # Only an interactive elvish has the list.
  for hook (eval 'put $edit:before-readline') { if (__arl_is_hook $hook) { set has = $true } }
  put $has
}

# Returns the verb: the first argument that is neither a flag nor a flag's value.
fn __arl_verb {|words|
  var skip = $false
  for word $words {
    if $skip {
      set skip = $false
    } elif (eq $word --color) {
      set skip = $true
    } elif (not (str:has-prefix $word -)) {
      put $word
      return
    }
  }
  put ''
}

# Replaces `-` by the arguments of the previous role or, if the shell has no role now, of the most recent
# role. Without such a role, arl itself reports that there is no role to go back to.
fn __arl_with_previous {|words|
  var back = (if (__arl_owned) { put $__arl_previous } else { put $__arl_last })
  if (or (== (count $back) 0) (not (has-value $words -))) {
    put $words
  } else {
    put [$@back (each {|word| if (not (has-value [assume -] $word)) { put $word } } $words)]
  }
}

fn arl {|@words|
  var verb = (__arl_verb $words)
  if (eq $verb assume) { set words = (__arl_with_previous $words) }
  var passes = $false
  for word $words {
    if (eq $word --) { break }
    if (re:match '^(--json|--format(=.*)?|--help|-h|--show|--shell(=.*)?|--expired)$' $word) { set passes = $true }
  }
  # Without a ROLE, `console` is for the role that the shell has.
  if (and (eq $verb console) (not-eq $__arl_memory $nil)) {
    try { e:arl $@words --names-role >/dev/null 2>/dev/null } catch e { set verb = '' }
  }
  var chains = $false
  for word $words {
    if (eq $word --) { break }
    if (eq $word --chain) { set chains = $true }
  }
  if (and (eq $verb assume) (not $passes)) {
    var text = ''
    if $chains {
      set text = (e:arl $@words --shell elvish --recall | slurp)
    } else {
      set text = (__arl_run_from_original { e:arl $@words --shell elvish --recall | slurp })
    }
    var kept = (and $chains (__arl_owned) (not-eq $__arl_memory $nil))
    if (not $chains) { __arl_use_original_env }
    var before = (if $kept { put $__arl_memory[before] } else { __arl_snapshot })
    if (not $kept) { for name $__arl_own { set before[$name] = $nil } }
    var printed = [&]
    eval $text &on-end={|scope| set printed = [&refresh=$scope[arl_refresh] &last=$scope[arl_last]] }
    var after = [&]
    for name $__arl_regions { set after[$name] = (__arl_get $name) }
    set __arl_memory = [&before=$before &after=$after]
    if (not-eq $printed[refresh] []) { set __arl_memory[words] = $printed[refresh] }
    # Assuming the same role again must not change the previous one.
    if (not-eq $printed[last] $__arl_last) {
      set __arl_previous = $__arl_last
      set __arl_last = $printed[last]
    }
  } elif (and (eq $verb clear) (not $passes)) {
    if (and (has-env AWS_ACCESS_KEY_ID) (not (__arl_owned))) {
      echo "arl: the keys in this shell did not come from arl, so they were left alone" >&2
    } elif (eq $__arl_memory $nil) {
      __arl_region_back
      for name $__arl_set { unset-env $name }
    } else {
      __arl_restore_original
    }
    for name $__arl_own { unset-env $name }
    set __arl_memory = $nil
  } elif (and (has-value [assume exec each write explain console] $verb) (not $chains)) {
    __arl_run_from_original { e:arl $@words }
  } elif (eq $verb status) {
    # Tells arl whether the hook is in place.
    set-env ARL_HOOK (if (__arl_has_hook) { put prompt } else { put none })
    try { e:arl $@words } finally { unset-env ARL_HOOK }
  } else {
    e:arl $@words
  }
}

# The end of the session. elvish would read a number with a leading zero as octal.
fn __arl_expires_at { put (num (re:replace '^0+(.)' '$1' (__arl_get ARL_EXPIRES_AT))) }

fn __arl_now { put (num (e:date +%s)) }

fn __arl_notice {|now told|
  var arn = (__arl_get ARL_ROLE_ARN)
  var name = 'a role'
  if (and (not-eq $arn $nil) (re:match '^[!-~]+$' $arn)) {
    var parts = [(str:split : $arn)]
    var names = [(str:split / $arn)]
    if (> (count $parts) 5) { set name = (str:join '' [role/ $names[-1] ' in ' $parts[4]]) }
    set arn = (str:join '' [$parts[4] / $names[-1]])
  }
  # Also show ARL_ROLE, unless it is only the account and the name of the role.
  var known = (__arl_get ARL_ROLE)
  if (and (not-eq $known $nil) (not-eq $known $arn) (re:match '^[ -~]+$' $known)) {
    if (eq $name 'a role') { set name = $known } else { set name = $known' ('$name')' }
  }
  var ago = 'expired '(exact-num (math:floor (/ (- $now (__arl_expires_at)) 60)))'m ago'
  if (eq $ago 'expired 0m ago') { set ago = 'just expired' }
  echo 'arl: '$name' '$ago'; '$told >&2
}

# Removes what a role left behind after its keys were replaced. `arl clear --expired` names the variables.
fn __arl_forget_role {
  __arl_region_back
  try { eval (e:arl clear --expired --quiet --shell elvish | slurp) } catch e { nop }
  for name $__arl_own { unset-env $name }
  if (has-env AWS_ACCESS_KEY_ID) { set __arl_memory = $nil }
}

# Runs at each prompt and clears an expired role. elvish has no clock, so this forks while the shell has a
# role. A later `arl init` recognizes the hook by its option and takes over what it has saved.
fn __arl_hook {|&arl-memory=$false|
  if $arl-memory {
    put [&memory=$__arl_memory &last=$__arl_last &previous=$__arl_previous]
  } elif (and (has-env ARL_EXPIRES_AT) (re:match '^[0-9]{1,15}$' (__arl_get ARL_EXPIRES_AT))) {
    var now = (__arl_now)
    if (>= $now (__arl_expires_at)) {
      if (not (__arl_owned)) {
        __arl_forget_role
      } else {
        var on_expiry = (__arl_get ARL_ON_EXPIRY)
        if (and (eq $on_expiry refresh) (not-eq $__arl_memory $nil) (has-key $__arl_memory words)) {
          # arl tries once. It does not repeat a failure at every prompt.
          var words = $__arl_memory[words]
          set __arl_memory = (dissoc $__arl_memory words)
          try { arl $@words --quiet --within 5s } catch e { nop }
        }
        if (>= $now (__arl_expires_at)) {
          if (and (eq $on_expiry restore) (not-eq $__arl_memory $nil)) {
            __arl_notice $now 'your previous credentials are back'
            arl clear
          } else {
            __arl_notice $now 'its credentials were cleared'
            __arl_region_back
            for name $__arl_set { unset-env $name }
          }
        }
      }
    }
  }
}

# `eval` keeps its names to itself, so `edit:add-var` makes the function available. Only an interactive elvish
# has `edit:` and reads rc.elv.
edit:add-var arl~ $arl~
fn __arl_take_over {|kept|
  set __arl_memory = $kept[memory]
  set __arl_last = $kept[last]
  set __arl_previous = $kept[previous]
}
set edit:before-readline = [(for hook $edit:before-readline { if (__arl_is_hook $hook) { __arl_take_over ($hook &arl-memory) } else { put $hook } }) $__arl_hook~]
