/**
 * Keeps several packets of a payment in flight. Only the link has them at once: packets are made and answers booked one
 * after the other, so that each step sees the amounts that the one before it left.
 */

export interface Flight<Packet, Answer> {
  /** True if another packet may join those in flight. */
  readonly hasRoom: (inFlight: number) => boolean;
  /** Stores the next packet; undefined if none is to be sent before another answer. */
  readonly prepare: () => Promise<Packet | undefined>;
  /** Never rejects. */
  readonly send: (packet: Packet) => Promise<Answer>;
  readonly book: (packet: Packet, answer: Answer) => Promise<void>;
}

/**
 * Resolves when there is nothing left to send and every answer is booked. If a step throws, the answers that are still
 * to come are awaited but not booked: their packets stay in doubt.
 */
export async function keepInFlight<Packet, Answer>(flight: Flight<Packet, Answer>): Promise<void> {
  const { hasRoom, prepare, send, book } = flight;
  const answered: (readonly [Packet, Answer])[] = [];
  const inFlight = new Set<Promise<void>>();
  const launch = (packet: Packet): void => {
    const sending: Promise<void> = send(packet).then((answer) => {
      inFlight.delete(sending);
      answered.push([packet, answer]);
    });
    inFlight.add(sending);
  };
  try {
    for (;;) {
      const next = answered.shift();
      if (next) {
        await book(...next);
        continue;
      }
      const packet = hasRoom(inFlight.size) ? await prepare() : undefined;
      if (packet) launch(packet);
      else if (answered.length > 0) continue;
      else if (inFlight.size > 0) await Promise.race(inFlight);
      else return;
    }
  } finally {
    await Promise.all(inFlight);
  }
}

/** Counts the packets that are in flight to each peer, of all payments that this process sends. */
export interface PeerTraffic {
  inFlightTo(peer: string): number;
  /** Counts a packet until its answer. */
  track<Answer>(peer: string, answer: Promise<Answer>): Promise<Answer>;
}

export function createPeerTraffic(): PeerTraffic {
  const counts = new Map<string, number>();
  const inFlightTo = (peer: string) => counts.get(peer) ?? 0;
  return {
    inFlightTo,
    track(peer, answer) {
      counts.set(peer, inFlightTo(peer) + 1);
      return answer.finally(() => {
        const left = inFlightTo(peer) - 1;
        if (left === 0) counts.delete(peer);
        else counts.set(peer, left);
      });
    },
  };
}
