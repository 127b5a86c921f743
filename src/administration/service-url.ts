/** URLs of the operator's services that an ASE calls: webhook receiver and rate service (EVT-01, SET-06). */
import { adminProblem } from './problem.ts';

/** The normalised URL. Throws `invalid_request` unless it is an https URL, or an http URL if `allowHttp`. */
export function checkServiceUrl(text: string, allowHttp: boolean): string {
  const url = URL.parse(text);
  if (!url || !(url.protocol === 'https:' || (allowHttp && url.protocol === 'http:'))) {
    throw adminProblem('invalid_request', allowHttp ? 'url is not an http or https URL' : 'url is not an https URL');
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw adminProblem('invalid_request', 'url has user information or a fragment');
  }
  return url.href;
}
