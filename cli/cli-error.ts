/** Failures that a person at the terminal can act upon, with the exit code that tells scripts. */

/** sysexits(3) where it fits; 1 is any failure of the work itself. */
export const EXIT = { ok: 0, failed: 1, usage: 2, config: 78 } as const

/** A message for people, without a stack. The command line ends with `exitCode`. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
