#!/usr/bin/env node
// Runs the command line under a Node that reads TypeScript: this one if it does (22.18 and later),
// else the one that npm installed with the product.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const main = join(dirname(fileURLToPath(import.meta.url)), 'main.ts')
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) {
  // `import()` keeps this process, its signals and its exit code.
  process.argv[1] = main
  await import(pathToFileURL(main).href)
} else {
  const file = join(
    dirname(createRequire(import.meta.url).resolve('node/package.json')),
    'bin/node',
  )
  if (!existsSync(file)) {
    process.stderr.write(
      `groundstop needs Node 22.18 or later, this is ${process.version}: run npm ci first\n`,
    )
    process.exitCode = 1
  } else {
    const child = spawn(file, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.on(signal, () => child.kill(signal))
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
    })
  }
}
