/**
 * Exports spans over OTLP/HTTP with the packages of OpenTelemetry, which are optional: they are loaded only if the
 * environment names a collector. Everything that OpenTelemetry specifies for exporters is set by its own variables.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Span as ExportedSpan } from '@opentelemetry/api';
import { ConfigError } from '../errors.ts';
import { type Span, spanChannel } from './spans.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Ends the export once the spans so far have been sent. */
export type StopTracing = () => Promise<void>;

async function loadPackages() {
  try {
    const [api, { OTLPTraceExporter }, resources, sdk] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace'),
    ]);
    return { api, OTLPTraceExporter, resources, sdk };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ConfigError(
      'OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages for it are not installed: npm install @opentelemetry/api @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources @opentelemetry/sdk-trace',
    );
  }
}

type Packages = Awaited<ReturnType<typeof loadPackages>>;

/** The sampler that OTEL_TRACES_SAMPLER names. Throws ConfigError. */
function createSampler({ sdk }: Packages, env: Environment) {
  const { OTEL_TRACES_SAMPLER: name = 'parentbased_always_on', OTEL_TRACES_SAMPLER_ARG: ratio = '1' } = env;
  const kind = name.replace(/^parentbased_/, '');
  if (kind === 'always_on') return new sdk.AlwaysOnSampler();
  if (kind === 'always_off') return new sdk.AlwaysOffSampler();
  if (kind !== 'traceidratio') throw new ConfigError(`OTEL_TRACES_SAMPLER does not take ${name}`);
  if (!(Number(ratio) >= 0 && Number(ratio) <= 1)) throw new ConfigError('OTEL_TRACES_SAMPLER_ARG is from 0 to 1');
  return new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(Number(ratio)) });
}

/** Starts the export if the environment names a collector. Throws ConfigError if the packages are missing. */
export async function startTracing(env: Environment): Promise<StopTracing | undefined> {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (!endpoint || env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  const packages = await loadPackages();
  const { OTLPTraceExporter, resources, sdk } = packages;
  const provider = new sdk.TracerProvider({
    sampler: createSampler(packages, env),
    resource: resources
      .resourceFromAttributes({ 'service.name': 'touchstone' })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const stop = exportSpans(packages, provider);
  return async () => {
    stop();
    await provider.shutdown();
  };
}

/** Turns what the channel carries into spans of OpenTelemetry. Returns a function that ends it. */
function exportSpans({ api }: Packages, provider: InstanceType<Packages['sdk']['TracerProvider']>): () => void {
  const tracer = provider.getTracer('touchstone');
  const kinds = { server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT, internal: api.SpanKind.INTERNAL };
  const current = new AsyncLocalStorage<ExportedSpan>();
  const open = new WeakMap<Span, ExportedSpan>();
  spanChannel.start.bindStore(current, (span) => {
    const outer = current.getStore();
    const parent = outer ? api.trace.setSpan(api.ROOT_CONTEXT, outer) : api.ROOT_CONTEXT;
    const exported = tracer.startSpan(span.name, { kind: kinds[span.kind] }, parent);
    open.set(span, exported);
    return exported;
  });
  const subscribers = {
    // The message can hold anything, so only the class of an error is exported.
    error(message: Span & { readonly error: unknown }) {
      const type = message.error instanceof Error ? message.error.constructor.name : 'unknown';
      open.get(message)?.setAttribute('error.type', type).setStatus({ code: api.SpanStatusCode.ERROR });
    },
    asyncEnd(message: Span) {
      const exported = open.get(message);
      exported?.setAttributes({ ...message.attributes });
      if ((message.attributes['http.response.status_code'] ?? 0) >= 500)
        exported?.setStatus({ code: api.SpanStatusCode.ERROR });
      exported?.end();
    },
  };
  const ignore = (): void => {};
  const all = { start: ignore, end: ignore, asyncStart: ignore, ...subscribers };
  spanChannel.subscribe(all as Parameters<typeof spanChannel.subscribe>[0]);
  return () => {
    spanChannel.start.unbindStore(current);
    spanChannel.unsubscribe(all as Parameters<typeof spanChannel.unsubscribe>[0]);
  };
}
