/** Rotation under a process that goes on writing: every line is found once, in some file. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { copyAndEmpty } from '../../adapters/files/held-log.ts'
import { createLogFiles } from '../../adapters/files/log-files.ts'
import { beginLog } from '../../cli/start/begin-log.ts'
import { LOGS_KEEP_FILES, LOGS_ROTATE_MB } from '../../domain/log-rotation.ts'
import { parseInstant } from '../../domain/time.ts'
import { compressLogs, removeLogs, rotateLogs } from '../../operations/prune-logs.ts'
import { openLogFile } from '../../platform/log-file.ts'
import { manualClock } from '../support/builders.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-logs-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const WRITER = fileURLToPath(new URL('../support/log-writer.ts', import.meta.url))

/** The text of every file of the folder, compressed ones read. */
async function allText(): Promise<string> {
  const names = (await readdir(folder)).toSorted()
  const texts = await Promise.all(
    names.map(async (name) => {
      const content = await readFile(join(folder, name))
      return name.endsWith('.gz') ? gunzipSync(content).toString() : content.toString()
    }),
  )
  return texts.join('')
}

const numbersIn = (lines: string) =>
  [...lines.matchAll(/"n":(\d+)/g)].map((match) => Number(match[1])).toSorted((a, b) => a - b)

function startWriter(rotateMb = '10000') {
  const child = spawn(process.execPath, [WRITER, join(folder, 'worker.log'), rotateMb])
  const [out, err] = [text(child.stdout), text(child.stderr)]
  return {
    async stop() {
      child.kill('SIGTERM')
      expect(await err).toBe('')
      return Number(await out)
    },
  }
}

async function untilThere(name: string): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if ((await readdir(folder)).includes(name)) return
    await delay(50)
  }
  throw new Error(`${name} did not come`)
}

const settings = (values: Record<string, unknown>) => ({
  read: async (key: string) => values[key] ?? null,
})

describe('a process that writes all the time', () => {
  test('loses no line and doubles none while its file is rotated and compressed', async () => {
    const writer = startWriter()
    await untilThere('worker.log')
    const logFiles = createLogFiles(folder, { settlesMs: 300 })
    const deps = { logFiles }
    await delay(200)
    expect(await logFiles.rotate(1)).toMatchObject({ files: 1 })
    // The writer has not looked yet: its file is the one that was rotated, and is left alone.
    expect(await compressLogs(deps)).toMatchObject({ files: 0 })
    await delay(1_800)
    expect(await compressLogs(deps)).toMatchObject({ files: 1 })
    const written = await writer.stop()
    expect(await readdir(folder)).toHaveLength(2)
    expect(written).toBeGreaterThan(1_000)
    expect(numbersIn(await allText())).toEqual(Array.from({ length: written }, (_, n) => n))
  })

  test('rotates its file itself when it has grown too large, without losing a line', async () => {
    const writer = startWriter('1')
    for (let i = 0; i < 200 && (await readdir(folder)).length < 2; i += 1) await delay(50)
    const written = await writer.stop()
    const names = await readdir(folder)
    expect(names.length).toBeGreaterThanOrEqual(2)
    expect(names.filter((name) => /^worker\.log\.\d{17}$/.test(name)).length).toBe(names.length - 1)
    expect(numbersIn(await allText())).toEqual(Array.from({ length: written }, (_, n) => n))
  })
})

describe('a writer', () => {
  test('begins a new file at its next line once the old one has another name', async () => {
    const file = openLogFile(join(folder, 'api.log'), { rotateBytes: 1_000, lookEveryMs: 0 })
    file.write('one\n')
    await createLogFiles(folder).rotate(1)
    file.write('two\n')
    file.close()
    const [log = '', rotated = ''] = (await readdir(folder)).toSorted()
    expect(await readFile(join(folder, log), 'utf8')).toBe('two\n')
    expect(await readFile(join(folder, rotated), 'utf8')).toBe('one\n')
  })

  test('says a line elsewhere that its file does not take', async () => {
    const path = join(folder, 'gone', 'api.log')
    const other = join(folder, 'other')
    const { openSync, closeSync } = await import('node:fs')
    const fallbackFd = openSync(other, 'a')
    const file = openLogFile(path, { rotateBytes: 1_000, lookEveryMs: 0, fallbackFd })
    await rm(join(folder, 'gone'), { recursive: true })
    file.write('a line\n')
    file.close()
    closeSync(fallbackFd)
    expect(await readFile(other, 'utf8')).toMatch(/^a line\nlog file .*ENOENT/)
  })
})

