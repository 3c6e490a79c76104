import { describe, expect, it } from 'vitest'

import { DEFAULT_SETTLE, REFERENCE_PRODUCTS } from '../../../domain/product.ts'
import { parseProduct, ProductError } from '../../../domain/product-rules.ts'
import { DEFAULT_UNDERWRITING } from '../../../domain/underwriting.ts'

const PLAIN = {
  code: 'FD60',
  tiers: [
    { minDelayMin: 60, bps: 5_000 },
    { minDelayMin: 240, bps: 10_000 },
  ],
  cancelBps: 10_000,
  notReachedBps: 0,
}

describe('a product in JSON', () => {
  it('gets version 1 and the default settle rule, highest tier first', () => {
    expect(parseProduct(PLAIN)).toEqual({
      ...PLAIN,
      version: 1,
      tiers: PLAIN.tiers.toReversed(),
      settle: DEFAULT_SETTLE,
    })
  })

  it.each(REFERENCE_PRODUCTS)('reads $code as it is', (product) => {
    expect(parseProduct(JSON.parse(JSON.stringify(product)))).toEqual(product)
  })

  it('may set one number of the settle rule', () => {
    const { settle } = parseProduct({ ...PLAIN, settle: { confirmGapS: 60 } })
    expect(settle).toEqual({ ...DEFAULT_SETTLE, confirmGapS: 60 })
  })

  it('may pay its top tier early: yes or no, nothing else', () => {
    expect(parseProduct({ ...PLAIN, earlyTopTier: true }).earlyTopTier).toBe(true)
    expect(parseProduct(PLAIN).earlyTopTier).toBeUndefined()
    expect(() => parseProduct({ ...PLAIN, earlyTopTier: 1 })).toThrow('earlyTopTier: true or false')
  })

  it('may state terms of sale; those left out are the default', () => {
    const { underwriting } = parseProduct({ ...PLAIN, underwriting: { minLeadS: 3_600 } })
    expect(underwriting).toEqual({ ...DEFAULT_UNDERWRITING, minLeadS: 3_600 })
    expect(parseProduct(PLAIN).underwriting).toBeUndefined()
  })

  it.each([
    [null, 'product: not an object'],
    [[PLAIN], 'product: not an object'],
    [{ ...PLAIN, code: 'fd60' }, 'code:'],
    [{ ...PLAIN, version: 0 }, 'version:'],
    [{ ...PLAIN, tiers: [] }, 'tiers:'],
    [{ ...PLAIN, tiers: [{ minDelayMin: 60 }] }, 'tiers[0].bps:'],
    [{ ...PLAIN, tiers: [{ minDelayMin: 0, bps: 1 }] }, 'tiers[0].minDelayMin:'],
    [{ ...PLAIN, tiers: [{ minDelayMin: 60, bps: 10_001 }] }, 'tiers[0].bps:'],
    [{ ...PLAIN, tiers: [PLAIN.tiers[0], PLAIN.tiers[0]] }, 'same minDelayMin'],
    [{ ...PLAIN, cancelBps: 0.5 }, 'cancelBps:'],
    [{ ...PLAIN, notReachedBps: '1' }, 'notReachedBps:'],
    [{ ...PLAIN, settle: { confirmGapS: -1 } }, 'settle.confirmGapS:'],
    [{ ...PLAIN, settle: { gap: 1 } }, 'settle: unknown field "gap"'],
    [{ ...PLAIN, underwriting: { siMaxMinor: 0 } }, 'underwriting.siMaxMinor:'],
    [{ ...PLAIN, underwriting: { siMax: 1 } }, 'underwriting: unknown field "siMax"'],
    [{ ...PLAIN, underwriting: { minLeadS: 2, maxLeadS: 1 } }, 'underwriting.minLeadS:'],
    [{ ...PLAIN, cancelBsp: 1 }, 'product: unknown field "cancelBsp"'],
  ])('is refused with its field: %#', (json, reason) => {
    expect(() => parseProduct(json)).toThrow(ProductError)
    expect(() => parseProduct(json)).toThrow(reason)
  })
})
