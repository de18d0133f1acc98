import '../styles/base.css';
import '../styles/photo.css';
import '../styles/dialogs.css';
import '../styles/live.css';
import { startLive } from './page';

startLive(document.getElementById('app') as HTMLElement);
void import('../ui/keepFocus').then(({ keepFocus }) => keepFocus());
