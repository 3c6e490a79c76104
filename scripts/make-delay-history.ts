/** Writes data/nyc2013-h1.delays.txt.gz, the past legs that premiums come from, from the leg pack beside it. */
import { readFile, writeFile } from 'node:fs/promises'
import { gunzipSync, gzipSync } from 'node:zlib'

import { formatDelayHistory } from '../domain/delay-history.ts'
import { packLegIdentity, parseLegPack } from '../domain/leg-pack.ts'

const PACK = new URL('../data/nyc2013-h1.legs.txt.gz', import.meta.url)
const HISTORY = new URL('../data/nyc2013-h1.delays.txt.gz', import.meta.url)
const BEST_COMPRESSION = 9

const pack = parseLegPack(gunzipSync(await readFile(PACK)).toString('utf8'))
const dates = pack.legs.map((leg) => packLegIdentity(leg, pack.zones).originLocalDate).toSorted()
const period = { from: dates[0] ?? '', to: dates.at(-1) ?? '' }
const zipped = gzipSync(formatDelayHistory(pack.legs, period), { level: BEST_COMPRESSION })
// The header's operating system: always Unix, so that every machine writes the same file.
zipped.writeUInt8(3, 9)
await writeFile(HISTORY, zipped)
console.log(`${pack.legs.length} legs from ${period.from} to ${period.to}, ${zipped.length} bytes`)
