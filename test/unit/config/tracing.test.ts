import { describe, expect, test } from 'vitest'

import { ConfigError, loadConfig } from '../../../config/config.ts'

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }

const tracingOf = (env: Record<string, string>) =>
  loadConfig({ ...ENDPOINT, ...env }).config.tracing

function problemsOf(env: Record<string, string>): string {
  try {
    loadConfig({ ...ENDPOINT, ...env })
  } catch (error) {
    if (error instanceof ConfigError) return error.message
  }
  return 'none'
}

describe('spans', () => {
  test('go nowhere unless a collector is named', () => {
    expect(loadConfig({}).config.tracing).toBeNull()
    expect(tracingOf({ OTEL_SDK_DISABLED: 'true' })).toBeNull()
    expect(tracingOf({ OTEL_SDK_DISABLED: 'false' })).toEqual({
      endpoint: 'http://127.0.0.1:4318',
      serviceName: 'groundstop',
      attributes: {},
      ratio: 1,
      isParentBased: true,
      timeoutMs: 10_000,
    })
  })

  test.each([
    ['always_on', '0.5', 1, false],
    ['always_off', '0.5', 0, false],
    ['traceidratio', '0.25', 0.25, false],
    ['parentbased_always_on', '0', 1, true],
    ['parentbased_always_off', '1', 0, true],
    ['parentbased_traceidratio', '0.001', 0.001, true],
  ])('are sampled by %s', (sampler, arg, ratio, isParentBased) => {
    const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: arg }
    expect(tracingOf(env)).toMatchObject({ ratio, isParentBased })
  })

  test('take attributes as the standard writes them', () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: 'team=flight%20ops, deployment.environment.name=eu' }
    expect(tracingOf(env)?.attributes).toEqual({
      team: 'flight ops',
      'deployment.environment.name': 'eu',
    })
  })

  test.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '0'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '60001'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.1'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'team'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'team=%zz'],
    ['OTEL_EXPORTER_OTLP_HEADERS', '=Bearer abc'],
  ])('are refused with %s=%s', (variable, value) => {
    expect(problemsOf({ [variable]: value })).toContain(variable)
  })

  test('keep the words for the collector to themselves', () => {
    expect(problemsOf({ OTEL_EXPORTER_OTLP_HEADERS: 'Bearer abc' })).not.toContain('abc')
    const env = { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc' }
    const { config, secrets } = loadConfig(env)
    expect(secrets.traceHeaders).toEqual({ authorization: 'Bearer abc' })
    expect(JSON.stringify(config)).not.toContain('abc')
  })
})
