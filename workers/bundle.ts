/**
 * The workflow bundle: built once per state of its sources and kept in a folder, because building
 * takes seconds and a worker should be at work within one.
 */
import { createHash, randomUUID } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'

import { ConfigError } from '../config/config.ts'
import { FAILURE_CONVERTER_PATH } from '../platform/temporal/payload-codec.ts'
import { dropOldBundles } from './bundle-files.ts'
import { watchPacks, withPackImports, writePackEntry, type PackSource } from './pack-bundle.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Folders whose files can be part of the bundle: what workflows may import. */
const SOURCE_FOLDERS = ['workflows', 'jobs', 'domain']

const WORKFLOWS_PATH = join(ROOT, 'workflows/index.ts')
/** The first is the outermost: a run waits for others' runs, then for its turn, then for a place. */
const INTERCEPTORS = [
  'final-failures',
  'validate-input',
  'correlation',
  'dependencies',
  'turns',
  'job-places',
]
/** Outermost of all, where runs are traced. */
const TRACING = 'tracing'

/** How a bundle differs from the usual one. */
export type BundleOptions = {
  /** Whether the words of failures go into payloads, which are encrypted. Default `plain`. */
  readonly failures?: 'plain' | 'encoded'
  /** Runs tell their spans. Default: not. */
  readonly isTraced?: boolean
  /** Packs whose workflows are bundled in. Default none. */
  readonly packs?: readonly PackSource[]
}

/** Where a built bundle lies; `Worker.create({ workflowBundle })` takes it as it is. */
export type WorkflowBundle = { readonly codePath: string }

/**
 * The bundle of the present sources, and of packs', from `folder`, built if it is not there. Safe when several
 * processes ask at once: each may build, and one file remains. Throws when the sources do not build:
 * ConfigError where those of packs are to blame.
 */
export async function workflowBundle(
  folder: string,
  { failures = 'plain', isTraced = false, packs = [] }: BundleOptions = {},
): Promise<WorkflowBundle> {
  const traits = [...(failures === 'plain' ? [] : [failures]), ...(isTraced ? ['traced'] : [])]
  const name = ['workflow-bundle', ...traits].join('-')
  const hash = await hashOfSources(packs.map((pack) => pack.folder))
  const codePath = join(folder, `${name}-${hash}.js`)
  if (await isThere(codePath)) return { codePath }
  await mkdir(folder, { recursive: true })
  const entry = packs.length === 0 ? null : await writePackEntry(folder, hash, packs)
  const code = await build({ failures, isTraced, packs }, entry)
  // Written aside and renamed, so that nobody reads half a file.
  const draft = `${codePath}.${randomUUID()}`
  await writeFile(draft, code)
  await rename(draft, codePath)
  await dropOldBundles(folder)
  return { codePath }
}

async function build(
  { failures, isTraced, packs }: Required<BundleOptions>,
  entry: string | null,
): Promise<string> {
  const { watched, problems } = watchPacks(packs)
  // The bundler tells every module it reads, and of a pack that fails more than anybody reads.
  const told: string[] = []
  try {
    const { code } = await bundleWorkflowCode({
      workflowsPath: entry ?? WORKFLOWS_PATH,
      workflowInterceptorModules: interceptorPaths(isTraced),
      ...(failures === 'plain' ? {} : { failureConverterPath: FAILURE_CONVERTER_PATH }),
      // Each queue's worker and its thread keep the map in memory: lines are enough for stack traces.
      webpackConfigHook: (config) => ({
        ...(entry === null ? config : watched(withPackImports(config))),
        devtool: 'inline-nosources-cheap-module-source-map',
      }),
      logger: new DefaultLogger('WARN', ({ message }) => void told.push(message)),
    })
    return code
  } catch (error) {
    const ofPacks = problems()
    if (ofPacks.length > 0) throw new ConfigError(ofPacks)
    throw new Error(['workflows do not build', ...told].join('\n'), { cause: error })
  }
}

function interceptorPaths(isTraced: boolean): string[] {
  const names = isTraced ? [TRACING, ...INTERCEPTORS] : INTERCEPTORS
  return names.map((name) => join(ROOT, `workflows/interceptors/${name}.ts`))
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Changes with any source file, with how they are bundled and with the packages that are bundled in. */
async function hashOfSources(packFolders: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  const own = SOURCE_FOLDERS.map((folder) => join(ROOT, folder))
  for (const folder of [...own, ...packFolders]) {
    for (const path of await filesBelow(folder)) {
      hash
        .update(relative(ROOT, path))
        .update('\0')
        .update(await readFile(path))
        .update('\0')
    }
  }
  for (const file of ['bundle.ts', 'pack-bundle.ts']) {
    hash.update(await readFile(join(ROOT, 'workers', file)))
  }
  for (const name of ['@temporalio/workflow', '@temporalio/worker', 'zod']) {
    const path = fileURLToPath(import.meta.resolve(`${name}/package.json`))
    hash.update(await readFile(path))
  }
  return hash.digest('hex').slice(0, 20)
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  return files.map((entry) => join(entry.parentPath, entry.name)).sort()
}
