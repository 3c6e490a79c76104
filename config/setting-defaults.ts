/** The defaults that the environment gives run-time settings. */
import type { Config } from './config.ts'

/** By the setting's key. */
export function settingDefaults({ log }: Config): Readonly<Record<string, unknown>> {
  return { 'log.level': log.level }
}
