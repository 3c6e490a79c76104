/**
 * One command line from its words to its exit code: finds the command, runs it, and turns a failure into
 * a message for people. Streams, signals and the environment are the caller's.
 */
import { Command } from 'commander'

import { EXIT } from './cli-error.ts'
import { addCommand, commandNames } from './command-files.ts'
import type { CliContext } from './context.ts'
import { explainFailure } from './failure-text.ts'

/** Runs the command that the words name (without `node` and the program); gives the exit code, never throws. */
export async function runCommandLine(
  words: readonly string[],
  context: CliContext,
): Promise<number> {
  try {
    const program = await buildProgram(words, context)
    await program.parseAsync(words, { from: 'user' })
    return EXIT.ok
  } catch (error) {
    const { message, exitCode } = explainFailure(error, context)
    if (message !== null) context.stderr.write(`groundstop: ${message}\n`)
    return exitCode
  }
}

/** The program with the commands that the words may mean. */
export async function buildProgram(
  words: readonly string[],
  context: CliContext,
): Promise<Command> {
  const program = new Command('groundstop')
    .description('Watches insured flights, decides policies by fixed rules and pays them.')
    .showHelpAfterError('(--help shows what there is)')
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .exitOverride()
  for (const name of await neededCommands(words)) await addCommand(program, context, name)
  return program
}

/**
 * The commands whose files are needed: the one that was asked for, or all when none was. Loading all
 * of them takes a second, as the workers' and the API's packages come with them.
 */
async function neededCommands(words: readonly string[]): Promise<string[]> {
  const names = await commandNames()
  const asked = words.find((word) => !word.startsWith('-'))
  return asked !== undefined && names.includes(asked) ? [asked] : names
}
