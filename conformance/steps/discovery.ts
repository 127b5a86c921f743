/** Discovery of the grant endpoint, for targets that offer it. RFC 9635 §9. */
import { NotApplicable } from '../runner/capability.ts';
import type { CheckContext } from '../runner/check.ts';
import type { Call } from './signed-client.ts';

/** Both calls. @throws NotApplicable where neither is offered */
export async function discoveryCalls(context: CheckContext): Promise<{ options: Call; get: Call }> {
  const { authServer } = context.sender;
  const options = { operation: 'options-discovery', method: 'OPTIONS', url: authServer };
  const get = { operation: 'get-discovery', url: `${authServer.replace(/\/$/, '')}/discovery` };
  const isOffered = await context.shared('discovery', async () => {
    for (const call of [options, get]) {
      const { status } = await context.call({ ...call, operation: null, sign: false });
      if (status === 200) return true;
    }
    return false;
  });
  if (!isOffered && !context.control.available) throw new NotApplicable('discovery');
  return { options, get };
}
