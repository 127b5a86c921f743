/**
 * Certificates for TLS on this machine: an authority, and server certificates that it issues (RFC 5280 §4, RFC 5480,
 * RFC 5758 §3.2). Node reads certificates but writes none. All keys are ECDSA P-256. `@peculiar/x509` would halve this
 * file, but brings 14 more packages and a polyfill of the global `Reflect`, loads twice as long, and only signs
 * asynchronously.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

/** A certificate with its private key (PKCS #8), both in PEM. */
export interface CertificateAndKey {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** Clients exist that refuse more than 825. */
const SERVER_DAYS = 397;

/** A new authority, which may issue server certificates but no further authorities; `now` in milliseconds. */
export function createAuthority(now: number): CertificateAndKey {
  const { publicKey, privateKey } = createKeyPair();
  // Named after its key: replaced by another, it is not taken for it.
  const name = createName(`Touchstone test authority ${identifyKey(publicKey).toString('hex').slice(0, 8)}`);
  return issue({
    publicKey,
    privateKey,
    subject: name,
    issuer: name,
    signer: privateKey,
    notBefore: now - DAY_MS,
    notAfter: now + AUTHORITY_DAYS * DAY_MS,
    extensions: [
      extend(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
      extend(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
    ],
  });
}

/** A certificate with a new key for a server of these host names and IP addresses. */
export function issueCertificate(
  authority: CertificateAndKey,
  hosts: readonly string[],
  now: number,
): CertificateAndKey {
  const { publicKey, privateKey } = createKeyPair();
  const issuer = AsnConvert.parse(new X509Certificate(authority.cert).raw, Certificate).tbsCertificate;
  const issuerKey = createPublicKey(authority.cert);
  const names = hosts.map((host) => new GeneralName(isIP(host) === 0 ? { dNSName: host } : { iPAddress: host }));
  return issue({
    publicKey,
    privateKey,
    subject: createName('Touchstone'),
    issuer: issuer.subject,
    signer: authority.key,
    notBefore: now - DAY_MS,
    notAfter: Math.min(now + SERVER_DAYS * DAY_MS, issuer.validity.notAfter.getTime().getTime()),
    extensions: [
      extend(id_ce_subjectAltName, new SubjectAlternativeName(names)),
      extend(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
      extend(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
      extend(
        id_ce_authorityKeyIdentifier,
        new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(identifyKey(issuerKey)) }),
      ),
    ],
  });
}

interface Issue {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly subject: Name;
  readonly issuer: Name;
  readonly signer: KeyObject | string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly Extension[];
}

function issue({
  publicKey,
  privateKey,
  subject,
  issuer,
  signer,
  notBefore,
  notAfter,
  extensions,
}: Issue): CertificateAndKey {
  const keyIdentifier = identifyKey(publicKey);
  // Positive, and unique because no key is certified twice.
  const serialNumber = Buffer.from(keyIdentifier.subarray(0, 16));
  serialNumber[0] = (serialNumber[0]! & 0x3f) | 0x40;
  const signatureAlgorithm = new AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' }); // ecdsa-with-SHA256
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: toArrayBuffer(serialNumber),
    signature: signatureAlgorithm,
    issuer,
    validity: new Validity({ notBefore: new Date(notBefore), notAfter: new Date(notAfter) }),
    subject,
    subjectPublicKeyInfo: AsnConvert.parse(encodeKey(publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions([
      ...extensions,
      extend(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier)),
    ]),
  });
  const signatureValue = toArrayBuffer(sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), signer));
  const certificate = new Certificate({ tbsCertificate, signatureAlgorithm, signatureValue });
  return {
    cert: new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))).toString(),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

const createKeyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

const encodeKey = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' });

/** Twenty bytes of a digest of the key (RFC 7093 §2). */
const identifyKey = (key: KeyObject): Buffer => createHash('sha256').update(encodeKey(key)).digest().subarray(0, 20);

const extend = (extnID: string, value: object, critical = false): Extension =>
  new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

const createName = (commonName: string): Name =>
  new Name([
    new RelativeDistinguishedName([
      new AttributeTypeAndValue({ type: '2.5.4.3', value: new AttributeValue({ utf8String: commonName }) }),
    ]),
  ]);

const toArrayBuffer = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;
