import { chosenLanguage } from '../texts/language';

/** What is said before VR is entered; everything else of VR has its words in its own chunk. */
const en = {
  enter: 'Enter VR',
  why: 'Why not VR',
  close: 'Close',
  insecure:
    'VR needs https: start ImmichVR with --tls, or open it through a proxy that speaks TLS.',
  noXr: 'This browser has no WebXR: open this page in a headset’s browser, or in Chrome or Edge with a headset connected.',
  noWebGl: 'This browser draws no WebGL 2, which VR needs.',
  noHeadset: 'No headset is there: connect one, or open this page in the headset’s own browser.',
  forbidden: 'The page that shows this one does not allow VR: open it by its own address.',
  refused: 'The headset did not let VR begin: put it on, allow it there, and try again.',
  broken: 'VR could not begin: load this page again, and try once more.',
  lost: 'The graphics device was lost, and VR with it: enter it again.',
};

const de: typeof en = {
  enter: 'VR betreten',
  why: 'Warum kein VR',
  close: 'Schließen',
  insecure: 'VR braucht https: starte ImmichVR mit --tls, oder öffne es über einen Proxy mit TLS.',
  noXr: 'Dieser Browser hat kein WebXR: öffne die Seite im Browser eines Headsets, oder in Chrome oder Edge mit angeschlossenem Headset.',
  noWebGl: 'Dieser Browser zeichnet kein WebGL 2, das VR braucht.',
  noHeadset:
    'Es ist kein Headset da: schließe eines an, oder öffne die Seite im Browser des Headsets.',
  forbidden: 'Die Seite, die diese zeigt, erlaubt kein VR: öffne sie unter ihrer eigenen Adresse.',
  refused:
    'Das Headset ließ VR nicht beginnen: setze es auf, erlaube es dort, und versuche es noch einmal.',
  broken: 'VR konnte nicht beginnen: lade die Seite neu, und versuche es noch einmal.',
  lost: 'Das Grafikgerät ging verloren, und VR damit: betritt es noch einmal.',
};

export const words: typeof en = chosenLanguage() === 'de' ? de : en;
