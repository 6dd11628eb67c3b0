// Texts that try to get out of where they are written in a page, and pages full of snippets that hold them.

const work = 'window.pwned=1';

/** What ends a string, an attribute, an element, a comment or a line, each with work to do behind it. */
const breakers = [
  `');${work};//`,
  `");${work};//`,
  `\`);${work};//`,
  `\\');${work};//`,
  `\\\\');${work};//`,
  `'+(${work})+'`,
  `'-${work}-'`,
  `\${${work}}`,
  `\n${work}//`,
  `\r\n${work}//`,
  `\u2028${work}//`,
  `\u2029');${work}//`,
  `\u0085${work}//`,
  `\0');${work};//`,
  `\ud800');${work};//`,
  `\udc00</script><script>${work}</script>`,
  `</script><script>${work}</script>`,
  `</SCRIPT ><script>${work}</script>`,
  `</script/x><script>${work}</script>`,
  `</script\t><svg onload=${work}>`,
  `<!--<script>${work}</script>-->`,
  `<!--<script>');${work}//`,
  `--><script>${work}</script>`,
  `--!><script>${work}</script>`,
  `]]><script>${work}</script>`,
  `<![CDATA[</script><script>${work}</script>]]>`,
  `"><script>${work}</script>`,
  `'><img src=x onerror=${work}>`,
  `" onload="${work}`,
  `" onerror="${work}" src="`,
  `' onload='${work}`,
  ` onload=${work} `,
  `&quot; onload=&quot;${work}`,
  `&#34;><script>${work}</script>`,
  `&#39;);${work};//`,
  `&lt;/script&gt;<script>${work}</script>`,
  `\\x27);${work};//`,
  `\\u0027);${work};//`,
  `%27);${work};//`,
  `javascript:${work}`,
  ` java\nscript:${work}`,
  `data:text/javascript,${work}`,
  `data:text/html,<script>${work}</script>`,
  `$'$&$\`$1');${work};//`,
  `{{${work}}}<%= ${work} %>#{${work}}`,
  `</title></style></textarea></noscript></script><script>${work}</script>`,
  `<base href="https://elsewhere.test/"><script src="x.js">`,
  `"></script><script src="https://elsewhere.test/x.js"></script>`,
  `x"><iframe srcdoc="<script>parent.pwned=1</script>">`,
  `*/${work}/*`,
];

/** 200 of them: at the beginning, behind something harmless, behind a backslash, and on the path of an address. */
const hostileStrings = ['', 'a', 'b\\', 'https://scripts.test/'].flatMap((before) =>
  breakers.map((breaker) => before + breaker),
);

const positions = ['apiKey', 'traceId', 'metaName', 'metaValue', 'nonce', 'scriptUrl', 'reportingUrl'];

/** Options with `text` in one position; `generation` is 'first' or 'current'. */
function optionsWith(text, position, generation) {
  const options = { apiKey: 'key', traceId: '0123456789abcdef' };
  if (generation === 'current') options.reportingUrl = 'https://beacons.test/';
  if (position === 'metaName') options.meta = JSON.parse(`{${JSON.stringify(text)}:"value"}`);
  else if (position === 'metaValue') options.meta = { name: text };
  else options[position] = text;
  return options;
}

/** As somebody may write it who knows no better: what the tests have to notice. */
function naiveSnippet({
  apiKey,
  traceId,
  meta = {},
  nonce = '',
  reportingUrl,
  scriptUrl = '//eum.instana.io/eum.min.js',
}) {
  const calls = { apiKey, traceId, reportingUrl };
  const text = Object.entries(calls)
    .map(([name, value]) => `ineum('${name}','${value}');`)
    .join('');
  const more = Object.entries(meta).map(([name, value]) => `ineum('meta','${name}','${value}');`);
  return `<script nonce="${nonce}">var f=window.ineum=function(){f.q.push(arguments)};f.q=[];${text}${more.join('')}</script><script nonce="${nonce}" src="${scriptUrl}"></script>`;
}

/** A page that holds the snippet once for each text, and after each has the queue put aside. */
function hostilePage({ position, generation, from, to, naive }, eumSnippet) {
  const make = naive === undefined ? eumSnippet : naiveSnippet;
  const snippets = hostileStrings
    .slice(Number(from), Number(to))
    .map((text) => `${make(optionsWith(text, position, generation))}<script>putAside()</script>`);
  return `<!doctype html>
<html><head><meta charset="utf-8"><title>hostile</title>
<script>
  window.queues = [];
  window.putAside = () => {
    queues.push(window.ineum === undefined ? null : Array.from(ineum.q, (call) => Array.from(call)));
    delete window.ineum;
  };
</script>
${snippets.join('\n')}
</head><body></body></html>`;
}

module.exports = { hostileStrings, positions, optionsWith, hostilePage };
