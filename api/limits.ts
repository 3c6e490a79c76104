/**
 * How often callers may call, and how often a password may be tried. Starts of jobs and sign-in are
 * counted in the database, for all processes together; the rest in this process, where it costs nothing.
 */
import { createHash } from 'node:crypto'

import type { Request, RequestHandler, Response } from 'express'

import type { RateLimits, Taken } from '../domain/ports/rate-limits.ts'
import type { SettingStore } from '../domain/ports/setting-store.ts'
import {
  callClassOf,
  LIMIT_SETTINGS,
  LIMITS_SIGN_IN,
  LOCK_OUT_WINDOW_MS,
  lockOutMs,
  MAIL_RULE,
  SIGN_IN_WIDER,
  SIGN_IN_WINDOW_MS,
  type LimitRule,
} from '../domain/rate-limit.ts'
import { effectiveValue, findSetting } from '../domain/settings.ts'
import { MINUTE_MS, SECOND_MS } from '../domain/time.ts'
import { callerOf, LOCAL_CALLER } from './caller.ts'
import { ProblemError } from './problem.ts'

/** What limits work over. */
export type LimitDeps = {
  /** Of this process. */
  readonly ownLimits: RateLimits
  /** Of all processes. */
  readonly sharedLimits: RateLimits
  readonly settingStore: Pick<SettingStore, 'readAll'>
}

/** Limits of tries to sign in. */
export type SignInLimits = {
  /** Counts a try. Throws a 429 problem when there were too many. */
  readonly tryPassword: (email: string, request: Request) => Promise<void>
  /** The password was right: tries before are forgotten. */
  readonly passed: (email: string, request: Request) => Promise<void>
  /** Counts a mail that is asked for. Throws a 429 problem when there were too many. */
  readonly askForMail: (email: string) => Promise<void>
}

/** A change of a setting holds within this. */
const SETTINGS_HELD_MS = 5 * SECOND_MS
const KEYS = [...Object.values(LIMIT_SETTINGS), LIMITS_SIGN_IN]

/** Limits every caller by the class of what is asked; nobody on this machine while it is open. */
export function limitCalls(deps: LimitDeps): RequestHandler {
  const numberOf = heldSettings(deps)
  return async (request, response, next) => {
    const caller = callerOf(response)
    if (caller === LOCAL_CALLER) return next()
    const name = callClassOf(request.method, request.path)
    const points = await numberOf(LIMIT_SETTINGS[name])
    const rule: LimitRule = { name: `calls-${name}`, points, windowMs: MINUTE_MS }
    const limits = name === 'job-start' ? deps.sharedLimits : deps.ownLimits
    const taken = await limits.take(rule, `${caller.tenant}|${caller.name}`)
    tell(response, name, rule, taken)
    if (!taken.isAllowed) throw tooMany(taken.resetMs, `${points} a minute are allowed (${name})`)
    next()
  }
}

/** The limits of sign-in. */
export function createSignInLimits(deps: LimitDeps): SignInLimits {
  const numberOf = heldSettings(deps)
  const { sharedLimits } = deps
  return {
    async tryPassword(email, request) {
      for (const { rule, key } of signInRules(await numberOf(LIMITS_SIGN_IN), email, request)) {
        const taken = await sharedLimits.take(rule, key)
        if (!taken.isAllowed) throw await lockedOut(sharedLimits, rule, key, taken)
      }
    },
    async passed(email, request) {
      const rules = signInRules(await numberOf(LIMITS_SIGN_IN), email, request)
      for (const { rule, key, isOwn } of rules) {
        if (!isOwn) await sharedLimits.giveBack(rule, key)
        else {
          await sharedLimits.forget(rule, key)
          await sharedLimits.forget(lockOutRule(rule), key)
        }
      }
    },
    async askForMail(email) {
      const { isAllowed, resetMs } = await sharedLimits.take(MAIL_RULE, hashed(email))
      if (!isAllowed)
        throw tooMany(resetMs, `${MAIL_RULE.points} mails an hour are sent to an address`)
    },
  }
}

type SignInRule = { readonly rule: LimitRule; readonly key: string; readonly isOwn: boolean }

/** One account from one address, one account from anywhere, any account from one address. */
function signInRules(points: number, email: string, { ip = '' }: Request): SignInRule[] {
  const windowMs = SIGN_IN_WINDOW_MS
  const wide = points * SIGN_IN_WIDER
  const rule = (name: string, most: number) => ({ name: `sign-in-${name}`, points: most, windowMs })
  return [
    { rule: rule('pair', points), key: hashed(`${email}|${ip}`), isOwn: true },
    { rule: rule('account', wide), key: hashed(email), isOwn: true },
    { rule: rule('address', wide), key: hashed(ip), isOwn: false },
  ]
}

/** The first try beyond the limit begins a lock-out; those after it wait for its end. */
async function lockedOut(
  limits: RateLimits,
  rule: LimitRule,
  key: string,
  taken: Taken,
): Promise<ProblemError> {
  const told = 'too many tries: wait, or ask for a new password'
  if (taken.count !== rule.points + 1) return tooMany(taken.resetMs, told)
  const { count } = await limits.take(lockOutRule(rule), key)
  const lockMs = lockOutMs(count)
  await limits.lock(rule, key, lockMs)
  return tooMany(lockMs, told)
}

function lockOutRule({ name }: LimitRule): LimitRule {
  const points = Number.MAX_SAFE_INTEGER
  return { name: `${name}-lock-outs`, points, windowMs: LOCK_OUT_WINDOW_MS }
}

/** Keys of people and addresses are kept as hashes. */
function hashed(text: string): string {
  return createHash('sha256').update(text.toLowerCase()).digest('hex')
}

/** The settings with what holds; while the database is away the last ones do. */
function heldSettings({ settingStore }: LimitDeps): (key: string) => Promise<number> {
  let stored = new Map<string, unknown>()
  let readAtMs = Number.NEGATIVE_INFINITY
  return async (key) => {
    if (performance.now() - readAtMs > SETTINGS_HELD_MS) {
      readAtMs = performance.now()
      const rows = await settingStore.readAll(KEYS).catch(() => null)
      if (rows !== null) stored = new Map(rows.map((row) => [row.key, row.value]))
    }
    const spec = findSetting(key)
    if (spec === undefined) throw new TypeError(`${key} is no setting`)
    return Number(effectiveValue(spec, stored.get(key) ?? null, undefined))
  }
}

/** As the IETF draft of rate-limit headers has them. */
function tell(response: Response, name: string, rule: LimitRule, { left, resetMs }: Taken): void {
  const { points, windowMs } = rule
  response.set('ratelimit-policy', `"${name}";q=${points};w=${windowMs / SECOND_MS}`)
  response.set('ratelimit', `"${name}";r=${left};t=${Math.ceil(resetMs / SECOND_MS)}`)
}

function tooMany(waitMs: number, detail: string): ProblemError {
  const retryAfterS = Math.max(1, Math.ceil(waitMs / SECOND_MS))
  return new ProblemError(429, 'too-many-requests', detail, { retryAfterS })
}
