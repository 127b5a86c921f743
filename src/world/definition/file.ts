/** The world file: what `--world` reads, in YAML or JSON, into a world's definition. */
import { isUtf8 } from 'node:buffer';
import { createReadStream, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ConfigError } from '../../errors.ts';
import { findInconsistencies } from './consistency.ts';
import { type AseDefinition, defaultWorld, type PeerDefinition, type WorldDefinition } from './definition.ts';
import type { Mistake, Place } from './document-reader.ts';
import { type AseDocument, createWorldReader, type PeerDocument, type WorldDocument } from './shape.ts';

const MAX_FILE_BYTES = 1_000_000;

/** At most MAX_FILE_BYTES + 1 bytes, even of a device that never ends. */
async function readBounded(file: string): Promise<string> {
  const bytes = await buffer(createReadStream(file, { end: MAX_FILE_BYTES })).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`cannot read ${file} (${error.code})`);
  });
  if (bytes.length > MAX_FILE_BYTES) throw new ConfigError(`${file}: larger than ${MAX_FILE_BYTES} bytes`);
  if (!isUtf8(bytes)) throw new ConfigError(`${file}: not UTF-8 text; save it in UTF-8`);
  return bytes.toString();
}

/**
 * Parses a document. Key files are resolved in `directory`; without it, they are rejected. `lineOf` finds the line of a
 * member. Throws ConfigError.
 */
export function parseWorld(
  document: unknown,
  directory?: string,
  lineOf: (at: string) => number | undefined = () => undefined,
): WorldDefinition {
  const mistakes: Mistake[] = [];
  const place: Place = { at: '', mistakes };
  const world = createWorldReader(directory)(document, place);
  if (mistakes.length === 0) mistakes.push(...findInconsistencies(world));
  if (mistakes.length === 0) return toDefinition(world);
  const sentences = mistakes.map(({ at, sentence }) => {
    const line = lineOf(at);
    return `${line === undefined ? '' : `line ${line}: `}${at || 'the document'}: ${sentence}`;
  });
  throw new ConfigError(sentences.join('\n'));
}

/** The directory of the checkout, or of the package, whose bundle is in `dist/src`. */
const root = join(import.meta.dirname, import.meta.filename.endsWith('.js') ? '../..' : '../../..');

/** `examples/…` also names the examples of the program, from any working directory. */
function locate(file: string): string {
  const example = join(root, file);
  return !existsSync(file) && file.startsWith('examples/') && existsSync(example) ? example : file;
}

/** Loads a world file. Throws ConfigError with one line for each mistake. */
export async function readWorldFile(name: string): Promise<WorldDefinition> {
  const file = locate(name);
  const content = await readBounded(file);
  try {
    const { loadYaml } = await import('./yaml.ts');
    const { document, lineOf } = loadYaml(content);
    return { ...parseWorld(document, dirname(resolve(file)), lineOf), file };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.message.replaceAll(/^/gm, `${file}: `));
  }
}

// ── Conversion ──────────────────────────────────────────────────────────────────────────────────────────────────────

function toDefinition(world: WorldDocument): WorldDefinition {
  const { wallet, keyId } = world.client;
  return {
    ...defaultWorld,
    ...world,
    ases: world.ases.map(toAse),
    fee: toFee(world.fee ?? {}),
    client: { ...wallet, keyId },
  };
}

function toAse({ wallets, fees, peers, ...ase }: AseDocument, index: number): AseDefinition {
  return {
    ...ase,
    portOffset: index * 100,
    wallets: wallets.map(({ balance = 0n, ...wallet }) => ({ ...wallet, balance })),
    ...(fees && { fees: fees.map(({ asset, ...terms }) => ({ asset, fee: toFee(terms) })) }),
    ...(peers && { peers: peers.map(toPeer) }),
  };
}

function toPeer({
  name,
  maxPacketAmount,
  balanceLimit,
  answersRepeats,
  routes,
  ...remote
}: PeerDocument): PeerDefinition {
  const terms = { name, maxPacketAmount, balanceLimit, answersRepeats, routes };
  return remote.endpoint === undefined ? terms : { ...terms, elsewhere: remote as PeerDefinition['elsewhere'] };
}

const toFee = ({ basisPoints = 0, fixed = 0n }: { readonly basisPoints?: number; readonly fixed?: bigint }) => ({
  basisPoints,
  fixed,
});
