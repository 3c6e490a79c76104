/** Reads and checks the form of `POST /v1/transfers`. Nothing that fails here is ever stored. */
import { hash } from 'node:crypto'
import type { Answer } from '../http-server.ts'
import { renderError } from './transfer.ts'

/** The dialect's own limit on metadata entries. */
const METADATA_ENTRIES_LIMIT = 50

export type TransferForm = {
  readonly amount: number
  readonly currency: string
  readonly destination: string
  readonly transferGroup: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
}

const KNOWN_FIELDS = new Set([
  'amount',
  'currency',
  'destination',
  'transfer_group',
  'description',
  'source_transaction',
  'source_type',
])

/** The parameters' fingerprint, the same whatever their order. */
export function formFingerprint(form: URLSearchParams): string {
  const entries = [...form].map(([name, value]) => `${name}=${value}`)
  return hash('sha1', entries.sort().join('\n'))
}

/** The checked form, or the 400 that the dialect answers with. */
export function checkTransferForm(form: URLSearchParams): TransferForm | Answer {
  for (const required of ['currency', 'destination']) {
    if (!form.get(required)) return missing(required)
  }
  const metadata = metadataOf(form, KNOWN_FIELDS)
  if (isAnswer(metadata)) return metadata
  const amount = amountOf(form)
  if (typeof amount !== 'number') return amount
  const currency = currencyOf(form)
  if (typeof currency !== 'string') return currency
  return {
    amount,
    currency,
    destination: form.get('destination') ?? '',
    transferGroup: form.get('transfer_group'),
    description: form.get('description'),
    metadata,
  }
}

/** `metadata[...]` of a form whose other fields are all known, or the dialect's 400. */
export function metadataOf(
  form: URLSearchParams,
  known: ReadonlySet<string>,
): Record<string, string> | Answer {
  const metadata: Record<string, string> = {}
  for (const [name, value] of form) {
    const entry = /^metadata\[(.{1,40})\]$/.exec(name)
    if (entry?.[1] !== undefined) metadata[entry[1]] = value
    else if (!known.has(name)) {
      return invalid(`Received unknown parameter: ${name}`, 'parameter_unknown', name)
    }
  }
  if (Object.keys(metadata).length <= METADATA_ENTRIES_LIMIT) return metadata
  return invalid('Metadata can have at most 50 keys', 'parameter_invalid', 'metadata')
}

/** The dialect's amounts are positive integers of minor units. */
export function amountOf(form: URLSearchParams): number | Answer {
  const amountText = form.get('amount')
  if (amountText === null || amountText === '') return missing('amount')
  const amount = Number(amountText)
  if (!/^-?\d+$/.test(amountText) || !Number.isSafeInteger(amount)) {
    return invalid(`Invalid integer: ${amountText}`, 'parameter_invalid_integer', 'amount')
  }
  if (amount >= 1) return amount
  return invalid(
    'This value must be greater than or equal to 1.',
    'parameter_invalid_integer',
    'amount',
  )
}

/** Lower-case, as the dialect writes it. */
export function currencyOf(form: URLSearchParams): string | Answer {
  const currency = (form.get('currency') ?? '').toLowerCase()
  if (/^[a-z]{3}$/.test(currency)) return currency
  return invalid(`Invalid currency: ${currency}`, 'parameter_invalid_string_blank', 'currency')
}

/** Metadata are texts only. */
export function isAnswer(checked: Record<string, string> | Answer): checked is Answer {
  return typeof checked.status === 'number'
}

function missing(param: string): Answer {
  return invalid(`Missing required param: ${param}.`, 'parameter_missing', param)
}

function invalid(message: string, code: string, param: string): Answer {
  return { status: 400, body: renderError('invalid_request_error', message, { code, param }) }
}
