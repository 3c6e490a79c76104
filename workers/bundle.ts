/**
 * The workflow bundle: built once per state of its sources and kept in a folder, because building
 * takes seconds and a worker should be at work within one.
 */
import { createHash, randomUUID } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'

import { FAILURE_CONVERTER_PATH } from '../platform/temporal/payload-codec.ts'
import { withPackImports, writePackEntry } from './pack-bundle.ts'

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
  readonly packFolders?: readonly string[]
}

/** Bundles of older sources that are kept, so that going back and forth between two costs nothing. */
const KEPT = 6

/** Where a built bundle lies; `Worker.create({ workflowBundle })` takes it as it is. */
export type WorkflowBundle = { readonly codePath: string }

/**
 * The bundle of the present sources, and of packs', from `folder`, built if it is not there. Safe when several
 * processes ask at once: each may build, and one file remains. Throws when the sources do not build.
 */
export async function workflowBundle(
  folder: string,
  { failures = 'plain', isTraced = false, packFolders = [] }: BundleOptions = {},
): Promise<WorkflowBundle> {
  const traits = [...(failures === 'plain' ? [] : [failures]), ...(isTraced ? ['traced'] : [])]
  const name = ['workflow-bundle', ...traits].join('-')
  const hash = await hashOfSources(packFolders)
  const codePath = join(folder, `${name}-${hash}.js`)
  if (await isThere(codePath)) return { codePath }
  await mkdir(folder, { recursive: true })
  const packs = packFolders.length === 0 ? null : await writePackEntry(folder, hash, packFolders)
  const { code } = await bundleWorkflowCode({
    workflowsPath: packs ?? WORKFLOWS_PATH,
    workflowInterceptorModules: interceptorPaths(isTraced),
    ...(failures === 'plain' ? {} : { failureConverterPath: FAILURE_CONVERTER_PATH }),
    // Each queue's worker and its thread keep the map in memory: lines are enough for stack traces.
    webpackConfigHook: (config) => ({
      ...(packs === null ? config : withPackImports(config)),
      devtool: 'inline-nosources-cheap-module-source-map',
    }),
    // The bundler tells every module it reads.
    logger: new DefaultLogger('WARN'),
  })
  // Written aside and renamed, so that nobody reads half a file.
  const draft = `${codePath}.${randomUUID()}`
  await writeFile(draft, code)
  await rename(draft, codePath)
  await dropOld(folder)
  return { codePath }
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
  hash.update(await readFile(fileURLToPath(import.meta.url)))
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

async function dropOld(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^workflow-bundle-.*\.js$/.test(name))
  const aged = await Promise.all(
    names.map(async (name) => {
      const { mtimeMs } = await stat(join(folder, name))
      return { name, mtimeMs }
    }),
  )
  const old = aged.sort((a, b) => b.mtimeMs - a.mtimeMs).slice(KEPT)
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { force: true })))
}
