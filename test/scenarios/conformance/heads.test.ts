// Heads of responses, to the byte: the same as without the sensor but for one pair in Server-Timing.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { otherNode } from '../../support/consumer.js';
import { type HostApp, runApp } from '../../support/run-app.js';
import { type SpanCollector, startTestAgent } from '../../support/span-collector.js';

const ourPair = /intid;desc=[0-9a-f]{16}(?![0-9a-f])|intid;desc=1234|intid;desc=77/g;
const programs = 400;

const binaries: readonly (readonly [string, { readonly path: string } | { readonly missing: string }])[] = [
  ['this Node.js', { path: process.execPath }],
  ...[22, 24, 26].map((major) => [`Node.js ${major}`, otherNode(major)] as const),
];

for (const [name, binary] of binaries) {
  if ('missing' in binary) it(`heads of responses on ${name}`, { skip: binary.missing }, () => {});
  else heads(name, binary.path);
}

function heads(name: string, node: string): void {
  describe(`heads of responses on ${name}`, () => {
    let agent: SpanCollector;
    let traced: HostApp;
    let bare: HostApp;
    let ways: string[] = [];

    before(async () => {
      agent = await startTestAgent();
      const file = { file: 'heads.cjs', agentPort: agent.port, node };
      traced = await runApp({ ...file, loader: 'require' });
      bare = await runApp({ ...file, loader: 'none' });
      const list = await send(bare, 'GET /list HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      ways = JSON.parse(bodyOf(list)) as string[]; // heads.cjs writes it
    });
    after(async () => {
      await traced.stop();
      await bare.stop();
      await agent.close();
    });

    /** Sends the request to both apps. A pair of the application is replaced by that of the request. */
    async function compare(request: string, label: string): Promise<void> {
      const [ours, theirs] = await Promise.all([send(traced, request), send(bare, request)]);
      assert.ok(theirs.length > 0, `${label}: no response without the sensor`);
      const expected = theirs.startsWith('HTTP/1.1 101') ? 0 : 1;
      assert.equal(
        (headOf(ours).match(timingLine) ?? []).join('').match(ourPair)?.length ?? 0,
        expected,
        `${label}: pairs in\n${ours}`,
      );
      same(ours, theirs, label);
    }

    function same(ours: string, theirs: string, label: string): void {
      assert.equal(rest(ours), rest(theirs), label);
      assert.deepEqual(timing(ours), timing(theirs), label);
    }

    it('are what they are, however the application makes them', async () => {
      assert.ok(ways.length > 80);
      for (const way of ways) {
        for (const [method, version] of [
          ['GET', '1.1'],
          ['HEAD', '1.1'],
          ['GET', '1.0'],
        ]) {
          const request = `${method} /${way} HTTP/${version}\r\nHost: a\r\nConnection: close\r\n\r\n`;
          await compare(request, `${method} ${way} HTTP/${version}`);
        }
      }
    });

    it('keep a connection alive as they did', async () => {
      const several = ways
        .filter((way) => way !== 'switching' && !/connectionClose|withoutDate|trailer|304|flush|hints/.test(way))
        .map((way) => `GET /${way} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const last = 'GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      const [ours, theirs] = await Promise.all([
        send(traced, several.join('') + last),
        send(bare, several.join('') + last),
      ]);
      same(ours, theirs, 'many on one connection');
    });

    it('are what they are after any steps', async () => {
      const random = generator(20_240_601);
      for (let index = 0; index < programs; index++) {
        const program = JSON.stringify(randomProgram(random));
        const head = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(program)}\r\n\r\n`;
        await compare(head + program, program);
      }
    });

    it('of suppressed requests have no pair', async () => {
      for (const way of ['end', 'headObject', 'timing']) {
        const request = `GET /${way} HTTP/1.1\r\nHost: a\r\nX-INSTANA-L: 0\r\nConnection: close\r\n\r\n`;
        const [ours, theirs] = await Promise.all([send(traced, request), send(bare, request)]);
        assert.equal(ours, theirs);
      }
    });

    it('name the trace of the caller, in 16 digits', async () => {
      const caller = 'X-INSTANA-T: 0123456789abcdef84E588B697868FEE\r\nX-INSTANA-S: 1\r\n';
      const answer = await send(traced, `GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${caller}\r\n`);
      assert.match(answer, /^Server-Timing: intid;desc=84e588b697868fee\r$/m);
    });

    it('were written without an internal error', () => {
      const lines = traced
        .stderr()
        .split('\n')
        .filter((line) => line.includes('internal error'));
      // One application of the list throws while its headers are read, which is told once.
      assert.ok(lines.length <= 1, lines.join('\n'));
      assert.doesNotMatch(traced.stderr(), /switched off/);
    });
  });
}

/** The bytes of an answer without the moment it was made at. */
function send(app: HostApp, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(app.ports['heads'] ?? 0, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.setTimeout(5000, () => socket.destroy(new Error(`no end of the answer to ${bytes}`)));
    socket.on('error', (error) => reject(new Error(`${error.message}\n${app.stderr()}`)));
    socket.on('close', () => resolve(text.replaceAll(/^Date: .*\r$/gm, 'Date: now\r')));
  });
}

