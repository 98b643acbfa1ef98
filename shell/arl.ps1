# arl for PowerShell: arl init powershell | Out-String | Invoke-Expression, in $PROFILE.
# The tests check only its text, because PowerShell is not available to them.

# The variables that select or describe an AWS identity.
$global:__arl_identity = @(
    'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION', 'AWS_ACCOUNT_ID',
    'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SECURITY_TOKEN', 'AWS_SESSION_EXPIRATION', 'AWS_CREDENTIALS_EXPIRATION',
    'AWS_CREDENTIAL_SCOPE', 'AWS_ROLE_ARN', 'AWS_ROLE_SESSION_NAME', 'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', 'AWS_CREDENTIAL_FILE',
    'ARL_ROLE', 'ARL_ROLE_ARN', 'ARL_EXPIRES_AT', 'ARL_KEY_ID', 'ARL_SOURCE', 'ARL_REGION', 'ARL_USER_REGION', 'ARL_ENDPOINT'
)
# The variables that `assume` sets. It removes the other identity variables, so if one of those has a value
# later, the user has set it.
$global:__arl_set = @(
    'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION', 'AWS_ACCOUNT_ID',
    'ARL_ROLE', 'ARL_ROLE_ARN', 'ARL_EXPIRES_AT', 'ARL_KEY_ID', 'ARL_SOURCE', 'ARL_REGION', 'ARL_USER_REGION'
)
# The variables that choose a source of credentials other than keys.
$global:__arl_sources = @(
    'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'
)
$global:__arl_own = @('ARL_ROLE', 'ARL_ROLE_ARN', 'ARL_EXPIRES_AT', 'ARL_KEY_ID', 'ARL_SOURCE', 'ARL_REGION', 'ARL_USER_REGION')
$global:__arl_regions = @('AWS_REGION', 'AWS_DEFAULT_REGION')

# The arguments of this role and of the one before, for `arl assume -`. A second `arl init` keeps them.
if ($null -eq $global:__arl_last) {
    $global:__arl_last = @()
    $global:__arl_previous = @()
}

function global:__arl_get([string]$Name) { [Environment]::GetEnvironmentVariable($Name) }

# Up to PowerShell 7.4 an empty value removes a variable. $null removes it in every version.
function global:__arl_put([string]$Name, $Value) {
    if ($null -eq $Value) { Remove-Item -LiteralPath "Env:/$Name" -ErrorAction SilentlyContinue }
    else { Set-Item -LiteralPath "Env:/$Name" -Value $Value }
}

function global:__arl_owned {
    $own = __arl_get 'ARL_KEY_ID'
    ($null -ne $own) -and ($own -ceq (__arl_get 'AWS_ACCESS_KEY_ID'))
}

# Restores the original environment. It changes region and source variables only if they are still as `assume`
# left them.
function global:__arl_restore_original {
    $memory = $global:__arl_memory
    if ($null -eq $memory) { return }
    if (-not (__arl_owned) -and ($null -ne (__arl_get 'AWS_ACCESS_KEY_ID'))) { return }
    foreach ($name in $global:__arl_identity + $global:__arl_regions) {
        if (($global:__arl_set + $global:__arl_regions) -notcontains $name -and ($null -ne (__arl_get $name))) { continue }
        if ($global:__arl_regions -contains $name -and ((__arl_get $name) -cne $memory.After[$name])) { continue }
        __arl_put $name $memory.Before[$name]
    }
}

# Restores the original environment for a command, unless the user has chosen another source since.
function global:__arl_use_original_env {
    foreach ($name in $global:__arl_sources) { if ($null -ne (__arl_get $name)) { return } }
    __arl_restore_original
}

function global:__arl_snapshot {
    $picture = @{}
    foreach ($name in $global:__arl_identity + $global:__arl_regions) { $picture[$name] = __arl_get $name }
    $picture
}

function global:__arl_restore($Picture) { foreach ($name in $Picture.Keys) { __arl_put $name $Picture[$name] } }

