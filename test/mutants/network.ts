/** Mutants of the rules for requests to addresses that others name. */
import { type Mutant, noticedBy } from './mutant.ts';

export const networkMutants: readonly Mutant[] = [
  ...noticedBy('test/net/addresses.test.ts', 'src/net/addresses.ts', [
    { id: 'network.mapped-addresses-are-reserved', at: '? «ipaddr.process(address)» :', by: 'ipaddr.parse(address)' },
    { id: 'network.metadata-allowed', function: 'isMetadata', returns: 'false' },
    { id: 'network.any-ipv6-is-public', at: '«isWithin(address, globalUnicast, 3)»', by: 'true' },
    {
      id: 'network.public-ranges-can-be-allowed',
      at: 'if («range && PRIVATE.includes(range[0].range())») return',
      by: 'range',
    },
  ]),
  ...noticedBy('test/net/outbound.test.ts', 'src/net/outbound.ts', [
    {
      id: 'network.one-allowed-address-is-enough',
      at: '!«addresses.every(({ address }) => isAllowedAddress(address, allowed))»',
      by: 'addresses.some(({ address }) => isAllowedAddress(address, allowed))',
    },
    {
      id: 'network.private-addresses-for-public-documents',
      at: "«request.publicOnly» ? 'public' : 'allowed'",
      by: 'false',
    },
    {
      id: 'network.any-port',
      at: 'if («port < 1024 && port !== 80 && port !== 443 && !options.allowAnyPort») {',
      by: 'false',
    },
  ]),
  ...noticedBy('test/end-to-end/private-addresses.test.ts', 'src/world/runtime.ts', [
    {
      id: 'network.insecure-allows-loopback',
      at: "...(«runtime.exposure.allows('loopbackRequests')» ? loopbackRanges",
      by: 'true',
    },
  ]),
  ...noticedBy('test/control/control.test.ts', 'src/control/server.ts', [
    {
      id: 'network.control-host-of-an-absolute-target-ignored',
      title: 'foreign Host',
      at: "const host = «requestedHost({ url: exchange.rawTarget, headers: { host: header('host') } })»;",
      by: "header('host') ?? ''",
    },
  ]),
];
