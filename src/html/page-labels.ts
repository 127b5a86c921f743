/** Labels of the consent pages that an operator can choose (AS-93). */

/** Words of the pages that scripts look for (AS-93). */
export interface PageLabels {
  /** `aria-label` of the buttons. */
  readonly accept?: string;
  readonly deny?: string;
  /** Of a button on the closing page, which has none without it. */
  readonly close?: string;
  /** On the closing page, when access was granted. */
  readonly accepted?: string;
}
