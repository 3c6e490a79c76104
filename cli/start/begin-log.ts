/** Begins a log anew before its writer is started, when it has grown: what there is gets a rotated log's name. */
import { statSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { rotatedName } from '../../domain/log-rotation.ts'
import { instantFromMs } from '../../domain/time.ts'

/** So that a start reads and shows little. */
const LOG_MAX_BYTES = 20_000_000

/** Nobody may be writing it. `log-pruning` compresses and removes what was rotated. */
export async function beginLog(path: string, maxBytes = LOG_MAX_BYTES): Promise<void> {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size <= maxBytes) return
  await rename(path, join(dirname(path), rotatedName(basename(path), instantFromMs(Date.now()))))
}