# Replaces `-` by the arguments of the previous role or, if the shell has no role now, of the most recent
# role. Without such a role, arl itself reports that there is no role to go back to.
function global:__arl_with_previous($Words) {
    $back = if (__arl_owned) { $global:__arl_previous } else { $global:__arl_last }
    if ($Words -cnotcontains '-' -or $Words -cnotcontains 'assume' -or @($back).Count -eq 0) { return $Words }
    @($back) + @($Words | Where-Object { $_ -cnotin 'assume', '-' })
}

function global:arl {
    $program = (Get-Command -Name arl -CommandType Application -ErrorAction Stop | Select-Object -First 1).Source
    $words = @(__arl_with_previous @($args))
    $verb = ''
    $skip = $false
    $passes = $false
    foreach ($word in $words) {
        if ($word -eq '--') { break }
        if ($skip) { $skip = $false }
        elseif (-not $verb -and $word -eq '--color') { $skip = $true }
        elseif (-not $verb -and "$word" -notlike '-*') { $verb = "$word" }
        if ("$word" -cmatch '^(--json|--format(=.*)?|--help|-h|--show|--shell(=.*)?|--expired)$') { $passes = $true }
    }
    $chains = $words -ccontains '--chain'
    if ($verb -eq 'console' -and $null -ne $global:__arl_memory) {
        # Without a ROLE it is for the role that the shell has.
        & $program @words --names-role *> $null
        if ($LASTEXITCODE -ne 0) { & $program @words; return }
    }
    if ($verb -eq 'status') {
        # Tells arl whether the hook is in place.
        $env:ARL_HOOK = if ("$function:prompt" -clike '*__arl_hook*') { 'prompt' } else { 'none' }
        try { & $program @words } finally { __arl_put 'ARL_HOOK' $null }
        return
    }
    if ($verb -eq 'clear' -and -not $passes) {
        if (($null -ne (__arl_get 'AWS_ACCESS_KEY_ID')) -and -not (__arl_owned)) {
            [Console]::Error.WriteLine("arl: the keys in this shell did not come from arl, so they were left alone")
        }
        elseif ($null -ne $global:__arl_memory) { __arl_restore_original }
        else {
            __arl_region_back
            foreach ($name in $global:__arl_set) { __arl_put $name $null }
        }
        foreach ($name in $global:__arl_own) { __arl_put $name $null }
        $global:__arl_memory = $null
        $global:LASTEXITCODE = 0
        return
    }
    if ($chains -or $verb -notin 'assume', 'exec', 'each', 'write', 'explain', 'console') {
        if ($verb -ne 'assume' -or $passes) { & $program @words; return }
        $text = & $program @words --shell powershell --recall | Out-String
    }
    else {
        # PowerShell has only one environment for the process, so `finally` restores the role.
        $held = __arl_snapshot
        try {
            __arl_use_original_env
            if ($verb -ne 'assume' -or $passes) { & $program @words; return }
            $text = & $program @words --shell powershell --recall | Out-String
        }
        finally { __arl_restore $held }
    }
    if ($LASTEXITCODE -ne 0) { return }
    $keeps = $chains -and (__arl_owned) -and ($null -ne $global:__arl_memory)
    if (-not $chains) { __arl_use_original_env }
    $before = if ($keeps) { $global:__arl_memory.Before } else { __arl_snapshot }
    if (-not $keeps) { foreach ($name in $global:__arl_own) { $before[$name] = $null } }
    Invoke-Expression $text
    $after = @{}
    foreach ($name in $global:__arl_regions) { $after[$name] = __arl_get $name }
    # The statements have set $arl_refresh and $arl_last.
    $global:__arl_memory = @{ Before = $before; After = $after; Words = $(if ($arl_refresh.Count) { $arl_refresh }) }
    # Assuming the same role again must not change the previous one.
    if ((ConvertTo-Json -InputObject @($arl_last)) -cne (ConvertTo-Json -InputObject @($global:__arl_last))) {
        $global:__arl_previous = @($global:__arl_last)
        $global:__arl_last = @($arl_last)
    }
}

