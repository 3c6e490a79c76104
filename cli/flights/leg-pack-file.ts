/** Leg packs as files: gzip or plain text in, gzip out. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'

import { formatLegPack, LegPackError, parseLegPack, type LegPack } from '../../domain/leg-pack.ts'
import { CliError, EXIT } from '../cli-error.ts'

/** The half year of real flights that ships with the product. */
export const SHIPPED_PACK = fileURLToPath(
  new URL('../../data/nyc2013-h1.legs.txt.gz', import.meta.url),
)

/** A pack unzipped is about five times its file: more than this is no pack of ours. Bytes. */
const UNZIPPED_LIMIT = 512 * 1024 * 1024
const BEST_COMPRESSION = 9

/** Reads a pack. Throws CliError saying which file is wrong and how. */
export async function readLegPackFile(path: string): Promise<LegPack> {
  const bytes = await readBytes(path)
  try {
    return parseLegPack(unzipped(bytes).toString('utf8'))
  } catch (cause) {
    if (cause instanceof LegPackError) {
      throw new CliError(`${path}: ${cause.message}`, EXIT.failed, { cause })
    }
    if (cause instanceof Error && 'code' in cause) {
      throw new CliError(`${path}: cannot be unzipped (${cause.message})`, EXIT.failed, { cause })
    }
    throw cause
  }
}

/** Writes a pack, gzip; the same pack always gives the same bytes. */
export async function writeLegPackFile(path: string, pack: LegPack): Promise<void> {
  const zipped = gzipSync(formatLegPack(pack), { level: BEST_COMPRESSION })
  // The header's operating system: always Unix, so that every machine writes the same file.
  zipped.writeUInt8(3, 9)
  await writeOutput(path, zipped)
}

/** Writes a file that the user named. Throws CliError when it cannot be written. */
export async function writeOutput(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, content)
  } catch (cause) {
    throw new CliError(`cannot write ${path}: ${messageOf(cause)}`, EXIT.failed, { cause })
  }
}

/** Reads a file that the user named. Throws CliError when it cannot be read. */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new CliError(`cannot read ${path}: ${messageOf(cause)}`, EXIT.failed, { cause })
  }
}

function unzipped(bytes: Buffer): Buffer {
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b
  return isZipped ? gunzipSync(bytes, { maxOutputLength: UNZIPPED_LIMIT }) : bytes
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
