/** Names of tenants as commands take them. */
import { InvalidArgumentError } from 'commander'

import { DEFAULT_TENANT, TENANT_NAME } from '../domain/role.ts'

/** Reads the name of a tenant. Throws InvalidArgumentError. */
export function parseTenant(text: string): string {
  if (TENANT_NAME.test(text)) return text
  throw new InvalidArgumentError('It must be 1 to 40 small letters, digits and hyphens.')
}

/** As `parseTenant`, of those who do not see everything. */
export function parseOtherTenant(text: string): string {
  if (text !== DEFAULT_TENANT) return parseTenant(text)
  throw new InvalidArgumentError('The house sees everything: leave it out.')
}
