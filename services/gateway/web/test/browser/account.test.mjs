import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, openBrowser, until, withViewer } from './browser.mjs';

const WIDE = { viewport: { width: 1280, height: 800 } };
const SMALL = { viewport: { width: 320, height: 640 }, colorScheme: 'light' };
const section = (page, name) => page.locator('section.settings', { hasText: name });

describe('the account', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  for (const [how, context] of [
    ['wide', WIDE],
    ['narrow, light', SMALL],
  ]) {
    it(`has nothing that axe complains about: ${how}`, () =>
      withViewer(browser, { context, path: '#/account' }, async (page) => {
        await page.getByText('3.1 GB in 412 files').waitFor();
        await page.getByText('Quest 3').waitFor();
        await assertAccessible(page);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(beyond <= 0);
      }));
  }

  it('allows work in one’s absence and takes that back, by keyboard', () =>
    withViewer(browser, { context: WIDE, path: '#/account' }, async (page) => {
      const away = section(page, 'While you are away');
      await away.getByText('Off').waitFor();
      await away.getByRole('button', { name: 'Allow it' }).focus();
      await page.keyboard.press('Enter');
      await away.getByText(/^On · what you asked for goes on/).waitFor();
      await away.getByText('3 permissions').click();
      await away.getByText('asset.view').waitFor();
      await away.getByRole('button', { name: 'Take it back' }).click();
      await away.getByText('Off').waitFor();
    }));

  it('names the permissions that a key lacks', () =>
    withViewer(
      browser,
      { context: WIDE, path: '#/account', expect: ['403'] },
      async (page, gateway) => {
        gateway.account.lacking = ['apiKey.create'];
        const away = section(page, 'While you are away');
        await away.getByRole('button', { name: 'Allow it' }).click();
        await away.getByText(/This key lacks apiKey\.create/).waitFor();
      },
    ));

  it('adds a webhook, tells its secret once, and removes it after a second word', () =>
    withViewer(browser, { context: WIDE, path: '#/account' }, async (page, { account }) => {
      const hooks = section(page, 'Webhooks');
      await hooks.getByLabel('Address').fill('https://example.org/hook');
      await hooks.getByRole('button', { name: 'Add webhook' }).click();
      await hooks.getByText('whsec_dGVzdA==').waitFor();
      await hooks.getByText('https://example.org/hook').waitFor();
      assert.deepEqual(account.hooks[0].events, ['job.succeeded', 'job.failed']);
      await hooks.getByRole('button', { name: 'Remove' }).click();
      assert.equal(account.hooks.length, 1);
      await hooks.getByRole('button', { name: 'Really remove?' }).click();
      await until(page, () => !document.querySelector('.settings-list li'));
      await page.reload();
      await page.getByText('3.1 GB in 412 files').waitFor();
      assert.equal(await page.getByText('whsec_').count(), 0);
    }));

  it('deletes all that rules have made, a part at a time', () =>
    withViewer(browser, { context: WIDE, path: '#/account' }, async (page, { account }) => {
      const storage = section(page, 'Storage');
      await storage.getByRole('button', { name: 'Delete what rules have made' }).click();
      await storage.getByRole('button', { name: 'Really delete it all?' }).click();
      await storage.getByText('350 results deleted.').waitFor();
      assert.equal(account.madeByRules, 0);
    }));

  it('ends one sign-in, and says how it stands with photos that become 3D by themselves', () =>
    withViewer(browser, { context: WIDE, path: '#/account' }, async (page) => {
      await page.locator('[data-sign-in="sign-in-2"]').getByRole('button').click();
      await until(page, () => document.querySelectorAll('[data-sign-in]').length === 1);
      await section(page, 'New photos in 3D')
        .getByText(/do not become 3D by themselves/)
        .waitFor();
      await page.getByRole('link', { name: 'Change' }).click();
      await until(page, () => document.body.dataset.view === 'automation');
      await page.goBack();
      await until(page, () => document.body.dataset.view === 'account');
    }));

  it('of a folder says nothing of rules and absence, which it has not', () =>
    withViewer(browser, { context: WIDE, path: '#/account', library: 'folder' }, async (page) => {
      await page.getByText('3.1 GB in 412 files').waitFor();
      assert.equal(await section(page, 'While you are away').isVisible(), false);
      assert.equal(await page.getByRole('button', { name: /rules/ }).count(), 0);
    }));
});
