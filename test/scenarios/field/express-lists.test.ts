// Lists of paths, and callbacks for parameters that wait while other requests pass the same router.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { WireSpan } from '../../../src/protocol/wire-span.js';
import { becomesTrue } from '../../support/agent/wait-until.js';
import { nodeVersions, TracedApp } from '../../support/traced-app.js';

/** The template by the path of the request. */
const lists: readonly [title: string, path: string, template: string][] = [
  ['the last of 200 literal paths', '/literal199', '/literal199'],
  ['the first of 200 literal paths', '/literal0', '/literal0'],
  ['one that is the beginning of others', '/literal1', '/literal1'],
  ['the last of 200 paths with a parameter', '/parameter199/7', '/parameter199/:id'],
  ['a path in a nested list', '/nested/b', '/nested/b'],
  ['the first of two paths that match', '/first/x', '/first/:id'],
  ['an expression', '/expression/12', '/^\\/expression\\/(\\d+)$/'],
  ['a path after an expression that does not match', '/expression/ab', '/expression/:name'],
  ['a path in another case', '/CASE/TWO', '/case/two'],
  ['a path with a slash at its end', '/case/two/', '/case/two'],
  ['a path with an encoded character', '/encoded/%61%2F', '/encoded/:id'],
  ['a prefix', '/other/5/deep', '/other/:id'],
  ['a prefix in front of a list', '/into/1/y/2', '/into/:b/y/:id'],
  ['a path in a strict router', '/strict/a', '/strict/a'],
  ['a path of a case-sensitive router', '/sensitive/B', '/sensitive/B'],
];

interface Overlap {
  readonly title: string;
  /** Waits in the callback for a parameter. */
  readonly slow: string;
  /** Passes in the meantime. */
  readonly fast: string;
  readonly status: number;
  readonly template: string;
  readonly fastTemplate: string;
}

const overlaps: readonly Overlap[] = [
  {
    title: 'that a later callback responds to',
    slow: '/m/s/b/slow/none',
    fast: '/m/s/a/o/1',
    status: 404,
    template: '/m/:space/b/:org/:id',
    fastTemplate: '/m/:space/a/:org/:id',
  },
  {
    title: 'that a later callback fails',
    slow: '/m/s/b/slow2/broken',
    fast: '/m/s/a/o/2',
    status: 500,
    template: '/m/:space/b/:org/:id',
    fastTemplate: '/m/:space/a/:org/:id',
  },
  {
    title: 'that is passed on',
    slow: '/m/s/b/slow3/3',
    fast: '/m/s/a/o/3',
    status: 200,
    template: '/m/:space/b/:org/:id',
    fastTemplate: '/m/:space/a/:org/:id',
  },
  {
    title: 'of a list of paths',
    slow: '/m/s/list/slow4/two/4',
    fast: '/m/s/list/o/one/4',
    status: 200,
    template: '/m/:space/list/:org/two/:id',
    fastTemplate: '/m/:space/list/:org/one/:id',
  },
  {
    title: 'of a list of paths, that a later callback responds to',
    slow: '/m/s/list/slow5/two/none',
    fast: '/m/s/list/o/one/5',
    status: 404,
    template: '/m/:space/list/:org/two/:id',
    fastTemplate: '/m/:space/list/:org/one/:id',
  },
  {
    title: 'of a router inside',
    slow: '/m/s/inner/o/leaf/slow6',
    fast: '/m/s/inner/o/other/6',
    status: 200,
    template: '/m/:space/inner/:org/leaf/:id',
    fastTemplate: '/m/:space/inner/:org/other/:id',
  },
  {
    title: 'of a router that is mounted twice',
    slow: '/twice/b/slow7/none',
    fast: '/m/s/b/o/7',
    status: 404,
    template: '/twice/b/:org/:id',
    fastTemplate: '/m/:space/b/:org/:id',
  },
  {
    title: 'that leaves its route',
    slow: '/m/s/next/slow8',
    fast: '/m/s/a/o/8',
    status: 200,
    template: '/m/:space/next/:name',
    fastTemplate: '/m/:space/a/:org/:id',
  },
];

for (const version of nodeVersions) {
  const { title: nodeTitle, skip } = version;
  for (const folder of ['express-4', 'express-5']) {
    describe(`the template on ${nodeTitle}, ${folder}, of`, { skip }, () => {
      let app: TracedApp | null = null;

      before(async () => {
        if (skip !== false) return;
        app = await TracedApp.start(
          {
            file: 'field/express-lists.cjs',
            loader: 'require',
            env: { EXPRESS_FOLDER: folder },
          },
          version,
        );
        for (const [, path] of lists) await app.get(path);
      });
      after(async () => app?.stop());

      async function templateOf(path: string): Promise<string | undefined> {
        const isIt = ({ data }: WireSpan): boolean => data.http?.url === path;
        const spans = await (app ?? assert.fail()).spans((all) => all.some(isIt));
        return (spans.find(isIt) ?? assert.fail(`no span of ${path}`)).data.http?.path_tpl;
      }

      for (const [title, path, template] of lists) {
        it(title, async () => {
          assert.equal(await templateOf(path), template);
        });
      }

      for (const name of ['merged', 'plain']) {
        for (const { title, slow, fast, status, template, fastTemplate } of overlaps) {
          it(`a request ${title}, ${name} parameters`, async () => {
            const running = app ?? assert.fail();
            const query = `?of=${name}`;
            const pending = running.get(slow + query, {}, name);
            let waiting = '';
            await becomesTrue(() => {
              running.get('/waiting', {}, name).then(({ body }) => {
                waiting = body;
              }, assert.fail);
              return waiting === '1';
            }, 5000);
            await running.get(fast + query, {}, name);
            await running.get('/release', {}, name);
            assert.equal((await pending).status, status);
            const isIt = (path: string) => (span: WireSpan) =>
              span.data.http?.url === path && span.data.http.params === query.slice(1);
            const spans = await running.spans((all) => all.some(isIt(slow)) && all.some(isIt(fast)));
            assert.equal(spans.find(isIt(slow))?.data.http?.path_tpl, template);
            assert.equal(spans.find(isIt(fast))?.data.http?.path_tpl, fastTemplate);
          });
        }
      }

      it('the last of 200 paths without a compilation for each request', async () => {
        const running = app ?? assert.fail();
        const executed = async (path: string): Promise<number> => {
          await running.get(path);
          return Number((await running.get(`${path}?count`)).headers['x-executed']);
        };
        const single = await executed('/single');
        // What the router itself executes for such a list: Express 4 joins its paths, the router package tries each of them.
        const own = folder === 'express-4' ? [1, 2] : [200, 400];
        for (const [index, path] of ['/literal199', '/parameter199/1'].entries()) {
          const ofList = (await executed(path)) - single - (own[index] ?? 0);
          assert.ok(ofList <= 40, `${ofList} expressions more for ${path}`);
        }
      });
    });
  }
}
