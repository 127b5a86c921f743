/** The log, the database and the TLS of a deployment, from the options. */
import { resolve } from 'node:path';
import pino, { type Logger } from 'pino';
import type { DatabaseOptions } from '../database/database.ts';
import { ConfigError } from '../errors.ts';
import { openTls, type Tls } from '../net/tls.ts';
import type { Config } from './options.ts';

/** JSON lines on stderr. Headers and bodies are never logged; redaction is a second line of defence. */
export function createLogger(level: Config['logLevel']): Logger {
  const secret = [
    'authorization',
    'token',
    'secret',
    'sharedSecret',
    'privateKey',
    'signature',
    'nonce',
    'interact_ref',
  ];
  const redact = secret.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({ level, base: null, redact }, pino.destination({ fd: 2, sync: true }));
}

export function chooseDatabase(config: Config): DatabaseOptions {
  if (config.databaseUrl !== undefined) {
    const { databaseUrl: url, databaseReplicaUrl: replicaUrl, databaseConnections: poolSize } = config;
    return { kind: 'postgresql', url, replicaUrl, poolSize };
  }
  return { kind: 'embedded', directory: config.data && resolve(config.data) };
}

/** Undefined for plain HTTP. Throws ConfigError. */
export async function chooseTls(config: Config, directory: string): Promise<Tls | undefined> {
  const { tlsCert: certFile, tlsKey: keyFile, tlsCa: caFile, publicUrl } = config;
  if (!config.tls && certFile === undefined && keyFile === undefined) {
    if (caFile !== undefined) throw new ConfigError('--tls-ca needs --tls or --tls-cert');
    return undefined;
  }
  if (publicUrl?.startsWith('http:')) throw new ConfigError('with TLS, --public-url must be an https URL');
  return openTls({ directory, certFile, keyFile, caFile });
}
