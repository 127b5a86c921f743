/** Calls of the control API of a world. */
import type { TestWorld } from './world.ts';

export interface ControlAnswer {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  readonly body: any;
}

export type CallControl = (method: string, path: string, body?: unknown) => Promise<ControlAnswer>;

/** `path` follows the control API's URL. */
export const controlOf =
  ({ controlUrl, controlToken }: Pick<TestWorld, 'controlUrl' | 'controlToken'>): CallControl =>
  async (method, path, body) => {
    const response = await fetch(controlUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${controlToken}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) };
  };
