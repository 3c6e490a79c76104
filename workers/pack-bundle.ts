/** How workflows of job packs get into the bundle: a generated entry beside ours, and where imports lead. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { BundleOptions } from '@temporalio/worker'

import { PACK_FILES, SURFACE_URL } from '../platform/job-packs.ts'

type WebpackConfig = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0]

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * Writes the bundle's entry: our workflows as they are, then those of packs, whose jobs are put into the
 * registry that interceptors ask. Ours run the same code with it and without. Returns its path.
 */
export async function writePackEntry(
  folder: string,
  hash: string,
  packFolders: readonly string[],
): Promise<string> {
  const text = JSON.stringify
  const own = text(join(ROOT, 'workflows/index.ts'))
  const lines = [
    `import { setPackJobs } from ${text(join(ROOT, 'jobs/registry.ts'))}`,
    `export * from ${own}`,
    `export { default } from ${own}`,
    ...packFolders.flatMap((pack, index) => [
      `import { JOBS as jobs${index} } from ${text(join(pack, PACK_FILES.jobs))}`,
      `export * from ${text(join(pack, PACK_FILES.workflows))}`,
    ]),
    `setPackJobs([${packFolders.map((_, index) => `...jobs${index}`).join(', ')}])`,
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
