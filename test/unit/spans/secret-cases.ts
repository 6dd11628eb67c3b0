// Random requests with secrets in them, as many as asked for: none of the secrets may be in what is sent.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Redactor } from '../../../src/redaction/redactor.js';
import type { SecretsRule } from '../../../src/redaction/secret-names.js';
import { errorText } from '../../../src/spans/error-text.js';
import { makeEncodeContext } from '../../../src/spans/instana-json.js';
import { HttpAttributes, SpanRecord } from '../../../src/spans/span.js';
import { Fixture } from './fixtures.js';

const marker = 'hunter2';

const rules: readonly SecretsRule[] = [
  { matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] },
  { matcher: 'contains', keywords: ['key', 'pass'] },
  { matcher: 'equals-ignore-case', keywords: ['Token'] },
  { matcher: 'equals', keywords: ['token'] },
  { matcher: 'regex', keywords: ['to.en', '[a-z]*key'] },
];

/** A name that every rule above takes for secret, some of its characters percent-encoded. */
const secretName = (rule: SecretsRule): fc.Arbitrary<string> => {
  const exact = rule.matcher.startsWith('equals') || rule.matcher === 'regex';
  const word = exact ? 'token' : (rule.keywords[0] ?? '');
  const around = exact ? fc.constant('') : fc.stringMatching(/^[\w.[\]-]{0,5}$/);
  const spelled = rule.matcher.endsWith('ignore-case') ? fc.mixedCase(fc.constant(word)) : fc.constant(word);
  return fc
    .tuple(around, spelled, around, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }))
    .map(([before, name, behind, encoded]) => before + encode(name, encoded) + behind);
};

function encode(name: string, encoded: readonly boolean[]): string {
  return [...name]
    .map((character, index) => (encoded[index] === true ? `%${character.charCodeAt(0).toString(16)}` : character))
    .join('');
}

/** Without what would separate one parameter from the next. */
const harmless = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((text) => text.replaceAll(/[\s&;?#=/"'<>(),]/g, ''));
const separators = ['&', ';', '?', '&&', '?&;'];

const requests = fc.constantFrom(...rules).chain((rule) =>
  fc.record({
    rule: fc.constant(rule),
    separator: fc.constantFrom(...separators),
    parameters: fc.array(
      fc.oneof(
        fc.tuple(secretName(rule), harmless).map(([name, text]) => `${name}=${marker}${text}`),
        fc.tuple(secretName(rule), harmless).map(([name, text]) => `${name}=${text}=${marker}`),
        harmless.map((text) => `to=http://${marker}:${marker}@${text}`),
        secretName(rule).map((name) => `next=${encodeURIComponent(`http://h/?${name}=${marker}`)}`),
        fc.constantFrom('http%3A//', 'http:%2F%2F', '//').map((start) => `to=${start}u:${marker}%40h`),
        fc.tuple(harmless, harmless).map(([name, text]) => `${name}=${text}`),
        fc.constantFrom('%', '%zz', '%E0%A4', '=', '%3D'),
      ),
      { minLength: 1, maxLength: 8 },
    ),
    name: secretName(rule).map((name) => decodeURIComponent(name)),
  }),
);

/** Fails with the smallest request that lets a secret through. */
export function checkSecrets(numRuns: number): void {
  fc.assert(
    fc.property(requests, ({ rule, separator, parameters, name }) => {
      const query = parameters.join(separator);
      const fixture = new Fixture();
      fixture.encodeContext = makeEncodeContext(new Redactor(rule), null, 0);
      const entry = fixture.entry(`/a?${query}`);
      const { http } = entry;
      assert.ok(http !== null);
      http.error = errorText(new Error(`GET http://h/a?${query} failed`));
      http.headers = { location: `/a?${query}` };
      Object.assign(entry.sdkAttributes().tags, {
        [name]: marker,
        'http.url': `http://${marker}@h/a?${query}`,
        'http.params': query,
      });
      fixture.recorder.finish(entry);
      const exit = new SpanRecord(
        'node.http.client',
        2,
        entry.traceId,
        '1',
        entry.spanId,
        null,
        0,
        0,
        new HttpAttributes('GET', `/a;${query}`, 'http://h'),
      );
      fixture.recorder.open(exit);
      fixture.recorder.finish(exit);
      fixture.tracer.startSpan('x', { tags: { nested: [{ [name]: { deep: marker } }] } }).finish();
      const sent = JSON.stringify(fixture.drain());
      assert.ok(!sent.includes(marker), sent);
    }),
    { numRuns },
  );
}
