/**
 * What may stand at the end of an unfinished command line, read off the tree of commands: subcommands,
 * options, values. Knows no shell and prints nothing.
 */
import type { Argument, Command, Option } from 'commander'

import { valuesOf, type Offer, type OfferedWord } from './values.ts'

/** What is known of the line when its last word is reached. */
type Place = {
  command: Command
  /** `groundstop help jobs`: only names of commands follow. */
  isHelp: boolean
  /** After `--` nothing is an option. */
  isPlain: boolean
  argumentsSeen: number
  /** The option whose value may come next. */
  open: Option | null
}

/**
 * The words that may take the place of the last one of `words`, which may be empty and is what was typed so far. A word
 * that the tree does not know ends nothing: what follows is still answered as well as can be.
 */
export async function offeredWords(program: Command, words: readonly string[]): Promise<Offer> {
  const typed = words.at(-1) ?? ''
  const place = placeAfter(program, words.slice(0, -1))
  const { open } = place
  if (open !== null && !(open.variadic && typed.startsWith('-'))) {
    return startingWith(await valuesOf(open), typed)
  }
  const isOption = typed.startsWith('-') && !place.isPlain && !place.isHelp
  if (isOption && typed.includes('=')) return withValue(place.command, typed)
  if (isOption) return startingWith({ words: options(place.command) }, typed)
  return startingWith(await plainWords(place, typed), typed)
}

function placeAfter(program: Command, words: readonly string[]): Place {
  const start = { command: program, isHelp: false, isPlain: false, argumentsSeen: 0, open: null }
  const place: Place = start
  for (const word of words) step(place, word)
  return place
}

function step(place: Place, word: string): void {
  const { command, open, isPlain } = place
  const isOption = word.startsWith('-') && word !== '-' && !isPlain
  if (open !== null && !(open.variadic && isOption)) {
    if (!open.variadic) place.open = null
    return
  }
  place.open = null
  if (isOption) {
    place.isPlain = word === '--'
    place.open = optionAwaitingValue(command, word)
    return
  }
  const inner = place.argumentsSeen === 0 ? subcommand(command, word) : undefined
  if (inner !== undefined) place.command = inner
  else if (isHelpCommand(command, word)) place.isHelp = true
  else place.argumentsSeen += 1
}

function subcommand(command: Command, word: string): Command | undefined {
  return command.commands.find((one) => one.name() === word || one.aliases().includes(word))
}

/** Commander makes `help` itself: it is shown, and stands in no list of commands. */
function isHelpCommand(command: Command, word: string): boolean {
  return visibleCommands(command).some((one) => one.name() === word)
}

function optionAwaitingValue(command: Command, word: string): Option | null {
  const option = command.options.find(({ long, short }) => long === word || short === word)
  return option !== undefined && takesValue(option) ? option : null
}

function takesValue(option: Option): boolean {
  return option.required || option.optional
}

function visibleCommands(command: Command): Command[] {
  return command.createHelp().visibleCommands(command)
}

/** Long names; short ones are as quickly typed. */
function options(command: Command): OfferedWord[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((one) => ({ word: one.long ?? one.flags, about: one.description }))
}

/** `--state=OP`: the whole word is replaced, so the option stands before each value. */
async function withValue(command: Command, typed: string): Promise<Offer> {
  const name = typed.slice(0, typed.indexOf('='))
  const option = optionAwaitingValue(command, name)
  if (option === null) return { words: [] }
  const values = await valuesOf(option)
  if (values === 'files') return values
  const words = values.words.map(({ word, about }) => ({ word: `${name}=${word}`, about }))
  return startingWith({ words }, typed)
}

/** Commands and values of an argument; options too where nothing else has to come first. */
async function plainWords(place: Place, typed: string): Promise<Offer> {
  const { command, argumentsSeen, isHelp, isPlain } = place
  const commands = argumentsSeen > 0 ? [] : visibleCommands(command)
  const names = commands.map((one) => ({ word: one.name(), about: one.description() }))
  if (isHelp) return { words: names.filter(({ word }) => word !== 'help') }
  const argument = argumentAt(command, argumentsSeen)
  const values = argument === undefined ? { words: [] } : await valuesOf(argument)
  if (values === 'files') return values
  const isFree = commands.length === 0 && argument?.required !== true
  const further = typed === '' && isFree && !isPlain ? options(command) : []
  return { words: [...names, ...values.words, ...further] }
}

function argumentAt({ registeredArguments }: Command, index: number): Argument | undefined {
  const last = registeredArguments.at(-1)
  return registeredArguments[index] ?? (last?.variadic === true ? last : undefined)
}

function startingWith(offer: Offer, typed: string): Offer {
  if (offer === 'files') return offer
  return { words: offer.words.filter(({ word }) => word.startsWith(typed)) }
}
