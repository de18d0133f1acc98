import '../styles/base.css';
import '../styles/photo.css';
import '../styles/dialogs.css';
import '../styles/live.css';
import { startLive } from './page';

startLive(document.getElementById('app') as HTMLElement);
// Where it cannot be fetched, as without a network, all else is as it is.
import('../ui/keepFocus').then(({ keepFocus }) => keepFocus()).catch(() => {});
