/** What a person has set, and what counts where nothing is. */
export const GALLERY = {
  adjacentPhotosCount: 2,
  animationDuration: 0.5,
  gaussianSplat: { enabled: true, defaultQuality: 'medium', formats: ['spz', 'splat', 'ksplat'] },
  parallaxIntensity: 0.1,
  thumbnailSize: 1,
  rowWidth: 8,
  backgroundColor: '#000000',
};

export class Preferences {
  kept = {};

  change(changes) {
    this.kept = merged(this.kept, changes);
  }
}

function merged(kept, changes) {
  const now = { ...kept };
  for (const [name, value] of Object.entries(changes)) {
    const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
    if (value === null) delete now[name];
    else now[name] = isObject ? merged(now[name] ?? {}, value) : value;
  }
  return now;
}
