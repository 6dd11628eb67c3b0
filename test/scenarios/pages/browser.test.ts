// The snippet in a real browser: what it queues, what it loads, under a strict policy, and with hostile texts in it.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext } from 'playwright-core';
import type { EumOptions } from '../../../src/eum-snippet.js';
import { waitUntil } from '../../support/agent/wait-until.js';
import { noBrowser, startBrowser } from '../../support/browser.js';
import { appsFolder, type HostApp, runApp } from '../../support/run-app.js';
import { type SpanCollector, startTestAgent } from '../../support/span-collector.js';

type Generation = 'first' | 'current';

interface Hostile {
  readonly hostileStrings: readonly string[];
  readonly positions: readonly string[];
  optionsWith(text: string, position: string, generation: Generation): EumOptions;
}
const hostile = createRequire(__filename)(join(appsFolder, 'hostile.cjs')) as Hostile; // as it exports

const nonce = 'q83vASNFZ4mrze/+';

/** What the page knows after it has loaded, as JSON so that halves of surrogate pairs survive the way here. */
interface Seen {
  /** Of a hostile page: the calls of each snippet, null where there was none. */
  readonly queues: readonly (readonly (readonly string[])[] | null)[];
  readonly calls: readonly (readonly string[])[] | null;
  readonly version: unknown;
  readonly startedAgoMs: number;
  /** Whether a hostile text got to work. */
  readonly pwned: boolean;
  /** Scripts that came from an address and were executed. */
  readonly loaded: number;
  readonly scripts: readonly Script[];
  /** Tag names of all elements but scripts. */
  readonly others: readonly string[];
  readonly violations: readonly string[];
}
interface Script {
  readonly src: string | null;
  readonly protocol: string | null;
  readonly nonce: string;
  readonly attributes: readonly string[];
  readonly isAsync: boolean;
  readonly parent: string;
}

const look = `(() => {
  const list = (queue) => queue === null ? null : Array.from(queue, (call) => Array.from(call, String));
  const protocol = (src) => { try { return new URL(src).protocol; } catch { return 'none'; } };
  const seen = {
    queues: (window.queues ?? []).map(list),
    calls: window.ineum === undefined ? null : list(ineum.q),
    version: window.ineum?.v ?? null,
    startedAgoMs: Date.now() - (window.ineum?.l ?? 0),
    pwned: window.pwned !== undefined,
    loaded: window.loaded ?? 0,
    scripts: Array.from(document.scripts, (script) => ({
      src: script.getAttribute('src'),
      protocol: script.hasAttribute('src') ? protocol(script.src) : null,
      nonce: script.nonce,
      attributes: script.getAttributeNames(),
      isAsync: script.async,
      parent: script.parentElement.localName,
    })),
    others: Array.from(document.querySelectorAll(':not(script)'), (element) => element.localName),
    violations: window.violations,
  };
  return JSON.stringify(seen);
})()`;

/** What comes in the place of the monitoring script, wherever it is asked for. */
const monitor = 'window.loaded = (window.loaded ?? 0) + 1;';

