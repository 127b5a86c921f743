/** Problems of the identity provider: pages for people, and Rafiki's JSON on the back channel (AS-80…83). */
import type { operations } from '../../generated/identity-provider/types.ts';
import type { Problem } from '../errors.ts';
import { pageHeaders, renderMessage } from '../html/layout.ts';
import { type ErrorCatalogue, findEntry, renderError } from '../http/error-catalogue.ts';
import type { Reply } from '../http/reply.ts';
import type { PipelineCode } from '../http/server.ts';

/** Problems of the authorization server's interactions that a decision can meet. */
type DecisionCode =
  | 'unknown_interaction'
  | 'interaction_closed'
  | 'user_denied'
  | 'foreign_holder'
  | 'unacceptable_limits';

type Code = Exclude<PipelineCode, 'missing_authorization' | 'invalid_signature'> | DecisionCode;

// ── Pages ───────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Page {
  readonly status: number;
  readonly title: string;
  readonly sentence: string;
}

const unreadableForm = (status: number, sentence: string): Page => ({
  status,
  title: 'Form could not be read',
  sentence,
});

const pages: ErrorCatalogue<Code | 'foreign_form' | 'misdirected_request', Page> = {
  not_found: { status: 404, title: 'Not found', sentence: 'This page does not exist.' },
  method_not_allowed: { status: 405, title: 'Method not allowed', sentence: 'This page does not accept this method.' },
  malformed_body: unreadableForm(400, 'Open the link from the application again.'),
  invalid_request: { status: 400, title: 'This link is incomplete', sentence: 'The link or the form lacks a value.' },
  unsupported_media_type: unreadableForm(415, 'Open the link from the application again.'),
  body_too_large: unreadableForm(413, 'The form is too large.'),
  body_timeout: unreadableForm(400, 'The form did not arrive in time.'),
  rate_limited: { status: 429, title: 'Too many requests', sentence: 'Wait a moment, then try again.' },
  overloaded: { status: 503, title: 'Too busy', sentence: 'Wait a moment, then try again.' },
  misdirected_request: {
    status: 421,
    title: 'Wrong address',
    sentence: 'This page has another address. Open the link from the application again.',
  },
  unknown_interaction: { status: 404, title: 'Unknown request', sentence: 'This request for access does not exist.' },
  interaction_closed: {
    status: 400,
    title: 'Request closed',
    sentence: 'This request for access has already been decided, or it has expired.',
  },
  user_denied: { status: 400, title: 'Request withdrawn', sentence: 'The application has withdrawn its request.' },
  foreign_holder: {
    status: 403,
    title: 'Not your account',
    sentence: 'This request is for a wallet address of another account.',
  },
  unacceptable_limits: {
    status: 400,
    title: 'Amount too high',
    sentence: 'You cannot allow more than the application requested.',
  },
  foreign_form: {
    status: 403,
    title: 'Wrong browser',
    sentence: 'This form was not filled in here. Open the link from the application again.',
  },
  internal_error: { status: 500, title: 'Something went wrong', sentence: 'The error is on our side.' },
};

export function renderPageProblem(problem: Problem, _operationId: string | undefined, failureId: string): Reply {
  const page = findEntry(pages, problem);
  const sentence = page === pages.internal_error ? `The error is on our side (${failureId}).` : page.sentence;
  return { status: page.status, headers: pageHeaders(), body: renderMessage(page.title, sentence) };
}

// ── Back channel ────────────────────────────────────────────────────────────────────────────────────────────────────

const invalidRequest = (description: string, status = 400) => ({ status, code: 'invalid_request', description });

const backChannel: ErrorCatalogue<Code | 'unknown_decision' | 'wrong_secret'> = {
  not_found: { status: 404, code: 'unknown_interaction', description: 'no such endpoint' },
  method_not_allowed: invalidRequest('the endpoint does not have this method', 405),
  invalid_request: invalidRequest('the request does not match the specification'),
  malformed_body: invalidRequest('the body is not JSON'),
  unsupported_media_type: invalidRequest('the content type must be application/json'),
  body_too_large: invalidRequest('the body is too large', 413),
  body_timeout: invalidRequest('the body did not arrive in time'),
  rate_limited: invalidRequest('too many requests', 429),
  overloaded: invalidRequest('too much to do', 503),
  unknown_decision: invalidRequest('the decision must be accept or reject'),
  unacceptable_limits: invalidRequest('limits exceed the requested amounts'),
  wrong_secret: { status: 401, code: 'invalid_interaction', description: 'x-idp-secret is missing or wrong' },
  unknown_interaction: { status: 404, code: 'unknown_interaction', description: 'unknown interaction' },
  interaction_closed: { status: 400, code: 'invalid_interaction', description: 'the interaction is closed' },
  user_denied: { status: 401, code: 'user_denied', description: 'the grant was cancelled' },
  foreign_holder: { status: 403, code: 'user_denied', description: 'another account holds the wallet address' },
  internal_error: { status: 500, code: 'request_denied', description: 'internal error' },
};

const perOperation: { readonly [operation in keyof operations]?: Partial<typeof backChannel> } = {
  // Rafiki uses another code here (AS-81).
  'get-interaction': { wrong_secret: { ...backChannel.wrong_secret, code: 'invalid_request' } },
};

export const renderBackChannelProblem = (problem: Problem, operationId: string | undefined, failureId: string): Reply =>
  renderError({ ...backChannel, ...perOperation[operationId as keyof operations] }, problem, failureId);
