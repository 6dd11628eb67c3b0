// Signs requests as clients of several services do, and verifies what arrives.
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

type Headers = Readonly<Record<string, string>>;

/** What is sent: the path with its query, and all headers. */
export interface SignedRequest {
  readonly path: string;
  readonly headers: Headers;
}

/** One way of signing: `names` are those of the headers to sign, which include `host`. */
export interface SignatureForm {
  readonly title: string;
  sign(path: string, headers: Headers, names: readonly string[]): SignedRequest;
  verify(path: string, headers: Headers): boolean;
}

const secret = 'key of the test';
const time = '20260101T000000Z';
const scope = '20260101/eu/api/aws4_request';

function hmac(text: string, encoding: 'hex' | 'base64'): string {
  return createHmac('sha256', secret).update(text).digest(encoding);
}

/** AWS version 4: a hash of the method, the path, the sorted query, the signed headers and their names. */
function aws(path: string, headers: Headers, names: readonly string[]): string {
  const [file = '', query = ''] = path.split('?');
  const lines = names.map((name) => `${name}:${headers[name]?.trim() ?? ''}\n`).join('');
  const canonical = ['GET', file, query.split('&').sort().join('&'), lines, names.join(';'), 'UNSIGNED-PAYLOAD'];
  const digest = createHash('sha256').update(canonical.join('\n')).digest('hex');
  const key = ['20260101', 'eu', 'api', 'aws4_request'].reduce<string | Buffer>(
    (from, part) => createHmac('sha256', from).update(part).digest(),
    `AWS4${secret}`,
  );
  return createHmac('sha256', key).update(['AWS4-HMAC-SHA256', time, scope, digest].join('\n')).digest('hex');
}

const awsHeader: SignatureForm = {
  title: 'AWS version 4 in Authorization',
  sign: (path, headers, names) => {
    const signed = { ...headers, 'x-amz-date': time };
    const signature = aws(path, signed, names);
    const authorization = `AWS4-HMAC-SHA256 Credential=id/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
    return { path, headers: { ...signed, authorization } };
  },
  verify: (path, headers) => {
    const [, names = '', signature] = /SignedHeaders=(\S+), Signature=(\S+)/.exec(headers['authorization'] ?? '') ?? [];
    return aws(path, headers, names.split(';')) === signature;
  },
};

const awsQuery: SignatureForm = {
  title: 'AWS version 4 in a presigned URL',
  sign: (path, headers, names) => {
    const signed = `${path}&X-Amz-Date=${time}&X-Amz-SignedHeaders=${encodeURIComponent(names.join(';'))}`;
    return { path: `${signed}&X-Amz-Signature=${aws(signed, headers, names)}`, headers };
  },
  verify: (path, headers) => {
    const [signed = '', signature] = path.split('&X-Amz-Signature=');
    const names = new URLSearchParams(signed.split('?')[1]).get('X-Amz-SignedHeaders') ?? '';
    return aws(signed, headers, names.split(';')) === signature;
  },
};

/** RFC 9421, with the list of components as it is in `Signature-Input`. */
function messageSignature(path: string, headers: Headers, parameters: string): string {
  const names = [...parameters.matchAll(/"([^"]+)"(?=[ )])/g)].map(([, name]) => name ?? '');
  const lines = names.map((name) => `"${name}": ${name === '@path' ? path.split('?')[0] : headers[name]?.trim()}`);
  return hmac([...lines, `"@signature-params": ${parameters}`].join('\n'), 'base64');
}

const message: SignatureForm = {
  title: 'RFC 9421 in Signature-Input',
  sign: (path, headers, names) => {
    const parameters = `(${['@path', ...names].map((name) => `"${name}"`).join(' ')});created=1;keyid="k";alg="hmac-sha256"`;
    const signature = `:${messageSignature(path, headers, parameters)}:`;
    return { path, headers: { ...headers, 'signature-input': `sig1=${parameters}`, signature: `sig1=${signature}` } };
  },
  verify: (path, headers) => {
    const parameters = headers['signature-input']?.slice('sig1='.length) ?? '';
    return headers['signature'] === `sig1=:${messageSignature(path, headers, parameters)}:`;
  },
};

/** The draft before RFC 9421, in either header. */
function draft(path: string, headers: Headers, names: string): string {
  const lines = names.split(' ').map((name) => `${name}: ${headers[name] ?? `get ${path}`}`);
  return hmac(lines.join('\n'), 'base64');
}

function draftIn(title: string, header: 'authorization' | 'signature', prefix: string): SignatureForm {
  return {
    title,
    sign: (path, headers, names) => {
      const list = ['(request-target)', ...names].join(' ');
      const signature = draft(path, headers, list);
      const value = `${prefix}keyId="k",algorithm="hmac-sha256",headers="${list}",signature="${signature}"`;
      return { path, headers: { ...headers, [header]: value } };
    },
    verify: (path, headers) => {
      const [, list = '', signature] = /headers="([^"]*)",signature="([^"]*)"/.exec(headers[header] ?? '') ?? [];
      return draft(path, headers, list) === signature;
    },
  };
}

/** All ways of signing. */
export const signatureForms: readonly SignatureForm[] = [
  awsHeader,
  awsQuery,
  message,
  draftIn('the draft of HTTP signatures in Signature', 'signature', ''),
  draftIn('the draft of HTTP signatures in Authorization', 'authorization', 'Signature '),
];

/** Whether a request arrived with a valid signature of one of these forms. */
export function isSignatureValid(form: SignatureForm, { url, headers }: IncomingMessage): boolean {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) single[name] = String(value);
  return form.verify(url ?? '', single);
}
