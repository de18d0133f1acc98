import './styles/base.css';
import './styles/gallery.css';
import './styles/photo.css';
import './styles/dialogs.css';
import { startApp } from './app';
import { keepShell } from './shell/offline';

startApp(document.getElementById('app') as HTMLElement);
keepShell();
// Where it cannot be fetched, as without a network, all else is as it is.
import('./ui/keepFocus').then(({ keepFocus }) => keepFocus()).catch(() => {});
