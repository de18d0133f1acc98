import { texts } from '../texts';
import type { Choice } from './backend';

/** What WebGPU does here, or why it does nothing; empty until that is known. */
export function whyWords(choice: Choice | null): string {
  const t = texts.figures.webgpuIs;
  if (!choice) return '';
  if (choice.why !== 'asked') return t[choice.why];
  return choice.backend === 'webgpu' ? t.askedFor : t.askedAway;
}
