/** Names of tenants as commands take them. */
import { InvalidArgumentError } from 'commander'

import { TENANT_NAME } from '../domain/role.ts'

/** Reads the name of a tenant. Throws InvalidArgumentError. */
export function parseTenant(text: string): string {
  if (TENANT_NAME.test(text)) return text
  throw new InvalidArgumentError('It must be 1 to 40 small letters, digits and hyphens.')
}
