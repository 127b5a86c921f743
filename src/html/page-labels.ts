/** Labels of the consent and closing pages, which test scripts look for and operators can change (AS-93). */

export interface PageLabels {
  /** `aria-label` of the buttons. */
  readonly accept?: string;
  readonly deny?: string;
  /** `aria-label` of the button on the closing page; the button is absent without it. */
  readonly close?: string;
  /** Heading of the closing page when access was granted. */
  readonly accepted?: string;
}
