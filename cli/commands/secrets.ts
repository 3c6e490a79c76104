/** `groundstop secrets`: the keys of this installation, without their material. */
import type { Command } from 'commander'

import { readKeyRingFile } from '../../adapters/secrets/key-ring-file.ts'
import { ensureKeyRingFile } from '../../adapters/secrets/key-ring-sources.ts'
import { ConfigError, loadConfig } from '../../config/config.ts'
import type { RingKey } from '../../domain/key-ring.ts'
import type { CliContext } from '../context.ts'
import { openPayloadKeys } from '../payload-keys.ts'
import { addReadOptions, type ReadFlags } from '../reads/reading.ts'
import { tableLines, timeText } from '../screen/table.ts'

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const secrets = program.command('secrets').description('keys of payloads: which, since when')
  addReadOptions(secrets.command('list'))
    .description('every key with its state and times; never its material')
    .action((flags: ReadFlags) => list(context, flags))
  secrets
    .command('init')
    .description('make the ring that PAYLOAD_KEYS_FILE names, if it is not there; for deployments')
    .action(() => init(context))
}

async function list(context: CliContext, flags: ReadFlags): Promise<void> {
  using keys = await openPayloadKeys(context.env)
  const shown = (keys?.current().keys ?? []).map((key) => shownKey('payload', key))
  const lines = shown.length === 0 ? ['no keys: payloads are not encrypted'] : keyLines(shown)
  const text = flags.json ? JSON.stringify({ keys: shown }) : lines.join('\n')
  context.stdout.write(`${text}\n`)
}

async function init(context: CliContext): Promise<void> {
  const { keysFile } = loadConfig(context.env).config.payloads
  if (keysFile === null) {
    throw new ConfigError([{ variable: 'PAYLOAD_KEYS_FILE', message: 'must be set' }])
  }
  const isNew = await ensureKeyRingFile(keysFile, 'payload')
  const { ring } = await readKeyRingFile(keysFile)
  const keyIds = ring.keys.map(({ keyId }) => keyId)
  context.stdout.write(`${JSON.stringify({ file: keysFile, isNew, keyIds })}\n`)
}

type ShownKey = Omit<RingKey, 'material'> & { readonly ring: string }

/** Field by field: what is added to a key must not be shown by itself. */
function shownKey(ring: string, key: RingKey): ShownKey {
  const { keyId, state, createdAt, activatedAt, replacedAt } = key
  return { ring, keyId, state, createdAt, activatedAt, replacedAt }
}

function keyLines(keys: readonly ShownKey[]): string[] {
  const rows = keys.map(({ ring, keyId, state, createdAt, activatedAt, replacedAt }) => [
    ring,
    keyId,
    state,
    timeText(createdAt),
    timeText(activatedAt),
    timeText(replacedAt),
  ])
  return tableLines(['ring', 'key', 'state', 'made', 'active since', 'replaced'], rows)
}
