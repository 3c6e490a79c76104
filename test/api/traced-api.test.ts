import { expect, test } from 'vitest'

import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { createApiRig } from './api-rig.ts'

test('an API that names a collector tells its requests, the last ones when it stops', async () => {
  await using collector = await startOtlpReceiver()
  {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
    await using rig = await createApiRig({ env })
    expect((await rig.ask('GET', '/api/policies')).status).toBe(200)
  }
  expect(collector.spans.find(({ parentId }) => parentId === null)).toMatchObject({
    name: 'GET /api/policies',
    attributes: { 'http.response.status_code': 200 },
    resource: { 'groundstop.process': 'api' },
  })
  expect(collector.spans.filter(({ name }) => name === 'SELECT policy')).not.toEqual([])
})
