/** The API's door to run-time settings, and what a change of them moves in its process. */
import type { Config } from '../config/config.ts'
import { settingDefaults } from '../config/setting-defaults.ts'
import type { Database } from '../db/client.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import { changeSetting, listSettings, readSetting } from '../operations/change-settings.ts'
import type { ProcessLogger } from '../platform/logger.ts'
import { watchSettings } from '../platform/settings-watch.ts'
import type { ApiParts } from './parts.ts'
import type { SettingsDeps } from './rest/settings.ts'

/** What the routes of settings need. */
export function settingsOf({ db, clock, config }: ApiParts): SettingsDeps['settings'] {
  const defaults = settingDefaults(config)
  const deps = { settingStore: createSettingStore(db), defaults, clock }
  return {
    list: () => listSettings(deps),
    read: (key) => readSetting(deps, key),
    change: (request) => changeSetting(deps, request),
  }
}

/** Lets changes hold in this process from now on; dispose of it to stop. */
export function holdSettings(db: Database, config: Config, logger: ProcessLogger): AsyncDisposable {
  const settingStore = createSettingStore(db)
  return watchSettings({ settingStore, defaults: settingDefaults(config), logger })
}
