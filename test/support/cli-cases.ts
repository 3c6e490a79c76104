/** Command lines for a command and the requests that say the same to its route. */
import { Argument, type Command, type Option } from 'commander'
import fc from 'fast-check'

import { FIGURES } from '../../cli/reads/report-reads.ts'
import { encoded, OPERATIONS, type Operation } from './api-operations.ts'
import type { Counterpart } from './cli-counterparts.ts'
import { hostile, wanted, type JsonSchema } from './schema-arbitrary.ts'

/** A command that does something, with its words. */
export type Leaf = { readonly name: string; readonly command: Command }

/** A request to the API. */
export type CliRequest = {
  readonly method: string
  readonly path: string
  readonly body: object | undefined
}

/** One command line. */
export type CliCase = {
  readonly words: readonly string[]
  /** A mistake of usage was made on purpose. */
  readonly mistake: Mistake
  /** Null: the route cannot be told the same. */
  readonly request: CliRequest | null
}

/** A word that no command knows, one too many, or one that is needed and is not there. */
export type Mistake = 'none' | 'unknown option' | 'one too many' | 'one too few'

/** What cases are made of beside the schemas. */
export type CaseTexts = {
  /** Texts that fit a field, as names of what is there; none: the schema says what does. */
  readonly known: (field: string) => readonly string[]
  /** Texts that fit some field. */
  readonly some: readonly string[]
  /** The id of an account by its name. */
  readonly userIds: ReadonlyMap<string, string>
  /** Who acts where nobody is named. */
  readonly actor: string
}

/** The commands that do something, by name: groups have neither arguments nor options. */
export function leavesOf(command: Command, path: readonly string[] = []): Leaf[] {
  const { commands, options, registeredArguments } = command
  const acts = commands.length === 0 || options.length > 0 || registeredArguments.length > 0
  return [
    ...(acts && path.length > 0 ? [{ name: path.join(' '), command }] : []),
    ...commands.flatMap((one) => leavesOf(one, [...path, one.name()])),
  ]
}

/** Options that wait, write where they are told, or are always given. */
const NOT_TRIED = ['--follow', '--wait', '--out', '--json']

/** What terminals, shells and parsers of words stumble over, beside what is hostile in any JSON. */
const HOSTILE_WORDS = ['-x', '--nope', '-', '--', '-1', '\u001b[2Jx', 'a\tb', 'a\nb', '\u202ex']
HOSTILE_WORDS.push('ä'.repeat(300), 'null', 'NaN', 'Infinity', '0x10', '1e3', '٣', '__proto__')
HOSTILE_WORDS.push('toString', '=', '--json=x', '$(id)', '{"a":"\\u0000"}', '[1]', '{')

/** A process cannot be given a zero byte, and what is no UTF-8 reaches it as a replacement. */
const asWord = (text: string): string => text.replaceAll('\u0000', '').toWellFormed()

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === null ? 'off' : JSON.stringify(value)

/** In a path or a query; a longer one ends at the server's limit of a head. */
const LONGEST_IN_URL = 1_000

type Place = 'path' | 'query' | 'body'
type Field = { readonly name: string; readonly place: Place; readonly schema: JsonSchema }

/** Fields of the body that hold fields themselves, which options say one by one. */
const NESTED = ['filter', 'when']

function fieldsOf({ parameters, body }: Operation): Map<string, Field> {
  const placed = parameters.flatMap(({ name, in: place, schema }) =>
    place === 'header' ? [] : [{ name, place, schema } as const],
  )
  const sent = Object.entries(body?.properties ?? {}).flatMap(([name, schema]) =>
    NESTED.includes(name)
      ? Object.entries(schema.properties ?? {}).map(([inner, one]) => ({
          name: `${name}.${inner}`,
          place: 'body' as const,
          schema: one,
        }))
      : [{ name, place: 'body' as const, schema }],
  )
  return new Map([...placed, ...sent].map((field) => [field.name, field]))
}

/** The operation of a counterpart. Throws for a route that is not there. */
export function operationOf({ route }: Counterpart): Operation {
  const found = OPERATIONS.find(({ method, path }) => `${method} ${path}` === route)
  if (found === undefined) throw new Error(`there is no route ${route}`)
  return found
}

