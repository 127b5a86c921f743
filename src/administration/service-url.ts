/** URLs of the operator's own services that an ASE calls: the webhook receiver, the source of rates (EVT-01, SET-06). */
import { invalid } from './problem.ts';

/** The URL in its normal form. Throws `invalid_request` for anything but http and https, and for http unless allowed. */
export function checkServiceUrl(text: string, allowHttp: boolean): string {
  const url = URL.parse(text);
  if (!url || !(url.protocol === 'https:' || (allowHttp && url.protocol === 'http:'))) {
    throw invalid(allowHttp ? 'url is no http or https URL' : 'url is no https URL');
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw invalid('url has user information or a fragment');
  }
  return url.href;
}
