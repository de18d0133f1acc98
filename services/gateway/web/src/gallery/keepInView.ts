/** Below this, who looks at the top of the list wants to see what comes. */
const AT_THE_TOP = 8;

/** Changes a list without moving, on the screen, the first of its tiles that can be seen and stays. */
export function keepInView(scroller: HTMLElement, list: HTMLElement, change: () => void): void {
  if (scroller.scrollTop < AT_THE_TOP) {
    change();
    return;
  }
  const top = scroller.getBoundingClientRect().top;
  const seen = [...list.children]
    .map((tile) => ({ tile, box: tile.getBoundingClientRect() }))
    .filter(({ box }) => box.bottom > top);
  change();
  const anchor = seen.find(({ tile }) => tile.isConnected);
  if (anchor) scroller.scrollTop += anchor.tile.getBoundingClientRect().top - anchor.box.top;
}
