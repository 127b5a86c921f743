/**
 * TLS of the public origins: what the listeners show, and whom our own calls accept. Either an authority of our own is
 * made and kept, or the certificate is given.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { wallNow } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import { openPrivateDirectory, openPrivateFile, writePrivateFile } from './private-files.ts';
import type { CertificateAndKey } from './x509.ts';

export interface TlsOptions {
  /** Holds the authority: `ca.pem` for clients, and the private `ca-key.pem`. Unused if a certificate is given. */
  readonly directory: string;
  /** Certificate, with its chain, and private key in PEM; `--tls-cert` and `--tls-key`. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Authority that our own calls accept besides the well-known ones and our own; `--tls-ca`. */
  readonly caFile?: string;
}

export interface Tls {
  /** For a listener whose origins have these hosts. Throws ConfigError if a given certificate does not cover one. */
  credentialsFor(hosts: readonly string[]): CertificateAndKey;
  /** The same, but undefined if the certificate is not for these hosts. */
  findCredentials(hosts: readonly string[]): CertificateAndKey | undefined;
  /** Accepts the well-known authorities and those of this place. */
  readonly trust: SecureContext;
  /** The authority that a client must accept; undefined if we know of none that it does not know. */
  readonly authorityFile?: string;
}

/** Clients on this machine may call a server by any of them. */
const loopbackHosts = ['localhost', '127.0.0.1', '::1'];

/** Throws ConfigError if a file cannot be read, holds something else, has expired, or does not fit its key. */
export async function openTls({ directory, certFile, keyFile, caFile }: TlsOptions): Promise<Tls> {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new ConfigError('--tls-cert and --tls-key are given together');
  }
  const additional = caFile === undefined ? [] : [await readAuthority(caFile)];
  if (certFile !== undefined && keyFile !== undefined) {
    const given = await readCredentials(certFile, keyFile);
    const certificate = new X509Certificate(given.cert);
    const isSelfSigned = certificate.checkIssued(certificate);
    const authorityFile = caFile ?? (isSelfSigned ? certFile : undefined);
    return {
      credentialsFor(hosts) {
        for (const host of hosts)
          if (!isFor(certificate, host)) throw new ConfigError(`${certFile} is not for ${host}`);
        return given;
      },
      findCredentials: (hosts) => (hosts.every((host) => isFor(certificate, host)) ? given : undefined),
      trust: createTrust(isSelfSigned ? [given.cert, ...additional] : additional),
      authorityFile: authorityFile && resolve(authorityFile),
    };
  }
  const { createAuthority, issueCertificate } = await import('./x509.ts');
  await openPrivateDirectory(directory);
  const authority = await openAuthority(resolve(directory, 'ca-key.pem'), createAuthority);
  const authorityFile = resolve(directory, 'ca.pem');
  await writePrivateFile(authorityFile, authority.cert);
  const issued = new Map<string, CertificateAndKey>();
  const credentialsFor: Tls['credentialsFor'] = (hosts) => {
    const names = [...new Set([...loopbackHosts, ...hosts.map(withoutBrackets)])].toSorted();
    const credentials = issued.get(names.join()) ?? issueCertificate(authority, names, wallNow());
    issued.set(names.join(), credentials);
    return credentials;
  };
  return {
    credentialsFor,
    findCredentials: credentialsFor,
    trust: createTrust([authority.cert, ...additional]),
    authorityFile,
  };
}

/** The authority in this file, which holds its key and its certificate. Without the file, makes a new one there. */
async function openAuthority(file: string, create: (now: number) => CertificateAndKey): Promise<CertificateAndKey> {
  const existing = await openPrivateFile(file);
  const { size } = await existing.stat();
  await existing.close();
  if (size === 0) {
    const created = create(wallNow());
    await writePrivateFile(file, created.key + created.cert);
    return created;
  }
  const { cert, key } = await readCredentials(file, file);
  return { cert: new X509Certificate(cert).toString(), key };
}

async function readCredentials(certFile: string, keyFile: string): Promise<CertificateAndKey> {
  const cert = await readText(certFile);
  const key = await readText(keyFile);
  const certificate = parseCertificate(certFile, cert);
  if (!certificate.checkPrivateKey(parsePrivateKey(keyFile, key))) {
    throw new ConfigError(`${keyFile} is not the private key of ${certFile}`);
  }
  return { cert, key };
}

async function readAuthority(file: string): Promise<string> {
  const cert = await readText(file);
  if (!parseCertificate(file, cert).ca) throw new ConfigError(`${file} is not the certificate of an authority`);
  return cert;
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`cannot read ${file} (${error.code})`);
  });
}

/** The first one of the file; valid now. */
function parseCertificate(file: string, pem: string): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw new ConfigError(`${file} holds no certificate in PEM`);
  }
  const { validFrom, validTo } = certificate;
  if (wallNow() < Date.parse(validFrom)) throw new ConfigError(`${file} is not valid before ${validFrom}`);
  if (wallNow() > Date.parse(validTo)) throw new ConfigError(`${file} has expired: ${validTo}`);
  return certificate;
}

/** The parser's own message could quote what it read. */
function parsePrivateKey(file: string, pem: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new ConfigError(`${file} holds no private key in PEM, or an encrypted one`);
  }
}

function isFor(certificate: X509Certificate, host: string): boolean {
  const name = withoutBrackets(host);
  return (
    (isIP(name) === 0 ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name)) !== undefined
  );
}

/** `[::1]`, the host of a URL, as `::1`. */
const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, '');

const createTrust = (authorities: readonly string[]): SecureContext =>
  createSecureContext({ ca: [...getCACertificates('default'), ...authorities] });
