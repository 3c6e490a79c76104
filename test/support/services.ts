/** The addresses of the servers that `global-setup.ts` started for this run, for a test file. */
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string
    temporalAddress: string
  }
}

/** Where the run's PostgreSQL (as superuser) and Temporal dev server are. */
export function services(): { readonly databaseUrl: string; readonly temporalAddress: string } {
  return { databaseUrl: inject('databaseUrl'), temporalAddress: inject('temporalAddress') }
}
