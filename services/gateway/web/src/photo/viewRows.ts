import type { PhotoDetail } from '../api/schema';
import { texts } from '../texts';
import { announce } from '../ui/announce';
import type { IconName } from '../ui/icons';
import type { Compare } from './compare';
import type { Stage } from './stage';

type Row = (name: IconName, label: string, run: () => void, note?: string) => HTMLElement;

const t = texts.view;

/** What the menu needs for its rows. */
export interface Around {
  row: Row;
  /** Whether visitors may take the picture with them. */
  mayDownload: boolean;
  /** Tells what did not happen, and what helps. */
  failed(words: string[]): void;
}

/** Whether this browser hands pictures on to other apps. */
const sharesPictures = (): boolean =>
  navigator.canShare?.({ files: [new File([], 'view.png', { type: 'image/png' })] }) ?? false;

/** What the menu has about how a photo is seen. */
export function viewRows(
  stage: Stage,
  compare: Compare,
  { name }: PhotoDetail,
  { row, mayDownload, failed }: Around,
): HTMLElement[] {
  const rows: HTMLElement[] = [];
  const drawer = stage.otherDrawer;
  if (drawer) {
    const w = texts.whoDraws;
    const [label, note] = drawer === 'server' ? [w.server, w.serverNote] : [w.device, w.deviceNote];
    rows.push(row('layers', label, () => stage.chooseWhoDraws(drawer), note));
  }
  for (const quality of stage.otherQualities)
    rows.push(row('cube', t.detail[quality], () => stage.chooseQuality(quality)));
  if (stage.mode !== 'flat')
    rows.push(row('compare', compare.isShown ? t.whole : t.compare, () => compare.toggle()));
  const saving = () => import('./saving');
  const save = async () => (await saving()).savePicture(stage.picture(), name);
  const share = async () => (await saving()).sharePicture(stage.picture(), name);
  if (mayDownload)
    rows.push(row('download', t.save, () => void save().catch(() => failed(t.notSaved))));
  if (mayDownload && sharesPictures()) {
    // Between a press and handing on there is little time; what does not come is told then.
    void saving().catch(() => {});
    rows.push(row('open', t.share, () => void share().catch(() => failed(t.notShared))));
  }
  // Only pages that came securely may write there.
  if (navigator.clipboard)
    rows.push(
      row('link', t.copyLink, () => {
        void navigator.clipboard.writeText(location.href).then(
          () => announce(t.copied),
          () => failed(t.notCopied),
        );
      }),
    );
  rows.push(row('reset', texts.menu.reset, () => stage.steering.reset()));
  return rows;
}
