// Every way of giving a response its head. `GET /NAME` takes the way of that name, `POST /` runs a list of steps; the body tells what
// the application could see until then.
const http = require('node:http');

const { OutgoingMessage, ServerResponse } = http;

/** What an application sees of the header before the head is written, and of errors. */
function picture(res) {
  return [res.getHeader('server-timing'), res.hasHeader('Server-Timing'), res.getHeaderNames(), res.headersSent];
}

const failed = (work) => {
  try {
    work();
    return 'fine';
  } catch (error) {
    return [error.name, error.code, error.message];
  }
};

class Members {
  constructor() {
    this['X-Own'] = '1';
    this['X-Other'] = ['2', '3'];
  }

  get 'X-Inherited'() {
    return 'never sent';
  }
}

const reading = () => {
  let reads = 0;
  return {
    'X-A': '1',
    get 'X-Reads'() {
      reads++;
      return String(reads);
    },
  };
};

/** Each gets the response, and ends it unless it returns the error that it met, which is sent then. */
const ways = {
  end: (res) => res.end('x'),
  endEmpty: (res) => res.end(),
  write: (res) => {
    res.write('x');
    res.end('y');
  },
  flush: (res) => {
    res.flushHeaders();
    res.end('x');
  },
  pipe: (res) => require('node:stream').Readable.from(['a', 'b']).pipe(res),
  setHeader: (res) => res.setHeader('X-A', '1').end('x'),
  setThenRemoved: (res) => {
    res.setHeader('X-A', '1');
    res.removeHeader('X-A');
    res.end('x');
  },
  setHeaders: (res) => res.setHeaders(new Map([['X-A', '1']])).end('x'),
  setHeadersTiming: (res) => res.setHeaders(new Headers({ 'Server-Timing': 'app;dur=3' })).end('x'),
  appendHeader: (res) => {
    res.appendHeader('Set-Cookie', 'a=1').appendHeader('Set-Cookie', 'b=2');
    res.end('x');
  },
  appendTiming: (res) => {
    res.appendHeader('server-timing', 'a;dur=1').appendHeader('Server-Timing', 'b;dur=2');
    res.end('x');
  },
  timing: (res) => res.setHeader('Server-Timing', 'app;dur=3').end('x'),
  timingLower: (res) => res.setHeader('server-timing', 'app;dur=3').end('x'),
  timingList: (res) => res.setHeader('SERVER-TIMING', ['app;dur=3', 'db;dur=1']).end('x'),
  timingEmptyList: (res) => res.setHeader('Server-Timing', []).end('x'),
  timingNumber: (res) => res.setHeader('Server-Timing', 5).end('x'),
  timingTwice: (res) => {
    res.setHeader('Server-Timing', 'lost;dur=1');
    res.writeHead(200, { 'server-timing': 'kept;dur=2' });
    res.end('x');
  },
  timingObject: (res) => res.writeHead(200, { 'Server-Timing': 'app;dur=3' }).end('x'),
  timingObjectList: (res) => res.writeHead(200, { 'Server-Timing': ['app;dur=3', 'db;dur=1'], 'X-A': '1' }).end('x'),
  timingTwoSpellings: (res) => res.writeHead(200, { 'Server-Timing': 'a', 'server-timing': 'b' }).end('x'),
  timingRaw: (res) => res.writeHead(200, ['X-A', '1', 'server-timing', 'app;dur=3', 'x-a', '2']).end('x'),
  timingRawTwice: (res) => res.writeHead(200, ['Server-Timing', 'a', 'X-A', '1', 'Server-Timing', 'b']).end('x'),
  timingRawAfterSet: (res) => {
    res.setHeader('X-Set', '1');
    res.writeHead(200, ['Server-Timing', 'a', 'Server-Timing', 'b']);
    res.end('x');
  },
  timingPairs: (res) =>
    res
      .writeHead(200, [
        ['Server-Timing', 'app;dur=3'],
        ['X-A', '1'],
      ])
      .end('x'),
  timingSetRawOther: (res) => {
    res.setHeader('server-timing', 'app;dur=3');
    res.writeHead(200, ['X-A', '1', 'X-A', '2']);
    res.end('x');
  },
  timingExposed: (res) => {
    res.setHeader('Server-Timing', 'app;dur=3');
    res.writeHead(200, ['Access-Control-Expose-Headers', 'Server-Timing']);
    res.end('x');
  },
  intid: (res) => res.setHeader('Server-Timing', 'intid;desc=1234').end('x'),
  intidBehind: (res) => res.setHeader('Server-Timing', 'app;dur=3, intid;desc=1234').end('x'),
  intidList: (res) => res.setHeader('Server-Timing', ['app;dur=3', 'intid;desc=1234']).end('x'),
  intidObject: (res) => res.writeHead(200, { 'server-timing': 'intid;desc=1234' }).end('x'),
  intidRaw: (res) => res.writeHead(200, ['Server-Timing', 'intid;desc=1234', 'Server-Timing', 'b']).end('x'),
  intidPairs: (res) => res.writeHead(200, [['Server-Timing', 'intid;desc=1234']]).end('x'),
  intidSetObject: (res) => res.setHeader('Server-Timing', 'intid;desc=1234').writeHead(200, { 'X-A': '1' }).end('x'),
  notIntid: (res) => res.setHeader('Server-Timing', 'intiddb;dur=1, x;desc="intid"').end('x'),
  head: (res) => res.writeHead(200).end('x'),
  headReason: (res) => res.writeHead(201, 'Made Up').end('x'),
  headReasonObject: (res) => res.writeHead(201, 'Made Up', { 'X-A': '1' }).end('x'),
  headReasonRaw: (res) => res.writeHead(201, 'Made Up', ['X-A', '1', 'X-A', '2']).end('x'),
  headNull: (res) => res.writeHead(200, 'OK', null).end('x'),
  headUndefinedReason: (res) => res.writeHead(200, undefined, { 'X-A': '1' }).end('x'),
  headTwoObjects: (res) => res.writeHead(200, { 'X-A': '1' }, { 'X-B': '2' }).end('x'),
  headObject: (res) => res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 1 }).end('x'),
  headObjectAfterSet: (res) => {
    res.setHeader('X-A', '1');
    res.writeHead(200, { 'x-a': '2', 'X-B': ['3', '4'] });
    res.end('x');
  },
  headFrozen: (res) => res.writeHead(200, Object.freeze({ 'X-A': '1' })).end('x'),
  headNullPrototype: (res) => res.writeHead(200, Object.assign(Object.create(null), { 'X-A': '1' })).end('x'),
  headInstance: (res) => res.writeHead(200, new Members()).end('x'),
  headInstanceAfterSet: (res) => res.setHeader('X-B', '1').writeHead(200, new Members()).end('x'),
  headGetter: (res) => res.writeHead(200, reading()).end('x'),
  headGetterAfterSet: (res) => res.setHeader('X-B', '1').writeHead(200, reading()).end('x'),
  headProxy: (res) => res.writeHead(200, new Proxy({ 'X-A': '1' }, {})).end('x'),
  headNumbers: (res) => res.writeHead(200, { 7: 'seven', 'X-A': 1, 3: true }).end('x'),
  headFetchHeaders: (res) => res.writeHead(200, new Headers({ 'X-A': '1' })).end('x'),
  headMap: (res) => res.writeHead(200, new Map([['X-A', '1']])).end('x'),
  headText: (res) => res.writeHead(200, 'OK', 'ab').end('x'),
  headNumber: (res) => res.writeHead(200, 7).end('x'),
  headFunction: (res) =>
    res
      .writeHead(
        200,
        Object.assign(() => {}, { 'X-A': '1' }),
      )
      .end('x'),
  headRaw: (res) => res.writeHead(200, ['Set-Cookie', 'a=1', 'X-A', '1', 'Set-Cookie', 'b=2', 'x-a', '2']).end('x'),
  headRawAfterSet: (res) => {
    res.setHeader('X-A', '0');
    res.writeHead(200, ['Set-Cookie', 'a=1', 'X-A', '1', 'Set-Cookie', 'b=2', 'x-a', '2']);
    res.end('x');
  },
  headRawFrozen: (res) => res.writeHead(200, Object.freeze(['X-A', '1'])).end('x'),
  headRawEmpty: (res) => res.writeHead(200, []).end('x'),
  headRawEmptyAfterSet: (res) => res.setHeader('X-A', '1').writeHead(200, []).end('x'),
  headRawLists: (res) => res.writeHead(200, ['X-A', ['1', '2'], 'Cookie', ['a', 'b']]).end('x'),
  headPairs: (res) =>
    res
      .writeHead(200, [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-A', ['1', '2']],
      ])
      .end('x'),
  disposition: (res) =>
    res.writeHead(200, { 'Content-Length': 1, 'Content-Disposition': 'attachment; filename="\u00e9"' }).end('x'),
  dispositionList: (res) => {
    res.setHeader('Content-Disposition', ['a; filename="\u00e9"']);
    res.end('x');
  },
  connectionClose: (res) => res.writeHead(200, ['Connection', 'close', 'Transfer-Encoding', 'chunked']).end('x'),
  withoutDate: (res) => {
    res.sendDate = false;
    res.removeHeader('connection');
    res.removeHeader('Transfer-Encoding');
    res.writeHead(200);
    res.end('x');
  },
  trailer: (res) => {
    res.writeHead(200, { Trailer: 'X-T' });
    res.write('x');
    res.addTrailers({ 'X-T': '1' });
    res.end();
  },
  writeHeader: (res) => (res.writeHeader ?? res.writeHead).call(res, 200, { 'X-A': '1' }).end('x'),
  byPrototype: (res) => ServerResponse.prototype.writeHead.call(res, 200, { 'X-A': '1' }).end('x'),
  wrapped: (res) => {
    const { writeHead } = res;
    res.writeHead = function (...args) {
      this.setHeader('X-Wrapped', String(args.length));
      return writeHead.apply(this, args);
    };
    res.end('x');
  },
  observedSet: (res) => {
    const seen = [];
    const { setHeader } = res;
    res.setHeader = function (name, value) {
      if (name !== 'Server-Timing') seen.push(name);
      return setHeader.call(this, name, value);
    };
    res.setHeader('X-A', '1');
    res.writeHead(200, { 'X-B': '1' });
    res.end(JSON.stringify(seen));
  },
  throwingGet: (res) => {
    res.getHeader = () => {
      throw new Error('no reading here');
    };
    res.end('x');
  },
  notModified: (res) => res.writeHead(304, { ETag: '"a"' }).end(),
  noContent: (res) => {
    res.statusCode = 204;
    res.end();
  },
  hints: (res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    res.writeProcessing();
    res.writeContinue();
    res.end('x');
  },
  switching: (res) => res.writeHead(101, { Upgrade: 'x' }).end(),
  badStatus: (res) => failed(() => res.writeHead(99, { 'X-A': '1' })),
  badStatusText: (res) => failed(() => res.writeHead('no', { 'X-A': '1' })),
  statusAsText: (res) => res.writeHead('202').end('x'),
  badReason: (res) => failed(() => res.writeHead(200, 'a\nb')),
  badName: (res) => failed(() => res.writeHead(200, { 'bad name': '1' })),
  badValue: (res) => failed(() => res.writeHead(200, { 'X-A': 'a\nb' })),
  badUndefined: (res) => failed(() => res.writeHead(200, { 'X-A': undefined })),
  badTiming: (res) => failed(() => res.writeHead(200, { 'Server-Timing': 'a\nb' })),
  badTimingUndefined: (res) => failed(() => res.writeHead(200, { 'Server-Timing': undefined })),
  badSymbol: (res) => failed(() => res.writeHead(200, { 'Server-Timing': Symbol('x') })),
  badOdd: (res) => failed(() => res.writeHead(200, ['X-A', '1', 'X-B'])),
  badOddAfterSet: (res) => {
    res.setHeader('X-Set', '1');
    return failed(() => res.writeHead(200, ['X-A', '1', 'X-B']));
  },
  badPairsAfterSet: (res) => {
    res.setHeader('X-Set', '1');
    return failed(() =>
      res.writeHead(200, [
        ['X-A', '1'],
        ['X-B', '2'],
      ]),
    );
  },
  badThreePairsAfterSet: (res) => {
    res.setHeader('X-Set', '1');
    return failed(() =>
      res.writeHead(200, [
        ['X-A', '1'],
        ['X-B', '2'],
        ['X-C', '3'],
      ]),
    );
  },
  badRawName: (res) => failed(() => res.writeHead(200, ['bad name', '1'])),
  badGetter: (res) =>
    failed(() =>
      res.writeHead(200, {
        get 'X-A'() {
          throw new RangeError('not today');
        },
      }),
    ),
  twice: (res) => {
    res.writeHead(200, { 'X-A': '1' });
    res.end(JSON.stringify(failed(() => res.writeHead(200, { 'X-B': '1' }))));
  },
  afterEnd: (res) => {
    res.end('x');
    process.stdout.write(`after ${JSON.stringify(failed(() => res.setHeader('X-A', '1')))}\n`);
  },
  again: (res) => {
    const first = failed(() => res.writeHead(99));
    res.writeHead(200, { 'X-First': first[1] });
    res.end('x');
  },
  afterwards: (res) => {
    // Without headers that were set, what the head was given is seen nowhere.
    res.writeHead(200, { 'X-A': '1' });
    res.end(JSON.stringify(picture(res)));
  },
};

