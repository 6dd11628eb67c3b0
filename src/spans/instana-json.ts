// Encodes a finished span as the members of its JSON object, except `f`, which is added on sending.

import { quote as stringify } from '../core/plain-json.js';
import { TextCache } from '../core/text-cache.js';
import type { SpanKind, StackFrame } from '../protocol/wire-span.js';
import { boundedJson, type TagRedactor } from '../redaction/bounded-json.js';
import type { Redactor } from '../redaction/redactor.js';
import { parseStack } from './call-stack.js';
import { isPlainPath, plainUrlJson, redactedHeaders, redactedQuery, redactedUrl } from './redacted-http.js';
import type { CapturedStack, HttpAttributes, SdkAttributes, SpanRecord } from './span.js';
import { StackCache } from './stack-cache.js';

/** The inputs of the encoder besides the span: settings, redaction and caches. */
export interface EncodeContext {
  readonly redactor: Redactor;
  readonly serviceName: string | null;
  readonly stackTraceLength: number;
  /** JSON of recurring text: methods, templates, names. */
  readonly quoted: TextCache;
  /** JSON of redacted hosts, which may start with user information. */
  readonly hosts: TextCache;
  /** For tags. In logs and sections, `logRedactor` keeps a plain `key`: it is a lookup key, of a cache for example. */
  readonly tagRedactor: TagRedactor;
  readonly logRedactor: TagRedactor;
  /** JSON frames of stacks: the same call site produces the same stack each time. */
  readonly stacks: StackCache;
}

/** The context for these settings, with empty caches. */
export function makeEncodeContext(
  redactor: Redactor,
  serviceName: string | null,
  stackTraceLength: number,
): EncodeContext {
  const redactTag = (name: string, text: string): string => redactor.redactTag(name, text);
  return {
    redactor,
    serviceName,
    stackTraceLength,
    quoted: new TextCache(stringify, 1000, 200),
    hosts: new TextCache((host) => stringify(redactor.redactHost(host)), 1000, 200),
    tagRedactor: { isSecret: (name) => redactor.isSecretTag(name), redactTag },
    logRedactor: { isSecret: (name) => name !== 'key' && redactor.isSecretTag(name), redactTag },
    stacks: new StackCache((text) => framesJson(parseStack(text, stackTraceLength), redactor)),
  };
}

/** `"t":"…",…,"data":{…}`: the caller adds the braces and `f`. */
export function encodeSpan(span: SpanRecord, context: EncodeContext): string {
  let text = `"t":"${span.traceId}","s":"${span.spanId}",`;
  if (span.parentId !== null) text += `"p":"${span.parentId}",`;
  if (span.longTraceId !== null) text += `"lt":"${span.longTraceId}",`;
  text += `"n":"${span.name}","k":${span.kind},"ec":${span.errorCount},"ts":${Math.floor(span.startMs)},"d":${Math.round(span.durationMs)},`;
  if (span.correlationType !== null && span.correlationId !== null) {
    text += `"crtp":"${span.correlationType}","crid":"${span.correlationId}",`;
  }
  if (span.fromTraceparent) text += w3cMembers(span);
  if (span.synthetic) text += '"sy":true,';
  return `${text}"stack":${stackJson(span.stack, context)},"data":{${sections(span, context)}}`;
}

/** The members for a trace joined through `traceparent`: `tp`, and `ia` for the nearest Instana ancestor, if known. */
function w3cMembers({ w3c }: SpanRecord): string {
  if (w3c === null || w3c.ancestorTraceId === null) return '"tp":true,';
  return `"tp":true,"ia":{"t":"${w3c.ancestorTraceId}","p":"${w3c.ancestorSpanId}"},`;
}

