/** The type of the router, for clients of tRPC: `createTRPCClient<GroundstopRouter>(...)`. */
import type {
  TRPCBuiltRouter,
  TRPCDefaultErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from '@trpc/server'

import type { Operations } from '../../client/operations.generated.ts'
import type { PROCEDURES } from '../../client/procedures.ts'
import type { ListedRun } from '../../domain/ports/run-store.ts'
import type { ProblemDocument } from '../problem.ts'
import type { SchedulerStatus } from '../rest/scheduler-status.ts'
import type { LiveInput } from './live.ts'
import type { ProcedureContext } from './procedure-base.ts'

type Procedures = typeof PROCEDURES
type Route = keyof Operations

/** What a refusal looks like: tRPC's own fields, and the problem document of the route. */
export type ProcedureErrorShape = Omit<TRPCDefaultErrorShape, 'data'> & {
  readonly data: TRPCDefaultErrorShape['data'] & { readonly problem: ProblemDocument }
}

type Definition<R extends Route> = {
  input: object extends Operations[R]['input']
    ? Operations[R]['input'] | undefined
    : Operations[R]['input']
  output: Operations[R]['answer']
  meta: object
}

type ProcedureOf<R> = R extends Route
  ? R extends `GET ${string}`
    ? TRPCQueryProcedure<Definition<R>>
    : TRPCMutationProcedure<Definition<R>>
  : never

type Followed<T> = TRPCSubscriptionProcedure<{
  input: LiveInput | void
  output: AsyncIterable<{ id: string; data: T }, void, undefined>
  meta: object
}>
type Enable = 'POST /api/admin/scheduler/schedules/:name/enable'

/** What is no route: a switch that goes both ways, and what can be followed. */
type More = {
  scheduler: {
    toggleJob: TRPCMutationProcedure<{
      input: Operations[Enable]['input'] & { enabled: boolean }
      output: Operations[Enable]['answer']
      meta: object
    }>
    runChanges: Followed<ListedRun>
    schedulerStatus: Followed<SchedulerStatus>
  }
}

/** The router that `/api/trpc` serves. */
export type GroundstopRouter = TRPCBuiltRouter<
  { ctx: ProcedureContext; meta: object; errorShape: ProcedureErrorShape; transformer: false },
  {
    [Group in keyof Procedures]: {
      [Name in keyof Procedures[Group]]: ProcedureOf<Procedures[Group][Name]>
    }
  } & More
>
