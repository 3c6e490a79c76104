/** Takes books in by the command that people use for it, as a process of its own. */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

import { parseLegPack } from '../../domain/leg-pack.ts'
import { DEMO, demoBook } from '../demo/demo-book.ts'
import { demoContacts } from '../demo/demo-contacts.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const SHOWN_LINES = 15

/** The pack that ships with the product: half a year of real flights. */
export const SHIPPED_FLIGHTS = fileURLToPath(
  new URL('../../data/nyc2013-h1.legs.txt.gz', import.meta.url),
)

/** Writes the demo's book and its holders' contacts as files to import. */
export async function writeDemoBook(paths: {
  readonly policies: string
  readonly contacts: string
}): Promise<void> {
  const pack = parseLegPack(gunzipSync(await readFile(SHIPPED_FLIGHTS)).toString('utf8'))
  const book = demoBook(pack, DEMO.departureDates)
  await writeFile(paths.policies, book)
  await writeFile(paths.contacts, demoContacts(book))
}

/**
 * Imports a file; importing it again changes nothing. Returns what the command said, bad rows among
 * it: they do not keep the good ones out.
 */
export async function importBook(
  what: 'policies' | 'contacts',
  file: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> {
  const child = spawn(process.execPath, [MAIN, what, 'import', file], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  })
  const output: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text))
  await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return output.join('').trim().split('\n').slice(-SHOWN_LINES).join('\n')
}
