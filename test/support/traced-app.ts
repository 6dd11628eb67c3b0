// An application of test/apps with the sensor and an agent, for tests that follow a request through its spans.
import assert from 'node:assert/strict';
import http from 'node:http';
import type { WireSpan } from '../../src/protocol/wire-span.js';
import { otherNode } from './consumer.js';
import { type AppOptions, type HostApp, runApp } from './run-app.js';
import { type SpanCollector, startTestAgent } from './span-collector.js';

/** A version of Node.js that applications run on. */
export interface NodeVersion {
  readonly title: string;
  /** Its file; undefined for that of the tests. */
  readonly node?: string;
  /** Why it cannot be used, or false. */
  readonly skip: string | false;
}

function installed(major: number): NodeVersion {
  const found = otherNode(major);
  const title = `Node.js ${major}`;
  return 'path' in found ? { title, node: found.path, skip: false } : { title, skip: found.missing };
}

/** The version of the tests, and one that keeps the asynchronous context in another way. */
export const nodeVersions: readonly NodeVersion[] = [{ title: 'this Node.js', skip: false }, installed(24)];

export interface TextReply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface TextRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string;
}

/** Sends a request over a connection of its own; rejects if there is no response. */
function exchangeText(port: number, { body: sent, ...options }: TextRequest): Promise<TextReply> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on('error', reject);
    request.end(sent);
  });
}

/** An application that is connected to an agent. */
export class TracedApp {
  readonly #agent: SpanCollector;
  readonly #host: HostApp;

  private constructor(agent: SpanCollector, host: HostApp) {
    this.#agent = agent;
    this.#host = host;
  }

  static async start(
    options: Omit<AppOptions, 'agentPort' | 'node'>,
    { node }: Pick<NodeVersion, 'node'> = {},
  ): Promise<TracedApp> {
    const agent = await startTestAgent();
    try {
      const host = await runApp({ ...options, agentPort: agent.port, ...(node === undefined ? {} : { node }) });
      if (options.loader !== 'none') assert.ok(await agent.waitForAnnounce(host.pid, 10_000), 'announced');
      return new TracedApp(agent, host);
    } catch (error) {
      await agent.close();
      throw error;
    }
  }

  get stderr(): string {
    return this.#host.stderr();
  }

  /** Sends a request to the application of this name. */
  send(request: TextRequest, name = 'app'): Promise<TextReply> {
    return exchangeText(this.#host.ports[name] ?? assert.fail(`no application ${name}`), request);
  }

  get(path: string, headers: http.OutgoingHttpHeaders = {}, name = 'app'): Promise<TextReply> {
    return this.send({ path, headers }, name);
  }

  /** All spans so far, as soon as `enough` holds or the time is up. */
  async spans(enough: (spans: readonly WireSpan[]) => boolean, timeoutMs = 10_000): Promise<readonly WireSpan[]> {
    await this.#agent.waitForSpans(enough, timeoutMs);
    return this.#agent.spans();
  }

  async stop(): Promise<void> {
    await this.#host.stop();
    await this.#agent.close();
  }
}
