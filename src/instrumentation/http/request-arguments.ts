// The arguments of `http.request` and `http.get`, in every form that Node.js takes, and what a span records of them.
import { URL, urlToHttpOptions } from 'node:url';
import { redacted } from '../../redaction/secret-names.js';

export type Protocol = 'http:' | 'https:';
export type RequestOptions = Record<string, unknown>;

const redactedCredentials = `${redacted}:${redacted}@`;
const maxInvalidUrlLength = 4096;
const authorizationLength = 'Authorization: Basic \r\n'.length;
/** Options that override parts of the URL. */
const urlOptions = ['protocol', 'hostname', 'host', 'port', 'defaultPort', 'path', 'auth'];

/** The arguments of one call. Made once per call, with one shape for all forms. */
export class RequestArguments {
  /** To be passed before the options; undefined if the options say where the call goes. */
  readonly address: unknown;
  /** A copy that may be changed; null if the arguments are invalid and have to be left to Node.js. */
  readonly options: RequestOptions | null;
  readonly callback: unknown;
  readonly #protocol: Protocol;
  /** The URL, if no option overrides a part of it. */
  readonly #url: URL | null;
  /** The options, with those of the URL if it has any; null if the arguments are invalid. */
  readonly #merged: RequestOptions | null;
  readonly #invalidUrl: string;

  constructor(
    protocol: Protocol,
    address: unknown,
    options: RequestOptions | null,
    callback: unknown,
    url: URL | null,
    merged: RequestOptions | null,
    invalidUrl: string,
  ) {
    this.address = address;
    this.options = options;
    this.callback = callback;
    this.#protocol = protocol;
    this.#url = url;
    this.#merged = merged;
    this.#invalidUrl = invalidUrl;
  }

  get method(): string {
    const method = this.#merged?.['method'];
    return typeof method === 'string' ? method.toUpperCase() : 'GET';
  }

  /** Scheme, host and port, with credentials redacted; null if the arguments are invalid. */
  get origin(): string | null {
    if (this.#url !== null) return originOfUrl(this.#url);
    return this.#merged === null ? null : originOfOptions(this.#merged, this.#protocol);
  }

  /** Path and query; all of an invalid URL. */
  get path(): string {
    if (this.#url !== null) return this.#url.pathname + this.#url.search;
    if (this.#merged === null) return this.#invalidUrl;
    const { path } = this.#merged;
    return typeof path === 'string' && path !== '' ? path : '/';
  }

  /** The length of the `Authorization` that Node.js makes of credentials in the URL or the options; 0 if there are none. */
  get credentialsLength(): number {
    const length = this.#url === null ? textLength(this.#merged?.['auth']) : credentialsLengthOf(this.#url);
    return length === 0 ? 0 : authorizationLength + 4 * Math.ceil(length / 3);
  }
}

/** Reads the arguments of a call as Node.js does. Throws only where a getter of the application throws. */
export function parseArguments(
  input: unknown,
  options: unknown,
  callback: unknown,
  protocol: Protocol,
): RequestArguments {
  const url = parseUrl(input);
  if (url === null || typeof input === 'function')
    return new RequestArguments(protocol, undefined, null, undefined, null, null, invalidUrl(input));
  const passedCallback = callbackOf(protocol, url === undefined ? options : callback, options);
  if (url === undefined) {
    const copy = copyOf(input);
    return new RequestArguments(protocol, undefined, copy, passedCallback, null, copy, '');
  }
  const copy = copyOf(options);
  if (isWholeAddress(url, copy)) return new RequestArguments(protocol, url, copy, passedCallback, url, copy, '');
  const merged = Object.assign(urlToHttpOptions(url), copy);
  copy['headers'] = merged['headers']; // an application may have added headers to its URL object
  return new RequestArguments(protocol, input, copy, passedCallback, null, merged, '');
}

/** The URL in the first argument; undefined if there is none, null if it is invalid. */
function parseUrl(input: unknown): URL | null | undefined {
  if (typeof input !== 'string') return isUrl(input) ? input : undefined;
  try {
    return new URL(input);
  } catch {
    return null;
  }
}

function invalidUrl(input: unknown): string {
  return typeof input === 'string' ? input.slice(0, maxInvalidUrlLength) : '';
}

/** The test of Node.js itself, so that objects that look like a URL are treated in the same way. */
function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false;
  const { href, protocol, auth, path } = value as {
    href?: unknown;
    protocol?: unknown;
    auth?: unknown;
    path?: unknown;
  };
  return Boolean(href && protocol) && auth === undefined && path === undefined;
}

function callbackOf(protocol: Protocol, last: unknown, options: unknown): unknown {
  if (typeof options === 'function') return options;
  // After a URL without options, https ignores the third argument, where http takes it for the callback.
  return protocol === 'https:' && !options ? undefined : last;
}

/** A copy of the options. A callback in their place counts as none. */
function copyOf(options: unknown): RequestOptions {
  return Object.assign({}, typeof options === 'function' ? undefined : options);
}

/**
 * Whether the URL alone says where the call goes. Node.js is then called with the URL and our copy of the options, and merges them
 * itself. Properties that an application has added to a URL object count as options.
 */
function isWholeAddress(url: URL, options: RequestOptions): boolean {
  for (const name of urlOptions) if (name in options) return false;
  const { protocol, port } = url;
  if ((protocol !== 'http:' && protocol !== 'https:') || !isUrl(url)) return false;
  if (Object.getPrototypeOf(url) !== URL.prototype || Object.keys(url).length > 0) return false;
  const standardPort = protocol === 'https:' ? 443 : 80;
  const { defaultPort = standardPort } = (options['agent'] ?? {}) as { defaultPort?: unknown };
  return port !== '' || defaultPort === standardPort;
}

function textLength(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}

function credentialsLengthOf({ username, password }: URL): number {
  return username === '' && password === '' ? 0 : username.length + password.length + 1;
}

function originOfUrl({ protocol, host, username, password }: URL): string {
  return `${protocol}//${username === '' && password === '' ? '' : redactedCredentials}${host}`;
}

function originOfOptions(options: RequestOptions, defaultProtocol: Protocol): string {
  const { hostname, host, auth } = options;
  const agent = options['agent'] as { protocol?: unknown; defaultPort?: unknown } | null | undefined;
  const protocol = nonEmpty(options['protocol']) ?? nonEmpty(agent?.protocol) ?? defaultProtocol;
  const name = (nonEmpty(hostname) ?? nonEmpty(host) ?? 'localhost').toLowerCase();
  const literal = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
  const port = options['port'] ?? options['defaultPort'] ?? agent?.defaultPort;
  const standardPort = protocol === 'https:' ? 443 : 80;
  const isStandard = port === undefined || port === null || port === '' || Number(port) === standardPort;
  const credentials = nonEmpty(auth) === undefined ? '' : redactedCredentials;
  return `${protocol}//${credentials}${literal}${isStandard ? '' : `:${port}`}`;
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
