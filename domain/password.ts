/**
 * Which passwords are refused. Length does most of the work; what is refused beyond it is what lists of
 * leaked passwords are made of: known words, runs of the keyboard, repetitions, and the user's own name.
 */

/** Fewer characters are guessed by trying. NIST SP 800-63B asks for 15 alone, 8 beside a second factor. */
export const PASSWORD_MIN = 12
/** What is hashed is bounded: a megabyte of password would be an attack. */
export const PASSWORD_MAX = 128

/** Words that leaked lists are full of; with what is put around them they still are. */
const COMMON_WORDS = [
  'password',
  'passwort',
  'passw',
  'letmein',
  'welcome',
  'willkommen',
  'changeme',
  'iloveyou',
  'trustno',
  'sunshine',
  'princess',
  'football',
  'baseball',
  'superman',
  'batman',
  'dragon',
  'monkey',
  'shadow',
  'master',
  'michael',
  'jordan',
  'hunter',
  'secret',
  'default',
  'administrator',
  'admin',
  'root',
  'login',
  'starwars',
  'pokemon',
  'whatever',
  'computer',
  'internet',
  'summer',
  'winter',
  'spring',
  'autumn',
  'company',
  'insurance',
  'groundstop',
  'qwerty',
  'qwertz',
  'azerty',
  'test',
  'demo',
  'hello',
  'abc',
] as const

/** Neighbours on a keyboard and in the alphabet, read in both directions. */
const RUNS = [
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '01234567890123456789',
]

/** As people write letters in passwords. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/** Characters that must be left once known words and runs are taken out. */
const OWN_CHARACTERS = 6
const DIFFERENT_CHARACTERS = 5
/** A shorter run is part of any text. */
const RUN_LENGTH = 4
/** A shorter name is part of any text. */
const NAME_LENGTH = 4

/** Whose password it is to be. */
export type PasswordOwner = { readonly name: string; readonly email: string }

/** Why a password is refused, in words for its owner; null when it is not. */
export function passwordProblem(password: string, owner: PasswordOwner): string | null {
  const { length } = Array.from(password)
  if (length < PASSWORD_MIN) return `at least ${PASSWORD_MIN} characters`
  if (password.length > PASSWORD_MAX) return `at most ${PASSWORD_MAX} characters`
  const plain = password.toLowerCase()
  if (new Set(plain).size < DIFFERENT_CHARACTERS || isRepetition(plain)) {
    return 'not a few characters over and over'
  }
  if (namesOf(owner).some((name) => plain.includes(name))) return 'without your name or address'
  if (ownPart(plain).length < OWN_CHARACTERS || ownPart(spelt(plain)).length < OWN_CHARACTERS) {
    return 'not one of the common ones: put some words together that only you would'
  }
  return null
}

function isRepetition(text: string): boolean {
  // A text is made of repeated parts when it is found in its own doubling before its end.
  return (text + text).indexOf(text, 1) < text.length
}

function namesOf({ name, email }: PasswordOwner): string[] {
  const [mailbox = ''] = email.split('@')
  return [name, mailbox].map((one) => one.toLowerCase()).filter((one) => one.length >= NAME_LENGTH)
}

function spelt(text: string): string {
  return Array.from(text, (character) => LOOKALIKES[character] ?? character).join('')
}

/** What is left without known words, runs, years and punctuation. */
function ownPart(text: string): string {
  const withoutWords = COMMON_WORDS.reduce((rest, word) => rest.replaceAll(word, ''), text)
  return withoutRuns(withoutWords)
    .replaceAll(/(19|20)\d\d/g, '')
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
}

function withoutRuns(text: string): string {
  let rest = ''
  for (let at = 0; at < text.length;) {
    const length = runAt(text, at)
    if (length < RUN_LENGTH) {
      rest += text.charAt(at)
      at += 1
    } else at += length
  }
  return rest
}

/** Characters from `at` on that are a run; at least one. */
function runAt(text: string, at: number): number {
  let longest = 1
  for (const run of BOTH_WAYS) {
    let length = longest
    while (at + length < text.length && run.includes(text.slice(at, at + length + 1))) length += 1
    longest = length
  }
  return longest
}

const BOTH_WAYS = RUNS.flatMap((run) => [run, run.split('').toReversed().join('')])
