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
});
