import type { Shell } from '../commands/completion.ts'

export const printCompletion = (shell: Shell): void => console.log(SCRIPT[shell])

/** Each asks `tessera complete -- words…`, where the last word is the one that is being typed. */
const SCRIPT: Readonly<Record<Shell, string>> = {
  bash: `_tessera() {
  local cur words cword
  if declare -F _get_comp_words_by_ref > /dev/null; then _get_comp_words_by_ref -n =: cur words cword
  else cur=\${COMP_WORDS[COMP_CWORD]}; words=("\${COMP_WORDS[@]}"); cword=$COMP_CWORD; fi
  local IFS=$'\\n'
  COMPREPLY=($(tessera complete -- "\${words[@]:1:cword}" 2> /dev/null))
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=./] ]] && compopt -o nospace
  [[ \${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
  if [[ $cur == *=* && $COMP_WORDBREAKS == *=* ]]; then COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*=}"}"}"); fi
}
complete -F _tessera tessera`,
  zsh: `#compdef tessera
_tessera() {
  local -a found
  found=("\${(@f)$(tessera complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ -n $found ]]; then compadd -Q -S '' -- $found; else _files; fi
}
if [[ $funcstack[1] == _tessera ]]; then _tessera; else compdef _tessera tessera; fi`,
  fish: `function __tessera_complete
  set -l words (commandline -opc) (commandline -ct)
  tessera complete -- $words[2..-1] 2> /dev/null
end
complete -c tessera -f -a '(__tessera_complete)'
complete -c tessera -n 'test -z (__tessera_complete | string collect)' -F`,
}
