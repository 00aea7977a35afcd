import type { Shell } from './shells.ts';

/**
 * The completion script for a shell. It passes the typed words to `recordupload completion <shell> -- <word>…`, which prints
 * one line per candidate (`value<tab>description`) and then `:files` or `:none`. The script never evaluates what was
 * typed, and needs nothing but the shell itself.
 */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

const BASH = String.raw`# bash completion for recordupload
_recordupload() {
  # A quotation that is still open is kept by the shell.
  local word=\${COMP_WORDS[COMP_CWORD]#[\"\']} line
  local cur=$word
  [[ $cur == "=" ]] && cur=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files)
        if ((\${#COMPREPLY[@]})); then
          while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
        fi
        compopt -o filenames 2>/dev/null ;;
      :none) compopt +o default 2>/dev/null ;;
      *) COMPREPLY+=("\${line%%$'\t'*}") ;;
    esac
  done < <(recordupload completion bash -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$word" 2>/dev/null)
}
complete -o default -F _recordupload recordupload`;

const ZSH = String.raw`#compdef recordupload
# zsh completion for recordupload
_recordupload() {
  local -a candidates
  local line files=0
  while IFS= read -r line; do
    case $line in
      :files) files=1 ;;
      :none) ;;
      *$'\t'*) candidates+=("\${\${line%%$'\t'*}//:/\\:}:\${line#*$'\t'}") ;;
      *) candidates+=("\${line//:/\\:}") ;;
    esac
  done < <(recordupload completion zsh -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
  local found=1
  (( \${#candidates} )) && _describe -V recordupload candidates && found=0
  (( files )) && _files && found=0
  return found
}
if [[ $funcstack[1] == _recordupload ]]; then
  _recordupload "$@"
else
  compdef _recordupload recordupload
fi`;

const FISH = `# fish completion for recordupload
function __recordupload_complete
    set -l words (commandline -opc)
    set -e words[1]
    # A quotation that is still open is kept by the shell.
    set -l current (string replace -r '^["\\']' '' -- (commandline -ct))
    for line in (recordupload completion fish -- $words "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':none'
            case '*'
                echo $line
        end
    end
end
complete -c recordupload -f -k -a '(__recordupload_complete)'`;

const POWERSHELL = `# PowerShell completion for recordupload
Register-ArgumentCompleter -Native -CommandName recordupload -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  # The added character keeps an empty word from being dropped.
  $words += "$($wordToComplete)_"
  recordupload completion powershell -- @words 2>$null | ForEach-Object {
    if (-not $_.StartsWith(':')) {
      $value, $about = $_ -split "\`t", 2
      if (-not $about) { $about = $value }
      [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $about)
    }
  }
}`;

const SCRIPTS: Record<Shell, string> = {
  bash: BASH.replaceAll('\\${', '${'),
  zsh: ZSH.replaceAll('\\${', '${'),
  fish: FISH,
  powershell: POWERSHELL,
};
