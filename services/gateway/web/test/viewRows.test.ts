import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PhotoDetail } from '../src/api/schema';
import type { Compare } from '../src/photo/compare';
import type { Stage } from '../src/photo/stage';
import { viewRows } from '../src/photo/viewRows';
import { texts } from '../src/texts';
import { announce } from '../src/ui/announce';

vi.mock('../src/ui/announce', () => ({ announce: vi.fn() }));

const t = texts.view;

/** The rows of a flat photo by their names, and what was told to have failed. */
function setUp(mayDownload: boolean, blob: Blob | null = null, [width, height] = [900, 600]) {
  const toBlob = (done: (blob: Blob | null) => void) => done(blob);
  const canvas = { width, height, toBlob };
  const stage = { mode: 'flat', otherQualities: [], otherDrawer: null, picture: () => canvas };
  const rows = new Map<string, () => void>();
  const failed = vi.fn();
  viewRows(stage as unknown as Stage, {} as Compare, { name: 'a.jpg' } as PhotoDetail, {
    row: (_, label, run) => {
      rows.set(label, run);
      return {} as HTMLElement;
    },
    mayDownload,
    failed,
  });
  return { rows, failed };
}

describe('what the menu has about how a photo is seen', () => {
  const writeText = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('navigator', { clipboard: { writeText } });
    vi.stubGlobal('location', { href: 'http://host/#/photo/a' });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  it('is no picture to save for visitors of a link that allows no downloads', () => {
    expect([...setUp(true).rows.keys()]).toContain(t.save);
    expect([...setUp(false).rows.keys()]).toEqual([t.copyLink, texts.menu.reset]);
  });

  it('saves a picture whose address holds until the browser has read it', async () => {
    const link = { href: '', download: '', click: vi.fn() };
    vi.stubGlobal('document', { createElement: () => link });
    const revoke = vi.spyOn(URL, 'revokeObjectURL');
    const { rows, failed } = setUp(true, new Blob(['picture']));
    rows.get(t.save)?.();
    await vi.waitFor(() => expect(link.click).toHaveBeenCalled());
    expect(link.download).toBe('a_view.png');
    expect(revoke).not.toHaveBeenCalled();
    await vi.runAllTimersAsync();
    expect(revoke).toHaveBeenCalledWith(link.href);
    expect(failed).not.toHaveBeenCalled();
  });

  it('hands a picture on where the browser can, and says nothing where nobody took it', async () => {
    const share = vi.fn();
    vi.stubGlobal('navigator', { canShare: () => true, share });
    expect([...setUp(false).rows.keys()]).not.toContain(t.share);
    const { rows, failed } = setUp(true, new Blob(['picture']));
    rows.get(t.share)?.();
    await vi.waitFor(() => expect(share).toHaveBeenCalled());
    const [file] = (share.mock.calls.flat() as { files: [File] }[]).flatMap(({ files }) => files);
    expect([file?.name, file?.type, file?.size]).toEqual(['a_view.png', 'image/png', 7]);
    share.mockRejectedValueOnce(new DOMException('', 'AbortError'));
    rows.get(t.share)?.();
    share.mockRejectedValueOnce(new DOMException('', 'NotAllowedError'));
    rows.get(t.share)?.();
    await vi.waitFor(() => expect(failed.mock.calls).toEqual([[t.notShared]]));
    expect(share).toHaveBeenCalledTimes(3);
  });

  it('hands on a large picture with no side longer than 4096 pixels, and saves it whole', async () => {
    const share = vi.fn();
    vi.stubGlobal('navigator', { canShare: () => true, share });
    const drawImage = vi.fn();
    const small = {
      width: 0,
      height: 0,
      getContext: () => ({ drawImage }),
      toBlob: (done: (blob: Blob) => void) => done(new Blob(['small'])),
    };
    const link = { href: '', download: '', click: vi.fn() };
    const createElement = (name: string) => (name === 'a' ? link : small);
    vi.stubGlobal('document', { createElement });
    const { rows } = setUp(true, new Blob(['whole one']), [6000, 8192]);
    rows.get(t.share)?.();
    await vi.waitFor(() => expect(share).toHaveBeenCalled());
    expect([small.width, small.height]).toEqual([3000, 4096]);
    expect(drawImage).toHaveBeenCalledWith(
      expect.objectContaining({ width: 6000 }),
      0,
      0,
      3000,
      4096,
    );
    expect(share.mock.calls[0]?.[0].files[0].size).toBe('small'.length);
    drawImage.mockClear();
    rows.get(t.save)?.();
    await vi.waitFor(() => expect(link.click).toHaveBeenCalled());
    expect(drawImage).not.toHaveBeenCalled();
  });

  it('tells where a picture cannot be made, or a link cannot be copied', async () => {
    const { rows, failed } = setUp(true);
    rows.get(t.save)?.();
    await vi.waitFor(() => expect(failed).toHaveBeenCalledWith(t.notSaved));
    writeText.mockRejectedValueOnce(new Error('refused'));
    rows.get(t.copyLink)?.();
    await vi.waitFor(() => expect(failed).toHaveBeenCalledWith(t.notCopied));
    writeText.mockResolvedValueOnce(undefined);
    rows.get(t.copyLink)?.();
    await vi.waitFor(() => expect(announce).toHaveBeenCalledWith(t.copied));
    expect(failed).toHaveBeenCalledTimes(2);
  });
});
