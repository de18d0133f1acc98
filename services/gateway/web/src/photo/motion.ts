import { AskDialog, choice, choices } from './ask';

/** How the camera goes in a motion clip, in the gateway's words. */
const PATHS: [path: string, label: string, note: string][] = [
  ['sway', 'Sway', 'Gently from side to side'],
  ['orbit', 'Orbit', 'Once around'],
  ['dolly', 'Dolly', 'Closer and back, with depth'],
  ['zoom', 'Zoom', 'Back while the lens closes in'],
];

/** Asks how a photo is to move. */
export class MotionDialog {
  private readonly dialog = new AskDialog('move');

  show(onMake: (path: string) => void): void {
    const paths = PATHS.map(([path, label, note], at) =>
      choice('path', path, label, note, at === 0),
    );
    this.dialog.show('Make it move', [choices('Camera', 'path', paths)], (chosen) =>
      onMake(String(chosen.get('path'))),
    );
  }
}
