/** `groundstop settings`: what people may change while the product runs. */
import { InvalidArgumentError, type Command } from 'commander'

import { settingDefaults } from '../../config/setting-defaults.ts'
import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import {
  changeSetting,
  listSettings,
  readSetting,
  SettingError,
  type SettingDeps,
  type SettingRequest,
  type ShownSetting,
} from '../../operations/change-settings.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import { addReadOptions, type ReadFlags } from '../reads/reading.ts'
import { fieldLines, tableLines, timeText } from '../screen/table.ts'

type ChangeFlags = NoteFlags & { readonly ifVersion?: number }

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const settings = program.command('settings').description('what may be changed while it runs')
  addReadOptions(settings.command('list'))
    .description('every setting with what holds')
    .action((flags: ReadFlags) =>
      withSettings(context, async (deps) => {
        const all = await listSettings(deps)
        print(context, flags, { settings: all }, listLines(all))
      }),
    )
  addReadOptions(settings.command('get'))
    .description('one setting: value, bounds, what a change does')
    .argument('<setting>', 'as runs.historyDays')
    .action((key: string, flags: ReadFlags) =>
      withSettings(context, async (deps) => {
        const one = await readSetting(deps, key)
        print(context, flags, one, settingLines(one))
      }),
    )
  addChangeOptions(settings.command('set'))
    .description('change a setting; holds within 5 s in every process')
    .argument('<setting>', 'as runs.historyDays')
    .argument('<value>', 'JSON, or plain text')
    .action((key: string, value: string, flags: ChangeFlags) =>
      change(context, flags, { key, value: valueOf(value) }),
    )
  addChangeOptions(settings.command('reset'))
    .description('let the default hold again')
    .argument('<setting>', 'as runs.historyDays')
    .action((key: string, flags: ChangeFlags) => change(context, flags, { key }))
}

function addChangeOptions(command: Command): Command {
  return addNoteOptions(command).option(
    '--if-version <n>',
    'refuse when it is not the stored version any more; 0: not set',
    versionOf,
  )
}

function change(
  context: CliContext,
  flags: ChangeFlags,
  wanted: Pick<SettingRequest, 'key' | 'value'>,
): Promise<void> {
  const request = { ...wanted, ...noteOf(flags), version: flags.ifVersion }
  return withSettings(context, async (deps) => {
    const { setting, isChanged } = await changeSetting(deps, request)
    const verb = isChanged ? 'is now' : 'was already'
    context.stdout.write(`${setting.key} ${verb} ${JSON.stringify(setting.value)}\n`)
  })
}

/** Works over the settings of the instance. A SettingError becomes a message. */
async function withSettings(
  context: CliContext,
  work: (deps: SettingDeps) => Promise<void>,
): Promise<void> {
  await using database = await openDatabase(context)
  const { config, db } = database
  await assertSchemaCurrent(db)
  try {
    await work({
      settingStore: createSettingStore(db),
      defaults: settingDefaults(config),
      clock: createVirtualClock(createClockStore(db)),
    })
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    const exitCode = error.code === 'CHANGED_MEANWHILE' ? EXIT.failed : EXIT.usage
    throw new CliError(error.message, exitCode, { cause: error })
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function versionOf(text: string): number {
  const version = Number(text)
  if (Number.isSafeInteger(version) && version >= 0) return version
  throw new InvalidArgumentError('a whole number from 0')
}

function print(
  context: CliContext,
  { json }: ReadFlags,
  value: unknown,
  lines: readonly string[],
): void {
  context.stdout.write(`${json ? JSON.stringify(value) : lines.join('\n')}\n`)
}

function listLines(settings: readonly ShownSetting[]): string[] {
  return tableLines(
    ['setting', 'value', 'unit', 'set by', 'at, UTC'],
    settings.map((one) => [
      one.key,
      JSON.stringify(one.value),
      one.unit,
      one.updatedBy,
      timeText(one.updatedAt),
    ]),
  )
}

function settingLines(one: ShownSetting): string[] {
  return [
    one.description,
    '',
    ...fieldLines([
      ['value', JSON.stringify(one.value) + (one.isOutOfBounds ? ' (out of bounds)' : '')],
      ['default', JSON.stringify(one.default)],
      ['variable', one.variable],
      ['unit', one.unit],
      ['bounds', one.bounds],
      ['a change holds', one.effect],
      ['version', one.version],
      ['set by', one.updatedBy],
      ['at, UTC', timeText(one.updatedAt)],
    ]),
  ]
}
