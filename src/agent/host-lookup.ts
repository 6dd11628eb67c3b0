// Where an agent may listen: the configured address, or this machine and then the gateway of its network.
import { readFileSync } from 'node:fs';
import type { Address } from '../transport/message.js';

/** The part of the configuration that the look-up uses. */
export interface HostConfig {
  readonly agentHost: string;
  readonly agentPort: number;
  readonly agentHostConfigured: boolean;
}

/** The addresses to try, in order. In a container the agent is on the host, which the gateway leads to. */
export function candidates(config: HostConfig, routeFile: string): Address[] {
  const configured = { host: config.agentHost, port: config.agentPort };
  if (config.agentHostConfigured) return [configured];
  const gateway = readGateway(routeFile);
  return gateway === null ? [configured] : [configured, { host: gateway, port: config.agentPort }];
}

function readGateway(routeFile: string): string | null {
  try {
    return parseGateway(readFileSync(routeFile, 'latin1'));
  } catch {
    return null; // no procfs: there is no gateway to try
  }
}

/** The default gateway of a Linux routing table: the line with destination 0, its address in hexadecimal, bytes reversed. */
export function parseGateway(table: string): string | null {
  for (const line of table.split('\n')) {
    const [, destination, gateway] = line.split('\t');
    if (destination !== '00000000' || gateway === undefined || !/^[0-9a-f]{8}$/i.test(gateway)) continue;
    const bytes = Buffer.from(gateway, 'hex').reverse();
    if (bytes.every((byte) => byte === 0)) continue; // a route without a gateway
    return bytes.join('.');
  }
  return null;
}
