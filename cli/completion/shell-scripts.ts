/**
 * The scripts that have a shell complete `groundstop`. Each hands the typed words to
 * `groundstop completion words --` and offers the lines of the answer; a line is a word, a tab and what
 * it means, and the line `:files` stands for the shell's own files.
 */

/** What the scripts call, as absolute paths. */
export type Answerer = {
  readonly node: string
  readonly main: string
  /** Where compiled code is kept: answers take half the time (0.33 s for 0.6 s on a busy machine). */
  readonly compileCache: string
}

/** The line that stands for files. */
export const FILES = ':files'

/** The shells, and the script of each. */
export const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

function bashScript(answerer: Answerer): string {
  return `# Completes groundstop in bash: source <(groundstop completion bash)
_groundstop() {
  local index word words=()
  COMPREPLY=()
  for ((index = 1; index <= COMP_CWORD; index++)); do
    # bash takes --state=OPEN for three words; the value alone is to be replaced.
    if [[ \${COMP_WORDS[index]} == = ]] && ((index < COMP_CWORD)); then continue; fi
    words+=("\${COMP_WORDS[index]#=}")
  done
  while IFS=$'\\t' read -r word _; do
    if [[ $word == ${FILES} ]]; then compopt -o default; else COMPREPLY+=("$word"); fi
  done < <(${call(answerer, quoted)} "\${words[@]}" 2>/dev/null)
}
complete -F _groundstop groundstop
`
}

function zshScript(answerer: Answerer): string {
  return `#compdef groundstop
# Completes groundstop in zsh, after compinit: source <(groundstop completion zsh)
_groundstop() {
  local line about
  local -a lines offered
  lines=("\${(@f)$(${call(answerer, quoted)} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $lines[1] == ${FILES} ]]; then
    compset -P '--*='
    _files
    return
  fi
  for line in $lines; do
    about=\${line#*$'\\t'}
    offered+=("\${\${line%%$'\\t'*}//:/\\\\:}\${about:+:$about}")
  done
  _describe groundstop offered
}
compdef _groundstop groundstop
`
}

function fishScript(answerer: Answerer): string {
  return `# Completes groundstop in fish: groundstop completion fish | source
function __groundstop_words
  set -l words (commandline -opc)
  set -l typed (commandline -ct)
  set -l lines (env ${call(answerer, quotedForFish)} $words[2..-1] "$typed" 2>/dev/null)
  if test "$lines[1]" = ${FILES}
    __fish_complete_path "$typed"
  else
    string join -- \\n $lines
  end
end
complete --command groundstop --no-files --arguments '(__groundstop_words)'
`
}

function call({ node, main, compileCache }: Answerer, quote: (text: string) => string): string {
  const words = `${quote(node)} ${quote(main)} completion words --`
  return `NODE_COMPILE_CACHE=${quote(compileCache)} ${words}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

function quotedForFish(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}
