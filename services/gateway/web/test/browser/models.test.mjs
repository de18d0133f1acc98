import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, openBrowser, state, until, withViewer } from './browser.mjs';

const MODELS = '#/models';
const WIDE = { viewport: { width: 900, height: 700 } };
const model = (page, key) => page.locator(`[data-model="${key}"]`);

describe('the models', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('are listed with state, size and licence, within reach of the gallery, and accessible', () =>
    withViewer(browser, { context: WIDE }, async (page) => {
      await page.getByRole('link', { name: 'Models' }).click();
      await model(page, 'sharp').waitFor();
      assert.equal((await state(page)).view, 'models');
      const words = await model(page, 'sharp').textContent();
      assert.match(words, /SHARP.*Not for commercial use.*3D · 2\.8 GB · Apple research licence/);
      const licence = model(page, 'sharp').getByRole('link', { name: 'Apple research licence' });
      assert.equal(await licence.getAttribute('href'), 'https://licences.example.org/sharp');
      const groups = await page.locator('.models h2').allTextContents();
      assert.deepEqual(groups, ['Works now', 'Recommended', 'Best 3D, for research alone']);
      await assertAccessible(page);
      await page.keyboard.press('Escape');
      await until(page, () => document.body.dataset.view === 'gallery');
    }));

  it('are fetched after an explicit yes to the licence, with progress, and deleted, by keyboard alone', () =>
    withViewer(browser, { path: MODELS, context: WIDE }, async (page) => {
      const sharp = model(page, 'sharp');
      await until(page, () => document.body.dataset.socket === 'connected');
      await sharp.getByRole('button', { name: /^Accept and download/ }).focus();
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog', { name: 'SHARP' });
      await dialog.getByText(/does not allow commercial use/).waitFor();
      await assertAccessible(page);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      assert.equal(await sharp.getAttribute('data-state'), 'needs_licence');
      await page.keyboard.press('Enter');
      await dialog.getByRole('button', { name: 'I accept Apple research licence' }).focus();
      await page.keyboard.press('Enter');
      await sharp.locator('[role=progressbar][aria-valuenow]').waitFor();
      assert.match(
        await sharp.locator('.model-state').textContent(),
        /of 2\.8 GB · 1\.4 GB\/s · \d s left/,
      );
      await assertAccessible(page);
      await sharp.getByText('On this server · licence accepted by Ann').waitFor();
      assert.match(await page.locator('[role=status].sr-only').textContent(), /SHARP is here/);
      await sharp.getByRole('button', { name: /^Load/ }).focus();
      await page.keyboard.press('Enter');
      await sharp.getByText('In memory').waitFor();
      await sharp.getByRole('button', { name: /^Free memory/ }).click();
      await sharp.getByRole('button', { name: /^Delete/ }).click();
      await page.getByRole('button', { name: 'Delete it' }).click();
      await sharp.getByText('Not downloaded').waitFor();
    }));

  it('say why a download failed and try again, and can be cancelled', () =>
    withViewer(browser, { path: MODELS, context: WIDE }, async (page, { models }) => {
      models.failures.set('da3-base', 'no_space');
      await page.getByText('1 other model').click();
      const base = model(page, 'da3-base');
      await base.getByRole('button', { name: /^Download/ }).click();
      await base.getByText(/There is no space for the weights/).waitFor();
      await base.getByRole('button', { name: /^Try again/ }).click();
      await base.getByRole('button', { name: /^Cancel/ }).click();
      await base.getByText('Not downloaded').waitFor();
      assert.equal(await base.getByText(/There is no space/).isVisible(), false);
    }));

  it('are only looked at by those who may not manage them', () =>
    withViewer(
      browser,
      {
        path: MODELS,
        prepare: ({ models }) => {
          models.mayManage = false;
        },
      },
      async (page) => {
        await page.getByText('An administrator of Immich decides').waitFor();
        assert.equal(await page.locator('.model button').count(), 0);
        await assertAccessible(page);
      },
    ));

  it('are what a photo leads to whose model is not to be had yet, and lead back', () =>
    withViewer(
      browser,
      { path: '&motion=0#/photo/photo-0001', expect: ['403'] },
      async (page, { models }) => {
        await page.getByRole('button', { name: 'More', exact: true }).click();
        await page.getByRole('button', { name: /^Make 3D with/ }).click();
        const dialog = page.getByRole('dialog', { name: 'Make 3D' });
        assert.equal(await dialog.getByText('SHARP').count(), 0);
        await dialog.getByLabel(/Depth Anything V2 Small/).check();
        models.all.get('da2-small').state = 'needs_licence';
        await dialog.getByRole('button', { name: 'Make it' }).click();
        await page.getByText('The licence of this model has not been accepted.').waitFor();
        await page.getByRole('button', { name: 'Models' }).click();
        await model(page, 'sharp').waitFor();
        await page.getByRole('button', { name: 'Back' }).click();
        await until(page, () => document.body.dataset.view === 'photo');
      },
    ));
});
