/** Which procedure calls which route. A route that was forgotten, or a name without one, is an error. */
import { PROCEDURES } from '../../client/procedures.ts'
import type { Contract } from '../contract.ts'
import type { Permission } from '../roles.ts'
import type { RouteRecord } from '../routes.ts'

/** A procedure and the route that it calls. */
export type NamedRoute = {
  readonly group: string
  readonly name: string
  /** `GET /api/policies/:policyNumber`. */
  readonly route: string
  /** What the route promises; null is the admin's alone. */
  readonly contract: Contract | null
}

/** Who may call the route. */
export function permissionOf({ contract }: NamedRoute): Permission | 'open' | null {
  return contract === null ? null : contract.permission
}

/**
 * The routes that have names. Those that are open, which nobody is asked for, and those that answer
 * something else than JSON need none. Throws when another has no name, or a name no route.
 */
export function namedRoutes(routes: readonly RouteRecord[]): readonly NamedRoute[] {
  const contracts = contractsOf(routes)
  const named = Object.entries(PROCEDURES).flatMap(([group, names]) =>
    Object.entries(names).map(([name, route]) => ({ group, name, route })),
  )
  const routesNamed = new Set<string>(named.map(({ route }) => route))
  const nameless = [...contracts].flatMap(([route, contract]) =>
    isCallable(contract) && !routesNamed.has(route) ? [route] : [],
  )
  const routeless = named.filter(({ route }) => !contracts.has(route)).map(({ route }) => route)
  if (nameless.length + routeless.length > 0) {
    throw new TypeError(
      `client/procedures.ts: without a name: ${nameless.join(', ') || 'none'}; ` +
        `without a route: ${routeless.join(', ') || 'none'}`,
    )
  }
  return named.map((entry) => ({ ...entry, contract: contracts.get(entry.route) ?? null }))
}

function contractsOf(routes: readonly RouteRecord[]): Map<string, Contract | null> {
  return new Map(
    routes.flatMap(({ path, methods }) =>
      Object.entries(methods).map(
        ([method, contract]) => [`${method.toUpperCase()} ${path}`, contract] as const,
      ),
    ),
  )
}

function isCallable(contract: Contract | null): boolean {
  if (contract === null) return true
  return contract.permission !== 'open' && Object.values(contract.answers).some((a) => a !== null)
}
