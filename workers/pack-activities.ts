/** Activities of job packs: built from the settings and the few services that packs are given. */
import { mapFailures } from '../activities/errors.ts'
import { startHeartbeats } from '../activities/heartbeats.ts'
import { ConfigError, type ConfigProblem } from '../config/config.ts'
import { packVariable, readPackSettings } from '../config/pack-settings.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { PackServices } from '../jobs/pack.ts'
import type { JobPack } from '../platform/job-packs.ts'
import type { Logger } from '../platform/logger.ts'
import type { ActivityFamily } from './queues.ts'

/** What packs' activities are built from. */
export type PackActivitiesDeps = {
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly logger: Logger
  /** Names of activities that there are already. */
  readonly taken: readonly string[]
}

/** By job. Throws ConfigError with every setting that is wrong and every name that is taken. */
export function createPackActivities(
  packs: readonly JobPack[],
  deps: PackActivitiesDeps,
): ReadonlyMap<string, ActivityFamily> {
  const problems: ConfigProblem[] = []
  const owners = new Map(deps.taken.map((name) => [name, 'the product']))
  const byJob = new Map<string, ActivityFamily>()
  for (const pack of packs) {
    const tell = (message: string): void =>
      void problems.push({ variable: 'JOB_PACKS', message: `${pack.name}: ${message}` })
    const settings = settingsOf(pack, deps.env, problems)
    if (settings === null) continue
    const family = familyOf(pack, settings, deps, tell)
    for (const name of Object.keys(family)) {
      const owner = owners.get(name)
      if (owner !== undefined) tell(`activity ${name} is taken by ${owner}`)
      else owners.set(name, `the pack ${pack.name}`)
    }
    for (const job of pack.jobs) byJob.set(job, family)
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return byJob
}

function settingsOf(
  { name, settings }: JobPack,
  env: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): Readonly<Record<string, unknown>> | null {
  if (settings === null) return {}
  const parsed = settings.safeParse(readPackSettings(env, name, Object.keys(settings.shape)))
  if (parsed.success) return Object.freeze(parsed.data)
  for (const { path, message } of parsed.error.issues) {
    problems.push({ variable: packVariable(name, String(path[0] ?? '')), message })
  }
  return null
}

function familyOf(
  pack: JobPack,
  settings: Readonly<Record<string, unknown>>,
  { clock, logger }: PackActivitiesDeps,
  tell: (message: string) => void,
): ActivityFamily {
  const log = logger.child({ data: { pack: pack.name } })
  const services: PackServices = { clock, log, startHeartbeats, settings }
  let made: unknown
  try {
    made = pack.createActivities(services)
  } catch (error) {
    tell(`createActivities failed: ${error instanceof Error ? error.message : String(error)}`)
    return {}
  }
  const entries = typeof made === 'object' && made !== null ? Object.entries(made) : []
  if (entries.length === 0 || entries.some(([, run]) => typeof run !== 'function')) {
    tell('createActivities must return functions by name')
    return {}
  }
  return mapFailures<ActivityFamily>(Object.fromEntries(entries))
}
