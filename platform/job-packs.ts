/**
 * Loads job packs: folders outside the product with further jobs. Their modules are imported, checked
 * all at once and put into the registry. Runs none of their code but its top level.
 */
import { existsSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { z } from 'zod'

import { ConfigError } from '../config/config.ts'
import { checkPacks } from '../jobs/pack-check.ts'
import { allJobs, setPackJobs } from '../jobs/registry.ts'

/** A pack that was loaded. */
export type JobPack = {
  readonly name: string
  readonly version: string
  /** Absolute, without links. */
  readonly folder: string
  /** Names of its jobs. */
  readonly jobs: readonly string[]
  /** `createActivities` of `activities/index.ts`: given services, it returns functions by name. */
  readonly createActivities: (services: unknown) => unknown
  /** `settings` of `activities/index.ts`: a schema of what `PACK_<NAME>_*` hold. Null: none are read. */
  readonly settings: z.ZodObject | null
}

/** Where each part of a pack lies. */
export const PACK_FILES = {
  jobs: 'jobs/registry.ts',
  workflows: 'workflows/index.ts',
  activities: 'activities/index.ts',
} as const

const SURFACE = 'groundstop/pack'
/** What packs import of it. */
export const SURFACE_URL: string = new URL('../jobs/pack.ts', import.meta.url).href

/** Of these a second copy would be another thing: schemas and workflow code must share ours. */
const SHARED = /^(zod|@temporalio\/(activity|common|workflow))(\/|$)/

const manifestShape = z.looseObject({
  name: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be small letters, digits and -'),
  version: z.string().regex(/^\d+\.\d+\.\d+/, 'must be as 1.0.0'),
  type: z.literal('module', 'must be module'),
})

type Exports = Readonly<Record<string, unknown>>
type LoadedPack = {
  readonly name: string
  readonly version: string
  readonly folder: string
  readonly modules: Readonly<Record<keyof typeof PACK_FILES, Exports>>
}

/** Folders whose modules have their imports resolved here. */
const folders = new Set<string>()

/**
 * Loads the packs of these folders and adds their jobs to the registry, in place of those added before.
 * Throws ConfigError with every problem of every pack.
 */
export async function loadJobPacks(paths: readonly string[]): Promise<JobPack[]> {
  setPackJobs([])
  if (paths.length === 0) return []
  const problems: string[] = []
  const loaded: LoadedPack[] = []
  for (const path of paths) {
    const pack = await loadPack(path, problems)
    if (pack === null) continue
    const other = loaded.find(({ name }) => name === pack.name)
    if (other === undefined) loaded.push(pack)
    else problems.push(`${pack.folder}: it is called ${pack.name}, as the pack in ${other.folder}`)
  }
  const contents = loaded.map(({ name, modules: { jobs, workflows } }) => ({
    name,
    jobs: jobs['JOBS'],
    workflows,
  }))
  const check = checkPacks(contents, allJobs())
  const packs = loaded.map((pack) => packOf(pack, problems))
  problems.push(...check.problems)
  if (problems.length > 0) {
    throw new ConfigError(problems.map((message) => ({ variable: 'JOB_PACKS', message })))
  }
  setPackJobs(check.jobs)
  return packs
}

async function loadPack(path: string, problems: string[]): Promise<LoadedPack | null> {
  const folder = await realpath(resolve(path)).catch(() => null)
  if (folder === null) {
    problems.push(`${path}: there is no such folder`)
    return null
  }
  const manifest = await readManifest(folder)
  if (typeof manifest === 'string') {
    problems.push(`${path}: package.json ${manifest}`)
    return null
  }
  for (const name of ['zod', '@temporalio']) {
    if (!existsSync(join(folder, 'node_modules', name))) continue
    problems.push(`${manifest.name}: has a copy of ${name}: leave it out, the product's is used`)
  }
  followImportsOf(folder)
  const before = problems.length
  const modules: Record<string, Exports> = {}
  for (const [part, file] of Object.entries(PACK_FILES)) {
    const found = await importModule(folder, file)
    if (typeof found === 'string') problems.push(`${manifest.name}: ${file} ${found}`)
    else modules[part] = found
  }
  if (problems.length > before) return null
  // All parts were imported.
  return { ...manifest, folder, modules: modules as LoadedPack['modules'] }
}

async function readManifest(folder: string): Promise<{ name: string; version: string } | string> {
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  } catch (error) {
    return `cannot be read: ${firstLine(error)}`
  }
  const manifest = manifestShape.safeParse(parsed)
  if (!manifest.success) {
    return manifest.error.issues
      .map(({ path, message }) => `${path.join('.')} ${message}`)
      .join(', ')
  }
  return { name: manifest.data.name, version: manifest.data.version }
}

async function importModule(folder: string, file: string): Promise<Exports | string> {
  const path = join(folder, file)
  if (!existsSync(path)) return 'is missing'
  try {
    const module: Exports = await import(pathToFileURL(path).href)
    return module
  } catch (error) {
    return `does not load: ${firstLine(error)}`
  }
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return line
}

function packOf({ name, version, folder, modules }: LoadedPack, problems: string[]): JobPack {
  const { createActivities, settings = null } = modules.activities
  if (typeof createActivities !== 'function') {
    problems.push(`${name}: activities/index.ts must export the function createActivities`)
  }
  if (settings !== null && !(settings instanceof z.ZodObject)) {
    problems.push(`${name}: settings of activities/index.ts must be a z.strictObject`)
  }
  const list = modules.jobs['JOBS']
  const jobs: { readonly name: string }[] = Array.isArray(list) ? list : []
  return {
    name,
    version,
    folder,
    jobs: jobs.map((job) => job?.name),
    // Both were looked at above; a problem stops the start.
    createActivities: createActivities as JobPack['createActivities'],
    settings: settings as JobPack['settings'],
  }
}

/** Has modules of the folder find the product's surface and packages without an installation of it. */
function followImportsOf(folder: string): void {
  if (folders.size === 0) {
    registerHooks({
      resolve(specifier, context, next) {
        if (!isInPack(context.parentURL)) return next(specifier, context)
        if (specifier === SURFACE) return { url: SURFACE_URL, shortCircuit: true }
        if (!SHARED.test(specifier)) return next(specifier, context)
        return next(specifier, { ...context, parentURL: import.meta.url })
      },
    })
  }
  folders.add(folder)
}

function isInPack(url: string | undefined): boolean {
  if (url === undefined) return false
  return [...folders].some((folder) => url.startsWith(`${pathToFileURL(folder).href}/`))
}
