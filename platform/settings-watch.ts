/**
 * Lets changes of run-time settings hold in a process that keeps them in memory: looks at the stored
 * ones every few seconds. A look that fails leaves things as they are.
 */
import { LOGS_ROTATE_MB } from '../domain/log-rotation.ts'
import { LOG_LEVEL, type SettingStore } from '../domain/ports/setting-store.ts'
import { effectiveValue, SETTINGS } from '../domain/settings.ts'
import type { LogLevel, ProcessLogger } from './logger.ts'

/** Between two looks; with the look itself a change holds within 5 s. */
const LOOK_EVERY_MS = 2_000

/** What the watch works over. */
export type SettingsWatchDeps = {
  readonly settingStore: Pick<SettingStore, 'readAll'>
  /** What the environment gives, by key. */
  readonly defaults: Readonly<Record<string, unknown>>
  /** Its level follows `log.level`. */
  readonly logger: ProcessLogger
  /** Milliseconds between looks. Default 2,000. */
  readonly everyMs?: number
}

/** Starts looking; dispose of it to stop. */
export function watchSettings(deps: SettingsWatchDeps): AsyncDisposable {
  const apply: Readonly<Record<string, (value: unknown) => void>> = {
    // Their bounds allow log levels and whole numbers only.
    [LOG_LEVEL]: (value) => deps.logger.setLevel(value as LogLevel),
    [LOGS_ROTATE_MB]: (value) => deps.logger.setRotateMb(Number(value)),
  }
  const specs = SETTINGS.filter(({ key }) => Object.hasOwn(apply, key))
  const keys = specs.map(({ key }) => key)
  const held = new Map<string, string>()
  let hasFailed = false
  const look = async (): Promise<void> => {
    try {
      const stored = new Map(
        (await deps.settingStore.readAll(keys)).map((one) => [one.key, one.value]),
      )
      for (const spec of specs) {
        const value = effectiveValue(spec, stored.get(spec.key) ?? null, deps.defaults[spec.key])
        const text = JSON.stringify(value)
        if (held.get(spec.key) === text) continue
        const isFirst = !held.has(spec.key)
        held.set(spec.key, text)
        apply[spec.key]?.(value)
        if (!isFirst) deps.logger.info({ key: spec.key, value }, 'setting-changed')
      }
      hasFailed = false
    } catch (error) {
      // Told once: a database that is away is told of elsewhere, over and over.
      if (!hasFailed) deps.logger.warn({ error }, 'settings-not-read')
      hasFailed = true
    }
  }
  let looking = look()
  const timer = setInterval(() => {
    looking = looking.then(look)
  }, deps.everyMs ?? LOOK_EVERY_MS)
  timer.unref()
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await looking
    },
  }
}
