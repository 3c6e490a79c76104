/** Which files of bundles are kept. */
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { dropOldBundles } from '../../workers/bundle-files.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundles-'))
})
afterAll(() => rm(folder, { recursive: true }))

const hashOf = (n: number) => String(n).padStart(20, '0')

/** A file that was written so many minutes ago. */
async function make(name: string, agedMin: number): Promise<void> {
  await writeFile(join(folder, name), '')
  const at = Date.now() / 1_000 - agedMin * 60
  await utimes(join(folder, name), at, at)
}

it('six bundles are kept, and entries of packs with theirs or while they are young', async () => {
  for (let n = 1; n <= 8; n += 1) {
    const encoded = n % 2 === 0 ? 'encoded-' : ''
    await make(`workflow-bundle-${encoded}${hashOf(n)}.js`, n * 60)
    await make(`workflow-packs-${hashOf(n)}.mjs`, n * 60)
  }
  await make(`workflow-packs-${hashOf(98)}.mjs`, 9)
  await make(`workflow-packs-${hashOf(99)}.mjs`, 11)
  await make('other.js', 999)
  await dropOldBundles(folder)
  const left = (await readdir(folder)).map((name) => name.replace(/0*(\d+)(\.m?js)$/, '$1$2'))
  const numbers = [1, 2, 3, 4, 5, 6]
  expect(left.toSorted()).toEqual(
    [
      ...numbers.map((n) => `workflow-bundle-${n % 2 === 0 ? 'encoded-' : ''}${n}.js`),
      ...[...numbers, 98].map((n) => `workflow-packs-${n}.mjs`),
      'other.js',
    ].toSorted(),
  )
})
