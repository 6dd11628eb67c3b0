// Reads the body of a request as JSON, within bounds of size and depth.
import type { IncomingMessage } from 'node:http';
import { gunzip } from 'node:zlib';

/** The maximum size that sensors use for one request. */
export const maxBodyBytes: number = 20 * 1024 * 1024;
const maxDepth = 100;

/** A parsed body, or the reason why it was rejected. An empty body has the value `undefined`. */
export type JsonBody =
  | { readonly accepted: true; readonly bytes: number; readonly value: unknown }
  | { readonly accepted: false; readonly status: 400 | 413 | 415; readonly error: string };

/** Which bodies are accepted. */
export interface BodyRules {
  readonly limitBytes: number;
  /** Also accepts bodies compressed with gzip; the limit applies to both sizes. */
  readonly acceptsGzip?: boolean;
  /** Replaces the error for another content type than JSON. */
  readonly typeError?: string;
}

/** Reads and parses the whole body; `null` if the client disconnects before its end. */
export async function readJsonBody(request: IncomingMessage, rules: BodyRules): Promise<JsonBody | null> {
  const refusal = refuseByHeaders(request, rules);
  if (refusal !== null) return refusal;
  const received = await collect(request, rules.limitBytes);
  if (received === null) return null;
  if (received === 'too large') return tooLarge(rules.limitBytes);
  if (!isGzip(request)) return parse(received);
  const unpacked = await unpack(received, rules.limitBytes);
  if (unpacked === 'too large') return tooLarge(rules.limitBytes);
  return unpacked === null ? { accepted: false, status: 400, error: 'the body is not gzip' } : parse(unpacked);
}

function isGzip(request: IncomingMessage): boolean {
  return request.headers['content-encoding']?.trim().toLowerCase() === 'gzip';
}

function refuseByHeaders(request: IncomingMessage, rules: BodyRules): JsonBody | null {
  const { 'content-length': length, 'content-type': type, 'content-encoding': encoding } = request.headers;
  if (Number(length ?? 0) > rules.limitBytes) return tooLarge(rules.limitBytes);
  if (encoding !== undefined && encoding !== 'identity' && !(rules.acceptsGzip === true && isGzip(request))) {
    const error = rules.acceptsGzip === true ? 'the only encoding taken is gzip' : 'compressed bodies are not accepted';
    return { accepted: false, status: 415, error };
  }
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(length ?? 0) > 0;
  // A page of another site can send text/plain and forms without a preflight request, but not JSON.
  if ((hasBody || type !== undefined) && !/^application\/json\s*(;|$)/i.test(type ?? '')) {
    return { accepted: false, status: 415, error: rules.typeError ?? 'the body must be application/json' };
  }
  return null;
}

/** Unpacks gzip up to the limit, since a few bytes may unpack to gigabytes; `null` if it is not gzip. */
function unpack(packed: Buffer, limitBytes: number): Promise<Buffer | 'too large' | null> {
  return new Promise((resolve) => {
    gunzip(packed, { maxOutputLength: limitBytes }, (error, bytes) => {
      if (error === null) resolve(bytes);
      else resolve('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE' ? 'too large' : null);
    });
  });
}

function tooLarge(limitBytes: number): JsonBody {
  return { accepted: false, status: 413, error: `the body is larger than ${limitBytes} bytes` };
}

function collect(request: IncomingMessage, limitBytes: number): Promise<Buffer | 'too large' | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limitBytes) {
        chunks.length = 0;
        request.removeAllListeners('data');
        resolve('too large');
      } else {
        chunks.push(chunk);
      }
    });
    request.once('end', () => resolve(Buffer.concat(chunks, size)));
    request.once('error', () => resolve(null));
    request.once('close', () => resolve(null));
  });
}

function parse(bytes: Buffer): JsonBody {
  if (bytes.length === 0) return { accepted: true, bytes: 0, value: undefined };
  if (isDeeperThan(bytes, maxDepth)) {
    return { accepted: false, status: 400, error: `the JSON is nested deeper than ${maxDepth} levels` };
  }
  try {
    return { accepted: true, bytes: bytes.length, value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return { accepted: false, status: 400, error: 'the body is not JSON' };
  }
}

const quote = 0x22;
const backslash = 0x5c;

/** Checked before parsing: JSON.parse accepts any depth, but JSON.stringify and every walk over the result overflow the stack. */
function isDeeperThan(bytes: Buffer, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      at = endOfString(bytes, at + 1);
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limit) return true;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
  return false;
}

function endOfString(bytes: Buffer, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === backslash) at++;
    else if (bytes[at] === quote) return at;
  }
  return bytes.length;
}
