import type { DoorClass } from './door';
import type {
  Config,
  Credentials,
  Device,
  Invitation,
  PairingState,
  Share,
  SignIn,
  Waiting,
} from './schema';

/** Coming in, by a person or by a share link, and letting other devices in. */
export const withSigning = <B extends DoorClass>(Base: B) =>
  class extends Base {
    config(): Promise<Config> {
      return this.get('/api/config');
    }

    async signIn(credentials: Credentials): Promise<void> {
      await this.send('POST', '/api/session', credentials);
    }

    async signOut(): Promise<void> {
      await this.send('DELETE', '/api/session');
    }

    /** What the share link of this page is called; `password_required` where it asks for one. */
    share(): Promise<Share> {
      return this.get('/api/share');
    }

    async openShare(password: string): Promise<void> {
      await this.send('POST', '/api/share', { password });
    }

    /** Where the browser goes to sign in with OAuth. */
    async oauthAddress(): Promise<string> {
      return ((await (await this.send('POST', '/api/oauth/authorize')).json()) as { url: string })
        .url;
    }

    /** This device asks to be let in, by digits that it shows. */
    async askToPair(): Promise<Waiting> {
      return (await this.send('POST', '/api/pairing')).json();
    }

    /** As whom an invitation signs in; it stays as it is. */
    async inviter(invitation: Invitation): Promise<string> {
      const answer = await this.send('POST', '/api/pairing/invitation/look', invitation);
      return ((await answer.json()) as { name: string }).name;
    }

    /** secret: of an invitation, which it accepts; without one, the cookie of who asked tells it. */
    async pairingState(id: string, secret = ''): Promise<PairingState> {
      const body = secret ? { id, secret } : { id };
      const answer = await this.send('POST', '/api/pairing/session', body);
      return ((await answer.json()) as { state: PairingState }).state;
    }

    async deviceShowing(code: string): Promise<Device> {
      return (await this.send('POST', '/api/pairing/look', { code })).json();
    }

    async answerDevice(code: string, id: string, isMine: boolean): Promise<void> {
      await this.send('POST', `/api/pairing/${isMine ? 'confirm' : 'refuse'}`, { code, id });
    }

    async signIns(): Promise<SignIn[]> {
      return (await this.get<{ items: SignIn[] }>('/api/sessions')).items;
    }

    async endSignIn(id: string): Promise<void> {
      await this.send('DELETE', `/api/sessions/${encodeURIComponent(id)}`);
    }

    async signOutEverywhere(): Promise<void> {
      await this.send('DELETE', '/api/sessions');
    }
  };
