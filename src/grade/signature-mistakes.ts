/** The mistakes that clients make when they sign, each with a sentence about the client and the fix. */
export const signatureMistakes = {
  'base-hashed-first': ['signed a hash of the signature base', 'Sign the bytes of the base; Ed25519 hashes itself.'],
  'host-without-port': ['left the port out of the URL', 'Sign the URL exactly as requested, with its port.'],
  'default-port-added': ['added the default port to the URL', 'Leave the default port of the scheme out.'],
  'slash-appended': ['appended a slash to the path', 'Sign the path exactly as it is sent.'],
  'slash-removed': ['removed a slash from the end of the path', 'Sign the path exactly as it is sent.'],
  'query-decoded': ['decoded the query', 'Sign the query with its percent-encoding as it is sent.'],
  'query-encoded-again': ['encoded the query again', 'Sign the query with its percent-encoding as it is sent.'],
  'query-missing': ['left the query out of the URL', 'Sign the URL with its query.'],
  'path-decoded': ['decoded the path', 'Sign the path with its percent-encoding as it is sent.'],
  'other-scheme': ['signed http for https, or https for http', 'Sign the scheme of the public URL.'],
  'other-authority': ['signed another host than that of the public URL', 'Sign the host of the published URL.'],
  'upper-case-host': ['signed the host in upper case', 'Sign the host in lower case.'],
  'target-uri-is-request-target': [
    'signed the request target as @target-uri',
    'Sign the absolute URL as @target-uri; path and query alone are @request-target.',
  ],
  'request-target-is-target-uri': ['signed the URL as @request-target', 'Sign path and query as @request-target.'],
  'method-lower-case': ['signed the method in lower case', 'Sign the method as it is sent, in upper case.'],
  'authorization-without-scheme': [
    'signed the token without its scheme',
    'Sign the whole value of Authorization: GNAP, a space and the token.',
  ],
  'authorization-other-scheme': [
    'signed another authentication scheme than it sent',
    'Sign the value of Authorization as it is sent.',
  ],
  'content-type-other': ['signed another Content-Type than it sent', 'Sign the value of Content-Type as it is sent.'],
  'component-left-out': [
    'left a covered component out of the base',
    'Write a line for each component that Signature-Input lists.',
  ],
  'component-order': [
    'wrote the components in another order than Signature-Input lists them',
    'Use one list of components for Signature-Input and for the base.',
  ],
  'parameter-order': [
    'wrote the parameters in another order than Signature-Input has',
    'Use the same text for Signature-Input and for @signature-params.',
  ],
  'parameters-other-text': [
    'signed the parameters in another spelling than Signature-Input has',
    'Use the same text for Signature-Input and for @signature-params.',
  ],
  'parameter-left-out': [
    'left a parameter out of @signature-params',
    'Use the same text for Signature-Input and for @signature-params.',
  ],
  'label-in-parameters': ['wrote the label into @signature-params', 'Begin @signature-params with the parenthesis.'],
  'wrong-created': [
    'signed another created than it sent, or one outside the window',
    'Read the clock once for each request, in seconds, and use that value in both places.',
  ],
  'created-in-milliseconds': ['gave created in milliseconds', 'Give created in seconds since 1970.'],
  'trailing-newline': ['ended the base with a line break', 'End the base after @signature-params.'],
  'carriage-returns': ['ended the lines of the base with CR LF', 'Separate the lines of the base with LF.'],
  'missing-quotes': ['wrote component names without quotes', 'Put each component name in double quotes.'],
  'upper-case-names': ['wrote component names in upper case', 'Write component names in lower case.'],
  'missing-space': ['wrote no space after the colon', 'Write a colon and one space after each name in the base.'],
  'missing-signature-params': [
    'left the line @signature-params out of the base',
    'End the base with the line @signature-params.',
  ],
  'missing-label': ['sent Signature without a label', 'Send Signature: sig1=:…:, with the label of Signature-Input.'],
  'missing-colons': ['sent the signature without colons', 'Send the signature as a byte sequence, between colons.'],
  'label-mismatch': ['used different labels', 'Use one label in Signature and Signature-Input.'],
  'signature-base64url': ['encoded the signature as base64url', 'Encode the signature as base64, RFC 4648 section 4.'],
  'wrong-alg': ['sent an alg other than ed25519', 'Leave alg out; the key determines the algorithm.'],
  'wrong-tag': ['sent a tag other than gnap', 'Send tag="gnap", or no tag.'],
  'component-not-covered': [
    'did not cover a component that must be covered',
    'Cover @method, @target-uri, authorization if present, and content-digest with a body.',
  ],
  'covered-header-absent': ['covered a header that it did not send', 'Sign after the last header has been set.'],
  'key-of-another-kid': ['signed with the key of another kid', 'Sign with the private key that belongs to keyid.'],
  'digest-missing': ['sent a body without Content-Digest', 'Send Content-Digest of the body.'],
  'digest-of-pretty-printed-json': ['digested a pretty-printed body', 'Digest the very bytes that are sent.'],
  'digest-of-other-serialisation': [
    'digested the body in another serialisation',
    'Serialise the body once; digest and send these bytes.',
  ],
  'digest-of-other-line-end': ['digested the body with another line end', 'Digest the very bytes that are sent.'],
  'digest-of-empty-body': ['digested an empty body', 'Compute the digest after the body is known.'],
  'digest-hex': ['encoded the digest in hexadecimal', 'Encode the bytes of the digest as base64.'],
  'digest-base64url': ['encoded the digest as base64url', 'Encode the digest as base64, RFC 4648 section 4.'],
  'digest-without-colons': ['sent the digest without colons', 'Send the digest as a byte sequence, between colons.'],
  'digest-of-other-algorithm': [
    'named another hash algorithm than it used',
    'Name the algorithm that was used: sha-256 or sha-512.',
  ],
} as const satisfies Record<string, readonly [mistake: string, fix: string]>;

export type MistakeName = keyof typeof signatureMistakes;
