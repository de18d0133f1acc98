import { withAutomation } from './automation';
import { Door } from './door';
import { withLibrary } from './library';
import { withMaking } from './making';
import { withModels } from './models';
import { withScenes } from './scenes';
import { withSettings } from './settings';
import { withSigning } from './signing';

export { ApiError, type OnBytes } from './door';
export type { Page } from './pages';

/** The gateway's HTTP API, below the address of the page. */
export class Api extends withSettings(
  withSigning(withLibrary(withMaking(withModels(withAutomation(withScenes(Door)))))),
) {}