describe('rotation', () => {
  test('takes logs from their size on, and not a byte before', async () => {
    await writeFile(join(folder, 'worker.log'), 'x'.repeat(1_000_000))
    await writeFile(join(folder, 'api.log'), 'x'.repeat(999_999))
    const logFiles = createLogFiles(folder)
    const settingStore = settings({ [LOGS_ROTATE_MB]: 1 })
    const wallClock = manualClock('2026-03-01T04:00:00Z')
    expect(await rotateLogs({ logFiles, settingStore, wallClock })).toMatchObject({
      files: 1,
      settlesInMs: 7_000,
    })
    const names = await readdir(folder)
    expect(names).toContain('api.log')
    expect(names).not.toContain('worker.log')
  })

  test.each(['temporal.log', 'flights.log', 'worker.out.log', 'notes.txt', 'Worker.log'])(
    'leaves %s alone, whose writer does not look after it',
    async (name) => {
      await writeFile(join(folder, name), 'x')
      expect(await createLogFiles(folder).rotate(1)).toEqual({ files: 0, bytes: 0 })
    },
  )

  test.each(['notes.txt', 'auth.log', 'Temporal.log', 'payments.jsonl'])(
    'leaves %s of a home alone, which is no log of ours',
    async (name) => {
      await writeFile(join(folder, name), 'x')
      const home = createLogFiles(folder, { isHome: true })
      expect(await home.rotate(1)).toEqual({ files: 0, bytes: 0 })
    },
  )
})

describe('a log whose writer holds it open', () => {
  const HELD = ['temporal.log', 'postgres.log', 'flights.log', 'payments.log', 'mail.log']

  test.each([...HELD, 'worker.out.log', 'api.out.log'])('%s of a home is rotated', async (name) => {
    await writeFile(join(folder, name), 'a line\n')
    const home = createLogFiles(folder, { isHome: true })
    expect(await home.rotate(8)).toEqual({ files: 0, bytes: 0 })
    expect(await home.rotate(7)).toEqual({ files: 1, bytes: 7 })
    expect(await readFile(join(folder, name), 'utf8')).toBe('')
    const [rotated] = await home.listRotated()
    expect(rotated?.name).toMatch(new RegExp(`^${name}\\.\\d{17}$`))
    expect(await readFile(join(folder, rotated?.name ?? ''), 'utf8')).toBe('a line\n')
  })

  test('is emptied under a process that appends, which goes on at its beginning', async () => {
    const path = join(folder, 'flights.log')
    const fd = openSync(path, 'a')
    const script =
      'process.stdin.on("data", (text) => require("node:fs").writeSync(1, text)).on("end", () => {})'
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', fd, 'inherit'] })
    closeSync(fd)
    const say = async (line: string, size: number) => {
      child.stdin?.write(line)
      await expect.poll(async () => (await stat(path)).size, { interval: 10 }).toBe(size)
    }
    await say('one\ntwo\n', 8)
    const home = createLogFiles(folder, { isHome: true, settlesMs: 0 })
    expect(await home.rotate(1)).toEqual({ files: 1, bytes: 8 })
    await say('three\n', 6)
    expect(await readFile(path, 'utf8')).toBe('three\n')
    expect(await compressLogs({ logFiles: home })).toMatchObject({ files: 1 })
    child.stdin?.end()
    await once(child, 'exit')
    expect((await readdir(folder)).filter((name) => name.endsWith('.gz'))).toHaveLength(1)
    expect((await allText()).split('\n').toSorted().join(' ').trim()).toBe('one three two')
  })

  test('is neither compressed nor removed in a folder that is no home', async () => {
    const name = 'postgres.log.1'
    await writeFile(join(folder, name), 'somebody else’s\n')
    const logFiles = createLogFiles(folder, { settlesMs: 0 })
    expect(await logFiles.listRotated()).toEqual([])
    expect(await logFiles.compress(name)).toBeNull()
    expect(await logFiles.remove(name)).toBe(false)
    expect(await readdir(folder)).toEqual([name])
  })

  test('leaves no half copy behind when it cannot be copied', async () => {
    await expect(
      copyAndEmpty(join(folder, 'flights.log'), join(folder, 'gone', 'flights.log.1')),
    ).rejects.toThrow('ENOENT')
    await writeFile(join(folder, 'flights.log'), 'a line\n')
    await expect(
      copyAndEmpty(join(folder, 'flights.log'), join(folder, 'gone', 'flights.log.1')),
    ).rejects.toThrow('ENOENT')
    expect(await readFile(join(folder, 'flights.log'), 'utf8')).toBe('a line\n')
  })
})

