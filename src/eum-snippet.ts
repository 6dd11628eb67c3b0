// The end user monitoring snippet: a script for the head of a page that ties the page load to the trace of its request.
import { tryGet } from './core/try-get.js';
import { parseId, shortId } from './propagation/ids.js';

/** Options of `eumSnippet()`; each may be absent. */
export interface EumOptions {
  /** The website's key; default: the configured one. */
  apiKey?: string | undefined;
  /** Up to 32 hexadecimal digits, of which the last 16 count; default: the active trace. */
  traceId?: string | undefined;
  /** Shown with the page load; at most 25 members, names of at most 128 and values of at most 256 characters. */
  meta?: Readonly<Record<string, string>> | undefined;
  /** Where beacons are sent. With it the snippet has the current loader, without it that of the first generation. */
  reportingUrl?: string | undefined;
  /** Address of the monitoring script, for either loader. */
  scriptUrl?: string | undefined;
  /** For a Content-Security-Policy. */
  nonce?: string | undefined;
}

/** Logs a warning about invalid options, once per cause. */
export type WarnOnce = (cause: string, message: string) => void;

// Taken before the application can replace it.
const { URL } = globalThis;

const firstScriptUrl = '//eum.instana.io/eum.min.js';
const maxNameLength = 128;
const maxValueLength = 256;
const maxAddressLength = 2048;
const maxMeta = 25;
const scalars: readonly string[] = ['string', 'number', 'boolean', 'bigint'];

// Without & and <, so that no search for markup in the page finds any in the scripts.
const queue = 'w.InstanaEumObject=n;var f=w[n]=function(){f.q.push(arguments)};f.q=[];f.l=+new Date();';
const currentQueue = `(function(w,n){${queue}f.v=2})(window,'ineum');`;
const firstLoaderHead = `(function(w,d,n){${queue}var a=d.currentScript,s=d.createElement('script');s.async=true;if(a){s.nonce=a.nonce}s.src=`;
const firstLoaderTail = ";(d.head||d.documentElement).appendChild(s)})(window,document,'ineum');";

/**
 * HTML for the page. Empty without a key, with an invalid address, and without a trace id outside any request. Other invalid options
 * are left out. Never throws, whatever the options are. `activeTrace`: that of the request; null in a request that is not traced,
 * undefined outside any.
 */
export function renderSnippet(
  options: unknown,
  configuredKey: string | null,
  activeTrace: string | null | undefined,
  warnOnce: WarnOnce,
): string {
  const key = read(options, 'apiKey') ?? configuredKey;
  if (typeof key !== 'string' || key === '') return '';
  const traceId = traceIdOf(read(options, 'traceId')) ?? activeTrace;
  if (traceId === undefined) return '';
  const reportingUrl = read(options, 'reportingUrl') ?? null;
  const scriptUrl = read(options, 'scriptUrl') ?? defaultScriptUrl(reportingUrl);
  if ((reportingUrl !== null && !isAddress(reportingUrl)) || !isAddress(scriptUrl)) {
    warnOnce('eumSnippet address', 'eumSnippet: reportingUrl or scriptUrl is no HTTP address; pages get no snippet');
    return '';
  }
  const start = `<script${nonceAttribute(read(options, 'nonce') ?? null, warnOnce)}`;
  const trace = traceId === null ? '' : call('traceId', traceId);
  const rest = trace + metaCalls(read(options, 'meta'));
  if (reportingUrl === null)
    return `${start}>${firstLoaderHead}${literal(scriptUrl)}${firstLoaderTail}${call('apiKey', key)}${rest}</script>`;
  const calls = `ineum('reportingUrl',${literal(reportingUrl)});${call('key', key)}${rest}`;
  return `${start}>${currentQueue}${calls}</script>${start} defer crossorigin="anonymous" src="${attribute(scriptUrl)}"></script>`;
}

/** The part of `ActiveSpan` that the snippet uses. */
interface ActiveTrace {
  get(): { readonly traceId: string; readonly suppressed: boolean } | null;
  isSuppressed(): boolean;
}

