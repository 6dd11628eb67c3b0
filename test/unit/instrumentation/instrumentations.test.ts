import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { channelInstrumentations, instrumentations } from '../../../src/instrumentation/instrumentations.js';
import { Loader } from '../../../src/instrumentation/loader.js';
import { ToolBox } from './tool-box.js';

describe('the catalogue', () => {
  it('patches the modules of Node.js and puts every function back', async () => {
    const http = await import('node:http');
    const https = await import('node:https');
    const read = (): unknown[] =>
      [http, https].flatMap((module) => [
        module.request,
        module.get,
        module.Server.prototype.emit,
        http.ClientRequest.prototype.emit,
        http.ClientRequest.prototype.destroy,
        http.ServerResponse.prototype.emit,
        module.default.request,
        module.default.get,
      ]);
    const before = read();
    const box = new ToolBox();
    const loader = new Loader({
      context: box.tools,
      instrumentations: instrumentations,
      channels: channelInstrumentations,
      known: instrumentations,
    });
    loader.start();
    const during = read();
    assert.ok(before.every((fn, index) => fn !== during[index]));
    loader.stop();
    const afterwards = read();
    for (const [index, fn] of before.entries()) assert.equal(afterwards[index], fn, String(index));
    assert.deepEqual(box.faults.counts(), {});
  });

  it('lets every instrumentation survive modules that are not what they say', () => {
    const fail = (): never => {
      throw new Error('trap');
    };
    const odd: unknown[] = [
      {},
      [],
      () => 1,
      Object.freeze({ prototype: Object.freeze({}) }),
      { Server: null, ClientRequest: 7, default: null },
      null,
      undefined,
      7,
      new Proxy({}, { get: fail, has: fail, ownKeys: fail }),
    ];
    const box = new ToolBox();
    for (const { module, name } of instrumentations.filter((candidate) => candidate.name !== 'opentracing')) {
      for (const exports of odd) {
        const records = instrumentations.filter((candidate) => candidate.module === module && candidate.name === name);
        const loader = new Loader({
          context: box.tools,
          instrumentations: records.map(({ versions: _, ...rest }) => rest),
          channels: [],
          known: records,
        });
        assert.doesNotThrow(() => loader.patch(exports, module, undefined), module);
        loader.stop();
      }
    }
  });

  it('has each record once, and every record that the folder exports', () => {
    const folder = join(__dirname, '../../../src/instrumentation');
    const exported = ['.', 'http', 'express', 'koa'].flatMap((name) =>
      readdirSync(join(folder, name))
        .filter((file) => file.endsWith('.js') && file !== 'instrumentations.js')
        .flatMap((file) => Object.values(require(join(folder, name, file)) as Record<string, unknown>))
        .filter(isRecord),
    );
    const all = [...instrumentations, ...channelInstrumentations];
    assert.equal(new Set(all).size, all.length);
    assert.equal(exported.length, all.length);
    for (const record of exported) assert.ok((all as readonly unknown[]).includes(record), JSON.stringify(record));
  });

  it('has tested majors for every package, and for no module of Node.js', () => {
    for (const { module, versions } of instrumentations) {
      assert.equal(versions === undefined, isBuiltin(module), module);
      assert.notEqual(versions?.length, 0, module);
    }
  });
});

/** A record as the list has it: a name, presets, and a module or channels. */
function isRecord(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'presets' in value && ('module' in value || 'channels' in value)
  );
}
