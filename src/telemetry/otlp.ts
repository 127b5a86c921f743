/**
 * Exports spans over OTLP/HTTP with the packages of OpenTelemetry, which are optional: they are loaded only if the
 * environment names a collector. Everything that OpenTelemetry specifies for exporters is set by its own variables.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Span as ExportedSpan } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import { ConfigError } from '../errors.ts';
import { type Span, spanChannel } from './spans.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Milliseconds for the last spans at the end. */
const FLUSH_MS = 2_000;

/** Ends the export once the spans so far have been sent, or soon if they cannot be. */
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

const endpointVariables = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/**
 * Starts the export if the environment names a collector. Throws ConfigError if the packages are missing, or the
 * collector's URL is not one, which the exporter would pass over in silence.
 */
export async function startTracing(
  env: Environment,
  log: Pick<Logger, 'warn'>,
  flushMs = FLUSH_MS,
): Promise<StopTracing | undefined> {
  const variable = endpointVariables.find((name) => env[name]);
  if (!variable || env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  const endpoint = env[variable]!;
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw new ConfigError(`${variable} takes a URL such as http://localhost:4318, not '${endpoint}'`);
  }
  const packages = await loadPackages();
  const { OTLPTraceExporter, resources, sdk } = packages;
  const exporter = warnOfFailures(new OTLPTraceExporter(), log);
  const provider = new sdk.TracerProvider({
    sampler: createSampler(packages, env),
    resource: resources
      .resourceFromAttributes({ 'service.name': 'touchstone' })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  const stop = exportSpans(packages, provider);
  return async () => {
    stop();
    // The exporter tries for ten seconds, longer than some that stop a program wait before they kill it.
    await Promise.race([provider.shutdown(), delay(flushMs, undefined, { ref: false })]);
  };
}

/** Logs the first of the failures in a row. */
function warnOfFailures<Exporter extends SpanExporter>(exporter: Exporter, log: Pick<Logger, 'warn'>): Exporter {
  const send = exporter.export.bind(exporter);
  let isFailing = false;
  exporter.export = (spans, done) =>
    send(spans, (result) => {
      const hasFailed = result.code !== 0;
      if (hasFailed && !isFailing)
        log.warn(`traces could not be exported: ${result.error?.message ?? 'unknown error'}`);
      isFailing = hasFailed;
      done(result);
    });
  return exporter;
}

/**
 * The SQLSTATE of an error of the database, or the class of another one. The message, which can hold anything, is not
 * exported.
 */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : error.constructor.name;
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
    error(message: Span & { readonly error: unknown }) {
      const type = describeError(message.error);
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
