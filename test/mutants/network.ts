/** Mutants of the rules for requests to addresses that others name. */
import type { Mutant } from './mutant.ts';

const addresses = 'src/net/addresses.ts';
const outbound = 'src/net/outbound.ts';

export const networkMutants: readonly Mutant[] = [
  {
    id: 'network.mapped-addresses-are-reserved',
    file: addresses,
    at: '? «ipaddr.process(address)» :',
    by: 'ipaddr.parse(address)',
    fails: [],
    test: 'test/net/addresses.test.ts',
  },
  {
    id: 'network.metadata-allowed',
    file: addresses,
    function: 'isMetadata',
    returns: 'false',
    fails: [],
    test: 'test/net/addresses.test.ts',
  },
  {
    id: 'network.any-ipv6-is-public',
    file: addresses,
    at: '«isWithin(address, globalUnicast, 3)»',
    by: 'true',
    fails: [],
    test: 'test/net/addresses.test.ts',
  },
  {
    id: 'network.public-ranges-can-be-allowed',
    file: addresses,
    at: 'if («range && PRIVATE.includes(range[0].range())») return',
    by: 'range',
    fails: [],
    test: 'test/net/addresses.test.ts',
  },
  {
    id: 'network.one-allowed-address-is-enough',
    file: outbound,
    at: '!«addresses.every(({ address }) => isAllowedAddress(address, allowed))»',
    by: 'addresses.some(({ address }) => isAllowedAddress(address, allowed))',
    fails: [],
    test: 'test/net/outbound.test.ts',
  },
  {
    id: 'network.private-addresses-for-public-documents',
    file: outbound,
    at: "«request.publicOnly» ? 'public' : 'allowed'",
    by: 'false',
    fails: [],
    test: 'test/net/outbound.test.ts',
  },
  {
    id: 'network.any-port',
    file: outbound,
    at: 'if («port < 1024 && port !== 80 && port !== 443 && !options.allowAnyPort») {',
    by: 'false',
    fails: [],
    test: 'test/net/outbound.test.ts',
  },
  {
    id: 'network.insecure-allows-loopback',
    file: 'src/world/runtime.ts',
    at: "...(«runtime.exposure.allows('loopbackRequests')» ? loopbackRanges",
    by: 'true',
    fails: [],
    test: 'test/end-to-end/private-addresses.test.ts',
  },
  {
    id: 'network.control-host-of-an-absolute-target-ignored',
    file: 'src/control/server.ts',
    at: "const host = «requestedHost({ url: exchange.rawTarget, headers: { host: header('host') } })»;",
    by: "header('host') ?? ''",
    fails: [],
    test: 'test/control/control.test.ts',
    title: 'foreign Host',
  },
];
