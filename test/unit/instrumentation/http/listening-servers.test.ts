import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ListeningServers } from '../../../../src/instrumentation/http/listening-servers.js';

const address = (port: number, host = '::'): object => ({ address: host, family: 'IPv6', port });

describe('listening servers', () => {
  it('are there from when they listen until they are closed, by address and port', () => {
    const servers = new ListeningServers();
    const [first, second] = [{}, {}];
    servers.listening(first, 'http', address(80));
    servers.listening(second, 'https', { address: '127.0.0.1', family: 'IPv4', port: 443 });
    assert.deepEqual(servers.all(), {
      '::80': { type: 'http', address: { address: '::', family: 'IPv6', port: 80 } },
      '127.0.0.1443': { type: 'https', address: { address: '127.0.0.1', family: 'IPv4', port: 443 } },
    });
    servers.closed(first);
    servers.closed(first);
    assert.deepEqual(Object.keys(servers.all()), ['127.0.0.1443']);
  });

  it('have no entry for pipes, and for addresses that are none', () => {
    const servers = new ListeningServers();
    for (const odd of ['/tmp/socket', null, undefined, {}, { address: 1, port: 80 }, { address: '::', port: '80' }])
      servers.listening({}, 'http', odd);
    servers.closed({});
    assert.deepEqual(servers.all(), {});
  });

  it('show the family as a text, which Node.js 18 had as a number', () => {
    const servers = new ListeningServers();
    servers.listening({}, 'http', { address: '::', family: 6, port: 80 });
    assert.equal(servers.all()['::80']?.address.family, '6');
  });
});
