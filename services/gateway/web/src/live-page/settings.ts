import type { Config } from '../api/schema';
import { texts } from '../texts';
import { el } from '../ui/dom';
import type { Format, Output, Wishes } from './protocol';

type Choice = [value: string, label: string];

interface Quality {
  max_gaussians: number;
  process_res: number;
}

const QUALITIES: Record<string, Quality> = {
  lowest: { max_gaussians: 4_000, process_res: 168 },
  low: { max_gaussians: 8_000, process_res: 336 },
  medium: { max_gaussians: 21_000, process_res: 504 },
  high: { max_gaussians: 60_000, process_res: 504 },
  highest: { max_gaussians: 150_000, process_res: 756 },
};

const t = texts.live;

/** The controls of a session. Changing one calls back with all of them. */
export class Settings {
  readonly element: HTMLElement;
  private readonly model: HTMLSelectElement;
  private readonly quality: HTMLSelectElement;
  private readonly output: HTMLSelectElement;
  private readonly format: HTMLSelectElement;
  private readonly pruning = el('input', {
    class: 'live-range',
    type: 'range',
    min: 0,
    max: 0.5,
    step: 0.01,
    value: 0.02,
  });

  constructor(
    private readonly budget: number | null,
    search: URLSearchParams,
    onChange: () => void,
  ) {
    this.model = select([['auto', t.automatic]], 'auto');
    this.quality = select(Object.entries(t.qualities), search.get('quality') ?? 'medium');
    this.output = select(Object.entries(t.outputs), search.get('output') ?? 'gaussians');
    this.format = select(Object.entries(t.formats), search.get('format') ?? 'spark16');
    this.element = el(
      'form',
      { class: 'live-settings', 'aria-label': t.settings },
      row(t.model, this.model),
      row(t.shows, this.output),
      row(t.quality, this.quality),
      row(t.sentAs, this.format),
      row(t.leaveOut, this.pruning),
    );
    this.element.addEventListener('change', onChange);
    this.element.addEventListener('submit', (event) => event.preventDefault());
  }

  /** Offers the gateway's models; the one that the address names is chosen. */
  offer(config: Config, wanted: string | null): void {
    const usable = config.models.filter(
      ({ key, makes }) =>
        key !== 'embedded' && (makes.includes('depth') || makes.includes('splat')),
    );
    const choices = usable.map(({ key, name, state }): Choice => {
      const note =
        state === 'ready' || String(state) === 'loaded' ? '' : ` (${texts.models.states[state]})`;
      return [key, name + note];
    });
    fill(this.model, [['auto', t.automatic], ...choices], wanted ?? this.model.value);
  }

  get wishes(): Wishes {
    const { max_gaussians, process_res } =
      QUALITIES[this.quality.value] ?? (QUALITIES.medium as Quality);
    return {
      model: this.model.value,
      output: this.output.value as Output,
      format: this.format.value as Format,
      max_gaussians: Math.min(max_gaussians, Math.max(100, this.budget ?? max_gaussians)),
      process_res,
      opacity_threshold: Number(this.pruning.value),
    };
  }
}

function row(label: string, control: HTMLElement): HTMLElement {
  return el('label', { class: 'live-setting' }, el('span', {}, label), control);
}

function select(choices: Choice[], value: string): HTMLSelectElement {
  const element = el('select', { class: 'live-select' });
  fill(element, choices, value);
  return element;
}

function fill(element: HTMLSelectElement, choices: Choice[], value: string): void {
  element.replaceChildren(...choices.map(([key, label]) => el('option', { value: key }, label)));
  element.value = value;
  if (element.selectedIndex < 0) element.selectedIndex = 0;
}