describe('a log that its writer is about to open', () => {
  test('keeps its name up to the size, and gives it up beyond', async () => {
    const path = join(folder, 'temporal.log')
    await writeFile(path, 'x'.repeat(10))
    await beginLog(path, 10)
    expect(await readdir(folder)).toEqual(['temporal.log'])
    await beginLog(path, 9)
    expect(await readdir(folder)).toMatchObject([expect.stringMatching(/^temporal\.log\.\d{17}$/)])
    await beginLog(path, 9)
    expect(await readdir(folder)).toHaveLength(1)
  })
})

describe('compression', () => {
  const ROTATED = 'worker.log.20260301040000000'

  test('waits until nobody can be writing any more', async () => {
    await writeFile(join(folder, ROTATED), 'a line\n')
    expect(await createLogFiles(folder, { settlesMs: 60_000 }).compress(ROTATED)).toBeNull()
    expect(await createLogFiles(folder, { settlesMs: 0 }).compress(ROTATED)).toMatchObject({
      before: 7,
    })
  })

  test('keeps the age of the file', async () => {
    await writeFile(join(folder, ROTATED), 'a line\n')
    await utimes(join(folder, ROTATED), new Date(1_000_000), new Date(1_000_000))
    await createLogFiles(folder, { settlesMs: 0 }).compress(ROTATED)
    expect((await stat(join(folder, `${ROTATED}.gz`))).mtimeMs).toBe(1_000_000)
  })

  test.each([
    ['before the compressed file was whole', `${ROTATED}.gz.draft`, 'half of'],
    ['before the other one was removed', `${ROTATED}.gz`, gzipSync('a line\n')],
  ])('broken off %s is done again, and no line is there twice', async (_when, left, content) => {
    await writeFile(join(folder, ROTATED), 'a line\n')
    await writeFile(join(folder, left), content)
    await compressLogs({ logFiles: createLogFiles(folder, { settlesMs: 0 }) })
    expect(await readdir(folder)).toEqual([`${ROTATED}.gz`])
    expect(await allText()).toBe('a line\n')
  })
})

describe('removal', () => {
  const NOW = '2026-03-31T04:00:00Z'
  const wallClock = manualClock(NOW)

  async function rotated(stamp: string, changed = NOW, log = 'worker.log'): Promise<string> {
    const name = `${log}.${stamp}.gz`
    await writeFile(join(folder, name), '')
    await utimes(join(folder, name), new Date(changed), new Date(changed))
    return name
  }

  test('keeps the newest of each log, and the log that is being written', async () => {
    await rotated('20260329040000000')
    const kept = await rotated('20260330040000000')
    const other = await rotated('20260101040000000', NOW, 'api.log')
    await writeFile(join(folder, 'worker.log'), '')
    const settingStore = settings({ [LOGS_KEEP_FILES]: 1 })
    const deps = { logFiles: createLogFiles(folder), settingStore, wallClock }
    expect(await removeLogs(deps)).toMatchObject({ files: 1 })
    expect((await readdir(folder)).toSorted()).toEqual([other, 'worker.log', kept].toSorted())
  })

  test('takes what is older than 30 days, and leaves what is as old', async () => {
    const kept = await rotated('20260301040000000', parseInstant('2026-03-01T04:00:00Z'))
    await rotated('20260301035959000', parseInstant('2026-03-01T03:59:59Z'))
    const deps = { logFiles: createLogFiles(folder), settingStore: settings({}), wallClock }
    expect(await removeLogs(deps)).toMatchObject({ files: 1 })
    expect(await readdir(folder)).toEqual([kept])
  })
})
