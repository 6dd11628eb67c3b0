// The machine and the package versions of a benchmark.
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from './child-process.js';
import { peers, peersFolder } from './variants.js';

export interface Machine {
  readonly date: string;
  readonly node: string;
  readonly platform: string;
  readonly cpus: number;
  readonly model: string;
  readonly memoryGiB: number;
  /** The load average of the minute before the start: what else the machine was doing. */
  readonly loadAverage: number;
  readonly versions: Readonly<Record<string, string>>;
}

function versionOf(packageName: string, folder: string): string {
  const text = readFileSync(join(folder, packageName, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version; // every installed package has a version
}

export function describeMachine(withPeers: boolean): Machine {
  const own = ['express', 'koa', '@koa/router'].map((name) => [
    name,
    versionOf(name, join(repositoryRoot, 'node_modules')),
  ]);
  const others = withPeers ? peers.map(({ packageName }) => [packageName, versionOf(packageName, peersFolder)]) : [];
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpus: cpus().length,
    model: cpus()[0]?.model.trim() ?? '',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAverage: loadavg()[0] ?? Number.NaN,
    versions: Object.fromEntries([['@instana/ts-sensor', versionOf('.', repositoryRoot)], ...own, ...others]),
  };
}

export function machineLine(machine: Machine): string {
  const { date, node, platform, model, memoryGiB, loadAverage, versions } = machine;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return (
    `${date}, Node.js ${node}, ${platform}, ${machine.cpus} × ${model}, ${memoryGiB} GiB, load ${loadAverage.toFixed(1)} before\n` +
    packages.join(', ')
  );
}
