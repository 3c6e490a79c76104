/**
 * How workflows of job packs get into the bundle: a generated entry beside ours, where imports lead, and
 * which file of which pack is to blame when there is no bundle.
 */
import { writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

import type { BundleOptions } from '@temporalio/worker'

import type { ConfigProblem } from '../config/config.ts'
import { PACK_FILES, SURFACE_URL } from '../platform/job-packs.ts'

type WebpackConfig = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0]

/** A pack as the bundle takes it. */
export type PackSource = {
  readonly name: string
  /** Absolute, without links. */
  readonly folder: string
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * Writes the bundle's entry: our workflows as they are, then those of packs, whose jobs are put into the
 * registry that interceptors ask. Ours run the same code with it and without. Returns its path.
 */
export async function writePackEntry(
  folder: string,
  hash: string,
  packs: readonly PackSource[],
): Promise<string> {
  const text = JSON.stringify
  const own = text(join(ROOT, 'workflows/index.ts'))
  const lines = [
    `import { setPackJobs } from ${text(join(ROOT, 'jobs/registry.ts'))}`,
    `export * from ${own}`,
    `export { default } from ${own}`,
    ...packs.flatMap(({ folder: pack }, index) => [
      `import { JOBS as jobs${index} } from ${text(join(pack, PACK_FILES.jobs))}`,
      `export * from ${text(join(pack, PACK_FILES.workflows))}`,
    ]),
    `setPackJobs([${packs.map((_, index) => `...jobs${index}`).join(', ')}])`,
  ]
  // Of a name without `.ts`: what lies below `node_modules` is not compiled.
  const path = join(folder, `workflow-packs-${hash}.mjs`)
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

/** The configuration with which packs find what they import of the product. */
export function withPackImports(config: WebpackConfig): WebpackConfig {
  const { resolve = {} } = config
  // Other forms than a record are not what the SDK's bundler gives.
  const alias = Array.isArray(resolve.alias) ? {} : resolve.alias
  return {
    ...config,
    resolve: {
      ...resolve,
      modules: [...(resolve.modules ?? ['node_modules']), join(ROOT, 'node_modules')],
      alias: { ...alias, 'groundstop/pack$': fileURLToPath(SURFACE_URL) },
    },
  }
}

/** Watches one build for what keeps packs out of it. */
export type PackWatch = {
  /** The configuration, watched. */
  readonly watched: (config: WebpackConfig) => WebpackConfig
  /** What is wrong with packs, once the build has failed; none when it is not their fault. */
  readonly problems: () => ConfigProblem[]
}

/** Modules that the SDK leaves out of workflows: whoever imports one has the build fail. */
const LEFT_OUT = /^ignored\|.*\|([^|]+)$/

/** A watch over these packs. */
export function watchPacks(packs: readonly PackSource[]): PackWatch {
  const messages = new Set<string>()
  const note = (files: readonly string[], message: string): void => {
    for (const file of files) {
      const pack = packs.find(({ folder }) => file.startsWith(folder + sep))
      if (pack === undefined) continue
      const where = `${pack.name}: ${relative(pack.folder, file)}`
      messages.add(`${where} is no workflow code: ${message}`)
      return
    }
  }
  return {
    watched: (config) => ({
      ...config,
      plugins: [
        ...(config.plugins ?? []),
        (compiler) => {
          compiler.hooks.done.tap('packs', ({ compilation: { errors, modules, moduleGraph } }) => {
            // All that comes here are modules of this graph.
            const filesTo = pathsBy((module) => moduleGraph.getIssuer(module as never))
            for (const error of errors) {
              const module = 'module' in error ? error.module : null
              note(filesTo(module), sentenceOf(error.message))
            }
            for (const module of modules) {
              const [, name] = LEFT_OUT.exec(module.identifier()) ?? []
              if (name !== undefined) note(filesTo(module), notThere(name))
            }
          })
        },
      ],
    }),
    problems: () => [...messages].map((message) => ({ variable: 'JOB_PACKS', message })),
  }
}

/** Files that led to a module, itself first. */
function pathsBy(issuerOf: (module: object) => unknown): (module: unknown) => string[] {
  return (module) => {
    const files: string[] = []
    for (let one = module; typeof one === 'object' && one !== null; one = issuerOf(one)) {
      if ('resource' in one && typeof one.resource === 'string') files.push(one.resource)
    }
    return files
  }
}

/** What is wrong in one sentence, without who says so. */
function sentenceOf(message: string): string {
  const [, scheme] = /Reading from "([^"]+)" is not handled/.exec(message) ?? []
  if (scheme !== undefined) return notThere(scheme)
  const lines = stripVTControlCharacters(message)
    .replace(/^Module build failed[^:]*:/, '')
    .split('\n')
    .map((line) => line.trim())
  return lines.find((line) => line !== '') ?? 'it does not build'
}

function notThere(module: string): string {
  return `it imports ${module}, which workflows do not have`
}
