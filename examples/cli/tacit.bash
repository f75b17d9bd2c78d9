# Completion of tacit(1) in bash: commands, options and the names of sign-ins. What there is, the
# command itself says.

_tacit_commands() {
    "$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p'
}

_tacit_options() {
    "$1" "$2" --help 2>/dev/null | grep -oE -- '^ {2,6}(-[A-Za-z], )?--[a-z-]*' | grep -o -- '--[a-z-]*'
}

_tacit_names() {
    local directory=${XDG_CONFIG_HOME:-$HOME/.config}/tacit file
    for file in "$directory"/*.json; do
        [ -e "$file" ] || continue
        file=${file##*/}
        printf '%s\n' "${file%.json}"
    done
}

_tacit() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local subcommand=${COMP_WORDS[1]} words=
    COMPREPLY=()

    if [ "$COMP_CWORD" -eq 1 ]; then
        words="$(_tacit_commands "$1") --help --version"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    case $before in
        --name) words=$(_tacit_names) ;;
        --store | --from | --to) words="default keyring kernel file:" ;;
        --kind) words="sign-in refresh api" ;;
        --*-file | --provider | --answer | --output | -o)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --state-dir)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
        --client-id | --scope | --resource | --*param | --origin | --username | --redirect-uri | \
            --timeout | --min-valid | --data | --form | --retry | --application-id | -d | -F | -H) return ;;
        *)
            case $current in
                -*) words=$(_tacit_options "$1" "$subcommand") ;;
                *)
                    case $subcommand in
                        token | request | status | refresh | logout) words=$(_tacit_names) ;;
                        store)
                            words=move
                            [ "$COMP_CWORD" -eq 2 ] || words=$(_tacit_names)
                            ;;
                        provider)
                            if [ "$COMP_CWORD" -gt 2 ]; then
                                mapfile -t COMPREPLY < <(compgen -f -- "$current")
                                return
                            fi
                            words=check
                            ;;
                    esac
                    ;;
            esac
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _tacit tacit