describe('the snippet in a browser', { skip: noBrowser }, () => {
  let agent: SpanCollector;
  let host: HostApp;
  let browser: Browser;
  let context: BrowserContext;
  before(async () => {
    agent = await startTestAgent();
    host = await runApp({ file: 'pages.cjs', loader: 'require', agentPort: agent.port });
    await agent.waitForAnnounce(host.pid, 10_000);
    browser = await startBrowser();
    context = await browser.newContext();
    await context.addInitScript(`
      window.violations = [];
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violations.push(effectiveDirective));
    `);
    // Nothing but pages and reports gets out of the browser.
    await context.route('**', async (route) => {
      const request = route.request();
      if (request.isNavigationRequest() && request.frame().parentFrame() === null) return route.continue();
      if (request.method() === 'POST') return route.continue();
      const headers = { 'Access-Control-Allow-Origin': '*' };
      return route.fulfill({ contentType: 'text/javascript', headers, body: monitor });
    });
  });
  after(async () => {
    await browser?.close();
    await host?.stop();
    await agent?.close();
  });

  interface Visit extends Seen {
    readonly errors: readonly string[];
    /** Addresses of all that the page asked for. */
    readonly requests: readonly string[];
  }

  const urlOf = (server: string, path: string): string => `http://127.0.0.1:${host.ports[server]}${path}`;

  async function visit(server: string, path: string): Promise<Visit> {
    const errors: string[] = [];
    const requests: string[] = [];
    const page = await context.newPage();
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('dialog', (dialog) => {
      errors.push('dialog');
      return dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.isNavigationRequest()) requests.push(request.url());
    });
    await page.goto(urlOf(server, path), { waitUntil: 'load' });
    const seen = JSON.parse(await page.evaluate<string>(look)) as Seen; // written above
    await page.close();
    return { ...seen, errors, requests };
  }

  const pathOf = (path: string, query: Record<string, string>, eum: EumOptions): string =>
    `${path}?${new URLSearchParams({ ...query, eum: JSON.stringify(eum) })}`;

  async function traceOf(mark: string): Promise<string> {
    const find = (): string | undefined =>
      agent.spans().find(({ data }) => JSON.stringify(data).includes(`mark=${mark}`))?.t;
    await agent.waitForSpans(() => find() !== undefined, 5000);
    return find() ?? 'no span';
  }

  const current = { reportingUrl: 'https://beacons.test/' };
  const firstScript = '//eum.instana.io/eum.min.js';
  const currentScript = 'https://beacons.test/eum.min.js';

  describe("queues its calls with the back end's trace and loads the script", { concurrency: 3 }, () => {
    const meta = { theme: 'dark', '</script>': '<!--' };
    const metaCalls = Object.entries(meta).map(([name, value]) => ['meta', name, value]);
    const places: Record<string, readonly string[]> = {
      express5: ['/ejs', '/ejs-async', '/pug', '/string', '/body', '/streamed'],
      koa: ['/ejs', '/pug', '/streamed'],
    };

    const plain = { src: null, protocol: null, nonce: '', attributes: [], isAsync: false };
    const verify = (seen: Visit, calls: readonly unknown[][], address: string, loader: Partial<Script>): void => {
      assert.deepEqual(seen.calls, [...calls, ...metaCalls]);
      assert.equal(seen.loaded, 1);
      assert.deepEqual(seen.errors, []);
      assert.deepEqual(seen.requests, [address]);
      assert.ok(seen.startedAgoMs >= 0 && seen.startedAgoMs < 60_000, String(seen.startedAgoMs));
      const [inline, loading] = [...seen.scripts].sort((a, b) => (a.src ?? '').length - (b.src ?? '').length);
      assert.deepEqual({ ...inline, parent: '' }, { ...plain, parent: '' });
      assert.deepEqual(loading, { nonce: '', protocol: address.replace(/[/].*/, ''), ...loader });
      assert.equal(seen.scripts.length, 2);
      const known = ['html', 'head', 'meta', 'title', 'body', 'p'];
      assert.deepEqual(
        seen.others.filter((name) => !known.includes(name)),
        [],
      );
    };

    for (const [server, paths] of Object.entries(places)) {
      for (const path of paths) {
        it(`${server} ${path}, first generation`, async () => {
          const mark = `first-${server}-${path.slice(1)}.`;
          const seen = await visit(server, pathOf(path, { mark }, { meta }));
          const loader = { src: firstScript, attributes: ['async', 'src'], isAsync: true, parent: 'head' };
          const calls = [
            ['apiKey', 'key-by-code'],
            ['traceId', await traceOf(mark)],
          ];
          verify(seen, calls, `http:${firstScript}`, loader);
          assert.equal(seen.version, null);
        });

        it(`${server} ${path}, today's`, async () => {
          const mark = `current-${server}-${path.slice(1)}.`;
          const seen = await visit(server, pathOf(path, { mark }, { ...current, meta }));
          const parent = path === '/body' ? 'body' : 'head';
          const loader = { src: currentScript, attributes: ['defer', 'crossorigin', 'src'], isAsync: false, parent };
          const calls = [
            ['reportingUrl', current.reportingUrl],
            ['key', 'key-by-code'],
            ['traceId', await traceOf(mark)],
          ];
          verify(seen, calls, currentScript, loader);
          assert.equal(seen.version, 2);
        });
      }
    }
  });

  describe('under a strict Content-Security-Policy', () => {
    const strict = `default-src 'none'; base-uri 'none'; script-src 'nonce-${nonce}'`;
    const policies: readonly [string, EumOptions, string][] = [
      ['the first generation', {}, strict],
      ['the first generation, under strict-dynamic', {}, `${strict} 'strict-dynamic'`],
      ["today's", current, strict],
      ["today's, with trusted types", current, `${strict}; require-trusted-types-for 'script'; trusted-types 'none'`],
    ];

    const reported = async (mark: string): Promise<boolean> => {
      const reports = await (await fetch(urlOf('express5', '/reports'))).text();
      return reports.includes(`mark=${mark}.`);
    };

    for (const [index, [title, options, policy]] of policies.entries()) {
      it(`runs with its nonce and without a violation: ${title}`, async () => {
        const query = { policy: `${policy}; report-uri /reports` };
        const good = await visit(
          'express5',
          pathOf('/ejs', { ...query, mark: `good${index}.` }, { ...options, nonce }),
        );
        assert.deepEqual(good.violations, []);
        assert.deepEqual(good.errors, []);
        assert.equal(good.loaded, 1);
        assert.equal(good.calls?.length, 'reportingUrl' in options ? 3 : 2);
        assert.deepEqual(
          good.scripts.map((script) => script.nonce),
          [nonce, nonce],
        );
        // The same without a nonce does not run, and is reported later: by then a report of the first would have come, too.
        const bad = await visit('express5', pathOf('/ejs', { ...query, mark: `bad${index}.` }, options));
        assert.deepEqual([...new Set(bad.violations)], ['script-src-elem']);
        assert.equal(bad.loaded, 0);
        assert.equal(bad.calls, null);
        await waitUntil(() => reported(`bad${index}`), 'the report of the browser');
        assert.ok(!(await reported(`good${index}`)));
      });
    }
  });

  describe('with hostile texts', () => {
    const { hostileStrings, positions, optionsWith } = hostile;
    const perPage = 100;
    const pagePath = (query: Record<string, string | number>): string =>
      `/hostile?${new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]))}`;

    it('has enough of them', () => {
      assert.ok(new Set(hostileStrings).size >= 200, String(new Set(hostileStrings).size));
    });

    /** Whether a text is an address to load from, by the browser's own reading. */
    async function addressesAmong(texts: readonly string[]): Promise<boolean[]> {
      const page = await context.newPage();
      const protocols = await page.evaluate<string[]>(`${JSON.stringify(texts)}.map((text) => {
        try { return new URL(text, 'https://page.test/').protocol; } catch { return ''; }
      })`);
      await page.close();
      return texts.map((text, index) => /^https?:$/.test(protocols[index] ?? '') && !/\p{Cc}/u.test(text));
    }

    /** The calls that a snippet is to queue; the trace of the request where the options name none. */
    function callsWith({ apiKey = '', reportingUrl, traceId = '', meta = {} }: EumOptions, trace: string): string[][] {
      const key = reportingUrl === undefined ? 'apiKey' : 'key';
      return [
        ...(reportingUrl === undefined ? [] : [['reportingUrl', reportingUrl]]),
        [key, apiKey],
        ['traceId', /^[0-9a-f]{16}$/.test(traceId) ? traceId : trace],
        ...Object.entries(meta).map(([name, value]) => ['meta', name, value]),
      ];
    }

    /** As the attribute of an element has a text; half a pair of surrogates cannot be in one. */
    const inAttribute = (text: string): string => Buffer.from(text).toString();
    const addressOf = ({ scriptUrl, reportingUrl }: EumOptions): string => {
      if (scriptUrl !== undefined) return scriptUrl;
      return reportingUrl === undefined
        ? firstScript
        : `${/^[^?#]*/.exec(reportingUrl)?.[0].replace(/[/]$/, '')}/eum.min.js`;
    };

    for (const generation of ['first', 'current'] as const) {
      for (const position of positions) {
        if (generation === 'first' && position === 'reportingUrl') continue; // it chooses the other
        it(`starts no other script: ${position}, ${generation}`, async () => {
          for (let from = 0; from < hostileStrings.length; from += perPage) {
            const texts = hostileStrings.slice(from, from + perPage);
            const options = texts.map((text) => optionsWith(text, position, generation));
            const isUrl = position.endsWith('Url');
            const written = isUrl ? await addressesAmong(texts) : texts.map(() => true);
            const seen = await visit('express5', pagePath({ position, generation, from, to: from + perPage }));
            const trace = seen.queues[0]?.find(([name]) => name === 'traceId')?.[1] ?? '';
            assert.match(trace, /^[0-9a-f]{16}$/);

            assert.equal(seen.pwned, false);
            assert.deepEqual(seen.errors, []);
            assert.deepEqual(seen.others, ['html', 'head', 'meta', 'title', 'body']);
            const expected = options.map((option, index) => (written[index] ? callsWith(option, trace) : null));
            assert.deepEqual(seen.queues, expected);
            const loaders = seen.scripts.filter(({ src }) => src !== null);
            const addresses = options.filter((_, index) => written[index]).map(addressOf);
            assert.ok(addresses.length > perPage / 4, String(addresses.length));
            assert.deepEqual(loaders.map(({ src }) => src).sort(), addresses.map(inAttribute).sort());
            assert.equal(seen.loaded, addresses.length);
            assert.equal(seen.scripts.length, 1 + texts.length + 2 * addresses.length);
            const names = new Set(seen.scripts.flatMap(({ attributes }) => attributes));
            assert.deepEqual(
              [...names].sort(),
              generation === 'first' ? ['async', 'src'] : ['crossorigin', 'defer', 'src'],
            );
            if (!isUrl) assert.equal(new Set(seen.requests).size, 1);
          }
        });
      }
    }

    for (const position of positions) {
      it(`would be seen to start one in a snippet without encoding: ${position}`, async () => {
        const query = { position, generation: 'current', from: 0, to: hostileStrings.length, naive: 1 };
        assert.equal((await visit('express5', pagePath(query))).pwned, true);
      });
    }
  });
});