/** One argument or option of a command, with the field that it says. */
type Slot = {
  readonly of: Argument | Option
  readonly key: string
  readonly field: Field | null
}

function slotsOf({ command }: Leaf, counterpart: Counterpart | null): Slot[] {
  const fields = counterpart === null ? null : fieldsOf(operationOf(counterpart))
  const fieldOf = (name: string | null | undefined): Field | null =>
    name === null || name === undefined ? null : (fields?.get(name) ?? null)
  const args = command.registeredArguments.map((of, i) => ({
    of,
    key: `argument ${i}`,
    field: fieldOf(counterpart?.args?.[i]),
  }))
  const options = command.options
    .filter(({ long }) => !NOT_TRIED.includes(long ?? ''))
    .map((of) => {
      const key = of.attributeName()
      const given = counterpart?.options?.[key]
      return { of, key, field: fieldOf(given === undefined ? key : given) }
    })
  return [...args, ...options]
}

function isArgument(of: Argument | Option): of is Argument {
  return of instanceof Argument
}

function isFlag(of: Argument | Option): boolean {
  return !isArgument(of) && !of.required && !of.optional
}

/** Words of one argument or option; none: it is left out. */
function wordsOf({ of, key, field }: Slot, texts: CaseTexts): fc.Arbitrary<string[]> {
  if (isFlag(of)) return fc.boolean().map((isGiven) => (isGiven ? [''] : []))
  const name = field?.name ?? key
  const schema: JsonSchema =
    of.argChoices === undefined ? (field?.schema ?? { type: 'string' }) : { enum: of.argChoices }
  const item = of.variadic && schema.items !== undefined ? schema.items : schema
  const fitting = texts.known(name)
  const wantedWord = wanted(item, fitting.length > 0 ? fitting : texts.some).map(textOf)
  const word = fc
    .oneof(
      { weight: 8, arbitrary: fitting.length > 0 ? fc.constantFrom(...fitting) : wantedWord },
      { weight: 2, arbitrary: wantedWord },
      { weight: 1, arbitrary: hostile.map(textOf) },
      { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_WORDS) },
    )
    .map((text) => {
      const whole = asWord(text)
      return field?.place === 'body' ? whole : whole.slice(0, LONGEST_IN_URL).toWellFormed()
    })
  const isNeeded = isArgument(of) ? of.required : of.mandatory
  if (of.variadic) return fc.array(word, { maxLength: 3, minLength: isNeeded ? 1 : 0 })
  const one = word.map((text) => [text])
  return isNeeded ? one : fc.oneof({ weight: 2, arbitrary: fc.constant<string[]>([]) }, one)
}

