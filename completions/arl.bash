# shellcheck shell=bash
# Completion of arl for bash 3.2 and later.

_arl() {
    # bash splits words at each character of COMP_WORDBREAKS, and leaves quotes as they were typed. This reads the
    # line itself. readline replaces only the text after `cut`: after the last such character or quote.
    local line=${COMP_LINE:0:COMP_POINT} words=('') last=0 cut='' quote='' in_word='' char next index word
    for ((index = 0; index < ${#line}; index++)); do
        char=${line:index:1} next=${line:index+1:1}
        if [[ -z $quote && $char == [[:blank:]] ]]; then
            [[ -z $in_word ]] || words[++last]='' cut='' in_word=''
            continue
        fi
        in_word=x
        if [[ -n $quote && $char == "$quote" ]]; then
            quote='' cut=${words[last]}
        elif [[ $quote == "'" ]]; then
            words[last]+=$char
        elif [[ $char == \\ && (-z $quote || $next == [\"\$\`\\]) ]]; then
            words[last]+=$next
            ((++index))
        elif [[ -z $quote && $char == [\'\"] ]]; then
            quote=$char cut=${words[last]}
        else
            words[last]+=$char
            # readline replaces these two as well.
            [[ -n $quote || $COMP_WORDBREAKS != *"$char"* ]] || cut=${words[last]%[@$]}
        fi
    done
    COMPREPLY=()
    # File names are for the command after `--`, and for values that are files. Before version 4, bash offers
    # them wherever arl has nothing to offer.
    for ((index = 1; index < last; index++)); do
        [[ ${words[index]} != -- ]] || return 0
    done
    compopt +o default +o bashdefault 2>/dev/null
    while IFS= read -r word; do
        if [[ $word == $'\tfiles' ]]; then
            compopt -o default -o bashdefault 2>/dev/null
            return 0
        fi
        word=${word%%$'\t'*}
        [[ $word == "${words[last]}"* ]] || continue
        word=${word#"$cut"}
        case $quote in
            '') printf -v word %q "$word" ;;
            "'") word=${word//\'/\'\\\'\'} ;;
            *)
                word=${word//\\/\\\\}
                word=${word//\"/\\\"}
                word=${word//\$/\\\$}
                word=${word//\`/\\\`}
                # Between double quotes a backslash would stay before it.
                word=${word//!/\"\\!\"}
                ;;
        esac
        COMPREPLY+=("$word")
    done < <(command arl completions bash --index "$last" -- "${words[@]}" 2>/dev/null)
}

complete -o bashdefault -o default -F _arl arl
