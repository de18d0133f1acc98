import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, openBrowser, splatsShown, until, withViewer } from './browser.mjs';

describe('how a photo is seen', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('is compared along a line, in another detail, saved as a picture, and sent as a link', () =>
    withViewer(
      browser,
      { path: '&motion=0#/photo/photo-0000', context: { viewport: { width: 640, height: 600 } } },
      async (page) => {
        const open = async () => {
          // Controls rest while nobody moves.
          await page.mouse.move(300, 200);
          await page.mouse.move(320, 220);
          await page.getByRole('button', { name: 'More', exact: true }).click();
        };
        const menu = async (name) => {
          await open();
          await page.getByRole('button', { name }).click();
        };
        const cut = () =>
          page.evaluate(() => document.querySelector('.stage').style.getPropertyValue('--cut'));
        await splatsShown(page);
        await menu('Compare with the photo');
        const line = page.getByRole('slider', { name: 'Between the photo and its 3D' });
        assert.equal(await cut(), '50%');
        await page.keyboard.press('ArrowRight');
        assert.equal(await cut(), '51%');
        await assertAccessible(page);
        const box = await line.boundingBox();
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * 0.2, box.y + box.height / 2, { steps: 4 });
        await page.mouse.up();
        assert.ok(Number.parseFloat(await cut()) < 30, await cut());
        await page.keyboard.press('Escape');
        await line.waitFor({ state: 'hidden' });
        assert.ok(await page.evaluate(() => document.activeElement.matches('.photo')));

        const full = page.waitForRequest(/-full\.spz/);
        await menu('Show in full detail');
        await full;
        await open();
        await page.getByRole('button', { name: 'Show in light detail' }).waitFor();
        await page.keyboard.press('Escape');

        const saved = page.waitForEvent('download');
        await menu('Save this view as a picture');
        assert.equal((await saved).suggestedFilename(), 'motorcycle-0_view.png');

        await page.evaluate(() => {
          navigator.canShare = ({ files: [file] }) => file.type === 'image/png';
          navigator.share = async ({ files: [file] }) => {
            document.title = `${file.name} ${(await createImageBitmap(file)).width}`;
          };
        });
        await menu('Share this view');
        await until(page, () => /^motorcycle-0_view\.png \d{3,}$/.test(document.title));

        await page.keyboard.press('f');
        await until(page, () => document.fullscreenElement !== null);
        await page.keyboard.press('f');
        await until(page, () => document.fullscreenElement === null);

        await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
        await menu('Copy the link to it');
        await until(
          page,
          async (wanted) => (await navigator.clipboard.readText()).endsWith(wanted),
          '#/photo/photo-0000',
        );
      },
    ));
});
