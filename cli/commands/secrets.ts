/** `groundstop secrets`: the keys of this installation, without their material. */
import { Option, type Command } from 'commander'

import { readKeyRingFile } from '../../adapters/secrets/key-ring-file.ts'
import { ensureKeyRingFile } from '../../adapters/secrets/key-ring-sources.ts'
import { openKeyWrapping } from '../../adapters/secrets/key-wrapping.ts'
import { ConfigError, loadConfig } from '../../config/config.ts'
import { createAuditLog } from '../../db/stores/audit-log.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import type { RingKey } from '../../domain/key-ring.ts'
import { RING_NAMES, type RingName } from '../../domain/key-rotation.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { JobConflictError, startJob } from '../../platform/temporal/job-starter.ts'
import { describeFailure } from '../../platform/temporal/runs.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { loginActor } from '../note-options.ts'
import { openPayloadKeys } from '../payload-keys.ts'
import { addReadOptions, type ReadFlags } from '../reads/reading.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { connectTemporal } from '../temporal-access.ts'

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const secrets = program.command('secrets').description('keys of payloads: which, since when')
  addReadOptions(secrets.command('list'))
    .description('every key with its state and times; never its material')
    .action((flags: ReadFlags) => list(context, flags))
  secrets
    .command('rotate')
    .description(
      'run secret-rotation now and wait for it: what is past its age, or a new key at once',
    )
    .addOption(new Option('--ring <name>', 'one ring').choices(RING_NAMES))
    .option('--force', 'a new key whatever the age of the active one', false)
    .action((flags: RotateFlags) => rotate(context, flags))
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
  const { keysFile, kmsKey } = loadConfig(context.env).config.payloads
  if (keysFile === null) {
    throw new ConfigError([{ variable: 'PAYLOAD_KEYS_FILE', message: 'must be set' }])
  }
  const wrapping = await openKeyWrapping(kmsKey)
  const isNew = await ensureKeyRingFile(keysFile, 'payload', wrapping)
  const { ring } = await readKeyRingFile(keysFile, wrapping)
  const keyIds = ring.keys.map(({ keyId }) => keyId)
  context.stdout.write(`${JSON.stringify({ file: keysFile, isNew, keyIds })}\n`)
}

type RotateFlags = { readonly ring?: RingName; readonly force: boolean }

async function rotate(context: CliContext, { ring, force }: RotateFlags): Promise<void> {
  await using database = await openDatabase(context)
  const { config, db } = database
  await using server = await connectTemporal(context, config)
  const input = {
    ...(ring === undefined ? {} : { ring }),
    ...(force ? { isForced: true } : {}),
  }
  await createAuditLog(db).record({
    at: await createVirtualClock(createClockStore(db)).now(),
    actor: loginActor(),
    action: 'job.start',
    subject: 'job:secret-rotation',
    details: { before: null, after: input },
  })
  try {
    const { client } = server
    const starter = { client, terms: config.jobTerms }
    const request = { job: 'secret-rotation', input, trigger: 'cli' } as const
    const { workflowId, runId } = await startJob(starter, request)
    const handle = client.workflow.getHandle(workflowId, undefined, { firstExecutionRunId: runId })
    context.stdout.write(`${JSON.stringify(await handle.result(), null, 2)}\n`)
  } catch (error) {
    const isOpen = error instanceof JobConflictError
    const why = isOpen ? 'a rotation is open already' : describeFailure(error)
    throw new CliError(`nothing more was rotated: ${why}`, EXIT.failed, { cause: error })
  }
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
