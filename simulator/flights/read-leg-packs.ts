/** Reads leg packs from files, gzip or plain, into one. */
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { parseLegPack, type LegPack, type PackLeg } from '../../domain/leg-pack.ts'

const GZIP_MAGIC = 0x1f_8b

/** What the flight server serves: legs of any number of packs and their airports' zones. */
export type Flights = {
  readonly legs: readonly PackLeg[]
  readonly zones: Readonly<Record<string, string>>
}

/** All legs of the files. Rejects with a message naming the file that is missing or not a pack. */
export async function readLegPacks(files: readonly string[]): Promise<Flights> {
  const packs: LegPack[] = []
  for (const file of files) packs.push(await readLegPack(file))
  return {
    legs: packs.flatMap((pack) => pack.legs),
    zones: Object.assign({}, ...packs.map((pack) => pack.zones)) as Record<string, string>,
  }
}

async function readLegPack(file: string): Promise<LegPack> {
  try {
    const bytes = await readFile(file)
    const isGzip = bytes.length > 1 && bytes.readUInt16BE(0) === GZIP_MAGIC
    return parseLegPack((isGzip ? gunzipSync(bytes) : bytes).toString('utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`leg pack ${file}: ${reason}`, { cause: error })
  }
}
