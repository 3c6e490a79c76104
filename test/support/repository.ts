/** The repository as the architecture tests read it: its files, and a throwaway tree to break on purpose. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root folder, absolute. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const NOT_OURS = new Set(['node_modules', '.git', '.groundstop', 'dist', 'coverage', '.vitest'])

/** Paths from the root of every file of ours, sorted; of the given endings (`.ts`), or all. */
export function repositoryFiles(...endings: readonly string[]): string[] {
  const found: string[] = []
  const folders = [ROOT]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (NOT_OURS.has(entry.name)) continue
      const path = join(folder, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile()) found.push(relative(ROOT, path))
    }
  }
  return found.filter((path) => endings.length === 0 || endings.includes(extname(path))).toSorted()
}

/** The text of a file of the repository. */
export function readSource(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** A temporary folder with the given files (path to text), removed when the scope ends. */
export function plantTree(files: Readonly<Record<string, string>>): {
  root: string
  [Symbol.dispose]: () => void
} {
  const root = mkdtempSync(join(tmpdir(), 'groundstop-arch-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) }
}

/** Runs an installed tool by the path of its script, on the Node that runs the tests. */
export function runTool(
  script: string,
  args: readonly string[],
  cwd: string,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const command = [join(ROOT, 'node_modules', script), ...args]
    // A test run inside a test run must not write its counts over the outer one's.
    const { GROUNDSTOP_TEST_TALLY: _outer, ...env } = process.env
    execFile(
      process.execPath,
      command,
      { cwd, env, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
        resolve({ exitCode, stdout, stderr })
      },
    )
  })
}
