/** `groundstop completion bash|zsh|fish`: has a shell complete what is typed; `words` is what it asks. */
import { fileURLToPath } from 'node:url'

import { Command } from 'commander'

import { addCommand, commandNames } from '../command-files.ts'
import { offeredWords } from '../completion/offered-words.ts'
import { FILES, SCRIPTS } from '../completion/shell-scripts.ts'
import type { CliContext } from '../context.ts'

const ANSWERER = {
  node: process.execPath,
  main: fileURLToPath(new URL('../main.ts', import.meta.url)),
  compileCache: fileURLToPath(new URL('../../node_modules/.cache/completion', import.meta.url)),
}

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const completion = program
    .command('completion')
    .description('print a script that has a shell complete commands, options and values')
  for (const [shell, script] of Object.entries(SCRIPTS)) {
    completion
      .command(shell)
      .description(`the script for ${shell}`)
      .action(() => {
        context.stdout.write(script(ANSWERER))
      })
  }
  completion
    .command('words', { hidden: true })
    .description('what the scripts ask: the words that may end a line, after `--`')
    .argument('[words...]')
    .action((words: string[]) => printWords(context, words))
}

async function printWords(context: CliContext, words: readonly string[]): Promise<void> {
  const offer = await offeredWords(await treeFor(context, words), words)
  const lines =
    offer === 'files' ? [FILES] : offer.words.map(({ word, about }) => `${word}\t${about}`)
  context.stdout.write(lines.map((line) => `${line}\n`).join(''))
}

/**
 * The tree with the one command that the line names, the others as bare names: loading all of them
 * would take a second at each Tab.
 */
async function treeFor(context: CliContext, words: readonly string[]): Promise<Command> {
  const program = new Command('groundstop')
  const names = await commandNames()
  const asked = words.slice(0, -1).find((word) => names.includes(word))
  for (const name of names) {
    if (name === asked) await addCommand(program, context, name)
    else program.command(name)
  }
  return program
}
