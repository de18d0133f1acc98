import type { Api } from '../api/client';
import type { Storage } from '../api/schema';
import { texts } from '../texts';
import { el } from '../ui/dom';
import { bytesWords, momentWords } from '../ui/words';
import { certainly, Section } from './section';

const t = texts.account.storage;

/** How much room what was made of one's photos takes, by kind; what the rules made can be deleted. */
export class StorageSection {
  readonly section: Section;
  private readonly table = el('dl', { class: 'settings-figures' });
  private readonly remove = certainly(t.removeByRules, t.sure, () => void this.delete());

  constructor(private readonly api: Api) {
    this.section = new Section(t.title, t.about, this.table, el('div', {}, this.remove));
  }

  async load(): Promise<void> {
    await this.section.attempt(async () => this.show(await this.api.storage()));
  }

  /** isOfImmich: whether there can be rules, which only a library of Immich has. */
  suit(isOfImmich: boolean): void {
    this.remove.hidden = !isOfImmich;
  }

  private show({ mine, kept, quota_bytes, looked_at }: Storage): void {
    // A folder belongs to nobody: there, who manages sees all.
    const shown = Object.keys(mine).length > 0 ? mine : kept;
    const kinds = Object.entries(shown).filter(([, { objects }]) => objects > 0);
    const row = (name: string, value: string) => [el('dt', {}, name), el('dd', {}, value)];
    const all = kinds.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    const of =
      quota_bytes === null ? bytesWords(all) : t.of(bytesWords(all), bytesWords(quota_bytes));
    this.table.replaceChildren(
      ...kinds
        .sort(([, a], [, b]) => b.bytes - a.bytes)
        .flatMap(([kind, { objects, bytes }]) =>
          row(t.kinds[kind as keyof typeof t.kinds] ?? kind, t.files(objects, bytesWords(bytes))),
        ),
      ...row(t.all, of),
    );
    this.section.tell(looked_at ? t.lookedAt(momentWords(looked_at)) : t.notYet);
  }

  /** Deletes a part at a time, until nothing is left. */
  private async delete(): Promise<void> {
    this.remove.disabled = true;
    let deleted = 0;
    const done = await this.section.attempt(async () => {
      for (let left = 1; left > 0; ) {
        const answer = await this.api.deleteMadeByRules();
        deleted += answer.deleted;
        left = answer.deleted > 0 ? answer.left : 0;
        this.section.tell(t.deleted(deleted));
      }
    });
    this.remove.disabled = false;
    if (done) this.section.tell(t.deleted(deleted));
  }
}
