/** Host names and addresses. Loopback: `localhost` and names below it (RFC 6761 §6.3), 127.0.0.0/8 and ::1. */

/** `host` is a host name or an IP address; brackets around an IPv6 address are allowed. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);

/** A host as it is written in a URL: an IPv6 address has brackets. */
export const bracketed = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);