/** Command lines of a command. */
export function casesOf(
  leaf: Leaf,
  counterpart: Counterpart | null,
  texts: CaseTexts,
): fc.Arbitrary<CliCase> {
  const slots = slotsOf(leaf, counterpart)
  const mistake = fc.oneof(
    { weight: 12, arbitrary: fc.constant('none' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Mistake>('unknown option', 'one too many', 'one too few'),
    },
  )
  return fc
    .tuple(fc.tuple(...slots.map((slot) => wordsOf(slot, texts))), mistake)
    .map(([given, wish]) => {
      const said = slots.map((slot, i) => ({ slot, words: given[i] ?? [] }))
      const { words, made } = lineOf(leaf, said, wish)
      const request = counterpart === null ? null : requestOf(counterpart, said, texts)
      return { words, mistake: made, request: made === 'none' ? request : null }
    })
}

type Said = { readonly slot: Slot; readonly words: readonly string[] }

/** Options as one word each, so that a value may begin with a dash; `--` before such arguments. */
function lineOf(leaf: Leaf, said: readonly Said[], wish: Mistake) {
  const options = said.flatMap(({ slot: { of }, words }) => {
    if (isArgument(of)) return []
    return words.map((word) => (isFlag(of) ? (of.long ?? '') : `${of.long}=${word}`))
  })
  const args = said.flatMap(({ slot: { of }, words }) => (isArgument(of) ? words : []))
  const needed = leaf.command.registeredArguments.filter(({ required }) => required).length
  const isVariadic = leaf.command.registeredArguments.some(({ variadic }) => variadic)
  const made: Mistake =
    (wish === 'one too few' && needed === 0) || (wish === 'one too many' && isVariadic)
      ? 'unknown option'
      : wish
  // One too many comes behind every argument that may be left out.
  const full = [
    ...args,
    ...Array<string>(Math.max(0, leaf.command.registeredArguments.length - args.length)).fill('x'),
  ]
  const tail =
    made === 'one too few'
      ? args.slice(0, needed - 1)
      : made === 'one too many'
        ? [...full, 'too-many']
        : args
  const unknown = made === 'unknown option' ? ['--no-such-option=1'] : []
  const json = leaf.command.options.some(({ long }) => long === '--json') ? ['--json'] : []
  const dashes = tail.some((word) => word.startsWith('-')) ? ['--'] : []
  const words = [...leaf.name.split(' '), ...json, ...options, ...unknown, ...dashes, ...tail]
  return { words, made }
}

/** Null when a word is said that the route has no field for, or its path is left open. */
function requestOf(
  counterpart: Counterpart,
  said: readonly Said[],
  texts: CaseTexts,
): CliRequest | null {
  const operation = operationOf(counterpart)
  const path: Record<string, string> = {}
  const query = new URLSearchParams()
  const body: Record<string, unknown> = { ...counterpart.fixed }
  for (const { slot, words } of said) {
    const spoken = words.length > 0 ? words : defaultWords(slot)
    if (spoken.length === 0) continue
    if (slot.field === null) {
      if (words.length === 0 || addOddWord(body, slot, words)) continue
      return null
    }
    const { name, place, schema } = slot.field
    const [first = ''] = spoken
    if (place === 'path') path[name] = pathWord(name, first, texts)
    else if (place === 'query') query.set(name, isFlag(slot.of) ? 'true' : first)
    else put(body, name, slot.of.variadic ? [...spoken] : bodyValue(slot, schema, first))
  }
  if (
    Object.values(path).filter((word) => word !== '').length <
    operation.path.split('{').length - 1
  )
    return null
  if (fieldsOf(operation).has('by') && body['by'] === undefined) body['by'] = texts.actor
  const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encoded(path[name] ?? ''),
  )
  const search = query.size === 0 ? '' : `?${query.toString()}`
  return {
    method: operation.method,
    path: filled + search,
    body: operation.body === null ? undefined : body,
  }
}

/** What a command takes for an option that is not given. */
function defaultWords({ of }: Slot): string[] {
  const value: unknown = of.defaultValue
  if (value === undefined || value === false || Array.isArray(value)) return []
  return [textOf(value)]
}

/** A flight's number is two columns over HTTP. */
function addOddWord(body: Record<string, unknown>, { key }: Slot, words: readonly string[]) {
  if (key !== 'flight') return false
  const [, carrier = '', number = ''] =
    /^\s*([A-Za-z0-9]{2})\s*(\S+)\s*$/.exec(words[0] ?? '') ?? []
  Object.assign(body, { carrier, flight_number: number })
  return true
}

function pathWord(name: string, word: string, texts: CaseTexts): string {
  if (name === 'userId') return texts.userIds.get(word) ?? '00000000-0000-4000-8000-000000000000'
  if (name === 'kind') return FIGURES[word] ?? word
  // These would be another path.
  return word === '.' || word === '..' ? ' ' : word
}

/** `filter.state` is a field of the field `filter`. */
function put(body: Record<string, unknown>, name: string, value: unknown): void {
  const [first = '', second] = name.split('.')
  if (second === undefined) body[first] = value
  else body[first] = { ...(body[first] as object | undefined), [second]: value }
}

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** A word as the JSON that its field wants; as text where it cannot be that. */
function bodyValue({ of, field }: Slot, schema: JsonSchema, word: string): unknown {
  if (isFlag(of)) return true
  if (field?.name === 'perSecond' && word === 'off') return null
  const types = [schema, ...(schema.anyOf ?? [])].flatMap(({ type }) => type ?? [])
  const isJson = types.includes('object') || types.includes('boolean')
  const isNumber = types.some((type) => type === 'integer' || type === 'number')
  if (!isJson && !(isNumber && JSON_NUMBER.test(word))) return word
  try {
    return JSON.parse(word) as unknown
  } catch {
    return word
  }
}