function sections(span: SpanRecord, context: EncodeContext): string {
  let text = '';
  if (span.http !== null) text = `"http":${httpJson(span.http, span.kind === 1, context)}`;
  if (span.sdk !== null) text += `${text === '' ? '' : ','}${sdkSections(span.sdk, span.kind, context)}`;
  if (context.serviceName !== null)
    text += `${text === '' ? '' : ','}"service":${context.quoted.get(context.serviceName)}`;
  return text;
}

function httpJson(http: HttpAttributes, isEntry: boolean, context: EncodeContext): string {
  const { redactor, quoted, hosts } = context;
  let text = `{"method":${quoted.get(http.method)},"url":${urlJson(http, isEntry, context)}`;
  if (isEntry && http.host !== null) text += `,"host":${hosts.get(http.host)}`;
  if (http.status !== 0 && Number.isFinite(http.status)) text += `,"status":${http.status}`;
  if (http.template !== null) text += `,"path_tpl":${quoted.get(http.template)}`;
  if (http.headers !== null) text += `,"header":${boundedJson(redactedHeaders(http.headers, redactor))}`;
  if (http.error !== null) text += `,"error":${stringify(redactor.redactText(http.error))}`;
  return `${text}}`;
}

/** The value of `url`, followed by the member `params` if there is a query. */
function urlJson(http: HttpAttributes, isEntry: boolean, { redactor, hosts }: EncodeContext): string {
  if (isPlainPath(http.url)) return plainUrlJson(isEntry ? '' : (http.host ?? ''), http.url, hosts);
  const json = stringify(redactedUrl(http, isEntry, redactor));
  const params = redactedQuery(http, redactor);
  return params === undefined ? json : `${json},"params":${stringify(params)}`;
}

function sdkSections(sdk: SdkAttributes, kind: SpanKind, context: EncodeContext): string {
  const { section } = sdk;
  if (section === null) return `"sdk":${sdkJson(sdk, kind, context)}`;
  const text = `${stringify(section.name)}:${boundedJson(section.attributes, undefined, context.logRedactor)}`;
  return Object.keys(sdk.tags).length === 0 && sdk.logs === null
    ? text
    : `${text},"sdk":${sdkJson(sdk, kind, context)}`;
}

const sdkTypes: Readonly<Record<SpanKind, string>> = { 1: 'entry', 2: 'exit', 3: 'intermediate' };

function sdkJson(
  sdk: SdkAttributes,
  kind: SpanKind,
  { redactor, quoted, tagRedactor, logRedactor }: EncodeContext,
): string {
  let text = '{';
  if (sdk.name !== null) text += `"name":${quoted.get(redactor.redactTag('', sdk.name))},"type":"${sdkTypes[kind]}",`;
  text += `"custom":{"tags":${boundedJson(sdk.tags, undefined, tagRedactor)}`;
  if (sdk.logs !== null) text += `,"logs":${boundedJson(sdk.logs, undefined, logRedactor)}`;
  return `${text}}}`;
}

function stackJson(stack: readonly StackFrame[] | CapturedStack | null, context: EncodeContext): string {
  if (stack === null || context.stackTraceLength === 0) return '[]';
  if (isFrames(stack)) return framesJson(stack.slice(0, context.stackTraceLength), context.redactor);
  return context.stacks.json(stack);
}

/** Written member by member, because a global `toJSON` of the application would change the output. */
function framesJson(frames: readonly StackFrame[], redactor: Redactor): string {
  return `[${frames.map((frame) => frameJson(frame, redactor)).join(',')}]`;
}

/** Redacts method and file: a line of an error message may look like a frame, and a module URL may have a query. */
function frameJson({ m, c, n }: StackFrame, redactor: Redactor): string {
  const file = c === undefined ? '' : `,"c":${stringify(redactor.redactTag('', c))}`;
  return `{"m":${stringify(redactor.redactText(m))}${file}${n === undefined ? '' : `,"n":${n}`}}`;
}

/** Whether the stack is already parsed into frames. */
export function isFrames(stack: readonly StackFrame[] | CapturedStack): stack is readonly StackFrame[] {
  return Array.isArray(stack);
}
