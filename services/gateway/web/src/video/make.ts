import type { Model } from '../api/schema';
import { AskDialog } from '../photo/ask';
import { modelChoices } from '../photo/make';
import { texts } from '../texts';

/** What depth of a video is called among what models make. */
const VIDEO_DEPTH = 'video-depth';

/** Asks with which model a video's depth is to be made. */
export class VideoMakeDialog {
  private readonly dialog = new AskDialog('make-video');

  show(models: Model[], onMake: (model: string) => void): void {
    const field = modelChoices(videoModels(models), models, () => this.dialog.close());
    this.dialog.show(texts.making.title, [field], (chosen) => onMake(String(chosen.get('model'))));
  }
}

/** The models that make depth of videos. */
export const videoModels = (models: Model[]): string[] =>
  models.filter(({ makes }) => makes.includes(VIDEO_DEPTH)).map(({ key }) => key);
