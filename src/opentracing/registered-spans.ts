// Operation names that the Python sensor registered. A manual span of such a name is sent as a span of its protocol.
import { HttpAttributes, type SdkAttributes, type SpanRecord } from '../spans/span.js';

interface Protocol {
  /** Name of the span on the wire. */
  readonly name: string;
  readonly kind: 1 | 2;
  /** A section of `data` besides `http`. Each member takes the value of the first of its tags that is present. */
  readonly section?: string;
  readonly members?: Readonly<Record<string, readonly string[]>>;
  readonly isHttp: boolean;
}

const httpServer: Protocol = { name: 'node.http.server', kind: 1, isHttp: true };
const httpClient: Protocol = { name: 'node.http.client', kind: 2, isHttp: true };
const rpc = {
  section: 'rpc',
  isHttp: false,
  members: {
    call: ['rpc.call'],
    flavor: ['rpc.flavor'],
    host: ['rpc.host', 'peer.hostname', 'peer.ipv4', 'peer.ipv6'],
    port: ['rpc.port', 'peer.port'],
  },
};

const protocols: ReadonlyMap<string, Protocol> = new Map<string, Protocol>([
  ['wsgi', httpServer],
  ['django', httpServer],
  ['urllib3', httpClient],
  ['soap', { ...httpClient, section: 'soap', members: { action: ['soap.action'] } }],
  [
    'memcache',
    {
      name: 'memcached',
      kind: 2,
      isHttp: false,
      section: 'memcached',
      members: {
        operation: ['memcached.operation', 'memcache.operation'],
        key: ['memcached.key', 'memcache.key'],
        connection: ['memcached.connection', 'memcache.connection', 'peer.address'],
      },
    },
  ],
  ['rpc-client', { ...rpc, name: 'rpc-client', kind: 2 }],
  ['rpc-server', { ...rpc, name: 'rpc-server', kind: 1 }],
]);

/** The kind of a registered operation name; undefined for all other names. */
export function kindOf(name: string | null): 1 | 2 | undefined {
  return name === null ? undefined : protocols.get(name)?.kind;
}

/** Turns a manual span with a registered operation name into a span of its protocol. Called when the span ends. */
export function adoptProtocol(record: SpanRecord, sdk: SdkAttributes): void {
  const protocol = protocols.get(sdk.name ?? '');
  if (protocol === undefined) return;
  const { tags } = sdk;
  record.name = protocol.name;
  record.kind = protocol.kind;
  sdk.name = null;
  // An entry span of a protocol has a stack only for an error.
  if (protocol.kind === 1 && record.errorCount === 0) record.stack = null;
  if (protocol.isHttp) takeHttp(record, tags);
  const { section, members } = protocol;
  if (section !== undefined && members !== undefined) {
    const attributes: Record<string, string> = {};
    for (const member of Object.keys(members)) {
      const text = takeText(tags, members[member] ?? []);
      if (text !== undefined) attributes[member] = text;
    }
    if (section === 'memcached' && attributes['connection'] === undefined) takeConnection(attributes, tags);
    if (!protocol.isHttp) takeError(record, attributes, tags);
    if (Object.keys(attributes).length > 0) sdk.section = { name: section, attributes };
  }
  if (Object.keys(tags).length === 0 && sdk.logs === null && sdk.section === null) record.sdk = null;
}

function takeHttp(record: SpanRecord, tags: Record<string, unknown>): void {
  const isEntry = record.kind === 1;
  const method = takeText(tags, ['http.method']);
  const address = takeText(tags, ['http.url']);
  const host = takeText(tags, ['http.host']);
  const params = takeText(tags, ['http.params'])?.replace(/^\?/, '');
  const status = takeStatus(tags);
  if ((method ?? address ?? host ?? params ?? status) === undefined) return;
  const { origin, path } = split(address ?? '', isEntry);
  const query = params === undefined || params === '' ? '' : `${path.includes('?') ? '&' : '?'}${params}`;
  const beforePath = isEntry ? (host ?? origin) : host === undefined ? null : `http://${host}`;
  const http = new HttpAttributes(method ?? '', path + query, beforePath);
  http.status = status ?? 0;
  http.template = takeText(tags, ['http.path_tpl']) ?? null;
  if (http.status >= 500) record.errorCount = 1;
  if (record.errorCount > 0) http.error = takeText(tags, ['message']) ?? null;
  record.http = http;
}

/** Splits the address of an entry span into host and path, which are separate fields. Others keep the whole address. */
function split(address: string, isEntry: boolean): { readonly origin: string | null; readonly path: string } {
  const absolute = isEntry ? /^https?:\/\/(?:[^/?#@]*@)?([^/?#]*)(.*)$/is.exec(address) : null;
  const path = (absolute?.[2] ?? address).replace(/#.*$/s, '');
  return { origin: absolute?.[1] ?? null, path: absolute !== null && !path.startsWith('/') ? `/${path}` : path };
}

function takeStatus(tags: Record<string, unknown>): number | undefined {
  const value = tags['http.status_code'];
  const status = typeof value === 'string' ? Number(value) : value;
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 100 || status > 999) return undefined;
  delete tags['http.status_code'];
  return status;
}

function takeConnection(attributes: Record<string, string>, tags: Record<string, unknown>): void {
  const host = takeText(tags, ['peer.hostname', 'peer.ipv4', 'peer.ipv6']);
  if (host === undefined) return;
  const port = takeText(tags, ['peer.port']);
  attributes['connection'] = port === undefined ? host : `${host}:${port}`;
}

function takeError(record: SpanRecord, attributes: Record<string, string>, tags: Record<string, unknown>): void {
  const text = record.errorCount > 0 ? takeText(tags, ['message']) : undefined;
  if (text !== undefined) attributes['error'] = text;
}

/** Removes the first of these tags that has a text, and returns the text. */
function takeText(tags: Record<string, unknown>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = tags[name];
    if (typeof value !== 'string' && typeof value !== 'number') continue;
    delete tags[name];
    return String(value);
  }
  return undefined;
}