function global:__arl_notice([long]$Now, [string]$Told) {
    $arn = __arl_get 'ARL_ROLE_ARN'
    $name = 'a role'
    if ($arn -cmatch '^[!-~]+$' -and $arn.Split(':').Count -gt 5) {
        $name = "role/$($arn.Split('/')[-1]) in $($arn.Split(':')[4])"
        $arn = "$($arn.Split(':')[4])/$($arn.Split('/')[-1])"
    }
    # Also show ARL_ROLE, unless it is only the account and the name of the role.
    $known = __arl_get 'ARL_ROLE'
    if (($null -ne $known) -and ($known -cne $arn) -and ($known -cmatch '^[ -~]+$')) {
        $name = if ($name -ceq 'a role') { $known } else { "$known ($name)" }
    }
    $minutes = [Math]::Floor(($Now - [long](__arl_get 'ARL_EXPIRES_AT')) / 60)
    $ago = if ($minutes -eq 0) { 'just expired' } else { "expired ${minutes}m ago" }
    [Console]::Error.WriteLine("arl: $name $ago; $Told")
}

# If the region is still the one that arl set, restores the earlier one. A child shell does not know the
# earlier region and only removes the one that arl set.
function global:__arl_region_back {
    $memory = $global:__arl_memory
    $role = __arl_get 'ARL_REGION'
    foreach ($name in $global:__arl_regions) {
        if ($null -ne $memory) {
            if ((__arl_get $name) -ceq $memory.After[$name]) { __arl_put $name $memory.Before[$name] }
        }
        elseif (($null -ne $role) -and ((__arl_get $name) -ceq $role)) { __arl_put $name $null }
    }
}

# Removes what a role left behind after its keys were replaced. `arl clear --expired` names the variables.
function global:__arl_forget_role {
    __arl_region_back
    $program = Get-Command -Name arl -CommandType Application -ErrorAction Ignore | Select-Object -First 1
    if ($null -ne $program) {
        $text = & $program.Source clear --expired --quiet --shell powershell | Out-String
        if ($LASTEXITCODE -eq 0) { Invoke-Expression "$text;" }
    }
    foreach ($name in $global:__arl_own) { __arl_put $name $null }
    if ($null -ne (__arl_get 'AWS_ACCESS_KEY_ID')) { $global:__arl_memory = $null }
}

# Runs at each prompt and clears an expired role.
function global:__arl_hook {
    $deadline = __arl_get 'ARL_EXPIRES_AT'
    if ($deadline -notmatch '^[0-9]{1,15}$') { return }
    $now = [DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
    if ($now -lt [long]$deadline) { return }
    if (-not (__arl_owned)) { __arl_forget_role; return }
    $policy = __arl_get 'ARL_ON_EXPIRY'
    if ($policy -eq 'refresh' -and $null -ne $global:__arl_memory -and $null -ne $global:__arl_memory.Words) {
        # arl tries once. It does not repeat a failure at every prompt.
        $words = @($global:__arl_memory.Words)
        $global:__arl_memory.Words = $null
        arl @words --quiet --within 5s
        if ($now -lt [long](__arl_get 'ARL_EXPIRES_AT')) { return }
    }
    if ($policy -eq 'restore' -and $null -ne $global:__arl_memory) {
        __arl_notice $now 'your previous credentials are back'
        arl clear
    }
    else {
        __arl_notice $now 'its credentials were cleared'
        __arl_region_back
        foreach ($name in $global:__arl_set) { __arl_put $name $null }
    }
}

# Wraps the existing prompt, once.
if ($null -eq $global:__arl_prompt) {
    $global:__arl_prompt = $function:prompt
    function global:prompt {
        $status = $?
        $code = $global:LASTEXITCODE
        __arl_hook
        $global:LASTEXITCODE = $code
        # The last statement before the prompt has to fail or succeed to pass `$?` on.
        if (-not $status) { Write-Error '' -ErrorAction Ignore }
        & $global:__arl_prompt
    }
}
