/**
 * Generated from the routes by `npm run client:types`; change the route, not this file. What each route
 * takes and answers.
 */

/** Input and answer by route. Inputs are the parts of the path, the query and the body. */
export type Operations = {
  'GET /api/clock': { input: {}; answer: { now: string; speed: number } }
  'GET /api/admin/scheduler/status': {
    input: {}
    answer: {
      status: 'running' | 'degraded'
      activeJobs: number
      queueSize: number
      workers: { available: number; busy: number; total: number }
      uptime: string
      startedAt: string
      workerProcesses: number
      queues: readonly { name: string; size: number }[]
      stuckRuns: unknown
    }
  }
  'GET /api/admin/scheduler/schedules': {
    input: {}
    answer: { schedules: readonly { readonly [name: string]: unknown }[] }
  }
  'GET /api/admin/scheduler/schedules/:name': {
    input: { name: string }
    answer: { readonly [name: string]: unknown }
  }
  'GET /api/admin/scheduler/schedules/:name/history': {
    input: {
      name: string
      limit?: number
      cursor?: string
      status?:
        | 'running'
        | 'success'
        | 'failed'
        | 'timeout'
        | 'cancelled'
        | 'terminated'
        | 'continued'
      state?: string
      trigger?: 'schedule' | 'task' | 'api' | 'cli' | 'run' | 'clock' | 'redrive' | 'startup'
      priority?: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW'
      errorType?: string
      workflowId?: string
      since?: string
      until?: string
    }
    answer: { items: readonly { readonly [name: string]: unknown }[]; nextCursor: string | null }
  }
  'POST /api/admin/scheduler/schedules/:name/run': {
    input: {
      name: string
      idempotencyKey?: string
      body?: {
        executeAt?: string | null
        payload?: { readonly [name: string]: unknown } | null
        priority?: string | null
        tenant?: string | null
      }
    }
    answer: {
      id: string
      runId: string
      type: string
      name: string
      status:
        | 'scheduled'
        | 'running'
        | 'success'
        | 'failed'
        | 'timeout'
        | 'cancelled'
        | 'terminated'
      priority: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW'
      tenant: string | null
      queue: string
      createdAt: string
      executeAt: string
      finishedAt: string | null
      durationMs: number | null
      state: string | null
      progress: { done: number; total: number | null; message: string } | null
    }
  }
  'POST /api/admin/scheduler/schedules/:name/enable': {
    input: { name: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { name: string; enabled: boolean }
  }
  'POST /api/admin/scheduler/schedules/:name/disable': {
    input: { name: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { name: string; enabled: boolean }
  }
  'POST /api/admin/scheduler/schedules/:name/backfill': {
    input: {
      name: string
      idempotencyKey?: string
      body: { by?: string; reason: string; since: string; until: string; dryRun?: boolean }
    }
    answer: { fires: readonly { readonly [name: string]: unknown }[] }
  }
  'GET /api/admin/scheduler/schedules/preview': {
    input: {
      job?: string
      cron?: string
      every?: string
      timezone?: string
      dst?: 'shift' | 'skip' | 'first' | 'last' | 'both'
      from?: string
      count?: number
    }
    answer: {
      timezone: string
      dst: string | null
      spread: { windowMs: number; offsetMs: number } | null
      lines: readonly (
        | { kind: 'fire'; at: string; wall: string; offset: string }
        | { kind: 'change'; at: string; wallBefore: string; wallAfter: string }
      )[]
    }
  }
  'GET /api/admin/scheduler/jobs': {
    input: {
      type?: string
      status?:
        | 'scheduled'
        | 'running'
        | 'success'
        | 'failed'
        | 'timeout'
        | 'cancelled'
        | 'terminated'
      limit?: number
      cursor?: string
    }
    answer: {
      jobs: readonly {
        id: string
        runId: string
        type: string
        name: string
        status:
          | 'scheduled'
          | 'running'
          | 'success'
          | 'failed'
          | 'timeout'
          | 'cancelled'
          | 'terminated'
        priority: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW'
        tenant: string | null
        queue: string
        createdAt: string
        executeAt: string
        finishedAt: string | null
        durationMs: number | null
        state: string | null
        progress: { done: number; total: number | null; message: string } | null
      }[]
      nextCursor: string | null
    }
  }
  'POST /api/admin/scheduler/jobs': {
    input: {
      idempotencyKey?: string
      body: {
        type: string
        executeAt?: string | null
        payload?: { readonly [name: string]: unknown } | null
        priority?: string | null
        tenant?: string | null
      }
    }
    answer: {
      id: string
      runId: string
      type: string
      name: string
      status:
        | 'scheduled'
        | 'running'
        | 'success'
        | 'failed'
        | 'timeout'
        | 'cancelled'
        | 'terminated'
      priority: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW'
      tenant: string | null
      queue: string
      createdAt: string
      executeAt: string
      finishedAt: string | null
      durationMs: number | null
      state: string | null
      progress: { done: number; total: number | null; message: string } | null
    }
  }
  'GET /api/admin/scheduler/jobs/:id': {
    input: { id: string; runId?: string }
    answer: {
      id: string
      runId: string
      type: string
      name: string
      status:
        | 'scheduled'
        | 'running'
        | 'success'
        | 'failed'
        | 'timeout'
        | 'cancelled'
        | 'terminated'
      priority: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW'
      tenant: string | null
      queue: string
      createdAt: string
      executeAt: string
      finishedAt: string | null
      durationMs: number | null
      state: string | null
      progress: {
        done: number
        total: number | null
        message: string
        steps: readonly {
          step: string
          attempt: number
          done: number | null
          total: number | null
          lastFailure: string | null
        }[]
      } | null
      input?: unknown
      result?: unknown
      withheld?: true
      error: { type: string; message: string } | null
    }
  }
  'DELETE /api/admin/scheduler/jobs/:id': {
    input: { id: string; runId?: string }
    answer: { id: string; runId: string; status: 'cancelling' }
  }
  'POST /api/admin/scheduler/jobs/:id/reschedule': {
    input: {
      id: string
      idempotencyKey?: string
      body: { by?: string; reason: string; executeAt: string }
    }
    answer: {
      id: string
      runId: string
      type: string
      name: string
      status:
        | 'scheduled'
        | 'running'
        | 'success'
        | 'failed'
        | 'timeout'
        | 'cancelled'
        | 'terminated'
      priority: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW'
      tenant: string | null
      queue: string
      createdAt: string
      executeAt: string
      finishedAt: string | null
      durationMs: number | null
      state: string | null
      progress: { done: number; total: number | null; message: string } | null
    }
  }
  'GET /api/admin/scheduler/jobs/:id/logs': {
    input: {
      id: string
      limit?: number
      cursor?: string
      runId?: string
      level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'
      since?: string
    }
    answer: { items: readonly { readonly [name: string]: unknown }[]; nextCursor: string | null }
  }
  'GET /api/admin/scheduler/limits': {
    input: {}
    answer: {
      limits: readonly {
        job: string
        concurrent: number | null
        perMinute: number | null
        atWork: readonly { workflowId: string; runId: string; priority: number; askedAt: string }[]
        waiting: readonly { workflowId: string; runId: string; priority: number; askedAt: string }[]
      }[]
    }
  }
  'GET /api/admin/scheduler/windows': {
    input: {}
    answer: { windows: readonly { readonly [name: string]: unknown }[] }
  }
  'POST /api/admin/scheduler/windows': {
    input: {
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        until: string
        owner?: 'operations' | 'finance' | 'platform' | 'claims'
        queue?: 'monitoring' | 'payouts' | 'maintenance' | 'reports' | 'notifications'
        jobs?: readonly string[]
      }
    }
    answer: { windowId: string; until?: string }
  }
  'POST /api/admin/scheduler/windows/:windowId/close': {
    input: { windowId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { windowId: string; until?: string }
  }
  'GET /api/admin/scheduler/cover': {
    input: {}
    answer: { switches: readonly { readonly [name: string]: unknown }[] }
  }
  'GET /api/admin/scheduler/queues': {
    input: {}
    answer: { queues: readonly { readonly [name: string]: unknown }[] }
  }
  'GET /api/admin/scheduler/queues/:name': {
    input: { name: string }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/admin/scheduler/queues/:name/limit': {
    input: {
      name: string
      idempotencyKey?: string
      body: { by?: string; reason: string; perSecond: number | null }
    }
    answer: { name: string; perSecond: number | null }
  }
  'POST /api/admin/scheduler/queues/:name/pause': {
    input: { name: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { name: string; paused: boolean }
  }
  'POST /api/admin/scheduler/queues/:name/resume': {
    input: { name: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { name: string; paused: boolean }
  }
  'GET /api/admin/scheduler/dead-letters': {
    input: {
      limit?: number
      cursor?: string
      state?: 'OPEN' | 'REDRIVING' | 'REDRIVEN' | 'DISCARDED' | 'COVERED' | 'RECOVERED' | 'ARCHIVED'
      job?: string
      errorType?: string
      groupId?: string
      version?: string
      failedAfter?: string
      failedBefore?: string
    }
    answer: { items: readonly { readonly [name: string]: unknown }[]; nextCursor: string | null }
  }
  'GET /api/admin/scheduler/dead-letters/groups': {
    input: {}
    answer: { groups: readonly { readonly [name: string]: unknown }[] }
  }
  'GET /api/admin/scheduler/dead-letters/:runId': {
    input: { runId: string }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/admin/scheduler/dead-letters/redrive': {
    input: {
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        filter: {
          state?:
            | 'OPEN'
            | 'REDRIVING'
            | 'REDRIVEN'
            | 'DISCARDED'
            | 'COVERED'
            | 'RECOVERED'
            | 'ARCHIVED'
          job?: string
          errorType?: string
          groupId?: string
          version?: string
          failedAfter?: string
          failedBefore?: string
          runIds?: readonly string[]
        }
        limit?: number
        dryRun?: boolean
        input?: { readonly [name: string]: unknown }
        ratePerS?: number
      }
    }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/admin/scheduler/dead-letters/discard': {
    input: {
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        filter: {
          state?:
            | 'OPEN'
            | 'REDRIVING'
            | 'REDRIVEN'
            | 'DISCARDED'
            | 'COVERED'
            | 'RECOVERED'
            | 'ARCHIVED'
          job?: string
          errorType?: string
          groupId?: string
          version?: string
          failedAfter?: string
          failedBefore?: string
          runIds?: readonly string[]
        }
        limit?: number
        dryRun?: boolean
      }
    }
    answer: { readonly [name: string]: unknown }
  }
  'GET /api/tasks': {
    input: {
      limit?: number
      cursor?: string
      tenant?: string
      owner?: string
      job?: string
      state?: 'SCHEDULED' | 'PAUSED' | 'DONE' | 'FAILED' | 'MISSED' | 'CANCELLED'
      since?: string
      until?: string
    }
    answer: {
      items: readonly {
        taskId: string
        tenant: string
        owner: string
        job: string
        input?: { readonly [name: string]: unknown }
        withheld?: true
        priority: string
        timing: { kind: 'once' | 'interval' | 'wall' }
        toleranceMin: number
        state: 'SCHEDULED' | 'PAUSED' | 'DONE' | 'FAILED' | 'MISSED' | 'CANCELLED'
        dueAt: string
        timedAt: string
        reason: string
        revision: number
        missed: number
        missedUntil: string | null
        isApplied: boolean
        createdAt: string
        updatedAt: string
      }[]
      nextCursor: string | null
    }
  }
  'POST /api/tasks': {
    input: {
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        type: string
        when: {
          executeAt?: string
          every?: number | string
          cron?: string
          calendars?: readonly {
            minute?: number | { start: number; end: number }
            hour: number | { start: number; end: number }
            dayOfMonth?: number | { start: number; end: number }
            dayOfWeek?: number | { start: number; end: number }
            month?: number | { start: number; end: number }
          }[]
          timezone?: string
          dst?: 'shift' | 'skip' | 'first' | 'last' | 'both'
        }
        payload?: { readonly [name: string]: unknown } | null
        owner?: string
        tenant?: string
        priority?: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW'
        toleranceMin?: number
      }
    }
    answer: {
      taskId: string
      tenant: string
      owner: string
      job: string
      input?: { readonly [name: string]: unknown }
      withheld?: true
      priority: string
      timing: { kind: 'once' | 'interval' | 'wall' }
      toleranceMin: number
      state: 'SCHEDULED' | 'PAUSED' | 'DONE' | 'FAILED' | 'MISSED' | 'CANCELLED'
      dueAt: string
      timedAt: string
      reason: string
      revision: number
      missed: number
      missedUntil: string | null
      isApplied: boolean
      createdAt: string
      updatedAt: string
    }
  }
  'GET /api/tasks/statistics': {
    input: {}
    answer: {
      byState: { readonly [name: string]: number }
      dueWithinHour: number
      overdue: number
      missedWithinDay: number
      latenessP50Ms: number | null
      latenessP99Ms: number | null
      unapplied: number
    }
  }
  'POST /api/tasks/bulk': {
    input: {
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        action: 'cancel' | 'pause' | 'resume' | 'reschedule'
        when?: {
          executeAt?: string
          every?: number | string
          cron?: string
          calendars?: readonly {
            minute?: number | { start: number; end: number }
            hour: number | { start: number; end: number }
            dayOfMonth?: number | { start: number; end: number }
            dayOfWeek?: number | { start: number; end: number }
            month?: number | { start: number; end: number }
          }[]
          timezone?: string
          dst?: 'shift' | 'skip' | 'first' | 'last' | 'both'
        }
        toleranceMin?: number
        filter: {
          tenant?: string
          owner?: string
          job?: string
          state?: 'SCHEDULED' | 'PAUSED' | 'DONE' | 'FAILED' | 'MISSED' | 'CANCELLED'
          since?: string
          until?: string
          taskIds?: readonly string[]
        }
        limit?: number
        dryRun?: boolean
      }
    }
    answer: {
      tasks: readonly {
        taskId: string
        outcome: 'done' | 'would-do' | 'refused'
        message: string | null
      }[]
      isMore: boolean
    }
  }
  'GET /api/tasks/:taskId': {
    input: { taskId: string }
    answer: {
      taskId: string
      tenant: string
      owner: string
      job: string
      input?: { readonly [name: string]: unknown }
      withheld?: true
      priority: string
      timing: { kind: 'once' | 'interval' | 'wall' }
      toleranceMin: number
      state: 'SCHEDULED' | 'PAUSED' | 'DONE' | 'FAILED' | 'MISSED' | 'CANCELLED'
      dueAt: string
      timedAt: string
      reason: string
      revision: number
      missed: number
      missedUntil: string | null
      isApplied: boolean
      createdAt: string
      updatedAt: string
      runs: readonly { readonly [name: string]: unknown }[]
      next: readonly string[]
    }
  }
  'DELETE /api/tasks/:taskId': {
    input: { taskId: string; body: { by?: string; reason: string } }
    answer: {
      taskId: string
      tenant: string
      owner: string
      job: string
      input?: { readonly [name: string]: unknown }
      withheld?: true
      priority: string
      timing: { kind: 'once' | 'interval' | 'wall' }
      toleranceMin: number
      state: 'SCHEDULED' | 'PAUSED' | 'DONE' | 'FAILED' | 'MISSED' | 'CANCELLED'
      dueAt: string
      timedAt: string
      reason: string
      revision: number
      missed: number
      missedUntil: string | null
      isApplied: boolean
      createdAt: string
      updatedAt: string
    }
  }
  'POST /api/tasks/:taskId/pause': {
    input: { taskId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: {
      taskId: string
      tenant: string
      owner: string
      job: string
      input?: { readonly [name: string]: unknown }
      withheld?: true
      priority: string
      timing: { kind: 'once' | 'interval' | 'wall' }
      toleranceMin: number
      state: 'SCHEDULED' | 'PAUSED' | 'DONE' | 'FAILED' | 'MISSED' | 'CANCELLED'
      dueAt: string
      timedAt: string
      reason: string
      revision: number
      missed: number
      missedUntil: string | null
      isApplied: boolean
      createdAt: string
      updatedAt: string
    }
  }
  'POST /api/tasks/:taskId/resume': {
    input: { taskId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: {
      taskId: string
      tenant: string
      owner: string
      job: string
      input?: { readonly [name: string]: unknown }
      withheld?: true
      priority: string
      timing: { kind: 'once' | 'interval' | 'wall' }
      toleranceMin: number
      state: 'SCHEDULED' | 'PAUSED' | 'DONE' | 'FAILED' | 'MISSED' | 'CANCELLED'
      dueAt: string
      timedAt: string
      reason: string
      revision: number
      missed: number
      missedUntil: string | null
      isApplied: boolean
      createdAt: string
      updatedAt: string
    }
  }
  'POST /api/tasks/:taskId/reschedule': {
    input: {
      taskId: string
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        when: {
          executeAt?: string
          every?: number | string
          cron?: string
          calendars?: readonly {
            minute?: number | { start: number; end: number }
            hour: number | { start: number; end: number }
            dayOfMonth?: number | { start: number; end: number }
            dayOfWeek?: number | { start: number; end: number }
            month?: number | { start: number; end: number }
          }[]
          timezone?: string
          dst?: 'shift' | 'skip' | 'first' | 'last' | 'both'
        }
        toleranceMin?: number
      }
    }
    answer: {
      taskId: string
      tenant: string
      owner: string
      job: string
      input?: { readonly [name: string]: unknown }
      withheld?: true
      priority: string
      timing: { kind: 'once' | 'interval' | 'wall' }
      toleranceMin: number
      state: 'SCHEDULED' | 'PAUSED' | 'DONE' | 'FAILED' | 'MISSED' | 'CANCELLED'
      dueAt: string
      timedAt: string
      reason: string
      revision: number
      missed: number
      missedUntil: string | null
      isApplied: boolean
      createdAt: string
      updatedAt: string
    }
  }
  'GET /api/admin/scheduler/settings': {
    input: {}
    answer: {
      settings: readonly {
        key: string
        type: string
        unit: string | null
        value: unknown
        isSet: boolean
        isOutOfBounds: boolean
        default: unknown
        variable: string | null
        bounds: string
        description: string
        effect: string
        version: number
        updatedBy: string | null
        updatedAt: string | null
      }[]
    }
  }
  'GET /api/admin/scheduler/settings/:key': {
    input: { key: string }
    answer: {
      key: string
      type: string
      unit: string | null
      value: unknown
      isSet: boolean
      isOutOfBounds: boolean
      default: unknown
      variable: string | null
      bounds: string
      description: string
      effect: string
      version: number
      updatedBy: string | null
      updatedAt: string | null
    }
  }
  'POST /api/admin/scheduler/settings/:key': {
    input: {
      key: string
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        value: boolean | number | string | { readonly [name: string]: number }
        version?: number
      }
    }
    answer: {
      setting: {
        key: string
        type: string
        unit: string | null
        value: unknown
        isSet: boolean
        isOutOfBounds: boolean
        default: unknown
        variable: string | null
        bounds: string
        description: string
        effect: string
        version: number
        updatedBy: string | null
        updatedAt: string | null
      }
      changed: boolean
    }
  }
  'DELETE /api/admin/scheduler/settings/:key': {
    input: { key: string; body: { by?: string; reason: string; version?: number } }
    answer: {
      setting: {
        key: string
        type: string
        unit: string | null
        value: unknown
        isSet: boolean
        isOutOfBounds: boolean
        default: unknown
        variable: string | null
        bounds: string
        description: string
        effect: string
        version: number
        updatedBy: string | null
        updatedAt: string | null
      }
      changed: boolean
    }
  }
  'POST /api/codec/decode': {
    input: {
      body?: {
        payloads?: readonly { metadata?: { readonly [name: string]: string }; data?: string }[]
      }
    }
    answer: {
      payloads: readonly { metadata?: { readonly [name: string]: string }; data?: string }[]
    }
  }
  'POST /api/codec/encode': {
    input: {
      body?: {
        payloads?: readonly { metadata?: { readonly [name: string]: string }; data?: string }[]
      }
    }
    answer: {
      payloads: readonly { metadata?: { readonly [name: string]: string }; data?: string }[]
    }
  }
  'GET /api/policies': {
    input: {
      limit?: number
      cursor?: string
      state?:
        | 'BOUND'
        | 'MONITORING'
        | 'TRIGGERED'
        | 'IN_REVIEW'
        | 'PAID'
        | 'EXPIRED'
        | 'CLOSED'
        | 'CANCELLED_BY_HOLDER'
        | 'DECLINED'
      product?: string
      outcome?: 'PAY' | 'NO_PAY' | 'NONE'
      legKey?: string
      departureDate?: string
      tenant?: string
    }
    answer: {
      items: readonly {
        policyNumber: string
        tenant: string
        product: { code: string; version: number }
        state: string
        outcome: 'PAY' | 'NO_PAY' | null
        legKey: string
        departureDate: string
        insuredScheduledIn: string
        sumInsuredMinor: number
        amountMinor: number | null
        currency: string
        decidedAt: string | null
      }[]
      nextCursor: string | null
    }
  }
  'POST /api/policies': {
    input: {
      idempotencyKey?: string
      body:
        | (
            | {
                policy_number: string | number
                product: string | number
                carrier: string | number
                flight_number: string | number
                origin: string | number
                destination: string | number
                departure_date: string | number
                sum_insured: string | number
                currency: string | number
                payee_ref: string | number
                bound_at?: string | number | null
                premium?: string | number | null
                tenant?: string | number | null
              }
            | {
                policies: readonly {
                  policy_number: string | number
                  product: string | number
                  carrier: string | number
                  flight_number: string | number
                  origin: string | number
                  destination: string | number
                  departure_date: string | number
                  sum_insured: string | number
                  currency: string | number
                  payee_ref: string | number
                  bound_at?: string | number | null
                  premium?: string | number | null
                  tenant?: string | number | null
                }[]
              }
          )
        | { policy_number?: string; payee_ref: string; quoteId: string }
    }
    answer: { readonly [name: string]: unknown }
  }
  'GET /api/policies/:policyNumber': {
    input: { policyNumber: string }
    answer: {
      policyNumber: string
      policyId: string
      tenant: string
      product: { code: string; version: number }
      state: string
      marketingIdent: string | null
      sumInsuredMinor: number
      currency: string
      premiumMinor: number | null
      boundAt: string
      coverEnd: string
      insuredScheduledOut: string
      insuredScheduledIn: string
      leg: { legKey: string; phase: string; departureDate: string }
      endorsements: readonly { readonly [name: string]: unknown }[]
      decision: { outcome: 'PAY' | 'NO_PAY'; bps: number; amountMinor: number } | null
      payouts: readonly { payoutId: string; state: string }[]
    }
  }
  'POST /api/policies/:policyNumber/cancel': {
    input: { policyNumber: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: {
      policyNumber: string
      result: 'cancelled' | 'unchanged'
      refundMinor: number
      currency: string
    }
  }
  'GET /api/policies/:policyNumber/explanation': {
    input: { policyNumber: string }
    answer: { readonly [name: string]: unknown }
  }
  'GET /api/policies/:policyNumber/appeals': {
    input: { policyNumber: string }
    answer: {
      policyNumber: string
      currency: string
      until: string | null
      refusal: { code: string; reason: string } | null
      appeals: readonly {
        appealId: string
        n: number
        caseId: string
        reason: string
        evidence: string | null
        filedBy: string
        filedAt: string
        stateBefore: 'MONITORING' | 'EXPIRED' | 'PAID' | 'CLOSED'
        result: 'STANDS' | 'UPHELD' | null
        grounds: string | null
        moreMinor: number | null
        decidedAt: string | null
      }[]
    }
  }
  'POST /api/policies/:policyNumber/appeals': {
    input: {
      policyNumber: string
      idempotencyKey?: string
      body: { by?: string; reason: string; evidence?: string }
    }
    answer: {
      appealId: string
      n: number
      caseId: string
      reason: string
      evidence: string | null
      filedBy: string
      filedAt: string
      stateBefore: 'MONITORING' | 'EXPIRED' | 'PAID' | 'CLOSED'
      result: 'STANDS' | 'UPHELD' | null
      grounds: string | null
      moreMinor: number | null
      decidedAt: string | null
    }
  }
  'GET /api/policies/:policyNumber/evaluations': {
    input: { policyNumber: string }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/quotes': {
    input: {
      idempotencyKey?: string
      body: {
        product: string | number
        carrier: string | number
        flight_number: string | number
        origin: string | number
        destination: string | number
        departure_date: string | number
        sum_insured: string | number
        currency: string | number
        ttl_s?: number
        tenant?: string
      }
    }
    answer: {
      quoteId: string
      state: string
      product: { code: string; version: number }
      leg: { readonly [name: string]: unknown }
      sumInsuredMinor: number
      currency: string
      quotedAt: string
      expiresAt: string
    }
  }
  'GET /api/quotes/:quoteId': {
    input: { quoteId: string }
    answer: {
      quoteId: string
      state: string
      product: { code: string; version: number }
      leg: { readonly [name: string]: unknown }
      sumInsuredMinor: number
      currency: string
      quotedAt: string
      expiresAt: string
    }
  }
  'POST /api/quotes/:quoteId/bind': {
    input: {
      quoteId: string
      idempotencyKey?: string
      body: { policy_number?: string; payee_ref: string }
    }
    answer: { quoteId: string; policyNumber: string; result: 'bound' | 'unchanged' }
  }
  'GET /api/payouts': {
    input: {
      limit?: number
      cursor?: string
      state?:
        | 'CREATED'
        | 'APPROVED'
        | 'SUBMITTED'
        | 'IN_TRANSIT'
        | 'PAID'
        | 'FAILED'
        | 'RETURNED'
        | 'CANCELLED'
      policyNumber?: string
      batchId?: string
    }
    answer: {
      items: readonly {
        payoutId: string
        policyNumber: string
        revision: number
        state: string
        amountMinor: number
        currency: string
        transferId: string | null
        createdAt: string
        paidAt: string | null
      }[]
      nextCursor: string | null
    }
  }
  'GET /api/payouts/:payoutId': {
    input: { payoutId: string }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/payouts/:payoutId/approve': {
    input: { payoutId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { approved: number; held: number; awaitingSecond: number }
  }
  'POST /api/payouts/:payoutId/payee': {
    input: {
      payoutId: string
      idempotencyKey?: string
      body: { by?: string; reason: string; payeeRef: string }
    }
    answer: { changed: boolean; state: string }
  }
  'GET /api/payouts/controls': { input: {}; answer: { readonly [name: string]: unknown } }
  'POST /api/payouts/controls/pause': {
    input: { idempotencyKey?: string; body: { by?: string; reason: string; product?: string } }
    answer: { pause: { all: boolean; products: readonly string[] }; changed: boolean }
  }
  'POST /api/payouts/controls/resume': {
    input: { idempotencyKey?: string; body: { by?: string; reason: string; product?: string } }
    answer: { pause: { all: boolean; products: readonly string[] }; changed: boolean }
  }
  'GET /api/providers': {
    input: {}
    answer: { items: readonly { readonly [name: string]: unknown }[] }
  }
  'GET /api/airports/:code': {
    input: { code: string }
    answer: { readonly [name: string]: unknown }
  }
  'GET /api/legs': {
    input: {
      limit?: number
      cursor?: string
      phase?: string
      carrier?: string
      origin?: string
      destination?: string
      departureDate?: string
      watched?: 'true' | 'false'
    }
    answer: { items: readonly { readonly [name: string]: unknown }[]; nextCursor: string | null }
  }
  'GET /api/legs/:legKey': {
    input: { legKey: string; seq?: number }
    answer: { readonly [name: string]: unknown }
  }
  'GET /api/legs/:legKey/polls': {
    input: { legKey: string; seq?: number }
    answer: { readonly [name: string]: unknown }
  }
  'GET /api/reviews': {
    input: {
      limit?: number
      cursor?: string
      state?: 'OPEN' | 'CLAIMED' | 'ESCALATED' | 'RESOLVED'
      reason?: string
      subjectKind?: string
      subjectId?: string
    }
    answer: { items: readonly { readonly [name: string]: unknown }[]; nextCursor: string | null }
  }
  'GET /api/reviews/:caseId': {
    input: { caseId: string }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/reviews/:caseId/claim': {
    input: { caseId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/reviews/:caseId/release': {
    input: { caseId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/reviews/:caseId/escalate': {
    input: { caseId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/reviews/:caseId/decide': {
    input: {
      caseId: string
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        outcome: 'pay' | 'deny' | 'wait' | 'retry' | 'cancel' | 'acknowledge' | 'confirm' | 'refuse'
        bps?: number
        delayMin?: number
        event?: string
        until?: string
      }
    }
    answer: { readonly [name: string]: unknown }
  }
  'GET /api/ledger/accounts': {
    input: { limit?: number; cursor?: string; kind?: string }
    answer: { items: readonly { readonly [name: string]: unknown }[]; nextCursor: string | null }
  }
  'GET /api/ledger/accounts/:account/statement': {
    input: { account: string; limit?: number; cursor?: string }
    answer: { items: readonly { readonly [name: string]: unknown }[]; nextCursor: string | null }
  }
  'GET /api/exposure': {
    input: { by: 'day' | 'origin' | 'destination' | 'carrier' | 'product' }
    answer: { by: string; items: readonly { readonly [name: string]: unknown }[] }
  }
  'GET /api/loss-ratio': {
    input: { by: 'product' | 'carrier' | 'month' }
    answer: { by: string; items: readonly { readonly [name: string]: unknown }[] }
  }
  'GET /api/figures/:kind/:period': {
    input: { kind: string; period: string }
    answer: {
      kind: 'hour' | 'day' | 'week' | 'month'
      period: string
      business: { readonly [name: string]: unknown } | null
      wall: { readonly [name: string]: unknown } | null
    }
  }
  'GET /api/reports': {
    input: { report?: 'weekly-trends' | 'executive-summary' | 'usage' | 'audit' | 'performance' }
    answer: {
      items: readonly {
        report: 'weekly-trends' | 'executive-summary' | 'usage' | 'audit' | 'performance'
        period: string
        kind: 'hour' | 'day' | 'week' | 'month'
        startsAt: string
        endsAt: string
        generatedAt: string
        generatedAtWall: string
        files: readonly {
          name: string
          type: string
          bytes: number
          rows: number
          sha256: string
        }[]
      }[]
    }
  }
  'GET /api/reports/:report/:period': {
    input: { report: string; period: string }
    answer: {
      report: 'weekly-trends' | 'executive-summary' | 'usage' | 'audit' | 'performance'
      period: string
      kind: 'hour' | 'day' | 'week' | 'month'
      startsAt: string
      endsAt: string
      generatedAt: string
      generatedAtWall: string
      files: readonly { name: string; type: string; bytes: number; rows: number; sha256: string }[]
    }
  }
  'GET /api/notifications': {
    input: {
      limit?: number
      cursor?: string
      state?: 'QUEUED' | 'SENT' | 'DELIVERED' | 'BOUNCED' | 'FAILED' | 'SUPPRESSED'
      channel?: 'email' | 'sms' | 'push' | 'slack' | 'webhook'
      template?:
        | 'policy-bound'
        | 'policy-cancelled'
        | 'policy-endorsed'
        | 'policy-in-review'
        | 'policy-not-paid'
        | 'payout-paid'
        | 'payout-returned'
        | 'appeal-received'
        | 'appeal-stands'
        | 'appeal-upheld'
        | 'operator-notice'
      audience?: 'holder' | 'operator'
      policyNumber?: string
    }
    answer: { items: readonly { readonly [name: string]: unknown }[]; nextCursor: string | null }
  }
  'GET /api/notifications/:notificationId': {
    input: { notificationId: string }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/notifications/:notificationId/resend': {
    input: {
      notificationId: string
      idempotencyKey?: string
      body: { by?: string; reason: string }
    }
    answer: { notificationId: string }
  }
  'POST /api/notifications/:notificationId/suppress': {
    input: {
      notificationId: string
      idempotencyKey?: string
      body: { by?: string; reason: string }
    }
    answer: { notificationId: string }
  }
  'POST /api/contacts': {
    input: {
      idempotencyKey?: string
      body: { contacts: readonly { readonly [name: string]: unknown }[] }
    }
    answer: { readonly [name: string]: unknown }
  }
  'POST /api/contacts/:holderRef/erase': {
    input: { holderRef: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { erased: true }
  }
  'GET /api/privacy-requests': {
    input: {
      limit?: number
      cursor?: string
      kind?: 'export' | 'erasure'
      state?: 'RECEIVED' | 'IN_PROGRESS' | 'FULFILLED' | 'REFUSED'
      isOverdue?: 'true'
    }
    answer: {
      items: readonly {
        requestId: string
        kind: 'export' | 'erasure'
        holderRef: string
        state: 'RECEIVED' | 'IN_PROGRESS' | 'FULFILLED' | 'REFUSED'
        receivedAt: string
        dueAt: string
        isOverdue: boolean
        receivedBy: string
        waitsFor: string | null
        refusal: string | null
        closedAt: string | null
        file: { bytes: number; sha256: string } | null
        link: { expiresAt: string; triesLeft: number } | null
        isArchived: boolean
      }[]
      nextCursor: string | null
    }
  }
  'GET /api/privacy-requests/:requestId': {
    input: { requestId: string }
    answer: {
      requestId: string
      kind: 'export' | 'erasure'
      holderRef: string
      state: 'RECEIVED' | 'IN_PROGRESS' | 'FULFILLED' | 'REFUSED'
      receivedAt: string
      dueAt: string
      isOverdue: boolean
      receivedBy: string
      waitsFor: string | null
      refusal: string | null
      closedAt: string | null
      file: { bytes: number; sha256: string } | null
      link: { expiresAt: string; triesLeft: number } | null
      isArchived: boolean
    }
  }
  'POST /api/privacy-requests': {
    input: {
      idempotencyKey?: string
      body: {
        kind: 'export' | 'erasure'
        holderRef: string
        receivedAt?: string
        by?: string
        reason: string
      }
    }
    answer: {
      requestId: string
      kind: 'export' | 'erasure'
      holderRef: string
      state: 'RECEIVED' | 'IN_PROGRESS' | 'FULFILLED' | 'REFUSED'
      receivedAt: string
      dueAt: string
      isOverdue: boolean
      receivedBy: string
      waitsFor: string | null
      refusal: string | null
      closedAt: string | null
      file: { bytes: number; sha256: string } | null
      link: { expiresAt: string; triesLeft: number } | null
      isArchived: boolean
    }
  }
  'POST /api/privacy-requests/:requestId/refuse': {
    input: { requestId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: {
      requestId: string
      kind: 'export' | 'erasure'
      holderRef: string
      state: 'RECEIVED' | 'IN_PROGRESS' | 'FULFILLED' | 'REFUSED'
      receivedAt: string
      dueAt: string
      isOverdue: boolean
      receivedBy: string
      waitsFor: string | null
      refusal: string | null
      closedAt: string | null
      file: { bytes: number; sha256: string } | null
      link: { expiresAt: string; triesLeft: number } | null
      isArchived: boolean
    }
  }
  'POST /api/privacy-requests/:requestId/link': {
    input: { requestId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { requestId: string; path: string | null; expiresAt: string; tries: number }
  }
  'GET /api/audit': {
    input: {
      limit?: number
      cursor?: string
      actor?: string
      action?: string
      subject?: string
      from?: string
      until?: string
    }
    answer: {
      items: readonly {
        seq: number
        at: string
        actor: string
        action: string
        subject: string
        details: unknown
        correlationId: string | null
        position: number | null
        hash: string | null
      }[]
      nextCursor: string | null
    }
  }
  'GET /api/users': {
    input: { limit?: number; cursor?: string }
    answer: {
      items: readonly {
        userId: string
        name: string
        email: string
        role: 'viewer' | 'operator' | 'claims' | 'admin'
        isEmailVerified: boolean
        mustChangePassword: boolean
        disabledAt: string | null
        createdAt: string
        sessions: number
        lastSeenAt: string | null
      }[]
      nextCursor: string | null
    }
  }
  'POST /api/users': {
    input: {
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        name: string
        email: string
        role: 'viewer' | 'operator' | 'claims' | 'admin'
      }
    }
    answer: {
      userId: string
      name: string
      email: string
      role: 'viewer' | 'operator' | 'claims' | 'admin'
      isEmailVerified: boolean
      mustChangePassword: boolean
      disabledAt: string | null
      createdAt: string
      sessions: number
      lastSeenAt: string | null
    }
  }
  'GET /api/users/:userId': {
    input: { userId: string }
    answer: {
      userId: string
      name: string
      email: string
      role: 'viewer' | 'operator' | 'claims' | 'admin'
      isEmailVerified: boolean
      mustChangePassword: boolean
      disabledAt: string | null
      createdAt: string
      sessions: number
      lastSeenAt: string | null
    }
  }
  'POST /api/users/:userId/role': {
    input: {
      userId: string
      idempotencyKey?: string
      body: { by?: string; reason: string; role: 'viewer' | 'operator' | 'claims' | 'admin' }
    }
    answer: {
      user: {
        userId: string
        name: string
        email: string
        role: 'viewer' | 'operator' | 'claims' | 'admin'
        isEmailVerified: boolean
        mustChangePassword: boolean
        disabledAt: string | null
        createdAt: string
        sessions: number
        lastSeenAt: string | null
      }
      changed: boolean
    }
  }
  'POST /api/users/:userId/disable': {
    input: { userId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: {
      user: {
        userId: string
        name: string
        email: string
        role: 'viewer' | 'operator' | 'claims' | 'admin'
        isEmailVerified: boolean
        mustChangePassword: boolean
        disabledAt: string | null
        createdAt: string
        sessions: number
        lastSeenAt: string | null
      }
      changed: boolean
    }
  }
  'POST /api/users/:userId/enable': {
    input: { userId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: {
      user: {
        userId: string
        name: string
        email: string
        role: 'viewer' | 'operator' | 'claims' | 'admin'
        isEmailVerified: boolean
        mustChangePassword: boolean
        disabledAt: string | null
        createdAt: string
        sessions: number
        lastSeenAt: string | null
      }
      changed: boolean
    }
  }
  'POST /api/users/:userId/revoke-sessions': {
    input: { userId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { revoked: number }
  }
  'GET /api/api-keys': {
    input: { limit?: number; cursor?: string }
    answer: {
      items: readonly {
        apiKeyId: string
        name: string
        role: 'viewer' | 'operator' | 'claims' | 'admin'
        hint: string
        dpopThumbprint: string | null
        expiresAt: string | null
        revokedAt: string | null
        lastUsedAt: string | null
        createdBy: string
        createdAt: string
      }[]
      nextCursor: string | null
    }
  }
  'POST /api/api-keys': {
    input: {
      idempotencyKey?: string
      body: {
        by?: string
        reason: string
        name: string
        role: 'viewer' | 'operator' | 'claims' | 'admin'
        expiresAt?: string
        dpopThumbprint?: string
      }
    }
    answer: {
      apiKey: {
        apiKeyId: string
        name: string
        role: 'viewer' | 'operator' | 'claims' | 'admin'
        hint: string
        dpopThumbprint: string | null
        expiresAt: string | null
        revokedAt: string | null
        lastUsedAt: string | null
        createdBy: string
        createdAt: string
      }
      secret: string | null
    }
  }
  'GET /api/api-keys/:apiKeyId': {
    input: { apiKeyId: string }
    answer: {
      apiKeyId: string
      name: string
      role: 'viewer' | 'operator' | 'claims' | 'admin'
      hint: string
      dpopThumbprint: string | null
      expiresAt: string | null
      revokedAt: string | null
      lastUsedAt: string | null
      createdBy: string
      createdAt: string
    }
  }
  'POST /api/api-keys/:apiKeyId/revoke': {
    input: { apiKeyId: string; idempotencyKey?: string; body: { by?: string; reason: string } }
    answer: { changed: boolean }
  }
}
