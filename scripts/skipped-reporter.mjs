// A reporter for node:test that writes a line for each skipped test, with its reason.
import { basename } from 'node:path';

// biome-ignore lint/style/noDefaultExport: a reporter must be one
export default async function* report(source) {
  for await (const { type, data } of source) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.skip === undefined || data.skip === false) continue;
    const reason = typeof data.skip === 'string' && data.skip !== '' ? data.skip : 'no reason given';
    yield `${basename(data.file ?? '')}: ${data.name} (${reason})\n`;
  }
}