/** Values that differ between two runs of the same steps. */
const steps = {
  set: (res, name, value) => res.setHeader(name, value),
  append: (res, name, value) => res.appendHeader(name, value),
  setAll: (res, entries) => res.setHeaders(new Map(entries)),
  remove: (res, name) => res.removeHeader(name),
  head: (res, ...args) => res.writeHead(...args),
  write: (res, text) => res.write(text),
  flush: (res) => res.flushHeaders(),
};

function run(list, res) {
  const seen = [];
  let isTried = false;
  for (const [name, ...args] of list) {
    // What a head was given may be seen where headers had been set before, also when it could not be written.
    isTried ||= name === 'head';
    if (!isTried) seen.push(picture(res));
    seen.push(failed(() => steps[name](res, ...args)));
  }
  res.end(JSON.stringify(seen));
}

const server = http.createServer((req, res) => {
  if (req.method === 'POST') {
    let text = '';
    req.on('data', (chunk) => {
      text += chunk;
    });
    req.on('end', () => run(JSON.parse(text), res));
    return;
  }
  const way = ways[req.url.slice(1)];
  if (way === undefined) {
    res.end(JSON.stringify(Object.keys(ways)));
    return;
  }
  if (typeof OutgoingMessage.prototype.setHeaders !== 'function' && req.url.startsWith('/setHeaders')) {
    res.end('too old');
    return;
  }
  let failure;
  const unexpected = failed(() => {
    failure = way(res);
  });
  if (unexpected !== 'fine') res.end(JSON.stringify(unexpected));
  if (!Array.isArray(failure)) return;
  res.statusMessage = 'Failed';
  res.end(JSON.stringify([failure, picture(res)]));
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`listening ${JSON.stringify({ heads: server.address().port })}\n`),
);
process.stdin.on('data', (text) => {
  if (String(text).includes('exit')) process.exit(0);
});
process.stdin.on('end', () => process.exit(0));