/** The active trace; null where nothing is traced, undefined outside any request and span. */
export function pageTrace(active: ActiveTrace, isTracing: boolean): string | null | undefined {
  if (!isTracing) return null; // whether there is a request is not known then
  const span = active.get();
  if (span !== null) return span.suppressed ? null : span.traceId;
  return active.isSuppressed() ? null : undefined;
}

/** A member of the options; undefined when it is absent, false when it cannot be read. */
function read(options: unknown, name: keyof EumOptions): unknown {
  if (typeof options !== 'object' || options === null) return undefined;
  return tryGet(() => Reflect.get(options, name), false);
}

/** Undefined for what is no id. */
function traceIdOf(value: unknown): string | undefined {
  const id = typeof value === 'string' ? parseId(value) : null;
  return id === null ? undefined : shortId(id);
}

function defaultScriptUrl(reportingUrl: unknown): string {
  if (typeof reportingUrl !== 'string') return firstScriptUrl;
  const path = reportingUrl.slice(0, maxAddressLength).replace(/[?#].*/s, '');
  return path.endsWith('/') ? `${path}eum.min.js` : `${path}/eum.min.js`;
}

/** Whether a browser takes it for an HTTP address, absolute or relative to the page. A password in it would be in every page. */
function isAddress(value: unknown): value is string {
  // Browsers change or drop control characters in an attribute.
  if (typeof value !== 'string' || value.length > maxAddressLength || !/^[^\p{Cc}]+$/u.test(value)) return false;
  return tryGet(() => isWebUrl(new URL(value, 'https://page.invalid/')), false);
}

function isWebUrl({ protocol, username, password }: URL): boolean {
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
}

function nonceAttribute(nonce: unknown, warnOnce: WarnOnce): string {
  if (nonce === null) return '';
  // The grammar of https://www.w3.org/TR/CSP3/#grammardef-base64-value
  if (typeof nonce === 'string' && /^[\w+/-]{1,256}={0,2}$/.test(nonce)) return ` nonce="${nonce}"`;
  warnOnce(
    'eumSnippet nonce',
    'eumSnippet: nonce is not of the characters of base64; pages get the snippet without it',
  );
  return '';
}

function metaCalls(meta: unknown): string {
  if (typeof meta !== 'object' || meta === null) return '';
  let calls = '';
  let count = 0;
  try {
    if (Array.isArray(meta)) return '';
    for (const name of Object.keys(meta)) {
      const value = scalar(meta, name);
      if (value === null) continue;
      calls += `ineum('meta',${literal(cut(name, maxNameLength))},${literal(cut(value, maxValueLength))});`;
      if (++count === maxMeta) break;
    }
  } catch {
    // A proxy whose names cannot be read.
  }
  return calls;
}

/** A member's text; null for an object, for nothing, and for what cannot be read. */
function scalar(meta: object, name: string): string | null {
  const value = tryGet(() => Reflect.get(meta, name), null);
  return scalars.includes(typeof value) ? String(value) : null;
}

function call(name: string, value: string): string {
  return `ineum('${name}',${literal(cut(value, maxValueLength))});`;
}

/** The beginning of a text, not ending within a pair of surrogates: the browser's `encodeURIComponent` throws on half a pair. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const last = text.charCodeAt(maxLength - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? maxLength - 1 : maxLength);
}

/** A JavaScript string for a script in HTML: no character in it can end the string or the element, or means anything to a template. */
function literal(text: string): string {
  return `'${text.replace(/[^A-Za-z0-9 _.,:;/?=~+@#()[\]*!-]/g, escapeForScript)}'`;
}

function escapeForScript(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The text between the quotes of an attribute. */
function attribute(text: string): string {
  return text.replace(/[^A-Za-z0-9_.,:;/?=~+@#-]/gu, escapeForAttribute);
}

function escapeForAttribute(character: string): string {
  return `&#x${(character.codePointAt(0) ?? 0).toString(16)};`;
}
