/**
 * IP addresses to which the program may connect when another party names the host (RFC 6890; RFC 9635 §11.34): public
 * ones, and private ones in ranges that the operator allows.
 */
import ipaddr from 'ipaddr.js';
import { ConfigError } from '../errors.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Ranges of loopback and private addresses that are allowed besides public addresses. */
export type AddressRanges = readonly (readonly [network: Address, prefixLength: number])[];

/** Only these can be allowed. Link-local, multicast, reserved and translated addresses are always blocked. */
const PRIVATE: readonly string[] = ['loopback', 'private', 'carrierGradeNat', 'uniqueLocal'];

/** Metadata services of clouds at addresses that are not link-local: they hand out credentials. */
const METADATA = ['100.100.100.200', '168.63.129.16', 'fd00:ec2::254'].map((address) => ipaddr.parse(address));

const namedRanges: Readonly<Record<string, string>> = {
  loopback: '127.0.0.0/8 ::1/128',
  private: '10.0.0.0/8 100.64.0.0/10 172.16.0.0/12 192.168.0.0/16 fc00::/7',
};

/**
 * Ranges from a list such as `loopback,10.0.0.0/8`; none if it is undefined. `loopback` and `private` stand for all
 * ranges of that kind. Throws ConfigError.
 */
export function parseAddressRanges(text: string | undefined): AddressRanges {
  if (text === undefined) return [];
  return text.split(',').flatMap((item) => {
    const name = item.trim();
    const blocks = Object.hasOwn(namedRanges, name) ? namedRanges[name]! : name;
    return blocks.split(' ').map((block) => {
      const range = ipaddr.isValidCIDR(block) ? ipaddr.parseCIDR(block) : undefined;
      if (range && PRIVATE.includes(range[0].range())) return range;
      throw new ConfigError(
        `--allow-private-addresses: ${name} is not a private range; write loopback, private, or CIDR such as 10.0.0.0/8`,
      );
    });
  });
}

export const loopbackRanges = parseAddressRanges('loopback');

/** All loopback and private addresses. */
export const privateRanges = parseAddressRanges('loopback,private');

/** True for an address of the public Internet. IPv4-mapped IPv6 addresses count as the address that they map. */
export function isPublicAddress(text: string): boolean {
  const address = parse(text);
  return address !== undefined && isPublic(address);
}

/** True if a connection to the address may be made. */
export function isAllowedAddress(text: string, allowed: AddressRanges): boolean {
  const address = parse(text);
  if (!address) return false;
  if (isPublic(address)) return true;
  const isPrivate = PRIVATE.includes(address.range()) && !isMetadata(address);
  return isPrivate && allowed.some(([network, length]) => isWithin(address, network, length));
}

/** Without an IPv6 zone, which `%` introduces. */
function parse(text: string): Address | undefined {
  const address = text.split('%', 1)[0]!;
  return ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
}

const globalUnicast = ipaddr.IPv6.parse('2000::');

const isPublic = (address: Address): boolean =>
  address.range() === 'unicast' &&
  !isMetadata(address) &&
  (address.kind() === 'ipv4' || isWithin(address, globalUnicast, 3));

const isMetadata = (address: Address): boolean => METADATA.some((known) => known.toString() === address.toString());

const isWithin = (address: Address, network: Address, length: number): boolean =>
  address.kind() === network.kind() && address.match([network, length]);
