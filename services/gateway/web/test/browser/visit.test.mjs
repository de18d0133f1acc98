import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ownerOf } from '../../dev/mock.mjs';
import { awaited, openBrowser, until, withViewer } from './browser.mjs';

const TILES = '.tile[data-id]';
const ASKS = 'dialog.dialog-login[open]';

/** Writes down every photo that a document ever shows, and what of it is seen of a name. */
const watching = () => {
  window.everSeen = new Set();
  const note = () => {
    for (const tile of document.querySelectorAll('.tile[data-id]')) {
      window.everSeen.add(tile.dataset.id);
    }
    for (const image of document.querySelectorAll('img')) {
      const id = /photos\/([^/]+)\//.exec(image.src)?.[1];
      if (id) window.everSeen.add(id);
    }
  };
  new MutationObserver(note).observe(document, {
    childList: true,
    subtree: true,
    attributes: true,
  });
};

async function signIn(page, name) {
  await page.locator(ASKS).waitFor();
  await page.getByLabel('E-mail', { exact: true }).last().fill(`${name}@example.org`);
  await page.getByLabel('Password').fill('right');
  await page.keyboard.press('Enter');
  await page.locator(TILES).first().waitFor();
}

const everSeen = (page) => page.evaluate(() => [...window.everSeen]);
const ownersSeen = async (page) => [...new Set((await everSeen(page)).map(ownerOf))];

const nobody = (gateway) => {
  gateway.state.authenticated = false;
};

const options = { expect: ['401', '404'], init: watching, prepare: nobody };

async function assertNothingIsLeft(page) {
  await page.locator(ASKS).waitFor();
  assert.equal(await page.locator('.tile, img, canvas, .photo, .gallery').count(), 0);
  assert.doesNotMatch(await page.locator('body').textContent(), /motorcycle|\.jpg/);
  assert.equal(await page.evaluate(() => location.hash), '');
}

describe('one person after the other on the same page', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  for (const [how, ends] of [
    ['signs out', (page) => page.getByRole('button', { name: 'Sign out' }).click()],
    [
      'loses the session, as an answer says',
      async (page, gateway) => {
        gateway.state.authenticated = false;
        await page.evaluate(() => {
          location.hash = '#/photo/photo-0002';
        });
      },
    ],
    [
      'loses the session, as the socket says',
      (_page, gateway) => {
        gateway.state.authenticated = false;
        gateway.socket.emit('session:ended', { code: 'unauthorized', detail: 'the key is gone' });
      },
    ],
  ]) {
    it(`when the first ${how}, nothing of theirs is left for the next`, () =>
      withViewer(browser, options, async (page, gateway) => {
        await signIn(page, 'alice');
        await until(page, () => document.body.dataset.socket === 'connected');
        assert.deepEqual(await ownersSeen(page), ['alice']);
        await ends(page, gateway);
        await assertNothingIsLeft(page);
        await signIn(page, 'bob');
        assert.deepEqual(await ownersSeen(page), ['bob']);
      }));
  }

  it('a photo that is open closes, and its address leads the next person nowhere', () =>
    withViewer(browser, options, async (page, gateway) => {
      await signIn(page, 'alice');
      await page.locator(`${TILES} a`).first().click();
      await until(page, () => document.body.dataset.view === 'photo');
      const address = page.url();
      gateway.socket.emit('session:ended', { code: 'unauthorized', detail: 'the key is gone' });
      gateway.state.authenticated = false;
      await assertNothingIsLeft(page);
      await signIn(page, 'bob');
      await page.goto(address);
      await page.locator('.photo').getByText('This is not here any more.').waitFor();
      assert.ok(!(await page.locator('body').textContent()).includes('motorcycle-0.jpg'));
    }));

  it('what is still on its way when somebody leaves reaches nobody', () =>
    withViewer(browser, { ...options, photos: 130 }, async (page, gateway) => {
      await signIn(page, 'alice');
      gateway.state.delayMs = 700;
      const asked = awaited(page.waitForRequest(/api\/timeline\/\d/));
      await page.evaluate(() => document.querySelector('.gallery').scrollBy(0, 1e6));
      await asked;
      gateway.socket.emit('session:ended', { code: 'unauthorized', detail: 'the key is gone' });
      await assertNothingIsLeft(page);
      gateway.state.delayMs = 0;
      await page.waitForTimeout(900);
      await assertNothingIsLeft(page);
      gateway.state.authenticated = false;
      await signIn(page, 'bob');
      assert.deepEqual(await ownersSeen(page), ['bob']);
    }));

  it('a sign-out and a sign-in reach the other tabs of the browser', () =>
    withViewer(browser, options, async (page) => {
      await signIn(page, 'alice');
      const other = await page.context().newPage();
      await other.addInitScript(watching);
      await other.goto(page.url());
      await other.locator(TILES).first().waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await assertNothingIsLeft(other);
      await signIn(page, 'bob');
      await other.locator(TILES).first().waitFor();
      assert.deepEqual(await ownersSeen(other), ['bob']);
      assert.deepEqual(await ownersSeen(page), ['bob']);
    }));

  it('a page that the browser keeps to go back to holds nothing, and is read anew', () =>
    withViewer(browser, options, async (page) => {
      await signIn(page, 'alice');
      await page.evaluate(() => {
        window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
      });
      assert.equal(await page.locator('.tile, img').count(), 0);
      await page.evaluate(() => {
        window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
      });
      await page.locator(TILES).first().waitFor();
    }));
});
