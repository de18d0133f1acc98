import { texts } from '../texts';
import { AskDialog, choice, choices } from './ask';

/** How the camera goes in a motion clip, in the gateway's words. */
const PATHS = ['sway', 'orbit', 'dolly', 'zoom'];

const t = texts.making;

/** Asks how a photo is to move. */
export class MotionDialog {
  private readonly dialog = new AskDialog('move');

  show(onMake: (path: string) => void): void {
    const paths = PATHS.map((path, at) => {
      const [label, note] = t.paths[path] ?? [path, ''];
      return choice('path', path, label, note, at === 0);
    });
    this.dialog.show(t.move, [choices(t.camera, 'path', paths)], (chosen) =>
      onMake(String(chosen.get('path'))),
    );
  }
}
