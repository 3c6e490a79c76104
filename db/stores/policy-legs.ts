/** Which leg a policy covers. */
import type { PolicyLegs } from '../../domain/ports/policy-legs.ts'
import type { Database } from '../client.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The store over the product's schema. A number that looks like an id is found as a number first. */
export function createPolicyLegs(db: Database): PolicyLegs {
  return {
    async legOfPolicy(policyIdOrNumber) {
      const query = db.selectFrom('policy').select('leg_id')
      const byNumber = await query
        .where('policy_number', '=', policyIdOrNumber)
        .limit(1)
        .executeTakeFirst()
      if (byNumber !== undefined) return byNumber.leg_id
      if (!UUID.test(policyIdOrNumber)) return null
      const byId = await query.where('id', '=', policyIdOrNumber).limit(1).executeTakeFirst()
      return byId?.leg_id ?? null
    },
  }
}
