import './styles/base.css';
import './styles/gallery.css';
import './styles/photo.css';
import './styles/dialogs.css';
import { startApp } from './app';

startApp(document.getElementById('app') as HTMLElement);
