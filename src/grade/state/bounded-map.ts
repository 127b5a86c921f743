/** A map that forgets its oldest entry when it is full, so that a long run needs bounded memory. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #max: number;

  constructor(max: number) {
    super();
    this.#max = max;
  }

  /** The entry becomes the newest one. */
  override set(key: Key, value: Value): this {
    super.delete(key);
    super.set(key, value);
    if (this.size > this.#max) super.delete(this.keys().next().value as Key);
    return this;
  }
}
