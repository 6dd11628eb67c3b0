// Every outgoing call of the host app and the exit spans that it must leave.
import type { OneOf } from './case.js';

/** One exit span. What is left out: a GET of `/ok/KEY` on the downstream server, answered with 200. */
export interface ExitFacts {
  readonly method?: string;
  /** Path on the downstream server without the key, or a whole URL. */
  readonly url?: string;
  readonly params?: string;
  /** The URL has some, which are blanked out in front of its host. */
  readonly credentials?: boolean;
  /** Null: absent; undefined in a list: may be absent. */
  readonly status?: OneOf<number> | null;
  readonly error?: OneOf<string | RegExp>;
}

export interface ExitCall {
  readonly name: string;
  readonly exits: readonly ExitFacts[];
  /** True: a call that fails at once may leave a span or none. */
  readonly optional?: boolean;
  /** Headers of ours at the server: added by us, or left as the caller set them. */
  readonly headers?: 'ours' | 'own';
  /** True where a caller's own error must look the same but nothing arrives. */
  readonly unheard?: boolean;
}

const ok = (name: string, facts: ExitFacts = {}): ExitCall => ({ name, exits: [facts] });
const failed = (name: string, facts: ExitFacts): ExitCall => ({
  name,
  exits: [{ status: null, ...facts }],
  unheard: true,
});
const refusedAtOnce = (name: string): ExitCall => ({ name, exits: [], optional: true, unheard: true });

/** A timeout that ends in `destroy()`: whether that counts as an abort is not settled. */
const timedOut = ['Timeout exceeded', 'Timeout exceeded, request aborted'];
const gaveUp = ['Request aborted', 'Error: socket hang up', /^AbortError: /];

const requestCalls = (scheme: 'http' | 'https'): readonly ExitCall[] => [
  ...['getString', 'getUrl', 'getOptions', 'requestString', 'requestUrl', 'requestHost'].map((name) => ok(name)),
  ...['callback', 'callbackOnly', 'undefinedTail', 'neverConsumed'].map((name) => ok(name)),
  ...(scheme === 'http' ? [ok('undefinedOptions')] : []),
  ok('requestUrlAndOptions', { method: 'PUT' }),
  ok('requestExtendedUrl', { method: 'PUT' }),
  ...['requestOtherPath', 'requestAgentPort'].map((name) => ok(name)),
  ok('requestCredentials', { credentials: true }),
  ok('requestOptions', { method: 'POST' }),
  ok('requestQuery', { params: 'a=1&apiKey=<redacted>' }),
  ok('body', { method: 'POST' }),
  ok('continues', { method: 'POST' }),
  ok('status404', { url: '/status/404', status: 404 }),
  ok('status500', { url: '/status/500', status: 500 }),
  ok('redirect', { url: '/hop/1', status: 302 }),
  ok('cut', { url: '/cut', error: /aborted|ECONNRESET|socket hang up/ }),
  failed('timeout', { url: '/slow', error: timedOut }),
  failed('timeoutAborted', { url: '/slow', error: timedOut }),
  failed('destroyed', { url: '/slow', error: gaveUp }),
  failed('aborted', { url: '/slow', error: 'Request aborted' }),
  failed('signal', { url: '/slow', error: gaveUp }),
  failed('destroyedWithError', { url: '/slow', error: 'TypeError: own reason' }),
  failed('refused', { url: `${scheme}://127.0.0.1:9/ok`, error: 'Error: connect ECONNREFUSED 127.0.0.1:9' }),
  failed('unresolved', { url: `${scheme}://host.invalid/ok`, error: 'Error: getaddrinfo ENOTFOUND host.invalid' }),
  ...['badUrl', 'badCredentials', 'badProtocol', 'badPath', 'badHeader', 'badValue', 'badMethod'].map(refusedAtOnce),
  { name: 'noResponseListener', exits: [{}, {}] },
  ...['headersObject', 'headersRaw', 'headersPairs', 'headersFrozen', 'headersNull', 'headersLists', 'nullOptions'].map(
    (name) => ok(name),
  ),
  { name: 'headersGiven', exits: [{}], headers: 'own' },
  { name: 'headersHalf', exits: [{}] },
  { name: 'setHeaderLater', exits: [{}], headers: 'own' },
];

const fetchCalls: readonly ExitCall[] = [
  ...[
    'fetchString',
    'fetchUrl',
    'fetchObject',
    'fetchPairs',
    'fetchHeaders',
    'fetchMap',
    'fetchFrozen',
    'fetchNull',
  ].map((name) => ok(name)),
  ok('fetchQuery', { params: 'a=1&apiKey=<redacted>' }),
  ok('fetchRequest', { method: 'PUT' }),
  ok('fetchOptionsWin', { method: 'DELETE' }),
  ok('fetchBody', { method: 'POST' }),
  ok('fetchNeverConsumed'),
  { name: 'fetchGiven', exits: [{}], headers: 'own' },
  { name: 'fetchHalf', exits: [{}] },
  ok('fetch404', { url: '/status/404', status: 404 }),
  ok('fetch500', { url: '/status/500', status: 500 }),
  { name: 'fetchRedirect', exits: [{ url: '/hop/2', status: 302 }, { url: '/hop/1', status: 302 }, {}] },
  ok('fetchManual', { url: '/hop/1', status: 302 }),
  failed('fetchRefused', { url: 'http://127.0.0.1:10/ok', error: /ECONNREFUSED/ }),
  failed('fetchAborted', { url: '/slow', error: ['Request aborted', /AbortError/] }),
  failed('fetchTimeout', { url: '/slow', error: [...timedOut, 'Request aborted', /TimeoutError|AbortError/] }),
  // The status is known; that the body broke off may be seen or not, as the headers settle the promise.
  ok('fetchCut', { url: '/cut', error: [/./, undefined] }),
  ...['fetchBadUrl', 'fetchBadPort', 'fetchBadMethod'].map(refusedAtOnce),
];

export const exitCalls: readonly ExitCall[] = [
  ...requestCalls('http'),
  ...fetchCalls,
  ...requestCalls('https').map((call) => ({ ...call, name: `tls-${call.name}` })),
];
