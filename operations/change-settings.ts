/** Run-time settings, read and changed by people: only known keys, only values within bounds, audited. */
import type { Clock } from '../domain/ports/clock.ts'
import type { SettingStore, StoredSetting } from '../domain/ports/setting-store.ts'
import { boundsText, findSetting, isWithinBounds, SETTINGS } from '../domain/settings.ts'
import type { SettingSpec } from '../domain/settings.ts'
import type { Instant } from '../domain/time.ts'

/** Defaults that the environment gives, by key. */
export type SettingDefaults = Readonly<Record<string, unknown>>

/** What settings work over. */
export type SettingDeps = {
  readonly settingStore: Pick<SettingStore, 'readAll' | 'change'>
  readonly defaults: SettingDefaults
  readonly clock: Clock
}

/** Why a change is refused; never retried. */
export type SettingErrorCode = 'UNKNOWN_SETTING' | 'OUT_OF_BOUNDS' | 'CHANGED_MEANWHILE'

/** A change that is refused. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
  readonly code: SettingErrorCode

  constructor(code: SettingErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** A setting with what holds. */
export type ShownSetting = {
  readonly key: string
  readonly type: string
  readonly unit: string | null
  /** What holds: the stored value as it is, or the default. */
  readonly value: unknown
  readonly isSet: boolean
  /** Stored, and not what the setting may be: somebody wrote it past this door. */
  readonly isOutOfBounds: boolean
  readonly default: unknown
  readonly variable: string | null
  readonly bounds: string
  readonly description: string
  readonly effect: string
  /** 0 while not set. */
  readonly version: number
  readonly updatedBy: string | null
  readonly updatedAt: Instant | null
}

/** All settings. */
export async function listSettings({
  settingStore,
  defaults,
}: Pick<SettingDeps, 'settingStore' | 'defaults'>): Promise<ShownSetting[]> {
  const stored = await settingStore.readAll(SETTINGS.map(({ key }) => key))
  const byKey = new Map(stored.map((one) => [one.key, one]))
  return SETTINGS.map((spec) => shown(spec, byKey.get(spec.key), defaults))
}

/** One setting. Throws SettingError `UNKNOWN_SETTING`. */
export async function readSetting(
  { settingStore, defaults }: Pick<SettingDeps, 'settingStore' | 'defaults'>,
  key: string,
): Promise<ShownSetting> {
  const spec = specOf(key)
  const [stored] = await settingStore.readAll([key])
  return shown(spec, stored, defaults)
}

function shown(
  spec: SettingSpec,
  stored: StoredSetting | undefined,
  defaults: SettingDefaults,
): ShownSetting {
  const { key, bounds, unit, variable, description, effect } = spec
  const fallback = defaults[key] ?? spec.fallback
  return {
    key,
    type: bounds.type,
    unit,
    value: stored === undefined ? fallback : stored.value,
    isSet: stored !== undefined,
    isOutOfBounds:
      stored !== undefined && bounds.type !== 'switch' && !isWithinBounds(stored.value, bounds),
    default: fallback,
    variable,
    bounds: boundsText(bounds),
    description,
    effect,
    version: stored?.version ?? 0,
    updatedBy: stored?.updatedBy ?? null,
    updatedAt: stored?.updatedAt ?? null,
  }
}

/** A change that is asked for; without `value` the default holds again. */
export type SettingRequest = {
  readonly key: string
  readonly value?: unknown
  /** The version that the caller has seen, 0 for none; left out: whatever is stored. */
  readonly version?: number | undefined
  readonly by: string
  readonly reason: string
}

/**
 * Sets or resets a setting. Repeating changes nothing and leaves no second record. Throws SettingError:
 * an unknown key, a value out of bounds, or a version that is not the stored one any more.
 */
export async function changeSetting(
  deps: SettingDeps,
  request: SettingRequest,
): Promise<{ readonly setting: ShownSetting; readonly isChanged: boolean }> {
  const { key, value, version, by, reason } = request
  const { bounds } = specOf(key)
  const isCheckable = value !== undefined || bounds.type === 'switch'
  if (isCheckable && !isWithinBounds(value, bounds)) {
    const wish = bounds.type === 'switch' ? 'is' : 'must be'
    throw new SettingError('OUT_OF_BOUNDS', `${key} ${wish} ${boundsText(bounds)}`)
  }
  const outcome = await deps.settingStore.change({
    ...{ key, by, reason, expectedVersion: version ?? null, at: await deps.clock.now() },
    ...(value === undefined ? {} : { value }),
  })
  if (outcome.kind === 'changed-meanwhile') {
    const { stored } = outcome
    const now = stored === null ? 'not set' : `version ${stored.version} by ${stored.updatedBy}`
    throw new SettingError('CHANGED_MEANWHILE', `${key} was changed meanwhile: it is ${now}`)
  }
  return { setting: await readSetting(deps, key), isChanged: outcome.isChanged }
}

function specOf(key: string): SettingSpec {
  const spec = findSetting(key)
  if (spec !== undefined) return spec
  const known = SETTINGS.map((one) => one.key).join(', ')
  throw new SettingError('UNKNOWN_SETTING', `there is no setting ${key}; known: ${known}`)
}
