/** The directory of the checkout, or of the package, whose compiled code is in `dist`. */
export const root = new URL(import.meta.url.endsWith('.js') ? '../../../' : '../../', import.meta.url);