/** The head of the answer itself, behind those that announce it. */
function headOf(answer: string): string {
  return /^(HTTP\/1\.1 1(00|02|03) [\s\S]*?\r\n\r\n)*[\s\S]*?\r\n\r\n/.exec(answer)?.[0] ?? answer;
}

function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}

const timingLine = /^server-timing: .*\r\n/gim;

/** All but the lines of the header that ours is in: Node.js 22 sets a header anew that a raw list names, behind the others. */
function rest(answer: string): string {
  return answer.replaceAll(timingLine, '');
}

/** The members of the header that name no trace, and how the header is spelled. */
function timing(answer: string): string[] {
  return (answer.match(timingLine) ?? []).flatMap((line) => {
    const colon = line.indexOf(':');
    const members = line.slice(colon + 1).split(',');
    const others = members.map((member) => member.trim()).filter((member) => !/^(?:intid;|$)/.test(member));
    return others.length === 0 ? [] : [`${line.slice(0, colon)}: ${others.join(', ')}`];
  });
}

/** The same numbers with every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Random = (below: number) => number;

const names = [
  'X-A',
  'x-a',
  'X-B',
  'Set-Cookie',
  'Server-Timing',
  'server-timing',
  'Content-Type',
  'Vary',
  'bad name',
  '',
];
const values: readonly unknown[] = [
  '1',
  'a;dur=2',
  7,
  ['p', 'q'],
  [],
  'b=1; Path=/',
  'intid;desc=77',
  '',
  'br\u00f6ken',
  'a\nb',
  null,
];

function pick<Item>(random: Random, list: readonly Item[]): Item {
  return list[random(list.length)] as Item; // inside the bounds
}

function randomProgram(random: Random): unknown[] {
  const program: unknown[] = [];
  for (let count = random(4); count > 0; count--) {
    const kind = pick(random, ['set', 'set', 'append', 'setAll', 'remove']);
    if (kind === 'setAll') program.push([kind, [randomPair(random), randomPair(random)]]);
    else program.push([kind, ...randomPair(random)]);
  }
  if (random(4) > 0) program.push(['head', ...randomArguments(random)]);
  if (random(8) === 0) program.push(['head', ...randomArguments(random)]);
  if (random(3) === 0) program.push([pick(random, ['write', 'flush']), 'text']);
  return program;
}

function randomPair(random: Random): [unknown, unknown] {
  return [pick(random, names), pick(random, values)];
}

function randomArguments(random: Random): unknown[] {
  const status = pick(random, [200, 200, 200, 201, 404, 500, 304, 204, 20]);
  const reason = random(3) === 0 ? ['Made Up'] : [];
  const pairs = Array.from({ length: random(5) }, () => randomPair(random));
  const headers = pick(random, [
    () => [],
    () => [Object.fromEntries(pairs)],
    () => [Object.fromEntries(pairs)],
    () => [pairs.flat()],
    () => [pairs.flat()],
    () => [pairs],
    () => [[...pairs.flat(), 'X-Odd']],
    () => [null],
  ])();
  return [status, ...reason, ...headers];
}
