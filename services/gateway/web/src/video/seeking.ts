const HAVE_CURRENT_DATA = 2;

/** Brings a film to a moment; done once its frame is there. Throws where the film cannot be read. */
export async function seekTo(
  film: HTMLVideoElement,
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  if (film.readyState < 1) await once(film, 'loadedmetadata', signal);
  if (Math.abs(film.currentTime - seconds) > 0.001) {
    film.currentTime = seconds;
    await once(film, 'seeked', signal);
  }
  if (film.readyState < HAVE_CURRENT_DATA) await once(film, 'loadeddata', signal);
}

function once(film: HTMLVideoElement, event: string, signal: AbortSignal): Promise<void> {
  if (film.error) throw new Error('the film cannot be read');
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = (then: () => void) => () => {
      over.abort();
      then();
    };
    const options = { signal: over.signal };
    const fail = () => reject(new Error('the film cannot be read'));
    film.addEventListener(event, end(resolve), options);
    film.addEventListener('error', end(fail), options);
    signal.addEventListener('abort', end(resolve), options);
  });
}
