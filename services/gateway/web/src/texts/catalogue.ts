/** What the server's catalogue says, in another language. What is not here is said as the catalogue says it. */
export interface Catalogue {
  /** By the code of an error: what happened, and what helps. */
  errors: Record<string, [sentence: string, remedy: string]>;
  /** What is being done by a kind of job. */
  kinds: Record<string, string>;
  /** What a kind of asset is called. */
  assets: Record<string, string>;
  /** What a format of splats is good for. */
  uses: Record<string, string>;
  /** What a job is doing, by the last stage that its worker told, which says it itself in English. */
  stages: Record<string, string>;
  /** What a service tells in words of what it made. */
  told: (words: string) => string;
}

/** The catalogue itself is in English. */
export const english: Catalogue = {
  errors: {},
  kinds: {},
  assets: {},
  uses: {},
  stages: {},
  told: (words) => words,
};
