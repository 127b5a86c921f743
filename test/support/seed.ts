/** The seed of every random choice in the tests: fixed, so that no test fails by chance, unless the environment names one. */
export const seed = Number(process.env['TOUCHSTONE_TEST_SEED'] ?? 9635);

/** For nightly runs, which print it. */
export const randomSeed = (): number => Date.now() % 2 ** 31;
