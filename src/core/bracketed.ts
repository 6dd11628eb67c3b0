// IPv6 addresses in URLs and in the Host header.

/** A host as it appears in a URL: an IPv6 address in brackets, anything else unchanged. */
export function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
