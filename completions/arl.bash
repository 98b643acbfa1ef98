# shellcheck shell=bash
# Completion of arl for bash 3.2 and later.

_arl() {
    # bash splits words at colons and equals signs; what the person typed as one word is put together again.
    local rest=${COMP_LINE:0:COMP_POINT} words=() piece word index current cut
    for ((index = 0; index <= COMP_CWORD; index++)); do
        piece=${COMP_WORDS[index]}
        if ((index == 0)) || [[ -z $rest || $rest == [[:blank:]]* ]]; then
            rest=${rest#"${rest%%[![:blank:]]*}"}
            words+=('')
        fi
        ((index < COMP_CWORD)) || piece=$rest
        words[${#words[@]} - 1]+=$piece
        rest=${rest#"$piece"}
    done
    # A blank that was typed with its backslash.
    words=("${words[@]//\\/}")
    current=${words[${#words[@]} - 1]}
    # readline replaces only what stands after the last of those characters.
    cut=''
    [[ $current != *[:=]* ]] || cut=${current%"${current##*[:=]}"}
    COMPREPLY=()
    while IFS= read -r word; do
        word=${word%%$'\t'*}
        [[ $word == "$current"* ]] || continue
        printf -v word %q "${word#"$cut"}"
        COMPREPLY+=("$word")
    done < <(command arl completions bash --index $((${#words[@]} - 1)) -- "${words[@]}" 2>/dev/null)
}

complete -o bashdefault -o default -F _arl arl
