/** For `node --import`: the process's clock differs from the others' by TOUCHSTONE_CHAOS_SKEW_MS. `src/clock.ts` alone reads it. */
const skew = Number(process.env['TOUCHSTONE_CHAOS_SKEW_MS'] ?? 0);
const now = Date.now;
Date.now = () => now() + skew;
