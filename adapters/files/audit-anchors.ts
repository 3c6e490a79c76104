/** Heads of the audit chain, noted in a file of a folder of its own: one line each, only ever added to. */
import { mkdir, open } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { AuditAnchorError, type AuditAnchors } from '../../domain/ports/audit-archive.ts'
import type { AuditAnchor } from '../../domain/ports/audit-log.ts'

const FILE = 'heads.txt'
/** `2026-11-25T05:00:00.000Z 4711:0a1b...`. */
const LINE = /^\S{20,30} (\d{1,15}):([0-9a-f]{64})$/

/** The heads noted in this folder; it is made when the first one is noted. */
export function createAuditAnchors(folder: string): AuditAnchors {
  const path = join(resolve(folder), FILE)
  return {
    async note({ position, hash }, at) {
      await mkdir(resolve(folder), { recursive: true, mode: 0o750 })
      await using file = await open(path, 'a+', 0o640)
      const { whole, anchors } = read(await file.readFile('utf8'))
      const last = anchors.at(-1)
      if (last?.position === position && last.hash === hash) return
      // A process that was killed in the middle of its line noted nothing.
      await file.truncate(Buffer.byteLength(whole))
      await file.appendFile(`${at} ${position}:${hash}\n`)
      await file.sync()
    },
    async read() {
      try {
        await using file = await open(path, 'r')
        return read(await file.readFile('utf8')).anchors
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
        throw error
      }
    },
  }
}

function read(text: string): { whole: string; anchors: AuditAnchor[] } {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const anchors = whole
    .split('\n')
    .slice(0, -1)
    .map((line, index) => {
      const [, position, hash] = LINE.exec(line) ?? []
      if (position !== undefined && hash !== undefined) return { position: Number(position), hash }
      throw new AuditAnchorError(`${FILE}: line ${index + 1} is no noted head`)
    })
  return { whole, anchors }
}
