// The end user monitoring snippet: a script for the head of a page that ties the page load to the trace of its request.

/** What `eumSnippet()` takes; everything may be absent. */
export interface EumOptions {
  /** The website's key; default: the configured one. */
  apiKey?: string;
  /** 16 hexadecimal digits; default: the active trace. */
  traceId?: string;
  /** Shown with the page load; at most 25 members. */
  meta?: Record<string, string>;
  /** Where beacons go; with it the current loader is written. */
  reportingUrl?: string;
  /** Address of the monitoring script. */
  scriptUrl?: string;
  /** For a Content-Security-Policy. */
  nonce?: string;
}

const seedScriptUrl = '//eum.instana.io/eum.min.js';
const longestKey = 128;
const longestValue = 256;
const mostMeta = 25;

/** HTML for the page, or the empty string without a key. `traceId` null: the snippet comes without one. */
export function renderSnippet(options: EumOptions, apiKey: string, traceId: string | null): string {
  const calls = [
    ...(options.reportingUrl === undefined ? [] : [call('reportingUrl', options.reportingUrl)]),
    call(options.reportingUrl === undefined ? 'apiKey' : 'key', apiKey),
    ...(traceId === null ? [] : [call('traceId', traceId)]),
    ...metaCalls(options.meta),
  ];
  const script =
    options.scriptUrl ??
    (options.reportingUrl === undefined ? seedScriptUrl : `${options.reportingUrl.replace(/\/+$/, '')}/eum.min.js`);
  const { nonce } = options;
  const attribute = typeof nonce === 'string' && /^[\w+/=-]{1,256}$/.test(nonce) ? ` nonce="${nonce}"` : '';
  return `<script${attribute}>(function(w,d,n){w.InstanaEumObject=n;var f=w[n]=function(){f.q.push(arguments)};f.q=[];f.v=2;f.l=+new Date();var s=d.createElement('script');s.async=true;s.crossOrigin='anonymous';s.src=${literal(script, 2048)};var a=d.currentScript;if(a&&a.nonce)s.nonce=a.nonce;(d.head||d.documentElement).appendChild(s)})(window,document,'ineum');${calls.join('')}</script>`;
}

function call(name: string, value: string): string {
  return `ineum(${literal(name)},${literal(value)});`;
}

function metaCalls(meta: unknown): string[] {
  if (typeof meta !== 'object' || meta === null) return [];
  const calls: string[] = [];
  for (const key of Object.keys(meta)) {
    if (calls.length >= mostMeta) break;
    let value: unknown;
    try {
      value = (meta as Record<string, unknown>)[key];
    } catch {
      continue;
    }
    if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value)) continue;
    calls.push(`ineum('meta',${literal(key, longestKey)},${literal(String(value))});`);
  }
  return calls;
}

/** A JavaScript string that can stand in an HTML script: no character in it can end the string or the element. */
function literal(text: string, longest: number = longestValue): string {
  const escaped = String(text)
    .slice(0, longest)
    .replace(
      /[^A-Za-z0-9 _.,:;/?=~+@#()[\]*!-]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  return `'${escaped.replace(/--/g, '-\\u002d')}'`;
}
