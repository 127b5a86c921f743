/** Mutants of the rules for requests to addresses that others name. */
import type { Mutant } from './mutant.ts';

const addresses = 'src/net/addresses.ts';
const outbound = 'src/net/outbound.ts';

/** Caught by test/net/addresses.test.ts. */
const addressRules: readonly Omit<Mutant, 'fails'>[] = [
  {
    id: 'network.mapped-addresses-are-reserved',
    file: addresses,
    at: '? «ipaddr.process(address)» :',
    by: 'ipaddr.parse(address)',
  },
  { id: 'network.metadata-allowed', file: addresses, function: 'isMetadata', returns: 'false' },
  {
    id: 'network.any-ipv6-is-public',
    file: addresses,
    at: '«isWithin(address, globalUnicast, 3)»',
    by: 'true',
  },
  {
    id: 'network.public-ranges-can-be-allowed',
    file: addresses,
    at: 'if («range && PRIVATE.includes(range[0].range())») return',
    by: 'range',
  },
];

/** Caught by test/net/outbound.test.ts. */
const requestRules: readonly Omit<Mutant, 'fails'>[] = [
  {
    id: 'network.one-allowed-address-is-enough',
    file: outbound,
    at: '!«addresses.every(({ address }) => isAllowedAddress(address, allowed))»',
    by: 'addresses.some(({ address }) => isAllowedAddress(address, allowed))',
  },
  {
    id: 'network.private-addresses-for-public-documents',
    file: outbound,
    at: "«request.publicOnly» ? 'public' : 'allowed'",
    by: 'false',
  },
  {
    id: 'network.any-port',
    file: outbound,
    at: 'if («port < 1024 && port !== 80 && port !== 443 && !options.allowAnyPort») {',
    by: 'false',
  },
];

/** Caught by test/end-to-end/private-addresses.test.ts. */
const exposureRules: readonly Omit<Mutant, 'fails'>[] = [
  {
    id: 'network.insecure-allows-loopback',
    file: 'src/world/runtime.ts',
    at: "...(«runtime.exposure.allows('loopbackRequests')» ? loopbackRanges",
    by: 'true',
  },
];

export const networkMutants: readonly Mutant[] = [...addressRules, ...requestRules, ...exposureRules].map((mutant) => ({
  ...mutant,
  fails: [],
}));
