/** Past legs for premiums, from the file that ships with the product. */
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

import { parseDelayHistory, type WholeDelayHistory } from '../../domain/delay-history.ts'

const HISTORY_FILE = new URL('../../data/nyc2013-h1.delays.txt.gz', import.meta.url)

/** Reads the shipped history (166,158 legs, about 150 ms). Throws when the file is not there. */
export async function loadDelayHistory(): Promise<WholeDelayHistory> {
  const text = await promisify(gunzip)(await readFile(HISTORY_FILE))
  return parseDelayHistory(text.toString('utf8'))
}

/** The shipped history, read when it is first asked for. */
export function lazyDelayHistory(): () => Promise<WholeDelayHistory> {
  let loaded: Promise<WholeDelayHistory> | null = null
  return () => (loaded ??= loadDelayHistory())
}
