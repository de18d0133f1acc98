import { expect, it } from 'vitest';
import { dependencies } from '../package.json';
import { READ_IN } from '../src/render/sparkInternals';

it("Spark's internals were read in the version that is installed", () => {
  expect(dependencies['@sparkjsdev/spark'], 'read them again, then raise READ_IN').toBe(READ_IN);
});
