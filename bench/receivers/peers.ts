// The receivers of other tracers: where each sends its spans, and which spans are those of requests.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { repositoryRoot } from '../child-process.js';
import type { Counts, Endpoint } from './http-receiver.js';

function add(counts: Counts, kind: 'server' | 'client' | 'other'): void {
  if (kind === 'server') counts.entries++;
  else if (kind === 'client') counts.exits++;
  else counts.others++;
}

interface DatadogSpan {
  readonly type: string;
  readonly meta: Readonly<Record<string, string>>;
}

/** Datadog's version 0.4: a list of traces, each a list of spans. */
export function datadog(): Endpoint {
  const load = createRequire(join(repositoryRoot, 'bench/peers/package.json'));
  const { decode } = load('@msgpack/msgpack') as { decode(body: Buffer, options: object): unknown }; // its documented signature
  return {
    path: /^\/v0\.4\/traces$/,
    responseBody: '{"rate_by_service":{}}',
    count: (body, counts) => {
      const traces = decode(body, { useBigInt64: true }) as DatadogSpan[][]; // the protocol's form
      for (const { type, meta } of traces.flat()) {
        const kind = meta['span.kind'];
        // dd-trace makes a client span for opening a connection, too.
        add(counts, kind === 'server' ? kind : kind === 'client' && type === 'http' ? kind : 'other');
      }
    },
  };
}

interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly { kind: number }[] }[];
  }[];
}

/** OTLP/HTTP with JSON. */
export function otlp(): Endpoint {
  return {
    path: /^\/v1\/traces$/,
    responseBody: '{}',
    count: (body, counts) => {
      const { resourceSpans } = JSON.parse(body.toString()) as OtlpBody; // the protocol's form
      for (const { kind } of resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))) {
        add(counts, kind === 2 ? 'server' : kind === 3 ? 'client' : 'other');
      }
    },
  };
}

/** Elastic's intake, version 2: a JSON object a line. */
export function elastic(): Endpoint {
  return {
    path: /^\/intake\/v2\/events/,
    responseBody: '{}',
    count: (body, counts) => {
      for (const line of body.toString().split('\n')) {
        if (line.startsWith('{"transaction":')) add(counts, 'server');
        else if (line.startsWith('{"span":')) add(counts, line.includes('"type":"external"') ? 'client' : 'other');
      }
    },
  };
}
