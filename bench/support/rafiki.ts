/**
 * CPU milliseconds per request of Rafiki, server and PostgreSQL together, as lowest and highest of several runs. They
 * were measured on the main branch of August 2026, on a machine like that of `figures.md`, with 16 connections, and with
 * servers and PostgreSQL 15 on one core. They are facts for comparison: this repository cannot repeat the measurement.
 */
export const rafiki: Readonly<Record<string, readonly [lowest: number, highest: number]>> = {
  'wallet address GET': [0.6, 1.1],
  'jwks.json GET': [1.1, 1.3],
  'public incoming payment GET': [2.9, 3.5],
  'grant POST, non-interactive': [6.7, 10],
  'incoming payment POST': [10.8, 14.7],
  'incoming payment GET with token': [8.5, 12],
  'list of 10': [12.7, 17],
  'quote POST': [11.6, 13.8],
  'outgoing payment POST with its payment': [19, 29],
  'interactive grant up to the token': [44, 48],
  'whole flow, 10 requests': [122, 163],
};
