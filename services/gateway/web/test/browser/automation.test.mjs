import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, openBrowser, state, until, withViewer } from './browser.mjs';

const WIDE = { viewport: { width: 900, height: 700 } };

describe('photos that become 3D by themselves', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('are switched on with what is chosen, and off again, by keyboard alone', () =>
    withViewer(browser, { context: WIDE }, async (page) => {
      await page.getByRole('link', { name: 'New photos in 3D' }).click();
      const told = page.locator('.automation-state');
      await page.getByText('Photos do not become 3D by themselves').waitFor();
      assert.equal((await state(page)).view, 'automation');
      await assertAccessible(page);
      await page.getByRole('combobox', { name: 'Becomes 3D' }).selectOption('favourites');
      await page.getByLabel('Only the light version').check();
      await page.getByRole('button', { name: 'Switch on' }).focus();
      await page.keyboard.press('Enter');
      await until(page, () => document.querySelector('.automation').dataset.state === 'on');
      assert.match(await told.textContent(), /^New photos become 3D/);
      assert.equal(
        await page.getByRole('combobox', { name: 'Becomes 3D' }).inputValue(),
        'favourites',
      );
      assert.ok(await page.getByLabel('Only the light version').isChecked());
      await assertAccessible(page);
      await page.getByRole('button', { name: 'Switch off' }).click();
      await until(page, () => document.querySelector('.automation').dataset.state === 'off');
      await page.keyboard.press('Escape');
      await until(page, () => document.body.dataset.view === 'gallery');
    }));

  it('may move in Immich itself, of external libraries only where that is said, and stand still again', () =>
    withViewer(
      browser,
      {
        context: WIDE,
        path: '#/automation',
        prepare: ({ automation }) => Object.assign(automation, { clips: 3 }),
      },
      async (page, { automation }) => {
        const clips = page.getByLabel('Let photos of which a motion clip is made move');
        const external = page.getByLabel('Also those whose files lie in external libraries');
        const takeOff = page.getByRole('button', { name: 'Take them all off' });
        await page.getByText('Photos do not become 3D by themselves').waitFor();
        assert.ok(await external.isDisabled());
        assert.ok(await takeOff.isHidden());
        await clips.check();
        await external.check();
        await page.getByRole('button', { name: 'Switch on' }).click();
        await page.getByText('3 photos move in Immich itself.').waitFor();
        assert.ok(await clips.isChecked());
        assert.ok(await external.isChecked());
        await assertAccessible(page);
        // Without clips there is nothing that files of external libraries could be left.
        await clips.uncheck();
        await page.getByRole('button', { name: 'Save' }).click();
        await until(page, () => !document.querySelector('[name=motion_clips]').checked);
        assert.equal(automation.integration.external_clips, false);
        await takeOff.click();
        await takeOff.waitFor({ state: 'hidden' });
        assert.equal((await state(page)).view, 'automation');
      },
    ));
});
