import type { DoorClass } from './door';
import type { MySettings } from './schema';

/** What a person has set for themselves. */
export const withSettings = <B extends DoorClass>(Base: B) =>
  class extends Base {
    mySettings(): Promise<MySettings> {
      return this.get('/api/me/settings');
    }

    /** Sets what is in it, takes back what is null there, and leaves the rest. */
    async changeSettings(changes: Partial<MySettings>): Promise<MySettings> {
      return (await this.send('PATCH', '/api/me/settings', changes)).json();
    }
  };
